package directory

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// localIDs is where the ids of entities begin that were made on site: the CRM's own count from 1.
const localIDs = 1 << 40

// Edit changes the directory on site, at once. With a CRM the edit is pending until the CRM has
// accepted it; without one the result is the directory. ID, time, state, base and, for a new entity
// without one, the entity's id are filled in.
//
// It is refused, and nothing is changed, with ErrFile, ErrNone, the errors of ringside.Edit.Apply,
// ringside.DecodeErrors for values of the wrong type, a *ProblemError if it puts something out of
// service, and a *LossError if it looks like an accident and is not confirmed.
func (k *Keeper) Edit(ctx context.Context, e ringside.Edit, confirmed bool) (Outcome, error) {
	if err := k.lock(ctx); err != nil {
		return Outcome{}, err
	}
	defer k.unlock()
	switch {
	case k.opt.File != "":
		return Outcome{}, fmt.Errorf("%w: %s", ErrFile, k.opt.File)
	case k.cur == nil:
		return Outcome{}, ErrNone
	}
	k.identify(&e)
	data, err := e.Apply(k.cur.data)
	if err != nil {
		return Outcome{}, err
	}
	d, brought, err := k.judge(data, &e, confirmed)
	if err != nil {
		return Outcome{}, err
	}
	if len(ringside.Compare(k.cur.directory(), d.directory())) == 0 {
		return k.outcome(Unchanged, nil), nil
	}
	version, err := k.versionAfterEdit(ctx)
	if err != nil {
		return Outcome{}, err
	}
	if data, err = ringside.WithVersion(data, version); err == nil {
		d, err = read(data)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("giving the directory its next version: %w", err)
	}
	k.madeHere(e.Entity)
	if k.opt.WithCRM {
		k.edits = append(k.edits, e)
		k.unsaved.edits[e.ID] = true
	}
	k.apply(ctx, d, 0, "edit", e.Author)
	if k.opt.WithCRM {
		k.wake()
	}
	o := k.outcome(Applied, brought)
	e.Fields = ringside.WithoutSecrets(e.Fields)
	o.Edit = &e
	return o, nil
}

// identify fills in what makes the edit one of this node.
func (k *Keeper) identify(e *ringside.Edit) {
	e.At = k.now()
	k.lastID = max(k.lastID+1, e.At.UnixNano())
	var random [4]byte
	_, _ = rand.Read(random[:]) // it never fails
	e.ID = fmt.Sprintf("%016x-%s", k.lastID, hex.EncodeToString(random[:]))
	e.State, e.Version, e.Reason, e.Ours, e.Theirs = ringside.EditPending, "", "", nil, nil
	e.Base = k.cur.directory().Version
	if k.base != nil {
		e.Base = k.base.Version
	}
	if e.Op != ringside.EditCreate || e.Entity != 0 {
		return
	}
	var given struct {
		ID int64 `json:"id"`
	}
	if err := json.Unmarshal(e.Fields, &given); err == nil && given.ID != 0 {
		e.Entity = given.ID
		return
	}
	k.madeHereBefore()
	e.Entity = k.localID + 1
}

// madeHere takes note of an id that may have been given here: it is not given again.
func (k *Keeper) madeHere(id int64) {
	if id > localIDs && id < 2*localIDs {
		k.localID = max(k.localID, id)
	}
}

func (k *Keeper) madeHereBefore() {
	k.localID = max(k.localID, localIDs)
	d := k.cur.directory()
	for i := range d.Servers {
		k.madeHere(d.Servers[i].ID)
	}
	for i := range d.Numbers {
		k.madeHere(d.Numbers[i].ID)
	}
	for i := range d.Groups {
		k.madeHere(d.Groups[i].ID)
	}
	for i := range d.Rules {
		k.madeHere(d.Rules[i].ID)
	}
}

// judge reads the document that an edit has made, and says what the edit brings with it.
func (k *Keeper) judge(data []byte, e *ringside.Edit, confirmed bool) (*draft, []ringside.Problem, error) {
	d, err := read(data)
	if err != nil {
		return nil, nil, inEntity(err, e)
	}
	brought := newProblems(k.cur.problems, d.problems)
	var faults []ringside.Problem
	for _, p := range brought {
		if p.Severity == ringside.Faulty {
			faults = append(faults, p)
		}
	}
	if len(faults) > 0 {
		return nil, nil, &ProblemError{faults}
	}
	if losses := ringside.Losses(k.cur.directory(), d.directory()); len(losses) > 0 && !confirmed {
		return nil, nil, &LossError{losses}
	}
	return d, brought, nil
}

// inEntity names the entity in place of its position in the document, which nobody who edits sees.
func inEntity(err error, e *ringside.Edit) error {
	all := ringside.DecodeErrorsOf(err)
	if all == nil || e.Kind == "directory" {
		return err
	}
	named := make(ringside.DecodeErrors, len(all))
	for i, one := range all {
		copied := *one
		_, copied.Path, _ = strings.Cut(one.Path, "].")
		named[i] = &copied
	}
	return fmt.Errorf("%s %d: %w", e.Kind, e.Entity, named)
}

// newProblems gives the problems that were not there before.
func newProblems(old, next []ringside.Problem) (brought []ringside.Problem) {
	type key struct {
		severity          ringside.Severity
		code, kind, field string
		id                int64
		text              string
	}
	of := func(p *ringside.Problem) key { return key{p.Severity, p.Code, p.Kind, p.Field, p.ID, p.Text} }
	had := map[key]int{}
	for i := range old {
		had[of(&old[i])]++
	}
	for i := range next {
		if p := &next[i]; had[of(p)] > 0 {
			had[of(p)]--
		} else if p.Code != "too-many-problems" { // it counts those that are not listed
			brought = append(brought, *p)
		}
	}
	return brought
}

// versionAfterEdit is the base's version with the number of edits on top, so that a call's record tells
// them; without a CRM the next one, which no kept edition has.
func (k *Keeper) versionAfterEdit(ctx context.Context) (string, error) {
	if k.opt.WithCRM {
		base, _, err := ringside.DecodeDirectory(k.base.Data)
		if err != nil {
			return "", fmt.Errorf("reading the base of the edits: %w", err)
		}
		on := 1
		for i := range k.edits {
			if k.edits[i].State != ringside.EditRejected {
				on++
			}
		}
		return versionOn(base.Version, on), nil
	}
	taken := map[string]bool{}
	kept, _ := k.opt.Store.Editions(ctx, searched) // a disk that can't be read must not keep an edit from working
	for i := range kept {
		taken[kept[i].Version] = true
	}
	version := k.cur.directory().Version
	for at := k.now(); ; at = at.Add(1) { // two edits of one moment are two versions
		if version = ringside.NextVersion(version, at); !taken[version] {
			return version, nil
		}
	}
}

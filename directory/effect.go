package directory

import (
	"context"
	"time"

	"github.com/ringside-pbx/ringside"
)

const (
	// maxChanges is how many changes of an edition are listed; the rest is counted.
	maxChanges = 200
	// maxLogged is how many problems of a directory are logged.
	maxLogged = 20
)

// header describes a document as an edition beside the one in effect.
func (k *Keeper) header(d *draft, source, author string) ringside.Edition {
	dir := d.directory()
	e := ringside.Edition{
		Version: dir.Version, Source: source, Author: author, Time: k.now(), State: ringside.EditionApplied,
		Changes: []string{}, Size: len(d.data), Digest: d.digest,
	}
	old := &ringside.Directory{}
	if k.cur != nil {
		old = k.cur.directory()
	}
	changes := ringside.Compare(old, dir)
	for i := range changes[:min(len(changes), maxChanges)] {
		e.Changes = append(e.Changes, changes[i].String())
	}
	e.More = len(changes) - len(e.Changes)
	return e
}

// apply puts a document in effect as a new edition, or, with a number, as the edition that was held.
// The effect comes first: the disk may fail.
func (k *Keeper) apply(ctx context.Context, d *draft, number uint64, source, author string) {
	e := k.header(d, source, author)
	e.Number = number
	k.opt.Effect(d.compiled)
	k.cur = &effective{*d, e}
	k.unsaved.current = true
	k.failure = ""
	k.tell()
	k.save(ctx)
}

func (k *Keeper) tell() {
	d, e := k.cur.directory(), &k.cur.edition
	k.log.Info("a directory is in effect", "source", e.Source, "author", e.Author, "version", e.Version,
		"numbers", len(d.Numbers), "groups", len(d.Groups), "rules", len(d.Rules), "problems", len(k.cur.problems), "changes", len(e.Changes)+e.More)
	for _, p := range k.cur.problems[:min(len(k.cur.problems), maxLogged)] {
		k.log.Warn("the directory has a problem", "code", p.Code, "line", p.Line, "problem", p.String())
	}
}

// outcome tells of the edition in effect.
func (k *Keeper) outcome(r Result, problems []ringside.Problem) Outcome {
	o := Outcome{Result: r, Problems: append([]ringside.Problem{}, problems...), Unsaved: k.unsaved.text()}
	if k.cur != nil {
		o.Edition = k.cur.edition
	}
	return o
}

// snapshot makes a document the base. Of one that is not the CRM's, version and ETag stay those of the
// CRM's last one, so that only a newer one takes its place.
func (k *Keeper) snapshot(data []byte, version, source, etag string, at time.Time) {
	next := &ringside.Snapshot{Data: data, Source: source, Time: at}
	switch {
	case ofCRM(source):
		next.Version, next.ETag = version, etag
	case k.base != nil:
		next.Version, next.ETag = k.base.Version, k.base.ETag
	}
	k.base, k.unsaved.base = next, true
}

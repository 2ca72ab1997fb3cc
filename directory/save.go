package directory

import (
	"context"
	"time"

	"github.com/ringside-pbx/ringside"
)

// saveWithin bounds how long the disk is waited for: a disk that hangs must not keep the next change
// from taking effect.
const saveWithin = 10 * time.Second

// todo is what the disk lacks. What could not be written waits here for the next change.
type todo struct {
	current, base, held bool
	edits               map[string]bool // by id
	gone                []string
	discarded           []ringside.Edition
	err                 error
}

func (t *todo) text() string {
	if t.err == nil {
		return ""
	}
	return t.err.Error()
}

// save writes what the disk lacks and makes the state visible. It goes on when whoever asked for the
// change has left, because the change is in effect.
func (k *Keeper) save(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveWithin)
	defer cancel()
	k.publish() // the change works already, and who asks must not wait for the disk
	if k.unsaved.err = k.write(ctx); k.unsaved.err != nil {
		k.log.Error("a change of the directory works but could not be saved: a restart before the next change would not know of it", "error", k.unsaved.err)
	}
	k.publish()
}

func (k *Keeper) write(ctx context.Context) error {
	t := &k.unsaved
	for len(t.discarded) > 0 {
		if _, err := k.opt.Store.SaveEdition(ctx, ringside.EditionWrite{Edition: t.discarded[0]}); err != nil {
			return err
		}
		t.discarded = t.discarded[1:]
	}
	if t.held && k.held != nil {
		e, err := k.opt.Store.SaveEdition(ctx, ringside.EditionWrite{Edition: k.held.edition, Document: k.held.doc.Data})
		if err != nil {
			return err
		}
		k.held.edition.Number = e.Number
	}
	t.held = false
	if k.cur == nil || !t.current && !t.base && len(t.edits)+len(t.gone) == 0 {
		return nil
	}
	w := ringside.EditionWrite{Edition: k.cur.edition, Current: true, DropEdits: t.gone}
	if t.current {
		w.Document = k.cur.data
	}
	if t.base {
		w.Base = k.base
	}
	for i := range k.edits {
		if t.edits[k.edits[i].ID] {
			w.Edits = append(w.Edits, k.edits[i])
		}
	}
	e, err := k.opt.Store.SaveEdition(ctx, w)
	if err != nil {
		return err
	}
	k.cur.edition.Number = e.Number
	t.current, t.base, t.gone = false, false, nil
	clear(t.edits)
	return nil
}

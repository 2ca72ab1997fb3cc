package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// searched is how many of the newest editions are searched for one that is held.
const searched = 100

// Restore puts the last edition in effect again, as it was, without making a new one; edits and the
// edition that is held are known again. It reports whether a directory is in effect. The error says
// what could not be read: what could be read counts.
func (k *Keeper) Restore(ctx context.Context) (bool, error) {
	if err := k.lock(ctx); err != nil {
		return false, err
	}
	defer k.unlock()
	defer k.publish()
	e, data, ok, err := k.opt.Store.Current(ctx)
	if err == nil && ok {
		err = k.restoreCurrent(e, data)
	}
	err = wrap("reading the last directory", err)
	err = errors.Join(err, wrap("looking for a held directory", k.restoreHeld(ctx)))
	if k.opt.WithCRM {
		err = errors.Join(err, wrap("reading the edits", k.restoreEdits(ctx)))
	}
	return k.cur != nil, err
}

func (k *Keeper) restoreCurrent(e ringside.Edition, data []byte) error {
	d, err := read(data)
	if err != nil {
		k.failure = "the last directory: " + err.Error()
		return err
	}
	k.opt.Effect(d.compiled)
	k.cur = &effective{*d, e}
	k.tell()
	return nil
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// restoreHeld finds the edition that waits: only the newest can.
func (k *Keeper) restoreHeld(ctx context.Context) error {
	all, err := k.opt.Store.Editions(ctx, searched)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(e ringside.Edition) bool {
		return e.State == ringside.EditionHeld
	})
	if i < 0 || k.cur == nil || all[i].Digest == k.cur.digest {
		return nil
	}
	e, data, ok, err := k.opt.Store.Edition(ctx, all[i].Number)
	if err != nil || !ok || data == nil {
		return err
	}
	k.held = &heldDocument{doc: Document{Data: data, Source: e.Source, Author: e.Author}, digest: e.Digest, edition: e}
	return nil
}

func (k *Keeper) restoreEdits(ctx context.Context) error {
	base, ok, err := k.opt.Store.Base(ctx)
	if err == nil && ok {
		k.base, k.etag = &base, base.ETag
	}
	edits, unread := k.opt.Store.Edits(ctx)
	k.edits, err = edits, errors.Join(err, unread)
	if k.base == nil && k.cur != nil { // the site had no CRM so far, or what it sent can't be read
		k.snapshot(k.cur.data, "", k.cur.edition.Source, "", k.cur.edition.Time)
	}
	for i := range k.edits {
		k.lastID = max(k.lastID, timeOf(k.edits[i].ID))
		k.madeHere(k.edits[i].Entity)
		if k.edits[i].State == ringside.EditPending {
			k.wake()
		}
	}
	return err
}

// timeOf is the time in an edit's id, in nanoseconds; 0 for an id of another make.
func timeOf(id string) int64 {
	head, _, _ := strings.Cut(id, "-")
	n, err := strconv.ParseInt(head, 16, 64)
	if err != nil {
		return 0
	}
	return n
}

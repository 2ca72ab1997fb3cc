package directory

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/ringside-pbx/ringside"
)

// Offer puts a document in effect as a whole, if it is one, is news, and loses nothing by accident.
//
// The error is ringside.DecodeErrors for a document that is none, ErrOlder for one that the CRM has
// replaced already, ErrFile where the directory comes from a file and the document does not. A
// document that loses much is held: the outcome's edition says why.
func (k *Keeper) Offer(ctx context.Context, doc Document) (Outcome, error) {
	if err := k.lock(ctx); err != nil {
		return Outcome{}, err
	}
	defer k.unlock()
	defer k.publish()
	if k.opt.File != "" && doc.Source != k.opt.File {
		return Outcome{}, fmt.Errorf("%w: %s", ErrFile, k.opt.File)
	}
	if doc.fromCRM() {
		k.etag = doc.ETag
	}
	d, err := read(doc.Data)
	if err != nil {
		if doc.Place != nil {
			err = doc.Place(err)
		}
		k.fail(doc.Source, err)
		return Outcome{}, err
	}
	d.locate(doc.Locate)
	switch known, err := k.known(d, &doc); {
	case err != nil:
		return Outcome{}, err
	case known:
		k.unchanged(ctx, d, &doc)
		return k.outcome(Unchanged, k.cur.problems), nil
	}
	if err := k.older(d, &doc); err != nil {
		if doc.Source == SourceCRM { // nobody waits for the answer, and a CRM that has gone back in time must be seen
			k.fail(doc.Source, err)
		}
		return Outcome{}, err
	}
	var number uint64
	if k.held != nil && k.held.digest == d.digest {
		if !doc.Confirmed {
			k.failure = ""
			return k.heldOutcome(d), nil
		}
		number = k.held.edition.Number
	}
	return k.take(ctx, d, &doc, number)
}

// Failed remembers that a newer document could not even be read, so that State tells it.
func (k *Keeper) Failed(ctx context.Context, source string, err error) {
	if k.lock(ctx) != nil {
		return
	}
	defer k.unlock()
	k.fail(source, err)
	k.publish()
}

func (k *Keeper) fail(source string, err error) {
	k.failure = err.Error()
	k.log.Error("a directory can't be used: nothing is changed", "source", source, "error", err)
}

// known reports whether the document is no news. What is asked of the CRM's is whether it is the CRM's
// last one: edits and what was gone back to are not undone by hearing the same again.
func (k *Keeper) known(d *draft, doc *Document) (bool, error) {
	switch {
	case k.cur == nil || doc.Forced:
		return false, nil
	case !k.opt.WithCRM || !doc.fromCRM():
		return d.same(&k.cur.draft), nil
	case k.base == nil:
		return false, nil
	case !ofCRM(k.base.Source):
		return d.directory().Version == k.base.Version, nil
	}
	base, err := read(k.base.Data)
	if err != nil {
		return false, fmt.Errorf("reading the base of the edits: %w", err)
	}
	return d.same(base), nil
}

// unchanged takes the places of problems from a document that is in effect already. An earlier one
// that is held from the same source is out of date: its author has taken it back.
func (k *Keeper) unchanged(ctx context.Context, d *draft, doc *Document) {
	k.failure = ""
	if doc.Locate != nil {
		k.cur.problems = d.problems
	}
	level := slog.LevelInfo // somebody has asked for it, and wants to know
	if doc.fromCRM() {
		level = slog.LevelDebug
	}
	k.log.Log(ctx, level, "the directory is in effect already", "source", doc.Source, "version", d.directory().Version)
	if k.held != nil && ofCRM(k.held.doc.Source) == doc.fromCRM() {
		k.supersede()
	}
	k.save(ctx)
}

func (k *Keeper) older(d *draft, doc *Document) error {
	if !doc.fromCRM() || doc.Forced || k.cur == nil {
		return nil
	}
	last := k.cur.directory().Version
	if k.opt.WithCRM {
		if k.base == nil {
			return nil
		}
		last = k.base.Version
	}
	if order, known := ringside.CompareVersions(d.directory().Version, last); known && order < 0 {
		return fmt.Errorf("%w: it has the version %s, and %s came before", ErrOlder, d.directory().Version, last)
	}
	return nil
}

// take puts a document in effect or holds it. With a number it is the edition that was held.
func (k *Keeper) take(ctx context.Context, d *draft, doc *Document, number uint64) (Outcome, error) {
	edits := k.edits
	if doc.fromCRM() {
		edits = k.contained(edits, d.directory().Version)
	}
	l := layer{draft: d}
	if k.opt.WithCRM {
		var err error
		if l, err = lay(d, edits); err != nil {
			return Outcome{}, err
		}
	}
	if k.cur != nil && !doc.Confirmed {
		if losses := ringside.Losses(k.cur.directory(), l.directory()); len(losses) > 0 {
			return k.hold(ctx, d, doc, losses), nil
		}
	}
	if k.held != nil && k.held.edition.Number == number && number != 0 {
		k.held = nil
	}
	k.supersede()
	if k.opt.WithCRM {
		k.snapshot(d.data, d.directory().Version, doc.Source, doc.ETag, k.now())
		k.forget(edits)
		k.settleRefused(l.refused)
		k.prune()
	}
	if k.cur != nil && k.cur.digest == l.digest && number == 0 {
		k.failure = "" // it is in effect, and from now on the CRM's
		k.save(ctx)
		return k.outcome(Unchanged, k.cur.problems), nil
	}
	k.apply(ctx, l.draft, number, doc.Source, doc.Author)
	return k.outcome(Applied, k.cur.problems), nil
}

package directory

import (
	"context"
	"fmt"

	"github.com/ringside-pbx/ringside"
)

// hold keeps a document that loses too much until somebody has looked at it. One that was held before
// is discarded.
func (k *Keeper) hold(ctx context.Context, d *draft, doc *Document, losses []string) Outcome {
	k.supersede()
	e := k.header(d, doc.Source, doc.Author)
	e.State, e.Losses = ringside.EditionHeld, losses
	k.held = &heldDocument{*doc, d.digest, e}
	k.held.doc.Locate, k.held.doc.Place = nil, nil
	k.unsaved.held = true
	k.failure = ""
	k.log.Warn("a directory looks like an accident and is held until it is confirmed: the last one serves on",
		"source", e.Source, "version", e.Version, "losses", losses)
	k.save(ctx)
	return k.heldOutcome(d)
}

func (k *Keeper) heldOutcome(d *draft) Outcome {
	return Outcome{
		Result: Held, Edition: k.held.edition, Problems: append([]ringside.Problem{}, d.problems...), Unsaved: k.unsaved.text(),
	}
}

// supersede discards the document that is held, if there is one.
func (k *Keeper) supersede() {
	if k.held == nil {
		return
	}
	e := k.held.edition
	k.held, k.unsaved.held = nil, false
	if e.Number != 0 {
		e.State = ringside.EditionDiscarded
		k.unsaved.discarded = append(k.unsaved.discarded, e)
	}
}

// waiting gives the edition that is held, if it has the number n or n is 0.
func (k *Keeper) waiting(n uint64) (*heldDocument, error) {
	switch {
	case k.held == nil && n == 0:
		return nil, fmt.Errorf("nothing waits for a confirmation: the latest edition %w", ErrNotHeld)
	case k.held == nil || n != 0 && n != k.held.edition.Number:
		return nil, fmt.Errorf("edition %d %w", n, ErrNotHeld)
	}
	return k.held, nil
}

// Confirm puts the edition that is held in effect: the n-th, or with 0 whichever it is. With a CRM the
// edits lie on top of it. The error is ErrNotHeld if it does not wait.
func (k *Keeper) Confirm(ctx context.Context, n uint64, author string) (Outcome, error) {
	if err := k.lock(ctx); err != nil {
		return Outcome{}, err
	}
	defer k.unlock()
	defer k.publish()
	held, err := k.waiting(n)
	if err != nil {
		return Outcome{}, err
	}
	d, err := read(held.doc.Data)
	if err != nil {
		return Outcome{}, fmt.Errorf("reading edition %d: %w", held.edition.Number, err)
	}
	doc := held.doc
	doc.Confirmed = true
	if author != "" {
		doc.Author = author
	}
	return k.take(ctx, d, &doc, held.edition.Number)
}

// Discard throws the edition that is held away: the n-th, or with 0 whichever it is. The error is
// ErrNotHeld if it does not wait.
func (k *Keeper) Discard(ctx context.Context, n uint64, author string) (Outcome, error) {
	if err := k.lock(ctx); err != nil {
		return Outcome{}, err
	}
	defer k.unlock()
	held, err := k.waiting(n)
	if err != nil {
		return Outcome{}, err
	}
	e := held.edition
	e.State = ringside.EditionDiscarded
	k.supersede()
	k.log.Info("a held directory is discarded", "edition", e.Number, "author", author)
	k.save(ctx)
	return Outcome{Result: Unchanged, Edition: e, Problems: []ringside.Problem{}, Unsaved: k.unsaved.text()}, nil
}

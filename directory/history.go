package directory

import (
	"context"
	"fmt"

	"github.com/ringside-pbx/ringside"
)

// History gives the latest editions, the newest first, at most limit.
func (k *Keeper) History(ctx context.Context, limit int) ([]ringside.Edition, error) {
	return k.opt.Store.Editions(ctx, limit)
}

// Edition gives an edition with its directory, of which the secrets don't print; 0 is the one in
// effect. The error is ErrNoEdition if it is not kept.
func (k *Keeper) Edition(ctx context.Context, n uint64) (ringside.Edition, *ringside.Directory, error) {
	if err := k.lock(ctx); err != nil {
		return ringside.Edition{}, nil, err
	}
	if k.cur != nil && (n == 0 || n == k.cur.edition.Number) {
		defer k.unlock()
		return k.cur.edition, k.cur.directory(), nil
	}
	k.unlock()
	e, d, err := k.edition(ctx, n)
	if err != nil {
		return ringside.Edition{}, nil, err
	}
	return e, d.directory(), nil
}

func (k *Keeper) edition(ctx context.Context, n uint64) (ringside.Edition, *draft, error) {
	e, data, ok, err := k.opt.Store.Edition(ctx, n)
	switch {
	case err != nil:
		return e, nil, fmt.Errorf("reading edition %d: %w", n, err)
	case !ok || data == nil:
		return e, nil, fmt.Errorf("%w as %d", ErrNoEdition, n)
	}
	d, err := read(data)
	if err != nil {
		return e, nil, fmt.Errorf("reading edition %d: %w", n, err)
	}
	return e, d, nil
}

// Rollback puts the document of an earlier edition in effect, as a new edition. With a CRM it stays
// until the CRM sends a newer document than its last one; the edits that are pending are rejected.
//
// Errors are ErrFile, ErrNoEdition, and ErrNeverInEffect for one that was held or discarded.
func (k *Keeper) Rollback(ctx context.Context, n uint64, author string) (Outcome, error) {
	if err := k.lock(ctx); err != nil {
		return Outcome{}, err
	}
	defer k.unlock()
	defer k.publish()
	if k.opt.File != "" {
		return Outcome{}, fmt.Errorf("%w: %s", ErrFile, k.opt.File)
	}
	e, d, err := k.edition(ctx, n)
	switch {
	case err != nil:
		return Outcome{}, err
	case e.State != ringside.EditionApplied:
		return Outcome{}, fmt.Errorf("edition %d %w", n, ErrNeverInEffect)
	case k.cur != nil && k.cur.edition.Number == n:
		return k.outcome(Unchanged, k.cur.problems), nil
	}
	source := fmt.Sprintf("rollback to %d", n)
	if k.opt.WithCRM {
		for i := len(k.edits) - 1; i >= 0; i-- {
			switch k.edits[i].State {
			case ringside.EditPending:
				k.reject(&k.edits[i], "rolled back", nil)
			case ringside.EditAccepted:
				k.drop(i)
			}
		}
		k.prune()
		k.snapshot(d.data, "", source, "", k.now())
	}
	k.apply(ctx, d, 0, source, author)
	return k.outcome(Applied, k.cur.problems), nil
}

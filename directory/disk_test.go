package directory

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/ringside-pbx/ringside"
)

var errDisk = errors.New("no space left on device")

// disk is a Store in memory that keeps what the real one keeps, and that can fail.
type disk struct {
	mu       sync.Mutex
	failing  bool
	editions map[uint64]ringside.Edition
	docs     map[uint64][]byte
	current  uint64
	base     *ringside.Snapshot
	edits    map[string]ringside.Edit
	writes   int
}

func newDisk() *disk {
	return &disk{editions: map[uint64]ringside.Edition{}, docs: map[uint64][]byte{}, edits: map[string]ringside.Edit{}}
}

func (d *disk) SaveEdition(ctx context.Context, w ringside.EditionWrite) (ringside.Edition, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := cmp.Or(ctx.Err(), d.err()); err != nil {
		return ringside.Edition{}, err
	}
	d.writes++
	e := w.Edition
	if e.Number == 0 {
		e.Number = uint64(len(d.editions) + 1)
		if w.Document == nil {
			return e, errors.New("a new edition has no document")
		}
	} else if _, known := d.editions[e.Number]; !known {
		return e, errors.New("there is no edition to be updated")
	}
	d.editions[e.Number] = e
	if w.Document != nil {
		d.docs[e.Number] = bytes.Clone(w.Document)
	}
	if w.Current {
		d.current = e.Number
	}
	if w.Base != nil {
		base := *w.Base
		d.base = &base
	}
	for _, edit := range w.Edits {
		d.edits[edit.ID] = edit
	}
	for _, id := range w.DropEdits {
		delete(d.edits, id)
	}
	return e, nil
}

func (d *disk) err() error {
	if d.failing {
		return errDisk
	}
	return nil
}

func (d *disk) fail(yes bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = yes
}

func (d *disk) Current(context.Context) (ringside.Edition, []byte, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.editions[d.current]
	return e, d.docs[d.current], ok, d.err()
}

func (d *disk) Base(context.Context) (ringside.Snapshot, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.base == nil {
		return ringside.Snapshot{}, false, d.err()
	}
	return *d.base, true, d.err()
}

func (d *disk) Editions(_ context.Context, limit int) ([]ringside.Edition, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []ringside.Edition
	for _, e := range d.editions {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b ringside.Edition) int { return cmp.Compare(b.Number, a.Number) })
	return all[:min(len(all), limit)], d.err()
}

func (d *disk) Edition(_ context.Context, n uint64) (ringside.Edition, []byte, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.editions[n]
	return e, d.docs[n], ok, d.err()
}

func (d *disk) Edits(context.Context) ([]ringside.Edit, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []ringside.Edit
	for _, e := range d.edits {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b ringside.Edit) int { return cmp.Compare(a.ID, b.ID) })
	return all, d.err()
}

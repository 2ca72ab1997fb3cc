package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/ringside-pbx/ringside"
)

const (
	// MaxEditID is the longest ID of an edit, in bytes.
	MaxEditID = 255
	// maxRejectedEdits is how many rejected edits are kept.
	maxRejectedEdits = 500
)

// Edits gives the edits that are kept, in the order of their IDs: all that are pending or accepted, and
// the newest 500 of the rejected ones. One that can't be read is left out and logged.
func (s *Store) Edits(ctx context.Context) ([]ringside.Edit, error) {
	rows, err := s.all(ctx, func(t *tables) *bolt.Bucket { return t.edits })
	if err != nil {
		return nil, fmt.Errorf("read edits: %w", err)
	}
	var edits []ringside.Edit
	for _, r := range rows {
		var e ringside.Edit
		if err := json.Unmarshal(r.value, &e); err != nil {
			s.opt.Log.Error("edit can't be read", "edit", string(r.key), "err", err)
			continue
		}
		edits = append(edits, e)
	}
	return edits, nil
}

// editRows gives edits the form in which they are stored.
func editRows(edits []ringside.Edit) ([]row, error) {
	rows := make([]row, 0, len(edits))
	for _, e := range edits {
		if e.ID == "" || len(e.ID) > MaxEditID {
			return nil, fmt.Errorf("%w: the ID of an edit has 1 to %d bytes", ErrInvalid, MaxEditID)
		}
		value, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("%w: edit %s: %w", ErrInvalid, e.ID, err)
		}
		rows = append(rows, row{[]byte(e.ID), value})
	}
	return rows, nil
}

func (p *editionWrite) applyEdits(t *tables) error {
	for _, r := range p.edits {
		if err := t.edits.Put(r.key, r.value); err != nil {
			return err
		}
	}
	for _, id := range p.drop {
		if err := t.edits.Delete([]byte(id)); err != nil {
			return err
		}
	}
	if len(p.edits) == 0 {
		return nil
	}
	return t.pruneEdits()
}

// pruneEdits removes the oldest rejected edits beyond what is kept.
func (t *tables) pruneEdits() error {
	var gone [][]byte
	rejected := 0
	c := t.edits.Cursor()
	for k, v := c.Last(); k != nil; k, v = c.Prev() {
		var e struct {
			State ringside.EditState `json:"state"`
		}
		if json.Unmarshal(v, &e) != nil || e.State != ringside.EditRejected {
			continue
		}
		if rejected++; rejected > maxRejectedEdits {
			gone = append(gone, bytes.Clone(k))
		}
	}
	for _, k := range gone {
		if err := t.edits.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

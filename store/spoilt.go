package store

import (
	"context"

	"github.com/ringside-pbx/ringside"
)

// Unreadable is the code of a rejected parcel whose record can't be read here: the CRM has never seen it.
const Unreadable = "unreadable"

// spoilt is a parcel that can't be sent.
type spoilt struct {
	seq uint64
	id  string
	why string
}

// setAside moves parcels that can't be sent to the rejected ones, so that they don't hold up the outbox.
func (s *Store) setAside(ctx context.Context, l lane, bad []spoilt) error {
	if len(bad) == 0 {
		return nil
	}
	now := s.opt.Now()
	var moved []spoilt
	e := &entry{size: 256 * len(bad), apply: func(t *tables) error {
		moved = moved[:0]
		for _, b := range bad {
			if t.outboxes[l].Get(number(b.seq)) == nil {
				continue // a later revision has taken its place
			}
			moved = append(moved, b)
			if err := t.unsend(l, b.seq); err != nil {
				return err
			}
			// Without an id there is nothing to name it by, and with a newer parcel no loss.
			if r, ok := t.ref(b.id); b.id == "" || ok && r.seqs[l] != b.seq {
				continue
			}
			why := ringside.Rejection{Code: Unreadable, Reason: b.why, At: now}
			if err := t.reject(l, b.id, 0, why); err != nil {
				return err
			}
		}
		return nil
	}}
	if err := s.await(ctx, e, ""); err != nil {
		return err
	}
	for _, b := range moved {
		s.opt.Log.Error("call in the outbox can't be sent", "kind", l.kind(), "call", b.id, "seq", b.seq, "err", b.why)
	}
	return nil
}

package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/ringside-pbx/ringside"
)

// Settle takes parcels out of the outbox of their kind, all in one transaction, and returns when that
// is on the disk: those that the CRM refuses are rejected, and a call with CDRs enters the outbox of
// the CDRs. Parcels that are gone, because a later revision has taken their place, don't matter.
func (s *Store) Settle(ctx context.Context, kind ringside.ParcelKind, settlements []ringside.Settlement) error {
	l, err := laneOf(kind)
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	settlements, size := slices.Clone(settlements), 128
	for i, p := range settlements {
		if size += 64; p.Rejection != nil {
			why := s.tidied(*p.Rejection)
			settlements[i].Rejection = &why
			size += 256 + len(why.Reason)
		}
	}
	e := &entry{size: size, apply: func(t *tables) error {
		for i, p := range settlements {
			breathe(i)
			if err := t.settle(l, p, s.opt.CDRs); err != nil {
				return err
			}
		}
		return nil
	}}
	if err := s.await(ctx, e, ""); err != nil {
		return fmt.Errorf("settle %d parcels: %w", len(settlements), err)
	}
	return nil
}

func (t *tables) settle(l lane, s ringside.Settlement, withCDRs bool) error {
	p, ok := readParcel(t.outboxes[l].Get(number(s.Seq)))
	if !ok {
		return nil
	}
	if err := t.unsend(l, s.Seq); err != nil {
		return err
	}
	r, known := t.ref(p.id)
	if !known || r.seqs[l] != s.Seq {
		return nil // what a damaged file has left; a newer parcel speaks for the call
	}
	if s.Rejection != nil {
		h, _ := readHeading(t.calls.Get(callKey(r.at, p.id)))
		return t.reject(l, p.id, h.Revision, *s.Rejection)
	}
	if l != callLane || !s.CDRs || !withCDRs || t.waits(cdrLane, r) {
		return nil
	}
	return t.enqueue(cdrLane, p.id, r)
}

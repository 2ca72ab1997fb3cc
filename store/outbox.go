package store

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/ringside-pbx/ringside"
)

// Outbox gives the oldest parcels of a kind after the given sequence; 0 starts at the beginning. It
// gives no more than limit of them (0 is DefaultLimit) and no more than maxBytes of data (0 is no
// bound), but one at least if there is one. A parcel whose record can't be read goes to the rejected
// ones.
func (s *Store) Outbox(ctx context.Context, kind ringside.ParcelKind, after uint64, limit, maxBytes int) ([]ringside.Parcel, error) {
	l, err := laneOf(kind)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	if maxBytes <= 0 {
		maxBytes = math.MaxInt
	}
	limit = limited(limit)
	var parcels []ringside.Parcel
	for more := after < math.MaxUint64; more && len(parcels) < limit; {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read outbox: %w", context.Cause(ctx))
		}
		var part []ringside.Parcel
		err := s.view(func(t *tables) error {
			part, more = t.parcels(l, after, limit-len(parcels))
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		var bad []spoilt
		for _, p := range part {
			h, err := readSound(p.Data, p.CallID)
			if err != nil {
				bad, after = append(bad, spoilt{p.Seq, p.CallID, err.Error()}), p.Seq
				continue
			}
			if maxBytes -= len(p.Data); maxBytes < 0 && len(parcels) > 0 {
				more = false
				break
			}
			p.Revision, after = h.Revision, p.Seq
			parcels = append(parcels, p)
		}
		if err := s.setAside(ctx, l, bad); err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
	}
	return parcels, nil
}

// parcels copies up to n parcels behind the sequence, but no more than a transaction should hold, and
// tells whether there may be more. One without a record has no data.
func (t *tables) parcels(l lane, after uint64, n int) (parcels []ringside.Parcel, more bool) {
	c := t.outboxes[l].Cursor()
	size := 0
	for k, v := c.Seek(number(after + 1)); k != nil; k, v = c.Next() {
		if len(parcels) >= min(n, chunkEntries) || size >= chunkBytes {
			return parcels, true
		}
		breathe(len(parcels))
		p, _ := readParcel(v)
		data := bytes.Clone(t.calls.Get(callKey(p.at, p.id)))
		parcels = append(parcels, ringside.Parcel{Seq: readNumber(k), CallID: p.id, Data: data})
		size += len(data)
	}
	return parcels, false
}

// breathe lets others have the processor after every few steps of long work: a call that comes in must
// not wait until a backlog's next thousand records have been looked at.
func breathe(step int) {
	if step%20 == 19 {
		runtime.Gosched()
	}
}

// Grown has a token whenever the outbox of the kind has grown since the last one was received: new
// parcels, and those that are to be sent again. It is for one receiver; nil for an unknown kind.
func (s *Store) Grown(kind ringside.ParcelKind) <-chan struct{} {
	l, err := laneOf(kind)
	if err != nil {
		return nil
	}
	return s.grown[l]
}

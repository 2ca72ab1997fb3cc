package store

import (
	"context"
	"fmt"
	"slices"
)

// Requeue puts recorded calls at the end of the outbox again, and tells how many. Calls that are
// waiting there already, that the CRM refuses or that are not recorded are not counted.
func (s *Store) Requeue(ctx context.Context, ids ...string) (int, error) {
	total := 0
	for part := range slices.Chunk(ids, rejectedBatch) {
		n, err := s.counted(ctx, 128*len(part), func(t *tables) (int, error) { return t.requeue(part) })
		if total += n; err != nil {
			return total, fmt.Errorf("queue calls again: %w", err)
		}
	}
	return total, nil
}

func (t *tables) requeue(ids []string) (n int, err error) {
	for _, id := range ids {
		r, ok := t.ref(id)
		if !ok || t.waits(callLane, r) || t.isRejected(callLane, id) || t.calls.Get(callKey(r.at, id)) == nil {
			continue
		}
		if err := t.enqueue(callLane, id, r); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

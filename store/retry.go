package store

import (
	"context"
	"fmt"
)

// rejectedBatch is how many rejected parcels one transaction moves.
const rejectedBatch = 1000

// RetryRejected puts rejected parcels back at the end of their outbox, all of them if no id is given,
// and tells how many. Unknown ids, and calls that are no longer recorded, are not counted.
func (s *Store) RetryRejected(ctx context.Context, ids ...string) (int, error) {
	n, err := s.eachRejected(ctx, ids, func(t *tables, name string) (bool, error) {
		l, id, ok := splitRejected(name)
		if !ok {
			return false, nil
		}
		r, ok := t.ref(id)
		if !ok || t.calls.Get(callKey(r.at, id)) == nil {
			return false, nil
		}
		return true, t.enqueue(l, id, r)
	})
	if err != nil {
		return n, fmt.Errorf("retry rejected: %w", err)
	}
	return n, nil
}

// DropRejected forgets rejected parcels, all of them if no id is given, and tells how many; the calls
// stay recorded. Unknown ids are not counted.
func (s *Store) DropRejected(ctx context.Context, ids ...string) (int, error) {
	n, err := s.eachRejected(ctx, ids, func(t *tables, name string) (bool, error) {
		t.gained.rejected--
		return true, t.rejected.Delete([]byte(name))
	})
	if err != nil {
		return n, fmt.Errorf("drop rejected: %w", err)
	}
	return n, nil
}

// eachRejected runs fn for the named rows that are there, or for all, in bounded transactions, and
// counts those for which it says so.
func (s *Store) eachRejected(ctx context.Context, ids []string, fn func(*tables, string) (bool, error)) (int, error) {
	total, after, all := 0, "", len(ids) == 0
	for {
		var part []string
		if all {
			rows, err := s.Rejected(ctx, after, rejectedBatch)
			if err != nil {
				return total, err
			}
			for _, r := range rows {
				part, after = append(part, r.ID), r.ID
			}
		} else {
			part = ids[:min(len(ids), rejectedBatch)]
			ids = ids[len(part):]
		}
		if len(part) == 0 {
			return total, nil
		}
		n, err := s.moveRejected(ctx, part, fn)
		if total += n; err != nil {
			return total, err
		}
	}
}

func (s *Store) moveRejected(ctx context.Context, part []string, fn func(*tables, string) (bool, error)) (int, error) {
	return s.counted(ctx, 128*len(part), func(t *tables) (n int, err error) {
		for _, id := range part {
			if t.rejected.Get([]byte(id)) == nil {
				continue
			}
			ok, err := fn(t, id)
			if err != nil {
				return n, err
			}
			if ok {
				n++
			}
		}
		return n, nil
	})
}

// counted writes what fn writes, waits until it is on the disk, and gives the number that fn gave.
func (s *Store) counted(ctx context.Context, size int, fn func(*tables) (int, error)) (int, error) {
	n := 0
	e := &entry{size: 128 + size, apply: func(t *tables) (err error) {
		n, err = fn(t)
		return err
	}}
	// Whoever stops waiting must not look at what the writer may still set.
	if err := s.await(ctx, e, ""); err != nil {
		return 0, err
	}
	return n, nil
}

package store

import (
	"bytes"
	"context"
	"fmt"
)

// SweepContacts removes the CRM's contacts of any generation but keep, after all of them have been
// read again, and tells how many. It takes several transactions; contacts from files stay.
func (s *Store) SweepContacts(ctx context.Context, keep uint64) (removed int, err error) {
	var low []byte
	for more := true; more; {
		if ctx.Err() != nil {
			return removed, fmt.Errorf("sweep contacts: %w", context.Cause(ctx))
		}
		var old []string
		err := s.view(func(t *tables) error {
			old, low, more = t.outdatedPeople(low, keep)
			return nil
		})
		if err == nil && len(old) > 0 {
			var n int
			n, err = s.counted(ctx, 64*len(old), func(t *tables) (int, error) { return t.sweep(old, keep) })
			removed += n
		}
		if err != nil {
			return removed, fmt.Errorf("sweep contacts: %w", err)
		}
	}
	return removed, nil
}

// outdatedPeople looks at some contacts and gives the ids of those with another generation, the key
// to go on from, and whether there are more.
func (t *tables) outdatedPeople(low []byte, keep uint64) (ids []string, on []byte, more bool) {
	c := t.people.Cursor()
	k, _ := first(c, low, nil, false)
	for range contactBatch {
		if k == nil {
			return ids, nil, false
		}
		if p, ok := t.person(string(k)); !ok || p.Generation != keep {
			ids = append(ids, string(k))
		}
		k, _ = c.Next()
	}
	return ids, bytes.Clone(k), k != nil
}

// sweep removes those of the contacts that nobody has renewed meanwhile.
func (t *tables) sweep(ids []string, keep uint64) (n int, err error) {
	for _, id := range ids {
		p, ok := t.person(id)
		if ok && p.Generation == keep || !has(t.people, id) {
			continue
		}
		if err := t.removePerson(id); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

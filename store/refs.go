package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ringside-pbx/ringside"
)

// CallRefs lists recorded calls by the time at which their first part began, oldest first: since is
// included, until is not, and the zero time is no bound. It goes on behind after, which is "" or what
// an earlier answer gave as next; next is "" when there are no more. With a limit of 0 it gives
// DefaultLimit of them. A call that can't be read is left out and logged.
func (s *Store) CallRefs(ctx context.Context, since, until time.Time, after string, limit int) (refs []ringside.CallRef, next string, err error) {
	low, high := []byte(nil), []byte(nil)
	if !since.IsZero() {
		low = number(stamp(since))
	}
	if !until.IsZero() {
		high = number(stamp(until))
	}
	if after != "" {
		last, err := hex.DecodeString(after)
		if err != nil {
			return nil, "", fmt.Errorf("list calls: %w: %w", ErrInvalid, err)
		}
		low = append(last, 0)
	}
	limit = limited(limit)
	for more := true; more && len(refs) < limit; {
		if ctx.Err() != nil {
			return nil, "", fmt.Errorf("list calls: %w", context.Cause(ctx))
		}
		err := s.view(func(t *tables) error {
			var part []ringside.CallRef
			part, low, more = s.callRefs(t, low, high, limit-len(refs))
			refs = append(refs, part...)
			return nil
		})
		if err != nil {
			return nil, "", fmt.Errorf("list calls: %w", err)
		}
		if more && len(refs) == limit {
			next = hex.EncodeToString(low[:len(low)-1])
		}
	}
	return refs, next, nil
}

// callRefs reads up to n of the calls with keys in [low, high) and gives the key to go on from, and
// whether there are more.
func (s *Store) callRefs(t *tables, low, high []byte, n int) (refs []ringside.CallRef, on []byte, more bool) {
	c := t.calls.Cursor()
	k, v := first(c, low, high, false)
	for scanned := 0; inside(k, low, high); k, v = c.Next() {
		if len(refs) >= n || scanned >= chunkEntries {
			return refs, low, true
		}
		scanned++
		low = append(append([]byte(nil), k...), 0)
		h, err := readHeading(v)
		if err != nil || len(k) <= 8 || h.ID != string(k[8:]) {
			s.opt.Log.Error("call can't be read", "key", fmt.Sprintf("%x", k), "err", err)
			continue
		}
		r, _ := t.ref(h.ID)
		refs = append(refs, ringside.CallRef{
			ID: h.ID, Revision: h.Revision, Start: unstamp(readNumber(k)),
			Waiting: t.waits(callLane, r), Rejected: t.isRejected(callLane, h.ID),
		})
	}
	return refs, low, false
}

func (t *tables) isRejected(l lane, id string) bool { return has(t.rejected, rejectedID(l, id)) }

func has(b *bolt.Bucket, key string) bool { return b.Get([]byte(key)) != nil }

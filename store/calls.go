package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside"
)

// DefaultLimit is how many calls or entries a reader gets who names no limit, and MaxLimit how many
// at most.
const (
	DefaultLimit = 100
	MaxLimit     = 10_000
	// A read transaction copies no more than this at a time: what it reads can't be freed meanwhile.
	chunkEntries = 500
	chunkBytes   = 1 << 20
)

// Query picks finished calls by the time at which their first part began.
type Query struct {
	// Since is included, Until is not; the zero time is no bound.
	Since, Until time.Time
	// Limit is how many calls are given; 0 is DefaultLimit.
	Limit int
	// Newest gives the newest calls, newest first, else the oldest are given, oldest first.
	Newest bool
}

// Call gives a finished call by its id, and whether there is one.
func (s *Store) Call(ctx context.Context, id string) (ringside.Call, bool, error) {
	var c ringside.Call
	if ctx.Err() != nil {
		return c, false, context.Cause(ctx)
	}
	var data []byte
	err := s.view(func(t *tables) error {
		if r, ok := t.ref(id); ok {
			data = bytes.Clone(t.calls.Get(callKey(r.at, id)))
		}
		return nil
	})
	if err == nil && data != nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		return c, false, fmt.Errorf("read call %s: %w", id, err)
	}
	return c, data != nil, nil
}

// Calls gives finished calls. One that can't be read is left out and logged.
func (s *Store) Calls(ctx context.Context, q Query) ([]ringside.Call, error) {
	low, high := []byte(nil), []byte(nil)
	if !q.Since.IsZero() {
		low = number(stamp(q.Since))
	}
	if !q.Until.IsZero() {
		high = number(stamp(q.Until))
	}
	limit := limited(q.Limit)
	var calls []ringside.Call
	for more := true; more && len(calls) < limit; {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read calls: %w", context.Cause(ctx))
		}
		var rows []row
		err := s.view(func(t *tables) error {
			rows, more = copyRows(t.calls, low, high, limit-len(calls), q.Newest)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read calls: %w", err)
		}
		for _, r := range rows {
			var c ringside.Call
			if err := json.Unmarshal(r.value, &c); err != nil {
				s.opt.Log.Error("call can't be read", "key", fmt.Sprintf("%x", r.key), "err", err)
				continue
			}
			calls = append(calls, c)
		}
		switch {
		case len(rows) == 0:
		case q.Newest:
			high = rows[len(rows)-1].key
		default:
			low = append(rows[len(rows)-1].key, 0)
		}
	}
	return calls, nil
}

func limited(n int) int {
	if n <= 0 {
		return DefaultLimit
	}
	return min(n, MaxLimit)
}

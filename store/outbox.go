package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/ringside-pbx/ringside"
)

// OutboxEntry is a finished call that is to be sent. A call has at most one entry: that of its newest
// revision.
type OutboxEntry struct {
	// Seq orders the entries and is never given twice.
	Seq  uint64
	Call ringside.Call
}

// Outbox gives the oldest entries after the given sequence; 0 starts at the beginning. With a limit
// of 0 it gives DefaultLimit of them. One that can't be read is left out and logged.
func (s *Store) Outbox(ctx context.Context, after uint64, limit int) ([]OutboxEntry, error) {
	limit = limited(limit)
	var entries []OutboxEntry
	for more := true; more && len(entries) < limit; {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read outbox: %w", context.Cause(ctx))
		}
		var rows []row
		err := s.view(func(t *tables) error {
			rows, more = copyRows(t.outbox, number(after+1), nil, limit-len(entries), false)
			for i, r := range rows {
				rows[i].value = bytes.Clone(t.calls.Get(r.value))
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		for _, r := range rows {
			after = readNumber(r.key)
			e := OutboxEntry{Seq: after}
			if err := json.Unmarshal(r.value, &e.Call); err != nil {
				s.opt.Log.Error("call in the outbox can't be read", "seq", after, "err", err)
				continue
			}
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// Sent takes entries out of the outbox and returns when that is on the disk. Entries that are gone,
// because a later revision has taken their place, don't matter.
func (s *Store) Sent(ctx context.Context, seqs ...uint64) error {
	e := &entry{size: 128 + 8*len(seqs), apply: func(t *tables) error {
		for _, seq := range seqs {
			if err := t.unsend(number(seq)); err != nil {
				return err
			}
		}
		return nil
	}}
	if err := s.await(ctx, e, ""); err != nil {
		return fmt.Errorf("take %d sent calls out of the outbox: %w", len(seqs), err)
	}
	return nil
}

// OutboxGrown has a token whenever the outbox has grown since the last one was received. It is for
// one receiver.
func (s *Store) OutboxGrown() <-chan struct{} { return s.grown }

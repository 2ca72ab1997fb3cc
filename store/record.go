package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ringside-pbx/ringside"
)

// Talk is the end of an extension's last talk.
type Talk = ringside.Talk

// Begin records that a call has begun. It never waits.
func (s *Store) Begin(c ringside.Call) { s.begin(c, true) }

// Update records a later state of a call that has begun, such as its answer. It never waits, and does
// nothing for a call that has been finished.
func (s *Store) Update(c ringside.Call) { s.begin(c, false) }

func (s *Store) begin(c ringside.Call, fresh bool) {
	data, err := s.encode(&c)
	if err != nil {
		s.opt.Log.Error("beginning of a call can't be recorded", "call", c.ID, "err", err)
		return
	}
	s.queue.begin(c.ID, beginning{data: data, fresh: fresh})
}

// Finish records a finished call, an entry for it in the outbox, and what it changed in its group:
// the turns and the ends of talks. It never waits; State counts what it could not take.
func (s *Store) Finish(c ringside.Call, turns []ringside.Turn, talks []Talk) {
	e, err := s.finished(c, turns, talks)
	if err == nil {
		err = s.queue.put(e, c.ID)
	} else {
		s.refuse()
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrInvalid):
		s.opt.Log.Error("finished call can't be recorded", "call", c.ID, "err", err)
	case s.losing.CompareAndSwap(false, true):
		// Once for all that follow; State counts them.
		s.opt.Log.Error("finished calls are lost from here on", "call", c.ID, "err", err)
	}
}

// Append does what Finish does and returns nil when all of it is on the disk. An error other than
// ErrFull, ErrInvalid and ErrClosed leaves open whether the record will get there.
func (s *Store) Append(ctx context.Context, c ringside.Call, turns []ringside.Turn, talks []Talk) error {
	e, err := s.finished(c, turns, talks)
	if err == nil {
		err = s.await(ctx, e, c.ID)
	} else {
		s.refuse()
	}
	if err != nil {
		return fmt.Errorf("append call %s: %w", c.ID, err)
	}
	return nil
}

func (s *Store) refuse() {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	s.queue.dropped++
}

// encode gives the call its missing marks and its stored form. The caller may change what the call
// points to afterwards.
func (s *Store) encode(c *ringside.Call) ([]byte, error) {
	if c.ID == "" || len(c.ID) > ringside.MaxCallID {
		return nil, fmt.Errorf("%w: an id has 1 to %d bytes", ErrInvalid, ringside.MaxCallID)
	}
	if c.Schema == 0 {
		c.Schema = ringside.CallSchema
	}
	if c.Node == "" {
		c.Node = s.opt.Node
	}
	if c.Start.IsZero() {
		c.Start = s.opt.Now()
	}
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return data, nil
}

// finished makes the entry of a finished call.
func (s *Store) finished(c ringside.Call, turns []ringside.Turn, talks []Talk) (*entry, error) {
	c.Revision = max(c.Revision, 1)
	data, err := s.encode(&c)
	if err != nil {
		return nil, err
	}
	r := &record{id: c.ID, at: stamp(c.Start), data: data, log: s.opt.Log}
	for _, t := range turns {
		if t.Number != "" && len(t.Number) <= ringside.MaxNumber {
			r.turns = append(r.turns, t)
		}
	}
	for _, t := range talks {
		if t.Number != "" && len(t.Number) <= ringside.MaxNumber {
			r.talks = append(r.talks, t)
		}
	}
	size := 256 + len(data) + 64*(len(r.turns)+len(r.talks))
	return &entry{apply: r.apply, size: size, record: true}, nil
}

// Flush waits until what was recorded before is on the disk, or ctx ends. Readers who must see what
// has just happened call it first.
func (s *Store) Flush(ctx context.Context) error {
	if err := s.await(ctx, &entry{apply: func(*tables) error { return nil }}, ""); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}

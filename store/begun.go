package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside"
)

// beginApply writes the newest state of a call that has not ended.
func beginApply(id string, b beginning) func(*tables) error {
	return func(t *tables) error {
		key, data := []byte(id), b.data
		if !b.fresh && t.begun.Get(key) == nil {
			return nil // it has ended meanwhile
		}
		if r, ok := t.ref(id); ok {
			// The PBX asks about the call again. The revision tells this beginning, which has its end
			// before it, from one that was left over.
			var err error
			if data, err = mark(data, t.calls.Get(callKey(r.at, id))); err != nil {
				return err
			}
		}
		return t.begun.Put(key, data)
	}
}

// mark gives the beginning the revision of the finished part that came before it.
func mark(data, finished []byte) ([]byte, error) {
	var c ringside.Call
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, err
	}
	var prev struct {
		Revision int `json:"revision"`
	}
	// One that can't be read will be replaced whole when the call ends.
	if json.Unmarshal(finished, &prev) == nil {
		c.Revision = prev.Revision
	}
	return json.Marshal(c)
}

// recoverBegun finishes the calls that an earlier process began.
func (s *Store) recoverBegun(t *tables) error {
	alive := unstamp(readNumber(t.meta.Get([]byte("alive"))))
	var left []*record
	var useless [][]byte
	err := t.begun.ForEach(func(k, v []byte) error {
		r, err := s.interrupted(string(k), v, alive)
		if err != nil {
			s.opt.Log.Error("beginning of a call can't be read and is dropped", "call", string(k), "err", err)
			useless = append(useless, append([]byte(nil), k...))
			return nil
		}
		left = append(left, r)
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range left {
		if err := r.apply(t); err != nil {
			return err
		}
	}
	for _, k := range useless {
		if err := t.begun.Delete(k); err != nil {
			return err
		}
		if t.index.Get(k) != nil {
			continue
		}
		if err := t.annotations.Delete(k); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Interrupted = len(left)
	return nil
}

// interrupted makes the record of a call that nobody has seen the end of. It lasted at least until
// the file was last written to.
func (s *Store) interrupted(id string, begun []byte, alive time.Time) (*record, error) {
	var c ringside.Call
	if err := json.Unmarshal(begun, &c); err != nil {
		return nil, err
	}
	if c.ID != id {
		return nil, fmt.Errorf("it is that of call %q", c.ID)
	}
	if c.Status != ringside.StatusAnswered {
		c.Status = ringside.StatusFailed
	}
	c.Disposition = ringside.EndInterrupted
	c.Revision = 1
	c.End = time.Time{}
	c.Finish(latest(&c, alive))
	data, err := s.encode(&c)
	if err != nil {
		return nil, fmt.Errorf("finish it: %w", err)
	}
	return &record{id: c.ID, at: stamp(c.Start), data: data, log: s.opt.Log}, nil
}

// latest is the last time at which the call is known to have lasted.
func latest(c *ringside.Call, alive time.Time) time.Time {
	last := c.Start
	for _, t := range []time.Time{alive, c.Answer} {
		if t.After(last) {
			last = t
		}
	}
	for _, l := range c.Legs {
		for _, t := range []time.Time{l.Start, l.Answer, l.End} {
			if t.After(last) {
				last = t
			}
		}
	}
	return last
}

package store

import (
	"bytes"
	"errors"
	"time"
)

const (
	// tidyScan and tidyDelete bound what one transaction of the retention looks at and removes, so
	// that records that arrive meanwhile wait a moment only.
	tidyScan   = 2000
	tidyDelete = 500
	tidyPause  = 100 * time.Millisecond
)

// tidy does the writer's regular work and gives the time until the next; ok is false when the store
// was closed meanwhile.
func (s *Store) tidy() (next time.Duration, ok bool) {
	gone := 0
	if keys, more := s.outdated(); len(keys) > 0 || more {
		gone = len(keys)
		next = tidyPause
		if gone > 0 && !s.write(s.batch(&entry{apply: s.forget(keys)})) {
			return 0, false
		}
	} else {
		next = housekeeping
	}
	if gone == 0 && s.callsLive() && s.opt.Now().Sub(s.last) >= housekeeping/2 {
		// Nothing to write but the time, which tells that the calls are alive.
		if !s.write(s.batch()) {
			return 0, false
		}
	}
	if next == housekeeping {
		if err := s.keepPlace(); err != nil && !errors.Is(err, errGone) {
			s.opt.Log.Error("store can't be copied back to its path", "path", s.opt.Path, "err", err)
		}
	}
	return next, true
}

// callsLive reports whether there are calls that have begun.
func (s *Store) callsLive() bool {
	live := false
	err := s.view(func(t *tables) error {
		k, _ := t.begun.Cursor().First()
		live = k != nil
		return nil
	})
	return err == nil && live
}

// outdated looks at some of the oldest calls and gives the keys of those that are no longer to be
// kept, and whether it is to be called again soon. Calls in the outbox stay: the next look goes on
// behind them.
func (s *Store) outdated() (keys [][]byte, more bool) {
	if s.opt.Retention <= 0 && s.opt.MaxCalls <= 0 {
		return nil, false
	}
	excess := 0
	if s.opt.MaxCalls > 0 {
		excess = s.State().Calls - s.opt.MaxCalls
	}
	oldest := uint64(0)
	if s.opt.Retention > 0 {
		oldest = stamp(s.opt.Now().Add(-s.opt.Retention))
	}
	err := s.view(func(t *tables) error {
		c := t.calls.Cursor()
		k, _ := c.Seek(s.resume)
		for scanned := 0; ; scanned++ {
			if k == nil || readNumber(k) >= oldest && len(keys) >= excess {
				s.resume, more = nil, false
				return nil
			}
			if scanned >= tidyScan || len(keys) >= tidyDelete {
				s.resume, more = bytes.Clone(k), true
				return nil
			}
			if s.opt.Standalone || !t.kept(k) {
				keys = append(keys, bytes.Clone(k))
			}
			k, _ = c.Next()
		}
	})
	if err != nil {
		return nil, false // the writer will meet the same trouble and report it
	}
	return keys, more
}

// kept reports whether the call with the key is in an outbox.
func (t *tables) kept(key []byte) bool {
	if len(key) < 8 {
		return false
	}
	r, ok := t.ref(string(key[8:]))
	return ok && (t.waits(callLane, r) || t.waits(cdrLane, r))
}

// forget removes calls and what belongs to them, unless a later part of one has been recorded meanwhile.
func (s *Store) forget(keys [][]byte) func(*tables) error {
	return func(t *tables) error {
		for _, k := range keys {
			if t.calls.Get(k) == nil || t.kept(k) && !s.opt.Standalone {
				continue
			}
			if err := t.calls.Delete(k); err != nil {
				return err
			}
			t.gained.calls--
			if len(k) <= 8 {
				continue
			}
			if err := t.forgetID(string(k[8:])); err != nil {
				return err
			}
		}
		return nil
	}
}

// forgetID removes what is kept under a call's id.
func (t *tables) forgetID(id string) error {
	r, _ := t.ref(id)
	for l := range lanes {
		if err := t.supersede(l, id, r); err != nil {
			return err
		}
	}
	if err := t.annotations.Delete([]byte(id)); err != nil {
		return err
	}
	return t.index.Delete([]byte(id))
}

package store

import (
	"errors"
	"time"
)

// State is how the store is doing.
type State struct {
	// Since is when writes began to fail, or to go to a file that is no longer at its path, and Err
	// why; both are zero while they succeed.
	Since time.Time
	Err   error
	// Pending is how many records wait in memory.
	Pending int
	// Dropped counts the finished calls that were lost since Open: because too many were waiting,
	// because they could not be stored at all, or because Close gave up. Skipped counts the
	// beginnings that were not recorded; it costs the trace of a call only if the process dies in it.
	Dropped, Skipped uint64
	// Calls and Outbox are how many finished calls are kept and how many of them are to be sent, CDRs
	// how many calls whose CDRs are, and Rejected how many parcels the CRM refuses.
	Calls, Outbox, CDRs, Rejected int
	// OutboxBytes is the size of the calls that are to be sent.
	OutboxBytes int64
	// Contacts is how many telephone numbers lead to a contact, People how many contacts of the CRM
	// there are.
	Contacts, People int
	// Interrupted is how many unfinished calls Open found and finished.
	Interrupted int
	// LastWrite is when something was last written; zero before the first time.
	LastWrite time.Time
	// MovedAside is where a damaged file went at Open, and Damage what was wrong with it.
	MovedAside string
	Damage     error
}

// State tells how the store is doing.
func (s *Store) State() State {
	s.mu.Lock()
	state := s.state
	s.mu.Unlock()
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	state.Pending, state.Dropped, state.Skipped = s.queue.pending(), s.queue.dropped, s.queue.skipped
	return state
}

// add counts what a transaction has added.
func (s *State) add(c counts) {
	s.Calls += c.calls
	s.Outbox += c.waiting[callLane]
	s.CDRs += c.waiting[cdrLane]
	s.OutboxBytes += c.bytes
	s.Rejected += c.rejected
	s.Contacts += c.numbers
	s.People += c.people
}

// note records the outcome of an attempt to write.
func (s *Store) note(b *batch, err error) {
	if err != nil {
		s.failing(err)
		return
	}
	s.mu.Lock()
	s.state.LastWrite = s.opt.Now()
	s.state.add(b.gained)
	s.mu.Unlock()
	if err := s.displaced(); err != nil {
		s.failing(err)
		return
	}
	s.working()
}

// failing records that writes fail, and logs it when it is another failure than before.
func (s *Store) failing(err error) {
	s.mu.Lock()
	before := s.state
	s.state.Err = err
	if before.Err == nil {
		s.state.Since = s.opt.Now()
	}
	s.mu.Unlock()
	if before.Err == nil || before.Err.Error() != err.Error() {
		what := "store can't be written: records wait in memory"
		if errors.Is(err, errGone) {
			what = "store's file was taken away: records may not outlast a crash"
		}
		s.opt.Log.Error(what, "path", s.opt.Path, "err", err)
	}
}

// working records that writes succeed, and logs it when they did not before.
func (s *Store) working() {
	s.mu.Lock()
	before := s.state
	s.state.Since, s.state.Err = time.Time{}, nil
	s.mu.Unlock()
	if before.Err != nil {
		s.losing.Store(false)
		s.opt.Log.Info("store can be written again", "path", s.opt.Path,
			"failed_for", s.opt.Now().Sub(before.Since), "lost_so_far", s.State().Dropped)
	}
}

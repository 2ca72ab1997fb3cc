package pbx_test

import (
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/test/pbx"
)

// talking connects a caller with the group's only member, so that the next caller must wait.
func (s *stage) talking(spec pbx.CallSpec) *pbx.Caller {
	s.t.Helper()
	spec.To = called
	c := s.dials(spec)
	s.answered(c)
	// ringside learns of the answer by a request of its own.
	if _, ok := s.recordIf(c, func(r ringside.Call) bool { return r.Status == ringside.StatusAnswered }); !ok {
		s.t.Fatal("ringside does not know that the call was answered")
	}
	return c
}

// inQueue waits until the caller stands in the queue.
func (s *stage) inQueue(c *pbx.Caller) {
	s.t.Helper()
	s.answered(c) // music on hold is for an answered channel
	if r, ok := s.recordIf(c, func(r ringside.Call) bool { return len(r.Legs) > 0 && r.Legs[0].Kind == "queue" }); !ok {
		s.t.Fatalf("the caller does not stand in the queue: %q", legs(r))
	}
}

func TestQueuedCallerGetsTheFreedMember(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		p := s.phone("101", pbx.Answers(soon))
		s.ringside(toGroup([]string{"101"}, `members: ["101"], ring_timeout: 3, max_queue_size: 2, queue_timeout: 20`))
		first := s.talking(pbx.CallSpec{Talk: 1500 * time.Millisecond})
		second := s.dials(pbx.CallSpec{To: called, Talk: 2500 * time.Millisecond})
		s.inQueue(second)
		s.saw(p, 1, 0, 0)
		s.ends(first, 200)
		freed := time.Now()
		s.ends(second, 200)

		s.saw(p, 2, 0, 2)
		invites := s.messages(p).Received("INVITE")
		if wait := invites[1].At.Sub(freed); wait > time.Second {
			t.Errorf("the freed member was rung after %v", wait)
		}
		s.row(second, "101", "ANSWERED")
		r := s.tells(second, told{status: "answered", as: "talked", to: "101", legs: "queue served; dial 101 answered"})
		if !r.Legs[0].Start.Before(r.Legs[1].Start) {
			t.Errorf("ringside's record: the queue came after the talk: %+v", r.Legs)
		}
		s.tells(first, told{status: "answered", as: "talked", to: "101", legs: "dial 101 answered"})
	})
}

func TestQueueIsFull(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		overflow := s.phone("102", pbx.Answers(soon))
		s.ringside(toGroup([]string{"101", "102"}, `members: ["101"], ring_timeout: 3, max_queue_size: 1, queue_timeout: 20,
  overflow: {action: route_to_number, target_number: "102"}`))
		s.talking(pbx.CallSpec{})
		waits := s.dials(pbx.CallSpec{To: called})
		s.inQueue(waits)
		third := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(third, 200)

		s.saw(overflow, 1, 0, 1)
		s.row(third, "102", "ANSWERED")
		s.tells(third, told{status: "answered", as: "talked", to: "102", legs: "dial 102 answered"})
	})
}

func TestQueueTimesOut(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		overflow := s.phone("102", pbx.Manner{Ring: soon, Talk: short})
		s.ringside(toGroup([]string{"101", "102"}, `members: ["101"], ring_timeout: 3, max_queue_size: 1, queue_timeout: 1,
  overflow: {action: route_to_number, target_number: "102"}`))
		s.talking(pbx.CallSpec{})
		c := s.dials(pbx.CallSpec{To: called})
		s.ends(c, 200)

		s.saw(overflow, 1, 0, 0)
		s.row(c, "102", "ANSWERED")
		r := s.tells(c, told{status: "answered", as: "talked", to: "102", legs: "queue timeout; dial 102 answered"})
		if r.QueueWait != 1 {
			t.Errorf("ringside's record: %d s in the queue, want 1", r.QueueWait)
		}
	})
}

func TestCallerLeavesTheQueue(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		p := s.phone("101", pbx.Answers(soon))
		s.ringside(toGroup([]string{"101"}, `members: ["101"], ring_timeout: 3, max_queue_size: 2, queue_timeout: 20`))
		first := s.talking(pbx.CallSpec{Talk: 2500 * time.Millisecond})
		c := s.dials(pbx.CallSpec{To: called, Talk: 700 * time.Millisecond})
		s.inQueue(c)
		s.ends(c, 200)

		s.tells(c, told{status: "abandoned", as: "abandoned", legs: "queue left"})
		// For Asterisk the call was answered: the caller heard music.
		s.row(c, "", "ANSWERED")
		s.ends(first, 200)
		s.saw(p, 1, 0, 1)
	})
}

package pbx_test

import (
	"testing"
	"time"

	"github.com/ringside-pbx/ringside/test/pbx"
)

const (
	soon  = 50 * time.Millisecond
	short = 300 * time.Millisecond
)

func TestSecondMemberAnswers(t *testing.T) {
	for _, strategy := range []string{"round_robin", "priority"} {
		t.Run(strategy, func(t *testing.T) {
			throughEachDoor(t, func(t *testing.T, s *stage) {
				first, second := s.phone("101", pbx.Rings()), s.phone("102", pbx.Answers(soon))
				s.ringside(toGroup([]string{"101", "102"}, `members: ["101", "102"], distribution_strategy: `+strategy+`, ring_timeout: 1`))
				c := s.dials(pbx.CallSpec{To: called, Talk: short})
				s.ends(c, 200)

				s.saw(first, 1, 1, 0)
				s.saw(second, 1, 0, 1)
				s.row(c, "101", "NO ANSWER")
				s.row(c, "102", "ANSWERED")
				r := s.tells(c, told{status: "answered", as: "talked", to: "102", legs: "dial 101 no_answer; dial 102 answered", rule: 5})
				if r.Group == nil || r.Group.ID != 3 {
					t.Errorf("ringside's record: group %v", r.Group)
				}
				if wait := r.Answer.Sub(r.Start); wait < 900*time.Millisecond || wait > 3*time.Second {
					t.Errorf("ringside's record: answered after %v", wait)
				}
			})
		})
	}
}

func TestBusyAndAbsentMembersAreSkipped(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		busy, away, answers := s.phone("101", pbx.Refuses(486)), s.phone("102", pbx.Refuses(480)), s.phone("103", pbx.Answers(soon))
		s.ringside(toGroup([]string{"101", "102", "103", pbx.Unregistered},
			`members: ["101", "102", "`+pbx.Unregistered+`", "103"], distribution_strategy: priority, ring_timeout: 2`))
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c, 200)

		s.saw(busy, 1, 0, 0)
		s.saw(away, 1, 0, 0)
		s.saw(answers, 1, 0, 1)
		s.row(c, "101", "BUSY")
		s.row(c, "103", "ANSWERED")
		r := s.tells(c, told{status: "answered", as: "talked", to: "103"})
		if n := len(r.Legs); n != 4 {
			t.Errorf("ringside's record: %d legs, want 4: %s", n, legs(r))
		}
		if after, _, err := c.AnsweredAfter(); err != nil || after > time.Second {
			t.Errorf("three members who refuse at once cost the caller %v (%v)", after, err)
		}
	})
}

func TestAllRing(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		one, two, three := s.phone("101", pbx.Rings()), s.phone("102", pbx.Answers(short)), s.phone("103", pbx.Rings())
		s.ringside(toGroup([]string{"101", "102", "103"}, `members: ["101", "102", "103"], distribution_strategy: all_ring, ring_timeout: 3`))
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c, 200)

		s.saw(one, 1, 1, 0)
		s.saw(two, 1, 0, 1)
		s.saw(three, 1, 1, 0)
		s.row(c, "102", "ANSWERED")
		s.tells(c, told{status: "answered", as: "talked", to: "102", legs: "dial 101+102+103 answered by 102"})

		// They ring at the same time, and those who did not answer are free before the talk ends.
		first, last := s.received(one, "INVITE").At, s.received(three, "INVITE").At
		if apart := last.Sub(first).Abs(); apart > 200*time.Millisecond {
			t.Errorf("the phones began to ring %v apart", apart)
		}
		if s.received(one, "CANCEL").At.After(s.received(two, "BYE").At) {
			t.Error("the others rang until the talk was over")
		}
	})
}

func TestAnsweredMemberHangsUp(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Manner{Ring: soon, Talk: short})
		s.ringside(toGroup([]string{"101"}, `members: ["101"], ring_timeout: 2`))
		c := s.dials(pbx.CallSpec{To: called})
		s.ends(c, 200)
		if n := len(s.messages(c).Received("BYE")); n != 1 {
			t.Errorf("the caller got %d BYE", n)
		}
		s.row(c, "101", "ANSWERED")
		s.tells(c, told{status: "answered", as: "talked", to: "101", legs: "dial 101 answered"})
	})
}

func TestNobodyAnswers(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		p := s.phone("101", pbx.Rings())
		s.ringside(toGroup([]string{"101"}, `members: ["101"], ring_timeout: 1, max_queue_size: 0`))
		c := s.dials(pbx.CallSpec{To: called})
		if code := s.over(c); code < 400 {
			t.Errorf("the caller saw %d", code)
		}
		s.saw(p, 1, 1, 0)
		s.row(c, "101", "NO ANSWER")
		s.tells(c, told{status: "no_answer", as: "no_answer", legs: "dial 101 no_answer"})
	})
}

func TestCallerHangsUpWhileRinging(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		p := s.phone("101", pbx.Rings())
		s.ringside(toGroup([]string{"101"}, `members: ["101"], ring_timeout: 10`))
		c := s.dials(pbx.CallSpec{To: called, CancelAfter: short})
		s.ends(c, 487)
		s.saw(p, 1, 1, 0)
		s.row(c, "101", "NO ANSWER")
		s.tells(c, told{status: "abandoned", as: "abandoned", legs: "dial 101 cancelled"})
	})
}

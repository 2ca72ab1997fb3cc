package pbx_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/test/pbx"
)

func TestAllRingStopsTheOthersAtOnce(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		numbers := []string{"101", "102", "103", "104", "105"}
		others := map[string]*pbx.Phone{}
		for _, n := range numbers[1:] {
			others[n] = s.phone(n, pbx.Rings())
		}
		first := s.phone("101", pbx.Answers(1500*time.Millisecond))
		s.ringside(toGroup(numbers, `members: ["101", "102", "103", "104", "105"], distribution_strategy: all_ring, ring_timeout: 10`))
		c := s.dials(pbx.CallSpec{To: called, Talk: 2 * time.Second})
		s.eventually("the live picture shows five phones ringing", func() (bool, error) {
			states, err := s.partiesNow()
			return states == "101 ringing; 102 ringing; 103 ringing; 104 ringing; 105 ringing", err
		})
		s.answered(c) // meanwhile nobody asks: the phones are to be stopped in time
		s.eventually("the live picture shows who has answered", func() (bool, error) {
			states, err := s.partiesNow()
			return states == "101 answered; 102 cancelled; 103 cancelled; 104 cancelled; 105 cancelled", err
		})
		s.ends(c, 200)
		s.saw(first, 1, 0, 1)
		answer := s.messages(first).Sent("200 INVITE")[0].At
		for n, p := range others {
			s.saw(p, 1, 1, 0)
			m := s.received(p, "CANCEL")
			if late := m.At.Sub(answer); late > 100*time.Millisecond {
				t.Errorf("%s was stopped %v after the answer", n, late)
			}
			if r := m.Header("Reason"); !strings.Contains(r, "cause=200") {
				t.Errorf("%s was stopped with the reason %q", n, r)
			}
		}
		for _, p := range s.record(c).Legs[0].Parties {
			if want := map[bool]string{true: "answered", false: "cancelled"}[p.Number == "101"]; p.State != want {
				t.Errorf("ringside's record: %s %s", p.Number, p.State)
			}
		}
		if after, _, err := c.AnsweredAfter(); err != nil || after > 2*time.Second {
			t.Errorf("the caller was answered after %v (%v)", after, err)
		}
		s.tells(c, told{status: "answered", as: "talked", to: "101", legs: "dial 101+102+103+104+105 answered by 101"})
		s.quiet()
	})
}

// partiesNow are the parties of the one live call's latest leg, as `calls list --live` shows them.
func (s *stage) partiesNow() (string, error) {
	calls, err := asks[[]ringside.Call](s, "calls", "list", "--live")
	if err != nil || len(calls) != 1 || len(calls[0].Legs) == 0 {
		return "", err
	}
	var all []string
	for _, p := range calls[0].Legs[len(calls[0].Legs)-1].Parties {
		all = append(all, p.Number+" "+p.State)
	}
	return strings.Join(slices.Sorted(slices.Values(all)), "; "), nil
}

// What a carrier says before it answers is heard.
func TestEarlyMedia(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		carrier := s.phone("carrier", pbx.Manner{Early: true, Ring: 500 * time.Millisecond})
		s.ringside(toDestination(nil, `action: forward_external, target_external: "+74951234567"`))
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c, 200)
		if m := s.messages(c).Received("183 INVITE"); len(m) == 0 || !strings.Contains(m[0].Text, "m=audio") {
			t.Errorf("the caller saw no 183 with a session: %v", s.messages(c))
		}
		s.saw(carrier, 1, 0, 1)
		s.tells(c, told{status: "answered", as: "talked", to: "+74951234567", legs: "forward +74951234567 answered"})
	})
}

func TestCarrierRefuses(t *testing.T) {
	for _, x := range []struct {
		name   string
		manner pbx.Manner
		legs   string
		cause  ringside.HangupCause
	}{
		{"404", pbx.Refuses(404), "unavailable", 1},
		{"486", pbx.Refuses(486), "busy", 17},
		{"404 after an announcement", pbx.Manner{Early: true, Ring: short, Code: 404}, "unavailable", 1},
		{"486 after it rang", pbx.Manner{Ring: short, Code: 486}, "busy", 17},
	} {
		t.Run(x.name, func(t *testing.T) {
			throughEachDoor(t, func(t *testing.T, s *stage) {
				s.phone("carrier", x.manner)
				next := s.phone("101", pbx.Answers(soon))
				s.ringside(directory([]string{"101"}, `
groups: [{id: 3, name: Sales, members: ["101"]}]
rules:
  - {id: 5, name: Out, called_number_pattern: "7001", action: forward_external, target_external: "+74951234567", fallback: {action: route_to_group, target_group: 3}}
`))
				c := s.dials(pbx.CallSpec{To: called, Talk: short})
				s.ends(c, 200)
				s.saw(next, 1, 0, 1)
				r := s.tells(c, told{status: "answered", as: "talked", to: "101", legs: "forward +74951234567 " + x.legs + "; dial 101 answered"})
				if got := r.Legs[0].Cause; got != x.cause {
					t.Errorf("ringside's record: cause %d, want %d", got, x.cause)
				}
				if s.ari {
					s.quiet()
				}
			})
		})
	}
}

func TestCallerLeavesDuringEarlyMedia(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		carrier := s.phone("carrier", pbx.Manner{Early: true, Never: true})
		s.ringside(toDestination(nil, `action: forward_external, target_external: "+74951234567"`))
		c := s.dials(pbx.CallSpec{To: called, CancelAfter: time.Second})
		s.ends(c, 487)
		s.saw(carrier, 1, 1, 0)
		s.tells(c, told{status: "abandoned", as: "abandoned", legs: "forward +74951234567 cancelled"})
		s.quiet()
	})
}

package pbx_test

import (
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/test/pbx"
)

// two is a group of two who take turns by their order.
func two() string {
	return toGroup([]string{"101", "102", "103"}, `distribution_strategy: priority, members: ["101", "102"], ring_timeout: 3, max_queue_size: 0`)
}

func TestMemberWhoTalksOnACallThatRingsideDidNotRouteIsBusy(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		one, other := s.phone("101", pbx.Answers(soon)), s.phone("102", pbx.Answers(soon))
		s.managed(two())
		private := s.talk("101")
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c, 200)
		s.saw(one, 1, 0, 0)
		s.saw(other, 1, 0, 1)
		r := s.tells(c, told{status: "answered", as: "talked", to: "102", legs: "dial 102 answered"})
		why := ""
		for _, step := range r.Trace {
			why += step.Why + "\n"
		}
		if !strings.Contains(why, "says the PBX") {
			t.Errorf("the trace does not say why 101 was passed over:\n%s", why)
		}
		s.say("hangup", s.channel("101", ringside.ChannelUp).Name)
		s.ends(private, 200)
		again := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(again, 200)
		s.saw(one, 2, 0, 2)
	})
}

func TestPhoneThatIsNotRegisteredIsNotRung(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		other := s.phone("102", pbx.Answers(soon))
		s.managed(toGroup([]string{pbx.Unregistered, "102"}, `distribution_strategy: priority, members: ["`+pbx.Unregistered+`", "102"], ring_timeout: 3, max_queue_size: 0`))
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c, 200)
		s.saw(other, 1, 0, 1)
		s.tells(c, told{status: "answered", as: "talked", to: "102", legs: "dial 102 answered"})
	})
}

func TestCallThatRingsideDidNotRouteIsRecordedOnce(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		s.managed(phones())
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "10101", Talk: short})
		s.ends(c, 200)
		s.tells(c, told{status: "answered", as: "talked", legs: "dial 101 answered"})
	})
}

func TestDecisionWhoseOutcomeNobodyReportsIsCompleted(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		s.managed(directory([]string{"101"}, `
rules: [{id: 5, name: All, called_number_pattern: "15", action: route_to_number, target_number: "101"}]
`))
		// This dialplan asks ringside to decide, and does not tell what became of it.
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "1577", Talk: short})
		s.ends(c, 200)
		r, ok := s.recordIf(c, func(r ringside.Call) bool { return r.Status == ringside.StatusAnswered })
		if !ok || r.Disposition != ringside.EndTalked || r.RoutedTo != "101" || r.Revision != 2 || r.Rule == nil {
			t.Errorf("the record: %+v", r)
		}
	})
}

func TestTransferredCallIsOneRecord(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		last := s.phone("103", pbx.Answers(soon))
		s.managed(two())
		c := s.dials(pbx.CallSpec{To: called})
		s.answered(c)
		s.together("trunk", "101")
		s.say("transfer", s.channel("trunk", ringside.ChannelUp).Name, "103")
		s.together("trunk", "103")
		s.say("hangup", s.channel("103", ringside.ChannelUp).Name)
		s.ends(c, 200)
		s.saw(last, 1, 0, 1)
		r, ok := s.recordIf(c, func(r ringside.Call) bool { return !r.Live() && len(r.Legs) > 1 })
		if !ok {
			t.Fatalf("the record: %+v", r)
		}
		if got := legs(r); !strings.HasPrefix(got, "dial 101 answered") || !strings.Contains(got, "dial 103 answered") || r.Status != ringside.StatusAnswered {
			t.Errorf("the record says %q, %s", got, r.Status)
		}
		calls, err := s.daemon.Calls()
		s.must(err)
		if len(calls) != 1 {
			t.Errorf("%d records of one call", len(calls))
		}
	})
}

func TestCallFromAQueueOfAsteriskIsRecorded(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Rings())
		s.phone("102", pbx.Answers(soon))
		s.managed(phones())
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "22support"})
		s.eventually("the queue has found somebody", func() (bool, error) {
			all, err := asks[[]ringside.ChannelInfo](s, "channels")
			for _, ch := range all {
				if ch.Endpoint == "PJSIP/102" && ch.State == ringside.ChannelUp {
					return true, err
				}
			}
			return false, err
		})
		s.say("hangup", s.channel("plain", ringside.ChannelUp).Name)
		s.over(c)
		r, _ := s.recordIf(c, func(r ringside.Call) bool { return !r.Live() })
		got := legs(r)
		if !strings.Contains(got, "queue") || !strings.Contains(got, "102 answered") || r.Status != ringside.StatusAnswered {
			t.Errorf("the record says %q, %s %s", got, r.Status, r.Disposition)
		}
	})
}

func TestHostileNumberTakesNobodysCall(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		one := s.phone("101", pbx.Answers(soon))
		s.phone("102", pbx.Answers(soon))
		s.managed(two())
		s.talk("101")
		victim := s.channel("101", ringside.ChannelUp)
		for _, number := range []string{
			"100%0d%0a%0d%0aEvent%3a%20Hangup%0d%0aUniqueid%3a%20" + victim.ID + "%0d%0a%0d%0aY%3a%20z",
			"100%0d%0aUniqueid%3a%20" + victim.ID,
			"100%0d%0a%0d%0aEvent%3a%20DeviceStateChange%0d%0aPrivilege%3a%20a%0d%0aDevice%3a%20PJSIP/102%0d%0aState%3a%20INUSE",
			"100%0aEvent%3a%20Hangup",
		} {
			c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "1911", Number: number, Name: `A\r\nEvent: Hangup`})
			s.over(c)
		}
		h, err := s.health()
		s.must(err)
		if h.Connection.Forged == 0 {
			t.Error("nothing was noticed")
		}
		// 101 still talks, and 102 is still free.
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c, 200)
		s.saw(one, 1, 0, 0)
		s.tells(c, told{status: "answered", as: "talked", to: "102", legs: "dial 102 answered"})
		if found := s.channel("101", ringside.ChannelUp); found.Name != victim.Name {
			t.Errorf("101's channel is %s, not %s", found.Name, victim.Name)
		}
	})
}

func TestUserWithTooFewRightsIsToldWhatIsMissing(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		s.managedAs("weak", phones())
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "10101"})
		s.answered(c)
		for right, command := range map[string][]string{
			"lacks `originate`: add it to `write` in manager.conf": {"originate", "101", "102"},
			"lacks `call`":      {"hangup", "PJSIP/101-00000001"},
			"lacks `agent`":     {"queue", "pause", "101", "support"},
			"lacks `reporting`": {"channels"},
			"lacks `system`":    {"record", "PJSIP/101-00000001", "--name", "x"},
		} {
			s.refuses(right, command...)
		}
	})
}

func TestAsteriskThatRestartsUnderLoad(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(0))
		s.phone("102", pbx.Answers(0))
		s.managed(two())
		for range 3 {
			for range 8 {
				s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "10101"})
			}
			s.answered(s.calls[len(s.calls)-1])
			s.must(s.Kill())
			s.eventually("ringside notices", func() (bool, error) {
				h, err := s.health()
				return !h.Connection.Connected && h.Status == ringside.ConditionCritical, err
			})
			s.must(s.Start())
			s.eventually("ringside is connected again", func() (bool, error) {
				h, err := s.health()
				return h.Connection.Connected && h.Channels.Total == 0 && h.Queues.Total == 2, err
			})
			for _, c := range s.calls {
				_ = c.Kill()
			}
			s.calls = s.calls[:0]
			// Nobody is busy for a call that Asterisk has forgotten.
			c := s.dials(pbx.CallSpec{To: called, Talk: short})
			s.ends(c, 200)
			s.tells(c, told{status: "answered", as: "talked", to: "101", legs: "dial 101 answered"})
		}
	})
}

package pbx_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/test/pbx"
)

// queue is what ringside knows of one of Asterisk's queues.
func (s *stage) queue(name string) (ringside.PBXQueue, error) {
	all, err := asks[[]ringside.PBXQueue](s, "queue", "stats", "--queue", name)
	if err != nil || len(all) != 1 {
		return ringside.PBXQueue{}, err
	}
	return all[0], nil
}

// member waits until a queue's member is as it should be.
func (s *stage) member(queue, number, what string, ok func(ringside.PBXQueueMember) bool) {
	s.t.Helper()
	var last ringside.PBXQueue
	err := pbx.Until(patience, "", func() (bool, error) {
		q, err := s.queue(queue)
		last = q
		i := slices.IndexFunc(q.Members, func(m ringside.PBXQueueMember) bool { return m.Number == number })
		return i >= 0 && ok(q.Members[i]), err
	})
	if err != nil {
		s.t.Errorf("%s is not %s in %s: %+v", number, what, queue, last)
	}
}

// shows requires that Asterisk's own picture of a queue has a text.
func (s *stage) shows(queue, text string, wanted bool) {
	s.t.Helper()
	out, err := s.CLI("queue show " + queue)
	s.must(err)
	if strings.Contains(out, text) != wanted {
		s.t.Errorf("queue show %s, looking for %q:\n%s", queue, text, out)
	}
}

func TestQueueMembersAreManaged(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.managed(phones())
		s.say("queue", "add", "103", "sales", "--name", "Chloe", "--penalty", "2")
		s.member("sales", "103", "there", func(m ringside.PBXQueueMember) bool { return m.Name == "Chloe" && m.Penalty == 2 })
		s.shows("sales", "Chloe (PJSIP/103", true)
		s.refuses("Already there", "queue", "add", "103", "sales")
		s.refuses("No such queue", "queue", "add", "103", "nowhere")

		s.say("queue", "pause", "103", "sales", "--reason", "обед")
		s.member("sales", "103", "paused", func(m ringside.PBXQueueMember) bool { return m.Paused && m.PausedReason == "обед" })
		s.shows("sales", "(paused", true)
		s.say("queue", "unpause", "103")
		s.member("sales", "103", "back", func(m ringside.PBXQueueMember) bool { return !m.Paused })
		s.say("queue", "penalty", "103", "sales", "7")
		s.member("sales", "103", "late", func(m ringside.PBXQueueMember) bool { return m.Penalty == 7 })

		s.say("queue", "remove", "103", "sales")
		s.shows("sales", "PJSIP/103", false)
		s.refuses("Not there", "queue", "remove", "103", "sales")
		s.refuses("reason", "queue", "pause", "103", "--reason", "a\nAction: Command")
		s.say("queue", "reload")
	})
}

func TestQueueIsKeptByItsEvents(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("102", pbx.Answers(soon))
		s.managed(phones())
		s.say("queue", "pause", "101", "support") // its phone is off
		first := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "22support"})
		s.answered(first)
		s.member("support", "102", "talking", func(m ringside.PBXQueueMember) bool { return m.InCall && m.State.Engaged() })
		second := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "22support"})
		s.eventually("somebody waits", func() (bool, error) {
			q, err := s.queue("support")
			return len(q.Callers) == 1 && q.Callers[0].Number == second.Spec.Number && q.Callers[0].Position == 1, err
		})
		h, err := s.health()
		s.must(err)
		if h.Queues.Waiting != 1 || h.Queues.Status != ringside.ConditionBusy {
			t.Errorf("health: %+v", h.Queues)
		}
		s.say("queue", "pause", "102", "support")
		s.must(second.Kill())
		s.say("hangup", s.waiting("support"))
		s.eventually("nobody waits", func() (bool, error) {
			q, err := s.queue("support")
			return len(q.Callers) == 0 && q.Abandoned > 0, err
		})
		s.say("hangup", s.channel("102", ringside.ChannelUp).Name)
		s.member("support", "102", "free", func(m ringside.PBXQueueMember) bool { return !m.InCall && m.CallsTaken > 0 })
		q, err := s.queue("support")
		s.must(err)
		if q.Completed == 0 || q.Stale || time.Since(q.Changed) > patience {
			t.Errorf("the queue's figures: %+v", q)
		}
		s.say("queue", "unpause", "101")
		s.say("queue", "unpause", "102")
	})
}

// waiting is the channel of the one who waits in a queue.
func (s *stage) waiting(queue string) string {
	s.t.Helper()
	q, err := s.queue(queue)
	s.must(err)
	if len(q.Callers) != 1 {
		s.t.Fatalf("%d wait in %s", len(q.Callers), queue)
	}
	return q.Callers[0].Channel
}

func TestNobodyIsThereForAQueue(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.managed(phones())
		s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "22sales"})
		s.eventually("an alert", func() (bool, error) {
			h, err := s.health()
			return len(h.Queues.Alerts) == 1 && h.Queues.Alerts[0].Type == "no_agents" && h.Queues.Alerts[0].Queue == "sales" &&
				h.Status == ringside.ConditionUnhealthy, err
		})
		s.refuses("unhealthy", "health")
	})
}

package pbx_test

import (
	"testing"
	"time"

	"github.com/ringside-pbx/ringside/test/pbx"
)

// Asterisk hangs up who answers while there is nobody for them: their phone rings once more.
func TestLinkIsLostWhileItRings(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		p := s.phone("101", pbx.Answers(1500*time.Millisecond))
		s.proxied()
		s.ringside(toGroup([]string{"101"}, `members: ["101"], ring_timeout: 10`))
		c := s.dials(pbx.CallSpec{To: called, Talk: time.Second})
		s.received(p, "INVITE")
		s.cut()
		s.eventually("the phone has answered", func() (bool, error) {
			m, err := p.Messages()
			return len(m.Sent("200 INVITE")) > 0, err
		})
		if n := s.final(c); n != 0 {
			t.Errorf("the caller saw %d while ringside could not know of the answer", n)
		}
		s.mend()
		s.ends(c, 200)
		s.saw(p, 2, 0, 2)
		s.tells(c, told{status: "answered", as: "talked", to: "101", legs: "dial 101 answered"})
		s.quiet()
	})
}

func TestCallerLeavesWhileTheLinkIsLost(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		p := s.phone("101", pbx.Rings())
		s.proxied()
		s.ringside(toGroup([]string{"101"}, `members: ["101"], ring_timeout: 30`))
		c := s.dials(pbx.CallSpec{To: called, CancelAfter: time.Second})
		s.received(p, "INVITE")
		s.cut()
		s.ends(c, 487)
		s.mend()
		s.saw(p, 1, 1, 0)
		s.tells(c, told{status: "abandoned", as: "abandoned", legs: "dial 101 cancelled"})
		s.quiet()
	})
}

// A phone that refuses while nobody hears of it is called once more: it may have answered as well.
func TestPhoneRefusesWhileTheLinkIsLost(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		first, second := s.phone("101", pbx.Manner{Ring: time.Second, Code: 486}), s.phone("102", pbx.Answers(soon))
		s.proxied()
		s.ringside(toGroup([]string{"101", "102"}, `members: ["101", "102"], distribution_strategy: priority, ring_timeout: 30`))
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.received(first, "INVITE")
		s.cut()
		s.received(first, "ACK")
		s.mend()
		s.ends(c, 200)
		s.saw(second, 1, 0, 1)
		s.tells(c, told{status: "answered", as: "talked", to: "102", legs: "dial 101 busy; dial 102 answered"})
		s.quiet()
	})
}

func TestMemberBecomesFreeWhileTheLinkIsLost(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		p := s.phone("101", pbx.Answers(soon))
		s.proxied()
		s.ringside(toGroup([]string{"101"}, `members: ["101"], ring_timeout: 3, max_queue_size: 2, queue_timeout: 30`))
		first := s.talking(pbx.CallSpec{})
		s.bridged(2)
		waits := s.dials(pbx.CallSpec{To: called, Talk: 4 * time.Second})
		s.inQueue(waits)
		s.cut()
		s.hangsUp("PJSIP/trunk-") // the first caller's
		s.ends(first, 200)
		s.mend()
		s.ends(waits, 200)
		s.saw(p, 2, 0, 2)
		s.tells(waits, told{status: "answered", as: "talked", to: "101", legs: "queue served; dial 101 answered"})
		s.oneRecordEach(first, waits)
		s.quiet()
	})
}

func TestLinkIsLostWhileTheyTalk(t *testing.T) {
	for _, x := range []struct {
		name  string
		phone pbx.Manner
		talk  time.Duration
	}{
		{"the caller hangs up meanwhile", pbx.Answers(soon), 1500 * time.Millisecond},
		{"the member hangs up meanwhile", pbx.Manner{Ring: soon, Talk: 1500 * time.Millisecond}, 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			throughARI(t, func(t *testing.T, s *stage) {
				p := s.phone("101", x.phone)
				s.proxied()
				s.ringside(toGroup([]string{"101"}, `members: ["101"]`))
				c := s.talking(pbx.CallSpec{Talk: x.talk})
				s.bridged(2)
				s.cut()
				if x.talk > 0 {
					s.ends(c, 200)
				} else {
					s.eventually("the member has hung up", func() (bool, error) {
						m, err := p.Messages()
						return len(m.Received("200 BYE")) > 0, err
					})
				}
				s.mend()
				s.quiet()
				s.ends(c, 200)
				s.tells(c, told{status: "answered", as: "talked", to: "101", legs: "dial 101 answered"})
			})
		})
	}
}

// A link that is away for longer than calls are kept: ringside forgets the talk, and minds it again when
// the link is back.
func TestLinkIsLostForLong(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		p, fallback := s.phone("101", pbx.Answers(soon)), s.phone(pbx.Fallback, pbx.Answers(soon))
		s.ariMore = ", grace: 1s"
		s.proxied()
		s.ringside(toGroup([]string{"101"}, `members: ["101"]`))
		c := s.talking(pbx.CallSpec{})
		s.bridged(2)
		s.cut()
		next := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(next, 200)
		s.fellBack(fallback, s.sentInvite(next), 500*time.Millisecond)
		s.tells(c, told{status: "answered", as: "connection_lost", to: "101"})
		s.mend()
		s.logged("goes on")
		s.saw(p, 1, 0, 0)
		s.hangsUp("PJSIP/trunk-")
		s.ends(c, 200)
		s.saw(p, 1, 0, 1)
		s.quiet()
	})
}

func TestLinkIsLostForLongWithOneInTheQueueAndOneRinging(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		p, fallback := s.phone("101", pbx.Rings()), s.phone(pbx.Fallback, pbx.Manner{Ring: soon, Talk: short})
		s.ariMore = ", grace: 1s"
		s.proxied()
		s.ringside(toGroup([]string{"101"}, `members: ["101"], ring_timeout: 60, max_queue_size: 2, queue_timeout: 60`))
		rings := s.dials(pbx.CallSpec{To: called})
		s.received(p, "INVITE")
		waits := s.dials(pbx.CallSpec{To: called})
		s.inQueue(waits)
		s.cut()
		s.tells(rings, told{status: "failed", as: "connection_lost"})
		s.tells(waits, told{status: "failed", as: "connection_lost"})
		s.mend()
		s.ends(rings, 200)
		s.ends(waits, 200)
		s.saw(p, 1, 1, 0)
		s.saw(fallback, 2, 0, 0)
		s.quiet()
	})
}

func TestSlowARI(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		first, second, third := s.phone("101", pbx.Refuses(486)), s.phone("102", pbx.Rings()), s.phone("103", pbx.Answers(soon))
		link := s.proxied()
		s.ringside(toGroup([]string{"101", "102", "103"}, `members: ["101", "102", "103"], distribution_strategy: priority, ring_timeout: 2`))
		link.Delay(500 * time.Millisecond)
		c := s.dials(pbx.CallSpec{To: called, Talk: 2 * time.Second})
		s.ends(c, 200)
		s.saw(first, 1, 0, 0)
		s.saw(second, 1, 1, 0)
		s.saw(third, 1, 0, 1)
		s.tells(c, told{status: "answered", as: "talked", to: "103", legs: "dial 101 busy; dial 102 no_answer; dial 103 answered"})
		s.quiet()

		left := s.dials(pbx.CallSpec{To: called, CancelAfter: 700 * time.Millisecond})
		s.ends(left, 487)
		s.tells(left, told{status: "abandoned", as: "abandoned"})
		s.quiet()
	})
}

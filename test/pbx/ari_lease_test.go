package pbx_test

import (
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/test/pbx"
)

// Asterisk keeps a caller in Stasis for ever. Nobody waits for a ringside that has died for good.
func TestRingsideDiesForGood(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		fallback := s.phone(pbx.Fallback, pbx.Answers(soon))
		s.lease = "3s"
		d := s.ringside(toGroup([]string{"101"}, `members: ["101"], ring_timeout: 3, max_queue_size: 2, queue_timeout: 60`))
		talks := s.talking(pbx.CallSpec{})
		waits := s.dials(pbx.CallSpec{To: called, Talk: 10 * time.Second})
		s.inQueue(waits)
		// While ringside lives, they wait longer than that.
		began := time.Now()
		s.must(pbx.Until(patience, "some leases have passed", func() (bool, error) { return time.Since(began) > 5*time.Second, nil }))
		s.saw(fallback, 0, 0, 0)
		s.must(d.Kill())
		s.received(fallback, "INVITE")
		if !talks.Running() {
			t.Error("the talk has ended, too")
		}
	})
}

// Who waits and is transferred talks for as long as they like: what they had of a lease does not cut
// that talk.
func TestWhoWaitsAndIsTransferredTalksWithoutALease(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Rings())
		two := s.phone("102", pbx.Answers(soon))
		s.lease = "3s"
		s.managed(toGroup([]string{"101", "102"}, `members: ["101"], ring_timeout: 3, max_queue_size: 2, queue_timeout: 60`))
		c := s.dials(pbx.CallSpec{To: called, Talk: 20 * time.Second})
		s.say("transfer", s.channel("trunk", ringside.ChannelRing).Name, "102")
		s.received(two, "ACK")
		began := time.Now()
		s.must(pbx.Until(patience, "some leases have passed", func() (bool, error) { return time.Since(began) > 5*time.Second, nil }))
		if !c.Running() {
			t.Error("the talk was cut")
		}
		s.saw(two, 1, 0, 0)
	})
}

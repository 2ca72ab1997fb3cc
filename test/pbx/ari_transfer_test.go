package pbx_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/test/pbx"
)

// softphone starts a phone that can transfer.
func (s *stage) softphone(number string) *pbx.Softphone {
	s.t.Helper()
	p, err := s.Softphone(number)
	s.must(err)
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("softphone %s:\n%s", number, p.Log())
		}
		_ = p.Close()
	})
	return p
}

// inCall waits until the softphone's n-th call is as it should be.
func (s *stage) inCall(p *pbx.Softphone, n int, what string, ok func(pbx.Dialog) bool) {
	s.t.Helper()
	s.eventually("softphone "+p.Number+": "+what, func() (bool, error) {
		d, there := p.Dialog(n)
		return there && ok(d), nil
	})
}

func answered(d pbx.Dialog) bool { return d.Answered }
func ended(d pbx.Dialog) bool    { return d.Ended }

func TestHold(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		p := s.softphone("101")
		s.ringside(recordings)
		c := s.dials(pbx.CallSpec{To: "101", Echo: true})
		s.answered(c)
		s.bridged(2)
		p.Hold(0, true)
		s.eventually("the caller hears music", func() (bool, error) {
			return strings.Contains(pbx.Tail(s.Log(), s.log, 1_000_000), "Started music on hold"), nil
		})
		p.Hold(0, false)
		s.silenced()
		p.Hold(0, true)
		s.hangsUp("PJSIP/trunk-")
		s.inCall(p, 0, "it is over", ended)
		s.ends(c, 200)
		s.quiet()
		s.tells(c, told{status: "answered", as: "talked", to: "101", legs: "dial 101 answered"})
	})
}

// transferred are the ways in which a call ends that has been transferred: nobody is left in silence.
func transferred(t *testing.T, tell func(*testing.T, *stage, func(c *pbx.Caller, target *pbx.Phone))) {
	for _, x := range []struct {
		name   string
		hangUp string
	}{{"the caller hangs up", "PJSIP/trunk-"}, {"the new side hangs up", "PJSIP/102-"}} {
		t.Run(x.name, func(t *testing.T) {
			throughARI(t, func(t *testing.T, s *stage) {
				tell(t, s, func(c *pbx.Caller, target *pbx.Phone) {
					s.eventually("two are left, and connected", func() (bool, error) {
						out, err := s.CLI("core show channels concise")
						return strings.Count(out, "PJSIP/") == 2 && strings.Contains(out, "PJSIP/102-") && strings.Contains(out, "PJSIP/trunk-"), err
					})
					s.bridged(2)
					s.hangsUp(x.hangUp)
					s.ends(c, 200)
					s.saw(target, 1, 0, 1)
					s.quiet()
				})
			})
		})
	}
}

func TestBlindTransferByThePhone(t *testing.T) {
	transferred(t, func(t *testing.T, s *stage, end func(*pbx.Caller, *pbx.Phone)) {
		p, target := s.softphone("101"), s.phone("102", pbx.Answers(soon))
		s.ringside(recordings)
		c := s.dials(pbx.CallSpec{To: "101", Echo: true})
		s.answered(c)
		s.bridged(2)
		p.Refer(0, "102")
		s.received(target, "ACK")
		s.inCall(p, 0, "it has hung up", ended)
		end(c, target)
		s.oneRecordEach(c)
	})
}

func TestBlindTransferToWhoIsBusy(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		p := s.softphone("101")
		s.phone("102", pbx.Refuses(486))
		s.ringside(directory([]string{"101", "102"}, "")) // nobody has a voicemail
		c := s.dials(pbx.CallSpec{To: "101", Echo: true})
		s.answered(c)
		s.bridged(2)
		p.Refer(0, "102")
		s.ends(c, 200)
		s.quiet()
		s.oneRecordEach(c)
	})
}

func TestAttendedTransferByThePhone(t *testing.T) {
	transferred(t, func(t *testing.T, s *stage, end func(*pbx.Caller, *pbx.Phone)) {
		p, target := s.softphone("101"), s.phone("102", pbx.Answers(soon))
		s.ringside(recordings)
		c := s.dials(pbx.CallSpec{To: "101", Echo: true})
		s.answered(c)
		s.bridged(2)
		p.Hold(0, true)
		p.Call("102")
		s.inCall(p, 1, "the new side has answered", answered)
		s.bridged(4)
		p.Join(0, 1)
		s.inCall(p, 0, "the first call is over", ended)
		s.inCall(p, 1, "the second call is over", ended)
		end(c, target)
		s.oneRecordEach(c)
		r := s.tells(c, told{status: "answered", as: "talked"})
		if d := r.End.Sub(r.Answer); d <= 0 || d > time.Minute {
			t.Errorf("ringside's record: a talk of %v", d)
		}
		s.eventually("both calls have one record, which has ended", func() (bool, error) {
			calls, err := s.daemon.Calls()
			return len(calls) == 2 && !calls[0].Live() && !calls[1].Live(), err
		})
	})
}

// The manager interface moves one of the two elsewhere: the other is not left in silence.
func TestMovedByTheManager(t *testing.T) {
	for _, x := range []struct{ name, moved, left string }{
		{"the caller is moved", "trunk", "101"}, {"the called one is moved", "101", "trunk"},
	} {
		t.Run(x.name, func(t *testing.T) {
			throughARI(t, func(t *testing.T, s *stage) {
				one, two := s.phone("101", pbx.Answers(soon)), s.phone("102", pbx.Answers(soon))
				s.managed(recordings)
				c := s.dials(pbx.CallSpec{To: "101", Echo: true})
				s.answered(c)
				s.bridged(2)
				s.say("transfer", s.channel(x.moved, ringside.ChannelUp).Name, "102")
				s.received(two, "ACK")
				if x.left == "101" {
					s.saw(one, 1, 0, 1)
				} else {
					s.ends(c, 200)
					s.saw(one, 1, 0, 0)
				}
				s.hangsUp("PJSIP/102-")
				s.quiet()
				s.saw(one, 1, 0, 1)
				s.ends(c, 200)
				s.oneRecordEach(c)
			})
		})
	}
}

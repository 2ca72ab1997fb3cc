package pbx_test

import (
	"testing"
	"time"

	"github.com/ringside-pbx/ringside/test/pbx"
)

// One talks, one waits with music and one rings when ringside ends. Those who talk go on, and it is minded
// that they do not talk into silence; the dialplan serves the others.
func TestRingsideIsRestarted(t *testing.T) {
	for _, x := range []struct {
		name   string
		end    func(*pbx.Daemon) error
		caller bool // who hangs up the talk
	}{
		{"kill -9, the caller hangs up", func(d *pbx.Daemon) error { return d.Process.Kill() }, true},
		{"kill -9, the member hangs up", func(d *pbx.Daemon) error { return d.Process.Kill() }, false},
		{"SIGTERM, the caller hangs up", (*pbx.Daemon).Terminate, true},
		{"SIGTERM, the member hangs up", (*pbx.Daemon).Terminate, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			throughARI(t, func(t *testing.T, s *stage) {
				talks, rung, fallback := s.phone("101", pbx.Answers(soon)), s.phone("102", pbx.Rings()), s.phone(pbx.Fallback, pbx.Manner{Ring: soon, Talk: short})
				d := s.ringside(directory([]string{"101", "102"}, `
groups: [{id: 3, name: Sales, members: ["101"], queue_timeout: 60, max_queue_size: 5}]
rules:
  - {id: 5, name: To sales, called_number_pattern: "7001", action: route_to_group, target_group: 3}
`))
				first := s.talking(pbx.CallSpec{})
				s.bridged(2)
				waiting := s.dials(pbx.CallSpec{To: called})
				s.inQueue(waiting)
				ringing := s.dials(pbx.CallSpec{To: "102"})
				s.received(rung, "INVITE")
				s.eventually("the caller hears it ring", func() (bool, error) {
					m, err := ringing.Messages()
					return len(m.Received("180 INVITE")) > 0, err
				})
				s.onDisk()
				s.must(x.end(d))
				s.saw(talks, 1, 0, 0)
				s.restart()

				s.ends(waiting, 200)
				s.ends(ringing, 200)
				s.saw(fallback, 2, 0, 0)
				s.saw(rung, 1, 1, 0)
				s.logged("goes on")
				if x.caller {
					s.hangsUp("PJSIP/trunk-")
				} else {
					s.hangsUp("PJSIP/101-")
				}
				s.ends(first, 200)
				s.saw(talks, 1, 0, 1)
				s.quiet()
				s.tells(first, told{status: "answered", as: "interrupted", to: "101"})
				s.oneRecordEach(first, waiting, ringing)
			})
		})
	}
}

// Who has been killed can't stop a phone: Asterisk does, some seconds after ringside would have.
func TestRingsideIsKilledAndStaysAway(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		p := s.phone("101", pbx.Rings())
		d := s.ringside(toGroup([]string{"101"}, `members: ["101"], ring_timeout: 1`))
		c := s.dials(pbx.CallSpec{To: called, CancelAfter: 2 * time.Second})
		s.received(p, "INVITE")
		s.must(d.Process.Kill())
		s.ends(c, 487)
		s.received(p, "CANCEL")
		s.quiet()
	})
}

// Before a carrier answers, the caller is in a bridge with it already: that is no talk.
func TestRingsideIsRestartedDuringEarlyMedia(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		carrier := s.phone("carrier", pbx.Manner{Early: true, Never: true})
		fallback := s.phone(pbx.Fallback, pbx.Manner{Ring: soon, Talk: short})
		d := s.ringside(toDestination(nil, `action: forward_external, target_external: "+74951234567"`))
		c := s.dials(pbx.CallSpec{To: called})
		s.eventually("the caller hears the carrier", func() (bool, error) {
			m, err := c.Messages()
			return len(m.Received("183 INVITE")) > 0, err
		})
		s.onDisk()
		s.must(d.Process.Kill())
		s.restart()
		s.ends(c, 200)
		s.saw(carrier, 1, 1, 0)
		s.saw(fallback, 1, 0, 0)
		s.quiet()
	})
}

// Who talked while ringside was away has no more to say when the other side has hung up.
func TestTalkEndsWhileRingsideIsAway(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		fallback := s.phone(pbx.Fallback, pbx.Answers(soon))
		d := s.ringside(toGroup([]string{"101"}, `members: ["101"]`))
		c := s.talking(pbx.CallSpec{})
		s.bridged(2)
		s.onDisk()
		s.must(d.Process.Kill())
		s.hangsUp("PJSIP/101-")
		s.restart()
		s.ends(c, 200)
		s.saw(fallback, 0, 0, 0)
		s.quiet()
		s.tells(c, told{status: "answered", as: "interrupted", to: "101"})
	})
}

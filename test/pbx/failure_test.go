package pbx_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside/test/pbx"
)

// fellBack waits until the dialplan's own phone rings, and requires that it did so in time.
func (s *stage) fellBack(fallback *pbx.Phone, since time.Time, limit time.Duration) {
	s.t.Helper()
	rang := s.received(fallback, "INVITE").At.Sub(since)
	s.t.Logf("the fallback phone rang after %v", rang.Round(time.Millisecond))
	if rang > limit {
		s.t.Errorf("the fallback phone rang after %v, want at most %v", rang, limit)
	}
}

// onDisk gives ringside the time to write what it knows: no caller waits for the disk, and nobody
// can ask whether it is done.
func (s *stage) onDisk() { time.Sleep(300 * time.Millisecond) }

// sentInvite is when the caller began.
func (s *stage) sentInvite(c *pbx.Caller) time.Time {
	s.t.Helper()
	return s.messages(c).Sent("INVITE")[0].At
}

func TestRingsideIsAway(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		member, fallback := s.phone("101", pbx.Answers(soon)), s.phone(pbx.Fallback, pbx.Answers(soon))
		d := s.ringside(toGroup([]string{"101"}, `members: ["101"]`))
		s.must(d.Process.Kill())
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c, 200)
		s.fellBack(fallback, s.sentInvite(c), 500*time.Millisecond)
		s.saw(fallback, 1, 0, 1)
		s.saw(member, 0, 0, 0)
		s.row(c, pbx.Fallback, "ANSWERED")

		// Back again, it serves the next call, and knows nothing of the one before.
		s.restart()
		c = s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c, 200)
		s.saw(member, 1, 0, 1)
		if r := s.onlyRecord(); r.RoutedTo != "101" {
			t.Errorf("ringside's record: routed to %q", r.RoutedTo)
		}
	})
}

func TestRingsideIsKilledWhileTheyTalk(t *testing.T) {
	for _, x := range []struct {
		name string
		// phone and caller: who hangs up.
		phone  pbx.Manner
		caller time.Duration
	}{
		{"caller hangs up", pbx.Answers(soon), 1500 * time.Millisecond},
		{"member hangs up", pbx.Manner{Ring: soon, Talk: 1500 * time.Millisecond}, 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			story(t, func(t *testing.T, s *stage) {
				p, fallback := s.phone("101", x.phone), s.phone(pbx.Fallback, pbx.Answers(soon))
				d := s.ringside(toGroup([]string{"101"}, `members: ["101"]`))
				c := s.talking(pbx.CallSpec{Talk: x.caller})
				s.onDisk()
				s.must(d.Process.Kill())
				killed := time.Now()
				s.ends(c, 200)

				if talked := time.Since(killed); talked < time.Second {
					t.Errorf("they could talk for %v after ringside was killed", talked)
				}
				if r := s.row(c, "101", "ANSWERED"); r.Billed < 1 {
					t.Errorf("CDR row: %v", r)
				}
				s.saw(p, 1, 0, map[bool]int{true: 1, false: 0}[x.caller > 0])
				s.saw(fallback, 0, 0, 0)

				s.must(d.Start())
				s.tells(c, told{status: "answered", as: "interrupted", to: "101"})
			})
		})
	}
}

func TestRingsideIsKilledWhileItRings(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		p, fallback := s.phone("101", pbx.Rings()), s.phone(pbx.Fallback, pbx.Answers(soon))
		d := s.ringside(toGroup([]string{"101"}, `members: ["101"], ring_timeout: 1`))
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.received(p, "INVITE")
		s.onDisk()
		s.must(d.Process.Kill())
		s.ends(c, 200)

		// The member rings on for as long as ringside had said; then the dialplan takes over.
		s.saw(p, 1, 1, 0)
		s.fellBack(fallback, s.received(p, "CANCEL").At, 500*time.Millisecond)
		s.row(c, "101", "NO ANSWER")
		s.row(c, pbx.Fallback, "ANSWERED")
		s.must(d.Start())
		s.tells(c, told{status: "failed", as: "interrupted"})
	})
}

func TestRingsideIsKilledWhileACallerWaits(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		fallback := s.phone(pbx.Fallback, pbx.Manner{Ring: soon, Talk: short})
		d := s.ringside(toGroup([]string{"101"}, `members: ["101"], queue_timeout: 20`))
		s.talking(pbx.CallSpec{})
		c := s.dials(pbx.CallSpec{To: called})
		s.inQueue(c)
		killed := time.Now()
		s.must(d.Process.Kill())
		s.ends(c, 200)
		s.fellBack(fallback, killed, 500*time.Millisecond)
		s.row(c, pbx.Fallback, "ANSWERED")
	})
}

// A stopped process can't time anything out: its kernel accepts the connection, and Asterisk waits
// for an answer without a limit. What bounds the wait is whoever watches the process (the service
// manager's watchdog kills it); from then on the dialplan needs no time at all.
func TestRingsideIsFrozen(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		member, fallback := s.phone("101", pbx.Answers(soon)), s.phone(pbx.Fallback, pbx.Answers(soon))
		d := s.ringside(toGroup([]string{"101"}, `members: ["101"]`))
		s.must(d.Freeze())
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		const watched = 2 * time.Second
		time.Sleep(watched) // that nothing happens can't be waited for
		s.saw(member, 0, 0, 0)
		s.saw(fallback, 0, 0, 0)
		if code := s.final(c); code != 0 {
			t.Errorf("the caller saw %d from a frozen ringside", code)
		}
		killed := time.Now()
		s.must(d.Process.Kill())
		s.ends(c, 200)
		s.fellBack(fallback, killed, 500*time.Millisecond)
		s.saw(member, 0, 0, 0)
		s.row(c, pbx.Fallback, "ANSWERED")
	})
}

func TestRingsideIsFrozenAndComesBack(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		member, fallback := s.phone("101", pbx.Answers(soon)), s.phone(pbx.Fallback, pbx.Answers(soon))
		d := s.ringside(toGroup([]string{"101"}, `members: ["101"]`))
		s.must(d.Freeze())
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.eventually("Asterisk asks", func() (bool, error) {
			return strings.Contains(pbx.Tail(s.Log(), s.log, 1000), "AGI("), nil
		})
		s.must(d.Thaw())
		s.ends(c, 200)
		s.saw(member, 1, 0, 1)
		s.saw(fallback, 0, 0, 0)
		s.tells(c, told{status: "answered", as: "talked", to: "101"})
	})
}

func TestRingsideIsAskedToStop(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		p, fallback := s.phone("101", pbx.Answers(soon)), s.phone(pbx.Fallback, pbx.Answers(soon))
		d := s.ringside(toGroup([]string{"101"}, `members: ["101"]`))
		c := s.talking(pbx.CallSpec{Talk: 2500 * time.Millisecond})
		s.must(d.Terminate())
		// They talk on although ringside is gone, and a new call is the dialplan's.
		c2 := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c2, 200)
		s.saw(fallback, 1, 0, 1)
		s.ends(c, 200)
		s.saw(p, 1, 0, 1)
		if r := s.row(c, "101", "ANSWERED"); r.Billed < 2 {
			t.Errorf("CDR row: %v", r)
		}
		s.must(d.Start())
		s.tells(c, told{status: "answered", as: "interrupted", to: "101"})
	})
}

func TestAsteriskGoesAway(t *testing.T) {
	for _, x := range []struct {
		name string
		end  func(*stage) error
		as   string
	}{
		// Asterisk hangs up its channels first, so that the talk may be over before the connection is.
		{"core stop now", func(s *stage) error { return s.Stop() }, "connection_lost talked"},
		{"kill -9", func(s *stage) error { return s.Kill() }, "connection_lost"},
	} {
		t.Run(x.name, func(t *testing.T) {
			throughEachDoor(t, func(t *testing.T, s *stage) {
				p := s.phone("101", pbx.Answers(soon))
				s.ringside(toGroup([]string{"101"}, `members: ["101"], max_queue_size: 0`))
				c := s.talking(pbx.CallSpec{})
				s.must(x.end(s))
				ended := time.Now()
				r := s.tells(c, told{status: "answered", as: x.as, to: "101"})
				limit := 5 * time.Second
				if s.ari {
					limit += 2 * time.Second // the calls are kept for 5 s: only the connection might be lost
				}
				if late := r.End.Sub(ended).Abs(); late > limit {
					t.Errorf("ringside's record: the call ended %v away from Asterisk's end", late)
				}
				t.Logf("recorded as %s", r.Disposition)

				// The member is free for the next Asterisk's calls.
				s.must(s.Start())
				if s.ari {
					s.must(s.daemon.ConnectedWithARI())
				}
				next := s.dials(pbx.CallSpec{To: called, Talk: short})
				s.ends(next, 200)
				s.saw(p, 2, 0, len(s.messages(p).Received("BYE")))
				s.row(next, "101", "ANSWERED")
				s.tells(next, told{status: "answered", as: "talked", to: "101"})
			})
		})
	}
}

func TestAsteriskGoesAwayWithACallerInTheQueue(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		d := s.ringside(toGroup([]string{"101"}, `members: ["101"], queue_timeout: 20`))
		first := s.talking(pbx.CallSpec{})
		waits := s.dials(pbx.CallSpec{To: called})
		s.inQueue(waits)
		s.must(s.Kill())
		s.tells(first, told{status: "answered", as: "connection_lost"})
		s.tells(waits, told{status: "failed", as: "connection_lost", legs: "queue left"})
		calls, err := d.Calls()
		s.must(err)
		for _, r := range calls {
			if r.Live() {
				t.Errorf("still live: %s %s", r.ID, r.Status)
			}
		}
	})
}

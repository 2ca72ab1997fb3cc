package calls

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// says makes a report of the state, with the calls in which the device talks.
func says(number string, state ringside.DeviceState, talks ...string) ringside.LineReport {
	r := ringside.LineReport{Number: number, State: state, At: time.Now()}
	for _, id := range talks {
		r.Calls = append(r.Calls, ringside.LineCall{CallID: id, Talking: true, Since: time.Now()})
	}
	return r
}

// target is whom a new call to sales is given; nobody is held for it.
func (s *site) target() (number, why string) {
	none := time.Duration(0)
	d, _ := s.board.Decide(s.offer(900, "500"), ringside.Handover{Hold: &none})
	for _, step := range d.Trace {
		if step.Member == "101" {
			why = step.Why
		}
	}
	return d.Target, why
}

func (s *site) expectTarget(when, want string) {
	s.t.Helper()
	if got, why := s.target(); got != want {
		s.t.Errorf("%s, a call goes to %q, want %s; 101 %s", when, got, want, why)
	}
}

func TestWhatThePBXReportsCounts(t *testing.T) {
	ringing := says("101", ringside.DeviceRinging)
	ringing.Calls = []ringside.LineCall{{CallID: "foreign"}}
	const reported = "is on a call, says the PBX"
	cases := []struct {
		name      string
		report    ringside.LineReport
		goes, why string
	}{
		{"a talk that ringside has not routed", says("101", ringside.DeviceInUse, "foreign"), "102", reported},
		{"a talk, although the state is not known", says("101", ringside.DeviceUnknown, "foreign"), "102", reported},
		{"a call that rings", ringing, "102", reported},
		{"a call without an id", says("101", ringside.DeviceInUse, ""), "102", reported},
		{"a state alone", says("101", ringside.DeviceInUse), "102", reported},
		{"a state alone: it rings", says("101", ringside.DeviceRinging), "102", reported},
		{"a state alone: on hold", says("101", ringside.DeviceOnHold), "102", reported},
		{"not registered", says("101", ringside.DeviceUnavailable), "102", "is not reachable"},
		{"no such device", says("101", ringside.DeviceInvalid), "102", "is not reachable"},
		{"idle", says("101", ringside.DeviceIdle), "101", "is the first who is free"},
		{"not known", says("101", ringside.DeviceUnknown), "101", "is the first who is free"},
		{"nothing said", ringside.LineReport{Number: "101"}, "101", "is the first who is free"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, office(t, sales(nil)), nil)
				defer s.close()
				s.board.Report(c.report)
				if goes, why := s.target(); goes != c.goes || why != c.why {
					t.Errorf("a call goes to %s: 101 %q; want %s, %q", goes, why, c.goes, c.why)
				}
				s.board.Report(says("101", ringside.DeviceIdle))
				s.expectTarget("with a later report that 101 is idle", "101")
				s.board.Report(c.report)
				s.board.Silence()
				s.expectTarget("when the PBX can't be heard any more", "101")
			})
		})
	}
}

func TestEachCallCountsOnce(t *testing.T) {
	// Two calls at once are what an extension may have when it is called directly.
	cases := []struct {
		name   string
		own    bool // ringside has given call 1 to 101
		report ringside.LineReport
		busy   bool
	}{
		{"ringside's own, which is reported, too", true, says("101", ringside.DeviceInUse, "1"), false},
		{"ringside's own under its own id", true, says("101", ringside.DeviceInUse, "test-1"), false},
		{"ringside's own and a state", true, says("101", ringside.DeviceInUse), false},
		{"ringside's own and another", true, says("101", ringside.DeviceInUse, "1", "foreign"), true},
		{"one on two devices", false, says("101", ringside.DeviceInUse, "foreign", "foreign"), false},
		{"two", false, says("101", ringside.DeviceInUse, "foreign", "another"), true},
		{"two without ids", false, says("101", ringside.DeviceInUse, "", ""), true},
	}
	for _, c := range cases {
		for _, way := range []string{"served", "decided", "leased"} {
			t.Run(c.name+", "+way, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, office(t, sales(nil)), phones("101"))
					defer s.close()
					switch {
					case !c.own:
					case way == "served":
						s.call("a", "500")
						time.Sleep(5 * time.Second)
					case way == "decided":
						o := s.offer(1, "500")
						s.board.Decide(o, tracked)
						defer s.board.Finish(o, ringside.Facts{})
					default:
						s.board.Decide(s.offer(1, "500"), ringside.Handover{})
						defer time.Sleep(time.Minute)
					}
					s.board.Report(c.report)
					none := time.Duration(0)
					d, _ := s.board.Decide(s.offer(900, "101"), ringside.Handover{Hold: &none})
					if busy := d.Action == ringside.Busy; busy != c.busy {
						t.Errorf("101 is called directly: %s", d.Action)
					}
				})
			})
		}
	}
}

func TestCallThatGoesOnWithoutRingside(t *testing.T) {
	t.Run("the PBX's word of an end may come a moment later", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), phones("101"))
			defer s.close()
			s.call("a", "500")
			time.Sleep(5 * time.Second)
			s.board.Report(says("101", ringside.DeviceInUse, "1"))
			s.serving.Wait()
			s.expectTarget("when ringside's call has just ended", "101")
			time.Sleep(reportGrace - time.Millisecond)
			s.expectTarget("a moment later", "101")
			time.Sleep(time.Millisecond)
			s.expectTarget("when the PBX still says that 101 talks", "102")
			s.board.Report(says("101", ringside.DeviceIdle))
			s.expectTarget("when it has ended", "101")
		})
	})
	t.Run("who has left a call that goes on, parked or handed over by the phone itself, is free", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := phones("101")
			p["101"].Talk = 10 * time.Minute
			s := newSite(t, office(t, sales(func(g *ringside.RingGroup) { g.Strategy = ringside.LeastRecent })), p)
			defer s.close()
			for _, n := range []string{"102", "103"} { // 101 has rested longest
				s.board.Report(says(n, ringside.DeviceInUse, "before"))
				s.board.Report(says(n, ringside.DeviceIdle))
				time.Sleep(time.Second)
			}
			s.call("a", "500")
			time.Sleep(5 * time.Second)
			s.board.Report(says("101", ringside.DeviceInUse, "1"))
			s.expectTarget("while 101 talks", "102")
			left := time.Now()
			s.board.Report(says("101", ringside.DeviceInUse)) // the device's state comes after its last channel's end
			s.board.Report(says("101", ringside.DeviceIdle))
			for _, line := range s.board.Lines() {
				if line.Number == "101" && (line.Busy || line.Talking != 0 || !line.LastTalk.Equal(left)) {
					t.Errorf("when it has left, 101 is %+v", line)
				}
			}
			s.serving.Wait()
			for _, line := range s.board.Lines() {
				if line.Number == "101" && (line.Busy || line.Talking != 0 || !line.LastTalk.Equal(left)) {
					t.Errorf("when the call is over, 101 is %+v", line)
				}
			}
			c, _, _ := s.journal.recorded(t.Context(), "test-1")
			if len(c.Legs) != 1 || !c.Legs[0].End.Equal(left) || !c.End.After(left) {
				t.Errorf("the record's legs: %+v", c.Legs)
			}
		})
	})
	t.Run("a state without a call may be that of the call that has just ended", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), phones("101"))
			defer s.close()
			s.call("a", "500")
			time.Sleep(5 * time.Second)
			s.board.Report(says("101", ringside.DeviceInUse))
			s.serving.Wait()
			s.expectTarget("when ringside's call has just ended", "101")
			time.Sleep(reportGrace)
			s.expectTarget("later", "102")
		})
	})
	t.Run("a target that was held without a report counts as the PBX says from then on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), nil)
			defer s.close()
			hold := 10 * time.Second
			s.board.Decide(s.offer(1, "500"), ringside.Handover{Hold: &hold})
			s.board.Report(says("101", ringside.DeviceInUse, "1"))
			time.Sleep(hold + time.Second)
			s.expectTarget("when the hold has ended in the talk", "102")
		})
	})
	t.Run("who has answered of several is known from the PBX, when the dialplan does not tell", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := phones("101", "102", "103")
			p["101"].Answers, p["101"].Talk = time.Second, 5*time.Minute
			s := newSite(t, office(t, sales(func(g *ringside.RingGroup) { g.Strategy = ringside.AllRing })), p)
			s.pbx.Answered = nil
			defer s.close()
			s.call("a", "500")
			time.Sleep(2 * time.Second)
			s.board.Report(says("101", ringside.DeviceInUse, "1"), says("102", ringside.DeviceIdle), says("103", ringside.DeviceIdle))
			time.Sleep(20*time.Second + answerGrace)
			s.expectTarget("after the ring time", "102")
		})
	})
	t.Run("those who were rung with the one who answered are free before the PBX says so", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := phones("101", "102", "103")
			p["102"].Answers = time.Second
			s := newSite(t, office(t, sales(func(g *ringside.RingGroup) { g.Strategy = ringside.AllRing })), p)
			defer s.close()
			s.call("a", "500")
			synctest.Wait()
			ringing := says("101", ringside.DeviceRinging)
			ringing.Calls = []ringside.LineCall{{CallID: "1"}}
			s.board.Report(ringing)
			time.Sleep(1500 * time.Millisecond)
			s.expectTarget("while 102 talks", "101")
			time.Sleep(reportGrace)
			s.expectTarget("when the PBX goes on saying that 101 rings", "103")
			s.serving.Wait()
		})
	})
	t.Run("an extension that calls through ringside is busy itself", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), phones("102"))
			defer s.close()
			s.count = 1
			ch := &channeltest.Channel{PBX: s.pbx, Start: ringside.Offer{
				PBX: "test", CallID: "1", Endpoint: "101", Caller: "101", Called: "500", At: time.Now(),
			}}
			s.board.Report(says("101", ringside.DeviceInUse, "1"))
			s.serve(ch)
			s.serving.Wait()
			if got := heard(ch); got != "dial 102; hangup 16" {
				t.Errorf("the PBX was told %q", got)
			}
		})
	})
}

func TestReportsServeThoseWhoWait(t *testing.T) {
	only := func(g *ringside.RingGroup) { g.Members = g.Members[:2] }
	busy := func(s *site) {
		s.board.Report(says("101", ringside.DeviceInUse, "x"), says("102", ringside.DeviceInUse, "y"))
	}
	cases := []struct {
		name        string
		before, now func(s *site)
	}{
		{"a talk ends", busy, func(s *site) { s.board.Report(says("101", ringside.DeviceIdle)) }},
		{
			"a phone registers",
			func(s *site) {
				s.board.Report(says("101", ringside.DeviceUnavailable), says("102", ringside.DeviceInUse, "y"))
			},
			func(s *site) { s.board.Report(says("101", ringside.DeviceIdle)) },
		},
		{"the PBX can't be heard any more", busy, func(s *site) { s.board.Silence() }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, office(t, sales(only)), phones("101"))
				defer s.close()
				c.before(s)
				ch, _ := s.call("a", "500")
				time.Sleep(10 * time.Second)
				if got := heard(ch); got != "answer; wait" {
					t.Fatalf("while nobody is free, the PBX was told %q", got)
				}
				c.now(s)
				synctest.Wait()
				if got := heard(ch); got != "answer; wait; dial 101" {
					t.Errorf("the PBX was told %q", got)
				}
				s.serving.Wait()
			})
		})
	}
}

func TestEndOfAReportedTalkCountsAsTheLastTalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, office(t, sales(func(g *ringside.RingGroup) { g.Strategy = ringside.LeastRecent })), nil)
		defer s.close()
		for _, n := range []string{"103", "101", "102"} {
			s.board.Report(says(n, ringside.DeviceInUse, "call-of-"+n))
			time.Sleep(time.Minute)
			s.board.Report(says(n, ringside.DeviceIdle))
		}
		s.expectTarget("when all have talked", "103")
		s.board.Report(says("103", ringside.DeviceRinging))
		time.Sleep(time.Minute)
		s.board.Report(says("103", ringside.DeviceIdle))
		s.expectTarget("when 103 has been rung only", "103")
	})
}

func TestPhoneThatCouldNotBeReached(t *testing.T) {
	cases := []struct {
		name    string
		reports []ringside.DeviceState
		goes    string
	}{
		{"registers again: it is rung at once", []ringside.DeviceState{ringside.DeviceUnavailable, ringside.DeviceIdle}, "101"},
		// The end of the failed attempt itself brings such a report.
		{"was registered all the time: it is left alone for a while", []ringside.DeviceState{ringside.DeviceIdle, ringside.DeviceIdle}, "103"},
		{"is not registered", []ringside.DeviceState{ringside.DeviceUnavailable}, "103"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := phones("102")
				p["101"] = &channeltest.Phone{Away: true}
				s := newSite(t, office(t, sales(nil)), p)
				defer s.close()
				s.call("a", "500") // 101 can't be reached, and 102 talks
				for _, state := range c.reports {
					time.Sleep(time.Second)
					s.board.Report(says("101", state))
				}
				s.expectTarget("while 102 talks", c.goes)
				s.serving.Wait()
			})
		})
	}
}

func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, office(t, sales(nil)), phones("101"))
		defer s.close()
		s.call("a", "500")
		time.Sleep(5 * time.Second)
		report := says("101", ringside.DeviceInUse, "1", "foreign")
		s.board.Report(report, says("102", ringside.DeviceUnavailable), ringside.LineReport{Number: "103", State: ringside.DeviceIdle},
			ringside.LineReport{Number: "trunk", State: ringside.DeviceInUse})
		report.Calls[0].CallID = "changed by its maker"
		lines := s.board.Lines()
		var numbers []string
		for _, l := range lines {
			numbers = append(numbers, l.Number)
		}
		if got := strings.Join(numbers, " "); got != "101 102 103 104 105 106 107 108 109 110" {
			t.Fatalf("lines of %s", got)
		}
		if r := lines[2].Report; r == nil || !r.At.Equal(time.Now()) {
			t.Errorf("the report on 103, which has no time: %+v", r)
		}
		one := lines[0]
		if one.Ringing != 0 || one.Talking != 1 || one.Reported != 1 || !one.Busy || one.Presence != ringside.PresenceReachable {
			t.Errorf("101: %+v", one)
		}
		if r := one.Report; r == nil || r.State != ringside.DeviceInUse || r.Calls[0].CallID != "1" || !r.At.Equal(report.At) {
			t.Errorf("the report on 101: %+v", r)
		}
		if two := lines[1]; two.Busy || two.Presence != ringside.PresenceUnreachable {
			t.Errorf("102: %+v", two)
		}
		if four := lines[3]; four.Busy || four.Report != nil || four.Presence != ringside.PresenceUnknown {
			t.Errorf("104: %+v", four)
		}
		s.serving.Wait()
	})
}

func TestEstimateLeavesOutWhoIsNotRegistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, office(t, sales(nil)), nil)
		defer s.close()
		s.board.Report(says("101", ringside.DeviceInUse), says("102", ringside.DeviceUnavailable), says("103", ringside.DeviceUnavailable))
		_, leave := s.call("a", "500")
		synctest.Wait()
		if w := s.board.Waiting(); len(w) != 1 || w[0].Estimate != int(usualTalk/time.Second) {
			t.Errorf("with one of three who takes calls: %+v", w)
		}
		leave()
		s.serving.Wait()
	})
}

func TestAnswerThatThePBXReports(t *testing.T) {
	t.Run("of a call that ringside serves", func(t *testing.T) {
		for _, id := range []string{"1", "test-1"} {
			synctest.Test(t, func(t *testing.T) {
				p := phones("101", "102", "103")
				s := newSite(t, office(t, sales(func(g *ringside.RingGroup) { g.Strategy = ringside.AllRing })), p)
				s.pbx.Answered = nil
				defer s.close()
				s.call("a", "500")
				time.Sleep(3 * time.Second)
				s.board.Answered(id, "102")
				s.board.Answered(id, "102")
				if live := s.board.Live(); live[0].Status != ringside.StatusAnswered || live[0].RoutedTo != "102" {
					t.Errorf("live, told of %s: %+v", id, live[0])
				}
				s.serving.Wait()
			})
		}
	})
	t.Run("of a call that the dialplan carries out", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(func(g *ringside.RingGroup) { g.Strategy = ringside.AllRing })), nil)
			defer s.close()
			s.board.Decide(s.offer(1, "500"), tracked)
			time.Sleep(5 * time.Second)
			s.board.Answered("1", "104") // who was not rung
			s.board.Answered("1", "102")
			s.board.Answered("1", "103") // too late
			if live := s.board.Live(); live[0].Status != ringside.StatusAnswered || live[0].RoutedTo != "102" {
				t.Errorf("live: %+v", live[0])
			}
			s.expectTarget("while 102 talks", "101")
			time.Sleep(30 * time.Second)
			s.board.Finish(s.offer(1, "500"), ringside.Facts{Status: ringside.DialAnswered, Talk: 30 * time.Second})
			if r := s.record(1); r.RoutedTo != "102" || r.Duration != 30 || r.Disposition != ringside.EndTalked {
				t.Errorf("recorded %+v", r)
			}
			s.board.Decide(s.offer(2, "500"), tracked)
			s.board.Answered("2", "101")
			s.board.Finish(s.offer(2, "500"), ringside.Facts{Status: ringside.DialNoAnswer}) // of a later attempt
			if r := s.record(2); r.Status != ringside.StatusAnswered || r.Disposition != ringside.EndTalked {
				t.Errorf("recorded %s, %s", r.Status, r.Disposition)
			}
			if len(s.journal.talks) != 2 || s.journal.talks[0].Number != "102" {
				t.Errorf("talks %+v", s.journal.talks)
			}
		})
	})
}

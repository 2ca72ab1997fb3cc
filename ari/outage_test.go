package ari

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// away breaks the WebSocket and lets nobody connect for d, while do happens in the middle.
func (s *site) away(d time.Duration, do func()) {
	s.pbx.do(func() { s.pbx.refuses = 503 })
	s.pbx.cut()
	after(d / 2)
	if s.app.State().Up {
		s.t.Error("the loss is not noticed")
	}
	do()
	after(d / 2)
	s.pbx.do(func() { s.pbx.refuses = 0 })
	after(20 * time.Second)
	if !s.app.State().Up {
		s.t.Errorf("not connected again: %v", s.app.State().Err)
	}
}

// outcome is how an operation ended, and when.
type outcome struct {
	res   ringside.DialResult
	err   error
	cause error // of the call's end, if it has ended
	at    time.Time
}

// dialsOnce is a switchboard with one attempt, after which the caller goes back to the dialplan.
func dialsOnce(out chan<- outcome, req ringside.DialRequest) channeltest.Serve {
	return func(ctx context.Context, ch ringside.Channel) {
		res, err := ch.Dial(ctx, req)
		out <- outcome{res, err, context.Cause(ctx), time.Now()}
		_ = ch.Release(ctx, ringside.ResultReleased)
	}
}

// What happens while nobody listens is found out when the connection is back.
func TestWhatHappensInAGapIsFoundOut(t *testing.T) {
	outside := channeltest.Extensions()
	outside.Targets = []ringside.Target{{Kind: ringside.ToExternal, Number: "+74951234567"}}
	outside.Ring = time.Minute
	long := channeltest.Extensions("101")
	long.Ring = 2 * time.Minute
	for name, c := range map[string]struct {
		req    ringside.DialRequest
		phone  *channeltest.Phone
		before time.Duration // of the gap
		gap    func(s *site, l *channeltest.Line)
		status ringside.DialStatus
		within time.Duration // of the call's beginning
		caller string        // how the call ends
	}{
		"a phone goes on ringing and answers afterwards": {
			long, &channeltest.Phone{Answers: 50 * time.Second, Talk: 10 * time.Second}, 5 * time.Second, nil, ringside.DialAnswered,
			70 * time.Second, "dialplan",
		},
		// A phone whose call is not in Stasis until it answers is let go, as the application is not there. It is
		// rung again.
		"a phone answers in vain": {
			long, &channeltest.Phone{Answers: 10 * time.Second, Talk: 10 * time.Second}, 5 * time.Second, nil, ringside.DialAnswered,
			65 * time.Second, "dialplan",
		},
		"an outside number answers and they talk": {
			outside, &channeltest.Phone{Answers: 10 * time.Second, Talk: time.Minute}, 5 * time.Second, nil, ringside.DialAnswered,
			75 * time.Second, "dialplan",
		},
		"the other side hangs up": {
			long, &channeltest.Phone{Answers: time.Second, Talk: 10 * time.Second}, 5 * time.Second, nil, ringside.DialAnswered, 40 * time.Second, "dialplan",
		},
		"the caller hangs up while it rings": {
			long, &channeltest.Phone{}, 5 * time.Second, func(_ *site, l *channeltest.Line) { l.Leave() }, ringside.DialCancelled, 40 * time.Second, "left",
		},
		"the caller hangs up while they talk": {
			long, &channeltest.Phone{Answers: time.Second}, 5 * time.Second, func(_ *site, l *channeltest.Line) { l.Leave() },
			ringside.DialAnswered, 40 * time.Second, "left",
		},
		"Asterisk is started anew while it rings": {
			long, &channeltest.Phone{}, 5 * time.Second, func(s *site, _ *channeltest.Line) { s.restart() }, ringside.DialCancelled, 40 * time.Second, "left",
		},
		"Asterisk is started anew while they talk": {
			long, &channeltest.Phone{Answers: time.Second}, 5 * time.Second, func(s *site, _ *channeltest.Line) { s.restart() },
			ringside.DialAnswered, 40 * time.Second, "left",
		},
	} {
		t.Run(name, func(t *testing.T) {
			out := make(chan outcome, 1)
			story(t, Options{Grace: 2 * time.Minute}, func(ctx context.Context, ch ringside.Channel) { dialsOnce(out, c.req)(ctx, ch) }, func(s *site) {
				begin := time.Now()
				l := s.line("call-1", map[string]*channeltest.Phone{c.req.Targets[0].Number: c.phone})
				after(c.before)
				s.away(20*time.Second, func() {
					if c.gap != nil {
						c.gap(s, l)
					}
				})
				after(2 * time.Minute)
				select {
				case o := <-out:
					if o.res.Status != c.status {
						t.Errorf("the attempt ended as %s, %v, want %s", o.res.Status, o.err, c.status)
					}
					if o.at.Sub(begin) > c.within {
						t.Errorf("that took until %s", o.at.Sub(begin))
					}
				default:
					t.Error("the attempt goes on")
				}
				s.ended(l, c.caller)
				s.pbx.do(func() {
					if len(s.pbx.bridges) > 0 {
						t.Errorf("%d bridges are left", len(s.pbx.bridges))
					}
					for _, ch := range s.pbx.channels {
						if !ch.caller {
							t.Errorf("the channel %s is left", ch.name)
						}
					}
				})
				l.Leave()
			})
		})
	}
}

// Who is moved elsewhere in a gap has left the call: nobody is rung for them any more, and who talked with them is not
// left in silence.
func TestACallerIsMovedElsewhereInAGap(t *testing.T) {
	for name, answers := range map[string]time.Duration{"while it rings": time.Hour, "while they talk": time.Second} {
		t.Run(name, func(t *testing.T) {
			req := channeltest.Extensions("101")
			req.Ring = 5 * time.Minute
			out := make(chan outcome, 1)
			story(t, Options{Grace: 2 * time.Minute}, dialsOnce(out, req), func(s *site) {
				l := s.line("call-1", map[string]*channeltest.Phone{"101": {Answers: answers, Talk: time.Hour}})
				after(5 * time.Second)
				s.away(20*time.Second, func() { s.pbx.do(func() { s.pbx.leave(s.pbx.channels["call-1"]) }) })
				after(5 * time.Second)
				if seen := l.Seen(); len(seen) == 0 || seen[len(seen)-1] != "101 stops" && seen[len(seen)-1] != "101 is let go" {
					t.Errorf("the phone saw %q", seen)
				}
				if n := s.app.State().Calls; n != 0 {
					t.Errorf("%d calls are known", n)
				}
				s.ended(l, "dialplan")
				l.Leave()
			})
		})
	}
}

// restart is Asterisk's end and new beginning: nothing is left, and nobody is told.
func (s *site) restart() {
	s.pbx.do(func() {
		for _, c := range s.pbx.channels {
			s.pbx.end(c, 0, true)
			if c.caller {
				c.line.Leave()
			}
		}
		clear(s.pbx.bridges)
		clear(s.pbx.plays)
	})
}

// A phone that is called, and says no, while nobody listens: the next is tried as soon as that is known.
func TestAPhoneThatRefusesInAGapDoesNotHoldUpTheNext(t *testing.T) {
	out := make(chan outcome, 1)
	story(t, Options{Grace: 2 * time.Minute}, func(ctx context.Context, ch ringside.Channel) {
		waiting, cancel := context.WithTimeout(ctx, 10*time.Second)
		_ = ch.Wait(waiting, "")
		cancel()
		req := channeltest.Extensions("101")
		req.Ring = time.Hour
		dialsOnce(out, req)(ctx, ch)
	}, func(s *site) {
		l := s.line("call-1", map[string]*channeltest.Phone{"101": {Busy: true}})
		after(9 * time.Second)
		s.away(10*time.Second, func() {})
		select {
		case o := <-out:
			if o.res.Status == ringside.DialAnswered || o.err != nil {
				t.Errorf("the attempt ended as %+v", o)
			}
		default:
			t.Error("the attempt goes on")
		}
		after(time.Second)
		s.ended(l, "dialplan")
	})
}

// Of a sound that has ended meanwhile Asterisk does not tell again.
func TestASoundThatEndsInAGapHasEnded(t *testing.T) {
	var err error
	var took time.Duration
	story(t, Options{Grace: 2 * time.Minute}, func(ctx context.Context, ch ringside.Channel) {
		began := time.Now()
		err, took = ch.Play(ctx, ringside.Prompt{Sound: "beep"}), time.Since(began)
		_ = ch.Release(ctx, ringside.ResultReleased)
	}, func(s *site) {
		l := s.line("call-1", nil)
		after(time.Second)
		s.away(10*time.Second, func() {})
		after(10 * time.Second)
		if err != nil || took > 30*time.Second {
			t.Errorf("the sound took %s: %v", took, err)
		}
		s.ended(l, "dialplan")
	})
}

// A caller who leaves while they wait is not waited for when the connection is back.
func TestACallerWhoLeavesInAGapIsGone(t *testing.T) {
	var cause error
	story(t, Options{Grace: 2 * time.Minute}, func(ctx context.Context, ch ringside.Channel) {
		cause = ch.Wait(ctx, "")
	}, func(s *site) {
		l := s.line("call-1", nil)
		after(time.Second)
		s.away(10*time.Second, l.Leave)
		if !errors.Is(cause, ringside.ErrCallerGone) || s.app.State().Calls != 0 {
			t.Errorf("the wait ended with %v, and %d calls are known", cause, s.app.State().Calls)
		}
	})
}

// Calls are kept through an outage as long as Grace, and not longer: then callers who wait go back to the
// dialplan, and those who talk are not touched.
func TestCallsOutliveTheConnectionForAsLongAsGrace(t *testing.T) {
	causes := make(chan error, 2)
	story(t, Options{Grace: 20 * time.Second}, func(ctx context.Context, ch ringside.Channel) {
		if ch.Offer().CallID == "talks" {
			_, _ = ch.Dial(ctx, channeltest.Extensions("101"))
		}
		_ = ch.Wait(ctx, "")
		causes <- context.Cause(ctx)
	}, func(s *site) {
		waits := s.line("waits", nil)
		talks := s.line("talks", map[string]*channeltest.Phone{"101": {Answers: time.Second}})
		after(5 * time.Second)
		s.pbx.do(func() { s.pbx.refuses = 503 })
		s.pbx.cut()
		after(19 * time.Second)
		s.ended(waits, "")
		if len(causes) > 0 {
			t.Error("the calls have ended too early")
		}
		after(2 * time.Second)
		for range 2 {
			if cause := <-causes; !errors.Is(cause, ringside.ErrConnectionLost) {
				t.Errorf("a call ended with %v", cause)
			}
		}
		after(time.Minute)
		s.ended(waits, "dialplan")
		s.ended(talks, "")
		if seen := talks.Seen(); len(seen) != 2 {
			t.Errorf("the phone saw %q", seen)
		}
		talks.Leave()
	})
}

// New calls that come while ringside is away are the dialplan's, and those that come afterwards ringside's.
func TestNewCallsOfAnOutageAreTheDialplans(t *testing.T) {
	story(t, Options{Grace: 2 * time.Minute}, waitsForever, func(s *site) {
		var during *channeltest.Line
		s.away(10*time.Second, func() { during = s.line("during", nil) })
		s.ended(during, "dialplan")
		after(time.Second)
		later := s.line("later", nil)
		after(time.Second)
		if later.Hearing() != "default" {
			t.Error("the later call is not served")
		}
		later.Leave()
	})
}

package ari

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// A call about which nothing is decided in time goes back to the dialplan, which rings the default.
func TestWithoutADecisionInTimeACallGoesBackToTheDialplan(t *testing.T) {
	for name, c := range map[string]struct {
		opt  Options
		vars map[string]string
	}{
		"with the default": {
			Options{Deadline: time.Second, Default: "100"}, map[string]string{"RINGSIDE_RESULT": "default", "RINGSIDE_DIAL": "PJSIP/100"},
		},
		"with its own lines":              {Options{Deadline: time.Second}, map[string]string{"RINGSIDE_RESULT": "released", "RINGSIDE_DIAL": ""}},
		"a default that can't be dialled": {Options{Deadline: time.Second, Default: "1&2"}, map[string]string{"RINGSIDE_RESULT": "released"}},
	} {
		for _, asterisk := range []string{"22", "without ARRAY"} {
			t.Run(name+" on "+asterisk, func(t *testing.T) {
				var cause, dial error
				story(t, c.opt, func(ctx context.Context, ch ringside.Channel) {
					<-ctx.Done()
					cause = context.Cause(ctx)
					_, dial = ch.Dial(context.Background(), channeltest.Extensions("101"))
				}, func(s *site) {
					if asterisk != "22" {
						s.pbx.do(func() { s.pbx.lacks = []string{"func_strings.so"} })
						s.crash()
						s.start()
					}
					l := s.line("call-1", map[string]*channeltest.Phone{"101": {}})
					after(990 * time.Millisecond)
					s.ended(l, "")
					after(20 * time.Millisecond)
					s.ended(l, "dialplan")
					for variable, want := range c.vars {
						if got := l.Variable(variable); got != want {
							t.Errorf("%s is %q, want %q", variable, got, want)
						}
					}
					after(time.Second)
					if !errors.Is(cause, errLate) && !errors.Is(cause, ringside.ErrCallerGone) || dial == nil {
						t.Errorf("the call ended with %v, and a phone could be dialled: %v", cause, dial)
					}
					s.count(1, "continue")
					s.says("no decision within the deadline")
				})
			})
		}
	}
}

// With a first word the deadline has no meaning any more.
func TestADecisionInTimeIsNotHurried(t *testing.T) {
	for name, say := range map[string]func(ctx context.Context, ch ringside.Channel) error{
		"answer": func(ctx context.Context, ch ringside.Channel) error { return ch.Answer(ctx) },
		"tell": func(ctx context.Context, ch ringside.Channel) error {
			return ch.Tell(ctx, "id-1", &ringside.Decision{Action: ringside.Queue})
		},
		"voicemail": func(ctx context.Context, ch ringside.Channel) error { return ch.Voicemail(ctx, "101") },
		"sound": func(ctx context.Context, ch ringside.Channel) error {
			return ch.Play(ctx, ringside.Prompt{Sound: "beep"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			story(t, Options{Deadline: 100 * time.Millisecond, Default: "100"}, func(ctx context.Context, ch ringside.Channel) {
				err = errors.Join(say(ctx, ch), ch.Wait(ctx, ""))
			}, func(s *site) {
				l := s.line("call-1", nil)
				after(time.Minute)
				s.ended(l, "")
				if err != nil || l.Variable("RINGSIDE_RESULT") != "" {
					t.Errorf("%v, RINGSIDE_RESULT=%s", err, l.Variable("RINGSIDE_RESULT"))
				}
				l.Leave()
			})
		})
	}
}

// A request that hangs at the deadline does not keep the caller from the dialplan for long.
func TestTheDefaultIsGivenAlsoWhenAsteriskIsSlow(t *testing.T) {
	story(t, Options{Default: "100"}, func(ctx context.Context, _ ringside.Channel) { <-ctx.Done() }, func(s *site) {
		s.pbx.do(func() { s.pbx.delays = func(fakeRequest) time.Duration { return 2 * time.Second } })
		l := s.line("call-1", nil)
		after(15 * time.Second)
		s.ended(l, "dialplan")
		if got := l.Variable("RINGSIDE_RESULT"); got != "default" {
			t.Errorf("RINGSIDE_RESULT is %q", got)
		}
	})
}

// A fault inside of ringside costs the caller nothing but ringside.
func TestACallThatFailsInsideGoesBackToTheDialplan(t *testing.T) {
	for name, serve := range map[string]channeltest.Serve{
		"at once": func(context.Context, ringside.Channel) { panic("boom") },
		"while it rings": func(ctx context.Context, ch ringside.Channel) {
			req := channeltest.Extensions("101")
			req.Progress = func(p ringside.Party) {
				if p.State == ringside.PartyRinging {
					panic("boom")
				}
			}
			_, _ = ch.Dial(ctx, req)
		},
		"with music": func(ctx context.Context, ch ringside.Channel) {
			waiting, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			_ = ch.Wait(waiting, "")
			panic("boom")
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, serve, func(s *site) {
				l := s.line("call-1", map[string]*channeltest.Phone{"101": {Answers: 10 * time.Second}})
				after(5 * time.Second)
				s.ended(l, "dialplan")
				if l.Hearing() != "" {
					t.Errorf("the dialplan gets the caller with the music %q", l.Hearing())
				}
				if seen := l.Seen(); len(seen) > 0 && seen[len(seen)-1] != "101 stops" {
					t.Errorf("the phone saw %q", seen)
				}
				s.says("a call failed inside ringside and is released", "boom")
				next := s.line("call-2", nil)
				after(5 * time.Second)
				s.ended(next, next.Ended())
			})
		})
	}
}

package agi

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// hung is a switchboard of which nothing returns before free is closed; afterwards everything that
// it says comes too late.
func hung(free chan struct{}, late func(error)) *board {
	return &board{
		serve: func(ctx context.Context, ch ringside.Channel) {
			<-free
			if !errors.Is(context.Cause(ctx), ErrLate) {
				late(context.Cause(ctx))
			}
			late(ch.Answer(ctx))
			_, err := ch.Dial(ctx, channeltest.Extensions("101"))
			late(err)
			if err := ch.Wait(ctx, ""); err != nil { // a wait ends with its ctx, whatever ended that
				late(err)
			}
			late(ch.Hangup(ctx, ringside.CauseNormal))
			late(ch.Release(context.WithoutCancel(ctx), ringside.ResultReleased))
		},
		decide: func(ringside.Offer, ringside.Handover) (ringside.Decision, string) {
			<-free
			return ringside.Decision{Action: ringside.Hangup}, "test-1"
		},
		contact:  func(string) (ringside.Contact, bool) { <-free; return ringside.Contact{}, false },
		answered: func(string, string) { <-free },
	}
}

// Whatever hangs, Asterisk is answered within the deadline and told no more, least of all to hang up.
func TestHungSwitchboardReleasesTheCallWithinTheDeadline(t *testing.T) {
	defaults := map[string]string{
		"":    `EXEC MSet "RINGSIDE_RESULT=released"`,
		"100": `EXEC MSet "RINGSIDE_DIAL=PJSIP/100,RINGSIDE_RESULT=default"`,
	}
	for extension, command := range defaults {
		for _, script := range []string{"route", "decide", "decide?tracked=1&hold=3", "lookup", "answered?id=x", selfTest} {
			t.Run(script+" with default "+extension, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					free := make(chan struct{})
					s := newSite(t, Options{Default: extension, Deadline: 40 * time.Millisecond}, hung(free, func(err error) {
						if !errors.Is(err, ErrLate) {
							t.Errorf("a late command: %v", err)
						}
					}))
					a := s.dial()
					begin := time.Now()
					a.say(environment22(script))
					a.play("> " + command + "\nclosed")
					within := 40 * time.Millisecond
					if script == selfTest { // nobody waits for it
						within = aliveWithin
					}
					if took := time.Since(begin); took != within {
						t.Errorf("it took %s", took)
					}
					close(free)
					s.stop()
					if a.writes.Load() != 1 {
						t.Errorf("%d commands were written", a.writes.Load())
					}
					if n := strings.Count(s.log.String(), "no decision within the deadline"); n != 1 {
						t.Errorf("%d lines in the log about it: %s", n, s.log)
					}
				})
			})
		}
	}
}

// The report of a call's end asks Asterisk first, so it has nothing to be late with.
func TestHungSwitchboardDoesNotKeepAHangupHandlerFromItsQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		s := newSite(t, Options{}, &board{finish: func(ringside.Offer, ringside.Facts) bool { <-free; return true }})
		a := s.dial()
		a.say(environment22("hangup"))
		a.play("> " + readOutcome + "\n< 200 result=1 (|||)\n")
		time.Sleep(time.Minute)
		close(free)
		a.play("closed")
		s.stop()
	})
}

func TestDecisionInTimeIsNotFollowedByTheDefault(t *testing.T) {
	story(t, Options{Default: "100", Deadline: 50 * time.Millisecond}, &board{
		decide: func(ringside.Offer, ringside.Handover) (ringside.Decision, string) {
			time.Sleep(49 * time.Millisecond)
			return ringside.Decision{Action: ringside.Route, Target: "101"}, "test-1"
		},
	}, "decide", `
		> EXEC MSet "RINGSIDE_ACTION=route,RINGSIDE_TARGET=101,RINGSIDE_DIAL=PJSIP/101,RINGSIDE_CALL_ID=test-1,RINGSIDE_RESULT=decided"
		pause 3s
		quiet
		< 200 result=0
		closed`)
}

// Exactly one of the two speaks, also when the decision comes at the very deadline.
func TestDeadlineAndDecisionAtOnce(t *testing.T) {
	for range 300 {
		ours, theirs := net.Pipe()
		w := newWire()
		w.begin(ours)
		s := newSession(t.Context(), ours, w)
		said := make(chan string)
		go func() {
			buf, all := make([]byte, maxCommand), ""
			for {
				n, err := theirs.Read(buf)
				if all += string(buf[:n]); err != nil {
					said <- all
					return
				}
				_, _ = theirs.Write([]byte("200 result=0\n"))
			}
		}()
		var both sync.WaitGroup
		both.Go(func() { s.expire("DEFAULT") })
		both.Go(func() { _ = s.set(s.ctx, ringside.Variable{Name: "A", Value: "1"}) })
		both.Wait()
		s.cancel(nil)
		_ = ours.Close()
		if got := <-said; got != "DEFAULT\n" && got != "EXEC MSet \"A=1\"\n" {
			t.Fatalf("ringside said %q", got)
		}
		_ = theirs.Close()
	}
}

func TestPanicInTheSwitchboardClosesTheConnection(t *testing.T) {
	for _, script := range []string{"route", "decide", "lookup", "answered?id=x"} {
		log := story(t, Options{}, &board{
			serve:    func(context.Context, ringside.Channel) { panic("boom") },
			decide:   func(ringside.Offer, ringside.Handover) (ringside.Decision, string) { panic("boom") },
			contact:  func(string) (ringside.Contact, bool) { panic("boom") },
			answered: func(string, string) { panic("boom") },
		}, script, "closed")
		if !strings.Contains(log, "boom") {
			t.Errorf("%s: nothing in the log: %s", script, log)
		}
	}
}

func TestDefaultThatCannotBeDialledIsRefusedAtTheStart(t *testing.T) {
	if _, err := newServer(Options{Default: "10&0", Dial: templates}, &board{}); err == nil {
		t.Error("it was taken")
	}
}

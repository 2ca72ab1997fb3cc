package ari

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// A caller for whom nobody cares any more goes on in the dialplan by themselves: soon after they have come,
// and after at most a lease later.
func TestACallerOfADeadRingsideGoesOnByThemselves(t *testing.T) {
	for name, c := range map[string]struct{ waited, least, most time.Duration }{
		"who has just come":        {time.Second, 10 * time.Second, 15 * time.Second},
		"who has waited for a bit": {12 * time.Second, 30 * time.Second, time.Minute},
		"who has waited for long":  {10 * time.Minute, 30 * time.Second, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, waitsForever, func(s *site) {
				l := s.line("call-1", nil)
				after(c.waited)
				s.ended(l, "")
				s.crash()
				after(c.least)
				s.ended(l, "")
				after(c.most - c.least + time.Second)
				s.ended(l, "dialplan")
			})
		})
	}
}

// Whatever ringside does with a caller, their lease lasts: none is thrown out while it lives.
func TestALeaseLastsWhileRingsideLives(t *testing.T) {
	wait := func(ctx context.Context, ch ringside.Channel, d time.Duration) error {
		waiting, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		return ch.Wait(waiting, "")
	}
	for name, serve := range map[string]func(ctx context.Context, ch ringside.Channel) error{
		"waits": func(ctx context.Context, ch ringside.Channel) error { return wait(ctx, ch, time.Hour) },
		"is silent after a first word": func(ctx context.Context, ch ringside.Channel) error {
			err := ch.Answer(ctx)
			time.Sleep(10 * time.Minute)
			return err
		},
		"talks for long, and waits then": func(ctx context.Context, ch ringside.Channel) error {
			if _, err := ch.Dial(ctx, channeltest.Extensions("101")); err != nil {
				return err
			}
			return wait(ctx, ch, 10*time.Minute)
		},
		"speaks to a mailbox, and waits then": func(ctx context.Context, ch ringside.Channel) error {
			if err := ch.Voicemail(ctx, "101"); err != nil {
				return err
			}
			return wait(ctx, ch, 10*time.Minute)
		},
		"hears a sound, and waits then": func(ctx context.Context, ch ringside.Channel) error {
			if err := ch.Play(ctx, ringside.Prompt{Sound: "beep"}); err != nil {
				return err
			}
			return wait(ctx, ch, 10*time.Minute)
		},
	} {
		t.Run("who "+name, func(t *testing.T) {
			var err error
			story(t, Options{}, func(ctx context.Context, ch ringside.Channel) {
				err = serve(ctx, ch)
				_ = ch.Release(ctx, ringside.ResultReleased)
			}, func(s *site) {
				l := s.line("call-1", map[string]*channeltest.Phone{"101": {Answers: time.Second, Talk: 2 * time.Hour}})
				after(3 * time.Hour)
				s.ended(l, "dialplan")
				if err != nil || l.Variable("RINGSIDE_RESULT") != "released" {
					t.Errorf("%v, RINGSIDE_RESULT=%q", err, l.Variable("RINGSIDE_RESULT"))
				}
			})
		})
	}
}

// A talk has no lease: it outlives ringside for as long as it likes.
func TestATalkHasNoLease(t *testing.T) {
	story(t, Options{}, waitsOrDials, func(s *site) {
		l := s.callTo("call-1", "101", &channeltest.Phone{Answers: time.Second})
		after(5 * time.Second)
		s.crash()
		after(3 * time.Hour)
		s.ended(l, "")
		l.Leave()
	})
}

// tellsPlace is a switchboard that tells callers their place in the queue again and again, with music between.
func tellsPlace(music time.Duration) channeltest.Serve {
	return func(ctx context.Context, ch ringside.Channel) {
		for ctx.Err() == nil {
			_ = ch.Play(ctx, ringside.Prompt{Position: 3})
			waiting, cancel := context.WithTimeout(ctx, music)
			_ = ch.Wait(waiting, "")
			cancel()
		}
	}
}

// Everything that is asked of a channel waits behind what it hears: a lease is not moved on then, so that no
// connection to Asterisk is taken by a request that waits.
func TestALeaseIsNotMovedOnBehindASound(t *testing.T) {
	story(t, Options{}, tellsPlace(3300*time.Millisecond), func(s *site) {
		l := s.line("call-1", nil)
		after(10 * time.Minute)
		s.ended(l, "")
		if log := s.log.String(); strings.Contains(log, "could not be set") {
			t.Errorf("a request has waited too long:\n%s", log)
		}
		l.Leave()
	})
}

// A talk is not cut because Asterisk did not answer, or had an error, when its lease was taken away.
func TestATalkHasNoLeaseAlsoWhenTakingItAwayFails(t *testing.T) {
	for name, answer := range map[string]fakeAnswer{
		"there is no answer": {hang: true}, "there is an error": {status: http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, waitsOrDials, func(s *site) {
				s.once(`"variable":"TIMEOUT(absolute)"`, answer)
				l := s.callTo("call-1", "101", &channeltest.Phone{Answers: time.Second})
				after(2 * time.Hour)
				s.ended(l, "")
				l.Leave()
			})
		})
	}
}

// A lease that is moved on in the moment in which somebody answers does not stay with the talk.
func TestATalkThatBeginsWhileALeaseIsMovedOnHasNone(t *testing.T) {
	a := &App{opt: Options{}.withDefaults(), owners: map[string]*call{}, calls: map[*call]struct{}{}}
	for range 200_000 {
		c := a.newCall(context.Background())
		c.caller = &party{id: "call-1", entered: 1}
		ch := &channel{call: c, leased: true}
		ch.vars.running = true // what is put stays pending
		var both sync.WaitGroup
		both.Go(ch.renew)
		ch.unlimited()
		both.Wait()
		c.cancel(nil)
		if last := ch.vars.pending[len(ch.vars.pending)-1]; last.Value != "0" {
			t.Fatalf("the talk is cut after %s s", last.Value)
		}
	}
}

// Who has a lease that is shorter than what they are told of their place in the queue hears it to its end.
func TestAShortLeaseDoesNotEndInAnAnnouncement(t *testing.T) {
	story(t, Options{Lease: 3 * time.Second}, tellsPlace(20*time.Second), func(s *site) {
		l := s.line("call-1", nil)
		after(10 * time.Minute)
		s.ended(l, "")
		s.crash()
		after(time.Minute)
		s.ended(l, "dialplan")
	})
}

// A ringside that dies in the moment in which somebody answers leaves a lease behind. The next one takes it away.
func TestATalkOfAnEarlierRingsideHasNoLease(t *testing.T) {
	story(t, Options{}, waitsOrDials, func(s *site) {
		s.once(`"variable":"TIMEOUT(absolute)"`, fakeAnswer{hang: true})
		l := s.callTo("call-1", "101", &channeltest.Phone{Answers: time.Second})
		after(1100 * time.Millisecond)
		s.crash()
		s.start()
		after(2 * time.Hour)
		s.ended(l, "")
		l.Leave()
	})
}

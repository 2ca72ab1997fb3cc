package ari

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

var errStopping = errors.New("ringside is being stopped")

// halt stops the application as a program does that gives calls so long.
func (s *site) halt(within time.Duration) (left int, took time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	began := time.Now()
	left = s.app.Stop(ctx, errStopping)
	return left, time.Since(began)
}

// Calls in progress may end by themselves; new ones are the dialplan's.
func TestStopWaitsForCalls(t *testing.T) {
	story(t, Options{}, waitsForever, func(s *site) {
		l := s.line("call-1", nil)
		after(time.Second)
		time.AfterFunc(20*time.Second, l.Leave)
		var late *channeltest.Line
		time.AfterFunc(10*time.Second, func() { late = s.line("late", nil) })
		left, took := s.halt(time.Minute)
		if left != 0 || took != 20*time.Second {
			t.Errorf("%d calls were left after %s", left, took)
		}
		s.ended(l, "left")
		after(time.Second)
		s.ended(late, "dialplan")
	})
}

// When the time is up, every call ends as well as it can.
func TestStopGivesCallersBackAndLeavesTalksAlone(t *testing.T) {
	type end struct {
		id    string
		cause error
	}
	ends := make(chan end, 10)
	story(t, Options{}, func(ctx context.Context, ch ringside.Channel) {
		switch id := ch.Offer().CallID; id {
		case "waits":
			_ = ch.Wait(ctx, "")
		case "hears":
			for ctx.Err() == nil {
				_ = ch.Play(ctx, ringside.Prompt{Sound: "beep"})
			}
		case "rings", "talks":
			_, _ = ch.Dial(ctx, channeltest.Extensions(ch.Offer().Called))
		case "speaks":
			_ = ch.Voicemail(ctx, "101")
		case "decided":
			_ = ch.Answer(ctx)
			<-ctx.Done()
		}
		ends <- end{ch.Offer().CallID, context.Cause(ctx)}
	}, func(s *site) {
		waits, hears, decided := s.line("waits", nil), s.line("hears", nil), s.line("decided", nil)
		rings := s.callTo("rings", "101", &channeltest.Phone{})
		talks := s.callTo("talks", "102", &channeltest.Phone{Answers: time.Second})
		after(5 * time.Second)
		speaks := s.line("speaks", nil)
		after(time.Second)
		if left, took := s.halt(2 * time.Second); left != 6 || took > 3*time.Second {
			t.Errorf("%d calls were left after %s", left, took)
		}
		for range 6 {
			if e := <-ends; !errors.Is(e.cause, errStopping) {
				t.Errorf("the call %s ended with %v", e.id, e.cause)
			}
		}
		after(time.Second)
		for _, l := range []*channeltest.Line{waits, hears, rings, decided} {
			s.ended(l, "dialplan")
			if l.Hearing() != "" {
				t.Errorf("the dialplan gets %s with the music %q", l.ID, l.Hearing())
			}
		}
		if seen := rings.Seen(); !slices.Equal(seen, []string{"101 rings", "101 stops"}) {
			t.Errorf("the phone saw %q", seen)
		}
		s.ended(talks, "")
		s.ended(speaks, "")
		if seen := talks.Seen(); !slices.Equal(seen, []string{"102 rings", "102 talks"}) {
			t.Errorf("the phone saw %q", seen)
		}
		talks.Leave()
		after(time.Minute)
		s.ended(speaks, "hung up 16") // the dialplan's line after a message while ringside is away
	})
}

// An Asterisk that answers nothing any more does not keep ringside from ending.
func TestStopEndsAlsoWhenAsteriskHangs(t *testing.T) {
	story(t, Options{}, func(ctx context.Context, ch ringside.Channel) {
		if ch.Offer().Called == "101" {
			_, _ = ch.Dial(ctx, channeltest.Extensions("101"))
		}
		_ = ch.Wait(ctx, "")
		_ = ch.Release(ctx, ringside.ResultReleased)
	}, func(s *site) {
		s.line("waits", nil)
		s.callTo("rings", "101", &channeltest.Phone{})
		after(5 * time.Second)
		s.pbx.do(func() { s.pbx.says = func(fakeRequest) *fakeAnswer { return &fakeAnswer{hang: true} } })
		if left, took := s.halt(time.Second); left != 2 || took > 20*time.Second {
			t.Errorf("%d calls were left after %s", left, took)
		}
	})
}

// Nor does one that is away while a caller is being given back: a later ringside finds the caller.
func TestStopEndsAlsoWhileAsteriskIsAwayAndACallerIsGivenBack(t *testing.T) {
	story(t, Options{Grace: time.Hour}, func(ctx context.Context, ch ringside.Channel) {
		_ = ch.Answer(ctx)
		time.Sleep(5 * time.Second)
		_ = ch.Release(ctx, ringside.ResultReleased)
	}, func(s *site) {
		s.line("call-1", nil)
		after(2 * time.Second)
		s.once("call-1/continue", fakeAnswer{hang: true})
		s.pbx.do(func() { s.pbx.refuses = -1 })
		s.pbx.cut()
		after(20 * time.Second)
		time.AfterFunc(5*time.Minute, func() { s.pbx.do(func() { s.pbx.refuses = 0 }) })
		if left, took := s.halt(time.Second); left != 1 || took > 20*time.Second {
			t.Errorf("%d calls were left after %s", left, took)
		}
	})
}

func TestStopBeforeAnythingHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, begin := range map[string]func(s *site){
			"not started":   func(*site) {},
			"not connected": func(s *site) { s.pbx.do(func() { s.pbx.refuses = -1 }); s.app.Start(); after(time.Second) },
			"connecting": func(s *site) {
				s.pbx.do(func() { s.pbx.says = func(fakeRequest) *fakeAnswer { return &fakeAnswer{hang: true} } })
				s.app.Start()
				after(time.Second)
			},
			"connected": func(s *site) { s.start() },
		} {
			s := newSite(t, Options{}, nil)
			begin(s)
			if left, took := s.halt(time.Second); left != 0 || took > 6*time.Second {
				t.Errorf("%s: %d calls were left after %s", name, left, took)
			}
			s.stop() // twice is harmless
		}
	})
}

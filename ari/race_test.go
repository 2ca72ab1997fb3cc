package ari

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// Between what Asterisk has told and what is asked of it next, somebody may leave. In each story, something
// happens in the moment in which a request arrives.
func TestWhoLeavesInTheMomentOfARequestEndsWhatItIsAbout(t *testing.T) {
	outside := ringside.Target{Kind: ringside.ToExternal, Number: "+74951234567"}
	inside := ringside.Target{Kind: ringside.ToExtension, Number: "101"}
	leg := func(f *fake) *fakeChannel {
		for id, c := range f.channels {
			if strings.HasPrefix(id, "ringside-leg-") {
				return c
			}
		}
		return nil
	}
	caller := func(f *fake) { f.end(f.channels["call-1"], 16, false); f.home.Leave() }
	for name, c := range map[string]struct {
		target  ringside.Target
		request string // in whose moment it happens
		happens func(f *fake)
		status  ringside.DialStatus
		err     error
		ended   string
	}{
		"the phone at the connection":         {inside, "addChannel", func(f *fake) { f.end(leg(f), 16, false) }, ringside.DialAnswered, nil, "dialplan"},
		"the bridge at the connection":        {inside, "addChannel", func(f *fake) { clear(f.bridges) }, ringside.DialAnswered, nil, "dialplan"},
		"the caller at the connection":        {inside, "addChannel", caller, ringside.DialAnswered, nil, "left"},
		"the caller at the answer":            {inside, "call-1/answer", caller, "", nil, "left"},
		"the caller when it rings":            {inside, "call-1/ring", caller, ringside.DialCancelled, ringside.ErrCallerGone, "left"},
		"the caller when a phone is called":   {inside, "POST channels/ringside-leg", caller, ringside.DialCancelled, ringside.ErrCallerGone, "left"},
		"the leg before it is connected":      {outside, "addChannel", func(f *fake) { f.end(leg(f), 16, false) }, ringside.DialUnavailable, nil, "dialplan"},
		"the leg before it is dialled":        {outside, "/dial", func(f *fake) { f.end(leg(f), 34, false) }, "", nil, "dialplan"},
		"the bridge before it is dialled":     {outside, "addChannel", func(f *fake) { clear(f.bridges) }, ringside.DialUnavailable, nil, "dialplan"},
		"the caller before it is dialled":     {outside, "/dial", caller, ringside.DialCancelled, ringside.ErrCallerGone, "left"},
		"the caller before a leg is made":     {outside, "channels/create", caller, ringside.DialCancelled, ringside.ErrCallerGone, "left"},
		"the caller before they are together": {outside, "addChannel", caller, ringside.DialCancelled, ringside.ErrCallerGone, "left"},
	} {
		t.Run(name, func(t *testing.T) {
			out := make(chan outcome, 1)
			req := channeltest.Extensions()
			req.Targets = []ringside.Target{c.target}
			story(t, Options{}, func(ctx context.Context, ch ringside.Channel) { dialsOnce(out, req)(ctx, ch) }, func(s *site) {
				happened := false
				s.pbx.do(func() {
					s.pbx.says = func(r fakeRequest) *fakeAnswer {
						if !happened && strings.Contains(r.String(), c.request) {
							happened = true
							c.happens(s.pbx)
						}
						return nil
					}
				})
				l := s.callTo("call-1", c.target.Number, &channeltest.Phone{Answers: 5 * time.Second, Talk: time.Hour})
				after(30 * time.Second)
				if !happened {
					t.Fatal("there was no such request")
				}
				select {
				case o := <-out:
					if c.status != "" && o.res.Status != c.status || !errors.Is(o.err, c.err) && o.cause == nil {
						t.Errorf("the attempt ended as %s, %v", o.res.Status, o.err)
					}
				default:
					t.Error("the attempt goes on")
				}
				after(10 * time.Second)
				s.ended(l, c.ended)
				if n := s.app.State().Calls; n != 0 {
					t.Errorf("%d calls are known", n)
				}
				s.pbx.do(func() {
					if g := leg(s.pbx); g != nil {
						t.Errorf("the channel %s is left", g.name)
					}
					if len(s.pbx.bridges) > 0 {
						t.Errorf("%d bridges are left", len(s.pbx.bridges))
					}
				})
			})
		})
	}
}

// A caller who has left before anything is asked is told of by the first request, whether the event of their
// leaving has come or is lost.
func TestACallerWhoLeftBeforeTheFirstRequestIsGone(t *testing.T) {
	for _, lost := range []bool{false, true} {
		var errs []error
		story(t, Options{Deadline: time.Minute}, func(ctx context.Context, ch ringside.Channel) {
			time.Sleep(time.Second)
			errs = append(errs, ch.Answer(ctx), ch.Play(ctx, ringside.Prompt{Sound: "beep"}), ch.Release(ctx, ringside.ResultReleased))
		}, func(s *site) {
			s.pbx.do(func() { s.pbx.loses = func(kind, _ string) bool { return lost && kind != "StasisStart" } })
			l := s.line("call-1", nil)
			after(0)
			l.Leave()
			after(time.Minute)
			for _, err := range errs {
				if !errors.Is(err, ringside.ErrCallerGone) {
					t.Errorf("an operation says %v", err)
				}
			}
			if len(errs) != 3 || s.app.State().Calls != 0 {
				t.Errorf("%d operations, %d calls", len(errs), s.app.State().Calls)
			}
		})
	}
}

// A request to call a phone that is on its way when its reason passes rings nobody in the end.
func TestAPhoneIsNotRungForSomebodyWhoHasLeftMeanwhile(t *testing.T) {
	outside := channeltest.Extensions()
	outside.Targets = []ringside.Target{{Kind: ringside.ToExternal, Number: "101"}}
	for name, req := range map[string]ringside.DialRequest{"an extension": channeltest.Extensions("101"), "two": channeltest.Extensions("101", "102"), "an outside number": outside} {
		t.Run(name, func(t *testing.T) {
			out := make(chan outcome, 1)
			story(t, Options{}, dialsOnce(out, req), func(s *site) {
				s.pbx.do(func() {
					s.pbx.late = func(r fakeRequest) time.Duration {
						if r.method == "POST" && r.params["endpoint"] != nil {
							return 2 * time.Second
						}
						return 0
					}
				})
				l := s.line("call-1", map[string]*channeltest.Phone{"101": {}, "102": {}})
				after(time.Second)
				l.Leave()
				after(time.Minute)
				s.pbx.do(func() {
					for _, c := range s.pbx.channels {
						t.Errorf("the channel %s is left", c.name)
					}
				})
				if len(out) != 1 || s.app.State().Calls != 0 {
					t.Errorf("%d outcomes, %d calls", len(out), s.app.State().Calls)
				}
			})
		})
	}
}

// When somebody else takes the bridge away in the middle of a talk, the two would sit in silence for ever.
func TestATalkWhoseBridgeIsDestroyedIsOver(t *testing.T) {
	out := make(chan outcome, 1)
	story(t, Options{}, dialsOnce(out, channeltest.Extensions("101")), func(s *site) {
		l := s.callTo("call-1", "101", &channeltest.Phone{Answers: time.Second})
		after(10 * time.Second)
		var id string
		s.pbx.do(func() {
			for id = range s.pbx.bridges {
				break
			}
		})
		s.pbx.destroyBridge(id)
		after(10 * time.Second)
		s.ended(l, "dialplan")
		if seen := l.Seen(); seen[len(seen)-1] != "101 is let go" {
			t.Errorf("the phone saw %q", seen)
		}
		if len(out) != 1 || s.app.State().Calls != 0 {
			t.Errorf("%d outcomes, %d calls", len(out), s.app.State().Calls)
		}
		l.Leave()
	})
}

// A channel that AMI redirects out of the talk leaves the other alone, and the talk is over.
func TestACallerWhoIsSentElsewhereIsNotHungUp(t *testing.T) {
	out := make(chan outcome, 1)
	story(t, Options{}, dialsOnce(out, channeltest.Extensions("101")), func(s *site) {
		l := s.callTo("call-1", "101", &channeltest.Phone{Answers: time.Second})
		after(10 * time.Second)
		s.pbx.do(func() { s.pbx.leave(s.pbx.channels["call-1"]) })
		after(10 * time.Second)
		s.ended(l, "dialplan")
		s.count(0, "DELETE channels/call-1 ")
		if seen := l.Seen(); seen[len(seen)-1] != "101 is let go" {
			t.Errorf("the phone saw %q", seen)
		}
		l.Leave()
	})
}

// Of some sounds Asterisk never says that they have ended: the call goes on after a while all the same, and
// the sound is stopped.
func TestASoundThatNeverEndsIsGivenUp(t *testing.T) {
	var err error
	var took time.Duration
	story(t, Options{}, func(ctx context.Context, ch ringside.Channel) {
		began := time.Now()
		err, took = ch.Play(ctx, ringside.Prompt{Sound: "beep"}), time.Since(began)
		_ = ch.Release(ctx, ringside.ResultReleased)
	}, func(s *site) {
		s.pbx.do(func() { s.pbx.loses = func(kind, _ string) bool { return kind == "PlaybackFinished" } })
		l := s.line("call-1", nil)
		after(time.Hour)
		s.ended(l, "dialplan")
		if err != nil || took != maxPlayback {
			t.Errorf("the sound took %s: %v", took, err)
		}
		s.count(1, "DELETE playbacks")
	})
}

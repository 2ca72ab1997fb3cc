package ari

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// waitsOrDials is a switchboard: the called number says what becomes of a call.
func waitsOrDials(ctx context.Context, ch ringside.Channel) {
	if n := ch.Offer().Called; n != "" {
		_, _ = ch.Dial(ctx, channeltest.Extensions(n))
	}
	_ = ch.Wait(ctx, "")
}

// callTo is a call for waitsOrDials.
func (s *site) callTo(id, number string, phone *channeltest.Phone) *channeltest.Line {
	l := channeltest.NewLine(id, map[string]*channeltest.Phone{number: phone})
	l.Called = number
	s.pbx.call(l)
	return l
}

// What an earlier ringside has left behind when it crashed.
func TestACallerWhoWaitsForNobodyGoesBackToTheDialplan(t *testing.T) {
	story(t, Options{}, waitsOrDials, func(s *site) {
		l := s.callTo("call-1", "", nil)
		after(5 * time.Second)
		s.crash()
		after(5 * time.Second)
		s.ended(l, "")
		s.start()
		after(2 * time.Second)
		s.ended(l, "dialplan")
		if l.Hearing() != "" {
			t.Errorf("the dialplan gets the caller with the music %q", l.Hearing())
		}
		s.says("a call that an earlier ringside has left in Stasis goes back to the dialplan")
	})
}

func TestAPhoneThatRingsForNobodyStops(t *testing.T) {
	story(t, Options{}, waitsOrDials, func(s *site) {
		l := s.callTo("call-1", "101", &channeltest.Phone{})
		after(5 * time.Second)
		s.crash()
		s.start()
		after(2 * time.Second)
		s.ended(l, "dialplan")
		if seen := l.Seen(); !slices.Equal(seen, []string{"101 rings", "101 stops"}) {
			t.Errorf("the phone saw %q", seen)
		}
	})
}

func TestATalkThatOutlivedRingsideGoesOnUntilOneOfThemLeaves(t *testing.T) {
	for name, c := range map[string]struct {
		talk   time.Duration
		leaves time.Duration // the caller
		ended  string
		seen   string
	}{
		"the other side leaves": {time.Minute, 0, "hung up 16", "101 hangs up"},
		"the caller leaves":     {0, time.Minute, "left", "101 is let go"},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, waitsOrDials, func(s *site) {
				l := s.callTo("call-1", "101", &channeltest.Phone{Answers: time.Second, Talk: c.talk})
				after(5 * time.Second)
				s.crash()
				s.start()
				after(10 * time.Second)
				s.ended(l, "")
				s.count(0, "DELETE channels")
				s.says("a talk that an earlier ringside has connected goes on")
				if n := s.app.State().Calls; n != 1 {
					t.Errorf("%d calls are known", n)
				}
				if c.leaves > 0 {
					time.AfterFunc(c.leaves, l.Leave)
				}
				after(2 * time.Minute)
				s.ended(l, c.ended)
				if seen := l.Seen(); seen[len(seen)-1] != c.seen {
					t.Errorf("the phone saw %q", seen)
				}
				s.pbx.do(func() {
					if len(s.pbx.bridges)+len(s.pbx.channels) > 0 {
						t.Errorf("%d bridges and %d channels are left", len(s.pbx.bridges), len(s.pbx.channels))
					}
				})
			})
		})
	}
}

// Who hears an outside number ring is in a bridge with it already, and does not talk yet.
func TestAnOutsideNumberThatRingsForNobodyStops(t *testing.T) {
	req := channeltest.Extensions()
	req.Targets, req.Ring = []ringside.Target{{Kind: ringside.ToExternal, Number: "+74951234567"}}, time.Hour
	story(t, Options{}, func(ctx context.Context, ch ringside.Channel) { _, _ = ch.Dial(ctx, req) }, func(s *site) {
		l := s.callTo("call-1", "+74951234567", &channeltest.Phone{})
		after(5 * time.Second)
		s.crash()
		s.start()
		after(2 * time.Second)
		s.ended(l, "dialplan")
		if seen := l.Seen(); !slices.Equal(seen, []string{"+74951234567 rings", "+74951234567 stops"}) {
			t.Errorf("the phone saw %q", seen)
		}
	})
}

func TestABridgeThatNobodyNeedsIsDestroyed(t *testing.T) {
	story(t, Options{}, nil, func(s *site) {
		s.pbx.do(func() {
			s.pbx.bridges["ringside-bridge-1.2"] = &fakeBridge{id: "ringside-bridge-1.2"}
			s.pbx.bridges["holding"] = &fakeBridge{id: "holding"}
		})
		s.crash()
		s.start()
		after(2 * time.Second)
		s.count(1, "DELETE bridges/ringside-bridge-1.2")
		s.count(1, "DELETE")
	})
}

// Other applications' channels and bridges, and those of the dialplan, are none of ringside's business.
func TestWhatBelongsToOthersIsLeftAlone(t *testing.T) {
	story(t, Options{}, nil, func(s *site) {
		s.pbx.do(func() {
			for id, data := range map[string][2]string{
				"other-app":     {"Stasis", "ringside2,route,1,2"},
				"another-app":   {"Stasis", "attendant"},
				"dialplan":      {"Dial", "PJSIP/101,60"},
				"ringside-x-1":  {"Playback", "beep"},
				"1795558630.99": {"", ""},
			} {
				c := s.pbx.add(id, "PJSIP/101", s.pbx.home)
				c.state, c.appName, c.appData = "Up", data[0], data[1]
			}
			b := &fakeBridge{id: "other-bridge-1"}
			b.channels = []*fakeChannel{s.pbx.channels["other-app"]}
			s.pbx.bridges[b.id] = b
		})
		s.crash()
		s.start()
		after(time.Minute)
		s.count(0)
	})
}

// A leg that was sent elsewhere and talks there is not called back.
func TestALegThatTalksElsewhereIsLeftAlone(t *testing.T) {
	story(t, Options{}, nil, func(s *site) {
		s.pbx.do(func() {
			c := s.pbx.add("ringside-leg-1795558630.0a0b", "PJSIP/101", s.pbx.home)
			c.state, c.appName = "Up", "Dial"
		})
		s.crash()
		s.start()
		after(time.Minute)
		s.count(0)
	})
}

package ari

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// transfer is what Asterisk does when the phone 101 sends the other side of its talk to another number, and
// hangs up: a channel of its own takes the leg's place. It is never told to be destroyed.
func (f *fake) transfer(to string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var leg *fakeChannel
	for _, c := range f.channels {
		if c.number == "101" {
			leg = c
		}
	}
	b := leg.bridge
	local := f.add(fmt.Sprintf("pbx-%d", f.made), "Local/"+to+"@from-phones", leg.line)
	local.number, local.stasis, local.appName, local.appData = to, true, "Stasis", testApp
	f.event("StasisStart", local, map[string]any{"args": []string{}, "replace_channel": leg.snapshot()})
	transferee := b.channels[0].snapshot()
	f.unbridge(leg)
	local.bridge = b
	b.channels = append(b.channels, local)
	f.event("ChannelEnteredBridge", local, map[string]any{"bridge": b.snapshot()})
	f.tell("BridgeBlindTransfer", map[string]any{
		"channel": leg.snapshot(), "exten": to, "context": "from-phones", "result": "Success", "is_external": true,
		"transferee": transferee, "replace_channel": local.snapshot(), "bridge": b.snapshot(),
	})
	f.ring(local, true)
	leg.subscribed = false
	f.end(leg, 16, false)
}

// A channel that takes the place of one of a call that has just ended is no new call: it has nobody to talk to.
func TestAReplacementThatComesTooLateIsNoNewCall(t *testing.T) {
	served := make(chan string, 10)
	story(t, Options{}, func(_ context.Context, ch ringside.Channel) { served <- ch.Offer().CallID }, func(s *site) {
		s.pbx.raw(`{"type":"StasisStart","args":[],"channel":{"id":"pbx-7","name":"Local/503@from-phones-00000001;1","state":"Down"},` +
			`"replace_channel":{"id":"ringside-leg-1.2","name":"PJSIP/101-00000001"}}`)
		after(time.Second)
		if len(served) > 0 {
			t.Errorf("%s was offered", <-served)
		}
		s.count(1, "DELETE channels/pbx-7")
	})
}

// A caller who is transferred stays ringside's call until they or the new side have left, and nobody is left
// alone in a bridge.
func TestATransferredCallerIsNotLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		target *channeltest.Phone
		leaves time.Duration // the caller; 0 is never
		talk   time.Duration
		ended  string
		saw    []string // the target
	}{
		"the new side talks and hangs up": {
			&channeltest.Phone{Answers: 5 * time.Second, Talk: 30 * time.Second}, 0, 45 * time.Second, "dialplan",
			[]string{"503 rings", "503 talks", "503 hangs up"},
		},
		"the caller hangs up": {
			&channeltest.Phone{Answers: 5 * time.Second}, 40 * time.Second, 50 * time.Second, "left",
			[]string{"503 rings", "503 talks", "503 is let go"},
		},
		"the caller does not wait for the new side": {
			&channeltest.Phone{}, 20 * time.Second, 30 * time.Second, "left", []string{"503 rings", "503 stops"},
		},
		"the new side is busy": {&channeltest.Phone{Busy: true}, 0, 10 * time.Second, "dialplan", nil},
	} {
		t.Run(name, func(t *testing.T) {
			out := make(chan outcome, 1)
			story(t, Options{}, dialsOnce(out, channeltest.Extensions("101")), func(s *site) {
				l := s.line("call-1", map[string]*channeltest.Phone{"101": {Answers: time.Second}, "503": c.target})
				after(11 * time.Second)
				s.pbx.transfer("503")
				if c.leaves > 0 {
					time.AfterFunc(c.leaves, l.Leave)
				}
				after(2 * time.Minute)
				select {
				case o := <-out:
					if o.res.Status != ringside.DialAnswered || o.res.Answered.Number != "101" || o.res.Talk.Round(2*time.Second) != c.talk.Round(2*time.Second) {
						t.Errorf("the attempt ended as %+v, %v", o.res, o.err)
					}
				default:
					t.Error("the attempt goes on")
				}
				s.ended(l, c.ended)
				saw := slices.DeleteFunc(l.Seen(), func(what string) bool { return what[:3] != "503" })
				if !slices.Equal(saw, c.saw) {
					t.Errorf("the new side saw %q, want %q", saw, c.saw)
				}
				s.pbx.do(func() {
					if len(s.pbx.bridges) > 0 || len(s.pbx.channels) > 1 {
						t.Errorf("%d bridges and %d channels are left", len(s.pbx.bridges), len(s.pbx.channels))
					}
				})
				if n := s.app.State().Calls; n != 0 {
					t.Errorf("%d calls are known", n)
				}
			})
		})
	}
}

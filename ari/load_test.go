package ari

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// A call whose requests are not answered holds up no other, and ends when they have taken too long.
func TestACallWhoseRequestsHangHoldsUpNoOther(t *testing.T) {
	var mu sync.Mutex
	answered := map[string]time.Duration{}
	errs := map[string]error{}
	begin := time.Time{}
	story(t, Options{}, func(ctx context.Context, ch ringside.Channel) {
		err := ch.Answer(ctx)
		mu.Lock()
		answered[ch.Offer().CallID], errs[ch.Offer().CallID] = time.Since(begin), err
		mu.Unlock()
		_ = ch.Release(ctx, ringside.ResultReleased)
	}, func(s *site) {
		begin = time.Now()
		s.pbx.do(func() {
			s.pbx.says = func(r fakeRequest) *fakeAnswer {
				if strings.Contains(r.String(), "stuck") && !strings.HasSuffix(r.String(), "continue") {
					return &fakeAnswer{hang: true}
				}
				return nil
			}
		})
		var lines []*channeltest.Line
		for i := range 5 {
			lines = append(lines, s.line(fmt.Sprintf("stuck-%d", i), nil), s.line(fmt.Sprintf("well-%d", i), nil))
		}
		after(time.Second)
		mu.Lock()
		for i := range 5 {
			if took, ok := answered[fmt.Sprintf("well-%d", i)]; !ok || took > 10*time.Millisecond {
				t.Errorf("the call well-%d was answered after %s (%t)", i, took, ok)
			}
			if _, ok := answered[fmt.Sprintf("stuck-%d", i)]; ok {
				t.Error("the stuck call went on")
			}
		}
		mu.Unlock()
		after(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		for i := range 5 {
			if answered[fmt.Sprintf("stuck-%d", i)] != 6*time.Second || errs[fmt.Sprintf("stuck-%d", i)] == nil {
				t.Errorf("the stuck call was answered after %s: %v", answered[fmt.Sprintf("stuck-%d", i)], errs[fmt.Sprintf("stuck-%d", i)])
			}
		}
		for _, l := range lines {
			s.ended(l, "dialplan")
		}
	})
}

// What is asked for one call arrives in the order in which it was asked, also if Asterisk is slow.
func TestTheRequestsOfACallArriveInOrder(t *testing.T) {
	story(t, Options{}, func(ctx context.Context, ch ringside.Channel) {
		_ = ch.Answer(ctx)
		waiting, cancel := context.WithTimeout(ctx, 5*time.Second)
		_ = ch.Wait(waiting, "jazz")
		cancel()
		_ = ch.Play(ctx, ringside.Prompt{Sound: "beep"})
		_ = ch.Tell(ctx, "id-1", &ringside.Decision{Action: ringside.Route, Target: "101"})
		_ = ch.Hangup(ctx, ringside.CauseBusy)
	}, func(s *site) {
		s.pbx.do(func() {
			n := 0
			s.pbx.delays = func(fakeRequest) time.Duration { n++; return time.Duration(n*37%100) * 10 * time.Millisecond }
		})
		l := s.line("call-1", nil)
		after(time.Minute)
		s.ended(l, "hung up 17")
		var got []string
		for _, r := range s.pbx.asked("call-1") {
			if strings.Contains(r, `"variable":"TIMEOUT(absolute)"`) {
				continue // leases are moved on beside what the call does
			}
			words := strings.Fields(r)
			got = append(got, words[0]+" "+strings.TrimPrefix(strings.Join(strings.Split(words[1], "/")[2:min(3, len(strings.Split(words[1], "/")))], ""), "/"))
		}
		want := "POST answer, POST moh, DELETE moh, POST play, POST variable, POST variable, DELETE "
		if strings.Join(got, ", ") != want {
			t.Errorf("the requests were %s", strings.Join(got, ", "))
		}
	})
}

// A PBX on which much happens that is none of ringside's business delays no call and fills no memory.
func TestAFloodOfForeignEventsDelaysNoCall(t *testing.T) {
	const events = 100_000
	var took time.Duration
	story(t, Options{}, func(ctx context.Context, ch ringside.Channel) {
		began := time.Now()
		_ = ch.Answer(ctx)
		took = time.Since(began)
		_ = ch.Release(ctx, ringside.ResultReleased)
	}, func(s *site) {
		frames := make([]string, 0, events)
		for i := range events {
			kind := []string{"ChannelVarset", "ChannelDialplan", "ChannelStateChange", "StasisEnd", "ChannelDestroyed", "Dial", "ChannelConnectedLine"}[i%7]
			frames = append(frames, fmt.Sprintf(
				`{"type":"%s","variable":"RTPAUDIOQOS","value":"%s","cause":16,"dialstatus":"ANSWER","channel":{"id":"foreign-%d","name":"PJSIP/x-%d","state":"Up"}}`,
				kind, strings.Repeat("x", 100), i, i))
		}
		var before, afterwards runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s.pbx.raw(frames...)
		l := s.line("call-1", nil)
		after(time.Second)
		s.ended(l, "dialplan")
		if took > time.Millisecond {
			t.Errorf("the answer took %s", took)
		}
		runtime.GC()
		runtime.ReadMemStats(&afterwards)
		if grown := int64(afterwards.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
			t.Errorf("the heap has grown by %d bytes", grown)
		}
		if n := len(s.app.owners); n != 0 {
			t.Errorf("%d ids are known", n)
		}
		runtime.KeepAlive(frames)
	})
}

// One call more than there may be goes back to the dialplan at once, and the others are not touched.
func TestOneCallTooManyGoesBackToTheDialplan(t *testing.T) {
	story(t, Options{MaxCalls: 3}, waitsForever, func(s *site) {
		var lines []*channeltest.Line
		for i := range 5 {
			lines = append(lines, s.line(fmt.Sprintf("call-%d", i), nil))
			after(time.Second)
		}
		for _, l := range lines[:3] {
			s.ended(l, "")
		}
		for _, l := range lines[3:] {
			s.ended(l, "dialplan")
		}
		s.says("there are too many calls")
		lines[0].Leave()
		after(time.Second)
		next := s.line("next", nil)
		after(time.Second)
		s.ended(next, "")
		for _, l := range append(lines[1:3], next) {
			l.Leave()
		}
	})
}

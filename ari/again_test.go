package ari

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// A dialplan may hand a caller over once more before ringside is through with the call that they were: while it is
// recorded, or when the caller has been sent to Stasis() from a talk. It is a call of its own.
func TestACallerIsHandedOverOnceMore(t *testing.T) {
	for name, moved := range map[string]bool{"who was given back": false, "whom another program has moved": true} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var ends []error
			served := 0
			story(t, Options{}, func(ctx context.Context, ch ringside.Channel) {
				mu.Lock()
				served++
				n := served
				mu.Unlock()
				var err error
				switch {
				case n > 1:
					err = ch.Wait(ctx, "")
				case moved:
					_, err = ch.Dial(ctx, channeltest.Extensions("101"))
				default:
					err = ch.Release(ctx, ringside.ResultReleased)
				}
				time.Sleep(time.Second) // the record is written
				mu.Lock()
				ends = append(ends, err)
				mu.Unlock()
			}, func(s *site) {
				after(time.Second)
				l := s.line("call-1", map[string]*channeltest.Phone{"101": {Answers: time.Second}})
				after(500 * time.Millisecond)
				if moved {
					after(5 * time.Second)
				}
				s.pbx.do(func() {
					c := s.pbx.channels["call-1"]
					if moved {
						s.pbx.leave(c)
					}
				})
				if !moved {
					s.ended(l, "dialplan")
				}
				s.pbx.do(func() { s.pbx.enter(s.pbx.channels["call-1"], "route", "call-1", "102", "", "") })
				after(10 * time.Second)
				if n := s.app.State().Calls; n != 1 {
					t.Errorf("%d calls are known", n)
				}
				s.pbx.do(func() { s.pbx.end(s.pbx.channels["call-1"], 16, false) })
				after(2 * time.Second)
				mu.Lock()
				defer mu.Unlock()
				if served != 2 || len(ends) != 2 || !errors.Is(ends[1], ringside.ErrCallerGone) {
					t.Errorf("%d calls were served, and ended with %v", served, ends)
				}
				if n, ids := s.app.State().Calls, len(s.app.owners); n+ids != 0 {
					t.Errorf("%d calls and %d ids are left", n, ids)
				}
			})
		})
	}
}

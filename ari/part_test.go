package ari

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// once lets the first request that contains the text be answered in Asterisk's place.
func (s *site) once(match string, answer fakeAnswer) {
	s.pbx.do(func() {
		happened := false
		s.pbx.says = func(r fakeRequest) *fakeAnswer {
			if happened || !strings.Contains(r.String()+" "+text(r.params), match) {
				return nil
			}
			happened = true
			return &answer
		}
	})
}

// A caller does not stay in Stasis, where nobody minds them any more, because the request failed with which they
// were to leave it.
func TestACallerLeavesAlsoWhenTheRequestForItFails(t *testing.T) {
	release := func(ctx context.Context, ch ringside.Channel) error { return ch.Release(ctx, ringside.ResultReleased) }
	hangup := func(ctx context.Context, ch ringside.Channel) error { return ch.Hangup(ctx, ringside.CauseBusy) }
	for name, c := range map[string]struct {
		end    func(ctx context.Context, ch ringside.Channel) error
		match  string
		answer fakeAnswer
		want   string
	}{
		"given back, not answered":   {release, "call-1/continue", fakeAnswer{hang: true}, "dialplan"},
		"given back, refused":        {release, "call-1/continue", fakeAnswer{status: http.StatusInternalServerError}, "dialplan"},
		"hung up, not answered":      {hangup, "DELETE channels/call-1 ", fakeAnswer{hang: true}, "hung up 16"},
		"hung up, the cause refused": {hangup, "DELETE channels/call-1 ", fakeAnswer{status: http.StatusBadRequest}, "hung up 16"},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, func(ctx context.Context, ch ringside.Channel) {
				if c.end(ctx, ch) == nil {
					t.Error("there was no error")
				}
			}, func(s *site) {
				after(2 * time.Second)
				s.once(c.match, c.answer)
				l := s.line("call-1", nil)
				after(firstLease - time.Second)
				s.ended(l, c.want)
				l.Leave()
			})
		})
	}
}

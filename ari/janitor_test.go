package ari

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// A chore that fails is tried again until it is done, until there is nothing left to do, or until it has
// been tried for long enough.
func TestChoresAreTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		answers []int // one after the other; the last for good
		want    int   // requests in half an hour
	}{
		"done at once":            {[]int{204}, 1},
		"gone already":            {[]int{404}, 1},
		"not in Stasis any more":  {[]int{409}, 1},
		"busy at first":           {[]int{500, 503, 204}, 3},
		"gone in the end":         {[]int{500, 500, 500, 404}, 4},
		"not permitted for good":  {[]int{403}, 301},
		"Asterisk is away":        {[]int{-1, -1, -1, 204}, 4},
		"Asterisk speaks of HTML": {[]int{502, 204}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, nil, func(s *site) {
				n := 0
				s.pbx.do(func() {
					s.pbx.says = func(r fakeRequest) *fakeAnswer {
						if !strings.Contains(r.String(), "leg-1") {
							return nil
						}
						status := c.answers[min(n, len(c.answers)-1)]
						n++
						if status < 0 {
							return &fakeAnswer{hang: true}
						}
						return &fakeAnswer{status: status, body: "<html>"}
					}
				})
				s.app.janitor.add(chore{hangUp, "leg-1"})
				after(30 * time.Minute)
				if n != c.want {
					t.Errorf("%d requests, want %d", n, c.want)
				}
				if left := s.app.janitor.pending(); left != 0 {
					t.Errorf("%d chores are left", left)
				}
			})
		})
	}
}

// A chore that hangs holds up no other.
func TestAChoreThatHangsHoldsUpNoOther(t *testing.T) {
	story(t, Options{}, nil, func(s *site) {
		s.pbx.do(func() {
			s.pbx.says = func(r fakeRequest) *fakeAnswer {
				if strings.Contains(r.String(), "stuck") {
					return &fakeAnswer{hang: true}
				}
				return nil
			}
		})
		for i := range 5 {
			s.app.janitor.add(chore{hangUp, fmt.Sprintf("stuck-%d", i)})
		}
		after(time.Second)
		s.app.janitor.add(chore{hangUp, "well"})
		after(time.Second)
		s.count(1, "well")
	})
}

// The chores of an outage are bounded, and are done when it is over.
func TestTheChoresOfAnOutageAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, Options{}, nil)
		for i := range 3 * maxChores {
			s.app.janitor.add(chore{hangUp, fmt.Sprint(i)})
		}
		if n := s.app.janitor.pending(); n != maxChores {
			t.Errorf("%d chores are kept", n)
		}
		s.start()
		after(time.Minute)
		if n := s.app.janitor.pending(); n != 0 {
			t.Errorf("%d chores are left", n)
		}
		s.stop()
	})
}

// A phone that could not be told to stop ringing is told later.
func TestAPhoneThatCouldNotBeStoppedIsStoppedLater(t *testing.T) {
	out := make(chan outcome, 1)
	story(t, Options{}, func(ctx context.Context, ch ringside.Channel) { dialsOnce(out, channeltest.Extensions("101"))(ctx, ch) }, func(s *site) {
		refusals := 0
		s.pbx.do(func() {
			s.pbx.says = func(r fakeRequest) *fakeAnswer {
				if r.method == "DELETE" && refusals < 3 {
					refusals++
					return &fakeAnswer{status: 500, body: `{"error":"Allocation failed"}`}
				}
				return nil
			}
		})
		l := s.line("call-1", map[string]*channeltest.Phone{"101": {}})
		after(30 * time.Second)
		s.ended(l, "dialplan")
		if seen := l.Seen(); seen[len(seen)-1] != "101 stops" {
			t.Errorf("the phone saw %q", seen)
		}
	})
}

package guard_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/guard"
)

// attempt lets somebody dial out and gives a word on it: "" or the limit's key.
func attempt(t *testing.T, g *guard.Guard, by, from string) string {
	t.Helper()
	_, err := g.Originate(context.Background(), ringside.OriginateRequest{From: extension(from), To: external("+79001234567"), By: by})
	if err == nil {
		return ""
	}
	_, key, ok := strings.Cut(err.Error(), "outbound.")
	if !ok || !errors.Is(err, ringside.ErrForbidden) {
		t.Fatalf("no limit: %v", err)
	}
	if g.Refusals()[0].Number != "+79001234567" {
		t.Errorf("the refusal has no number: %+v", g.Refusals()[0])
	}
	return key
}

func wantWord(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestAPersonDialsOutOnlySoOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := newSite(t, russia(), func(o *guard.Options) { o.Person = guard.Limits{PerMinute: 2, PerHour: 3, Concurrent: 100} })
		wantWord(t, "first", attempt(t, g, "anna", "101"), "")
		wantWord(t, "second", attempt(t, g, " Anna", "101"), "")
		wantWord(t, "third", attempt(t, g, "ANNA", "104"), "person.per_minute")
		wantWord(t, "another name for the same phone", attempt(t, g, "boris", "101"), "person.per_minute")
		wantWord(t, "another one's phone", attempt(t, g, "boris", "104"), "")
		time.Sleep(time.Minute)
		wantWord(t, "a minute later", attempt(t, g, "anna", "101"), "")
		wantWord(t, "the fourth in an hour", attempt(t, g, "anna", "101"), "person.per_hour")
		time.Sleep(59 * time.Minute)
		wantWord(t, "an hour later", attempt(t, g, "anna", "101"), "")
	})
}

func TestAllTogetherDialOutOnlySoOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doc := ringside.Directory{DefaultCountry: "RU"}
		for i := range 40 {
			doc.Numbers = append(doc.Numbers, ringside.Extension{
				ID: int64(i), Number: fmt.Sprint(200 + i), Active: true, Account: &ringside.Account{Active: true, CanMakeExternalCalls: true},
			})
		}
		g, p := newSite(t, doc, func(o *guard.Options) { o.Total = guard.Limits{PerMinute: 10, PerHour: 12, Concurrent: 11} })
		for i := range 10 {
			wantWord(t, "made-up names", attempt(t, g, fmt.Sprint("somebody ", i), fmt.Sprint(200+i)), "")
		}
		wantWord(t, "one more", attempt(t, g, "else", "230"), "total.per_minute")
		time.Sleep(time.Minute)
		wantWord(t, "a minute later", attempt(t, g, "else", "230"), "")
		wantWord(t, "eleven at once", attempt(t, g, "else", "231"), "total.concurrent")
		p.hangUpAll()
		time.Sleep(10 * time.Second)
		wantWord(t, "when they have ended", attempt(t, g, "else", "231"), "")
		wantWord(t, "the hour", attempt(t, g, "else", "231"), "total.per_hour")
	})
}

func TestCallsInsideAreNotLimited(t *testing.T) {
	g, _ := newSite(t, russia(), func(o *guard.Options) { o.Person = guard.Limits{PerMinute: 1, PerHour: 1, Concurrent: 1} })
	for range 20 {
		if _, err := g.Originate(context.Background(), click(extension("101"), extension("104"))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestACallCountsUntilItHasEnded(t *testing.T) {
	answer := func(made ringside.Originated, err error) func(context.Context, ringside.Originated) (ringside.Originated, error) {
		return func(_ context.Context, known ringside.Originated) (ringside.Originated, error) {
			if made.ID != "" {
				made.ID = known.ID
			}
			return made, err
		}
	}
	cases := []struct {
		name   string
		answer func(context.Context, ringside.Originated) (ringside.Originated, error)
		// whether it counts at once, a minute later although the PBX knows no such channel, and after 5 minutes
		now, minute, later bool
	}{
		{"answered", answer(ringside.Originated{ID: "x", Status: ringside.DialAnswered}, nil), true, false, false},
		{"async: its channel is to come", answer(ringside.Originated{ID: "x"}, nil), true, false, false},
		{"nobody answered", answer(ringside.Originated{ID: "x", Status: ringside.DialNoAnswer}, nil), false, false, false},
		{"refused by the PBX", answer(ringside.Originated{}, ringside.ErrNotPermitted), false, false, false},
		{"the PBX is away", answer(ringside.Originated{}, ringside.ErrPBXAway), false, false, false},
		{"the PBX went away after it had begun", answer(ringside.Originated{ID: "x"}, ringside.ErrPBXAway), true, false, false},
		{"given up, and nobody knows what became of it", answer(ringside.Originated{}, context.DeadlineExceeded), true, true, false},
		{"given up, by its id", answer(ringside.Originated{ID: "x"}, context.Canceled), true, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, p := newSite(t, russia(), func(o *guard.Options) { o.Person.Concurrent = 1 })
				p.answer = c.answer
				_, _ = g.Originate(context.Background(), click(extension("101"), external("+79001234567")))
				p.answer = answer(ringside.Originated{Status: ringside.DialBusy}, nil) // the ones that ask leave nothing behind
				p.hangUpAll()
				for _, at := range []struct {
					after time.Duration
					count bool
				}{{0, c.now}, {time.Minute, c.minute}, {4 * time.Minute, c.later}} {
					time.Sleep(at.after)
					if word := attempt(t, g, "anna", "101"); (word == "person.concurrent") != at.count {
						t.Errorf("after %s: %q, want that it counts: %v", at.after, word, at.count)
					}
				}
			})
		})
	}
}

func TestALiveCallCountsForHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, p := newSite(t, russia(), func(o *guard.Options) { o.Person.Concurrent = 1 })
		wantWord(t, "first", attempt(t, g, "anna", "101"), "")
		time.Sleep(5 * time.Hour)
		wantWord(t, "it goes on", attempt(t, g, "anna", "101"), "person.concurrent")
		p.hangUpAll()
		wantWord(t, "it has ended", attempt(t, g, "anna", "101"), "")
	})
}

func TestACallThatIsSentElsewhereIsOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, p := newSite(t, russia(), func(o *guard.Options) { o.Person.Concurrent = 1 })
		send := func(channel string) error {
			return g.Transfer(context.Background(), ringside.TransferRequest{Channel: channel, To: external("+79001234567"), By: "anna"})
		}
		p.channels["PJSIP/trunk-1"] = ringside.ChannelInfo{ID: "one", Endpoint: "PJSIP/trunk"}
		p.channels["PJSIP/trunk-2"] = ringside.ChannelInfo{ID: "two", Endpoint: "PJSIP/trunk"}
		p.live["one"], p.live["two"] = true, true
		for range 3 {
			if err := send("PJSIP/trunk-1"); err != nil {
				t.Fatal(err)
			}
		}
		if err := send("PJSIP/trunk-2"); err == nil || !strings.Contains(err.Error(), "person.concurrent") {
			t.Errorf("a second call: %v", err)
		}
		// A request that fails must not make the call forgotten that goes on.
		p.transfer = func() error { return ringside.ErrNotPermitted }
		if err := send("PJSIP/trunk-1"); !errors.Is(err, ringside.ErrNotPermitted) {
			t.Fatal(err)
		}
		p.transfer = nil
		if err := send("PJSIP/trunk-2"); err == nil || !strings.Contains(err.Error(), "person.concurrent") {
			t.Errorf("a second call after a failure with the first: %v", err)
		}
		p.hangUpAll()
		time.Sleep(10 * time.Second)
		if err := send("PJSIP/trunk-2"); err != nil {
			t.Errorf("the first has ended: %v", err)
		}
	})
}

func TestNoMoreThanTheLimitSlipsThroughAtOnce(t *testing.T) {
	var inside, most atomic.Int64
	g, p := newSite(t, russia(), func(o *guard.Options) {
		o.Person = guard.Limits{PerMinute: 500, PerHour: 500, Concurrent: 3}
	})
	p.answer = func(_ context.Context, made ringside.Originated) (ringside.Originated, error) {
		n := inside.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(time.Millisecond)
		inside.Add(-1)
		made.Status = ringside.DialBusy
		return made, nil
	}
	var wg sync.WaitGroup
	var passed atomic.Int64
	for range 16 {
		wg.Go(func() {
			for range 40 {
				if attempt(t, g, "anna", "101") == "" {
					passed.Add(1)
				}
				g.Refused()
			}
		})
	}
	wg.Wait()
	if most.Load() > 3 || passed.Load() == 0 || passed.Load() > 500 {
		t.Errorf("%d at once, %d passed", most.Load(), passed.Load())
	}
	if passed.Load()+int64(g.Refused()) != 640 {
		t.Errorf("%d passed and %d were refused of 640", passed.Load(), g.Refused())
	}
}

package backoff

import (
	"testing"
	"time"
)

func TestWaitsGrowToTheLast(t *testing.T) {
	b := Backoff{First: time.Second, Last: 10 * time.Second, Random: func() float64 { return 0.999999 }}
	for i, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		if got := b.Next(0).Round(time.Millisecond * 10); got != want*time.Second {
			t.Errorf("wait %d is %s, not %s", i+1, got, want*time.Second)
		}
	}
	b.Reset()
	if got := b.Next(0); got > time.Second || b.Failures() != 1 {
		t.Errorf("after a success the wait is %s", got)
	}
	for range 100 {
		if got := b.Next(0); got > 10*time.Second || got < 0 {
			t.Fatalf("waits %s", got)
		}
	}
}

func TestWaitsAreSpread(t *testing.T) {
	low := Backoff{Random: func() float64 { return 0 }}
	if got := low.Next(0); got != time.Second/2 {
		t.Errorf("the shortest first wait is %s", got)
	}
	seen := map[time.Duration]bool{}
	for range 50 {
		b := Backoff{}
		seen[b.Next(0)] = true
	}
	if len(seen) < 10 {
		t.Errorf("50 sites wait only %d different times", len(seen))
	}
}

func TestTheOtherSideMayAskForMore(t *testing.T) {
	b := Backoff{First: time.Second, Last: time.Minute}
	if got := b.Next(3 * time.Minute); got != 3*time.Minute {
		t.Errorf("waits %s", got)
	}
	if got := b.Next(24 * time.Hour); got != 10*time.Minute {
		t.Errorf("waits %s for somebody who asks for a day", got)
	}
}

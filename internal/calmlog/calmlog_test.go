package calmlog

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLogTellsHowMuchItLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		l := New(slog.New(slog.NewTextHandler(&b, nil)))
		for range 100 {
			l.Warn("a flood", "peer", "x")
		}
		l.Error("something else")
		if n := strings.Count(b.String(), "a flood"); n != Burst {
			t.Errorf("%d lines of the flood", n)
		}
		if !strings.Contains(b.String(), "something else") {
			t.Error("the flood has drowned another message")
		}
		time.Sleep(Window)
		b.Reset()
		l.Warn("a flood", "peer", "x")
		l.Warn("a flood", "peer", "x")
		if s := b.String(); !strings.Contains(s, "left_out=90") || strings.Count(s, "left_out") != 1 {
			t.Errorf("after the flood: %s", s)
		}
	})
}

func TestNoLogIsNoTrouble(_ *testing.T) { New(nil).Error("x") }

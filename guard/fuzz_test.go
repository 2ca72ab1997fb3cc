package guard_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

// FuzzWhatPasses asks for anything. Whatever reaches the PBX is an active extension, or begins with an allowed
// prefix and no denied one, has the form of E.164, and can stand in a dial string.
func FuzzWhatPasses(f *testing.F) {
	for _, s := range []string{"+79001234567", "8-10-5352123456", "101", "+78401234567"} {
		f.Add("external", s, "extension", "101", "", "anna")
	}
	dir, _ := routing.Compile(russia())
	f.Fuzz(func(t *testing.T, kind, number, otherKind, other, callerID, by string) {
		g, p := newSiteOf(t, dir, nil)
		a := ringside.Target{Kind: ringside.TargetKind(kind), Number: number}
		b := ringside.Target{Kind: ringside.TargetKind(otherKind), Number: other}
		_, err := g.Originate(context.Background(), ringside.OriginateRequest{From: a, To: b, CallerID: callerID, By: by})
		if err != nil {
			var invalid *ringside.InvalidError
			if !errors.Is(err, ringside.ErrForbidden) && !errors.As(err, &invalid) || len(p.asked) != 0 {
				t.Fatalf("%v; reached the PBX: %v", err, p.asked)
			}
			return
		}
		r := p.asked[0]
		for _, target := range []ringside.Target{r.From, r.To} {
			mayBeDialled(t, target)
		}
		if r.From.Kind == ringside.ToExternal && r.To.Kind == ringside.ToExternal {
			t.Fatalf("both outside: %+v", r)
		}
		if r.CallerID != "" && !ringside.Dialable(r.CallerID) {
			t.Fatalf("caller id %q", r.CallerID)
		}
	})
}

func mayBeDialled(t *testing.T, target ringside.Target) {
	t.Helper()
	n := target.Number
	if !ringside.Dialable(n) {
		t.Fatalf("%q is not dialable", n)
	}
	if target.Kind == ringside.ToExtension {
		if n != "101" && n != "102" && n != "104" && n != "79001112233" {
			t.Fatalf("%q is no active extension", n)
		}
		return
	}
	allowed := strings.HasPrefix(n, "+99871") ||
		strings.HasPrefix(n, "+7") && !strings.HasPrefix(n, "+7840") && !strings.HasPrefix(n, "+7809") && !strings.HasPrefix(n, "+77")
	if !allowed || strings.Trim(n[1:], "0123456789") != "" || len(n) < 8 || len(n) > 16 {
		t.Fatalf("%q was let through", n)
	}
}

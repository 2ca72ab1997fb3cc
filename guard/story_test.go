package guard_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/guard"
)

// TestAWeekendAttack: somebody has the CRM's credentials on Friday night and until Monday asks for whatever
// earns them money. Nothing of it is dialled but what the limits leave of allowed numbers, nobody's memory
// fills, the people who work on Saturday can still be called, and on Monday it is plain to see.
func TestAWeekendAttack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, p := newSite(t, russia(), func(o *guard.Options) {
			o.Person = guard.Limits{PerMinute: 10, PerHour: 60, Concurrent: 2}
			o.Total = guard.Limits{PerMinute: 30, PerHour: 300, Concurrent: 10}
		})
		p.channels["PJSIP/trunk-1"] = ringside.ChannelInfo{ID: "trunk-1", Endpoint: "PJSIP/trunk", Connected: "101"}
		ctx := context.Background()
		abroad := []string{"+5352123456", "8105352123457", "8-10-252-61-1234567", "0025261123456", "+8835100012345", "9011525512345678", "+78401234567"}
		tried := 0
		for minute := range 60 * 60 { // sixty hours
			for i, number := range abroad {
				by := fmt.Sprintf("user %d of %d", i, minute) // a new name each time
				_, err := g.Originate(ctx, ringside.OriginateRequest{From: extension("101"), To: external(number), By: by})
				forbidden(t, err)
				_, err = g.Originate(ctx, ringside.OriginateRequest{From: external(number), To: external("+79001234567"), By: by})
				forbidden(t, err)
				forbidden(t, g.Transfer(ctx, ringside.TransferRequest{Channel: "PJSIP/trunk-1", To: external(number), By: by}))
				tried += 3
			}
			time.Sleep(time.Minute)
		}
		if p.dialled() != "" || g.Refused() != uint64(tried) || len(g.Refusals()) != 100 {
			t.Fatalf("refused %d of %d, kept %d, dialled %.200q", g.Refused(), tried, len(g.Refusals()), p.dialled())
		}
		// Then they try what is allowed: the calls stay up, for that is how they are paid.
		for range 60 {
			_, _ = g.Originate(ctx, ringside.OriginateRequest{From: extension("101"), To: external("+79001234567"), By: "made up"})
			time.Sleep(time.Minute)
		}
		if n := len(p.asked); n != 2 {
			t.Errorf("%d calls are up at once, the limit is 2", n)
		}
		// The shift on Saturday works with the other phone, and inside.
		if _, err := g.Originate(ctx, ringside.OriginateRequest{From: extension("104"), To: external("+74951112233"), By: "anna"}); err != nil {
			t.Error(err)
		}
		if _, err := g.Originate(ctx, ringside.OriginateRequest{From: extension("101"), To: extension("102"), By: "boris"}); err != nil {
			t.Error(err)
		}
		last := g.Refusals()[0]
		if last.Action != "originate" || last.By != "made up" || !strings.Contains(last.Reason, "outbound.person.concurrent") {
			t.Errorf("the last refusal: %+v", last)
		}
	})
}

func forbidden(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ringside.ErrForbidden) {
		t.Fatalf("it was not forbidden: %v", err)
	}
}

package esl

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ringside-pbx/ringside"
)

// The report is FreeSWITCH's own words while there is a connection, and says why there is none.
func TestHealthOfThePBX(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSwitch(t)
		f.says("status", recordedBody(t, "i05_bgapi", "UP 0 years"))
		f.says("show", `{"row_count": 0}`)
		f.says("sofia", sofiaStatus)
		p := New(Options{Login: f.login()})
		p.Start()
		synctest.Wait()
		h := p.Health(t.Context())
		if !h.Connection.Connected || h.System.MaxCalls != 5000 || !strings.HasPrefix(h.System.Version, "1.10.12") {
			t.Errorf("%+v", h)
		}
		if len(p.Queues()) > 0 {
			t.Errorf("%+v", p.Queues())
		}
		f.hangUp()
		synctest.Wait()
		if h := p.Health(t.Context()); h.Status != ringside.ConditionCritical || h.Connection.Error == "" {
			t.Errorf("%+v", h)
		}
		if err := p.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Changes of queues go out over the connection, or say that there is none.
func TestQueuesOfThePBX(t *testing.T) {
	p := New(Options{Login: Login{Password: ringside.NewSecret("secret")}})
	r := ringside.QueueMemberRequest{Queue: "sales@default", Number: "101"}
	for name, err := range map[string]error{
		"add": p.AddQueueMember(t.Context(), r), "remove": p.RemoveQueueMember(t.Context(), r), "pause": p.PauseQueueMember(t.Context(), r),
		"penalty": p.SetQueuePenalty(t.Context(), r), "reload": p.ReloadQueue(t.Context(), "sales@default"),
	} {
		if err == nil || !strings.Contains(err.Error(), ringside.ErrPBXAway.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

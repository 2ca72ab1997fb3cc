package ami

import (
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

func TestEndpointsHealth(t *testing.T) {
	states := func(idle, away, unknown int) map[string]ringside.DeviceState {
		all := map[string]ringside.DeviceState{"Queue:sales": ringside.DeviceUnavailable, "Local/x@y": ringside.DeviceUnavailable}
		for i, n := range []int{idle, away, unknown} {
			for k := range n {
				all["PJSIP/"+string(rune('a'+i))+string(rune('A'+k))] = []ringside.DeviceState{ringside.DeviceIdle, ringside.DeviceUnavailable, ringside.DeviceUnknown}[i]
			}
		}
		return all
	}
	for _, tc := range []struct {
		name                string
		idle, away, unknown int
		want                ringside.Condition
	}{
		{"none", 0, 0, 0, ringside.ConditionUnknown},
		{"none that is watched", 0, 0, 5, ringside.ConditionUnknown},
		{"all", 10, 0, 0, ringside.ConditionHealthy},
		{"nine of ten", 9, 1, 0, ringside.ConditionHealthy},
		{"those that are not watched do not count", 9, 1, 20, ringside.ConditionHealthy},
		{"eight of ten", 8, 2, 0, ringside.ConditionDegraded},
		{"half", 5, 5, 0, ringside.ConditionDegraded},
		{"less than half", 4, 6, 0, ringside.ConditionUnhealthy},
		{"nobody", 0, 3, 0, ringside.ConditionUnhealthy},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := endpointsHealth(states(tc.idle, tc.away, tc.unknown), Limits{}.withDefaults())
			if h.Status != tc.want || h.Total != tc.idle+tc.away+tc.unknown || h.Online != tc.idle || len(h.Offline) != tc.away || h.Unmonitored != tc.unknown {
				t.Errorf("%+v", h)
			}
		})
	}
}

func TestQueuesHealth(t *testing.T) {
	now := time.Now()
	queue := func(state ringside.DeviceState, waits ...time.Duration) ringside.PBXQueue {
		q := ringside.PBXQueue{Name: "sales"}
		if state != "" {
			q.Members = []ringside.PBXQueueMember{{State: state}}
		}
		for _, w := range waits {
			q.Callers = append(q.Callers, ringside.PBXQueueCaller{Number: w.String(), Since: now.Add(-w)})
		}
		return q
	}
	for _, tc := range []struct {
		name   string
		q      ringside.PBXQueue
		want   ringside.Condition
		alerts string
	}{
		{"nobody waits", queue(ringside.DeviceIdle), ringside.ConditionHealthy, ""},
		{"nobody waits, and nobody is there", queue(""), ringside.ConditionHealthy, ""},
		{"somebody waits", queue(ringside.DeviceIdle, time.Minute), ringside.ConditionBusy, ""},
		{"for exactly as long as they may", queue(ringside.DeviceInUse, 2*time.Minute), ringside.ConditionBusy, ""},
		{"for too long", queue(ringside.DeviceInUse, time.Minute, 121*time.Second), ringside.ConditionUnhealthy, "long_wait 2m1s;"},
		{"for somebody who is away", queue(ringside.DeviceUnavailable, time.Second), ringside.ConditionUnhealthy, "no_agents 1s;"},
		{"for nobody, too long", queue("", 3*time.Minute), ringside.ConditionUnhealthy, "long_wait 3m0s;no_agents 3m0s;"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := queuesHealth([]ringside.PBXQueue{tc.q}, now, Limits{}.withDefaults())
			alerts := ""
			for _, a := range h.Alerts {
				alerts += a.Type + " " + a.Caller + ";"
			}
			if h.Status != tc.want || alerts != tc.alerts {
				t.Errorf("%s, %q", h.Status, alerts)
			}
		})
	}
}

func TestTheWorstPartCounts(t *testing.T) {
	healthy := func() *ringside.PBXHealth {
		h := &ringside.PBXHealth{}
		h.Connection.Connected = true
		h.Connection.Status, h.System.Status, h.Channels.Status = ringside.ConditionHealthy, ringside.ConditionHealthy, ringside.ConditionHealthy
		h.Endpoints.Status, h.Queues.Status = ringside.ConditionUnknown, ringside.ConditionBusy
		return h
	}
	h := healthy()
	if got, _ := overall(h); got != ringside.ConditionBusy {
		t.Errorf("callers wait: %s", got)
	}
	h.System.Status, h.System.Error = ringside.ConditionUnhealthy, "the system"
	if got, why := overall(h); got != ringside.ConditionUnhealthy || why != "the system" {
		t.Errorf("%s, %s", got, why)
	}
	h.Connection.Connected = false
	if got, _ := overall(h); got != ringside.ConditionCritical {
		t.Errorf("away: %s", got)
	}
}

func TestHealthWithoutAConnection(t *testing.T) {
	h := pbxAt("127.0.0.1:1", nil).Health(t.Context())
	if h.Status != ringside.ConditionCritical || h.Connection.Error == "" || h.System.Status != ringside.ConditionUnknown || h.Queues.Alerts == nil {
		t.Errorf("%+v", h)
	}
}

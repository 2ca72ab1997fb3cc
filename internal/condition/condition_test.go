package condition_test

import (
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/condition"
)

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
			h := condition.Queues([]ringside.PBXQueue{tc.q}, now, condition.Limits{}.WithDefaults())
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
	if got, _ := condition.Overall("The PBX", h); got != ringside.ConditionBusy {
		t.Errorf("callers wait: %s", got)
	}
	h.System.Status, h.System.Error = ringside.ConditionUnhealthy, "the system"
	if got, why := condition.Overall("The PBX", h); got != ringside.ConditionUnhealthy || why != "the system" {
		t.Errorf("%s, %s", got, why)
	}
	h.Connection.Connected = false
	if got, _ := condition.Overall("The PBX", h); got != ringside.ConditionCritical {
		t.Errorf("away: %s", got)
	}
}

func TestQuality(t *testing.T) {
	began := time.Now()
	var o condition.Outcomes
	for i, c := range []struct {
		status ringside.Status
		talk   time.Duration
	}{
		{ringside.StatusAnswered, 5 * time.Second},
		{ringside.StatusAnswered, 95 * time.Second},
		{ringside.StatusAnswered, 20 * time.Second},
		{ringside.StatusFailed, 0},
		{ringside.StatusAbandoned, 0},
	} {
		w := ringside.Witnessed{Status: c.status, End: began.Add(time.Duration(i) * time.Second)}
		if c.talk > 0 {
			w.Answer = w.End.Add(-c.talk)
		}
		o.Add(&w)
	}
	o.Add(&ringside.Witnessed{Status: ringside.StatusBusy, End: began.Add(-2 * time.Hour)})
	want := ringside.CallQuality{Status: ringside.ConditionDegraded, Grade: "fair", Window: 3600, Total: 5, Completed: 3, Failed: 1, Short: 1, Average: 40}
	if got := o.Quality(began.Add(time.Minute), time.Hour, 10*time.Second); got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
	if got := o.Quality(began.Add(24*time.Hour), time.Hour, time.Second); got.Grade != "" || got.Total != 0 || got.Status != ringside.ConditionUnknown {
		t.Errorf("without a call it is %+v", got)
	}
}

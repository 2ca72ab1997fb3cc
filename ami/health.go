package ami

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

func (l Limits) withDefaults() Limits {
	l.LongWait = cmp.Or(l.LongWait, 2*time.Minute)
	l.Online = cmp.Or(l.Online, 90)
	l.Degraded = cmp.Or(l.Degraded, 50)
	l.Window = cmp.Or(l.Window, time.Hour)
	l.Short = cmp.Or(l.Short, 10*time.Second)
	l.Ping = cmp.Or(l.Ping, time.Second)
	l.Clock = cmp.Or(l.Clock, 5*time.Second)
	return l
}

// Health makes a full report. It asks Asterisk a handful of questions and never fails: what could not be
// asked says why.
func (p *PBX) Health(ctx context.Context) ringside.PBXHealth {
	now := time.Now()
	limits := p.opt.Limits.withDefaults()
	h := ringside.PBXHealth{At: now}
	h.Connection = p.connectionHealth(ctx, limits)
	h.Quality = p.tales.quality(now, limits.Window, limits.Short)
	if !h.Connection.Connected {
		h.System.Status, h.Channels.Status = ringside.ConditionUnknown, ringside.ConditionUnknown
		h.Endpoints.Status, h.Queues.Status = ringside.ConditionUnknown, ringside.ConditionUnknown
		h.Queues.Alerts = []ringside.QueueAlert{}
	} else {
		h.System = p.systemHealth(ctx)
		h.Channels = p.channelsHealth()
		h.Endpoints = endpointsHealth(p.channels.endpoints(), limits)
		h.Queues = queuesHealth(p.Queues(), now, limits)
	}
	h.Status, h.Message = overall(&h)
	return h
}

func (p *PBX) connectionHealth(ctx context.Context, limits Limits) ringside.ConnectionHealth {
	// A fresh look, if there is a connection at all.
	if s := p.session.Load(); s != nil {
		_ = p.ping(ctx, s) // the state below tells
	}
	st := p.State()
	h := ringside.ConnectionHealth{
		Status: ringside.ConditionHealthy, Connected: st.Up, Since: st.Since,
		Ping: float64(st.Ping.Microseconds()) / 1000, ClockAhead: st.Clock.Seconds(), Lost: st.Lost, Forged: st.Forged,
	}
	if !st.Up {
		h.Status, h.Ping, h.ClockAhead = ringside.ConditionCritical, 0, 0
		h.Error = "not connected yet"
		if st.Err != nil {
			h.Error = st.Err.Error()
		}
		return h
	}
	switch {
	case st.Ping >= limits.Ping:
		h.Status, h.Error = ringside.ConditionDegraded, fmt.Sprintf("Asterisk answers after %s", st.Ping.Round(time.Millisecond))
	case st.Clock.Abs() > limits.Clock:
		h.Status, h.Error = ringside.ConditionDegraded, fmt.Sprintf("the clocks are %s apart", st.Clock.Abs().Round(time.Millisecond))
	}
	return h
}

func (p *PBX) systemHealth(ctx context.Context) ringside.SystemHealth {
	h := ringside.SystemHealth{Status: ringside.ConditionHealthy}
	settings, err := p.do(ctx, NewAction("CoreSettings"))
	if err == nil {
		h.Version, h.System = settings.Get("AsteriskVersion"), settings.Get("SystemName")
		h.MaxCalls = number(settings.find("CoreMaxCalls"))
		var status Message
		if status, err = p.do(ctx, NewAction("CoreStatus")); err == nil {
			h.Started = localTime(status.Get("CoreStartupDate"), status.Get("CoreStartupTime"))
			h.Reloaded = localTime(status.Get("CoreReloadDate"), status.Get("CoreReloadTime"))
			h.Calls = number(status.find("CoreCurrentCalls"))
		}
	}
	switch {
	case errors.Is(err, ringside.ErrNotPermitted):
		h.Status, h.Error = ringside.ConditionUnknown, err.Error()
	case err != nil:
		h.Status, h.Error = ringside.ConditionUnhealthy, err.Error()
	case h.MaxCalls > 0 && h.Calls*10 >= h.MaxCalls*9:
		h.Status, h.Error = ringside.ConditionDegraded, fmt.Sprintf("%d of at most %d calls are in progress (maxcalls)", h.Calls, h.MaxCalls)
	}
	return h
}

// localTime reads a date and a time of Asterisk's, which run on this machine's clock.
func localTime(date, clock string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, date+" "+clock, time.Local)
	if err != nil {
		return time.Time{}
	}
	return t
}

func (p *PBX) channelsHealth() ringside.ChannelsHealth {
	h := ringside.ChannelsHealth{Status: ringside.ConditionHealthy}
	h.Total, h.Active = p.channels.counts()
	return h
}

// technologies are those of phones and trunks; other devices are Asterisk's own.
func isEndpoint(device string) bool {
	technology, _, _ := strings.Cut(device, "/")
	switch technology {
	case "PJSIP", "SIP", "IAX2", "DAHDI", "SCCP", "Skinny", "MGCP":
		return true
	}
	return false
}

func endpointsHealth(devices map[string]ringside.DeviceState, limits Limits) ringside.EndpointsHealth {
	h := ringside.EndpointsHealth{Status: ringside.ConditionUnknown}
	for device, state := range devices {
		if !isEndpoint(device) {
			continue
		}
		h.Total++
		switch state {
		case ringside.DeviceUnavailable, ringside.DeviceInvalid:
			h.Offline = append(h.Offline, device)
		case ringside.DeviceUnknown:
			h.Unmonitored++
		default:
			h.Online++
		}
	}
	slices.Sort(h.Offline)
	known := h.Total - h.Unmonitored
	switch {
	case known == 0:
	case h.Online*100 >= known*limits.Online:
		h.Status = ringside.ConditionHealthy
	case h.Online*100 >= known*limits.Degraded:
		h.Status = ringside.ConditionDegraded
	default:
		h.Status = ringside.ConditionUnhealthy
	}
	return h
}

func queuesHealth(queues []ringside.PBXQueue, now time.Time, limits Limits) ringside.QueuesHealth {
	h := ringside.QueuesHealth{Status: ringside.ConditionHealthy, Total: len(queues), Alerts: []ringside.QueueAlert{}}
	for i := range queues {
		q := &queues[i]
		s := q.Summary(now)
		h.Waiting += s.Waiting
		h.Longest = max(h.Longest, s.LongestWait)
		if s.Agents > 0 {
			h.WithAgents++
		}
		if s.Waiting == 0 {
			continue
		}
		h.WithCalls++
		first := slices.MinFunc(q.Callers, func(a, b ringside.PBXQueueCaller) int { return a.Since.Compare(b.Since) })
		if time.Duration(s.LongestWait)*time.Second > limits.LongWait {
			h.Alerts = append(h.Alerts, ringside.QueueAlert{Type: "long_wait", Queue: q.Name, Wait: s.LongestWait, Waiting: s.Waiting, Caller: first.Number})
		}
		if s.Available == 0 && s.Busy == 0 {
			h.Alerts = append(h.Alerts, ringside.QueueAlert{Type: "no_agents", Queue: q.Name, Wait: s.LongestWait, Waiting: s.Waiting, Caller: first.Number})
		}
	}
	switch {
	case len(h.Alerts) > 0:
		h.Status = ringside.ConditionUnhealthy
	case h.Waiting > 0:
		h.Status = ringside.ConditionBusy
	}
	return h
}

// overall puts the parts together: without a connection it is critical, else the worst part counts. How
// calls went is told, but says nothing about the PBX.
func overall(h *ringside.PBXHealth) (ringside.Condition, string) {
	if !h.Connection.Connected {
		return ringside.ConditionCritical, "Asterisk can't be asked: " + h.Connection.Error
	}
	worst, why := ringside.ConditionHealthy, "everything is in order"
	for _, part := range []struct {
		status ringside.Condition
		say    string
	}{
		{h.Connection.Status, h.Connection.Error},
		{h.System.Status, h.System.Error},
		{h.Channels.Status, h.Channels.Error},
		{h.Endpoints.Status, fmt.Sprintf("%d of %d endpoints are away", len(h.Endpoints.Offline), h.Endpoints.Total)},
		{h.Queues.Status, fmt.Sprintf("callers wait in queues: %d, alerts: %d", h.Queues.Waiting, len(h.Queues.Alerts))},
	} {
		if part.status.Severity() > worst.Severity() {
			worst, why = part.status, part.say
		}
	}
	return worst, why
}

package ami

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/condition"
)

// Health makes a full report. It asks Asterisk a handful of questions and never fails: what could not be
// asked says why.
func (p *PBX) Health(ctx context.Context) ringside.PBXHealth {
	now := time.Now()
	limits := p.opt.Limits.WithDefaults()
	h := ringside.PBXHealth{At: now}
	h.Connection = p.connectionHealth(ctx, limits)
	h.Quality = p.tales.outcomes.Quality(now, limits.Window, limits.Short)
	if !h.Connection.Connected {
		h.System.Status, h.Channels.Status = ringside.ConditionUnknown, ringside.ConditionUnknown
		h.Endpoints.Status, h.Queues.Status = ringside.ConditionUnknown, ringside.ConditionUnknown
		h.Queues.Alerts = []ringside.QueueAlert{}
	} else {
		h.System = p.systemHealth(ctx)
		h.Channels = p.channelsHealth()
		h.Endpoints = endpointsHealth(p.channels.endpoints(), limits)
		h.Queues = condition.Queues(p.Queues(), now, limits)
	}
	h.Status, h.Message = condition.Overall("Asterisk", &h)
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
	h := ringside.EndpointsHealth{}
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
	h.Status = condition.Share(h.Online, h.Total-h.Unmonitored, limits)
	return h
}

package esl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/condition"
)

// health makes a full report, beside what is known of the connection. It asks FreeSWITCH two questions and
// never fails: what could not be asked says why.
func (h *hearing) health(ctx context.Context, run api, connection ringside.ConnectionHealth) ringside.PBXHealth {
	now := time.Now()
	r := ringside.PBXHealth{At: now, Connection: connection, Quality: h.tales.outcomes.Quality(now, h.limits.Window, h.limits.Short)}
	if !connection.Connected {
		r.System.Status, r.Channels.Status = ringside.ConditionUnknown, ringside.ConditionUnknown
		r.Endpoints.Status, r.Queues.Status = ringside.ConditionUnknown, ringside.ConditionUnknown
		r.Queues.Alerts = []ringside.QueueAlert{}
	} else {
		r.System = systemHealth(ctx, run, now)
		r.Channels.Status = ringside.ConditionHealthy
		r.Channels.Total, r.Channels.Active = h.presence.counts()
		r.Endpoints = h.endpointsHealth(ctx, run)
		r.Queues = condition.Queues(h.queues.snapshot(), now, h.limits)
	}
	r.Status, r.Message = condition.Overall("FreeSWITCH", &r)
	return r
}

// systemHealth asks FreeSWITCH how it is doing. Of its sessions there are two in most calls.
func systemHealth(ctx context.Context, run api, now time.Time) ringside.SystemHealth {
	printed, err := run(ctx, "status")
	switch {
	case errors.Is(err, ringside.ErrNotPermitted):
		return ringside.SystemHealth{Status: ringside.ConditionUnknown, Error: err.Error()}
	case err != nil:
		return ringside.SystemHealth{Status: ringside.ConditionUnhealthy, Error: err.Error()}
	}
	s := readStatus(printed)
	h := ringside.SystemHealth{Status: ringside.ConditionHealthy, Version: s.Version, System: "FreeSWITCH", Calls: s.Sessions, MaxCalls: s.Max}
	if s.Up > 0 {
		h.Started = now.Add(-s.Up).Truncate(time.Second)
	}
	switch {
	case !s.Ready:
		h.Status, h.Error = ringside.ConditionUnhealthy, "FreeSWITCH is not ready: it is starting, paused or shutting down"
	case s.Max > 0 && s.Sessions*10 >= s.Max*9:
		h.Status, h.Error = ringside.ConditionDegraded, fmt.Sprintf("%d of at most %d sessions are in progress (max-sessions)", s.Sessions, s.Max)
	case s.Rate > 0 && s.PerSecond*10 >= s.Rate*9:
		h.Status, h.Error = ringside.ConditionDegraded, fmt.Sprintf("%d of at most %d sessions a second begin (sessions-per-second)", s.PerSecond, s.Rate)
	case s.LeastIdle > 0 && s.Idle <= s.LeastIdle:
		h.Status, h.Error = ringside.ConditionDegraded, fmt.Sprintf("the processor is only %.1f %% idle, and calls are refused (min-idle-cpu)", s.Idle)
	}
	return h
}

// endpointsHealth counts the extensions that are or were registered, and the gateways.
func (h *hearing) endpointsHealth(ctx context.Context, run api) ringside.EndpointsHealth {
	e := ringside.EndpointsHealth{}
	e.Online, e.Offline = h.presence.registrations()
	e.Total = e.Online + len(e.Offline)
	printed, err := run(ctx, "sofia", "status")
	if err != nil {
		e.Error = err.Error()
	}
	for _, g := range readGateways(printed) {
		e.Total++
		switch g.presence() {
		case ringside.PresenceReachable:
			e.Online++
		case ringside.PresenceUnknown:
			e.Unmonitored++
		default:
			e.Offline = append(e.Offline, g.Name)
		}
	}
	slices.Sort(e.Offline)
	e.Status = condition.Share(e.Online, e.Total-e.Unmonitored, h.limits)
	return e
}

// registrations counts the extensions that are registered, and names those that were and are not any more.
func (p *presence) registrations() (online int, offline []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for number := range p.regs.were {
		if !p.numbers.ours(number) {
			continue
		}
		if len(p.regs.phones[number]) > 0 {
			online++
		} else {
			offline = append(offline, number)
		}
	}
	return online, offline
}

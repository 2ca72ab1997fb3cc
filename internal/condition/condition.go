package condition

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Limits are the thresholds of a report; zero values are the defaults.
type Limits struct {
	// LongWait is the wait in a queue from which it is an alert; 0 is 2 min.
	LongWait time.Duration
	// Online and Degraded are the shares of endpoints, in percent, from which they are healthy and merely
	// degraded; 0 is 90 and 50.
	Online, Degraded int
	// Window is how far back call quality looks, Short the talk below which a call counts as short; 0 is
	// 1 h and 10 s.
	Window, Short time.Duration
	// Ping is the round trip from which the connection is degraded; 0 is 1 s.
	Ping time.Duration
	// Clock is how far the clocks may be apart; 0 is 5 s.
	Clock time.Duration
}

// WithDefaults gives the limits with the defaults where nothing is said.
func (l Limits) WithDefaults() Limits {
	l.LongWait = cmp.Or(l.LongWait, 2*time.Minute)
	l.Online = cmp.Or(l.Online, 90)
	l.Degraded = cmp.Or(l.Degraded, 50)
	l.Window = cmp.Or(l.Window, time.Hour)
	l.Short = cmp.Or(l.Short, 10*time.Second)
	l.Ping = cmp.Or(l.Ping, time.Second)
	l.Clock = cmp.Or(l.Clock, 5*time.Second)
	return l
}

// Share judges endpoints by how many of those of which anything is known can be reached.
func Share(online, known int, limits Limits) ringside.Condition {
	switch {
	case known <= 0:
		return ringside.ConditionUnknown
	case online*100 >= known*limits.Online:
		return ringside.ConditionHealthy
	case online*100 >= known*limits.Degraded:
		return ringside.ConditionDegraded
	}
	return ringside.ConditionUnhealthy
}

// Queues judges queues by who waits in them, and whether anybody can serve them.
func Queues(queues []ringside.PBXQueue, now time.Time, limits Limits) ringside.QueuesHealth {
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

// Overall puts the parts of a report on the named PBX together: without a connection it is critical, else the
// worst part counts. How calls went is told, but says nothing about the PBX.
func Overall(pbx string, h *ringside.PBXHealth) (ringside.Condition, string) {
	if !h.Connection.Connected {
		return ringside.ConditionCritical, pbx + " can't be asked: " + h.Connection.Error
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

// Package condition judges how a PBX is doing, in the same words for every PBX. It owns the outcomes of the
// latest calls, and nothing else.
package condition

import (
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// maxOutcomes is how many finished calls are remembered for call quality.
const maxOutcomes = 10_000

// outcome is how a call ended.
type outcome struct {
	end    time.Time
	status ringside.Status
	talk   time.Duration
}

// Outcomes are those of the latest calls. The zero value has none; it is safe for any number of goroutines.
type Outcomes struct {
	mu   sync.Mutex
	all  []outcome
	next int // where the next one goes, once all is full
}

// Add remembers how a call ended.
func (o *Outcomes) Add(w *ringside.Witnessed) {
	n := outcome{end: w.End, status: w.Status}
	if !w.Answer.IsZero() {
		n.talk = w.End.Sub(w.Answer)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.all) < maxOutcomes {
		o.all = append(o.all, n)
		return
	}
	o.all[o.next] = n
	o.next = (o.next + 1) % maxOutcomes
}

// Quality sums up the calls that ended within a window before now. A call is completed if somebody answered
// it, and failed if the PBX could reach nobody; busy, unanswered and abandoned calls are neither. Completed
// calls with less talk than short are short.
func (o *Outcomes) Quality(now time.Time, window, short time.Duration) ringside.CallQuality {
	q := ringside.CallQuality{Status: ringside.ConditionUnknown, Window: int(window / time.Second)}
	var talk time.Duration
	o.mu.Lock()
	for _, c := range o.all {
		if c.end.Before(now.Add(-window)) {
			continue
		}
		q.Total++
		switch c.status {
		case ringside.StatusAnswered:
			q.Completed++
			talk += c.talk
			if c.talk < short {
				q.Short++
			}
		case ringside.StatusFailed:
			q.Failed++
		}
	}
	o.mu.Unlock()
	if q.Completed > 0 {
		q.Average = (talk / time.Duration(q.Completed)).Seconds()
	}
	grade(&q)
	return q
}

// grade grades by the share of calls that were completed.
func grade(q *ringside.CallQuality) {
	if q.Total == 0 {
		return
	}
	switch share := 100 * q.Completed / q.Total; {
	case share >= 90:
		q.Grade, q.Status = "excellent", ringside.ConditionHealthy
	case share >= 70:
		q.Grade, q.Status = "good", ringside.ConditionHealthy
	case share >= 50:
		q.Grade, q.Status = "fair", ringside.ConditionDegraded
	default:
		q.Grade, q.Status = "poor", ringside.ConditionUnhealthy
	}
}

package ami

import (
	"time"

	"github.com/ringside-pbx/ringside"
)

// maxOutcomes is how many finished calls are remembered for call quality.
const maxOutcomes = 10_000

// taleOutcome is how a call ended.
type taleOutcome struct {
	end    time.Time
	status ringside.Status
	talk   time.Duration
}

// outcomes are the latest ones.
type outcomes struct {
	all  []taleOutcome
	next int // where the next one goes, once all is full
}

func (o *outcomes) add(n taleOutcome) {
	if len(o.all) < maxOutcomes {
		o.all = append(o.all, n)
		return
	}
	o.all[o.next] = n
	o.next = (o.next + 1) % maxOutcomes
}

func (t *tales) remember(w *ringside.Witnessed) {
	n := taleOutcome{end: w.End, status: w.Status}
	if !w.Answer.IsZero() {
		n.talk = w.End.Sub(w.Answer)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outcomes.add(n)
}

// quality sums up the calls that ended within a window before now. A call is completed if somebody
// answered it, and failed if the PBX could reach nobody; busy, unanswered and abandoned calls are neither.
// Completed calls with less talk than short are short.
func (t *tales) quality(now time.Time, window, short time.Duration) ringside.CallQuality {
	q := ringside.CallQuality{Status: ringside.ConditionUnknown, Window: int(window / time.Second)}
	var talk time.Duration
	t.mu.Lock()
	for _, o := range t.outcomes.all {
		if o.end.Before(now.Add(-window)) {
			continue
		}
		q.Total++
		switch o.status {
		case ringside.StatusAnswered:
			q.Completed++
			talk += o.talk
			if o.talk < short {
				q.Short++
			}
		case ringside.StatusFailed:
			q.Failed++
		}
	}
	t.mu.Unlock()
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

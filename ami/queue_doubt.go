package ami

import (
	"time"

	"github.com/ringside-pbx/ringside"
)

// forgedGap is between two times that all queues are doubted at once.
const forgedGap = time.Minute

// doubt has a queue compared soon: an event about it did not fit.
func (q *queues) doubt(k *queue, now time.Time) {
	q.figures.Doubts++
	if !k.again.IsZero() {
		return
	}
	at := now.Add(settle)
	if early := k.tried.Add(recheck); at.Before(early) {
		at = early
	}
	q.due(k, at)
	q.rouse()
}

// due has a queue compared at a time, or earlier if that is planned.
func (q *queues) due(k *queue, at time.Time) {
	if k.again.IsZero() {
		q.plan.doubted++
	} else if k.again.Before(at) {
		return
	}
	k.again = at
}

// settled: a queue needs no further comparison.
func (q *queues) settled(name string) {
	if k := q.all[name]; k != nil && !k.again.IsZero() {
		k.again = time.Time{}
		q.plan.doubted--
	}
}

// stranger has an unknown queue asked for. Anybody who can forge an event can name as many as they like:
// only a few wait, the others are found by the next summary if they are there.
func (q *queues) stranger(name []byte) {
	q.figures.Doubts++
	if _, ok := q.strange[string(name)]; ok || len(q.strange) >= maxStrange || !ringside.QueueName(string(name)) {
		return
	}
	q.strange[string(name)] = struct{}{}
	q.rouse()
}

// reloaded: any queue may be another one now, and there may be new ones.
func (q *queues) reloaded(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.plan.sum = now.Add(settle)
	q.doubtAll(now)
}

// forged: an event was not taken, because a caller had meddled with it. Of which queue it told is not known.
func (q *queues) forged(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now.Sub(q.plan.forged) < forgedGap {
		return
	}
	q.plan.forged = now
	q.doubtAll(now)
}

func (q *queues) doubtAll(now time.Time) {
	for _, k := range q.order {
		q.due(k, now.Add(settle))
	}
	q.rouse()
}

// doubtStale has those compared that resync has left.
func (q *queues) doubtStale() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, k := range q.order {
		if k.about.Stale {
			q.due(k, time.Now())
		}
	}
	q.rouse()
}

// rouse tells run that there is work.
func (q *queues) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// refresh has a queue compared soon, or all, and new ones found.
func (q *queues) refresh(name string) {
	now := time.Now()
	if name == "" {
		q.reloaded(now)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if k := q.all[name]; k != nil {
		q.due(k, now)
	} else if len(q.strange) < maxStrange {
		q.strange[name] = struct{}{}
	}
	q.rouse()
}

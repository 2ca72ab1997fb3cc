package ami

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
)

// queueDraft is a queue while its list is being read. It replaces the queue as a whole when the list is over:
// when an event about queues follows, or when nothing does.
type queueDraft struct {
	queue *queue // nil until the list tells of one
	in    bool   // it has replaced the queue
}

// Bounds of what resync waits for; what it leaves is compared by run.
const (
	resyncQueues = 2000
	resyncWithin = 5 * time.Second
)

// resync asks for all queues on a new connection.
func (q *queues) resync(ctx context.Context, s *Session) error {
	if err := q.summary(ctx, s); err != nil {
		return err
	}
	within := time.Now().Add(resyncWithin)
	for i, name := range q.names() {
		if i >= resyncQueues || time.Now().After(within) {
			q.doubtStale()
			return nil
		}
		if err := q.check(ctx, s, name); err != nil {
			return err
		}
	}
	return nil
}

func (q *queues) names() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	names := make([]string, 0, len(q.order))
	for _, k := range q.order {
		names = append(names, k.about.Name)
	}
	return names
}

// summary asks which queues there are.
func (q *queues) summary(ctx context.Context, s *Session) error {
	there := map[string]bool{}
	err := s.List(ctx, NewAction("QueueSummary"), func(m Message) {
		if name := m.Get("Queue"); ringside.QueueName(name) {
			there[name] = true
		}
	})
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.plan.summed = time.Now()
	for name := range q.all {
		if !there[name] {
			q.remove(name)
		}
	}
	for name := range there {
		if q.all[name] == nil {
			k := newQueue(name)
			q.add(k)
			q.due(k, time.Now())
		}
	}
	return nil
}

// check asks for one queue and compares it.
func (q *queues) check(ctx context.Context, s *Session, name string) error {
	d := &queueDraft{}
	err := s.List(ctx, NewAction("QueueStatus", "Queue", name), func(m Message) { q.item(d, m, time.Now()) })
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if k := q.all[name]; k != nil {
		k.tried = now
	}
	var refused *ActionError
	switch {
	case err != nil:
		if q.draft == d {
			q.draft = nil
		}
		if errors.As(err, &refused) {
			q.settled(name)
		}
		return err
	case d.queue == nil:
		q.remove(name) // Asterisk does not know it (any more)
	case !d.in:
		q.commit(d, now)
	}
	return nil
}

// item takes one of QueueStatus, on the goroutine that reads.
func (q *queues) item(d *queueDraft, m Message, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := &q.said
	switch m.Event() {
	case "QueueParams":
		w.read(m, &q.layouts[listParams])
		if d.queue != nil || !ringside.QueueName(string(w.text[fQueue])) {
			return
		}
		d.queue = newQueue(string(w.text[fQueue]))
		w.params(d.queue)
		q.draft = d
	case "QueueMember":
		w.read(m, &q.layouts[listMember])
		if d.takes(w) && d.queue.members[string(w.text[fMember])] == nil && len(w.text[fMember]) <= maxQueueText {
			q.addMember(d.queue, w, now)
			q.counted(d, 1, 0)
		}
	case "QueueEntry":
		w.read(m, &q.layouts[listCaller])
		if d.takes(w) && d.queue.caller(w.text[fID]) < 0 {
			since := now.Add(-time.Duration(w.num[fWait]) * time.Second)
			d.queue.callers = append(d.queue.callers, q.newCaller(w, since))
			q.counted(d, 0, 1)
		}
	}
}

func (d *queueDraft) takes(w *said) bool {
	return d.queue != nil && d.queue.about.Name == string(w.text[fQueue])
}

// counted keeps count of what a list adds to a queue that is in place.
func (q *queues) counted(d *queueDraft, members, callers int) {
	if d.in {
		q.members += members
		q.callers += callers
	}
}

// params takes what a list says of the queue itself.
func (w *said) params(k *queue) {
	a := &k.about
	a.Strategy, a.Max, a.Weight = string(clip(w.text[fStrategy])), w.num[fMax], w.num[fWeight]
	a.HoldTime, a.TalkTime = w.num[fHold], w.num[fTalk]
	a.Completed, a.Abandoned, a.ServiceLevel = w.num[fCompleted], w.num[fAbandoned], w.num[fLimit]
	level, _ := strconv.ParseFloat(string(w.text[fLevel]), 64) // what is none is 0
	a.ServiceLevelPerf = tenths(min(max(level, 0), 100))
	k.inLevel = int(math.Round(a.ServiceLevelPerf * float64(a.Completed) / 100))
}

// tenths rounds like Asterisk's lists.
func tenths(percent float64) float64 { return math.RoundToEven(10*percent) / 10 }

package ami

import (
	"context"
	"errors"
	"time"

	"github.com/ringside-pbx/ringside"
)

// plan is when what is to be asked next. The picture's mutex guards it.
type plan struct {
	summed  time.Time // when QueueSummary was last answered
	sum     time.Time // when it is wanted because of events; zero if it is not
	sweep   time.Time // when the sweep goes on
	at      int       // where in the order
	strange time.Time // when an unknown queue may be asked for
	doubted int       // queues with again
	forged  time.Time // when all were last doubted
}

// How fast Asterisk is asked, whatever happens.
const (
	checkGap   = 20 * time.Millisecond // between two checks
	strangeGap = time.Second           // between two of unknown queues
	settle     = time.Second           // for events that are on their way
	recheck    = 5 * time.Second       // between two checks of one queue
	resum      = 10 * time.Second      // between two summaries
	awayGap    = time.Second           // while there is no connection
)

// run compares one queue after the other with Asterisk, so that each is compared once in every, and those
// about which events did not fit soon.
func (q *queues) run(ctx context.Context, every time.Duration, session func() *Session) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		case <-q.wake:
			if !sleep(ctx, checkGap) {
				return
			}
		}
		wait := awayGap
		if s := session(); s != nil {
			wait = q.ask(ctx, every, s)
		}
		pause.Reset(max(wait, checkGap))
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ask asks what is to be asked now, one thing at most, and gives the time until the next.
func (q *queues) ask(ctx context.Context, every time.Duration, s *Session) time.Duration {
	name, sum := q.turn(time.Now(), every)
	var err error
	switch {
	case sum:
		err = q.summary(ctx, s)
	case name != "":
		err = q.check(ctx, s, name)
	}
	if err != nil && errors.Is(err, ringside.ErrPBXAway) {
		return awayGap
	}
	return q.pause(time.Now(), every)
}

// turn takes what is due off the plan.
func (q *queues) turn(now time.Time, every time.Duration) (name string, sum bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := &q.plan
	if !now.Before(q.sumAt(every)) {
		// Answered or not, it is not wanted at once again.
		p.sum, p.summed = time.Time{}, now
		return "", true
	}
	if !now.Before(p.strange) {
		for name := range q.strange {
			delete(q.strange, name)
			p.strange = now.Add(strangeGap)
			return name, false
		}
	}
	if k := q.longestDoubted(); k != nil && !now.Before(k.again) {
		k.again = time.Time{}
		p.doubted--
		return k.about.Name, false
	}
	if len(q.order) == 0 || now.Before(p.sweep) {
		return "", false
	}
	p.at %= len(q.order)
	k := q.order[p.at]
	p.at++
	p.sweep = now.Add(every / time.Duration(len(q.order)))
	return k.about.Name, false
}

// sumAt is when the next summary is due.
func (q *queues) sumAt(every time.Duration) time.Time {
	at := q.plan.summed.Add(every)
	if q.plan.sum.IsZero() {
		return at
	}
	if early := q.plan.summed.Add(resum); q.plan.sum.Before(early) {
		return earlier(at, early)
	}
	return earlier(at, q.plan.sum)
}

// pause is how long nothing is due.
func (q *queues) pause(now time.Time, every time.Duration) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	next := q.sumAt(every)
	if len(q.strange) > 0 {
		next = earlier(next, q.plan.strange)
	}
	if len(q.order) > 0 {
		next = earlier(next, q.plan.sweep)
	}
	if k := q.longestDoubted(); k != nil {
		next = earlier(next, k.again)
	}
	return next.Sub(now)
}

// longestDoubted is the doubted queue that is due first.
func (q *queues) longestDoubted() *queue {
	var first *queue
	for _, k := range q.order {
		if q.plan.doubted == 0 {
			break
		}
		if !k.again.IsZero() && (first == nil || k.again.Before(first.again)) {
			first = k
		}
	}
	return first
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

package esl

import (
	"context"
	"time"

	"github.com/ringside-pbx/ringside"
)

// run hands finished calls to witness, until ctx ends. Those that are over by then are still handed over,
// within some seconds.
func (t *tales) run(ctx context.Context, witness func(context.Context, ringside.Witnessed)) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(t.handOver(ctx, witness, false))
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), handOver)
			defer cancel()
			t.handOver(last, witness, true)
			return
		case <-t.wake:
		case <-timer.C:
		}
	}
}

// handOver hands over what is due, or all that is over, and tells how long to wait for the next.
func (t *tales) handOver(ctx context.Context, witness func(context.Context, ringside.Witnessed), all bool) time.Duration {
	for {
		if ctx.Err() != nil {
			return time.Hour
		}
		c, wait := t.next(time.Now(), all)
		if c == nil {
			return wait
		}
		w, ok := c.record(t.numbers)
		if !ok {
			continue
		}
		t.outcomes.Add(&w)
		if witness != nil {
			witness(ctx, w)
		}
	}
}

// next takes the next call that is to be handed over; nil and how long to wait if there is none.
func (t *tales) next(now time.Time, all bool) (*tale, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.over) == 0 && len(t.ending) > 0 {
		e := t.ending[0]
		if wait := e.due.Sub(now); wait > 0 && !all && !e.stale() {
			return nil, wait
		}
		t.ending = t.ending[1:]
		if !e.stale() {
			t.finish(e.tale, true)
		}
	}
	if len(t.over) == 0 {
		return nil, time.Hour
	}
	c := t.over[0]
	t.over = t.over[1:]
	return c, 0
}

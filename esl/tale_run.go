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

func (t *tales) look() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.round++
}

func (t *tales) seen(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.parts[id]
	if p == nil || p.hearsay && !p.gone {
		return p == nil && t.ended.has(id, false, 0)
	}
	p.round = t.round
	return true
}

// found takes up a call that was there before the connection.
func (t *tales) found(l listedChannel) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.parts[l.ID]
	if p != nil && (!p.hearsay || p.gone) || t.ended.has(l.ID, false, 0) {
		return // it was told of meanwhile
	}
	if p != nil {
		p.hearsay, p.round = false, t.round
		p.tale.alive++
		return
	}
	p = &part{
		id: l.ID, name: kept(l.Name), outbound: l.outbound(), half: l.half, number: t.numbers.own(t.numbers.listed(l)), endpoint: kept(l.user),
		caller: number(kept(l.Caller)), callerName: kept(l.CallerName), called: kept(l.Called), start: l.since(), late: true, round: t.round,
	}
	p.idle = p.start
	if l.up() {
		p.up = p.start // it answered some time; its end will tell when
	}
	with := t.parts[l.call()]
	if with != nil && p.outbound {
		p.parent = with
	}
	if half := t.parts[l.half]; with == nil && half != nil {
		with = half
	}
	t.place(p, with)
}

func (t *tales) missing() (ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, p := range t.parts {
		if p.round < t.round && !p.gone && !p.hearsay && (p.renamed == "" || p.renamed == id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// lost notes that nothing is heard from now on.
func (t *tales) lost(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lostAt.IsZero() {
		t.lostAt = now
	}
}

// heard notes that the calls were compared since nothing was heard.
func (t *tales) heard() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lostAt = time.Time{}
}

// gone gives up a channel whose end nobody has heard of. It counts until the connection was lost.
func (t *tales) gone(id string, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at = first(t.lostAt, at)
	if p := t.parts[id]; p != nil && !p.gone {
		p.lost = true
		t.end(p, at)
	}
}

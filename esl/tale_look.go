package esl

import (
	"time"
)

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

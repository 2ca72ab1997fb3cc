package esl

import (
	"time"
)

// follower is who follows channels by events and has their picture compared with FreeSWITCH's list now and
// then. The list is a table that FreeSWITCH writes behind what happens: what it tells of a channel counts only
// where no event has told more, and that a channel is not in it only means that it must be asked for.
type follower interface {
	// look begins a comparison.
	look()
	// seen reports whether a channel of the list needs no further word: it is known, or it has ended.
	seen(id string) bool
	// found takes a channel that exists and was not known.
	found(c listedChannel)
	// missing are the channels that began before the comparison and were not in the list.
	missing() []string
	// gone takes out a channel that does not exist any more.
	gone(id string, at time.Time)
}

func (p *presence) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.round++
}

func (p *presence) seen(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.all[id]
	if c == nil {
		return p.ended.has(id, false, 0)
	}
	c.round = p.round
	return true
}

func (p *presence) found(l listedChannel) {
	defer p.mouth.tell()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all[l.ID] != nil || p.ended.has(l.ID, false, 0) || len(p.all) >= maxChannels {
		return // it was told of meanwhile
	}
	c := &liveChannel{
		id: l.ID, half: l.half, outbound: l.outbound(), up: l.up(), held: l.CallState == "HELD", round: p.round, since: l.since(),
	}
	c.call = p.callOf(c, l.call())
	p.all[c.id] = c
	p.assign(c, p.numbers.listed(l))
	p.report(c.number, time.Now())
}

func (p *presence) missing() (ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, c := range p.all {
		if c.round < p.round {
			ids = append(ids, id)
		}
	}
	return ids
}

func (p *presence) gone(id string, at time.Time) {
	defer p.mouth.tell()
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.all[id]; c != nil {
		p.ended.add(id, 0)
		p.remove(c, at)
	}
}

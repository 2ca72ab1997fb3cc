package esl

import (
	"cmp"
	"container/list"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside/internal/condition"
)

// Bounds of what is kept of calls in progress.
const (
	maxTales = 20_000
	// lateEvents is how long a call whose channels have all ended is kept: mod_callcenter tells of a caller's
	// end on the agent's thread.
	lateEvents = time.Second
	// handOver bounds how long the calls that are over may take to be taken when ringside stops.
	handOver = 5 * time.Second
)

// The custom events that tell where a call stays.
const (
	callcenterInfo = "callcenter::info"
	valetInfo      = "valet_parking::info"
)

// tales are the calls in progress: everything that happens to channels that were made for one another, or that
// came to talk with one another. A call is over when all its channels are; a moment later it is handed over
// as one record. One whose first channel nobody has heard of, or whose end nobody has heard of, gives none:
// too much would have to be made up.
type tales struct {
	numbers numbering
	wake    chan struct{}

	mu     sync.Mutex
	parts  map[string]*part
	ended  recent       // channels of calls that were handed over
	open   list.List    // of *tale, the oldest first
	ending []endingTale // without a channel, in the order in which they will be handed over
	over   []*tale      // to be handed over
	round  uint64
	lostAt time.Time
	// dropped counts what there was no room for.
	dropped  uint64
	outcomes condition.Outcomes
}

// endingTale is a call that has no channel any more, unless something has become of it since.
type endingTale struct {
	*tale
	due time.Time
}

func (e endingTale) stale() bool {
	return e.merged || e.finished || e.alive > 0 || !e.tale.due.Equal(e.due)
}

func newTales(numbers numbering) *tales {
	return &tales{numbers: numbers, wake: make(chan struct{}, 1), parts: map[string]*part{}, ended: newRecent()}
}

// events are those from which records are made. CHANNEL_EXECUTE_COMPLETE is the dearest of them, one for each
// application of the dialplan, and the only one that tells of a bridge to somebody who is not registered, of
// voicemail and of announcements.
func (t *tales) events() []string {
	return []string{
		"CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_BRIDGE", "CHANNEL_UUID", "CHANNEL_EXECUTE_COMPLETE", "CHANNEL_HANGUP_COMPLETE",
		"RECORD_START", "RECORD_STOP", customEvents, callcenterInfo, valetInfo,
	}
}

// digest takes an event.
func (t *tales) digest(e event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.name() {
	case "CHANNEL_CREATE":
		t.part(e)
	case "CHANNEL_ANSWER":
		t.answered(e)
	case "CHANNEL_BRIDGE":
		t.bridge(e)
	case "CHANNEL_UUID":
		t.rename(e)
	case "CHANNEL_EXECUTE_COMPLETE":
		t.executed(e)
	case "CHANNEL_HANGUP_COMPLETE":
		t.hungUp(e)
	case "RECORD_START", "RECORD_STOP":
		t.recorded(e)
	case callcenterInfo:
		t.queued(e)
	case valetInfo:
		t.parked(e)
	}
}

// part finds the channel of an event or makes it known; nil if it has ended.
func (t *tales) part(e event) *part {
	id := e.id()
	if p := t.parts[id]; p != nil {
		if p.hearsay && !p.gone {
			p.hearsay = false
			p.tale.alive++
			t.introduce(p, e)
		}
		if p.gone {
			return nil
		}
		return p
	}
	begins := e.name() == "CHANNEL_CREATE"
	if id == "" || t.ended.has(id, begins, e.sequence()) {
		return nil
	}
	p := &part{id: id, late: !begins}
	t.introduce(p, e)
	t.place(p, t.relative(p, e))
	return t.parts[id]
}

// introduce puts what an event says about its channel into a part of a call.
func (t *tales) introduce(p *part, e event) {
	p.name, p.outbound, p.half = e.text("Channel-Name"), e.outbound(), e.otherHalf()
	p.caller, p.callerName = number(e.text("Caller-Caller-ID-Number")), e.text("Caller-Caller-ID-Name")
	p.called = e.text("Caller-Destination-Number")
	p.number = t.numbers.of(e)
	p.endpoint = deviceOf(e)
	p.trunk = p.outbound && e.variable("sip_gateway_name") != ""
	p.start = first(e.time("Caller-Channel-Created-Time"), e.when())
	p.up = e.time("Caller-Channel-Answered-Time")
	p.idle, p.round = p.start, t.round
}

// deviceOf is the device or trunk that a channel belongs to, as in an Offer.
func deviceOf(e event) string {
	if e.outbound() {
		return kept(cmp.Or(e.variable("dialed_user"), e.variable("sip_gateway_name"), e.variable("sofia_profile_name")))
	}
	return kept(endpoint(e.fields))
}

// relative finds the channel to whose call an event's channel belongs; nil if it begins a call. One of which
// nobody has heard but by this event is noted as hearsay.
func (t *tales) relative(p *part, e event) *part {
	other := e.channel("Other-Leg-Unique-ID")
	originator := ""
	if e.plain("Other-Type") == "originator" {
		originator = other
	}
	for _, id := range []string{e.agentOf(), e.channel("Channel-Call-UUID"), originator, e.channel("variable_originating_leg_uuid"), p.half} {
		if o := t.parts[id]; o != nil && id != p.id {
			if p.outbound && id != p.half {
				p.parent = o
			}
			return o
		}
	}
	if e.agentOf() != "" || e.channel("Channel-Call-UUID") != p.id {
		p.late = true // there is more to the call than anybody has heard of
	}
	if originator == "" || originator == p.id {
		return nil
	}
	o := t.hearsay(e)
	if o == nil {
		return nil
	}
	t.place(o, nil)
	if p.outbound {
		p.parent = o
	}
	return o
}

// hearsay makes a channel of what an event about another one says of it.
func (t *tales) hearsay(e event) *part {
	id := e.channel("Other-Leg-Unique-ID")
	if id == "" || t.parts[id] != nil || t.ended.has(id, false, 0) {
		return nil
	}
	p := &part{
		id: id, hearsay: true, late: true, name: e.text("Other-Leg-Channel-Name"), outbound: e.plain("Other-Leg-Direction") == "outbound",
		caller: number(e.text("Other-Leg-Caller-ID-Number")), callerName: e.text("Other-Leg-Caller-ID-Name"),
		called: e.text("Other-Leg-Destination-Number"), up: e.time("Other-Leg-Channel-Answered-Time"),
		start: first(e.time("Other-Leg-Channel-Created-Time"), e.when()), round: t.round,
	}
	if p.outbound {
		p.number = t.numbers.own(t.numbers.placed(p.name))
	}
	p.idle = p.start
	return p
}

// place puts a channel into the call of another one, or into one of its own.
func (t *tales) place(p, with *part) {
	var c *tale
	if with != nil && !with.tale.finished {
		c = with.tale
	} else {
		c = t.newTale()
	}
	if len(c.parts) >= maxParts && !t.forgetOne(c) {
		t.dropped++
		return
	}
	p.tale = c
	c.parts = append(c.parts, p)
	t.parts[p.id] = p
	if !p.hearsay {
		c.alive++
	}
}

// newTale opens a call. The oldest makes room if there are too many.
func (t *tales) newTale() *tale {
	for t.open.Len() >= maxTales {
		t.dropped++
		t.finish(t.open.Front().Value.(*tale), false)
	}
	c := &tale{}
	c.place = t.open.PushBack(c)
	return c
}

// forgetOne forgets the first channel of a call that is gone, but not the call's own first one.
func (t *tales) forgetOne(c *tale) bool {
	for i, p := range c.parts {
		if i > 0 && p.gone {
			t.forget(p)
			c.parts = append(c.parts[:i], c.parts[i+1:]...)
			return true
		}
	}
	return false
}

func (t *tales) forget(p *part) {
	for _, id := range []string{p.id, p.renamed} {
		if id != "" && t.parts[id] == p {
			delete(t.parts, id)
			t.ended.add(id, p.sequence)
		}
	}
}

// join makes one call of two; the older one's beginning is the call's.
func (t *tales) join(a, b *tale) {
	if a == b || len(a.parts)+len(b.parts) > maxParts {
		return
	}
	if b.before(a) {
		a, b = b, a
	}
	t.open.Remove(b.place)
	a.take(b)
	b.merged = true
}

// end ends a channel.
func (t *tales) end(p *part, at time.Time) {
	p.gone, p.end = true, at
	c := p.tale
	if n := len(p.bridges); n > 0 && at.After(p.bridges[n-1].with.idle) {
		p.bridges[n-1].with.idle = at // the partner goes on from here
	}
	c.settle(p, at)
	if at.After(c.end) {
		c.end = at
	}
	if p.hearsay {
		return
	}
	if c.alive--; c.alive == 0 {
		c.due = time.Now().Add(lateEvents)
		t.ending = append(t.ending, endingTale{c, c.due})
		t.nudge()
	}
}

func (t *tales) nudge() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// finish takes a call out, to be handed over or to be forgotten.
func (t *tales) finish(c *tale, tell bool) {
	t.open.Remove(c.place)
	for _, p := range c.parts {
		t.forget(p)
	}
	c.finished = true
	if !tell {
		return
	}
	if len(t.over) >= maxTales {
		t.dropped++
		t.over = t.over[1:]
	}
	t.over = append(t.over, c)
	t.nudge()
}

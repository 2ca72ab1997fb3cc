package esl

import (
	"cmp"
)

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
	// FreeSWITCH may tell of a loopback's second half first.
	if half := t.parts[p.half]; half != nil && p.tale != nil {
		t.join(half.tale, p.tale)
	}
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

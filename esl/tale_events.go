package esl

import (
	"time"
)

// How somebody hands a call over, as the cause with which their channel ends or as its endpoint_disposition.
const (
	blindTransfer    = "BLIND_TRANSFER"
	attendedTransfer = "ATTENDED_TRANSFER"
)

func (t *tales) answered(e event) {
	if p := t.part(e); p != nil {
		p.up = first(e.time("Caller-Channel-Answered-Time"), p.up, e.when())
	}
}

// bridge notes that two channels talk: those of two calls make one of them.
func (t *tales) bridge(e event) {
	p := t.part(e)
	if p == nil {
		return
	}
	other := e.channel("Bridge-B-Unique-ID")
	if other == "" || other == e.id() {
		other = e.channel("Bridge-A-Unique-ID")
	}
	if other == "" || other == e.id() {
		other = e.channel("Other-Leg-Unique-ID")
	}
	if other == e.channel("Other-Leg-Unique-ID") {
		t.otherOf(p, e)
	}
	o := t.parts[other]
	if o == nil || o.gone || o == p {
		return
	}
	at := e.when()
	if o.hearsay && o.up.IsZero() {
		o.up = at
	}
	t.join(p.tale, o.tale)
	p.talks(o, at)
	o.talks(p, at)
	p.tale.talk(at)
}

// otherOf makes the other channel that an event mentions known, if nobody has heard of it.
func (t *tales) otherOf(p *part, e event) {
	o := t.hearsay(e)
	if o == nil {
		return
	}
	if e.plain("Other-Type") == "originatee" {
		o.parent = p
	}
	t.place(o, p)
}

// rename gives a channel another id; the call keeps the first, under which it was asked about.
func (t *tales) rename(e event) {
	p, id := t.parts[e.channel("Old-Unique-ID")], e.id()
	if p == nil || p.gone || id == "" || t.parts[id] != nil || t.ended.has(id, true, e.sequence()) {
		return
	}
	if p.renamed != "" {
		delete(t.parts, p.renamed)
		t.ended.add(p.renamed, e.sequence())
	}
	p.renamed = id
	t.parts[id] = p
}

func (t *tales) hungUp(e event) {
	p := t.part(e)
	if p == nil {
		return
	}
	at := first(e.time("Caller-Channel-Hangup-Time"), e.when())
	p.cause, p.sequence = e.plain("Hangup-Cause"), e.sequence()
	p.up = e.time("Caller-Channel-Answered-Time")
	p.led = e.text("Caller-Destination-Number")
	for _, how := range []string{p.cause, e.variable("endpoint_disposition")} {
		if p.handed == "" && (how == blindTransfer || how == attendedTransfer) {
			p.handed = how
		}
	}
	for _, h := range elements(e.variable("transfer_history")) {
		if len(p.history) < maxHistory {
			p.history = append(p.history, kept(h))
		}
	}
	if e.plain("Other-Type") == "originatee" {
		t.otherOf(p, e)
	}
	p.parts(e, at)
	t.end(p, at)
}

// parts ends those whom a channel called and of whom only it tells.
func (p *part) parts(e event, at time.Time) {
	for _, o := range p.tale.parts {
		if o.parent == p && o.hearsay && !o.gone {
			o.gone, o.end = true, at
			o.cause = e.variable("bridge_hangup_cause")
			if o.cause == "" {
				o.cause = e.variable("last_bridge_hangup_cause")
			}
		}
	}
}

// recorded notes the file that a channel's call is recorded to. The first one counts.
func (t *tales) recorded(e event) {
	p := t.part(e)
	if p != nil && p.tale.recording == "" {
		p.tale.recording = e.text("Record-File-Path")
	}
}

package esl

import (
	"cmp"
	"sync"
	"time"
)

// maxChannels bounds the picture: no FreeSWITCH has as many.
const maxChannels = 50_000

// presence is the live picture of FreeSWITCH's channels and registrations, from which extensions are reported.
//
// Events come in the order of the wire, which need not be that in which things happened: FreeSWITCH hands
// them on by several threads when it is busy. So the number of an event counts, not its place.
type presence struct {
	numbers numbering
	mouth   mouth

	mu    sync.Mutex
	all   map[string]*liveChannel
	on    map[string]map[*liveChannel]struct{} // by extension
	ended recent
	regs  registrations
	// strangers are numbers of which nothing was reported, because they were no extensions of ours then.
	strangers map[string]struct{}
	// round counts the looks at all channels: what is older than a look and not in it may be gone.
	round uint64
}

// liveChannel is what is known of one channel.
type liveChannel struct {
	id string
	// number is the extension that the channel belongs to; empty if it is none's.
	number string
	// call is the id of the call that the channel began in. What is reported must go on to name it, although
	// FreeSWITCH gives another one to calls that are joined.
	call string
	// half is the other half of a loopback.
	half         string
	outbound     bool
	up, held     bool
	since        time.Time
	holdSequence uint64
	round        uint64
}

func newPresence(numbers numbering, lines listener) *presence {
	p := &presence{numbers: numbers, mouth: mouth{lines: lines}, regs: newRegistrations(), strangers: map[string]struct{}{}}
	p.reset()
	return p
}

// reset forgets all channels. Mutex held.
func (p *presence) reset() {
	p.all = map[string]*liveChannel{}
	p.on = map[string]map[*liveChannel]struct{}{}
	p.ended = newRecent()
}

// events are the least that tells who is busy. Of a channel that had a beginning CHANNEL_HANGUP comes always,
// at once, and CHANNEL_HANGUP_COMPLETE when its application and its hooks are done.
func (p *presence) events() []string {
	return []string{
		"CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_HOLD", "CHANNEL_UNHOLD", "CHANNEL_UUID", "CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE",
		customEvents, sofiaRegister, sofiaUnregister, sofiaExpire,
	}
}

// digest takes an event.
func (p *presence) digest(e event) {
	defer p.mouth.tell()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.name() {
	case "CHANNEL_CREATE", "CHANNEL_ORIGINATE", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_BRIDGE":
		p.take(e, func(*liveChannel) {})
	case "CHANNEL_ANSWER":
		p.answered(e)
	case "CHANNEL_HOLD", "CHANNEL_UNHOLD":
		p.take(e, func(c *liveChannel) {
			if n := e.sequence(); n >= c.holdSequence {
				c.held, c.holdSequence = e.name() == "CHANNEL_HOLD", n
			}
		})
	case "CHANNEL_UUID":
		p.rename(e)
	case "CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY":
		p.end(e)
	case sofiaRegister, sofiaUnregister, sofiaExpire:
		p.registered(e)
	}
}

// take finds the channel of an event or makes it known, and reports what the event changes.
func (p *presence) take(e event, edit func(*liveChannel)) *liveChannel {
	id := e.id()
	c := p.all[id]
	if c == nil {
		if c = p.begin(e, id); c == nil {
			return nil
		}
		edit(c)
		p.report(c.number, e.when())
		return c
	}
	before, number := *c, c.number
	if number == "" {
		p.assign(c, p.numbers.likely(e))
	}
	c.up = c.up || e.plain("Answer-State") == "answered"
	edit(c)
	if c.number != number || c.up != before.up || c.held != before.held {
		p.report(c.number, e.when())
	}
	return c
}

// begin makes the channel of an event known, unless it has ended.
func (p *presence) begin(e event, id string) *liveChannel {
	if id == "" || e.dead() || len(p.all) >= maxChannels || p.ended.has(id, e.name() == "CHANNEL_CREATE", e.sequence()) {
		return nil
	}
	c := &liveChannel{
		id: id, half: e.otherHalf(), outbound: e.outbound(), up: e.plain("Answer-State") == "answered", round: p.round,
		since: first(e.time("Caller-Channel-Created-Time"), e.when()),
	}
	c.call = p.callOf(c, cmp.Or(e.agentOf(), e.channel("Channel-Call-UUID"), id))
	p.all[id] = c
	p.assign(c, p.numbers.likely(e))
	return c
}

// callOf is the call that a channel begins in, if FreeSWITCH gives it that id. A loopback's second half is a
// call of its own for FreeSWITCH, but leads on the call for which its first half was made. Who was called and
// then was sent into the dialplan is a caller of their own, and asks under their own id.
func (p *presence) callOf(c *liveChannel, id string) string {
	if parent := p.all[id]; parent != nil && id != c.id {
		if parent.outbound && parent.half == "" {
			return id
		}
		return parent.call
	}
	if half := p.all[c.half]; id == c.id && !c.outbound && half != nil && half.call != half.id {
		return half.call
	}
	return id
}

// assign notes which extension a channel belongs to.
func (p *presence) assign(c *liveChannel, number string) {
	if c.number = number; number == "" {
		return
	}
	if p.on[number] == nil {
		p.on[number] = map[*liveChannel]struct{}{}
	}
	p.on[number][c] = struct{}{}
}

func (p *presence) answered(e event) {
	known := p.all[e.id()]
	was := known != nil && known.up
	c := p.take(e, func(c *liveChannel) { c.up = true })
	if c == nil || was || !c.outbound || c.number == "" {
		return
	}
	call, number := c.call, c.number
	if !p.numbers.ours(number) {
		return
	}
	p.mouth.say(func(l listener) { l.Answered(call, number) })
}

// rename gives a channel another id. The call keeps the one under which it was asked about.
func (p *presence) rename(e event) {
	id, old := e.id(), e.channel("Old-Unique-ID")
	c := p.all[old]
	if c == nil || id == "" || p.all[id] != nil || p.ended.has(id, true, e.sequence()) {
		return
	}
	delete(p.all, old)
	p.ended.add(old, e.sequence())
	c.id = id
	p.all[id] = c
}

func (p *presence) end(e event) {
	id := e.id()
	if id == "" {
		return
	}
	p.ended.add(id, e.sequence())
	p.remove(p.all[id], e.when())
}

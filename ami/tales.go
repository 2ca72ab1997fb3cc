package ami

import (
	"container/list"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside/internal/condition"
)

// Bounds of what is kept of calls in progress.
const (
	maxTales = 20_000
	maxParts = 200 // of a call
	maxLegs  = 200 // attempts, stays and rows each
	// lateRows is how long a call whose channels are all gone is kept: the last Cdr and CEL events come up
	// to 2 ms before or after its last Hangup (recorded), and later on a busy machine.
	lateRows = 2 * time.Second
	// handOver bounds how long Stop waits for the calls that are over to be taken.
	handOver = 5 * time.Second
)

// tales are the calls in progress as Asterisk tells of them: everything that happens to the channels of one
// linked id, or of several that were joined. A call is over when all its channels are; a moment later it
// is handed over as one record. LINKEDID_END tells nothing more: it also comes for a call that was joined
// to another, and before the last rows of Cdr.
//
// Only Newchannel, CEL's CHAN_START and a list of the channels make a call known. Events about channels
// that are not known change nothing (A7).
type tales struct {
	number func(device string) string
	wake   chan struct{}

	mu    sync.Mutex
	parts map[string]*part // channels by Uniqueid
	calls map[string]*tale // by Linkedid
	// bridges are who is in a bridge of two or more who talk. Conferences, parking and holding are not
	// among them: who is in there keeps a call of their own.
	bridges map[string][]*part
	open    list.List    // of *tale, the oldest first
	ending  []endingTale // without a channel, in the order in which they will be handed over
	over    []*tale      // to be handed over

	// round counts lists of channels: what was there before a list and is not in it is gone.
	round    uint64
	lostAt   time.Time
	dropped  uint64
	outcomes condition.Outcomes
}

func newTales(number func(device string) string) *tales {
	return &tales{
		number: number, wake: make(chan struct{}, 1),
		parts: map[string]*part{}, calls: map[string]*tale{}, bridges: map[string][]*part{},
	}
}

// endingTale is a call that has no channel any more, unless something has become of it since.
type endingTale struct {
	*tale
	due time.Time
}

func (e endingTale) stale() bool {
	return e.merged || e.finished || e.alive > 0 || !e.tale.due.Equal(e.due)
}

// note is an event: at is when it happened, now when it came.
type note struct {
	Message
	at, now time.Time
}

// event takes an event, on the goroutine that reads. Most events are none of ours, which costs a comparison
// or two.
func (t *tales) event(name []byte, m Message, now time.Time) {
	var take func(*tales, note)
	switch string(name) {
	case "Newchannel":
		take = (*tales).newChannel
	case "Newstate":
		take = (*tales).newState
	case "Hangup":
		take = (*tales).hangup
	case "Rename":
		take = (*tales).rename
	case "DialBegin":
		take = (*tales).dialBegin
	case "DialEnd":
		take = (*tales).dialEnd
	case "BridgeEnter":
		take = (*tales).bridgeEnter
	case "BridgeLeave":
		take = (*tales).bridgeLeave
	case "BlindTransfer":
		take = (*tales).blindTransfer
	case "AttendedTransfer":
		take = (*tales).attendedTransfer
	case "ParkedCall":
		take = (*tales).parked
	case "UnParkedCall":
		take = (*tales).unparked
	case "ParkedCallTimeOut":
		take = (*tales).parkTimeout
	case "ParkedCallGiveUp":
		take = (*tales).parkGivenUp
	case "QueueCallerJoin":
		take = (*tales).queueJoin
	case "QueueCallerLeave":
		take = (*tales).queueLeave
	case "QueueCallerAbandon":
		take = (*tales).queueAbandon
	case "AgentConnect":
		take = (*tales).agentConnect
	case "ConfbridgeJoin":
		take = (*tales).conferenceJoin
	case "ConfbridgeLeave":
		take = (*tales).conferenceLeave
	case "VarSet":
		if !same(m.find("Variable"), "MIXMONITOR_FILENAME") {
			return
		}
		take = (*tales).recordingSet
	case "UserEvent":
		if !same(m.find("UserEvent"), "CRMCallData") {
			return
		}
		take = (*tales).crmData
	case "CEL":
		switch string(m.find("EventName")) {
		case "CHAN_START":
			take = (*tales).newChannel
		case "APP_START":
			take = (*tales).appStart
		case "APP_END":
			take = (*tales).appEnd
		default:
			return
		}
	case "Cdr":
		take = (*tales).cdr
	default:
		return
	}
	n := note{m, occurred(m, now), now}
	t.mu.Lock()
	defer t.mu.Unlock()
	take(t, n)
}

// known gives the channel that an event is about; nil if nothing is known of it. kind is what the event
// puts before the names of the headers about it. The call learns on the way if Asterisk has joined it to
// another.
func (t *tales) known(n note, kind string) *part {
	p := t.parts[string(n.find(kind+"Uniqueid"))]
	if p == nil {
		return nil
	}
	t.link(p.tale, n.text(kind+"Linkedid"))
	return p
}

// text is a header's value as it is kept.
func (n note) text(header string) string { return kept(n.find(header)) }

// newTale opens a call. The oldest makes room if there are too many.
func (t *tales) newTale(id string) *tale {
	for t.open.Len() >= maxTales {
		t.dropped++
		t.finish(t.open.Front().Value.(*tale))
	}
	c := &tale{ids: []string{id}}
	c.place = t.open.PushBack(c)
	t.calls[id] = c
	return c
}

// add makes a channel known as part of a call. One that is gone makes room if there are too many; nil if
// none is.
func (t *tales) add(c *tale, id, name string, at time.Time) *part {
	if len(c.parts) >= maxParts && !t.forgetOne(c) {
		t.dropped++
		return nil
	}
	p := &part{tale: c, id: id, name: name, firstName: name, start: at, noise: isNoise(name), seen: t.round}
	c.parts = append(c.parts, p)
	t.parts[id] = p
	if !p.noise {
		c.alive++
	}
	return p
}

// forgetOne forgets the first channel of a call that is gone, but not the call's own first one.
func (t *tales) forgetOne(c *tale) bool {
	for i, p := range c.parts {
		if i > 0 && p.gone {
			delete(t.parts, p.id)
			c.parts = append(c.parts[:i], c.parts[i+1:]...)
			return true
		}
	}
	return false
}

// link notes a linked id of a call: Asterisk has joined the call to another, if it is another's.
func (t *tales) link(c *tale, id string) {
	if id == "" {
		return
	}
	if other := t.calls[id]; other != nil {
		t.join(c, other)
		return
	}
	if len(c.ids) < maxParts {
		c.ids = append(c.ids, id)
		t.calls[id] = c
	}
}

// join makes one call of two; the older one's beginning is the call's.
func (t *tales) join(a, b *tale) {
	if a == b || len(a.parts)+len(b.parts) > maxParts || len(a.ids)+len(b.ids) > maxParts {
		return
	}
	if b.before(a) {
		a, b = b, a
	}
	t.open.Remove(b.place)
	for _, id := range b.ids {
		t.calls[id] = a
	}
	for _, p := range b.parts {
		p.tale = a
	}
	a.take(b)
	b.merged = true
}

// gone ends a channel.
func (t *tales) gone(p *part, at, now time.Time) {
	if p.gone {
		return
	}
	t.leave(p, at)
	p.gone, p.end = true, at
	c := p.tale
	c.settle(p, at, true)
	if p.noise {
		return
	}
	if at.After(c.end) {
		c.end = at
	}
	if c.alive--; c.alive == 0 {
		t.end(c, now.Add(lateRows))
	}
}

// end lets a call that has no channel any more wait for late rows.
func (t *tales) end(c *tale, due time.Time) {
	c.due = due
	t.ending = append(t.ending, endingTale{c, due})
	t.nudge()
}

func (t *tales) nudge() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// finish takes a call out, to be handed over.
func (t *tales) finish(c *tale) {
	t.open.Remove(c.place)
	for _, id := range c.ids {
		delete(t.calls, id)
	}
	for _, p := range c.parts {
		delete(t.parts, p.id)
		t.leave(p, p.end)
	}
	c.finished = true
	if len(t.over) >= maxTales {
		t.dropped++
		t.over = t.over[1:]
	}
	t.over = append(t.over, c)
	t.nudge()
}

// leave takes a channel out of its bridge.
func (t *tales) leave(p *part, at time.Time) {
	if p.bridge == "" {
		return
	}
	others := t.bridges[p.bridge]
	for i, o := range others {
		if o == p {
			others = append(others[:i], others[i+1:]...)
			break
		}
	}
	if len(others) == 0 {
		delete(t.bridges, p.bridge)
	} else {
		t.bridges[p.bridge] = others
	}
	p.bridge, p.left = "", at
}

package esl

import (
	"cmp"
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// remove takes a channel out of the picture.
func (p *presence) remove(c *liveChannel, at time.Time) {
	if c == nil {
		return
	}
	delete(p.all, c.id)
	delete(p.on[c.number], c)
	if len(p.on[c.number]) == 0 {
		delete(p.on, c.number)
	}
	p.report(c.number, at)
}

// report says all that is known about an extension.
func (p *presence) report(number string, at time.Time) {
	if number == "" {
		return
	}
	if !p.numbers.ours(number) {
		if len(p.strangers) < maxRegistrations {
			p.strangers[number] = struct{}{}
		}
		return
	}
	delete(p.strangers, number)
	r := ringside.LineReport{Number: number, At: at}
	ringing, talking, held := 0, 0, 0
	for c := range p.on[number] {
		switch {
		case c.up && c.held:
			held++
		case c.up || !c.outbound:
			talking++
		default:
			ringing++
		}
		r.Calls = append(r.Calls, ringside.LineCall{CallID: c.call, Talking: c.up, Since: c.since})
	}
	slices.SortFunc(r.Calls, func(a, b ringside.LineCall) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.CallID, b.CallID))
	})
	switch {
	case ringing > 0 && talking+held > 0:
		r.State = ringside.DeviceRingInUse
	case ringing > 0:
		r.State = ringside.DeviceRinging
	case talking > 0:
		r.State = ringside.DeviceInUse
	case held > 0:
		r.State = ringside.DeviceOnHold
	default:
		r.State = p.regs.state(number)
	}
	p.mouth.say(func(l listener) { l.Report(r) })
}

// greet reports strangers who have become extensions of ours: the directory is another one now.
func (p *presence) greet(at time.Time) {
	defer p.mouth.tell()
	p.mu.Lock()
	defer p.mu.Unlock()
	for number := range p.strangers {
		if len(p.on[number]) == 0 && p.regs.state(number) == ringside.DeviceUnknown {
			delete(p.strangers, number) // nothing is known of them
		} else if p.numbers.ours(number) {
			p.report(number, at)
		}
	}
}

// silence forgets everything: a new connection tells it again.
func (p *presence) silence() {
	defer p.mouth.tell()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reset()
	p.regs.forget()
	clear(p.strangers)
	p.mouth.say(func(l listener) { l.Silence() })
}

// counts gives how many channels there are, and how many of them are up.
func (p *presence) counts() (all, up int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.all {
		if c.up {
			up++
		}
	}
	return len(p.all), up
}

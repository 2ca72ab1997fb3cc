package esl

import (
	"time"
)

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

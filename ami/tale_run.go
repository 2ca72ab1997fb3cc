package ami

import (
	"context"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// run hands finished calls to witness, until ctx ends. Those that are over by then are still handed over,
// within some seconds.
func (t *tales) run(ctx context.Context, witness func(context.Context, ringside.Witnessed)) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := t.handOver(ctx, witness, false)
		timer.Reset(wait)
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
		c, wait := t.next(time.Now(), all)
		if c == nil || ctx.Err() != nil {
			return wait
		}
		w, ok := c.record(t.number)
		if !ok || strings.HasPrefix(w.CallID, spyID) {
			continue // listening in is no call
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
			t.finish(e.tale)
		}
	}
	if len(t.over) == 0 {
		return nil, time.Hour
	}
	c := t.over[0]
	t.over = t.over[1:]
	return c, 0
}

// lost notes that events are missed from now on.
func (t *tales) lost(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lostAt.IsZero() {
		t.lostAt = now
	}
}

// resync takes up the calls that are there on a new connection. Those that are not there any more have
// ended while nobody listened: nobody knows when or how, so they count until the connection was lost.
// Who may not ask for the channels starts anew after a gap. The same is done now and then on a connection
// that is up, in case an event about a channel's end was left out for a forged one.
func (t *tales) resync(ctx context.Context, s *Session) error {
	t.mu.Lock()
	t.round++
	t.mu.Unlock()
	var fresh []listed
	err := s.List(ctx, NewAction("CoreShowChannels"), func(m Message) {
		if l, ok := t.list(m, time.Now()); ok {
			fresh = append(fresh, l)
		}
	})
	if err != nil && (!refused(err) || !t.missed()) {
		return err
	}
	t.compared(fresh, time.Now())
	return err
}

// missed reports whether the connection was lost since the last list of channels.
func (t *tales) missed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.lostAt.IsZero()
}

// listed is a channel that was there before it was known.
type listed struct {
	part        *part
	application string
	bridge      string
	linked      string
}

// list takes an item of the channels' list.
func (t *tales) list(m Message, now time.Time) (listed, bool) {
	if !same(m.event(), "CoreShowChannel") || !m.whole() {
		return listed{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := note{m, now, now}
	up := channelState(m.find("ChannelState")) == ringside.ChannelUp
	if p := t.known(n, ""); p != nil && !p.gone {
		p.seen = t.round
		if a := p.tale.attemptAt(p); up && a != nil && a.result == "" {
			a.finish(ringside.DialAnswered, now)
		}
		return listed{}, false
	}
	n.at = now.Add(-min(max(0, clock(n.text("Duration"))), 366*24*time.Hour))
	t.newChannel(n)
	p := t.parts[string(m.find("Uniqueid"))]
	if p == nil || p.gone {
		return listed{}, false
	}
	if up {
		p.up = now
	}
	return listed{p, n.text("Application"), n.text("BridgeId"), n.text("Linkedid")}, true
}

// compared ends what was not in the list, and makes attempts of who was called before.
func (t *tales) compared(fresh []listed, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := now
	if !t.lostAt.IsZero() {
		at = t.lostAt
	}
	t.lostAt = time.Time{}
	for _, p := range t.parts {
		if !p.gone && p.seen < t.round {
			p.lost = true
			t.gone(p, at, now)
		}
	}
	for i, l := range fresh {
		p := l.part
		if p.gone {
			continue
		}
		if caller := t.parts[l.linked]; caller != p && (l.application == "AppDial" || l.application == "AppQueue") {
			a := &attempt{caller: caller, dest: p, name: p.name, start: p.start, answer: p.up}
			if !p.up.IsZero() {
				a.result = ringside.DialAnswered
			}
			if caller != nil && caller.tale == p.tale && p.tale.attemptAt(p) == nil {
				p.tale.tried(a)
			}
		}
		for _, o := range fresh[:i] {
			if l.bridge != "" && o.bridge == l.bridge && o.part.tale == p.tale && o.part.bridge == "" && !o.part.gone {
				t.enter(o.part, l.bridge, now)
			}
		}
		if l.bridge != "" && len(t.bridges[l.bridge]) > 0 && t.bridges[l.bridge][0].tale == p.tale && p.bridge == "" {
			t.enter(p, l.bridge, now)
		}
	}
}

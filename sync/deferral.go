package sync

import (
	"time"

	"github.com/ringside-pbx/ringside/internal/backoff"
)

// maxDeferred is how many items may wait for their next attempt while others go on.
const maxDeferred = 5000

// deferral is an item that is sent again later.
type deferral struct {
	until time.Time
	pause backoff.Backoff
}

// longRest is how long a delivery rests when nothing is due; a token of the outbox ends it.
const longRest = time.Hour

// nextDue is how long until a deferred item is due. If one is due now, the outbox is read from its
// beginning. One that was due when that was done last is there no more: a later revision has taken its
// place.
func (d *delivery) nextDue() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, next := d.link.opt.Now(), longRest
	for seq, w := range d.deferred {
		if !w.until.After(d.begun) {
			delete(d.deferred, seq)
			continue
		}
		next = min(next, w.until.Sub(now))
	}
	if next <= 0 {
		d.after, d.begun, next = 0, now, time.Millisecond
	}
	return next
}

// The waits of items that are sent again later: the first if the CRM has asked for it, the first if it
// has only failed, and the longest.
const (
	firstLater   = 5 * time.Second
	firstSuspect = time.Second
	lastLater    = 5 * time.Minute
)

// putOff remembers when items are to be sent again.
func (d *delivery) putOff(o outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range o.settled {
		delete(d.deferred, s.Seq)
	}
	for _, it := range o.later {
		d.later(it.parcel.Seq, firstLater)
	}
}

// suspect puts an item off that has failed by itself twice in a row: those behind it must not wait for
// it. Once may be chance.
func (d *delivery) suspect(it item) {
	d.mu.Lock()
	defer d.mu.Unlock()
	seq := it.parcel.Seq
	if d.alone == seq || d.deferred[seq] != nil {
		d.later(seq, firstSuspect)
	}
	d.alone = seq
}

// allDue lets everything that was put off be sent again at once.
func (d *delivery) allDue() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.allDueLocked()
}

func (d *delivery) allDueLocked() {
	d.begun = time.Time{} // none of them has been looked for since
	for _, w := range d.deferred {
		w.until = d.link.opt.Now()
	}
}

// later puts an item off, longer each time. Mutex held.
func (d *delivery) later(seq uint64, first time.Duration) {
	now, w := d.link.opt.Now(), d.deferred[seq]
	if w == nil {
		if len(d.deferred) >= maxDeferred {
			d.forgetDue(now)
		}
		w = &deferral{pause: backoff.Backoff{First: first, Last: lastLater}}
		d.deferred[seq] = w
	}
	w.until = now.Add(w.pause.Next(0))
}

// forgetDue makes room: items that are forgotten are merely sent again sooner. Mutex held.
func (d *delivery) forgetDue(now time.Time) {
	for seq, w := range d.deferred {
		if !w.until.After(now) || len(d.deferred) >= maxDeferred {
			delete(d.deferred, seq)
		}
	}
}

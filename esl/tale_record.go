package esl

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/span"
)

// teller makes the record of a call that is over.
type teller struct {
	*tale
	numbers numbering
	legs    []draft
	picked  bool // somebody has picked the call up
}

// draft is a leg and what it was made of.
type draft struct {
	ringside.Leg
	own string // the id of the leg's channel
}

// record makes the record of a call that is over; false if nobody knows enough of it.
func (c *tale) record(numbers numbering) (ringside.Witnessed, bool) {
	root := c.root()
	if root == nil || root.hearsay || root.lost || root.late && root.outbound {
		return ringside.Witnessed{}, false
	}
	t := &teller{tale: c, numbers: numbers}
	if t.origin(root) && slices.ContainsFunc(c.stays, func(s *stay) bool { return s.part == root && s.target == "eavesdrop" }) {
		return ringside.Witnessed{}, false // listening in is no call
	}
	w := ringside.Witnessed{
		PBX: "freeswitch", CallID: t.asked().id, Start: root.start, End: c.end, Cause: causeOf(root.cause), Recording: c.recording,
	}
	if w.End.Before(w.Start) {
		w.End = w.Start
	}
	t.parties(&w)
	t.attemptLegs()
	t.tryLegs()
	t.stayLegs()
	t.transferLegs()
	t.otherLegs()
	for i := range t.legs {
		t.legs[i].within(w.Start, w.End)
	}
	t.keys()
	slices.SortStableFunc(t.legs, func(a, b draft) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.PBXKey, b.PBXKey))
	})
	if w.Answer = t.answer(); !w.Answer.IsZero() {
		w.Answer = span.Within(w.Answer, w.Start, w.End)
	}
	w.Status = t.status(&w)
	w.Outside = slices.ContainsFunc(c.parts, t.outside) || slices.ContainsFunc(c.tries, t.triedOutside)
	for _, d := range t.legs {
		if len(w.Legs) < maxLegs {
			w.Legs = append(w.Legs, d.Leg)
		}
	}
	return w, true
}

// asked is the channel whose id the call has, as in an Offer: that of the caller. Of a loopback that FreeSWITCH
// was told to call it is the half that the dialplan serves.
func (t *teller) asked() *part {
	root := t.root()
	if half := t.named(root.half); half != nil && t.origin(root) && loopback(root.name) {
		return half
	}
	return root
}

// origin reports whether FreeSWITCH was told to make a channel, for nobody.
func (t *teller) origin(p *part) bool { return p.outbound && p.parent == nil }

// parties are who called whom. Of a call that FreeSWITCH was told to make, the caller is who was called first,
// and the called number is where they were led to.
func (t *teller) parties(w *ringside.Witnessed) {
	p := t.asked()
	w.Channel, w.Endpoint, w.Caller, w.CallerName, w.Called = p.id, p.endpoint, p.caller, p.callerName, p.called
	if !t.origin(p) {
		return
	}
	w.Caller, w.CallerName = t.target(p), ""
	w.Endpoint, w.Called = cmp.Or(p.number, p.endpoint), p.led
	if p.led == w.Caller {
		w.Called = ""
	}
	for _, o := range t.parts {
		if o.parent == p && !loopback(o.name) {
			w.Called = t.target(o)
			return
		}
	}
}

// target is whom a channel was made to reach.
func (t *teller) target(p *part) string { return cmp.Or(p.number, p.called, p.name) }

// who is a channel's extension or number.
func (t *teller) who(p *part) string {
	if p == nil {
		return ""
	}
	if p.outbound {
		return t.target(p)
	}
	return cmp.Or(p.number, p.caller, p.name)
}

// keys gives each leg FreeSWITCH's key: the channel, and a number of its own.
func (t *teller) keys() {
	counts := map[string]int{}
	for i := range t.legs {
		d := &t.legs[i]
		key := d.own + "/" + d.Kind
		counts[key]++
		d.PBXKey = key + strconv.Itoa(counts[key])
	}
}

// within moves a leg's times into the call's.
func (d *draft) within(begin, end time.Time) {
	d.Start = span.Within(d.Start, begin, end)
	if d.End.IsZero() {
		d.End = end
	}
	span.Settle(&d.Leg, end)
}

// outside reports whether a channel led to the outer world: to no extension, or to one by way of a gateway.
func (t *teller) outside(p *part) bool {
	return p.outbound && (p.number == "" || p.trunk) && !loopback(p.name) && !t.origin(p)
}

package esl

import (
	"slices"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// aMoment is how far apart the events of one transfer are at most.
const aMoment = 2 * time.Second

// transferLegs make legs of transfers, by the channel of who handed over.
func (t *teller) transferLegs() {
	var consulted []*part
	for _, p := range t.parts {
		switch {
		case p.handed == attendedTransfer:
			consulted = append(consulted, p)
		case p.handed == blindTransfer, len(p.bridges) > 0:
			t.transferLeg(p, t.blindly(p))
		}
	}
	// Who consults before handing over has two channels, which both end so: the first is the call's.
	slices.SortStableFunc(consulted, func(a, b *part) int { return a.start.Compare(b.start) })
	var last time.Time
	for _, p := range consulted {
		if !last.IsZero() && p.end.Sub(last).Abs() < aMoment {
			continue
		}
		last = p.end
		t.transferLeg(p, t.attendedly(p))
	}
}

func (t *teller) transferLeg(p *part, to string) {
	if to == "" {
		return
	}
	t.legs = append(t.legs, draft{own: p.id, Leg: ringside.Leg{
		Kind: ringside.LegTransfer, Targets: []string{to}, Start: p.end, End: p.end, Result: ringside.StayDone, Cause: causeOf(p.cause),
	}})
}

// partner is whom a channel talked to last before it handed over.
func (p *part) partner() *part {
	for _, b := range slices.Backward(p.bridges) {
		if !b.at.After(p.end) {
			return b.with
		}
	}
	return p.parent
}

// blindly is where the partner of a channel was sent when that one left: the latest transfer in the partner's
// history by then, such as 1795399257:8ebab884-…:bl_xfer:7001/default/XML. What the dialplan did by itself,
// after the talk, is none.
func (t *teller) blindly(p *part) (to string) {
	partner := p.partner()
	if partner == nil {
		return ""
	}
	var began time.Time
	if n := len(p.bridges); n > 0 {
		began = p.bridges[n-1].at
	}
	for _, h := range partner.history {
		words := strings.SplitN(h, ":", 4)
		if len(words) != 4 || words[2] != "bl_xfer" {
			continue
		}
		at := epoch(words[0])
		if p.handed == "" && !at.After(began) {
			continue // it led to the talk
		}
		if at.IsZero() || at.Sub(p.end).Abs() > aMoment || slices.ContainsFunc(partner.sent, func(s time.Time) bool { return s.Sub(at).Abs() < aMoment }) {
			continue
		}
		if !strings.HasSuffix(words[3], "/inline") { // which is a list of applications
			to, _, _ = strings.Cut(words[3], "/")
		}
	}
	if to == "" && p.handed != "" {
		return t.calledBy(partner, p.end)
	}
	return to
}

// attendedly is whom the partner of who handed over talked to next.
func (t *teller) attendedly(p *part) string {
	partner := p.partner()
	if partner == nil {
		return ""
	}
	for _, b := range partner.bridges {
		if b.with != p && !b.at.Before(p.end.Add(-aMoment)) {
			return t.who(b.with)
		}
	}
	return ""
}

// calledBy is whom a channel called first from a time on.
func (t *teller) calledBy(p *part, from time.Time) string {
	for _, o := range t.parts {
		if o.parent == p && !o.start.Before(from.Add(-aMoment)) && o.start.After(from) {
			return t.target(o)
		}
	}
	return ""
}

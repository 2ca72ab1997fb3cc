package esl

import (
	"cmp"
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// attemptLegs make legs of the channels that were made to reach somebody. Those that FreeSWITCH was told to
// make are the caller: one who did not answer is all there is to tell.
func (t *teller) attemptLegs() {
	for _, p := range t.parts {
		if !p.outbound || t.origin(p) && (!p.up.IsZero() || loopback(p.name)) || t.leadsOn(p) {
			continue
		}
		result := p.result()
		d := draft{own: p.id, Leg: ringside.Leg{
			Kind: ringside.LegDial, Targets: []string{t.target(p)}, Start: p.start, Answer: p.up, End: p.end,
			Result: string(result), Cause: causeOf(p.cause),
		}}
		switch picker := t.picker(p); {
		case picker != nil:
			d.Answered, d.Answer, d.End = t.who(picker.with), picker.at, picker.with.end
			d.Result, result = string(ringside.DialAnswered), ringside.DialAnswered
		case result == ringside.DialAnswered && t.machine(p):
			d.Kind, d.Answer, d.Result = ringside.LegApplication, time.Time{}, ringside.StayDone
		case result == ringside.DialAnswered:
			d.Answered = d.Targets[0]
		}
		if d.Kind == ringside.LegDial && result != "" {
			d.Parties = []ringside.Party{{Number: cmp.Or(d.Answered, d.Targets[0]), State: string(result), Cause: d.Cause}}
		}
		t.legs = append(t.legs, d)
	}
}

// picker is the talk with whoever has picked a ringing phone's call up; nil if nobody has.
func (t *teller) picker(p *part) *bridged {
	if p.cause != "PICKED_OFF" || !p.up.IsZero() || p.parent == nil || t.picked {
		return nil // of several phones that rang, the first stands for all
	}
	for i, b := range p.parent.bridges {
		if !b.with.outbound && b.at.Sub(p.end).Abs() < aMoment {
			t.picked = true
			return &p.parent.bridges[i]
		}
	}
	return nil
}

// leadsOn reports whether something became of a loopback's other half, which tells more.
func (t *teller) leadsOn(p *part) bool {
	half := t.halfOf(p)
	return half != nil && (t.children(half, time.Time{}) ||
		slices.ContainsFunc(t.tries, func(s *try) bool { return s.part == half }) ||
		slices.ContainsFunc(t.stays, func(s *stay) bool { return s.part == half && t.tells(s) }))
}

// machine reports whether an application of the dialplan answered, behind a loopback.
func (t *teller) machine(p *part) bool { return t.halfOf(p) != nil }

// halfOf is the second half of a loopback; nil if the channel is none, or the half is not known.
func (t *teller) halfOf(p *part) *part {
	if !loopback(p.name) {
		return nil
	}
	if half := t.named(p.half); half != nil {
		return half
	}
	for _, o := range t.parts {
		if o.half == p.id {
			return o
		}
	}
	return nil
}

// tryLegs make legs of attempts that came to no channel.
func (t *teller) tryLegs() {
	for _, s := range t.tries {
		result := dispositionStatus(s.disposition)
		d := draft{own: s.part.id, Leg: ringside.Leg{
			Kind: ringside.LegDial, Targets: t.dialled(s.dialled), Start: s.start, End: s.end, Result: string(result), Cause: causeOf(s.disposition),
		}}
		for _, number := range d.Targets {
			d.Parties = append(d.Parties, ringside.Party{Number: number, State: d.Result, Cause: d.Cause})
		}
		t.legs = append(t.legs, d)
	}
}

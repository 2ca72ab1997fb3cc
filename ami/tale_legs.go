package ami

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// attemptLegs makes the legs of attempts.
func (t *teller) attemptLegs() {
	for _, a := range t.attempts {
		if t.origin(a) || !t.counts(a) {
			continue
		}
		t.attemptLeg(a)
	}
}

// counts reports whether an attempt is a leg of its own.
func (t *teller) counts(a *attempt) bool {
	switch {
	case a.dest == nil:
		return !t.reached(a)
	case a.dest.noise:
		return false
	case local(a.name):
		return !t.leadsOn(a.dest)
	}
	return true
}

// leadsOn reports whether something became of a Local channel's other half, which tells more.
func (t *teller) leadsOn(p *part) bool {
	other := t.named(otherHalf(p.firstName))
	return other != nil && (slices.ContainsFunc(t.attempts, func(a *attempt) bool { return a.caller == other }) ||
		slices.ContainsFunc(t.stays, func(s *stay) bool { return s.part == other && s.kind != ringside.LegTransfer }))
}

func (t *teller) attemptLeg(a *attempt) {
	d := draft{attempt: a, Leg: ringside.Leg{Kind: ringside.LegDial, Start: a.start, Answer: a.answer, End: a.end}}
	switch {
	case a.dest == nil:
		d.own = a.caller.id
		d.Targets = t.dialledTo(a.dialled)
	default:
		d.own = a.dest.id
		d.Targets = []string{t.target(a)}
		d.Cause = a.dest.cause
		if local(a.name) && !a.answer.IsZero() && t.named(otherHalf(a.dest.firstName)) != nil {
			d.Kind, d.Answer = ringside.LegApplication, time.Time{} // an application of the dialplan's answered
		}
	}
	t.legs = append(t.legs, d)
}

// dialledTo are the targets of an application Dial.
func (t *teller) dialledTo(data string) (targets []string) {
	for _, s := range dialStrings(data) {
		targets = append(targets, cmp.Or(t.number(s), dialledNumber(s), s))
	}
	return targets
}

func (t *teller) stayLegs() {
	for _, s := range t.stays {
		d := draft{stay: s, own: s.part.id, Leg: ringside.Leg{
			Kind: s.kind, Start: s.start, Answer: s.answer, End: s.end, Result: s.result,
		}}
		if s.target != "" {
			d.Targets = []string{s.target}
		}
		switch s.kind {
		case ringside.LegTransfer:
			d.Targets = []string{cmp.Or(t.transferredTo(s), s.target)}
		case ringside.LegVoicemail:
			d.Answer = s.start
		default:
			if !s.answer.IsZero() {
				d.Answered = t.who(s.by)
			}
		}
		t.legs = append(t.legs, d)
	}
}

// transferredTo is whom a transfer led to, where that says more than the place in the dialplan.
func (t *teller) transferredTo(s *stay) string {
	switch {
	case s.by == nil:
		return ""
	case s.attended && local(s.by.firstName):
		return t.calledBy(t.named(otherHalf(s.by.firstName)), time.Time{})
	case s.attended:
		return t.number(dialplan.Device(s.by.name))
	case strings.Trim(s.target, "+*#0123456789") == "":
		return s.target
	}
	return t.calledBy(s.by, s.start)
}

// calledBy is whom a channel called first from a time on.
func (t *teller) calledBy(p *part, from time.Time) string {
	for _, a := range t.attempts {
		if p != nil && a.caller == p && a.dest != nil && !a.start.Before(from) {
			return t.target(a)
		}
	}
	return ""
}

// originLegs makes legs of those who were to be the caller: one who did not answer is all there is to
// tell, and one who did is a leg only if the call led nowhere else.
func (t *teller) originLegs() {
	alone := len(t.legs) == 0 && t.talked.IsZero()
	for _, a := range t.attempts {
		if !t.origin(a) || !t.counts(a) || (!a.answer.IsZero() && !alone) {
			continue
		}
		t.attemptLeg(a)
		d := &t.legs[len(t.legs)-1]
		for i := range t.rows {
			if d.row == nil && t.tells(&t.rows[i], d) {
				d.row = &t.rows[i]
			}
		}
	}
}

// otherLegs makes legs of the rows of a call that has no other: it was joined to another, or it was an
// announcement's or some other application's.
func (t *teller) otherLegs() {
	if len(t.legs) > 0 {
		return
	}
	for i := range t.rows {
		r := &t.rows[i]
		if !r.answered() || r.app == "" || r.app == "Hangup" || strings.HasPrefix(r.app, "AppDial") {
			continue
		}
		l := ringside.Leg{Kind: ringside.LegApplication, Targets: []string{r.app}, Start: r.start, End: r.end, Result: ringside.StayDone}
		switch p := t.named(r.dest); {
		case !t.talked.IsZero():
			if p == nil {
				continue
			}
			who := t.who(p)
			l.Targets, l.Answered, l.Start, l.Answer, l.End = []string{who}, who, t.talked, t.talked, p.end
		case announces(r.app):
			l.Kind, l.Targets, l.Answer = ringside.LegAnnouncement, nil, r.answer
		}
		t.legs = append(t.legs, draft{row: r, own: r.id, Leg: l})
	}
}

// announces reports whether an application says something to the caller.
func announces(application string) bool {
	switch application {
	case "Playback", "BackGround", "Background", "ControlPlayback", "Flite", "Festival", "Swift":
		return true
	}
	return false
}

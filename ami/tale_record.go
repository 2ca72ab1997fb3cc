package ami

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
	"github.com/ringside-pbx/ringside/internal/span"
)

// teller makes the record of a call that is over.
type teller struct {
	*tale
	number func(device string) string
	legs   []draft
}

// draft is a leg and what it was made of.
type draft struct {
	ringside.Leg
	attempt *attempt
	stay    *stay
	row     *row
	own     string // the Uniqueid of the leg's channel
}

// record makes the record of a call that is over; false if it was nobody's.
func (c *tale) record(number func(device string) string) (ringside.Witnessed, bool) {
	if c.first() == nil {
		return ringside.Witnessed{}, false
	}
	t := &teller{tale: c, number: number}
	w := ringside.Witnessed{
		PBX: "asterisk", CallID: c.ids[0], Start: c.first().start, End: c.end, Cause: c.first().cause,
		Recording: c.recording, CRMID: c.crmID,
	}
	if w.End.Before(w.Start) {
		w.End = w.Start
	}
	slices.SortStableFunc(c.rows, func(a, b row) int {
		return cmp.Or(a.start.Compare(b.start), cmp.Compare(len(a.sequence), len(b.sequence)), cmp.Compare(a.sequence, b.sequence))
	})
	t.parties(&w)
	t.attemptLegs()
	t.stayLegs()
	t.rowLegs()
	t.originLegs()
	t.otherLegs()
	for i := range t.legs {
		t.settleLeg(&t.legs[i], w.Start, w.End)
	}
	t.keys()
	slices.SortStableFunc(t.legs, func(a, b draft) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.PBXKey, b.PBXKey))
	})
	if w.Answer = t.answer(); !w.Answer.IsZero() {
		w.Answer = span.Within(w.Answer, w.Start, w.End)
	}
	w.Status = t.status(&w)
	w.Outside = slices.ContainsFunc(c.attempts, t.outside)
	for _, d := range t.legs {
		if len(w.Legs) < maxLegs {
			w.Legs = append(w.Legs, d.Leg)
		}
	}
	return w, true
}

// parties are who called whom. Of a call that the PBX was told to make, the caller is who was called
// first, and the called number is where they were led to.
func (t *teller) parties(w *ringside.Witnessed) {
	p := t.first()
	w.Channel, w.Caller, w.CallerName, w.Called = p.firstName, p.caller, p.callerName, p.exten
	if origin := t.originOf(p); origin != nil {
		if local(p.firstName) {
			if i := slices.IndexFunc(t.attempts, func(a *attempt) bool { return a.dest != nil && t.origin(a) && !local(a.name) }); i >= 0 {
				origin = t.attempts[i]
				w.Channel = origin.name
			}
		}
		w.Caller, w.CallerName = t.target(origin), ""
		if w.Called = t.firstCalled(); w.Called == "" {
			w.Called = p.exten
		}
		if w.Called == "" && p.presented != w.Caller && p.presented != p.caller {
			w.Called = p.presented
		}
	}
	w.Endpoint = bare(w.Channel)
}

// originOf is the attempt by which the PBX itself called a channel.
func (t *teller) originOf(p *part) *attempt {
	for _, a := range t.attempts {
		if a.caller == nil && a.dest == p {
			return a
		}
	}
	return nil
}

// origin reports whether an attempt reached who is the caller of a call that the PBX was told to make:
// nobody called them, or the other half of a Local channel did that nobody called.
func (t *teller) origin(a *attempt) bool {
	if a.caller == nil {
		return true
	}
	if !strings.HasSuffix(a.caller.firstName, ";2") || !local(a.caller.firstName) {
		return false
	}
	half := t.named(otherHalf(a.caller.firstName))
	return half != nil && t.originOf(half) != nil
}

func (t *teller) named(name string) *part {
	for _, p := range t.parts {
		if p.firstName == name || p.name == name {
			return p
		}
	}
	return nil
}

// firstCalled is whom the caller of such a call was led to first.
func (t *teller) firstCalled() string {
	for _, a := range t.attempts {
		if a.dest != nil && !t.origin(a) && !a.dest.noise {
			return t.target(a)
		}
	}
	return ""
}

// target is whom an attempt was to reach.
func (t *teller) target(a *attempt) string {
	device := dialplan.Device(a.name)
	if n := t.number(device); n != "" {
		return n
	}
	if local(a.name) {
		return localNumber(a.name)
	}
	return cmp.Or(dialledNumber(a.dialled), bare(a.name))
}

// who is a channel's extension or endpoint.
func (t *teller) who(p *part) string {
	if p == nil {
		return ""
	}
	if n := t.number(dialplan.Device(p.name)); n != "" {
		return n
	}
	if a := t.attemptAt(p); a != nil {
		return t.target(a)
	}
	return cmp.Or(p.caller, bare(p.name))
}

// outside reports whether an attempt led to a device that is no extension's.
func (t *teller) outside(a *attempt) bool {
	if a.dest != nil {
		return !a.dest.noise && !local(a.name) && t.number(dialplan.Device(a.name)) == ""
	}
	if t.reached(a) {
		return false
	}
	return slices.ContainsFunc(dialStrings(a.dialled), func(s string) bool {
		return !local(s) && t.number(s) == ""
	})
}

// moments is how far apart events of one moment may be.
const moments = 100 * time.Millisecond

// reached reports whether an application Dial reached a channel: then the attempts tell.
func (t *teller) reached(app *attempt) bool {
	return app.end.IsZero() || slices.ContainsFunc(t.attempts, func(a *attempt) bool {
		return a.dest != nil && a.caller == app.caller &&
			!a.start.Before(app.start.Add(-moments)) && !a.start.After(app.end.Add(moments))
	})
}

// answer is when somebody answered the call: a dialled party, an agent, who took it out of parking, or
// others in a conference. An application, such as voicemail or an announcement, is nobody.
func (t *teller) answer() (first time.Time) {
	first = t.talked
	for _, d := range t.legs {
		if d.Kind == ringside.LegVoicemail || d.Kind == ringside.LegAnnouncement || d.Answer.IsZero() {
			continue
		}
		if first.IsZero() || d.Answer.Before(first) {
			first = d.Answer
		}
	}
	return first
}

// status is how the call ended, in the CRM's words. Where nobody listened, nobody knows whether the caller gave
// up.
func (t *teller) status(w *ringside.Witnessed) ringside.Status {
	if !w.Answer.IsZero() {
		return ringside.StatusAnswered
	}
	status, own := ringside.StatusOfLegs(t.plain(), w.Cause)
	if t.gap() && (status == ringside.StatusAbandoned || !own) {
		return ringside.StatusFailed
	}
	return status
}

// plain are the legs alone.
func (t *teller) plain() []ringside.Leg {
	all := make([]ringside.Leg, len(t.legs))
	for i := range t.legs {
		all[i] = t.legs[i].Leg
	}
	return all
}

// gap reports whether the call, or a part of it, ended while nobody listened.
func (t *teller) gap() bool {
	return slices.ContainsFunc(t.parts, func(p *part) bool { return p.lost })
}

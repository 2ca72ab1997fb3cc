package esl

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// dialled are the targets of a dial string: {a=1}[b=2]user/101@dom,sofia/gateway/gw/79001112233|error/user_busy.
func (t *teller) dialled(data string) (targets []string) {
	for _, s := range strings.FieldsFunc(withoutVariables(data), func(r rune) bool { return r == ',' || r == '|' }) {
		_, address, ok := strings.Cut(strings.TrimSpace(s), "/")
		if !ok {
			continue
		}
		number := t.numbers.own(address[strings.LastIndexByte(address, '/')+1:])
		if loopback(s) {
			number, _, _ = strings.Cut(address, "/")
		}
		user := userPart(address[strings.LastIndexByte(address, '/')+1:])
		targets = append(targets, cmp.Or(number, user, s))
	}
	return targets
}

// withoutVariables takes the settings out of a dial string, which may hold whatever separates targets.
func withoutVariables(data string) string {
	var b strings.Builder
	depth := 0
	for _, r := range data {
		switch r {
		case '{', '[', '<':
			depth++
		case '}', ']', '>':
			depth = max(0, depth-1)
		default:
			if depth == 0 {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// triedOutside reports whether an attempt that came to no channel would have led to the outer world.
func (t *teller) triedOutside(s *try) bool {
	return slices.ContainsFunc(strings.Split(withoutVariables(s.dialled), "|"), func(target string) bool {
		return strings.HasPrefix(strings.TrimSpace(target), "sofia/gateway/")
	})
}

// tells reports whether a stay is a leg whatever else happened.
func (t *teller) tells(s *stay) bool { return s.kind != legAnnouncement && s.kind != legApplication }

func (t *teller) stayLegs() {
	for _, s := range t.stays {
		if t.tells(s) {
			t.stayLeg(s)
		}
	}
}

func (t *teller) stayLeg(s *stay) *draft {
	d := draft{own: s.part.id, Leg: ringside.Leg{Kind: s.kind, Start: s.start, Answer: s.answer, End: s.end, Result: s.result}}
	if s.target != "" {
		d.Targets = []string{s.target}
	}
	if !s.answer.IsZero() && (s.kind == legQueue || s.kind == legPark) {
		d.Answered = cmp.Or(s.byName, t.who(s.by))
	}
	t.legs = append(t.legs, d)
	return &t.legs[len(t.legs)-1]
}

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
		Kind: legTransfer, Targets: []string{to}, Start: p.end, End: p.end, Result: staysDone, Cause: causeOf(p.cause),
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

// otherLegs make legs of what the caller heard instead of anybody, where there is no other leg.
// Announcements one after the other are one.
func (t *teller) otherLegs() {
	if len(t.legs) > 0 {
		return
	}
	if root := t.root(); t.talked.IsZero() && t.origin(root) && !loopback(root.name) && !root.up.IsZero() && len(t.stays) == 0 {
		t.originLeg(root)
		return
	}
	var spoken *draft
	for _, s := range t.stays {
		if s.part != t.asked() {
			continue
		}
		if s.kind == legAnnouncement && spoken != nil {
			spoken.End = s.end
			continue
		}
		d := t.stayLeg(s)
		if s.kind == legAnnouncement {
			spoken = d
		}
	}
}

// originLeg makes a leg of whom FreeSWITCH was told to call, if the call led nowhere else.
func (t *teller) originLeg(p *part) {
	who := t.target(p)
	t.legs = append(t.legs, draft{own: p.id, Leg: ringside.Leg{
		Kind: legDial, Targets: []string{who}, Start: p.start, Answer: p.up, End: p.end, Answered: who,
		Result: string(ringside.DialAnswered), Cause: causeOf(p.cause),
		Parties: []ringside.Party{{Number: who, State: string(ringside.DialAnswered), Cause: causeOf(p.cause)}},
	}})
}

// answer is when somebody answered the call: who was called, an agent, or who took it out of parking. An
// application, such as voicemail or an announcement, is nobody.
func (t *teller) answer() (at time.Time) {
	for _, d := range t.legs {
		if d.Kind == legVoicemail || d.Kind == legAnnouncement || d.Answer.IsZero() {
			continue
		}
		if at.IsZero() || d.Answer.Before(at) {
			at = d.Answer
		}
	}
	if at.IsZero() && !t.onlyLoopbacks() {
		at = t.talked
	}
	return at
}

// onlyLoopbacks reports whether all who were called are loopbacks, which talk to whatever they lead to.
func (t *teller) onlyLoopbacks() bool {
	return !slices.ContainsFunc(t.parts, func(p *part) bool { return p.outbound && !loopback(p.name) })
}

// status is how the call ended, in the CRM's words.
func (t *teller) status(w *ringside.Witnessed) ringside.Status {
	if !w.Answer.IsZero() {
		return ringside.StatusAnswered
	}
	var last *draft
	results := map[string]bool{}
	for i := range t.legs {
		d := &t.legs[i]
		switch d.Kind {
		case legVoicemail, legAnnouncement:
			return ringside.StatusNoAnswer
		case legDial, legQueue, legPark:
			results[d.Result] = true
			if last == nil || d.End.After(last.End) {
				last = d
			}
		}
	}
	switch {
	case last == nil:
		return statusByCause(w.Cause)
	case last.Result == string(ringside.DialCancelled), last.Result == staysLeft:
		return ringside.StatusAbandoned
	case results[string(ringside.DialNoAnswer)], results[staysTimeout]:
		return ringside.StatusNoAnswer
	case results[string(ringside.DialBusy)]:
		return ringside.StatusBusy
	}
	return ringside.StatusFailed
}

// statusByCause is the status of a call that reached nobody: the caller left, or FreeSWITCH refused it.
func statusByCause(cause ringside.HangupCause) ringside.Status {
	switch cause {
	case ringside.CauseUnknown, ringside.CauseNormal, 26, 31, 127:
		return ringside.StatusAbandoned
	case ringside.CauseBusy:
		return ringside.StatusBusy
	case ringside.CauseNoUserResponse, ringside.CauseNoAnswer:
		return ringside.StatusNoAnswer
	}
	return ringside.StatusFailed
}

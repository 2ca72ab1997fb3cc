package esl

import (
	"cmp"
	"slices"
	"strings"

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
func (t *teller) tells(s *stay) bool {
	return s.kind != ringside.LegAnnouncement && s.kind != ringside.LegApplication
}

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
	if !s.answer.IsZero() && (s.kind == ringside.LegQueue || s.kind == ringside.LegPark) {
		d.Answered = cmp.Or(s.byName, t.who(s.by))
	}
	t.legs = append(t.legs, d)
	return &t.legs[len(t.legs)-1]
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
		if s.kind == ringside.LegAnnouncement && spoken != nil {
			spoken.End = s.end
			continue
		}
		d := t.stayLeg(s)
		if s.kind == ringside.LegAnnouncement {
			spoken = d
		}
	}
}

// originLeg makes a leg of whom FreeSWITCH was told to call, if the call led nowhere else.
func (t *teller) originLeg(p *part) {
	who := t.target(p)
	t.legs = append(t.legs, draft{own: p.id, Leg: ringside.Leg{
		Kind: ringside.LegDial, Targets: []string{who}, Start: p.start, Answer: p.up, End: p.end, Answered: who,
		Result: string(ringside.DialAnswered), Cause: causeOf(p.cause),
		Parties: []ringside.Party{{Number: who, State: string(ringside.DialAnswered), Cause: causeOf(p.cause)}},
	}})
}

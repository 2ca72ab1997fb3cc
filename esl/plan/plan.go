package plan

import (
	"slices"

	"github.com/ringside-pbx/ringside/esl"

	"github.com/ringside-pbx/ringside"
)

// caller is what kind of caller a plan is for: what the engine's rights depend on.
type caller int

const (
	fromOutside caller = iota
	fromPhone          // an extension that may not call outside
	fromDialler        // one that may
	callers
)

// stepKind is what is done with a call.
type stepKind int

const (
	stepRing      stepKind = iota // extensions; the call goes on if nobody answers
	stepDial                      // a number outside; likewise
	stepVoicemail                 // the last step
	stepSay                       // the last step
	stepHangup                    // the last step
)

// step is one thing that is done with a call.
type step struct {
	kind stepKind
	// targets are extensions, one telephone number, one mailbox, or one text.
	targets []string
	atOnce  bool
	seconds int
	cause   string
}

func (s step) last() bool { return s.kind >= stepVoicemail }

// standing is what became of a destination, the best first (routing.resolve).
type standing int

const (
	reachable standing = iota
	exhausted
	unusable
)

// Bounds of how long somebody is rung, in seconds: where no group says, outside, and at most.
const (
	ringSeconds    = 30
	outsideSeconds = 60
	maxSeconds     = 3600
	maxOverflows   = 8
)

// plan is what is done with a call, step by step, as the engine would decide on it again and again while nobody
// answers and everybody else is free.
type plan struct {
	from   caller
	out    *ringside.Outline
	number map[string]*ringside.OutlineNumber
	steps  []step
	tried  []string
	// speaks: texts can be spoken. dials: numbers outside can be dialled.
	speaks, dials bool
	// lacks are what the engine does and the plan can't.
	lacks []lack
}

// follow plans what a rule does; false if neither its target nor its fallback can be used by this caller, and the
// search for a rule goes on.
func (p *plan) follow(target, fallback *ringside.OutlineTarget) bool {
	s := p.to(target, 0)
	if !p.ended() && fallback != nil {
		s = min(s, p.to(fallback, 0))
	}
	if s == unusable {
		return false
	}
	if !p.ended() {
		p.steps = append(p.steps, step{kind: stepHangup, cause: esl.CauseName(ringside.CauseBusy)})
	}
	return true
}

func (p *plan) ended() bool { return len(p.steps) > 0 && p.steps[len(p.steps)-1].last() }

func (p *plan) end(s step) standing {
	p.steps = append(p.steps, s)
	return reachable
}

func (p *plan) lack(code string, group int) {
	if l := (lack{code, group}); !slices.Contains(p.lacks, l) {
		p.lacks = append(p.lacks, l)
	}
}

// to plans a destination.
func (p *plan) to(t *ringside.OutlineTarget, depth int) standing {
	switch t.Action {
	case ringside.RouteToNumber:
		return p.toNumber(t.Number)
	case ringside.RouteToGroup:
		return p.toGroup(t.Group, depth, false)
	case ringside.RouteToQueue:
		return p.toGroup(t.Group, depth, true)
	case ringside.RouteToOwner:
		p.lack(lackOwner, -1)
		if t.Group < 0 {
			return unusable
		}
		return p.toGroup(t.Group, depth, false)
	case ringside.RouteToVoicemail:
		if !p.number[t.Number].Mailbox {
			return unusable
		}
		return p.end(step{kind: stepVoicemail, targets: []string{t.Number}})
	case ringside.PlayAnnouncement:
		if !p.speaks && !playable(t.Text) {
			p.lack(lackSpeech, -1)
			return exhausted
		}
		return p.end(step{kind: stepSay, targets: []string{t.Text}})
	case ringside.ForwardExternal:
		return p.outside(t.Phone)
	}
	return p.end(step{kind: stepHangup, cause: esl.CauseName(ringside.CauseRejected)})
}

func (p *plan) outside(phone string) standing {
	if p.from == fromPhone {
		return unusable
	}
	if !p.dials {
		p.lack(lackOutside, -1)
		return exhausted
	}
	if slices.Contains(p.tried, "outside "+phone) {
		return exhausted
	}
	p.tried = append(p.tried, "outside "+phone)
	p.steps = append(p.steps, step{kind: stepDial, targets: []string{phone}, seconds: outsideSeconds})
	return reachable
}

// toNumber rings one extension; then its voicemail takes over if it has one.
func (p *plan) toNumber(number string) standing {
	n := p.number[number]
	if n.Off || p.from == fromOutside && n.NoOutside {
		return unusable
	}
	s := exhausted
	if n.Takes > 0 && !slices.Contains(p.tried, number) {
		p.tried = append(p.tried, number)
		p.steps = append(p.steps, step{kind: stepRing, targets: []string{number}, seconds: ringSeconds})
		s = reachable
	}
	if n.Voicemail {
		return p.end(step{kind: stepVoicemail, targets: []string{number}})
	}
	return s
}

// toGroup rings those members who have not been rung yet, then goes on with the overflow. Who is sent to a queue and
// finds none is not rung through to the members.
func (p *plan) toGroup(place, depth int, queue bool) standing {
	g := &p.out.Groups[place]
	if g.Off {
		return unusable
	}
	var free []string
	hope := false
	for _, m := range g.Members {
		if p.from == fromOutside && p.number[m].NoOutside {
			continue
		}
		hope = true
		if !slices.Contains(p.tried, m) {
			free = append(free, m)
		}
	}
	if hope && g.Group.MaxQueueSize > 0 {
		p.lack(lackQueue, place)
	}
	s := exhausted
	if len(free) > 0 && (!queue || g.Group.MaxQueueSize > 0) {
		p.tried = append(p.tried, free...)
		p.steps = append(p.steps, step{
			kind: stepRing, targets: free, atOnce: g.Group.Strategy == ringside.AllRing, seconds: ringTime(g.Group.RingTimeout),
		})
		if g.Group.Strategy != ringside.AllRing && g.Group.Strategy != ringside.ByPriority && len(free) > 1 {
			p.lack(lackOrder, place)
		}
		s = reachable
	}
	if g.Overflow != nil && depth < maxOverflows && p.to(g.Overflow, depth+1) == reachable {
		s = reachable
	}
	return s
}

func ringTime(given int) int {
	if given <= 0 {
		return ringSeconds
	}
	return min(given, maxSeconds)
}

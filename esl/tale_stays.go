package esl

import (
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// executed takes the end of an application of the dialplan. It began when the one before it had ended.
func (t *tales) executed(e event) {
	p := t.part(e)
	if p == nil {
		return
	}
	c, at, start, data := p.tale, e.when(), p.idle, e.text("Application-Data")
	if at.Before(start) {
		start = at
	}
	p.idle = at
	s := &stay{part: p, start: start, end: at, result: ringside.StayDone}
	switch app := e.plain("Application"); app {
	case "bridge":
		p.parts(e, at)
		disposition := e.variable("originate_disposition")
		if disposition != "SUCCESS" && !c.children(p, start) && len(c.tries) < maxLegs {
			c.tries = append(c.tries, &try{p, data, disposition, start, at})
		}
		return
	case "transfer":
		if len(p.sent) < maxHistory {
			p.sent = append(p.sent, at)
		}
		return
	case "voicemail":
		words := strings.Fields(data)
		if len(words) == 0 || words[0] == "check" || words[0] == "auth" {
			s.kind, s.target = ringside.LegApplication, app
			break
		}
		s.kind, s.target, s.answer = ringside.LegVoicemail, words[len(words)-1], start
	case "conference":
		s.kind, s.answer = ringside.LegConference, start
		s.target, _, _ = strings.Cut(data, "@")
	case "callcenter":
		if open := c.openStay(p, ringside.LegQueue); open != nil {
			open.end = at
			return
		}
		if c.hasStay(p, ringside.LegQueue, start) {
			return
		}
		s.kind, s.target, s.result = ringside.LegQueue, data, ringside.StayLeft
	case "valet_park":
		if open := c.openStay(p, ringside.LegPark); open != nil && open.answer.IsZero() {
			open.end, open.result = at, ringside.StayLeft
		}
		return
	case "playback", "speak", "say", "phrase", "ivr", "play_and_get_digits", "play_and_detect_speech", "endless_playback":
		s.kind, s.answer = ringside.LegAnnouncement, start
	case "park", "fifo", "echo", "record", "delay_echo", "displace_session", "eavesdrop", "three_way", "intercept", "rxfax", "txfax":
		s.kind, s.target = ringside.LegApplication, app
	default:
		return
	}
	c.stayed(s)
}

// hasStay reports whether a channel has had a stay of a kind since a time.
func (c *tale) hasStay(p *part, kind string, from time.Time) bool {
	for _, s := range c.stays {
		if s.part == p && s.kind == kind && !s.start.Before(from) {
			return true
		}
	}
	return false
}

// queued takes an event of mod_callcenter.
func (t *tales) queued(e event) {
	session, key := e.channel("CC-Member-Session-UUID"), e.text("CC-Member-UUID")
	if session == "" || key == "" {
		return
	}
	action := e.plain("CC-Action")
	p := t.parts[session]
	if p == nil && e.id() == session {
		p = t.part(e)
	}
	if p == nil {
		return
	}
	c := p.tale
	var s *stay
	for _, o := range c.stays {
		if o.kind == ringside.LegQueue && o.key == key {
			s = o
		}
	}
	switch {
	case action == "member-queue-start" || action == "member-queue-resume":
		if s == nil && !p.gone {
			c.stayed(&stay{kind: ringside.LegQueue, part: p, target: e.text("CC-Queue"), key: key, start: e.when()})
		}
	case s == nil:
	case action == "bridge-agent-start":
		if s.answer.IsZero() {
			s.answer, s.result = e.when(), ringside.StayServed
			s.by, s.byName = t.parts[e.channel("CC-Agent-UUID")], t.numbers.own(e.get("CC-Agent"))
		}
	case action == "member-queue-end":
		if s.end.IsZero() || s.end.After(e.when()) {
			s.end = e.when()
		}
		switch {
		case !s.answer.IsZero() || e.plain("CC-Cause") == "Terminated":
			s.result = ringside.StayServed
		case e.plain("CC-Cancel-Reason") == "TIMEOUT", e.plain("CC-Cancel-Reason") == "NO_AGENT_TIMEOUT":
			s.result = ringside.StayTimeout
		default:
			s.result = ringside.StayLeft
		}
	}
}

// parked takes an event of mod_valet_parking. It is about the channel that is parked.
func (t *tales) parked(e event) {
	p := t.part(e)
	if p == nil {
		return
	}
	c, at := p.tale, e.when()
	open := c.openStay(p, ringside.LegPark)
	switch action := e.plain("Action"); {
	case action == "hold" && open == nil:
		c.stayed(&stay{kind: ringside.LegPark, part: p, target: e.text("Valet-Extension"), start: at})
	case open == nil || !open.answer.IsZero():
	case action == "bridge":
		open.answer, open.result, open.by = at, ringside.StayServed, t.parts[e.channel("Bridge-To-UUID")]
	case action == "exit":
		open.end, open.result = at, ringside.StayTimeout
		if e.dead() {
			open.result = ringside.StayLeft
		}
	}
}

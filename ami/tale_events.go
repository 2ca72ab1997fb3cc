package ami

import (
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// newChannel takes Newchannel and CEL's CHAN_START, which come in either order.
func (t *tales) newChannel(n note) {
	id, name := string(n.find("Uniqueid")), n.text("Channel")
	if id == "" || name == "" || len(id) > maxText {
		return
	}
	p := t.parts[id]
	if p == nil {
		linked := n.text("Linkedid")
		if linked == "" {
			linked = id
		}
		c := t.calls[linked]
		if c == nil {
			if isNoise(name) {
				return
			}
			c = t.newTale(linked)
		}
		if p = t.add(c, id, name, n.at); p == nil {
			return
		}
	}
	p.learn(n)
}

// learn takes what an event says of a channel for the first time.
func (p *part) learn(n note) {
	if p.caller == "" {
		p.caller, p.callerName = n.text("CallerIDNum"), n.text("CallerIDName")
	}
	p.dials(n.text("Exten"))
}

// dials notes the extension that a channel is at, unless it is none that somebody dials.
func (p *part) dials(exten string) {
	if p.exten == "" && exten != "s" && exten != "h" && exten != "i" && exten != "t" {
		p.exten = exten
	}
}

func (t *tales) newState(n note) {
	p := t.known(n, "")
	if p == nil {
		return
	}
	switch channelState(n.find("ChannelState")) {
	case ringside.ChannelUp:
		if p.up.IsZero() {
			p.up = n.at
		}
	case ringside.ChannelRinging:
		p.rang = true
	}
	if who := n.text("CallerIDNum"); who != "" {
		p.presented = who
	}
	p.dials(n.text("Exten"))
}

func (t *tales) hangup(n note) {
	p := t.known(n, "")
	if p == nil {
		return
	}
	if cause := number(n.find("Cause")); cause > 0 && cause < 1000 {
		p.cause = ringside.HangupCause(cause)
	}
	p.lost = false // a list of channels may come before
	t.gone(p, n.at, n.now)
}

// rename takes a channel's new name: a masquerade puts one channel in another's place.
func (t *tales) rename(n note) {
	p, name := t.parts[string(n.find("Uniqueid"))], n.text("Newname")
	if p == nil || name == "" || strings.Contains(name, "<MASQ>") {
		return
	}
	p.name = name
}

func (t *tales) dialBegin(n note) {
	dest := t.known(n, "Dest")
	caller := t.known(n, "")
	if dest == nil {
		return
	}
	if caller != nil {
		t.join(caller.tale, dest.tale)
		caller.tale.settle(caller, n.at, false)
		caller.dials(n.text("Exten"))
	}
	c := dest.tale
	if a := c.attemptAt(dest); a != nil && a.caller == caller {
		return
	}
	c.tried(&attempt{caller: caller, dest: dest, name: dest.name, dialled: n.text("DialString"), start: n.at})
}

// dialEnd takes the first result of an attempt: Queue gives a second one, CANCEL after NOANSWER.
func (t *tales) dialEnd(n note) {
	dest := t.known(n, "Dest")
	caller := t.known(n, "")
	if dest == nil {
		return
	}
	c := dest.tale
	a := c.attemptAt(dest)
	if a == nil {
		if caller == nil || caller.tale != c {
			return
		}
		a = &attempt{caller: caller, dest: dest, name: dest.name, start: dest.start}
		c.tried(a)
	}
	if a.result == "" {
		a.finish(dialStatus(n.find("DialStatus")), n.at)
	}
}

// finish notes how the ringing ended.
func (a *attempt) finish(result ringside.DialStatus, at time.Time) {
	a.result = result
	if result == ringside.DialAnswered {
		a.answer = at
	} else if a.end.IsZero() {
		a.end = at
	}
}

func (t *tales) bridgeEnter(n note) {
	p := t.known(n, "")
	if p == nil {
		return
	}
	p.dials(n.text("Exten"))
	t.leave(p, n.at)
	if !p.noise && !p.gone && same(n.find("BridgeType"), "basic") {
		t.enter(p, n.text("BridgeUniqueid"), n.at)
	}
}

// enter puts a channel into a bridge. Who is in there already is in the same call.
func (t *tales) enter(p *part, bridge string, at time.Time) {
	if bridge == "" {
		return
	}
	for _, o := range t.bridges[bridge] {
		t.join(p.tale, o.tale)
		if !local(p.name) && !local(o.name) {
			p.tale.talk(at)
			p.tale.resume(p, o)
			p.tale.resume(o, p)
		}
	}
	p.bridge = bridge
	t.bridges[bridge] = append(t.bridges[bridge], p)
}

func (t *tales) bridgeLeave(n note) {
	if p := t.known(n, ""); p != nil {
		t.leave(p, n.at)
		p.left = n.at
	}
}

func (t *tales) blindTransfer(n note) {
	p, who := t.known(n, "Transferer"), t.known(n, "Transferee") //nolint:misspell // Asterisk's word
	if p == nil {
		return
	}
	p.tale.stayed(&stay{
		kind: ringside.LegTransfer, part: p, by: who, target: n.text("Extension"),
		start: n.at, end: n.at, result: transferResult(n),
	})
}

func (t *tales) attendedTransfer(n note) {
	p, to := t.known(n, "OrigTransferer"), t.known(n, "TransferTarget")
	second, who := t.known(n, "SecondTransferer"), t.known(n, "Transferee")
	if p == nil {
		return
	}
	result := transferResult(n)
	if result == ringside.StayDone {
		for _, o := range []*part{second, who, to} {
			if o != nil {
				t.join(p.tale, o.tale)
			}
		}
		if to != nil {
			to.handed = true
		}
	}
	target := n.text("TransferTargetCallerIDNum")
	if target == "" {
		target = n.text("TransferTargetExten")
	}
	p.tale.stayed(&stay{kind: ringside.LegTransfer, part: p, by: to, target: target, start: n.at, end: n.at, result: result, attended: true})
}

func transferResult(n note) string {
	if same(n.find("Result"), "Success") {
		return ringside.StayDone
	}
	return string(ringside.DialFailed)
}

func (t *tales) parked(n note) {
	p := t.known(n, "Parkee")
	if p == nil {
		return
	}
	p.tale.settle(p, n.at, false)
	for _, a := range p.tale.attempts {
		if a.caller == p && !a.answer.IsZero() && a.end.IsZero() {
			a.end = n.at
		}
	}
	p.tale.stayed(&stay{kind: ringside.LegPark, part: p, target: n.text("ParkingSpace"), start: n.at})
}

func (t *tales) unparked(n note) {
	p, by := t.known(n, "Parkee"), t.known(n, "Retriever")
	if p == nil {
		return
	}
	if by != nil {
		t.join(p.tale, by.tale)
	}
	if s := p.tale.stayOf(p, ringside.LegPark); s != nil && s.result == "" {
		s.result, s.answer, s.by = ringside.StayServed, n.at, by
	}
}

func (t *tales) parkTimeout(n note) { t.unpark(n, ringside.StayTimeout) }
func (t *tales) parkGivenUp(n note) { t.unpark(n, ringside.StayLeft) }

func (t *tales) unpark(n note, result string) {
	p := t.known(n, "Parkee")
	if p == nil {
		return
	}
	if s := p.tale.stayOf(p, ringside.LegPark); s != nil && s.result == "" {
		s.result = result
		if s.end.IsZero() {
			s.end = n.at
		}
	}
}

func (t *tales) queueJoin(n note) {
	if p := t.known(n, ""); p != nil {
		p.tale.stayed(&stay{kind: ringside.LegQueue, part: p, start: n.at})
	}
}

// queueLeave comes before AgentConnect, and around QueueCallerAbandon.
func (t *tales) queueLeave(n note) {
	if p := t.known(n, ""); p != nil {
		if s := p.tale.stayOf(p, ringside.LegQueue); s != nil && s.end.IsZero() {
			s.end = n.at
			if s.result == "" {
				s.result = ringside.StayTimeout
			}
		}
	}
}

func (t *tales) queueAbandon(n note) {
	if p := t.known(n, ""); p != nil {
		if s := p.tale.stayOf(p, ringside.LegQueue); s != nil && s.result != ringside.StayServed {
			s.result = ringside.StayLeft
			if s.end.IsZero() {
				s.end = n.at
			}
		}
	}
}

func (t *tales) agentConnect(n note) {
	p, agent := t.known(n, ""), t.known(n, "Dest")
	if p == nil {
		return
	}
	s := p.tale.stayOf(p, ringside.LegQueue)
	if s == nil {
		// The caller stood there before ringside was connected.
		wait := min(max(0, number(n.find("HoldTime"))), 24*3600)
		s = &stay{kind: ringside.LegQueue, part: p, start: n.at.Add(-time.Duration(wait) * time.Second)}
		p.tale.stayed(s)
	}
	s.result, s.answer, s.by = ringside.StayServed, n.at, agent
	if s.end.IsZero() {
		s.end = n.at
	}
	if agent != nil && agent.tale == p.tale {
		if a := p.tale.attemptAt(agent); a != nil && a.answer.IsZero() && a.end.IsZero() {
			a.finish(ringside.DialAnswered, n.at)
		}
	}
}

func (t *tales) conferenceJoin(n note) {
	p := t.known(n, "")
	if p == nil || p.noise {
		return
	}
	for _, a := range p.tale.attempts {
		if a.caller == p && !a.answer.IsZero() && a.end.IsZero() {
			a.end = n.at
		}
	}
	p.tale.settle(p, n.at, false)
	p.tale.stayed(&stay{kind: ringside.LegConference, part: p, target: n.text("Conference"), start: n.at, answer: n.at, result: ringside.StayDone})
}

func (t *tales) conferenceLeave(n note) {
	if p := t.known(n, ""); p != nil {
		if s := p.tale.stayOf(p, ringside.LegConference); s != nil && s.end.IsZero() {
			s.end = n.at
		}
	}
}

func (t *tales) recordingSet(n note) {
	if p := t.known(n, ""); p != nil {
		// A path may be longer than what is kept of a name.
		if file := n.Get("Value"); file != "" && len(file) <= 4096 && !strings.ContainsFunc(file, func(r rune) bool { return r < ' ' || r == 0xfffd }) {
			p.tale.recording = file
		}
	}
}

func (t *tales) crmData(n note) {
	if p := t.known(n, ""); p != nil {
		if id := n.text("CRMID"); id != "" {
			p.tale.crmID = id
		}
	}
}

// appStart takes the applications that leave no event of their own.
func (t *tales) appStart(n note) {
	p := t.known(n, "")
	if p == nil {
		return
	}
	switch n.text("Application") {
	case "VoiceMail":
		p.tale.stayed(&stay{kind: ringside.LegVoicemail, part: p, target: mailbox(n.text("AppData")), start: n.at, result: ringside.StayDone})
	case "Dial":
		// Kept only if it turns out that it reached no channel.
		p.tale.tried(&attempt{caller: p, dialled: n.text("AppData"), start: n.at})
	}
}

func (t *tales) appEnd(n note) {
	p := t.known(n, "")
	if p == nil {
		return
	}
	switch n.text("Application") {
	case "VoiceMail":
		if s := p.tale.stayOf(p, ringside.LegVoicemail); s != nil && s.end.IsZero() {
			s.end = n.at
		}
	case "Dial":
		for i := len(p.tale.attempts) - 1; i >= 0; i-- {
			if a := p.tale.attempts[i]; a.caller == p && a.dest == nil && a.end.IsZero() {
				a.end = n.at
				return
			}
		}
	}
}

// mailbox is the first mailbox in an application's arguments: 101 of 101@default&102,u.
func mailbox(data string) string {
	if i := strings.IndexAny(data, ",&@|"); i >= 0 {
		data = data[:i]
	}
	return data
}

package esl

import (
	"container/list"
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// tale is what is known of one call.
type tale struct {
	parts []*part // channels, in the order in which they became known
	alive int     // channels that are awaited and have not ended
	tries []*try
	stays []*stay

	// talked is when two channels first were bridged.
	talked    time.Time
	recording string
	end       time.Time // the latest end of a channel

	place            *list.Element
	due              time.Time
	merged, finished bool
}

// part is a channel's part in a call.
type part struct {
	tale *tale
	id   string
	name string
	// number is the extension that the channel belongs to, endpoint the device or trunk.
	number, endpoint   string
	outbound           bool
	trunk              bool // it goes out through a gateway, whoever is called there
	caller, callerName string
	called, led        string // the first number that was dialled, and the last
	half               string // the other half of a loopback
	// parent is the channel for which this one was made; nil if FreeSWITCH was told to call.
	parent         *part
	start, up, end time.Time
	// idle is when the channel has done with the latest application.
	idle  time.Time
	cause string
	// hearsay: only others have told of the channel, so its own end is not awaited.
	hearsay bool
	// late: the channel was not seen from its beginning.
	late    bool
	gone    bool
	lost    bool // it ended while nobody listened
	bridges []bridged
	history []string // transfers
	// handed is how the channel's owner gave the call to somebody else: BLIND_TRANSFER or ATTENDED_TRANSFER.
	handed string
	// sent are when the dialplan itself sent the channel elsewhere.
	sent []time.Time
	// renamed is another id that the channel was given.
	renamed  string
	sequence uint64 // of the event that told the end
	round    uint64
}

// bridged is a talk that began.
type bridged struct {
	with *part
	at   time.Time
}

// try is an attempt that came to no channel.
type try struct {
	part        *part
	dialled     string
	disposition string
	start, end  time.Time
}

// stay is a call's stay somewhere that is nobody's phone.
type stay struct {
	kind               string
	part               *part
	target             string
	key                string // mod_callcenter's own id of the stay
	start, answer, end time.Time
	result             string
	by                 *part
	byName             string
}

// Bounds of what is kept of one call.
const (
	maxParts   = 200
	maxLegs    = 200 // tries and stays each, and legs of a record
	maxBridges = 20
	maxHistory = 20
)

// root is the channel with which the call began.
func (c *tale) root() *part {
	if len(c.parts) == 0 {
		return nil
	}
	return c.parts[0]
}

func (c *tale) before(o *tale) bool {
	a, b := c.root(), o.root()
	if a == nil || b == nil || a.start.Equal(b.start) {
		return a != nil && (b == nil || a.id < b.id)
	}
	return a.start.Before(b.start)
}

// take puts a younger call into this one.
func (c *tale) take(o *tale) {
	for _, p := range o.parts {
		p.tale = c
	}
	c.parts = append(c.parts, o.parts...)
	c.alive += o.alive
	c.tries = append(c.tries, o.tries...)
	c.stays = append(c.stays, o.stays...)
	c.talk(o.talked)
	if c.recording == "" {
		c.recording = o.recording
	}
	if o.end.After(c.end) {
		c.end = o.end
	}
}

func (c *tale) talk(at time.Time) {
	if !at.IsZero() && (c.talked.IsZero() || at.Before(c.talked)) {
		c.talked = at
	}
}

func (c *tale) named(id string) *part {
	if id == "" {
		return nil
	}
	for _, p := range c.parts {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (c *tale) stayed(s *stay) {
	if len(c.stays) < maxLegs {
		c.stays = append(c.stays, s)
	}
}

// openStay gives a channel's latest stay of a kind that has not ended.
func (c *tale) openStay(p *part, kind string) *stay {
	for _, s := range slices.Backward(c.stays) {
		if s.part == p && s.kind == kind && s.end.IsZero() {
			return s
		}
	}
	return nil
}

// children reports whether a channel has called somebody from a time on.
func (c *tale) children(p *part, from time.Time) bool {
	return slices.ContainsFunc(c.parts, func(o *part) bool { return o.parent == p && !o.start.Before(from) })
}

// talks notes that a channel is bridged with another.
func (p *part) talks(with *part, at time.Time) {
	if len(p.bridges) < maxBridges {
		p.bridges = append(p.bridges, bridged{with, at})
	}
}

// settle ends what a channel that has ended took part in.
func (c *tale) settle(p *part, at time.Time) {
	for _, s := range c.stays {
		if s.end.IsZero() && (s.part == p || s.by == p) {
			s.end = at
			if s.result == "" && (s.kind == ringside.LegQueue || s.kind == ringside.LegPark) {
				s.result = ringside.StayLeft
			}
		}
	}
	for _, o := range c.parts {
		if o.hearsay && !o.gone && (o.parent == p || p.parent == o) {
			o.gone, o.end = true, at
		}
	}
}

// result is how an attempt to reach a channel ended.
func (p *part) result() ringside.DialStatus {
	switch {
	case !p.up.IsZero():
		return ringside.DialAnswered
	case p.lost || p.cause == "":
		return ""
	}
	switch p.cause {
	case "ORIGINATOR_CANCEL", "LOSE_RACE", "PICKED_OFF", "MANAGER_REQUEST", "SYSTEM_SHUTDOWN":
		return ringside.DialCancelled
	case "SUCCESS", "NONE":
		return ringside.DialFailed
	}
	return dispositionStatus(p.cause)
}

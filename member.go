package ringside

import (
	"fmt"
	"time"
)

// Presence is what is known about an extension's device.
type Presence int

// The presences. A device that nobody has reported on is PresenceUnknown and is dialled.
const (
	PresenceUnknown Presence = iota
	PresenceReachable
	PresenceUnreachable // not registered, or the PBX says that it is away
)

// String gives the presence in one word.
func (p Presence) String() string {
	switch p {
	case PresenceReachable:
		return "reachable"
	case PresenceUnreachable:
		return "unreachable"
	}
	return "unknown"
}

// MarshalText implements encoding.TextMarshaler.
func (p Presence) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Presence) UnmarshalText(text []byte) error {
	for *p = PresenceUnknown; *p <= PresenceUnreachable; *p++ {
		if p.String() == string(text) {
			return nil
		}
	}
	return fmt.Errorf("%q is no presence", text)
}

// Activity is the live state of one extension at one moment.
type Activity struct {
	// Ringing and Talking count the calls that are being offered to the extension and those that
	// it is taking part in.
	Ringing, Talking int
	// Reported are those of them that only the PBX tells of.
	Reported int
	Presence Presence
	// Resting: the extension has just let a call from a queue ring out and is not offered another
	// for a moment.
	Resting bool
	// Promised: the extension would be free, but somebody in a queue has waited for it longer.
	Promised bool
	// LastTalk is when its last talk ended; zero for never.
	LastTalk time.Time
}

// Busy reports whether the extension has a call of any kind.
func (a Activity) Busy() bool { return a.Ringing+a.Talking > 0 }

// Turn is a member's last turn in a ring group under round robin: the group's turns are counted,
// and the member with the lowest count is next. It survives restarts and edits of the group.
type Turn struct {
	Group  int64  `json:"group"`
	Number string `json:"number"`
	Count  uint64 `json:"count"`
}

// Talk is when an extension's last talk ended; it survives restarts.
type Talk struct {
	Number string    `json:"number"`
	End    time.Time `json:"end"`
}

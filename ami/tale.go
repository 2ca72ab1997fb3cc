package ami

import (
	"container/list"
	"slices"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// tale is what is known of one call.
type tale struct {
	// ids are its linked ids, that with which it began first.
	ids      []string
	parts    []*part // channels, in the order in which they came
	alive    int     // channels that are not gone
	attempts []*attempt
	stays    []*stay
	rows     []row

	// talked is when two channels first were in one bridge.
	talked    time.Time
	recording string
	crmID     string
	end       time.Time // the latest end of a channel

	place            *list.Element
	due              time.Time
	merged, finished bool
}

// part is a channel's part in a call.
type part struct {
	tale *tale
	id   string
	// name changes when Asterisk puts another channel in this one's place; firstName does not.
	name, firstName string
	// noise is a channel of Asterisk's own, which is nobody's.
	noise              bool
	caller, callerName string
	exten              string // the first one that was dialled
	presented          string // the number that the channel was last given
	start, up, end     time.Time
	rang, gone         bool
	cause              ringside.HangupCause
	bridge             string
	left               time.Time // a bridge
	seen               uint64
	lost               bool // it ended while nobody listened
	handed             bool // an attended transfer gave it to somebody
}

// attempt is an attempt to reach a channel.
type attempt struct {
	caller *part // nil: nobody's, the PBX was told to call
	dest   *part // nil: there was nothing to call
	name   string
	// dialled is what the caller dials, without the technology.
	dialled            string
	start, answer, end time.Time
	result             ringside.DialStatus // empty until it is known
}

// stay is a call's stay somewhere that is nobody's phone, or a transfer.
type stay struct {
	kind               string
	part               *part
	target             string
	start, answer, end time.Time
	result             string
	// by is the channel that answered, whom a blind transfer was about, or whom an attended one led to.
	by       *part
	attended bool
}

func (c *tale) first() *part {
	if len(c.parts) == 0 {
		return nil
	}
	return c.parts[0]
}

func (c *tale) before(o *tale) bool {
	a, b := c.first(), o.first()
	if a == nil || b == nil || a.start.Equal(b.start) {
		return c.ids[0] < o.ids[0]
	}
	return a.start.Before(b.start)
}

// take puts a younger call into this one.
func (c *tale) take(o *tale) {
	c.ids = append(c.ids, o.ids...)
	c.parts = append(c.parts, o.parts...)
	c.alive += o.alive
	c.attempts = append(c.attempts, o.attempts...)
	c.stays = append(c.stays, o.stays...)
	for _, r := range o.rows {
		c.told(r)
	}
	c.talk(o.talked)
	if c.recording == "" {
		c.recording = o.recording
	}
	if c.crmID == "" {
		c.crmID = o.crmID
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

// settle ends what a channel took part in: it is gone, or it has gone on to something else.
func (c *tale) settle(p *part, at time.Time, gone bool) {
	for _, a := range c.attempts {
		ends := a.dest == p || (gone && a.caller == p && !local(p.name) && !a.handed())
		if !ends || !a.end.IsZero() || (!gone && a.answer.IsZero()) {
			continue
		}
		a.end = at
		if !gone && p.left.After(a.answer) {
			a.end = p.left
		}
	}
	if !gone {
		return
	}
	for _, s := range c.stays {
		if (s.part == p || s.by == p) && s.end.IsZero() {
			s.end = at
			if s.kind == ringside.LegQueue && s.result == "" {
				s.result = ringside.StayLeft
			}
		}
	}
}

// resume takes up the talk of who was reached and now talks to somebody whom they did not call: who consulted
// in vain is back with the caller, and who was consulted has taken the call over. What follows on parking is
// that stay's.
func (c *tale) resume(p, with *part) {
	a := c.attemptAt(p)
	if a == nil || a.answer.IsZero() || p.gone || c.stayOf(p, ringside.LegPark) != nil || c.stayOf(with, ringside.LegPark) != nil {
		return
	}
	if called := c.attemptAt(with); called != nil && called.caller == p {
		return
	}
	a.end, p.handed = time.Time{}, with != a.caller
}

// handed reports whether who was reached was given to somebody else, so that the talk outlives the caller.
func (a *attempt) handed() bool { return a.dest != nil && a.dest.handed }

// attemptAt gives the latest attempt to reach a channel.
func (c *tale) attemptAt(p *part) *attempt {
	for _, a := range slices.Backward(c.attempts) {
		if a.dest == p {
			return a
		}
	}
	return nil
}

// tried adds an attempt. One that failed makes room if there are too many.
func (c *tale) tried(a *attempt) {
	if len(c.attempts) >= maxLegs {
		i := slices.IndexFunc(c.attempts, func(a *attempt) bool { return !a.end.IsZero() && a.answer.IsZero() })
		if i < 0 {
			return
		}
		c.attempts = slices.Delete(c.attempts, i, i+1)
	}
	c.attempts = append(c.attempts, a)
}

func (c *tale) stayed(s *stay) {
	if len(c.stays) < maxLegs {
		c.stays = append(c.stays, s)
	}
}

// stayOf gives a channel's latest stay of a kind.
func (c *tale) stayOf(p *part, kind string) *stay {
	for _, s := range slices.Backward(c.stays) {
		if s.part == p && s.kind == kind {
			return s
		}
	}
	return nil
}

// local reports whether a channel is half of a Local channel, which only leads on.
func local(name string) bool { return strings.HasPrefix(name, "Local/") }

// otherHalf is the name of a Local channel's other half.
func otherHalf(name string) string {
	if half, ok := strings.CutSuffix(name, ";1"); ok {
		return half + ";2"
	}
	if half, ok := strings.CutSuffix(name, ";2"); ok {
		return half + ";1"
	}
	return ""
}

// isNoise reports whether a channel is one of those that Asterisk makes for itself.
func isNoise(name string) bool {
	for _, own := range []string{"AsyncGoto/", "Surrogate/", "Announcer/", "Recorder/", "CBAnn/", "CBRec/"} {
		if strings.HasPrefix(name, own) {
			return true
		}
	}
	return strings.Contains(name, "<ZOMBIE>")
}

// maxText is the longest text that is kept of a channel, in bytes.
const maxText = 256

// kept is a value as it is kept: of a sane length, printable, and valid as text.
func kept(b []byte) string {
	s := party(b[:min(len(b), maxText)])
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s), "")
}

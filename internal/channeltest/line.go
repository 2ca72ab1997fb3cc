package channeltest

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// MissingSound is the name of a sound that no fake PBX has.
const MissingSound = "no-such-sound"

// SoundTakes is how long every sound, number and text takes; MessageTakes is how long a caller
// speaks to a mailbox.
const (
	SoundTakes   = 3 * time.Second
	MessageTakes = 10 * time.Second
)

// Line is one call on a fake PBX of any kind, without the PBX's wire: the caller, the phones that
// can be rung for them, and the memory of what they went through. A test sets the fields and acts
// for the caller with Leave and Drop; the fake PBX of a Door watches Gone and Lost, carries out what
// ringside says with Answer, Music, Hear, Voicemail, Set, Shows, End, Continue and Dial (or Ring),
// and takes its time with Reply. All methods may be called by several goroutines.
type Line struct {
	// ID is the PBX's id of the call, Endpoint the trunk that it came from. Caller is empty if withheld.
	ID, Endpoint, Caller, CallerName, Called string
	// PBX has the phones.
	PBX *PBX
	// Slow is how long each of the PBX's replies takes.
	Slow time.Duration
	// Speaks asks for a front end that can speak a text; see Door.Speaks.
	Speaks bool
	// NoMailbox makes every mailbox unusable. LeavesAfterMessage makes the caller hang up after their
	// message, and not stay.
	NoMailbox, LeavesAfterMessage bool

	began time.Time
	gone  chan struct{} // the caller's channel has ended
	lost  chan struct{} // the connection between the PBX and ringside has broken

	mu      sync.Mutex
	end     string
	heard   []string
	phones  []event
	wire    []string
	faults  []string
	vars    map[string]string
	music   string
	shown   string
	legs    []*Leg
	dropped bool
}

type event struct {
	at   time.Time
	what string
}

// NewLine is a call from a trunk that waits for ringside, beside phones.
func NewLine(id string, phones map[string]*Phone) *Line {
	return &Line{
		ID: id, Endpoint: "trunk", Caller: "+79001234567", CallerName: "Anna", Called: "500",
		PBX: &PBX{Phones: phones}, began: time.Now(),
		gone: make(chan struct{}), lost: make(chan struct{}), vars: map[string]string{},
	}
}

// Leave makes the caller hang up.
func (l *Line) Leave() { l.finish("left", true) }

// Drop breaks the connection between the PBX and ringside.
func (l *Line) Drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dropped {
		l.dropped = true
		close(l.lost)
	}
}

func (l *Line) finish(end string, gone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end != "" && l.end != "dialplan" {
		return
	}
	l.end = end
	if gone {
		close(l.gone)
	}
}

// Gone is closed when the caller's channel has ended.
func (l *Line) Gone() <-chan struct{} { return l.gone }

// Lost is closed when the connection has broken.
func (l *Line) Lost() <-chan struct{} { return l.lost }

// Left reports whether the caller's channel has ended.
func (l *Line) Left() bool { return isClosed(l.gone) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Answer notes that the caller's channel is answered, by ringside's word or by itself.
func (l *Line) Answer() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.touched("answered")
	if !slices.Contains(l.heard, "answered") {
		l.heard = append(l.heard, "answered")
	}
}

// Music notes that the caller hears music on hold of a class, or no music any more (empty).
func (l *Line) Music(class string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.touched("music " + class)
	l.music = class
}

// Hear lets the caller hear something to its end: "sound NAME", "number 2", "text TEXT" or, on a PBX
// that has an announcement of its own for it, "position 3". It returns early when the caller leaves,
// the connection breaks or stop is closed, and at once, with false, if there is no such sound.
func (l *Line) Hear(stop <-chan struct{}, what string) bool {
	if what == "sound "+MissingSound {
		return false
	}
	l.mu.Lock()
	l.touched(what)
	l.heard = append(l.heard, what)
	l.mu.Unlock()
	l.pass(stop, SoundTakes)
	return true
}

// pass lets time pass, and reports whether all of it did.
func (l *Line) pass(stop <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.gone:
	case <-l.lost:
	case <-stop:
	}
	return false
}

// Reply lets the time pass that a reply of this PBX takes, and reports whether the connection still
// stands: when it has broken, no reply may be sent.
func (l *Line) Reply() bool {
	if l.Slow > 0 {
		t := time.NewTimer(l.Slow)
		defer t.Stop()
		select {
		case <-t.C:
		case <-l.lost:
		}
	}
	return !isClosed(l.lost)
}

// Voicemail is the PBX's voicemail, which answers, and returns whether the caller has left a message.
func (l *Line) Voicemail(mailbox string) bool {
	if l.NoMailbox {
		return false
	}
	l.Answer()
	if !l.pass(nil, MessageTakes) {
		return false
	}
	l.mu.Lock()
	l.heard = append(l.heard, "message for "+mailbox)
	l.mu.Unlock()
	if l.LeavesAfterMessage {
		l.Leave()
	}
	return true
}

// Set notes a channel variable.
func (l *Line) Set(name, value string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.touched("variable " + name)
	l.vars[name] = value
}

// Shows notes the name that called phones show for the caller.
func (l *Line) Shows(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown = name
}

// End ends the call with a cause, at ringside's word.
func (l *Line) End(cause int) {
	l.mu.Lock()
	l.touched("hang up")
	l.mu.Unlock()
	l.finish("hung up "+strconv.Itoa(cause), true)
}

// Continue gives the call to the PBX's own dialplan, unless it has ended. From now on, everything that
// ringside does to it is a fault.
func (l *Line) Continue() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end == "" {
		l.end = "dialplan"
	}
}

// touched notes a fault if the call is the dialplan's. Mutex held.
func (l *Line) touched(what string) {
	if l.end == "dialplan" && !l.dropped {
		l.faults = append(l.faults, "a call that was the dialplan's again was touched: "+what)
	}
}

// Wire notes what was said on the wire, by either side, for the report of a case that failed and to
// see that nothing is said where nothing may be.
func (l *Line) Wire(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wire = append(l.wire, time.Since(l.began).String()+" "+fmt.Sprintf(format, args...))
}

// Fault notes something that no PBX may be told.
func (l *Line) Fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

package routing

import (
	"time"

	"github.com/ringside-pbx/ringside"
)

// View is what a decision needs to know of the moment: it must not change while Decide runs.
type View interface {
	// Activity tells what an extension is doing.
	Activity(number string) ringside.Activity
	// Turn is the count of the member's last turn in a group; 0 for none yet.
	Turn(group int64, number string) uint64
	// Waiting is how many callers stand in the group's queue.
	Waiting(group int64) int
}

// Detail says how much of a decision is explained.
type Detail int

// The details of an explanation.
const (
	// Silent explains nothing and allocates nothing.
	Silent Detail = iota
	// Looked names the rules that the index led to: what a live call records.
	Looked
	// Full names every rule up to the one that decided, faulty and inactive ones too, and takes
	// time in proportion to their number: what a person asks for.
	Full
)

// Query is one question: who calls what, when, and what has been tried on this call already.
type Query struct {
	Caller, Called ringside.Number
	// Endpoint is the device or trunk that the call comes from. A call from an extension's own
	// device is internal; the caller's number, which a caller can choose, does not count.
	Endpoint string
	// Owner is the extension of the manager who looks after the caller, if the caller is known.
	Owner string
	// At is when the call began: a call keeps its rule although a schedule ends while it rings.
	At time.Time
	// Random is one random number, used by the random strategy.
	Random uint64
	// Tried are the extensions that have been rung on this call.
	Tried []string
	// Spent are the destinations that have been tried to the end on this call.
	Spent []ringside.DestinationKey
	// Detail says how much is to be explained.
	Detail Detail
}

// external reports whether the call comes from outside: from no extension's device.
func (c *Compiled) external(q *Query) bool {
	_, inside := c.extensions[q.Endpoint]
	return !inside
}

// Direction tells where the call comes from and where it goes, as far as the directory knows.
func (c *Compiled) Direction(q Query) ringside.Direction {
	switch {
	case c.external(&q):
		return ringside.Inbound
	case c.extensions[q.Called.Raw] != nil:
		return ringside.Internal
	}
	return ringside.Outbound
}

// Members are the numbers of a group's members, in the order in which they are tried. They must
// not be changed.
func (c *Compiled) Members(group int64) []string {
	if g := c.groups[group]; g != nil {
		return g.numbers
	}
	return nil
}

// Staff are the numbers of a group's members who can be called at all.
func (c *Compiled) Staff(group int64) (numbers []string) {
	if g := c.groups[group]; g != nil {
		for _, m := range g.members {
			if m.off == "" {
				numbers = append(numbers, m.number)
			}
		}
	}
	return numbers
}

// ExtensionName is the name shown for an extension; empty if there is no such extension or name.
func (c *Compiled) ExtensionName(number string) string {
	e := c.extensions[number]
	switch {
	case e == nil:
		return ""
	case e.src.DisplayName != "":
		return e.src.DisplayName
	case e.src.User != nil:
		return e.src.User.FullName
	}
	return ""
}

// Zone is the directory's time zone.
func (c *Compiled) Zone() *time.Location { return c.zone }

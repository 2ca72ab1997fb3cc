package routing

import (
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Replayed tells what a draft would have done with calls that were recorded.
type Replayed struct {
	// Calls is how many calls were replayed.
	Calls int `json:"calls"`
	// Moved are the calls that go elsewhere under the draft, in the order in which they came.
	Moved []ReplayedCall `json:"moved"`
	// Lost are those that reach nobody under the draft, whether or not they did before; LostNow
	// counts those of them that did.
	Lost    []ReplayedCall `json:"lost"`
	LostNow int            `json:"lost_now"`
}

// ReplayedCall is one recorded call with where it goes now and where it would go.
type ReplayedCall struct {
	ID     string    `json:"session_id"`
	Start  time.Time `json:"start_time"`
	Caller string    `json:"caller_id"`
	Called string    `json:"called_number"`
	Now    Place     `json:"now"`
	Draft  Place     `json:"draft"`
}

// Place is where a call goes with everybody free. Of a member whom a group's strategy picks it names
// the group only, so that places can be compared.
type Place struct {
	Action ringside.Outcome `json:"action"`
	Rule   *ringside.Ref    `json:"rule,omitempty"`
	Group  *ringside.Ref    `json:"group,omitempty"`
	Target string           `json:"target,omitempty"`
	// Text is the announcement that is played.
	Text string `json:"text,omitempty"`
	// Nobody: the caller reaches no person, no mailbox and no announcement.
	Nobody bool `json:"nobody,omitempty"`
}

// Replay decides recorded calls once more, each at the time at which it began and with everybody
// free, by the directory in effect and by a draft. now may be nil: then no call goes anywhere yet. A
// caller whom a rule hangs up on in both directories is not lost: that is what the rule is for.
func Replay(now, draft *Compiled, calls []ringside.Call) Replayed {
	r := Replayed{Calls: len(calls), Moved: []ReplayedCall{}, Lost: []ReplayedCall{}}
	for i := range calls {
		c := &calls[i]
		one := ReplayedCall{ID: c.ID, Start: c.Start, Caller: c.Caller, Called: c.Called, Now: now.place(c), Draft: draft.place(c)}
		if !one.Now.same(&one.Draft) {
			r.Moved = append(r.Moved, one)
		}
		if !one.Draft.Nobody || one.Now.Action == ringside.Hangup && one.Draft.Action == ringside.Hangup {
			continue
		}
		r.Lost = append(r.Lost, one)
		if !one.Now.Nobody {
			r.LostNow++
		}
	}
	return r
}

// place decides one recorded call.
func (c *Compiled) place(call *ringside.Call) Place {
	if c == nil {
		return Place{Action: ringside.NotConfigured, Nobody: true}
	}
	q := Query{Caller: c.Number(call.Caller), Called: c.Number(call.Called), Endpoint: call.Endpoint, At: call.Start}
	if q.Endpoint == "" && call.Direction != ringside.Inbound {
		q.Endpoint = call.Caller // records had no endpoint once: who is inside calls from their own device
	}
	if call.Contact != nil {
		q.Owner = call.Contact.Owner
	}
	d := c.Decide(q, allFree{})
	p := Place{Action: d.Action, Rule: d.Rule.Ref(), Group: d.Group.Ref(), Text: d.Announcement}
	if d.TargetType != ringside.TargetGroupMember {
		p.Target = d.Target
	}
	switch d.Action {
	case ringside.Route, ringside.Queue, ringside.Voicemail, ringside.Forward, ringside.Announcement:
	default:
		p.Nobody = true
	}
	return p
}

// same reports whether two places are one: names don't count, ids do.
func (p *Place) same(other *Place) bool {
	id := func(r *ringside.Ref) int64 {
		if r == nil {
			return 0
		}
		return r.ID
	}
	return p.Action == other.Action && id(p.Rule) == id(other.Rule) && id(p.Group) == id(other.Group) &&
		p.Target == other.Target && p.Text == other.Text
}

// String says in words where the call goes.
func (p Place) String() string {
	d := ringside.Decision{Action: p.Action, Target: p.Target, Announcement: p.Text}
	s := ""
	switch {
	case p.Action == ringside.Route && p.Group != nil:
		s = "group " + quote(p.Group.Name)
	case p.Action == ringside.Route:
		s = "ring " + p.Target
	case p.Action == ringside.Queue && p.Group != nil:
		s = "the queue of " + quote(p.Group.Name)
	case p.Action == ringside.NotConfigured:
		s = "no directory"
	default:
		s = outcome(&d)
	}
	switch {
	case p.Rule == nil:
	case p.Rule.Name == "":
		s += " by rule " + strconv.FormatInt(p.Rule.ID, 10)
	default:
		s += " by rule " + quote(p.Rule.Name)
	}
	return s
}

// allFree is a view of a moment in which nobody has a call.
type allFree struct{}

// Activity implements View.
func (allFree) Activity(string) ringside.Activity { return ringside.Activity{} }

// Turn implements View.
func (allFree) Turn(int64, string) uint64 { return 0 }

// Waiting implements View.
func (allFree) Waiting(int64) int { return 0 }

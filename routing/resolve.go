package routing

import (
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// verdict is what became of a destination.
type verdict int

const (
	// usable: the decision stands. The verdicts are ordered from the best to the worst.
	usable verdict = iota
	// exhausted: the destination is sound, but nobody can be reached there now.
	exhausted
	// unusable: the destination is switched off or not allowed for this call.
	unusable
)

// maxOverflows bounds a chain of overflows, so that a loop of them ends.
const maxOverflows = 8

// resolve gives the decision of a destination.
func (d *decider) resolve(to *dest, depth int) (ringside.Decision, verdict) {
	decision, verdict := d.reach(to, depth)
	if verdict == usable && decision.Key == (ringside.DestinationKey{}) {
		decision.Key = to.key()
	}
	return decision, verdict
}

func (d *decider) reach(to *dest, depth int) (ringside.Decision, verdict) {
	switch to.src.Action {
	case ringside.RouteToNumber:
		return d.toNumber(to, ringside.TargetNumber)
	case ringside.RouteToGroup:
		return d.toGroup(to, depth, false)
	case ringside.RouteToQueue:
		return d.toGroup(to, depth, true)
	case ringside.RouteToOwner:
		return d.toOwner(to, depth)
	case ringside.RouteToVoicemail:
		return d.toVoicemail(to)
	}
	if d.spent(to.key()) {
		return ringside.Decision{}, exhausted
	}
	switch to.src.Action {
	case ringside.PlayAnnouncement:
		return ringside.Decision{Action: ringside.Announcement, Announcement: to.src.AnnouncementText}, usable
	case ringside.ForwardExternal:
		if from := d.c.extensions[d.q.Endpoint]; from != nil && !from.makesExternal() {
			d.trace.note("number", false, "extension ", d.q.Endpoint, " may not make external calls")
			return ringside.Decision{}, unusable
		}
		return ringside.Decision{
			Action: ringside.Forward, TargetType: ringside.TargetExternal, Target: to.phone, Timeout: 2 * DefaultRing,
		}, usable
	default: // compilation admits no other action than hangup
		return ringside.Decision{Action: ringside.Hangup, Cause: ringside.CauseRejected}, usable
	}
}

func (d *decider) spent(k ringside.DestinationKey) bool { return slices.Contains(d.q.Spent, k) }

// toNumber rings one extension; when it can't be reached, its voicemail takes over if it has one.
func (d *decider) toNumber(to *dest, as ringside.TargetType) (ringside.Decision, verdict) {
	ext := to.ext
	number := ext.src.Number
	if off := d.barred(ext); off != "" {
		d.trace.member(0, number, false, off)
		return ringside.Decision{}, unusable
	}
	why := ""
	switch a := d.v.Activity(number); {
	case slices.Contains(d.q.Tried, number):
		why = "has been rung on this call"
	case a.Presence == ringside.PresenceUnreachable:
		why = "is not reachable"
	case a.Ringing+a.Talking >= ext.limit():
		why = "is busy"
	}
	if why == "" {
		d.trace.member(0, number, true, "is free")
		return ringside.Decision{Action: ringside.Route, TargetType: as, Target: number, Timeout: DefaultRing}, usable
	}
	d.trace.member(0, number, false, why)
	if account := ext.src.Account; account != nil && account.VoicemailEnabled && as != ringside.TargetOwner {
		key := ringside.DestinationKey{Action: ringside.RouteToVoicemail, Target: number}
		if !d.spent(key) {
			return ringside.Decision{Action: ringside.Voicemail, Target: number, Key: key}, usable
		}
	}
	return ringside.Decision{}, exhausted
}

// barred says why the extension may not be called on this call at all; empty if it may.
func (d *decider) barred(ext *extension) string {
	if ext.off != "" {
		return ext.off
	}
	if d.external && !ext.takesExternal() {
		return "may not receive external calls"
	}
	return ""
}

func (d *decider) toVoicemail(to *dest) (ringside.Decision, verdict) {
	if off := to.ext.mailboxOff(); off != "" {
		d.trace.member(0, to.ext.src.Number, false, off)
		return ringside.Decision{}, unusable
	}
	if d.spent(to.key()) {
		return ringside.Decision{}, exhausted
	}
	return ringside.Decision{Action: ringside.Voicemail, Target: to.ext.src.Number}, usable
}

// toOwner rings the extension of the caller's manager, then goes on with the rule's group. For a
// caller who has no manager who can be called, and without a group, it can't be used.
func (d *decider) toOwner(to *dest, depth int) (ringside.Decision, verdict) {
	reached := unusable
	switch ext := d.c.extensions[d.q.Owner]; {
	case d.q.Owner == "":
		d.trace.note("number", false, "the caller is no known contact with an owner", "", "")
	case ext == nil:
		d.trace.note("number", false, "the contact's owner ", d.q.Owner, " is no extension")
	default:
		var decision ringside.Decision
		if decision, reached = d.toNumber(&ext.self, ringside.TargetOwner); reached == usable {
			return decision, usable
		}
	}
	if to.group == nil {
		return ringside.Decision{}, reached
	}
	decision, verdict := d.toGroup(to, depth, false)
	return decision, min(verdict, reached)
}

// toGroup rings members of the group that are free, lets the caller wait in the group's queue, or
// goes on with its overflow. With queue, the caller waits at once.
func (d *decider) toGroup(to *dest, depth int, queue bool) (ringside.Decision, verdict) {
	g := to.group
	if g.off != "" {
		d.trace.group(g.src, false, g.off)
		return ringside.Decision{}, unusable
	}
	key := ringside.DestinationKey{Action: ringside.RouteToQueue, Group: g.src.ID}
	if d.spent(key) {
		d.trace.group(g.src, false, "the caller has waited there in vain")
		return d.overflow(g, depth)
	}
	waiting := d.v.Waiting(g.src.ID)
	if !queue && waiting == 0 {
		if decision, ok := d.pick(g); ok {
			return decision, usable
		}
	}
	switch {
	case g.src.MaxQueueSize <= 0:
		d.trace.group(g.src, false, "it has no queue")
	case waiting >= g.src.MaxQueueSize:
		d.trace.groupf(g.src, false, "its queue is full: %d of %d", waiting, g.src.MaxQueueSize)
	case !d.hope(g):
		d.trace.group(g.src, false, "nobody in it can come free: nobody waits")
	default:
		d.trace.groupf(g.src, true, "the caller waits: %d before them", waiting)
		return ringside.Decision{
			Action: ringside.Queue, Group: g.src, Key: key,
			Timeout: time.Duration(g.src.QueueTimeout) * time.Second,
		}, usable
	}
	return d.overflow(g, depth)
}

// hope reports whether a member of the group could take the call sooner or later.
func (d *decider) hope(g *group) bool {
	return slices.ContainsFunc(g.members, func(m member) bool {
		return m.off == "" && (!d.external || m.ext.takesExternal()) &&
			d.v.Activity(m.number).Presence != ringside.PresenceUnreachable
	})
}

func (d *decider) overflow(g *group, depth int) (ringside.Decision, verdict) {
	if g.overflow == nil || depth == maxOverflows {
		return ringside.Decision{}, exhausted
	}
	d.trace.group(g.src, true, "its overflow applies")
	decision, verdict := d.resolve(g.overflow, depth+1)
	if verdict != usable {
		return ringside.Decision{}, exhausted
	}
	return decision, usable
}

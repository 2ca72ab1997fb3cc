package routing

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
)

// DefaultRing is how long an extension or an outside number is rung where no group says.
const DefaultRing = 30 * time.Second

// Decide decides where the call goes now. It is pure: the same query on the same view gives the
// same decision, whatever the detail.
//
// Rules are tried by (priority, id); the first one that matches and whose target can be used
// decides. A rule whose group has nobody free lets the caller wait in the group's queue, goes on
// with the group's overflow, then with its own fallback, and is busy at last. If no rule decides,
// an extension of the called number is rung, else the directory's default applies, else the
// outcome is NotFound, which releases the call to the PBX's own dialplan.
func (c *Compiled) Decide(q Query, v View) ringside.Decision {
	d := decider{c: c, q: q, v: v, local: localize(q.At, c.zone), external: c.external(&q), left: c.left}
	if q.Detail != Silent {
		d.trace = &tracer{}
	}
	decision := d.decide()
	if d.trace != nil {
		d.trace.result(&decision)
		decision.Trace = d.trace.steps
	}
	return decision
}

// Serve picks a member of the group for the caller who is first in its queue. It reports false if
// nobody is free.
func (c *Compiled) Serve(groupID int64, q Query, v View) (ringside.Decision, bool) {
	g := c.groups[groupID]
	if g == nil || g.off != "" {
		return ringside.Decision{}, false
	}
	d := decider{c: c, q: q, v: v, external: c.external(&q), serving: true}
	if q.Detail != Silent {
		d.trace = &tracer{}
	}
	decision, ok := d.pick(g)
	if d.trace != nil {
		decision.Trace = d.trace.steps
	}
	return decision, ok
}

// decider is one decision in the making; it lives on the stack.
type decider struct {
	c        *Compiled
	q        Query // a copy: a pointer would drive it to the heap
	v        View
	local    localTime
	external bool
	// serving: a member is sought for the head of a queue, who may also be given to members who
	// have let the call ring out before, after a rest.
	serving bool
	left    []leftOut // rules that are not tried and have not been named yet
	trace   *tracer   // nil unless the decision is to be explained
}

func (d *decider) decide() ringside.Decision {
	for from := int32(0); ; {
		i := d.match(from)
		if i < 0 {
			break
		}
		r := &d.c.rules[i]
		if decision, ok := d.follow(r); ok {
			decision.Rule = r.src
			return decision
		}
		from = i + 1
	}
	if ext := d.c.extensions[d.q.Called.Raw]; ext != nil {
		d.trace.note("number", true, "no rule takes the call, and ", d.q.Called.Raw, " is an extension")
		decision, verdict := d.resolve(&ext.self, 0)
		if verdict == usable {
			if decision.TargetType == ringside.TargetNumber {
				decision.TargetType = ringside.TargetDirect
			}
			return decision
		}
		if verdict == exhausted {
			return busy()
		}
	}
	if d.c.defaults != nil {
		d.trace.note("default", true, "no rule takes the call: the default applies", "", "")
		switch decision, verdict := d.resolve(d.c.defaults, 0); verdict {
		case usable:
			return decision
		case exhausted:
			return busy()
		}
	}
	return ringside.Decision{Action: ringside.NotFound}
}

// follow gives the decision of a rule that matches; false if neither its target nor its fallback
// can be used at all and the search goes on. Whether it goes on is a matter of the directory and of
// who calls, never of who is free just now.
func (d *decider) follow(r *rule) (ringside.Decision, bool) {
	decision, verdict := d.resolve(&r.dest, 0)
	if verdict == usable {
		return decision, true
	}
	if r.fallback != nil {
		d.trace.rule(r.src, true, "its fallback applies")
		decision, v := d.resolve(r.fallback, 0)
		if v == usable {
			return decision, true
		}
		verdict = min(verdict, v)
	}
	if verdict == exhausted {
		return busy(), true
	}
	d.trace.rule(r.src, false, "its target can't be used: the search goes on")
	return ringside.Decision{}, false
}

func busy() ringside.Decision {
	return ringside.Decision{Action: ringside.Busy, Cause: ringside.CauseBusy}
}

// match gives the first rule at or after from that matches, or -1.
func (d *decider) match(from int32) int32 {
	if d.q.Detail == Full {
		return d.matchAll(from)
	}
	called, caller := &d.q.Called, &d.q.Caller
	best := d.search(&d.c.index.called, called.Raw, from, none)
	if called.E164 != called.Raw {
		best = d.search(&d.c.index.called, called.E164, from, best)
	}
	best = d.search(&d.c.index.caller, caller.Raw, from, best)
	if caller.E164 != caller.Raw {
		best = d.search(&d.c.index.caller, caller.E164, from, best)
	}
	best = d.first(d.c.index.general, from, best)
	d.trace.settle(best)
	if best == none {
		return -1
	}
	return best
}

// none is after all rules.
const none = math.MaxInt32

// first gives the first rule of a list that matches and stands at or after from, if it stands
// before best; else best.
func (d *decider) first(list []int32, from, best int32) int32 {
	if from > 0 {
		i, _ := slices.BinarySearch(list, from)
		list = list[i:]
	}
	for _, r := range list {
		if r >= best {
			break
		}
		if d.matches(r) {
			return r
		}
	}
	return best
}

// search is first for the rules that a trie files under the beginnings of s.
func (d *decider) search(t *trie, s string, from, best int32) int32 {
	if s == "" || len(t.lists) == 0 {
		return best
	}
	at := int32(0)
	for i := 0; ; i++ {
		n := &t.nodes[at]
		if n.count > 0 {
			best = d.firstFiled(t.lists[n.first:n.first+n.count], s[i:], from, best)
		}
		if i == len(s) {
			return best
		}
		if at = n.next(s[i]); at == 0 {
			return best
		}
	}
}

// firstFiled is first for entries of which only those go on that s goes on like.
func (d *decider) firstFiled(list []filed, s string, from, best int32) int32 {
	if from > 0 {
		i, _ := slices.BinarySearchFunc(list, from, func(f filed, from int32) int { return cmp.Compare(f.rule, from) })
		list = list[i:]
	}
	ahead := peek(s)
	for i := range list {
		f := &list[i]
		if f.rule >= best {
			break
		}
		if f.goesOn(ahead) && d.matches(f.rule) {
			return f.rule
		}
	}
	return best
}

// matchAll is match without the index: it looks at every rule, so that each can be explained.
func (d *decider) matchAll(from int32) int32 {
	for i := from; i < int32(len(d.c.rules)); i++ {
		for len(d.left) > 0 && order(d.left[0].src, d.c.rules[i].src) < 0 {
			d.nameLeft()
		}
		matched := d.matches(i)
		d.trace.settle(i)
		if matched {
			return i
		}
	}
	for len(d.left) > 0 {
		d.nameLeft()
	}
	return -1
}

func (d *decider) nameLeft() {
	d.trace.rule(d.left[0].src, false, d.left[0].why)
	d.left = d.left[1:]
}

// matches reports whether a rule matches the query.
func (d *decider) matches(i int32) bool {
	r := &d.c.rules[i]
	switch {
	case !r.called.match(d.q.Called):
		if d.trace != nil {
			d.trace.looked(i, r.src, false, "called number "+d.q.Called.String()+" does not match "+r.called.src)
		}
		return false
	case !r.caller.match(d.q.Caller):
		if d.trace != nil {
			d.trace.looked(i, r.src, false, "caller "+spoken(d.q.Caller)+" does not match "+r.caller.src)
		}
		return false
	case r.when != nil && !r.when.open(d.localFor(r.when), d.c.holidays):
		if d.trace != nil {
			d.trace.looked(i, r.src, false, r.when.why(d.localFor(r.when), d.c.holidays))
		}
		return false
	}
	if d.trace != nil {
		d.trace.looked(i, r.src, true, d.whyMatched(r))
	}
	return true
}

func (d *decider) localFor(s *schedule) localTime {
	if s.zone != nil && s.zone != d.c.zone {
		return localize(d.q.At, s.zone)
	}
	return d.local
}

func (d *decider) whyMatched(r *rule) string {
	why := ""
	and := func(s string) {
		if why != "" {
			why += ", "
		}
		why += s
	}
	if r.caller != nil {
		and("caller " + spoken(d.q.Caller) + " matches " + r.caller.src)
	}
	if r.called != nil {
		and("called number " + d.q.Called.String() + " matches " + r.called.src)
	}
	if r.when != nil {
		and(r.when.why(d.localFor(r.when), d.c.holidays))
	}
	if why == "" {
		why = "matches every call"
	}
	return why
}

func spoken(n ringside.Number) string {
	if n.Raw == "" {
		return "(withheld)"
	}
	return n.String()
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d/time.Second)) + " s" }

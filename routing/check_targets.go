package routing

import (
	"slices"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// groups finds groups in which nobody can be called.
func (k *checker) groups() {
	for i := range k.c.doc.Groups {
		g := k.c.groups[k.c.doc.Groups[i].ID]
		if g.src != &k.c.doc.Groups[i] || g.off != "" {
			continue
		}
		able := func(m member) bool { return m.off == "" }
		fromOutside := func(m member) bool { return m.off == "" && m.ext.takesExternal() }
		switch {
		case len(g.members) == 0:
			k.group("empty-group", i, "members", "it has no members", "add some, or make the group inactive")
		case !slices.ContainsFunc(g.members, able):
			k.group("empty-group", i, "members", "none of its members can be called: "+reasons(g.members), "")
		case !slices.ContainsFunc(g.members, fromOutside):
			k.group("internal-group", i, "members", "none of its members may receive external calls",
				"set can_receive_external_calls in their accounts")
		}
	}
}

// reasons tells why the first few members can't be called.
func reasons(members []member) string {
	var why []string
	for _, m := range members[:min(3, len(members))] {
		why = append(why, m.number+" "+m.off)
	}
	if len(members) > 3 {
		why = append(why, "…")
	}
	return strings.Join(why, ", ")
}

// targets finds destinations that can't be used.
func (k *checker) targets() {
	names := map[string]int{}
	for i := range k.c.doc.Groups {
		names[k.c.doc.Groups[i].Name]++
	}
	for i := range k.c.rules {
		r := &k.c.rules[i]
		k.target(&r.dest, names, func(code, field, text, hint string) { k.rule(code, r.src, field, text, hint) })
		if r.fallback != nil {
			k.target(r.fallback, names, func(code, field, text, hint string) {
				k.rule(code, r.src, "fallback."+field, text, hint)
			})
		}
	}
	for i := range k.c.doc.Groups {
		g := k.c.groups[k.c.doc.Groups[i].ID]
		if g.src == &k.c.doc.Groups[i] && g.off == "" && g.overflow != nil {
			k.target(g.overflow, names, func(code, field, text, hint string) {
				k.group(code, i, "overflow."+field, text, hint)
			})
		}
	}
	if k.c.defaults != nil {
		k.target(k.c.defaults, names, func(code, field, text, hint string) {
			k.add(ringside.Problem{Code: code, Path: "defaults." + field, Text: text, Hint: hint})
		})
	}
}

func (k *checker) target(d *dest, names map[string]int, report func(code, field, text, hint string)) {
	const unusable = "unusable-target"
	if ref := d.src.TargetGroup; d.group != nil && ref.ID == 0 && names[ref.Name] > 1 {
		report("ambiguous-group", "target_group", "several groups are called "+quote(ref.Name)+": the first one is meant", "name the group by its id")
	}
	switch a := d.src.Action; {
	case d.group != nil && d.group.off != "":
		report(unusable, "target_group", "the group "+quote(d.group.src.Name)+" "+d.group.off, "")
	case a == ringside.RouteToQueue && d.group.src.MaxQueueSize <= 0:
		report(unusable, "target_group", "nobody can wait in the group "+quote(d.group.src.Name)+": its max_queue_size is 0",
			"use route_to_group, or give the group a queue")
	case a == ringside.RouteToOwner && d.group == nil:
		report(unusable, "target_group", "a caller who has no owner is not taken, and one whose owner does not answer finds the line busy",
			"give a target_group for them")
	case a == ringside.RouteToVoicemail && d.ext.mailboxOff() != "":
		report(unusable, "target_number", "extension "+d.ext.src.Number+" "+d.ext.mailboxOff(), "")
	case a == ringside.RouteToNumber && d.ext.off != "":
		report(unusable, "target_number", "extension "+d.ext.src.Number+" "+d.ext.off, "")
	case a == ringside.RouteToNumber && !d.ext.takesExternal():
		report(unusable, "target_number", "extension "+d.ext.src.Number+" may not receive external calls: only colleagues get through",
			"set can_receive_external_calls in its account")
	}
}

// origin is where a call comes from.
type origin int

const (
	outside origin = iota
	inside
	origins
)

// takes reports whether a destination takes every call from the origin, be it that nobody is free:
// it is never passed over.
func (k *checker) takes(d *dest, from origin) bool {
	switch d.src.Action {
	case ringside.RouteToNumber:
		return d.ext.off == "" && (from == inside || d.ext.takesExternal())
	case ringside.RouteToVoicemail:
		return d.ext.mailboxOff() == ""
	case ringside.RouteToGroup, ringside.RouteToQueue, ringside.RouteToOwner:
		return d.group != nil && d.group.off == ""
	case ringside.ForwardExternal:
		return from == outside || k.allDialOut
	}
	return true
}

func (k *checker) ruleTakes(r *rule, from origin) bool {
	return k.takes(&r.dest, from) || r.fallback != nil && k.takes(r.fallback, from)
}

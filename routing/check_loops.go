package routing

import (
	"strings"

	"github.com/ringside-pbx/ringside"
)

// loops finds overflows that lead in a circle and fallbacks that lead back.
func (k *checker) loops() {
	const (
		unseen = iota
		onPath
		done
	)
	seen := make(map[*group]int, len(k.c.groups))
	for i := range k.c.doc.Groups {
		var path []*group
		g := k.c.groups[k.c.doc.Groups[i].ID]
		for ; g != nil && g.off == "" && seen[g] == unseen; g = overflowGroup(g) {
			seen[g] = onPath
			path = append(path, g)
		}
		if g != nil && seen[g] == onPath {
			k.circle(path, g)
		}
		for _, g := range path {
			seen[g] = done
		}
	}
	for i := range k.c.rules {
		r := &k.c.rules[i]
		if r.fallback != nil && sameTarget(&r.dest, r.fallback) {
			k.rule("loop", r.src, "fallback", "its fallback leads to where the call could not be taken", "give another destination, or none")
		}
	}
}

func overflowGroup(g *group) *group {
	if g.overflow == nil {
		return nil
	}
	return g.overflow.group
}

// circle reports the end of a path that leads back to one of its groups, at the circle's first
// group in the document.
func (k *checker) circle(path []*group, back *group) {
	var names []string
	inCircle := map[*ringside.RingGroup]bool{}
	for _, g := range path {
		if g == back || len(names) > 0 {
			inCircle[g.src] = true
			if len(names) < 10 {
				names = append(names, quote(g.src.Name))
			}
		}
	}
	if len(inCircle) > len(names) {
		names = append(names, "…")
	}
	names = append(names, quote(back.src.Name))
	for i := range k.c.doc.Groups {
		if inCircle[&k.c.doc.Groups[i]] {
			k.group("loop", i, "overflow", "overflows lead in a circle: "+strings.Join(names, " → "),
				"let one of them lead to a voicemail or an announcement")
			return
		}
	}
}

// sameTarget reports whether two destinations are one.
func sameTarget(a, b *dest) bool {
	if a.group != nil || b.group != nil {
		return a.group == b.group
	}
	return a.src.Action == b.src.Action && a.key() == b.key() && a.src.Action != ringside.HangUp
}

package routing

import (
	"slices"

	"github.com/ringside-pbx/ringside"
)

// Check finds what a directory's author probably did not mean, though all of it can be carried out:
// groups in which nobody can be called. What is faulty is reported by Compile and not again.
func Check(c *Compiled) []ringside.Problem {
	k := &checker{c: c}
	k.emptyGroups()
	return k.problems
}

// checker is a check in the making.
type checker struct {
	c        *Compiled
	problems []ringside.Problem
}

func (k *checker) emptyGroups() {
	for i := range k.c.doc.Groups {
		src := &k.c.doc.Groups[i]
		g := k.c.groups[src.ID]
		if g.src != src || g.off != "" || slices.ContainsFunc(g.members, callable) {
			continue
		}
		text := "none of its members can ever be called"
		if len(g.members) == 0 {
			text = "it has no members"
		}
		k.problems = append(k.problems, ringside.Problem{
			Severity: ringside.Doubtful, Code: "empty-group", Kind: "group", ID: src.ID, Name: src.Name,
			Field: "members", Path: index1("groups", i) + ".members",
			Text: text, Hint: "add an extension that is active, or make the group inactive",
		})
	}
}

// callable reports whether a member could ever be called.
func callable(m member) bool { return m.off == "" }

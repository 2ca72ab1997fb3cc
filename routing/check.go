package routing

import (
	"fmt"

	"github.com/ringside-pbx/ringside"
)

// Check finds what a directory's author probably did not mean, though all of it can be carried out.
// What is faulty is reported by Compile and not again. The codes are
//
//   - shadowed: a rule that gets no call, because earlier rules take all that it matches;
//   - never-matches: a pattern that no number matches, a time that never comes;
//   - empty-group, internal-group: a group in which nobody can ever be called, or nobody from outside;
//   - unusable-target: a rule, an overflow or the default leads to what can't be used;
//   - ambiguous-group: a group is named by a name that several have;
//   - loop: overflows lead in a circle, or a fallback to where the call comes from;
//   - uncovered-hours: a called number has rules, but for some hours of the week it has none;
//   - check-incomplete: the directory is too large for some of this to be looked at.
//
// A finding is proven, never guessed: see language.covers and shadows for what can be. Check takes
// time about in proportion to the number of rules, has an upper bound, and is pure.
func Check(c *Compiled) []ringside.Problem {
	k := newChecker(c)
	k.groups()
	k.targets()
	k.loops()
	k.conditions()
	k.shadows()
	k.hours()
	return k.finish()
}

// Limits of a check.
const (
	// maxFindings is how many findings of one kind are listed.
	maxFindings = 500
	// maxLooks is how many times a rule may be held against a number or another rule.
	maxLooks = 2_000_000
	// maxWork bounds the comparison of patterns; it is about a second's.
	maxWork = 50_000_000
	// maxMoments bounds the calendars of all conditions together, in moments.
	maxMoments = 20_000_000
)

// checker is a check in the making.
type checker struct {
	c        *Compiled
	place    map[*ringside.Rule]int // in the document
	problems []ringside.Problem
	found    map[string]int // how many problems of a code
	// cut says of which codes not all was looked for.
	cut   map[string]bool
	looks int
	work  int

	// allDialOut: every extension may make external calls.
	allDialOut bool
	languages  map[*pattern]*language
	times      *timetable
}

func newChecker(c *Compiled) *checker {
	k := &checker{
		c: c, work: maxWork, place: make(map[*ringside.Rule]int, len(c.doc.Rules)),
		found: map[string]int{}, cut: map[string]bool{}, languages: map[*pattern]*language{},
	}
	for i := range c.doc.Rules {
		k.place[&c.doc.Rules[i]] = i
	}
	k.times = newTimetable(c)
	if k.times.cut {
		for _, code := range []string{"shadowed", "never-matches", "uncovered-hours"} {
			k.cut[code] = true
		}
	}
	k.allDialOut = true
	for _, e := range c.extensions {
		k.allDialOut = k.allDialOut && e.makesExternal()
	}
	return k
}

// language gives a pattern's language, made once.
func (k *checker) language(p *pattern) *language {
	l := k.languages[p]
	if l == nil {
		l = newLanguage(p, &k.work)
		k.languages[p] = l
	}
	return l
}

// look counts one more comparison; false when there were too many.
func (k *checker) look() bool {
	k.looks++
	return k.looks <= maxLooks
}

func (k *checker) add(p ringside.Problem) {
	p.Severity = ringside.Doubtful
	if k.found[p.Code]++; k.found[p.Code] <= maxFindings {
		k.problems = append(k.problems, p)
	}
}

// rule reports something on a rule's field.
func (k *checker) rule(code string, r *ringside.Rule, field, text, hint string) {
	k.add(ringside.Problem{
		Code: code, Kind: "rule", ID: r.ID, Name: r.Name, Field: field,
		Path: index1("rules", k.place[r]) + "." + field, Text: text, Hint: hint,
	})
}

// group reports something on a group's field; i is its place in the document.
func (k *checker) group(code string, i int, field, text, hint string) {
	g := &k.c.doc.Groups[i]
	k.add(ringside.Problem{
		Code: code, Kind: "group", ID: g.ID, Name: g.Name, Field: field,
		Path: index1("groups", i) + "." + field, Text: text, Hint: hint,
	})
}

// finish tells of what was left out.
func (k *checker) finish() []ringside.Problem {
	if k.work <= 0 {
		k.cut["never-matches"], k.cut["shadowed"] = true, true
	}
	for _, code := range []string{
		"empty-group", "internal-group", "unusable-target", "ambiguous-group", "loop", "never-matches", "shadowed", "uncovered-hours",
	} {
		if more := k.found[code] - maxFindings; more > 0 {
			k.problems = append(k.problems, ringside.Problem{
				Severity: ringside.Doubtful, Code: code, Text: fmt.Sprintf("and %d more of this kind", more),
			})
		}
		if k.cut[code] {
			k.problems = append(k.problems, ringside.Problem{
				Severity: ringside.Doubtful, Code: "check-incomplete",
				Text: "the directory is too large to look for all of this kind: " + code,
			})
		}
	}
	return k.problems
}

// who names a rule within a sentence.
func who(r *ringside.Rule) string {
	if r.Name == "" {
		return fmt.Sprintf("rule %d", r.ID)
	}
	return fmt.Sprintf("rule %d %s", r.ID, quote(r.Name))
}

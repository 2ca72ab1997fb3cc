package routing

import (
	"slices"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// language is the set of numbers that a pattern matches, in the plainest form that holds it.
type language struct {
	p    *pattern
	kind languageKind
	// texts are the words, or the beginnings.
	texts []string
	auto  *automaton
	// example is a number that is matched, if there is one: what covers the language matches it.
	example string
	// void: no number is matched. strange: none that is made of the characters of numbers. long:
	// none as short as numbers are.
	void, strange, long bool
	work                *int // for automatons
}

type languageKind int

const (
	beginsWith languageKind = iota // all that begins with one of the texts
	isOne                          // the texts
	regular                        // what the automaton says
	unknown                        // an automaton can't say
)

func newLanguage(p *pattern, work *int) *language {
	l := &language{p: p, work: work}
	switch {
	case p == nil:
		l.texts = []string{""}
	case p.literal:
		l.texts = p.prefixes
	case p.exact:
		l.kind, l.texts = isOne, p.prefixes
	default:
		l.kind = regular
		if l.automaton() == nil {
			l.kind = unknown
		}
	}
	l.find()
	return l
}

// find looks for an example.
func (l *language) find() {
	switch l.kind {
	case beginsWith, isOne:
		l.long, l.strange = true, true
		for _, t := range l.texts {
			if len(t) > ringside.MaxNumber {
				continue
			}
			if odd := strings.ContainsFunc(t, neverInNumbers); l.long || l.strange && !odd {
				l.long, l.strange, l.example = false, odd, t
			}
		}
		l.strange = l.strange && !l.long
		l.void = l.long
	case regular:
		var found, known bool
		if l.example, found, known = l.auto.shortest(usual(), ringside.MaxNumber); found || !known {
			if !known {
				l.kind = unknown
			}
			return
		}
		if l.example, found, known = l.auto.shortest(written(), ringside.MaxNumber); found {
			l.strange = true
			return
		}
		l.void = known
		if !known {
			l.kind = unknown
		}
	}
}

func neverInNumbers(r rune) bool {
	return !slices.ContainsFunc(usual(), func(s runeSpan) bool { return r >= s.from && r <= s.to })
}

// automaton makes the automaton when it is first needed; nil if there can be none.
func (l *language) automaton() *automaton {
	if l.auto == nil && l.kind != unknown {
		l.auto = newAutomaton(l.p, l.work)
	}
	return l.auto
}

func (l *language) matches(text string) bool { return l.p == nil || l.p.matchText(text) }

// covers reports whether every number that other matches is matched by l, too. It never says so
// wrongly; it does not say so of patterns with word borders or lines, and of some that are very
// large. A number has two forms, as received and E.164, and a pattern matches if it matches one of
// them: what covers all texts covers both.
func (l *language) covers(other *language) bool {
	switch {
	case l.p == other.p || l.p == nil:
		return true
	case other.kind == isOne:
		return !slices.ContainsFunc(other.texts, func(t string) bool { return !l.matches(t) })
	case other.kind == unknown || l.kind == unknown || !l.matches(other.example):
		return false
	case other.kind == beginsWith && l.kind == beginsWith:
		return !slices.ContainsFunc(other.texts, func(t string) bool {
			return !slices.ContainsFunc(l.texts, func(b string) bool { return strings.HasPrefix(t, b) })
		})
	case other.kind == beginsWith && l.kind == isOne:
		return false
	}
	a, b := l.automaton(), other.automaton()
	return a != nil && b != nil && a.covers(b)
}

package routing

import (
	"slices"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// conditions finds patterns that no number matches and times that never come.
func (k *checker) conditions() {
	const code = "never-matches"
	for i := range k.c.rules {
		r := &k.c.rules[i]
		k.reachable(r.src, "caller_id_pattern", r.caller)
		k.reachable(r.src, "called_number_pattern", r.called)
		if k.times.of[r.when].never {
			k.rule(code, r.src, "time_condition", "it never holds: no day and time fits "+quote(r.src.TimeCondition), "put a semicolon between two conditions of which either may hold")
		}
	}
}

func (k *checker) reachable(r *ringside.Rule, field string, p *pattern) {
	l := k.language(p)
	text := "no number matches the pattern "
	hint := ""
	switch {
	case l.strange:
		text = "no number has the characters that match the pattern "
		if mended := strings.ReplaceAll(p.src, `\\`, `\`); mended != p.src {
			hint = "did you mean " + mended + "? In a pattern one backslash is enough"
		} else if trimmed := strings.Trim(p.src, `/"'`); trimmed != p.src {
			hint = "did you mean " + trimmed + "?"
		}
	case l.long:
		text = "no number is long enough for the pattern "
	case !l.void:
		return
	}
	k.rule("never-matches", r, field, text+quote(p.src), hint)
}

// never reports whether the rule can match nothing, for what conditions has reported.
func (k *checker) never(r *rule) bool {
	caller, called := k.language(r.caller), k.language(r.called)
	return caller.void || called.void || caller.strange || called.strange || k.times.of[r.when].never
}

// shadows finds rules that get no call. A rule is one if earlier rules whose patterns both cover
// its own, and which take every call, are together open whenever it is. So it is never said
// wrongly, and always where both patterns of the rule begin with, or are, one number each and the
// others are such, too. It is not said of a rule whose numbers are shared out among several
// earlier ones, or whose times are in another zone than theirs.
func (k *checker) shadows() {
	s := newShadows(k)
	for i := range k.c.rules {
		r := &k.c.rules[i]
		if k.never(r) {
			continue
		}
		at := s.at[i]
		by, shadowed := s.covered(at, k.times.of[r.when], outside)
		if shadowed {
			_, shadowed = s.covered(at, k.times.of[r.when], inside)
		}
		if shadowed {
			k.rule("shadowed", r.src, "priority", s.text(by), "give it a lower priority number, or remove it")
			continue // those who take its calls are known already
		}
		for from := range origins {
			if k.ruleTakes(r, from) {
				s.pairs[at].cover[from].add(int32(i), k.times.of[r.when])
			}
		}
	}
}

// shadows are the rules before the one that is looked at, put together by their patterns and zone.
type shadows struct {
	k     *checker
	pairs []patternPair
	at    []int32 // the pair of each rule
	rules []rule  // the pairs as rules without a target, for the index
	index index
}

// patternPair are the patterns and the time zone that some rules have in common.
type patternPair struct {
	caller, called *language
	// by are the pairs that cover this one; nil until asked for.
	by    []int32
	cover [origins]cover
}

// known reports whether both patterns can be compared. The others are not even tried on numbers:
// a directory of very many large expressions would take long to compile.
func (p *patternPair) known() bool { return p.caller.kind != unknown && p.called.kind != unknown }

// cover is when some rules that take every call are open.
type cover struct {
	always int32 // a rule that is always open, plus one
	rules  []int32
	times  []*hours
	open   moments
}

// manyTimes is from how many conditions on a cover keeps their sum.
const manyTimes = 4

func (c *cover) add(rule int32, h *hours) {
	switch {
	case c.always > 0:
	case h.always:
		*c = cover{always: rule + 1}
	case h.open != nil && !slices.Contains(c.times[:min(len(c.times), 2*manyTimes)], h):
		c.rules, c.times = append(c.rules, rule), append(c.times, h)
		if c.open != nil {
			c.open.with(h.open)
		} else if len(c.times) > manyTimes {
			c.open = make(moments, len(h.open))
			for _, t := range c.times {
				c.open.with(t.open)
			}
		}
	}
}

func newShadows(k *checker) *shadows {
	type key struct {
		caller, called *pattern
		zone           string
	}
	s := &shadows{k: k, at: make([]int32, len(k.c.rules))}
	ids := map[key]int32{}
	for i := range k.c.rules {
		r := &k.c.rules[i]
		of := key{r.caller, r.called, k.times.of[r.when].zone}
		id, ok := ids[of]
		if !ok {
			id = int32(len(s.pairs))
			ids[of] = id
			s.pairs = append(s.pairs, patternPair{caller: k.language(r.caller), called: k.language(r.called)})
			s.rules = append(s.rules, rule{caller: r.caller, called: r.called, when: r.when})
		}
		s.at[i] = id
	}
	s.index = buildIndex(s.rules)
	return s
}

// covering gives the pairs whose patterns cover those of a pair, itself included. Whatever covers
// a language matches its example, so the index leads to them.
func (s *shadows) covering(at int32) []int32 {
	p := &s.pairs[at]
	if p.by != nil {
		return p.by
	}
	if !p.known() {
		p.by = []int32{at}
		return p.by
	}
	s.index.lead(p.called.example, p.caller.example, func(i int32) bool {
		other := &s.pairs[i]
		if !s.k.look() {
			s.k.cut["shadowed"] = true
			return false
		}
		if i == at || other.known() && other.called.matches(p.called.example) && other.caller.matches(p.caller.example) &&
			other.called.covers(p.called) && other.caller.covers(p.caller) {
			p.by = append(p.by, i)
		}
		return true
	})
	if p.by == nil {
		p.by = []int32{at}
	}
	return p.by
}

// covered reports whether rules that were added take all calls of a pair at the given hours, and
// names them.
func (s *shadows) covered(at int32, h *hours, from origin) (by []int32, ok bool) {
	var rest moments
	zone := s.k.times.of[s.rules[at].when].zone
	for _, i := range s.covering(at) {
		c := &s.pairs[i].cover[from]
		if c.always > 0 {
			return []int32{c.always - 1}, true
		}
		if h.open == nil || len(c.times) == 0 || s.k.times.of[s.rules[i].when].zone != zone {
			continue
		}
		if rest == nil {
			rest = slices.Clone(h.open)
		}
		if c.open != nil {
			rest.without(c.open)
		} else {
			for _, t := range c.times {
				rest.without(t.open)
			}
		}
	}
	if rest == nil || !rest.empty() {
		return nil, false
	}
	return s.name(at, h, from, zone), true
}

// name gives the rules that together take all calls, as few as it finds easily.
func (s *shadows) name(at int32, h *hours, from origin, zone string) (by []int32) {
	if s.k.found["shadowed"] >= maxFindings {
		return nil // it will not be told
	}
	each := func(yield func(rule int32, open moments) bool) {
		for _, i := range s.covering(at) {
			c := &s.pairs[i].cover[from]
			if s.k.times.of[s.rules[i].when].zone != zone {
				continue
			}
			for j, t := range c.times {
				if !yield(c.rules[j], t.open) {
					return
				}
			}
		}
	}
	for rule, open := range each {
		if h.open.within(open) {
			return []int32{rule}
		}
	}
	rest := slices.Clone(h.open)
	for rule, open := range each {
		if rest.meets(open) {
			rest.without(open)
			by = append(by, rule)
		}
		if rest.empty() {
			break
		}
	}
	return by
}

func (s *shadows) text(by []int32) string {
	if len(by) == 0 {
		return "it gets no call"
	}
	slices.Sort(by)
	const named = 3
	var names []string
	for _, i := range by[:min(named, len(by))] {
		names = append(names, who(s.k.c.rules[i].src))
	}
	if len(by) > named {
		names = append(names, "others")
	}
	if len(by) == 1 {
		return "it gets no call: " + names[0] + " comes first and takes all of them"
	}
	return "it gets no call: " + strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " come first and take all of them"
}

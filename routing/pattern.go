package routing

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/ringside-pbx/ringside"
)

// maxPattern bounds a pattern's length in bytes, maxSize the states that its repetitions unfold to,
// which bounds the time of a match, and maxPrefixes the literal beginnings kept for it.
const (
	maxPattern  = 256
	maxSize     = 300
	maxPrefixes = 16
)

// pattern is a regular expression that is anchored at its start only, as the CRM's are
// (Python's re.match). The expression is compiled when it is first needed: most rules of a large
// directory are passed over by their literal beginning for their whole life.
type pattern struct {
	src string
	// prefixes are literal beginnings: what matches begins with one of them. Nil: none is known.
	prefixes []string
	// literal: what begins with one of the prefixes matches. exact: what is one of them matches, and
	// nothing else does. In both cases the expression need not run.
	literal, exact bool
	compiled       atomic.Pointer[regexp.Regexp]
}

// errSize refuses a pattern whose match could take long.
var errSize = errors.New("its repetitions come to more than " + strconv.Itoa(maxSize) + " characters")

// compilePattern checks and analyses a pattern. Blank gives nil, which matches everything.
func compilePattern(src string) (*pattern, error) {
	if src == "" {
		return nil, nil
	}
	if len(src) > maxPattern {
		return nil, fmt.Errorf("is %d bytes long, more than %d", len(src), maxPattern)
	}
	tree, err := syntax.Parse(src, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if size(tree) > maxSize {
		return nil, errSize
	}
	if strings.Contains(src, `\Q`) {
		// What is quoted to the end would quote what expression puts behind it, too.
		src = tree.String()
	}
	p := &pattern{src: src}
	tree = tree.Simplify()
	if p.prefixes = words(tree); p.prefixes != nil {
		p.exact = true
		return p, nil
	}
	p.prefixes, p.literal = beginnings(tree)
	return p, nil
}

// words gives the numbers that an expression such as ^10[01]$ matches; nil if they are not a few
// words.
func words(tree *syntax.Regexp) []string {
	if tree.Op != syntax.OpConcat || tree.Sub[len(tree.Sub)-1].Op != syntax.OpEndText {
		return nil
	}
	subs := tree.Sub[:len(tree.Sub)-1]
	if len(subs) > 0 && subs[0].Op == syntax.OpBeginText {
		subs = subs[1:]
	}
	if slices.ContainsFunc(subs, hasBegin) {
		return nil
	}
	set, exact, _ := walkConcat(subs)
	if !exact || slices.Contains(set, "") {
		return nil
	}
	return set
}

// size is about how many states an expression unfolds to.
func size(re *syntax.Regexp) int {
	n := 1
	switch {
	case re.Op == syntax.OpLiteral:
		n = len(re.Rune)
	case len(re.Sub) > 0:
		n = 0
	}
	for _, sub := range re.Sub {
		n += size(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, 1<<20) // far from what would overflow
}

// match reports whether one form of the number matches; a nil pattern matches all.
func (p *pattern) match(n ringside.Number) bool {
	return p == nil || p.matchText(n.Raw) || (n.E164 != "" && n.E164 != n.Raw && p.matchText(n.E164))
}

// matchText looks at no more of a text than a number can be long, whoever cut it or did not.
func (p *pattern) matchText(s string) bool {
	if len(s) > ringside.MaxNumber {
		s = s[:ringside.MaxNumber]
	}
	if p.exact {
		return slices.Contains(p.prefixes, s)
	}
	if p.prefixes != nil {
		if !slices.ContainsFunc(p.prefixes, func(b string) bool { return strings.HasPrefix(s, b) }) {
			return false
		}
		if p.literal {
			return true
		}
	}
	return p.expression().MatchString(s)
}

func (p *pattern) expression() *regexp.Regexp {
	re := p.compiled.Load()
	if re == nil {
		// The pattern was parsed when the directory was compiled, so this can't fail.
		re = regexp.MustCompile(`\A(?:` + p.src + `)`)
		p.compiled.Store(re)
	}
	return re
}

// beginnings gives the literal beginnings of an expression and whether they are all there is to
// it: whatever begins with one of them is matched. Nil if there are none, or too many.
func beginnings(tree *syntax.Regexp) (prefixes []string, literal bool) {
	if tree.Op == syntax.OpConcat && tree.Sub[0].Op == syntax.OpBeginText {
		tree = &syntax.Regexp{Op: syntax.OpConcat, Sub: tree.Sub[1:]}
	}
	if hasBegin(tree) { // a "^" elsewhere: leave it to the expression
		return nil, false
	}
	set, _, whole := walk(tree)
	if len(set) == 0 || slices.Contains(set, "") {
		return nil, false
	}
	return set, whole
}

func hasBegin(re *syntax.Regexp) bool {
	return re.Op == syntax.OpBeginText || slices.ContainsFunc(re.Sub, hasBegin)
}

// walk returns texts such that everything that re matches begins with one of them. exact says
// that re matches those texts and no others, so that what follows re continues them; whole says
// that re matches as soon as one of them is there.
func walk(re *syntax.Regexp) (set []string, exact, whole bool) {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return []string{""}, true, true
	case syntax.OpLiteral:
		// Bytes that are no UTF-8 are matched by U+FFFD, which is spelled otherwise.
		if re.Flags&syntax.FoldCase == 0 && !slices.Contains(re.Rune, utf8.RuneError) {
			return []string{string(re.Rune)}, true, true
		}
	case syntax.OpCharClass:
		if set := classTexts(re.Rune); set != nil {
			return set, true, true
		}
	case syntax.OpCapture:
		return walk(re.Sub[0])
	case syntax.OpPlus:
		set, _, whole = walk(re.Sub[0])
		return set, false, whole
	case syntax.OpQuest:
		if set, exact, _ := walk(re.Sub[0]); exact && len(set) < maxPrefixes {
			return append(set, ""), true, true
		}
		return []string{""}, false, true
	case syntax.OpStar:
		return []string{""}, false, true
	case syntax.OpAlternate:
		exact, whole = true, true
		for _, sub := range re.Sub {
			s, e, w := walk(sub)
			if set = append(set, s...); len(set) > maxPrefixes {
				return []string{""}, false, false
			}
			exact, whole = exact && e, whole && w
		}
		return set, exact, whole
	case syntax.OpConcat:
		return walkConcat(re.Sub)
	}
	return []string{""}, false, false
}

func walkConcat(subs []*syntax.Regexp) (set []string, exact, whole bool) {
	set, exact, whole = []string{""}, true, true
	for _, sub := range subs {
		s, e, w := walk(sub)
		if !exact {
			// The texts can't be continued any more; they are all there is if the rest may be empty.
			whole = whole && w && slices.Contains(s, "")
			continue
		}
		if len(set)*len(s) > maxPrefixes {
			return set, false, false
		}
		var next []string
		for _, a := range set {
			for _, b := range s {
				next = append(next, a+b)
			}
		}
		set, exact, whole = next, e, w
	}
	return set, exact, whole
}

// classTexts gives the members of a small character class.
func classTexts(ranges []rune) (set []string) {
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if r == utf8.RuneError {
				return nil
			}
			if set = append(set, string(r)); len(set) > maxPrefixes {
				return nil
			}
		}
	}
	return set
}

// patternHint says how to mend a pattern that Go's RE2 does not take.
func patternHint(src string, err error) string {
	switch {
	case strings.HasPrefix(strings.TrimPrefix(src, "^"), "+"):
		return `a plus sign is written \+`
	case strings.HasPrefix(src, "*") || strings.HasPrefix(src, "^*"):
		return `a star is written \*`
	case strings.Contains(src, "(?=") || strings.Contains(src, "(?!") || strings.Contains(src, "(?<"):
		return "look-around is not supported (RE2): use two rules, the exception first"
	case strings.Contains(err.Error(), "escape sequence"):
		return `back-references and \Z are not supported (RE2): use $ for the end`
	case errors.Is(err, errSize):
		return "a number has at most " + strconv.Itoa(ringside.MaxNumber) + " characters: there is no need to count further"
	case len(src) > maxPattern:
		return "split the rule in two"
	}
	return "the syntax is RE2's: https://github.com/google/re2/wiki/Syntax"
}

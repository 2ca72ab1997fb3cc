package plan

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// errBacktracks refuses a pattern with which a caller could keep FreeSWITCH busy: PCRE tries every way to part a
// text among repetitions, RE2 does not.
var errBacktracks = errors.New("repetitions within repetitions can keep FreeSWITCH busy: write it without")

// pcre writes an RE2 expression so that FreeSWITCH finds the same numbers with it: byte by byte, as PCRE without
// UTF reads, without a "$", a quote or a double backslash, which the dialplan would expand, and beginning with
// neither "_" nor "/", which make it something else.
func pcre(re2 string) (string, error) {
	tree, err := syntax.Parse(re2, syntax.Perl)
	if err != nil {
		return "", err
	}
	if unbounded(tree) > 1 {
		return "", errBacktracks
	}
	var w pcreWriter
	w.write(tree)
	return w.String(), nil
}

// atStart is pcre for a pattern of a rule, which is anchored at its start.
func atStart(re2 string) (string, error) {
	s, err := pcre(re2)
	return `\A(?:` + s + `)`, err
}

// whole matches one of the texts, and nothing else.
func whole(texts ...string) string {
	var w pcreWriter
	for i, t := range texts {
		if i > 0 {
			w.put("|")
		}
		for _, r := range t {
			w.char(r)
		}
	}
	return `\A(?:` + w.String() + `)\z`
}

// unbounded is how deep repetitions without an end are within each other.
func unbounded(re *syntax.Regexp) (depth int) {
	for _, sub := range re.Sub {
		depth = max(depth, unbounded(sub))
	}
	switch {
	case re.Op == syntax.OpStar, re.Op == syntax.OpPlus, re.Op == syntax.OpRepeat && re.Max < 0:
		depth++
	case re.Op == syntax.OpRepeat && re.Max > 1 && depth > 0:
		depth++
	}
	return depth
}

type pcreWriter struct{ text strings.Builder }

func (w *pcreWriter) put(s string) { w.text.WriteString(s) }

func (w *pcreWriter) String() string { return w.text.String() }

func (w *pcreWriter) write(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpNoMatch:
		w.put(`(?:\A\b\z)`) // there is no border of a word in nothing
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			w.literal(r, re.Flags&syntax.FoldCase != 0)
		}
	case syntax.OpCharClass:
		w.class(re.Rune)
	case syntax.OpAnyCharNotNL:
		w.class([]rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune})
	case syntax.OpAnyChar:
		w.class([]rune{0, unicode.MaxRune})
	case syntax.OpBeginLine, syntax.OpBeginText: // a number has one line
		w.put(`\A`)
	case syntax.OpEndLine, syntax.OpEndText:
		w.put(`\z`)
	case syntax.OpWordBoundary:
		w.put(`\b`)
	case syntax.OpNoWordBoundary:
		w.put(`\B`)
	case syntax.OpCapture:
		w.write(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			w.group(sub)
		}
	case syntax.OpAlternate:
		w.put("(?:")
		for i, sub := range re.Sub {
			if i > 0 {
				w.put("|")
			}
			w.write(sub)
		}
		w.put(")")
	default: // a repetition; OpEmptyMatch has no Sub
		for _, sub := range re.Sub {
			if oneByte(sub) { // PCRE repeats a group by recursion, and FreeSWITCH's stacks are small
				w.write(sub)
			} else {
				w.put("(?:")
				w.write(sub)
				w.put(")")
			}
			w.put(times(re))
		}
	}
}

// group keeps what was written for sub together.
func (w *pcreWriter) group(sub *syntax.Regexp) {
	if sub.Op == syntax.OpCapture || sub.Op == syntax.OpConcat {
		w.put("(?:")
		defer w.put(")")
	}
	w.write(sub)
}

// oneByte reports whether an expression is written as one byte, or one class of bytes.
func oneByte(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune) == 1 && re.Rune[0] < utf8.RuneSelf && re.Flags&syntax.FoldCase == 0
	case syntax.OpCharClass:
		return len(re.Rune) > 0 && re.Rune[len(re.Rune)-1] < utf8.RuneSelf
	}
	return false
}

func times(re *syntax.Regexp) string {
	switch {
	case re.Op == syntax.OpStar:
		return "*"
	case re.Op == syntax.OpPlus:
		return "+"
	case re.Op == syntax.OpQuest:
		return "?"
	case re.Max < 0:
		return fmt.Sprintf("{%d,}", re.Min)
	}
	return fmt.Sprintf("{%d,%d}", re.Min, re.Max)
}

func (w *pcreWriter) literal(r rune, fold bool) {
	if !fold {
		w.char(r)
		return
	}
	ranges := []rune{r, r}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		ranges = append(ranges, f, f)
	}
	if len(ranges) == 2 {
		w.char(r)
		return
	}
	w.class(ranges)
}

// quoted is a text for messages.
func quoted(s string) string { return strconv.Quote(fmt.Sprintf("%.80s", s)) }

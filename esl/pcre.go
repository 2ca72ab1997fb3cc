package esl

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
			w.WriteByte('|')
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

type pcreWriter struct{ strings.Builder }

func (w *pcreWriter) write(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpNoMatch:
		w.WriteString(`(?:\A\b\z)`) // there is no border of a word in nothing
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
		w.WriteString(`\A`)
	case syntax.OpEndLine, syntax.OpEndText:
		w.WriteString(`\z`)
	case syntax.OpWordBoundary:
		w.WriteString(`\b`)
	case syntax.OpNoWordBoundary:
		w.WriteString(`\B`)
	case syntax.OpCapture:
		w.write(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			w.group(sub)
		}
	case syntax.OpAlternate:
		w.WriteString("(?:")
		for i, sub := range re.Sub {
			if i > 0 {
				w.WriteByte('|')
			}
			w.write(sub)
		}
		w.WriteByte(')')
	default: // a repetition; OpEmptyMatch has no Sub
		for _, sub := range re.Sub {
			w.WriteString("(?:")
			w.write(sub)
			w.WriteString(")" + times(re))
		}
	}
}

// group keeps what was written for sub together.
func (w *pcreWriter) group(sub *syntax.Regexp) {
	if sub.Op == syntax.OpCapture || sub.Op == syntax.OpConcat {
		w.WriteString("(?:")
		defer w.WriteByte(')')
	}
	w.write(sub)
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

// char writes a character that stands for itself.
func (w *pcreWriter) char(r rune) {
	if r >= utf8.RuneSelf {
		for _, b := range []byte(string(r)) {
			w.hex(b)
		}
		return
	}
	w.ascii(byte(r))
}

func (w *pcreWriter) ascii(b byte) {
	switch {
	case b >= '0' && b <= '9', b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '@', b == ':', b == ' ':
		w.WriteByte(b)
	case b == '+', b == '*', b == '.', b == '#', b == '_', b == '-':
		w.WriteString("[" + string(rune(b)) + "]")
	default:
		w.hex(b)
	}
}

func (w *pcreWriter) hex(b byte) {
	const digits = "0123456789abcdef"
	w.WriteString(`\x` + string(digits[b>>4]) + string(digits[b&15]))
}

// class writes a set of characters, as pairs of first and last: those of one byte as a class, others as the
// bytes that they are made of.
func (w *pcreWriter) class(pairs []rune) {
	var options []string
	var small pcreWriter
	for i := 0; i+1 < len(pairs); i += 2 {
		from, to := pairs[i], pairs[i+1]
		if from < utf8.RuneSelf {
			small.span(byte(from), byte(min(to, utf8.RuneSelf-1)))
		}
		options = append(options, wide(max(from, utf8.RuneSelf), to)...)
	}
	if small.Len() > 0 {
		options = append([]string{"[" + small.String() + "]"}, options...)
	}
	switch len(options) {
	case 0:
		w.WriteString(`(?:\A\b\z)`)
	case 1:
		w.WriteString(options[0])
	default:
		w.WriteString("(?:" + strings.Join(options, "|") + ")")
	}
}

// span writes a range of bytes within a class.
func (w *pcreWriter) span(from, to byte) {
	w.member(from)
	if to > from {
		w.WriteByte('-')
		w.member(to)
	}
}

func (w *pcreWriter) member(b byte) {
	if b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '+' || b == '*' || b == '.' || b == '#' {
		w.WriteByte(b)
		return
	}
	w.hex(b)
}

// wide gives the sequences of bytes of a range of characters beyond ASCII.
func wide(from, to rune) (sequences []string) {
	const firstSurrogate, lastSurrogate = 0xd800, 0xdfff
	if from <= lastSurrogate && to >= firstSurrogate {
		return append(wide(from, firstSurrogate-1), wide(lastSurrogate+1, to)...)
	}
	if from > to {
		return nil
	}
	for _, last := range []rune{0x7ff, 0xffff} { // of two bytes, of three
		if from <= last && to > last {
			return append(wide(from, last), wide(last+1, to)...)
		}
	}
	// Cut until all but the first bytes that differ go from one end to the other.
	for shift := 6; shift <= 18; shift += 6 {
		mask := rune(1)<<shift - 1
		if from&^mask == to&^mask {
			continue
		}
		if from&mask != 0 {
			return append(wide(from, from|mask), wide((from|mask)+1, to)...)
		}
		if to&mask != mask {
			return append(wide(from, to&^mask-1), wide(to&^mask, to)...)
		}
	}
	var w pcreWriter
	first, last := []byte(string(from)), []byte(string(to))
	for i := range first {
		if first[i] == last[i] {
			w.hex(first[i])
			continue
		}
		w.WriteByte('[')
		w.span(first[i], last[i])
		w.WriteByte(']')
	}
	return []string{w.String()}
}

// quoted is a text for messages.
func quoted(s string) string { return strconv.Quote(fmt.Sprintf("%.80s", s)) }

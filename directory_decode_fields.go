package ringside

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pendingProblem is a problem whose entity is not known in full yet.
type pendingProblem struct {
	Problem
	// owner is the entity's position in its list.
	owner int
}

// problem records what is odd about the value that is being read.
func (r *docReader) problem(s Severity, code, format string, args ...any) {
	if r.halted {
		return
	}
	if r.listed == nil {
		r.listed, r.unlisted = make(map[Severity]int), make(map[Severity]int)
	}
	if r.listed[s] >= maxProblems {
		r.unlisted[s]++
		return
	}
	r.listed[s]++
	p := pendingProblem{Problem: Problem{Severity: s, Code: code, Path: r.here(), Text: fmt.Sprintf(format, args...)}}
	// Entities stand in a list at the top: their steps are the list's key and a position.
	if len(r.path) >= 2 && r.path[1].key == nil {
		p.owner = r.path[1].index
		p.Field = pathText(r.path[2:])
	} else {
		p.Field = p.Path
	}
	r.problems = append(r.problems, p)
}

// hint adds what to do to the problem that was recorded last, if there is one.
func (r *docReader) hint(text string) {
	if n := len(r.problems); n > 0 {
		r.problems[n-1].Hint = text
	}
}

func (r *docReader) allProblems() []Problem {
	var out []Problem
	for _, p := range r.problems {
		if p.Kind == "" {
			p.Field = ""
		}
		out = append(out, p.Problem)
	}
	for _, s := range []Severity{Faulty, Doubtful} {
		if n := r.unlisted[s]; n > 0 {
			out = append(out, Problem{Severity: s, Code: "too-many-problems", Text: fmt.Sprintf("%d more problems of this severity are not listed", n)})
		}
	}
	return out
}

// flag reads true or false.
func (r *docReader) flag(dst *bool) {
	switch r.peek() {
	case 't':
		r.word("true")
		*dst = true
	case 'f':
		r.word("false")
		*dst = false
	default:
		r.wrongType("true or false")
	}
}

// text reads text as it is.
func (r *docReader) text(dst *string) bool {
	if r.peek() != '"' {
		want := "text"
		if c := r.peek(); c == '-' || c >= '0' && c <= '9' {
			want = "text in quotes"
		}
		r.wrongType(want)
		return false
	}
	*dst = string(r.str())
	return !r.halted
}

// textOrWhole reads text, or a whole number as text: YAML makes one of digits without quotes.
func (r *docReader) textOrWhole(dst *string) bool {
	c := r.peek()
	if c < '0' || c > '9' {
		return r.text(dst)
	}
	offset := r.pos
	raw := r.num()
	if strings.Trim(string(raw), "0123456789") != "" {
		r.fail(offset, "must be text in quotes, not %s", shorten(string(raw)))
		return false
	}
	*dst = string(raw)
	return !r.halted
}

// label reads text that people see. Control characters become spaces, and what is too long for a
// name is cut.
func (r *docReader) label(dst *string) {
	if !r.text(dst) {
		return
	}
	r.cut(dst, maxLabel)
	if strings.IndexFunc(*dst, control) >= 0 {
		*dst = blankControls(*dst)
		r.problem(Doubtful, "control-character", "has a control character, which is replaced by a space")
	}
}

// cut shortens text to a number of bytes, not within a character.
func (r *docReader) cut(dst *string, most int) {
	if len(*dst) <= most {
		return
	}
	r.problem(Doubtful, "too-long", "has %d bytes and is cut to %d", len(*dst), most)
	for !utf8.RuneStart((*dst)[most]) {
		most--
	}
	*dst = strings.Clone((*dst)[:most])
}

// prose reads text of more than one line, such as an announcement, as one line.
func (r *docReader) prose(dst *string) {
	if !r.text(dst) {
		return
	}
	r.cut(dst, maxText)
	if strings.IndexFunc(*dst, control) < 0 {
		return
	}
	if strings.IndexFunc(*dst, func(c rune) bool { return control(c) && c != '\n' && c != '\r' && c != '\t' }) >= 0 {
		r.problem(Doubtful, "control-character", "has a control character, which is replaced by a space")
	}
	*dst = strings.TrimSpace(blankControls(*dst))
}

// condition reads a pattern or a time condition: text that stays within ringside. It is never
// changed, because what is left of it would match other calls than its author meant.
func (r *docReader) condition(dst *string) {
	offset := r.pos
	if !r.textOrWhole(dst) {
		return
	}
	if len(*dst) > maxText {
		r.fail(offset, "has %d bytes, and at most %d are read", len(*dst), maxText)
	} else if strings.IndexFunc(*dst, control) >= 0 {
		r.problem(Doubtful, "control-character", "has a control character")
	}
}

// dialled reads a telephone number or an extension. One that must never reach a PBX is left empty,
// and the result is false.
func (r *docReader) dialled(dst *string) bool {
	var s string
	if !r.textOrWhole(&s) {
		return false
	}
	s = strings.Trim(s, " ")
	switch {
	case strings.IndexFunc(s, control) >= 0:
		r.problem(Faulty, "control-character", "has a control character and is left out")
	case len(s) > MaxNumber:
		r.problem(Faulty, "too-long", "has %d characters and is left out", len(s))
		r.hint(fmt.Sprintf("a number has at most %d", MaxNumber))
	default:
		*dst = s
		return true
	}
	return false
}

// control reports whether c breaks a line or drives a terminal.
func control(c rune) bool { return unicode.IsControl(c) || c == '\u2028' || c == '\u2029' }

func blankControls(s string) string {
	return strings.Map(func(c rune) rune {
		if control(c) {
			return ' '
		}
		return c
	}, s)
}

func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// wholeRange is what a number may be. Below least it becomes instead, above most it becomes most.
type wholeRange struct{ least, most, instead int }

// numeral reads the text of a number that should be whole, and its place.
func (r *docReader) numeral() (raw string, offset int, ok bool) {
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		r.wrongType("a whole number")
		return "", 0, false
	}
	offset = r.pos
	raw = string(r.num())
	return raw, offset, !r.halted
}

// whole reads a whole number.
func (r *docReader) whole(dst *int, may wholeRange) {
	raw, offset, ok := r.numeral()
	if !ok {
		return
	}
	v, err := strconv.ParseInt(raw, 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(raw, 64) // 30.0 and 3e1 are whole too, and 1e400 is too large
		if ferr == nil && f != math.Trunc(f) {
			r.fail(offset, "must be a whole number, not %s", shorten(raw))
			return
		}
		v = int64(max(-1e15, min(1e15, f)))
	}
	switch {
	case v < int64(may.least):
		*dst = may.instead
		r.problem(Doubtful, "out-of-range", "%s is too small, and %d is used", shorten(raw), *dst)
	case v > int64(may.most):
		*dst = may.most
		r.problem(Doubtful, "out-of-range", "%s is too large, and %d is used", shorten(raw), *dst)
	default:
		*dst = int(v)
	}
}

// id reads an entity's id or a reference to one: a whole number above 0. It is 0 for none.
func (r *docReader) id(dst *int64) {
	raw, offset, ok := r.numeral()
	if !ok {
		return
	}
	v, err := strconv.ParseInt(raw, 10, 64)
	if err != nil {
		if f, ferr := strconv.ParseFloat(raw, 64); ferr == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			v, err = int64(f), nil
		}
	}
	switch {
	case err != nil:
		r.fail(offset, "must be a whole number that fits into 64 bits, not %s", shorten(raw))
	case v < 0:
		r.problem(Doubtful, "out-of-range", "%d is no id and counts as left out", v)
	default:
		*dst = v
	}
}

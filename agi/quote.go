package agi

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// quote is the encoder of the protocol: one argument of a command, so that Asterisk's parse_args
// (res_agi.c) gives back the same text. It must not be given CR, LF or NUL, for which AGI has no
// form: the wire refuses a command that holds one.
func quote(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2 + strings.Count(s, `"`) + strings.Count(s, `\`))
	b.WriteByte('"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
	return b.String()
}

// plain makes a text that somebody else chose harmless in an application's argument: without
// control and format characters, invalid UTF-8, quotes, backslashes and the "$" with which an
// expression begins (Asterisk expands an EXEC's argument when AGIEXECFULL is set). It is cut at a
// rune's border.
func plain(s string, limit int) string {
	if len(s) <= limit && word(s, limit) {
		return s
	}
	clean := func(r rune) rune {
		switch {
		case r == '"' || r == '`':
			return '\''
		case r == '\\':
			return '/'
		case r == '$' || r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}
	s = cut(strings.Map(clean, cut(s, 4*limit)), limit)
	if !balanced(s) {
		s = strings.NewReplacer("(", " ", ")", " ", "[", " ", "]", " ").Replace(s)
	}
	return s
}

// balanced reports whether brackets close as they open: Asterisk does not split arguments inside
// of brackets, quoted or not, so an open one would swallow the arguments that follow.
func balanced(s string) bool {
	round, square := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			round++
		case ')':
			round--
		case '[':
			square++
		case ']':
			square--
		}
		if round < 0 || square < 0 {
			return false
		}
	}
	return round == 0 && square == 0
}

// cut shortens s to at most limit bytes without splitting a rune.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// word reports whether s is one to limit of the ASCII letters and digits and "_", "-", ".": the
// names of contexts, classes of music and mailboxes, and ids of calls.
func word(s string, limit int) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return true
}

package dialplan

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain makes a text that somebody else chose harmless in an application's argument: without
// control and format characters, invalid UTF-8, quotes, backslashes and the "$" with which an
// expression begins (Asterisk expands an EXEC's argument when AGIEXECFULL is set). It is cut at a
// rune's border.
func Plain(s string, limit int) string {
	if len(s) <= limit && Word(s, limit) {
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
	s = Cut(strings.Map(clean, Cut(s, 4*limit)), limit)
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

// Cut shortens s to at most limit bytes without splitting a rune.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// Word reports whether s is one to limit of the ASCII letters and digits and "_", "-", ".": the
// names of contexts, classes of music and mailboxes, and ids of calls.
func Word(s string, limit int) bool {
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

// Endpoint is the device or trunk of a channel's name: PJSIP/trunk-00000003 is trunk's.
func Endpoint(channel string) string {
	_, rest, ok := strings.Cut(channel, "/")
	if !ok {
		return ""
	}
	if i := strings.LastIndexByte(rest, '-'); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

// Device is the device of a channel's name, with its technology: PJSIP/101 of PJSIP/101-0000002a. The name's
// last "-" and what follows it are Asterisk's.
func Device(channel string) string {
	if i := strings.LastIndexByte(channel, '-'); i > 0 {
		return channel[:i]
	}
	return channel
}

// FileName keeps of a text what may stand in a file's name.
func FileName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, s)
}

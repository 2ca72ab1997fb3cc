package agi

import (
	"strings"
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

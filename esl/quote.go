package esl

import (
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// assignments are the argument with which uuid_setvar_multi sets variables of a channel: separated by ";",
// where quotes group and backslashes escape (switch_separate_string in switch_utils.c). Values are made
// harmless with dialplan.Clean; an empty one unsets.
func assignments(vars []ringside.Variable) string {
	var b strings.Builder
	for i, v := range vars {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString(v.Name)
		b.WriteByte('=')
		b.WriteString(escaped(dialplan.Clean(v), ";"))
	}
	return b.String()
}

// settings are variables for new channels in a dial string: "{a='1',b='2'}" for all of its legs
// (switch_event_create_brackets in switch_event.c). They are read twice, so a quote could not be kept by any
// escape: a typographic one stands for it. A comma separates also within quotes unless it is escaped.
func settings(vars []ringside.Variable) string {
	if len(vars) == 0 {
		return ""
	}
	parts := make([]string, len(vars))
	for i, v := range vars {
		value := strings.Map(func(r rune) rune {
			switch {
			case r == '\'':
				return '’'
			case strings.ContainsRune("{}[]<>^", r):
				return ' '
			}
			return r
		}, dialplan.Clean(v))
		parts[i] = v.Name + "='" + escaped(value, ",") + "'"
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// oneArgument makes one argument of a text with blanks: commands of the console split their arguments at blanks
// that are not within quotes. What ends quotes must have been kept out of it.
func oneArgument(text string) string { return "'" + text + "'" }

// escaped puts a backslash before what separates, quotes or escapes.
func escaped(value, separators string) string {
	special := `\'` + separators
	if !strings.ContainsAny(value, special) {
		return value
	}
	var b strings.Builder
	for _, r := range value {
		if strings.ContainsRune(special, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

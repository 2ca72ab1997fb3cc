package agi

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ringside-pbx/ringside"
)

// The longest values of variables, in bytes. A dial string is never cut: it would ring somebody
// else.
const (
	maxValue = 200
	maxName  = 60 // of a group, rule or company, where a command gets too long with more
)

// The variables that the scripts set. RINGSIDE_RESULT is the last.
const (
	variableAction  = "RINGSIDE_ACTION"
	variableTarget  = "RINGSIDE_TARGET"
	variableDial    = "RINGSIDE_DIAL"
	variableTimeout = "RINGSIDE_TIMEOUT"
	variableGroup   = "RINGSIDE_GROUP"
	variableRule    = "RINGSIDE_RULE"
	variableCallID  = "RINGSIDE_CALL_ID"
	variableName    = "RINGSIDE_NAME"
	variableCompany = "RINGSIDE_COMPANY"
	variableOwner   = "RINGSIDE_OWNER"
	variableResult  = "RINGSIDE_RESULT"
)

// msetRoom is what a command has for MSet's quoted argument.
const msetRoom = maxCommand - len("EXEC MSet \n")

// fitting is the quoted argument of an MSet that fits in a command, whatever the values are: names
// are cut and then left out before anything that the call depends on is.
func fitting(vars []ringside.Variable) string {
	arg := quote(assignments(vars))
	if len(arg) <= msetRoom {
		return arg
	}
	vars = slices.Clone(vars)
	for i, v := range vars {
		switch v.Name {
		case variableRule, variableGroup, variableCompany, variableName:
			vars[i].Value = cut(plain(v.Value, maxValue), maxName)
		}
	}
	for _, name := range []string{"", variableRule, variableGroup, variableCompany, variableName, variableTarget} {
		vars = slices.DeleteFunc(vars, func(v ringside.Variable) bool { return v.Name == name })
		if arg = quote(assignments(vars)); len(arg) <= msetRoom {
			break
		}
	}
	return arg
}

// assignments is the argument of MSet, which splits at commas outside of quotes
// (AST_STANDARD_APP_ARGS). Values are made harmless with plain.
func assignments(vars []ringside.Variable) string {
	var b strings.Builder
	b.Grow(64 * len(vars)) // as long as they usually are
	for i, v := range vars {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(v.Name)
		b.WriteByte('=')
		limit := maxValue
		if v.Name == variableDial {
			limit = maxDialString
		}
		value := plain(v.Value, limit)
		if strings.ContainsAny(value, ", '") || !ascii(value) {
			value = `"` + value + `"`
		}
		b.WriteString(value)
	}
	return b.String()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

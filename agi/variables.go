package agi

import (
	"slices"
	"strconv"
	"strings"
	"time"
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
	// variableCaller is Asterisk's own: the name that phones show.
	variableCaller = "CALLERID(name)"
)

// variables are a decision in variables, without RINGSIDE_RESULT. With an error (the decision can't
// be dialled), they are those that can be told all the same.
func (d Dial) variables(decision *ringside.Decision, id string) ([]ringside.Variable, error) {
	vars := make([]ringside.Variable, 0, 8)
	add := func(name, value string) {
		if value != "" {
			vars = append(vars, ringside.Variable{Name: name, Value: value})
		}
	}
	dial, err := d.Of(decision)
	target := decision.Target
	switch decision.Action {
	case ringside.Announcement:
		target = decision.Announcement
	case ringside.Hangup, ringside.Busy:
		target = strconv.Itoa(int(decision.Cause))
	}
	add(variableAction, string(decision.Action))
	if err == nil {
		add(variableTarget, target)
		add(variableDial, dial)
	}
	if decision.Timeout > 0 {
		add(variableTimeout, strconv.Itoa(int(decision.Timeout/time.Second)))
	}
	if decision.Group != nil {
		add(variableGroup, decision.Group.Name)
	}
	if decision.Rule != nil {
		add(variableRule, decision.Rule.Name)
	}
	add(variableCaller, decision.CallerName)
	add(variableCallID, id)
	return vars, err
}

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
		case variableRule, variableGroup, variableCompany, variableName, variableCaller:
			vars[i].Value = cut(plain(v.Value, maxValue), maxName)
		}
	}
	for _, name := range []string{"", variableRule, variableGroup, variableCompany, variableName, variableCaller, variableTarget} {
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

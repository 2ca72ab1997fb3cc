package dialplan

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ringside-pbx/ringside"
)

// MaxValue is the longest value of a variable, in bytes. A dial string is never cut: it would ring somebody
// else.
const MaxValue = 200

// The variables that the scripts set. RINGSIDE_RESULT is the last.
const (
	VarAction     = "RINGSIDE_ACTION"
	VarTarget     = "RINGSIDE_TARGET"
	VarDialString = "RINGSIDE_DIAL"
	VarTimeout    = "RINGSIDE_TIMEOUT"
	VarGroup      = "RINGSIDE_GROUP"
	VarRule       = "RINGSIDE_RULE"
	VarCallID     = "RINGSIDE_CALL_ID"
	VarName       = "RINGSIDE_NAME"
	VarCompany    = "RINGSIDE_COMPANY"
	VarOwner      = "RINGSIDE_OWNER"
	VarResult     = "RINGSIDE_RESULT"
	// VarCallerName is Asterisk's own: the name that phones show.
	VarCallerName = "CALLERID(name)"
)

// Variables are a decision in variables, without RINGSIDE_RESULT. With an error (the decision can't
// be dialled), they are those that can be told all the same.
func (d Dial) Variables(decision *ringside.Decision, id string) ([]ringside.Variable, error) {
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
	add(VarAction, string(decision.Action))
	if err == nil {
		add(VarTarget, target)
		add(VarDialString, dial)
	}
	if decision.Timeout > 0 {
		add(VarTimeout, strconv.Itoa(int(decision.Timeout/time.Second)))
	}
	if decision.Group != nil {
		add(VarGroup, decision.Group.Name)
	}
	if decision.Rule != nil {
		add(VarRule, decision.Rule.Name)
	}
	add(VarCallerName, decision.CallerName)
	add(VarCallID, id)
	return vars, err
}

// Handover are what a dialplan needs to carry out a decision itself, RINGSIDE_RESULT last. With an error the
// decision can't be dialled, and they release the call.
func (d Dial) Handover(decision *ringside.Decision, id string) ([]ringside.Variable, error) {
	result := ringside.ResultDecided
	vars, err := d.Variables(decision, id)
	switch {
	case err != nil:
		result = ringside.ResultReleased
	case decision.Action == ringside.NotFound, decision.Action == ringside.NotConfigured, decision.Action == ringside.Failed:
		result = ringside.ResultReleased
	}
	return append(vars, ringside.Variable{Name: VarResult, Value: string(result)}), err
}

// Default are the variables with which a call is released that there was no decision on in time: an extension
// that the dialplan rings, or without one its own fallback. It is an error if nobody can dial it.
func (d Dial) Default(extension string) ([]ringside.Variable, error) {
	if extension == "" {
		return []ringside.Variable{{Name: VarResult, Value: string(ringside.ResultReleased)}}, nil
	}
	dial, err := d.String(ringside.Target{Kind: ringside.ToExtension, Number: extension})
	if err != nil {
		return nil, fmt.Errorf("the default extension: %w", err)
	}
	return []ringside.Variable{
		{Name: VarDialString, Value: dial}, {Name: VarResult, Value: string(ringside.ResultDefault)},
	}, nil
}

// Assignments is the argument of MSet, which splits at commas outside of quotes
// (AST_STANDARD_APP_ARGS). Values are made harmless with Plain.
func Assignments(vars []ringside.Variable) string {
	var b strings.Builder
	b.Grow(64 * len(vars)) // as long as they usually are
	for i, v := range vars {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(v.Name)
		b.WriteByte('=')
		b.WriteString(argument(v))
	}
	return b.String()
}

// Array is the name and the value with which the function ARRAY (func_strings) sets all the variables at
// once, where a channel's variables can only be set one by one.
func Array(vars []ringside.Variable) ringside.Variable {
	var names, values strings.Builder
	names.WriteString("ARRAY(")
	for i, v := range vars {
		if i > 0 {
			names.WriteByte(',')
			values.WriteByte(',')
		}
		names.WriteString(v.Name)
		values.WriteString(argument(v))
	}
	names.WriteByte(')')
	return ringside.Variable{Name: names.String(), Value: values.String()}
}

// argument is a variable's value as one argument (AST_STANDARD_APP_ARGS).
func argument(v ringside.Variable) string {
	value := Clean(v)
	if strings.ContainsAny(value, ", '") || !ascii(value) {
		value = `"` + value + `"`
	}
	return value
}

// Clean is a variable's value, made harmless with Plain.
func Clean(v ringside.Variable) string {
	if v.Name == VarDialString {
		return Plain(v.Value, MaxDialString)
	}
	return Plain(v.Value, MaxValue)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

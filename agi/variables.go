package agi

import (
	"slices"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// maxName is the longest name of a group, rule, company or caller where a command gets too long with more,
// in bytes.
const maxName = 60

// msetRoom is what a command has for MSet's quoted argument.
const msetRoom = maxCommand - len("EXEC MSet \n")

// fitting is the quoted argument of an MSet that fits in a command, whatever the values are: names
// are cut and then left out before anything that the call depends on is.
func fitting(vars []ringside.Variable) string {
	arg := quote(dialplan.Assignments(vars))
	if len(arg) <= msetRoom {
		return arg
	}
	vars = slices.Clone(vars)
	for i, v := range vars {
		switch v.Name {
		case dialplan.VarRule, dialplan.VarGroup, dialplan.VarCompany, dialplan.VarName, dialplan.VarCallerName:
			vars[i].Value = dialplan.Cut(dialplan.Plain(v.Value, dialplan.MaxValue), maxName)
		}
	}
	for _, name := range []string{"", dialplan.VarRule, dialplan.VarGroup, dialplan.VarCompany, dialplan.VarName, dialplan.VarCallerName, dialplan.VarTarget} {
		vars = slices.DeleteFunc(vars, func(v ringside.Variable) bool { return v.Name == name })
		if arg = quote(dialplan.Assignments(vars)); len(arg) <= msetRoom {
			break
		}
	}
	return arg
}

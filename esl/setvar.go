package esl

import (
	"slices"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// callerName is the variable of the name that called phones show.
const callerName = "effective_caller_id_name"

// setters are the commands that set variables of a channel: one, which is done at once, where FreeSWITCH takes
// commands about everything; otherwise an application for each, with ids of nextID.
func setters(full bool, channel string, vars []ringside.Variable, nextID func() string) ([]wireCommand, error) {
	if len(vars) == 0 {
		return nil, nil
	}
	vars = slices.Clone(vars)
	for i, v := range vars {
		if v.Name == dialplan.VarCallerName {
			vars[i].Name = callerName
		}
	}
	if full {
		cmd, err := apiCommand("uuid_setvar_multi", channel, assignments(vars))
		return []wireCommand{cmd}, err
	}
	var commands []wireCommand
	for _, v := range vars {
		cmd, err := executeCommand(nextID(), "set", v.Name+"="+dialplan.Clean(v))
		if err != nil {
			return nil, err
		}
		commands = append(commands, cmd)
	}
	return commands, nil
}

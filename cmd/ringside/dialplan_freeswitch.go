package main

import (
	"errors"
	"fmt"

	"github.com/ringside-pbx/ringside/esl/plan"

	"github.com/ringside-pbx/ringside/routing"
)

type dialplanFreeswitchCmd struct {
	Static    bool   `help:"Write the rules themselves, for a FreeSWITCH that routes without ringside."`
	Directory string `help:"With --static, a directory file instead of the running daemon's directory." type:"path" placeholder:"FILE"`
	Fallback  string `help:"Whom FreeSWITCH rings when ringside is away, or no rule takes the call; user/100 if the configuration says nothing." placeholder:"DIALSTRING"`
	Listen    string `help:"Where FreeSWITCH reaches ringside, if not where the configuration says." placeholder:"ADDRESS"`
	Context   string `help:"The context's name, if not the configuration's." placeholder:"NAME"`
}

// Run implements the command.
func (c *dialplanFreeswitchCmd) Run(p *program) error {
	if c.Directory != "" && !c.Static {
		return exitError{exitUsage, errors.New("--directory is for --static: ringside itself reads its directory when a call comes")}
	}
	if c.Fallback != "" {
		if err := plan.CheckFallback(c.Fallback); err != nil {
			return exitError{exitUsage, fmt.Errorf("--fallback %w", err)}
		}
	}
	cfg, err := p.config()
	if err != nil {
		return err
	}
	written := cfg.freeswitch()
	for _, flag := range []struct {
		given string
		into  *string
	}{{c.Fallback, &written.Fallback}, {c.Listen, &written.Listen}, {c.Context, &written.Context}} {
		if flag.given != "" {
			*flag.into = flag.given
		}
	}
	if errs := written.Validate(); len(errs) > 0 {
		return exitError{exitUsage, fmt.Errorf("--%w", errs[0])}
	}
	write := written.HandOver
	if c.Static {
		dir, err := c.directory(p)
		if err != nil {
			return err
		}
		write = func() ([]byte, error) { return p.static(written, dir) }
	}
	text, err := write()
	if err != nil {
		return err
	}
	_, err = p.out.Write(plan.File(text))
	return err
}

// static writes the rules, and tells what FreeSWITCH can't do.
func (p *program) static(written *plan.Dialplan, dir *routing.Compiled) ([]byte, error) {
	out := dir.Outline()
	text, problems, err := written.Static(&out)
	for _, problem := range problems {
		_, _ = fmt.Fprintf(p.err, "%s: %s\n", problem.Severity, printable(problem.String()))
	}
	return text, err
}

// directory is the one that a file holds, else the one in effect.
func (c *dialplanFreeswitchCmd) directory(p *program) (*routing.Compiled, error) {
	if c.Directory != "" {
		return p.loadDirectory(c.Directory)
	}
	daemon, err := p.daemon()
	if err != nil {
		return nil, err
	}
	state, err := daemon.Directory(p.ctx)
	if err != nil {
		return nil, err
	}
	if state.Document == nil {
		return nil, errors.New("the daemon has no directory yet: name a file with --directory")
	}
	dir, _ := routing.Compile(*state.Document)
	return dir, nil
}

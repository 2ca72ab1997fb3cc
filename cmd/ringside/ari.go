package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside/ari"
)

type ariCmd struct {
	Test ariTestCmd `cmd:"" help:"Try Asterisk's REST interface and tell what has to be changed, without the daemon."`
}

type ariTestCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *ariTestCmd) Run(p *program) error {
	cfg, err := p.config()
	if err != nil {
		return err
	}
	if cfg.ARI.URL == "" {
		return exitError{exitUsage, errors.New("ari.url is not set in the configuration")}
	}
	opt, err := cfg.ARI.options()
	if err != nil {
		return exitError{exitUsage, err}
	}
	ctx, cancel := context.WithTimeout(p.ctx, reportWithin)
	defer cancel()
	rep, err := ari.Probe(ctx, opt)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(p.out, rep); err != nil {
			return err
		}
	} else {
		c.print(p, cfg, &rep)
	}
	if n := len(rep.Problems); n > 0 {
		return exitError{exitProblems, fmt.Errorf("calls can't be driven through ARI as they should: %s", count(n, "thing has to be changed", "things have to be changed"))}
	}
	return nil
}

func (c *ariTestCmd) print(p *program, cfg *Config, rep *ari.Report) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }
	say("%s as %s\n", cfg.ARI.URL, safe(cfg.ARI.Username))
	say("connection   Asterisk %s answers in %.1f ms", safe(rep.Version), float64(rep.Ping)/float64(time.Millisecond))
	if d := rep.ClockAhead; d.Abs() > cfg.AMI.Limits.Clock.Duration {
		say(", its clock is %s %s", d.Abs(), whether(d > 0, "ahead", "behind"))
	}
	say("\n")
	if rep.Application {
		say("application  %s is connected, or has left calls behind: %s, %s\n", cfg.ARI.App,
			count(rep.Channels, "channel", "channels"), count(rep.Bridges, "bridge", "bridges"))
	} else {
		say("application  nobody is connected as %s\n", cfg.ARI.App)
	}
	for _, problem := range rep.Problems {
		say("problem      %s\n", safe(problem))
	}
	if len(rep.Problems) == 0 {
		say("Everything is there. `ringside dialplan asterisk --ari` prints the dialplan.\n")
	}
}

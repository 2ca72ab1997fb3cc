package main

import (
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside/control"
	"github.com/ringside-pbx/ringside/routing"
)

// mostReplayed is how many of the latest calls are replayed: as many as the daemon gives at once.
const mostReplayed = 10_000

type directoryReplayCmd struct {
	File  string   `arg:"" help:"The directory file that is tried, YAML or JSON." type:"path"`
	Since Duration `help:"How far back." default:"24h"`
	Limit int      `help:"How many calls are listed at most." default:"20"`
	JSON  bool     `help:"Print JSON, with every call." name:"json"`
}

// Run implements the command.
func (c *directoryReplayCmd) Run(p *program) error {
	if c.Since.Duration <= 0 || c.Limit < 0 {
		return exitError{exitUsage, fmt.Errorf("--since %s must be above 0, and --limit %d not below", c.Since, c.Limit)}
	}
	draft, err := p.loadDirectory(c.File)
	if err != nil {
		return err
	}
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	state, err := daemon.Directory(p.ctx)
	if err != nil {
		return err
	}
	since := time.Now().Add(-c.Since.Duration)
	calls, err := daemon.Calls(p.ctx, control.CallQuery{Since: since, Limit: mostReplayed})
	if err != nil {
		return err
	}
	var now *routing.Compiled
	if state.Document != nil {
		now, _ = routing.Compile(*state.Document)
	}
	r := routing.Replay(now, draft, calls)
	if c.JSON {
		return printJSON(p.out, r)
	}
	c.print(p, &r, since)
	return nil
}

func (c *directoryReplayCmd) print(p *program, r *routing.Replayed, since time.Time) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }
	of := "Of"
	if r.Calls == mostReplayed {
		of = "Of the latest"
	}
	say("%s %s since %s, %d would go elsewhere and %d would reach nobody; %d of those reach somebody now.\n",
		of, callCount(r.Calls), since.Local().Format("2006-01-02 15:04"), len(r.Moved), len(r.Lost), r.LostNow)
	list := func(title string, calls []routing.ReplayedCall) {
		if len(calls) == 0 {
			return
		}
		say("%s:\n", title)
		shown := calls[max(0, len(calls)-c.Limit):]
		if more := len(calls) - len(shown); more > 0 {
			say("  %s not listed\n", count(more, "earlier one is", "earlier ones are"))
		}
		for i := range shown {
			one := &shown[i]
			say("  %s  %s → %s: %s → %s\n", one.Start.Local().Format("01-02 15:04:05"), caller(one.Caller), safe(one.Called),
				safe(one.Now.String()), safe(one.Draft.String()))
		}
	}
	list("Reach nobody", r.Lost)
	list("Go elsewhere", r.Moved)
}

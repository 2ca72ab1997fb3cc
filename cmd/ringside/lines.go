package main

import (
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside"
)

type linesCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *linesCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	all, err := daemon.Lines(p.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, all)
	}
	if len(all) == 0 {
		_, _ = fmt.Fprintln(p.out, "The directory has no extensions.")
		return nil
	}
	for i := range all {
		printLine(p, &all[i])
	}
	return nil
}

// printLine prints how an extension is doing, and who says so.
func printLine(p *program, l *ringside.LineStatus) {
	state := "free"
	switch {
	case l.Busy && l.Talking == 0 && l.Reported == 0:
		state = "rings"
	case l.Busy:
		state = "talks"
	case l.Presence == ringside.PresenceUnreachable:
		state = "away"
	}
	why := ""
	switch {
	case l.Ringing+l.Talking > 0 && l.Reported > 0:
		why = fmt.Sprintf("%s of ringside, %d more says the PBX", callCount(l.Ringing+l.Talking), l.Reported)
	case l.Ringing+l.Talking > 0:
		why = callCount(l.Ringing+l.Talking) + " of ringside"
	case l.Reported > 0:
		why = callCount(l.Reported) + ", says the PBX"
	case l.Report == nil && state == "free":
		why = "the PBX has said nothing"
	}
	if why == "" && !l.LastTalk.IsZero() {
		why = "last talk ended " + lasting(time.Since(l.LastTalk).Round(time.Second)) + " ago"
	}
	_, _ = fmt.Fprintf(p.out, "%-10s %-24s %-6s %s\n", safe(l.Number), safe(l.Name), state, why)
}

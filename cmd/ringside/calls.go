package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/control"
)

type callsCmd struct {
	List callsListCmd `cmd:"" help:"List calls in progress and the last finished ones."`
	Show callsShowCmd `cmd:"" help:"Show one call: its legs, and why it went there."`
	Tail callsTailCmd `cmd:"" help:"Follow calls as they change."`
}

type callsListCmd struct {
	Since Duration `help:"How far back." default:"24h"`
	Limit int      `help:"How many at most." default:"50"`
	Live  bool     `help:"Only calls in progress."`
	JSON  bool     `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *callsListCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	all, err := daemon.Calls(p.ctx, control.CallQuery{Since: time.Now().Add(-c.Since.Duration), Limit: c.Limit, Live: c.Live})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, all)
	}
	if len(all) == 0 {
		_, _ = fmt.Fprintln(p.out, "No calls. Place one with 'ringside call --from +79001234567 --to 100'.")
		return nil
	}
	for i := range all {
		printCallLine(p.out, &all[i])
	}
	return nil
}

type callsShowCmd struct {
	ID   string `arg:"" help:"The call's id, as in the list."`
	JSON bool   `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *callsShowCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	call, err := daemon.Call(p.ctx, c.ID)
	if err != nil {
		return fmt.Errorf("call %s: %w", safe(c.ID), err)
	}
	if c.JSON {
		return printJSON(p.out, call)
	}
	printCall(p.out, &call)
	note, err := daemon.Annotation(p.ctx, c.ID)
	if errors.Is(err, control.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	printAnnotation(p.out, &note)
	return nil
}

// printAnnotation prints what the CRM says about a call.
func printAnnotation(out io.Writer, a *ringside.Annotation) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
	say("The CRM says:\n")
	if c := a.Contact; c != nil {
		say("  contact      %s\n", safe(strings.TrimSpace(c.Name+" "+c.Company+" "+c.URL)))
	}
	if a.Responsible != "" {
		say("  responsible  %s\n", safe(a.Responsible))
	}
	if a.Note != "" {
		say("  note         %s\n", safe(a.Note))
	}
	if t := a.Task; t != nil {
		state := "open"
		if t.Done {
			state = "done"
		}
		if !t.Due.IsZero() {
			state += ", due " + t.Due.Local().Format("2006-01-02 15:04")
		}
		say("  task         %s\n", strings.TrimRight(fmt.Sprintf("%s (%s) %s", safe(t.Title), state, safe(t.URL)), " "))
	}
}

type callsTailCmd struct {
	JSON bool `help:"Print JSON, one call a line." name:"json"`
}

// Run implements the command.
func (c *callsTailCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	enc := json.NewEncoder(p.out)
	err = daemon.Tail(p.ctx, func(call ringside.Call) error {
		if c.JSON {
			return enc.Encode(call)
		}
		printCallLine(p.out, &call)
		return nil
	})
	if p.ctx.Err() == nil {
		return err
	}
	return nil // the user has seen enough
}

func printCallLine(out io.Writer, c *ringside.Call) {
	state := string(c.Status)
	if c.Disposition != "" && string(c.Disposition) != state {
		state += "/" + string(c.Disposition)
	}
	if c.Live() {
		state += " now"
	}
	to := ""
	if c.RoutedTo != "" {
		to = "to " + c.RoutedTo
	}
	rule := ""
	if c.Rule != nil {
		rule = titled("rule", c.Rule.ID, c.Rule.Name)
	}
	line := fmt.Sprintf("%s  %-34s %-16s → %-8s %-22s %5s  %-15s %s", c.Start.Local().Format("01-02 15:04:05"),
		safe(c.ID), caller(c.Caller), safe(c.Called), state, clock(c.Duration), safe(to), safe(rule))
	_, _ = fmt.Fprintln(out, strings.TrimRight(line, " "))
}

// clock writes seconds as minutes and seconds.
func clock(seconds int) string { return fmt.Sprintf("%d:%02d", seconds/60, seconds%60) }

func printCall(out io.Writer, c *ringside.Call) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
	printCallLine(out, c)
	for _, leg := range c.Legs {
		say("  %s  %-12s %-20s %s", leg.Start.Local().Format("15:04:05"), leg.Kind, safe(strings.Join(leg.Targets, " ")), leg.Result)
		if leg.Answered != "" {
			say(", answered by %s", safe(leg.Answered))
		}
		if !leg.End.IsZero() {
			say(", %s", lasting(leg.End.Sub(leg.Start).Round(100*time.Millisecond)))
		}
		say("\n")
		if len(leg.Parties) > 1 {
			for _, party := range leg.Parties {
				say("            %-12s %s\n", safe(party.Number), safe(party.State))
			}
		}
	}
	if len(c.Trace) > 0 {
		say("Why:\n")
	}
	for _, s := range c.Trace {
		mark := "-"
		if s.Matched {
			mark = "+"
		}
		say("  %s %s%s\n", mark, safe(subject(&s)), safe(s.Why))
	}
	if c.Notes != "" {
		say("Note: %s\n", safe(c.Notes))
	}
}

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/control"
)

type directoryHistoryCmd struct {
	Limit int  `help:"How many at most." default:"20"`
	JSON  bool `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *directoryHistoryCmd) Run(p *program) error {
	if c.Limit <= 0 {
		return exitError{exitUsage, fmt.Errorf("--limit %d must be above 0", c.Limit)}
	}
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	all, err := daemon.Editions(p.ctx, c.Limit)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, all)
	}
	status, err := daemon.Status(p.ctx)
	if err != nil {
		return err
	}
	for i := range all {
		printEdition(p.out, &all[i], all[i].Number == status.Directory.Edition)
	}
	if len(all) == 0 {
		_, _ = fmt.Fprintln(p.out, "There was no directory yet. Load one with 'ringside directory load FILE'.")
	}
	return nil
}

// shownChanges is how many changes of an edition the history lists.
const shownChanges = 10

func printEdition(out io.Writer, e *ringside.Edition, inEffect bool) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
	state := string(e.State)
	if inEffect {
		state = "in effect"
	}
	say("%4d  %s  %-9s  version %s %s\n", e.Number, e.Time.Local().Format("2006-01-02 15:04:05"), state, safe(e.Version), origin(e.Source, e.Author))
	for _, loss := range e.Losses {
		say("        looks like an accident: %s\n", safe(loss))
	}
	shown := min(len(e.Changes), shownChanges)
	for _, change := range e.Changes[:shown] {
		say("        %s\n", safe(change))
	}
	if more := len(e.Changes) - shown + e.More; more > 0 {
		say("        and %s\n", count(more, "more change", "more changes"))
	}
}

type directoryRollbackCmd struct {
	Number uint64 `arg:"" help:"The edition to go back to, as in the history."`
	JSON   bool   `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *directoryRollbackCmd) Run(p *program) error {
	if c.Number == 0 {
		return exitError{exitUsage, errors.New("edition 0: editions count from 1")}
	}
	return decideEdition(p, control.EditionDecision{Number: c.Number, Verdict: control.RollBack}, c.JSON)
}

type directoryConfirmCmd struct {
	Number uint64 `arg:"" optional:"" help:"The edition that is held; if left out, whichever is."`
	JSON   bool   `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *directoryConfirmCmd) Run(p *program) error {
	return decideEdition(p, control.EditionDecision{Number: c.Number, Verdict: control.ConfirmEdition}, c.JSON)
}

type directoryDiscardCmd struct {
	Number uint64 `arg:"" optional:"" help:"The edition that is held; if left out, whichever is."`
	JSON   bool   `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *directoryDiscardCmd) Run(p *program) error {
	return decideEdition(p, control.EditionDecision{Number: c.Number, Verdict: control.DiscardEdition}, c.JSON)
}

func decideEdition(p *program, d control.EditionDecision, asJSON bool) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	d.Author = userName()
	o, err := daemon.DecideEdition(p.ctx, d)
	switch {
	case errors.Is(err, control.ErrNotFound):
		return fmt.Errorf("edition %d: %w", d.Number, err)
	case err != nil:
		return err
	}
	if asJSON {
		return printJSON(p.out, o)
	}
	if d.Verdict == control.DiscardEdition {
		_, _ = fmt.Fprintf(p.out, "Edition %d is discarded.\n", o.Edition.Number)
	}
	printDirectory(p, &o.State)
	return nil
}

// userName is who types the command: with sudo, who typed that.
func userName() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

func listed(texts []string) string { return safe(strings.Join(texts, "; ")) }

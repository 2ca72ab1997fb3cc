package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/control"
)

type directoryCmd struct {
	Load     directoryLoadCmd     `cmd:"" help:"Put a directory file in effect in the running daemon."`
	Show     directoryShowCmd     `cmd:"" help:"Show the directory in effect, and what is wrong with it."`
	Diff     directoryDiffCmd     `cmd:"" help:"Say how a directory file or an edition differs from another."`
	Replay   directoryReplayCmd   `cmd:"" help:"Say where the latest calls would go by a directory file."`
	History  directoryHistoryCmd  `cmd:"" help:"List the editions: who changed what, and when."`
	Rollback directoryRollbackCmd `cmd:"" help:"Go back to an earlier edition."`
	Confirm  directoryConfirmCmd  `cmd:"" help:"Put the edition in effect that is held because it looks like an accident."`
	Discard  directoryDiscardCmd  `cmd:"" help:"Throw the edition away that is held."`
	Set      directorySetCmd      `cmd:"" help:"Change fields of a server, number, group, rule or of the directory itself."`
	Add      directoryAddCmd      `cmd:"" help:"Add a server, number, group or rule."`
	Remove   directoryRemoveCmd   `cmd:"" help:"Remove a server, number, group or rule."`
	Edits    directoryEditsCmd    `cmd:"" help:"List the edits that wait for the CRM's word or were refused, and forget refused ones."`
}

type directoryLoadCmd struct {
	File    string `arg:"" help:"The file, YAML or JSON." type:"path"`
	Confirm bool   `help:"Put it in effect even if much of the directory is gone in it."`
	JSON    bool   `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *directoryLoadCmd) Run(p *program) error {
	doc, err := readDocument(c.File)
	if err != nil {
		return exitError{exitUsage, err}
	}
	// Errors are told with their lines here, where the file is.
	if _, _, err := doc.load(); err != nil {
		return exitError{exitUsage, err}
	}
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	o, err := daemon.LoadDirectory(p.ctx, control.DirectoryLoad{
		Source: c.File, Author: userName(), Confirmed: c.Confirm, Document: doc.json,
	})
	if err != nil {
		return err
	}
	if o.Result == "held" {
		return fmt.Errorf("edition %d is held and not in effect, because it looks like an accident: %s.\n"+
			"Put it in effect with 'ringside directory confirm %[1]d', or load it with --confirm", o.Edition.Number, listed(o.Edition.Losses))
	}
	for i := range o.State.Problems {
		doc.locate(&o.State.Problems[i])
	}
	if c.JSON {
		return printJSON(p.out, o.State)
	}
	printDirectory(p, &o.State)
	return nil
}

type directoryShowCmd struct {
	Edition uint64 `help:"Show this edition in place of the one in effect." placeholder:"N"`
	JSON    bool   `help:"Print JSON, with the document itself." name:"json"`
}

// Run implements the command.
func (c *directoryShowCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	if c.Edition != 0 {
		e, err := daemon.Edition(p.ctx, c.Edition)
		if err != nil {
			return fmt.Errorf("edition %d: %w", c.Edition, err)
		}
		if c.JSON {
			return printJSON(p.out, e)
		}
		status, err := daemon.Status(p.ctx)
		if err != nil {
			return err
		}
		printEdition(p.out, &e.Edition, e.Edition.Number == status.Directory.Edition)
		printRules(p, e.Document)
		return nil
	}
	state, err := daemon.Directory(p.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, state)
	}
	printDirectory(p, &state)
	printRules(p, state.Document)
	return nil
}

func printRules(p *program, d *ringside.Directory) {
	if d == nil {
		return
	}
	for i := range d.Rules {
		r := &d.Rules[i]
		_, _ = fmt.Fprintf(p.out, "  rule %-4d %5d  %s\n", r.ID, r.Priority, inWords(r))
	}
}

func printDirectory(p *program, s *control.DirectoryState) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }
	if s.Loaded {
		say("Version %s (edition %d) %s, since %s: %s, %s, %s.\n", safe(s.Version), s.Edition, origin(s.Source, s.Author),
			s.Since.Local().Format("2006-01-02 15:04:05"), count(s.Numbers, "number", "numbers"), count(s.Groups, "group", "groups"), count(s.Rules, "rule", "rules"))
	} else {
		say("No directory is in effect: every call is released to the PBX's own dialplan.\n")
	}
	if s.Failure != "" {
		say("A newer document was refused: %s\n", safe(s.Failure))
	}
	if h := s.Held; h != nil {
		say("Edition %d (version %s %s) is held, because it looks like an accident: %s.\n", h.Number, safe(h.Version), origin(h.Source, ""), listed(h.Losses))
		say("  Put it in effect with 'ringside directory confirm %d', or throw it away with 'ringside directory discard %[1]d'.\n", h.Number)
	}
	if s.Pending+s.Accepted+s.Rejected > 0 {
		var parts []string
		for _, part := range []struct {
			n    int
			what string
		}{
			{s.Pending, either(s.Pending, "waits", "wait") + " for the CRM"},
			{s.Accepted, either(s.Accepted, "is", "are") + " accepted and not published yet"},
			{s.Rejected, either(s.Rejected, "is", "are") + " rejected"},
		} {
			if part.n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
			}
		}
		say("Edits made here: %s. 'ringside directory edits' lists them.\n", strings.Join(parts, ", "))
	}
	if s.Unsaved != "" {
		say("The latest changes work but are not on the disk: %s\n", safe(s.Unsaved))
	}
	for _, problem := range s.Problems {
		say("  %s: %s: %s\n", at(safe(s.Source), problem), problem.Severity, problem)
	}
}

// inWords says what a rule does.
func inWords(r *ringside.Rule) string {
	s := ""
	if r.Name != "" {
		s = strconv.Quote(r.Name) + ": "
	}
	if r.CallerIDPattern == "" && r.CalledNumberPattern == "" && r.TimeCondition == "" {
		s += "every call "
	}
	if r.CallerIDPattern != "" {
		s += "caller " + r.CallerIDPattern + " "
	}
	if r.CalledNumberPattern != "" {
		s += "called " + r.CalledNumberPattern + " "
	}
	if r.TimeCondition != "" {
		s += "at " + r.TimeCondition + " "
	}
	s += "→ " + string(r.Action)
	switch {
	case r.TargetNumber != "":
		s += " " + r.TargetNumber
	case r.TargetExternal != "":
		s += " " + r.TargetExternal
	case r.TargetGroup.Name != "":
		s += " " + r.TargetGroup.Name
	case r.TargetGroup.ID != 0:
		s += fmt.Sprintf(" group %d", r.TargetGroup.ID)
	}
	if !r.Active {
		s += " (inactive)"
	}
	return safe(s)
}

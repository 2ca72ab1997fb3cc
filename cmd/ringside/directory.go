package main

import (
	"fmt"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/control"
)

type directoryCmd struct {
	Load directoryLoadCmd `cmd:"" help:"Put a directory file in effect in the running daemon."`
	Show directoryShowCmd `cmd:"" help:"Show the directory in effect, and what is wrong with it."`
	Diff directoryDiffCmd `cmd:"" help:"Say how a directory file differs from the directory in effect."`
}

type directoryLoadCmd struct {
	File string `arg:"" help:"The file, YAML or JSON." type:"path"`
	JSON bool   `help:"Print JSON." name:"json"`
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
	state, err := daemon.LoadDirectory(p.ctx, c.File, doc.json)
	if err != nil {
		return err
	}
	for i := range state.Problems {
		doc.locate(&state.Problems[i])
	}
	if c.JSON {
		return printJSON(p.out, state)
	}
	printDirectory(p, &state)
	return nil
}

type directoryShowCmd struct {
	JSON bool `help:"Print JSON, with the document itself." name:"json"`
}

// Run implements the command.
func (c *directoryShowCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	state, err := daemon.Directory(p.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, state)
	}
	printDirectory(p, &state)
	if state.Document != nil {
		for _, r := range state.Document.Rules {
			_, _ = fmt.Fprintf(p.out, "  rule %-4d %5d  %s\n", r.ID, r.Priority, inWords(&r))
		}
	}
	return nil
}

func printDirectory(p *program, s *control.DirectoryState) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }
	if s.Loaded {
		say("Version %s from %s, since %s: %d numbers, %d groups, %d rules.\n", safe(s.Version), safe(s.Source),
			s.Since.Local().Format("2006-01-02 15:04:05"), s.Numbers, s.Groups, s.Rules)
	} else {
		say("No directory is in effect: every call is released to the PBX's own dialplan.\n")
	}
	if s.Failure != "" {
		say("A newer document was refused: %s\n", safe(s.Failure))
	}
	for _, problem := range s.Problems {
		say("  %s: %s: %s\n", at(safe(s.Source), problem), problem.Severity, problem)
	}
}

// inWords says what a rule does.
func inWords(r *ringside.Rule) string {
	s := fmt.Sprintf("%q:", r.Name)
	if r.CallerIDPattern != "" {
		s += " caller " + r.CallerIDPattern
	}
	if r.CalledNumberPattern != "" {
		s += " called " + r.CalledNumberPattern
	}
	if r.TimeCondition != "" {
		s += " at " + r.TimeCondition
	}
	s += " → " + string(r.Action)
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

type directoryDiffCmd struct {
	File    string `arg:"" help:"The file that is compared." type:"path"`
	Against string `help:"Another file, in place of the running daemon's directory." type:"path" placeholder:"FILE"`
	JSON    bool   `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *directoryDiffCmd) Run(p *program) error {
	next, err := p.loadDirectory(c.File)
	if err != nil {
		return err
	}
	var old *ringside.Directory
	if c.Against != "" {
		dir, err := p.loadDirectory(c.Against)
		if err != nil {
			return err
		}
		old = dir.Document()
	} else {
		daemon, err := p.daemon()
		if err != nil {
			return err
		}
		state, err := daemon.Directory(p.ctx)
		if err != nil {
			return err
		}
		if old = state.Document; old == nil {
			old = &ringside.Directory{}
		}
	}
	changes := ringside.Compare(old, next.Document())
	if c.JSON {
		return printJSON(p.out, append([]ringside.Change{}, changes...))
	}
	for _, change := range changes {
		_, _ = fmt.Fprintln(p.out, safe(change.String()))
	}
	if len(changes) == 0 {
		_, _ = fmt.Fprintln(p.out, "Nothing differs.")
	}
	return nil
}

package main

import (
	"fmt"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

type checkCmd struct {
	Config    checkConfigCmd    `cmd:"" help:"Check a configuration file."`
	Directory checkDirectoryCmd `cmd:"" help:"Check a directory file: faults, rules that are never reached, empty groups, loops, uncovered hours."`
}

type checkConfigCmd struct {
	File string `arg:"" optional:"" help:"The file; the one of --config if left out." type:"path"`
}

// Run implements the command.
func (c *checkConfigCmd) Run(p *program) error {
	file := c.File
	if file == "" {
		file = p.cli.Config
	}
	cfg, err := LoadConfig(file)
	if err != nil {
		return exitError{exitUsage, err}
	}
	if _, err := cfg.token(); err != nil {
		return exitError{exitUsage, err}
	}
	_, _ = fmt.Fprintln(p.out, "The configuration is sound.")
	return nil
}

type checkDirectoryCmd struct {
	File string `arg:"" optional:"" help:"The file; directory.file of the configuration if left out." type:"path"`
	JSON bool   `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *checkDirectoryCmd) Run(p *program) error {
	file := c.File
	if file == "" {
		cfg, err := p.config()
		if err != nil {
			return err
		}
		if file = cfg.Directory.File; file == "" {
			return exitError{exitUsage, fmt.Errorf("name a directory file: the configuration has no directory.file")}
		}
	}
	doc, err := readDocument(file)
	if err != nil {
		return exitError{exitUsage, err}
	}
	dir, problems, err := doc.load()
	if err != nil {
		return exitError{exitUsage, err}
	}
	findings := routing.Check(dir)
	for i := range findings {
		doc.locate(&findings[i])
	}
	problems = append(problems, findings...)
	if c.JSON {
		if err := printJSON(p.out, append([]ringside.Problem{}, problems...)); err != nil {
			return err
		}
	} else {
		for _, problem := range problems {
			_, _ = fmt.Fprintf(p.out, "%s: %s: %s\n", at(file, problem), problem.Severity, problem)
		}
	}
	if len(problems) > 0 {
		return exitError{exitProblems, fmt.Errorf("%s has %s", file, count(len(problems), "problem", "problems"))}
	}
	if !c.JSON {
		d := dir.Document()
		_, _ = fmt.Fprintf(p.out, "The directory is sound: %s, %s, %s.\n",
			count(len(d.Numbers), "number", "numbers"), count(len(d.Groups), "group", "groups"), count(len(d.Rules), "rule", "rules"))
	}
	return nil
}

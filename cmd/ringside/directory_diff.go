package main

import (
	"errors"
	"fmt"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/control"
)

type directoryDiffCmd struct {
	File    string   `arg:"" optional:"" help:"The file that is compared." type:"path"`
	Against string   `help:"Another file, in place of the running daemon's directory." type:"path" placeholder:"FILE"`
	Edition []uint64 `help:"An edition in place of the running daemon's directory; without a file, of two editions the second is compared with the first, and of one the directory in effect with it." placeholder:"N"`
	JSON    bool     `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *directoryDiffCmd) Run(p *program) error {
	old, next, err := c.sides(p)
	if err != nil {
		return err
	}
	changes := ringside.Compare(old, next)
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

// sides gives what was and what is.
func (c *directoryDiffCmd) sides(p *program) (old, next *ringside.Directory, err error) {
	switch n := len(c.Edition); {
	case c.File == "" && n == 0:
		err = errors.New("name a file or an --edition")
	case c.Against != "" && (n > 0 || c.File == ""):
		err = errors.New("--against compares two files, and no editions")
	case c.File != "" && n > 1:
		err = errors.New("a file is compared with one --edition")
	case n > 2:
		err = errors.New("two editions are compared, and no more")
	}
	if err != nil {
		return nil, nil, exitError{exitUsage, err}
	}
	if c.File != "" {
		if next, err = p.fileDirectory(c.File); err != nil {
			return nil, nil, err
		}
	}
	if c.Against != "" {
		old, err = p.fileDirectory(c.Against)
		return old, next, err
	}
	daemon, err := p.daemon()
	if err != nil {
		return nil, nil, err
	}
	inEffect := func() (*ringside.Directory, error) {
		state, err := daemon.Directory(p.ctx)
		if err == nil && state.Document == nil {
			state.Document = &ringside.Directory{}
		}
		return state.Document, err
	}
	if len(c.Edition) == 0 {
		old, err = inEffect()
		return old, next, err
	}
	if old, err = editionDirectory(p, daemon, c.Edition[0]); err != nil || next != nil {
		return old, next, err
	}
	if len(c.Edition) == 2 {
		next, err = editionDirectory(p, daemon, c.Edition[1])
	} else {
		next, err = inEffect()
	}
	return old, next, err
}

func (p *program) fileDirectory(file string) (*ringside.Directory, error) {
	dir, err := p.loadDirectory(file)
	if err != nil {
		return nil, err
	}
	return dir.Document(), nil
}

func editionDirectory(p *program, daemon *control.Client, n uint64) (*ringside.Directory, error) {
	e, err := daemon.Edition(p.ctx, n)
	if err != nil {
		return nil, fmt.Errorf("edition %d: %w", n, err)
	}
	return e.Document, nil
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ringside-pbx/ringside/control"
	"github.com/ringside-pbx/ringside/store"
)

type storeCmd struct {
	Check  storeCheckCmd  `cmd:"" help:"Check that the store is consistent."`
	Backup storeBackupCmd `cmd:"" help:"Write a copy of the store, while the daemon runs."`
}

type storeCheckCmd struct {
	File string `arg:"" optional:"" help:"A store file that no daemon has open; the running daemon's own if left out." type:"path"`
	JSON bool   `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *storeCheckCmd) Run(p *program) error {
	report, err := c.check(p)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(p.out, report); err != nil {
			return err
		}
	} else {
		for _, problem := range report.Problems {
			_, _ = fmt.Fprintln(p.out, safe(problem))
		}
	}
	if !report.OK {
		return exitError{exitProblems, errors.New("the store is not consistent")}
	}
	if !c.JSON {
		_, _ = fmt.Fprintln(p.out, "The store is consistent:", strings.Join(fieldsInWords(report.Counts), " "))
	}
	return nil
}

// check asks the daemon, or reads the file if none is running.
func (c *storeCheckCmd) check(p *program) (control.StoreReport, error) {
	file := c.File
	if file == "" {
		daemon, err := p.daemon()
		if err != nil {
			return control.StoreReport{}, err
		}
		report, err := daemon.CheckStore(p.ctx)
		if !errors.Is(err, control.ErrNoDaemon) {
			return report, err
		}
		cfg, err := p.config()
		if err != nil {
			return control.StoreReport{}, err
		}
		file = cfg.Store.Path
	}
	r, err := store.CheckFile(p.ctx, file)
	if err != nil {
		return control.StoreReport{}, err
	}
	return storeReport(r)
}

func storeReport(r store.Report) (control.StoreReport, error) {
	counts, err := json.Marshal(map[string]any{
		"schema": r.Schema, "calls": r.Calls, "begun": r.Begun, "outbox": r.Outbox, "cdrs": r.CDRs,
		"rejected": r.Rejected, "annotations": r.Annotations, "editions": r.Editions, "edits": r.Edits, "people": r.People,
		"turns": r.Turns, "talks": r.Talks, "contacts": r.Contacts, "size": r.Size, "free": r.Free,
	})
	return control.StoreReport{OK: r.OK(), Problems: append([]string{}, r.Problems...), Counts: counts}, err
}

type storeBackupCmd struct {
	File string `arg:"" help:"The new file." type:"path"`
}

// Run implements the command.
func (c *storeBackupCmd) Run(p *program) error {
	path, err := filepath.Abs(c.File)
	if err != nil {
		return err
	}
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	if err := daemon.BackupStore(p.ctx, path); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(p.out, "Written:", path)
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/configs"
	"github.com/ringside-pbx/ringside/control"
	"github.com/ringside-pbx/ringside/directory"
)

// firstDirectory puts the directory in effect that the daemon begins with: the last good one, and then
// the file's. A bad one never keeps the daemon from starting: calls are released meanwhile.
func (d *daemon) firstDirectory(ctx context.Context, demo bool) (watch *fileWatch) {
	restored, err := d.keeper.Restore(ctx)
	if err != nil {
		d.log.Error("the stored directory can't be used", "error", err)
	}
	switch file := d.cfg.Directory.File; {
	case file != "":
		watch = newFileWatch(file, func(ctx context.Context) { _ = d.reload(ctx) })
		_ = d.reload(ctx)
		watch.start()
	case demo && !restored:
		doc, err := parseDocument("demo", configs.Demo)
		if err == nil {
			err = d.offer(ctx, doc, "demo")
		}
		if err != nil {
			d.log.Error("the demo directory can't be used", "error", err)
		}
	}
	if !d.keeper.State().Loaded {
		hint := "set directory.file, or run 'ringside directory load FILE'"
		if d.cfg.CRM.URL != "" {
			hint = "the CRM is asked for one; 'ringside sync status' tells what it says"
		}
		d.log.Warn("there is no directory yet: every call is released to the PBX's own dialplan", "hint", hint)
	}
	return watch
}

// reload reads the directory file again; a bad one changes nothing.
func (d *daemon) reload(ctx context.Context) error {
	file := d.cfg.Directory.File
	if file == "" {
		return nil
	}
	doc, err := readDocument(file)
	if err != nil {
		d.keeper.Failed(ctx, file, err)
		return err
	}
	return d.offer(ctx, doc, file)
}

func (d *daemon) offer(ctx context.Context, doc *document, source string) error {
	_, err := d.keeper.Offer(ctx, directory.Document{Data: doc.json, Source: source, Locate: doc.locate, Place: doc.placed})
	return err
}

func (d *daemon) state() control.DirectoryState {
	s := d.keeper.State()
	return control.DirectoryState{
		Loaded: s.Loaded, Version: s.Version, Source: s.Source, Author: s.Author, Since: s.Since, Edition: s.Edition,
		Servers: s.Servers, Numbers: s.Numbers, Groups: s.Groups, Rules: s.Rules,
		Problems: append([]ringside.Problem{}, s.Problems...), Failure: s.Failure, Held: s.Held,
		Pending: s.Pending, Accepted: s.Accepted, Rejected: s.Rejected, Unsaved: s.Unsaved,
	}
}

// Directory implements control.Daemon.
func (d *daemon) Directory(context.Context) (control.DirectoryState, error) {
	s := d.state()
	if dir := d.calls.Directory(); dir != nil {
		s.Document = dir.Document()
	}
	return s, nil
}

// LoadDirectory implements control.Directories.
func (d *daemon) LoadDirectory(ctx context.Context, l control.DirectoryLoad) (control.DirectoryOutcome, error) {
	o, err := d.keeper.Offer(ctx, directory.Document{
		Data: l.Document, Source: printable(l.Source), Author: printable(l.Author), Confirmed: l.Confirmed,
	})
	return d.answer(o, err)
}

// EditDirectory implements control.Directories.
func (d *daemon) EditDirectory(ctx context.Context, e control.DirectoryEdit) (control.DirectoryOutcome, error) {
	e.Edit.Author = printable(e.Edit.Author)
	o, err := d.keeper.Edit(ctx, e.Edit, e.Confirmed)
	return d.answer(o, err)
}

// DecideEdition implements control.Directories.
func (d *daemon) DecideEdition(ctx context.Context, v control.EditionDecision) (control.DirectoryOutcome, error) {
	decide := map[control.Verdict]func(context.Context, uint64, string) (directory.Outcome, error){
		control.ConfirmEdition: d.keeper.Confirm, control.DiscardEdition: d.keeper.Discard, control.RollBack: d.keeper.Rollback,
	}[v.Verdict]
	o, err := decide(ctx, v.Number, printable(v.Author))
	return d.answer(o, err)
}

// answer puts the keeper's outcome in the words of the control socket.
func (d *daemon) answer(o directory.Outcome, err error) (control.DirectoryOutcome, error) {
	switch {
	case errors.Is(err, directory.ErrNoEdition):
		return control.DirectoryOutcome{}, fmt.Errorf("%w: %w", control.ErrNotFound, err)
	case err != nil:
		return control.DirectoryOutcome{}, fmt.Errorf("%w: %w", control.ErrRefused, err)
	}
	return control.DirectoryOutcome{
		Result: string(o.Result), Edition: o.Edition, Problems: o.Problems, Edit: o.Edit, Unsaved: o.Unsaved, State: d.state(),
	}, nil
}

// Edits implements control.Directories.
func (d *daemon) Edits(ctx context.Context) ([]ringside.Edit, error) { return d.keeper.Edits(ctx) }

// ForgetEdits implements control.Directories.
func (d *daemon) ForgetEdits(ctx context.Context) (int, error) { return d.keeper.ForgetRejected(ctx) }

// Editions implements control.Directories.
func (d *daemon) Editions(ctx context.Context, limit int) ([]ringside.Edition, error) {
	all, err := d.keeper.History(ctx, limit)
	return append([]ringside.Edition{}, all...), err
}

// Edition implements control.Directories.
func (d *daemon) Edition(ctx context.Context, n uint64) (control.EditionDocument, error) {
	e, doc, err := d.keeper.Edition(ctx, n)
	if errors.Is(err, directory.ErrNoEdition) {
		err = fmt.Errorf("%w: %w", control.ErrNotFound, err)
	}
	return control.EditionDocument{Edition: e, Document: doc}, err
}

// printable keeps what somebody typed from breaking a line of the log or of a list.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

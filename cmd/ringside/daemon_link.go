package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/control"
	"github.com/ringside-pbx/ringside/directory"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// crmDirectory is the keeper of the directory as the link with the CRM sees it.
type crmDirectory struct{ keeper *directory.Keeper }

// OfferDirectory implements crmsync.Directory.
func (c crmDirectory) OfferDirectory(ctx context.Context, d crmsync.Document) (crmsync.Offered, error) {
	o, err := c.keeper.Offer(ctx, directory.Document{
		Data: d.Data, Source: d.Source, Author: d.Author, ETag: d.ETag, Forced: d.Forced, Confirmed: d.Confirmed,
	})
	switch {
	case errors.Is(err, directory.ErrOlder):
		// Both errors say the same; what follows is what is news.
		return crmsync.Offered{}, fmt.Errorf("%w%s", crmsync.ErrOlder, strings.TrimPrefix(err.Error(), directory.ErrOlder.Error()))
	case errors.Is(err, directory.ErrFile):
		return crmsync.Offered{}, fmt.Errorf("%w: %w", crmsync.ErrFile, err)
	}
	return crmsync.Offered{
		Edition: o.Edition.Number, Version: o.Edition.Version, State: string(o.Result),
		Problems: append([]ringside.Problem{}, o.Problems...), Changes: append([]string{}, o.Edition.Changes...), More: o.Edition.More,
		Losses: o.Edition.Losses,
	}, err
}

// DirectoryETag implements crmsync.Directory.
func (c crmDirectory) DirectoryETag() string { return c.keeper.State().ETag }

// DirectoryVersion implements crmsync.Directory.
func (c crmDirectory) DirectoryVersion() string { return c.keeper.State().Version }

// PendingEdits implements crmsync.Directory.
func (c crmDirectory) PendingEdits(ctx context.Context) ([]ringside.Edit, error) {
	return c.keeper.Pending(ctx), nil
}

// SettleEdits implements crmsync.Directory.
func (c crmDirectory) SettleEdits(ctx context.Context, verdicts []ringside.EditVerdict) error {
	return c.keeper.Settle(ctx, verdicts)
}

// Edited implements crmsync.Directory.
func (c crmDirectory) Edited() <-chan struct{} { return c.keeper.Edited() }

// linkOptions completes what the configuration says about the link.
func (d *daemon) linkOptions() (crmsync.Options, error) {
	opt, err := d.cfg.CRM.link()
	if err != nil {
		return opt, exitError{exitUsage, err}
	}
	opt.Node, opt.Version, opt.Log = d.cfg.Node, version, d.log
	opt.Store, opt.Calls, opt.Directory = d.store, d.calls, crmDirectory{d.keeper}
	opt.Config = d.cfg.Directory.File == ""
	opt.Normalize = func(phone string) string {
		if dir := d.calls.Directory(); dir != nil {
			return dir.Number(phone).String()
		}
		return phone
	}
	opt.Country = func() string {
		if dir := d.calls.Directory(); dir != nil {
			return dir.Document().DefaultCountry
		}
		return ""
	}
	return opt, nil
}

// linkStatus is the state of the link, with what the keeper of the directory adds.
func (d *daemon) linkStatus(ctx context.Context) (crmsync.Status, error) {
	s, err := d.link.Status(ctx)
	if err != nil {
		return s, err
	}
	state := d.keeper.State()
	s.Edits = state.Pending
	if h := state.Held; h != nil {
		s.Warnings = append(s.Warnings, fmt.Sprintf("a directory waits for a confirmation (ringside directory confirm %d)", h.Number))
	}
	if state.Failure != "" {
		s.Warnings = append(s.Warnings, "the newest directory was refused: "+state.Failure)
	}
	if n := state.Rejected; n > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s rejected (ringside directory edits)", count(n, "edit made here was", "edits made here were")))
	}
	return s, nil
}

// SyncStatus implements control.Link.
func (d *daemon) SyncStatus(ctx context.Context) (json.RawMessage, error) {
	s, err := d.linkStatus(ctx)
	if err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

// SyncRefresh implements control.Link.
func (d *daemon) SyncRefresh(context.Context) error { return refused(d.link.Refresh()) }

// refused marks what the user asked for and can't have.
func refused(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", control.ErrRefused, err)
}

// Rejected implements control.Link.
func (d *daemon) Rejected(ctx context.Context, after string, limit int) ([]ringside.Rejected, error) {
	return d.store.Rejected(ctx, after, limit)
}

// RetryRejected implements control.Link.
func (d *daemon) RetryRejected(ctx context.Context, ids []string) (int, error) {
	return d.store.RetryRejected(ctx, ids...)
}

// DropRejected implements control.Link.
func (d *daemon) DropRejected(ctx context.Context, ids []string) (int, error) {
	return d.store.DropRejected(ctx, ids...)
}

// Reconcile implements control.Link.
func (d *daemon) Reconcile(ctx context.Context, from, to time.Time) (json.RawMessage, error) {
	d.flush(ctx)
	r, err := d.link.Reconcile(ctx, from, to)
	var f *crmsync.Failure
	if errors.Is(err, crmsync.ErrStandalone) || errors.As(err, &f) {
		return nil, refused(err)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

// Annotation implements control.Link.
func (d *daemon) Annotation(ctx context.Context, callID string) (ringside.Annotation, error) {
	a, ok, err := d.store.Annotation(ctx, callID)
	if err == nil && !ok {
		err = control.ErrNotFound
	}
	return a, err
}

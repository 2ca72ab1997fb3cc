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
	crmsync "github.com/ringside-pbx/ringside/sync"
)

type syncCmd struct {
	Status    syncStatusCmd    `cmd:"" help:"Tell how the link with the CRM is doing, and what waits."`
	Refresh   syncRefreshCmd   `cmd:"" help:"Pull the directory now, and try refused credentials again."`
	Rejected  syncRejectedCmd  `cmd:"" help:"Records that the CRM refuses: list them, send them again, give them up."`
	Reconcile syncReconcileCmd `cmd:"" help:"Compare a day's calls with the CRM's, and send again what is missing there."`
}

type syncStatusCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *syncStatusCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	raw, err := daemon.SyncStatus(p.ctx)
	if err != nil {
		return err
	}
	var s crmsync.Status
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("reading the daemon's answer: %w", err)
	}
	if c.JSON {
		return printJSON(p.out, s)
	}
	printSync(p, &s)
	return nil
}

func printSync(p *program, s *crmsync.Status) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }
	printLink(p, s)
	if s.State != crmsync.Standalone {
		say("Last success: %s\n", when(s.LastSuccess))
	}
	printBacklog(p, s)
	for _, one := range s.Streams {
		switch {
		case one.Trouble == "" && one.LastSuccess.IsZero():
			say("  %-12s nothing to do yet\n", one.Name)
		case one.Trouble == "":
			say("  %-12s ok, last %s\n", one.Name, when(one.LastSuccess))
		default:
			say("  %-12s fails since %s, %s, next %s: %s\n", one.Name, when(one.Since), count(one.Failures, "attempt", "attempts"),
				clockTime(one.Next), safe(one.Reason))
		}
	}
}

// printLink tells the state of the link in a line, with its warnings.
func printLink(p *program, s *crmsync.Status) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }
	switch s.State {
	case crmsync.Standalone:
		say("There is no CRM (crm.url is not set): records are kept here only.\n")
	case crmsync.Up:
		say("The CRM link is up: %s\n", safe(s.URL))
	case crmsync.Connecting:
		say("The CRM has not answered yet: %s\n", safe(s.URL))
	case crmsync.Locked:
		say("The CRM link fails since %s: %s.\nNothing is sent until the credentials are good again; calls go on.\n", when(s.Since), safe(s.Reason))
	default:
		what := "The CRM link fails"
		if s.LastSuccess.After(s.Since) {
			what = "Part of the CRM link (" + failingStreams(s) + ") fails"
		}
		say("%s since %s: %s. Calls go on.\n", what, when(s.Since), safe(s.Reason))
	}
	for _, w := range s.Warnings {
		say("Attention: %s\n", safe(w))
	}
}

// failingStreams names what fails while other things work.
func failingStreams(s *crmsync.Status) string {
	var names []string
	for _, one := range s.Streams {
		if one.Trouble != "" {
			names = append(names, one.Name)
		}
	}
	return strings.Join(names, ", ")
}

func printBacklog(p *program, s *crmsync.Status) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }
	if s.State == crmsync.Standalone {
		return
	}
	b := s.Backlog
	var waits []string
	if b.Calls > 0 {
		waits = append(waits, fmt.Sprintf("%s (%s)", callCount(b.Calls), size(b.Bytes)))
	}
	if b.CDRs > 0 {
		waits = append(waits, "CDRs of "+callCount(b.CDRs))
	}
	if s.Edits > 0 {
		waits = append(waits, count(s.Edits, "edit made here", "edits made here"))
	}
	switch {
	case len(waits) == 0:
		say("Nothing waits to be delivered.\n")
	case b.Oldest.IsZero():
		say("Waiting: %s\n", strings.Join(waits, ", "))
	default:
		say("Waiting: %s; the oldest call from %s\n", strings.Join(waits, ", "), when(b.Oldest))
	}
	if !s.FullAt.IsZero() {
		say("At this rate the disk (%s free) is full on %s.\n", size(s.Disk.Free), s.FullAt.Local().Format("2006-01-02"))
	}
	if b.Rejected > 0 {
		say("Rejected by the CRM: %s (ringside sync rejected list)\n", count(b.Rejected, "record", "records"))
	}
}

// when writes a time with its age.
func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return fmt.Sprintf("%s (%s ago)", t.Local().Format("2006-01-02 15:04:05"), age(t))
}

func clockTime(t time.Time) string {
	if t.IsZero() {
		return "soon"
	}
	return "at " + t.Local().Format("15:04:05")
}

// size writes a number of bytes as people read it.
func size(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefix := float64(n)/unit, 0
	for ; value >= unit && prefix < 4; prefix++ {
		value /= unit
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTP"[prefix])
}

type syncRefreshCmd struct{}

// Run implements the command.
func (c *syncRefreshCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	if err := daemon.SyncRefresh(p.ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(p.out, "The CRM is being asked; 'ringside sync status' tells what it says.")
	return nil
}

type syncRejectedCmd struct {
	List  rejectedListCmd  `cmd:"" help:"List the records in the bucket, each with the reason."`
	Retry rejectedRetryCmd `cmd:"" help:"Send records of the bucket again."`
	Drop  rejectedDropCmd  `cmd:"" help:"Give records up: the CRM will not have them; they stay in the local list of calls."`
}

type rejectedListCmd struct {
	Limit int  `help:"How many at most." default:"100"`
	JSON  bool `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *rejectedListCmd) Run(p *program) error {
	if c.Limit < 1 {
		return exitError{exitUsage, errors.New("--limit must be at least 1")}
	}
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	list, err := daemon.Rejected(p.ctx, "", c.Limit)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, list)
	}
	for _, r := range list {
		_, _ = fmt.Fprintf(p.out, "%s  %s  revision %d  %s: %s\n", r.At.Local().Format("2006-01-02 15:04:05"), safe(r.ID), r.Revision, safe(r.Code), safe(r.Reason))
	}
	switch {
	case len(list) == 0:
		_, _ = fmt.Fprintln(p.out, "The bucket is empty: the CRM refuses nothing.")
	case len(list) == c.Limit:
		_, _ = fmt.Fprintln(p.out, "There may be more: see --limit.")
	}
	return nil
}

// chosen names records of the bucket on the command line.
type chosen struct {
	IDs []string `arg:"" optional:"" name:"id" help:"The records, as in the list."`
	All bool     `help:"All records in the bucket."`
}

// apply does something to the records, and says what was done and how many of the named ones were not
// in the bucket.
func (c *chosen) apply(p *program, do func(*control.Client, context.Context, []string) (int, error), done string) error {
	if c.All == (len(c.IDs) > 0) {
		return exitError{exitUsage, errors.New("name records as in 'ringside sync rejected list', or use --all")}
	}
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	n, err := do(daemon, p.ctx, c.IDs)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.out, "%s %s %s.\n", count(n, "record", "records"), either(n, "is", "are"), done)
	if absent := len(c.IDs) - n; !c.All && absent > 0 {
		return exitError{exitNotFound, fmt.Errorf("%d of %s %s not in the bucket: name them as in 'ringside sync rejected list'",
			absent, count(len(c.IDs), "named record", "named records"), either(absent, "is", "are"))}
	}
	return nil
}

type rejectedRetryCmd struct{ chosen }

// Run implements the command.
func (c *rejectedRetryCmd) Run(p *program) error {
	return c.apply(p, (*control.Client).RetryRejected, "sent again")
}

type rejectedDropCmd struct{ chosen }

// Run implements the command.
func (c *rejectedDropCmd) Run(p *program) error {
	return c.apply(p, (*control.Client).DropRejected, "given up")
}

// The years in which calls may have begun.
const firstYear, lastYear = 1970, 2200

type syncReconcileCmd struct {
	Day  string `help:"The day, such as 2026-11-23, in the directory's time zone." required:"" placeholder:"DATE"`
	JSON bool   `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *syncReconcileCmd) Run(p *program) error {
	if day, err := time.Parse(time.DateOnly, c.Day); err != nil || day.Year() < firstYear || day.Year() > lastYear {
		return exitError{exitUsage, fmt.Errorf("--day %q is no day: write it as 2026-11-23", c.Day)}
	}
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	state, err := daemon.Directory(p.ctx)
	if err != nil {
		return err
	}
	day, err := time.ParseInLocation(time.DateOnly, c.Day, zoneOf(state.Document))
	if err != nil {
		return exitError{exitUsage, err}
	}
	raw, err := daemon.Reconcile(p.ctx, day, day.AddDate(0, 0, 1))
	if err != nil {
		return err
	}
	var r crmsync.Reconciliation
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("reading the daemon's answer: %w", err)
	}
	if c.JSON {
		return printJSON(p.out, r)
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }
	say("Calls of %s: %d here, %d at the CRM.\n", c.Day, r.Ours, r.Theirs)
	say("Missing there: %d, older there: %d; %d %s sent again.\n", r.Missing, r.Outdated, r.Requeued, either(r.Requeued, "is", "are"))
	if r.Waiting+r.Rejected > 0 {
		say("On their way: %d, in the bucket of rejected ones: %d.\n", r.Waiting, r.Rejected)
	}
	if r.Unknown > 0 {
		say("The CRM has %s of this node that %s not known here, such as:\n", callCount(r.Unknown), either(r.Unknown, "is", "are"))
		for _, id := range r.UnknownIDs {
			say("  %s\n", safe(id))
		}
	}
	return nil
}

// zoneOf is a directory's time zone.
func zoneOf(d *ringside.Directory) *time.Location {
	if d != nil && d.TimeZone != "" {
		if z, err := time.LoadLocation(d.TimeZone); err == nil {
			return z
		}
	}
	return time.UTC
}

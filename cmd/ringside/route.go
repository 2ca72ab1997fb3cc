package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/calls"
	"github.com/ringside-pbx/ringside/control"
	"github.com/ringside-pbx/ringside/routing"
)

type routeCmd struct {
	From      string `help:"The caller's number; empty is a withheld one." placeholder:"NUMBER"`
	To        string `help:"The called number." required:"" placeholder:"NUMBER"`
	At        string `help:"When, such as \"2026-11-23 10:00\" in the directory's time zone; now if left out." placeholder:"TIME"`
	Endpoint  string `help:"The device or trunk that calls; by default the extension that --from is, else a trunk."`
	Owner     string `help:"The extension of the caller's manager, for route_to_owner." placeholder:"NUMBER"`
	Directory string `help:"Ask a directory file instead of the running daemon." type:"path" placeholder:"FILE"`
	JSON      bool   `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *routeCmd) Run(p *program) error {
	explained, err := c.ask(p)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, explained)
	}
	printDecision(p.out, &explained)
	return nil
}

func (c *routeCmd) ask(p *program) (ringside.Explained, error) {
	if strings.TrimSpace(c.To) == "" {
		return ringside.Explained{}, exitError{exitUsage, errors.New("--to is empty: name the called number")}
	}
	req := control.RouteRequest{From: c.From, To: c.To, Endpoint: c.Endpoint, Owner: c.Owner}
	if c.Directory != "" {
		return c.offline(p, req)
	}
	daemon, err := p.daemon()
	if err != nil {
		return ringside.Explained{}, err
	}
	if c.At != "" {
		state, err := daemon.Directory(p.ctx)
		if err != nil {
			return ringside.Explained{}, err
		}
		zone := time.UTC
		if state.Document != nil && state.Document.TimeZone != "" {
			if z, err := time.LoadLocation(state.Document.TimeZone); err == nil {
				zone = z
			}
		}
		if req.At, err = parseTime(c.At, zone); err != nil {
			return ringside.Explained{}, err
		}
	}
	return daemon.Route(p.ctx, req)
}

// offline asks a directory file, with every extension free.
func (c *routeCmd) offline(p *program, req control.RouteRequest) (ringside.Explained, error) {
	cfg, err := p.config()
	if err != nil {
		return ringside.Explained{}, err
	}
	dir, err := p.loadDirectory(c.Directory)
	if err != nil {
		return ringside.Explained{}, err
	}
	if c.At != "" {
		if req.At, err = parseTime(c.At, dir.Zone()); err != nil {
			return ringside.Explained{}, err
		}
	}
	board := calls.New(calls.Options{Node: cfg.Node})
	defer board.Close()
	decision, e := board.Explain(dir, routeQuery(dir, req))
	e.Dial = dialString(cfg.dial(), &decision)
	return e, nil
}

// loadDirectory compiles a directory file and prints its problems.
func (p *program) loadDirectory(file string) (*routing.Compiled, error) {
	doc, err := readDocument(file)
	if err != nil {
		return nil, exitError{exitUsage, err}
	}
	dir, problems, err := doc.load()
	if err != nil {
		return nil, exitError{exitUsage, err}
	}
	for _, problem := range problems {
		_, _ = fmt.Fprintf(p.err, "%s: %s\n", at(file, problem), problem)
	}
	return dir, nil
}

func at(file string, p ringside.Problem) string {
	if p.Line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d:%d", file, p.Line, p.Column)
}

// parseTime reads a time in any of the ways in which it is written on a command line.
func parseTime(text string, zone *time.Location) (time.Time, error) {
	for _, form := range []string{"2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", time.RFC3339, time.DateOnly} {
		if t, err := time.ParseInLocation(form, text, zone); err == nil {
			return t, nil
		}
	}
	if t, err := time.ParseInLocation("15:04", text, zone); err == nil {
		y, m, d := time.Now().In(zone).Date()
		return time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, zone), nil
	}
	return time.Time{}, exitError{exitUsage, fmt.Errorf("--at %q is no time: write it as \"2026-11-23 10:00\"", text)}
}

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printDecision prints the outcome first, then why, in the order in which it was found.
func printDecision(out io.Writer, e *ringside.Explained) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
	caller := e.CallerID
	if caller == "" {
		caller = "a withheld number"
	}
	say("A call from %s to %s:\n", safe(caller), safe(e.CalledNumber))
	steps := e.Trace
	if n := len(steps); n > 0 && steps[n-1].Step == "result" {
		say("  %s\n", steps[n-1].Why)
		steps = steps[:n-1]
	} else {
		say("  %s\n", e.Action)
	}
	if e.Dial != "" {
		say("  dial: %s\n", e.Dial)
	}
	if e.Contact != nil {
		say("  caller: %s\n", safe(e.Contact.Name))
	}
	if len(steps) > 0 {
		say("Why:\n")
	}
	for _, s := range steps {
		mark := "-"
		if s.Matched {
			mark = "+"
		}
		say("  %s %s%s\n", mark, subject(&s), s.Why)
	}
	if e.Version != "" {
		say("Directory version %s.\n", safe(e.Version))
	}
}

// subject names what a step of the explanation is about.
func subject(s *ringside.Step) string {
	switch s.Step {
	case "rule":
		return titled("rule", s.Rule, s.Name) + ": "
	case "group":
		return titled("group", s.Group, s.Name) + ": "
	case "member":
		return s.Member + " "
	}
	return ""
}

// safe keeps what a caller chose from steering the terminal.
func safe(s string) string {
	clean := []rune(s)
	for i, r := range clean {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			clean[i] = '?'
		}
	}
	return string(clean)
}

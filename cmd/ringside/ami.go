package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/ami"
)

type amiCmd struct {
	Test   amiTestCmd   `cmd:"" help:"Log in to Asterisk's manager interface and tell how it is doing, without the daemon."`
	Listen amiListenCmd `cmd:"" help:"Print Asterisk's events as they come, without the daemon."`
}

type amiTestCmd struct {
	Full   bool `help:"A full report: system, channels, endpoints, queues."`
	Queues bool `help:"Every queue with its members and callers."`
	JSON   bool `help:"Print JSON." name:"json"`
}

// errNoAMI says what is missing.
var errNoAMI = exitError{exitUsage, errors.New("ami.address is not set in the configuration")}

// asterisk gives the login of the configuration.
func (p *program) asterisk() (*Config, ami.Login, error) {
	cfg, err := p.config()
	if err != nil {
		return nil, ami.Login{}, err
	}
	if cfg.AMI.Address == "" {
		return nil, ami.Login{}, errNoAMI
	}
	login, err := cfg.AMI.login()
	if err != nil {
		return nil, ami.Login{}, exitError{exitUsage, err}
	}
	return cfg, login, nil
}

// reportWithin bounds a connection that is made for one report.
const reportWithin = 30 * time.Second

// Run implements the command.
func (c *amiTestCmd) Run(p *program) error {
	cfg, login, err := p.asterisk()
	if err != nil {
		return err
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }
	if !c.JSON {
		say("%s as %s (%s)\n", cfg.AMI.Address, safe(cfg.AMI.Username), whether(cfg.AMI.TLS, "TLS", "in the clear"))
	}
	pbx := ami.New(ami.Options{Login: login, Places: cfg.places(), Limits: cfg.AMI.Limits.limits()})
	ctx, cancel := context.WithTimeout(p.ctx, reportWithin)
	defer cancel()
	pbx.Start()
	defer func() { _ = pbx.Stop(ctx) }()
	if err := pbx.WaitUp(ctx); err != nil {
		return err
	}
	h := pbx.Health(ctx)
	queues := pbx.Queues()
	if c.JSON {
		return printJSON(p.out, map[string]any{"health": h, "queues": queues})
	}
	printConnection(p.out, &h)
	if c.Full {
		printHealth(p.out, &h)
	}
	if c.Queues {
		printQueues(p.out, queues, time.Now())
	}
	if h.Status.Severity() >= ringside.ConditionUnhealthy.Severity() {
		return exitError{exitProblems, fmt.Errorf("%s: %s", h.Status, h.Message)}
	}
	return nil
}

func printConnection(out io.Writer, h *ringside.PBXHealth) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
	c := &h.Connection
	say("connection   %-10s answers in %.1f ms", c.Status, c.Ping)
	if c.ClockAhead > 0.1 || c.ClockAhead < -0.1 {
		say(", its clock is %.1f s %s", max(c.ClockAhead, -c.ClockAhead), whether(c.ClockAhead > 0, "ahead", "behind"))
	}
	if c.Error != "" {
		say(", %s", safe(c.Error))
	}
	say("\n")
	s := &h.System
	say("system       %-10s %s", s.Status, safe(s.Version))
	if !s.Started.IsZero() {
		say(", up for %s", age(s.Started))
	}
	if !s.Reloaded.IsZero() && s.Reloaded.After(s.Started) {
		say(", reloaded %s ago", age(s.Reloaded))
	}
	if s.Error != "" {
		say("; %s", safe(s.Error))
	}
	say("\n")
}

func printHealth(out io.Writer, h *ringside.PBXHealth) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
	say("channels     %-10s %s, %d of them up\n", h.Channels.Status, count(h.Channels.Total, "channel", "channels"), h.Channels.Active)
	e := &h.Endpoints
	say("endpoints    %-10s %d of %d online", e.Status, e.Online, e.Total)
	if len(e.Offline) > 0 {
		say("; away: %s", safe(strings.Join(e.Offline[:min(len(e.Offline), 20)], " ")))
		if len(e.Offline) > 20 {
			say(" and %d more", len(e.Offline)-20)
		}
	}
	say("\n")
	q := &h.Queues
	say("queues       %-10s %s, %d waiting", q.Status, count(q.Total, "queue", "queues"), q.Waiting)
	if q.Longest > 0 {
		say(", the longest for %s", lasting(time.Duration(q.Longest)*time.Second))
	}
	say("\n")
	for _, a := range q.Alerts {
		what := "somebody has waited for " + lasting(time.Duration(a.Wait)*time.Second)
		if a.Type == "no_agents" {
			what = fmt.Sprintf("%s, and nobody is there to take %s", count(a.Waiting, "caller waits", "callers wait"), either(a.Waiting, "the call", "calls"))
		}
		say("  ! %-12s %s\n", safe(a.Queue), what)
	}
	if c := &h.Quality; c.Total > 0 {
		say("calls        %-10s %d of %d completed in the last %s, %d failed, %d short, %.0f s on average\n", c.Grade,
			c.Completed, c.Total, lasting(time.Duration(c.Window)*time.Second), c.Failed, c.Short, c.Average)
	}
	say("overall      %-10s %s\n", h.Status, safe(h.Message))
}

type healthCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *healthCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	h, err := daemon.PBXHealth(p.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, h)
	}
	printConnection(p.out, &h)
	printHealth(p.out, &h)
	if h.Status.Severity() >= ringside.ConditionUnhealthy.Severity() {
		return exitError{exitProblems, fmt.Errorf("%s: %s", h.Status, h.Message)}
	}
	return nil
}

type amiListenCmd struct {
	Event []string `help:"Only events of these names, such as Hangup,DialEnd." placeholder:"NAME"`
	JSON  bool     `help:"Print JSON, one event a line." name:"json"`
}

// listenBehind is how many events may wait to be printed.
const listenBehind = 10_000

// Run implements the command.
func (c *amiListenCmd) Run(p *program) error {
	_, login, err := p.asterisk()
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, name := range c.Event {
		wanted[strings.ToLower(name)] = true
	}
	login.Events = "" // all that the user may read
	login.Log = newLog(LogConfig{Level: "warn", Format: "text"}, p.err)
	events, missed := make(chan ami.Message, listenBehind), 0
	s, err := ami.Connect(p.ctx, login, func(m ami.Message) {
		if len(wanted) > 0 && !wanted[strings.ToLower(m.Event())] {
			return
		}
		select {
		case events <- m.Clone():
		default:
			missed++
		}
	})
	if err != nil {
		return err
	}
	defer func() {
		s.Close()
		if missed > 0 {
			_, _ = fmt.Fprintf(p.err, "%s could not be printed fast enough and were left out.\n", count(missed, "event", "events"))
		}
		if n := s.Forged(); n > 0 {
			_, _ = fmt.Fprintf(p.err, "%s held line breaks from a caller's number and could not be told from forged ones: they were left out.\n", count(n, "event", "events"))
		}
	}()
	ping := time.NewTicker(15 * time.Second)
	defer ping.Stop()
	for {
		select {
		case m := <-events:
			if err := printEvent(p.out, m, c.JSON); err != nil {
				return err
			}
		case <-ping.C:
			if _, err := s.Ping(p.ctx); err != nil && p.ctx.Err() == nil {
				return err
			}
		case <-s.Ended():
			return s.Err()
		case <-p.ctx.Done():
			return nil // the user has seen enough
		}
	}
}

func printEvent(out io.Writer, m ami.Message, asJSON bool) error {
	if asJSON {
		fields := map[string]any{}
		for name, value := range m.Headers() {
			k, v := string(name), string(value)
			switch old := fields[k].(type) {
			case nil:
				fields[k] = v
			case string:
				fields[k] = []string{old, v}
			case []string:
				fields[k] = append(old, v)
			}
		}
		return json.NewEncoder(out).Encode(fields)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", time.Now().Format("15:04:05.000"), safe(m.Event()))
	for name, value := range m.Headers() {
		if string(name) != "Event" && string(name) != "Privilege" && string(name) != "Timestamp" && len(value) > 0 {
			fmt.Fprintf(&b, "  %-20s %s\n", safe(string(name)), safe(string(value)))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

type channelsCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *channelsCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	all, err := daemon.Channels(p.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, all)
	}
	if len(all) == 0 {
		_, _ = fmt.Fprintln(p.out, "No channels.")
		return nil
	}
	calls := map[string]bool{}
	for _, ch := range all {
		calls[ch.CallID] = true
		line := fmt.Sprintf("%-34s %-8s %7s  %-16s %-16s %-24s %s", safe(ch.Name), ch.State, channelAge(ch.Since),
			caller(ch.Caller), safe(ch.Connected), safe(strings.Trim(ch.Extension+"@"+ch.Context, "@")), safe(strings.TrimSpace(ch.Application+" "+ch.Data)))
		_, _ = fmt.Fprintln(p.out, strings.TrimRight(line, " "))
	}
	_, _ = fmt.Fprintf(p.out, "%s in %s.\n", count(len(all), "channel", "channels"), callCount(len(calls)))
	return nil
}

func channelAge(since time.Time) string {
	if since.IsZero() {
		return ""
	}
	return clock(int(time.Since(since) / time.Second))
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside/esl"
)

type eslCmd struct {
	Test   eslTestCmd   `cmd:"" help:"Try FreeSWITCH's event socket and tell what has to be changed, without the daemon."`
	Listen eslListenCmd `cmd:"" help:"Print FreeSWITCH's events as they come, without the daemon."`
}

type eslTestCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

// errNoESL says what is missing.
var errNoESL = exitError{exitUsage, errors.New("esl.address is not set in the configuration")}

// freeswitch gives the login of the configuration.
func (p *program) freeswitch() (esl.Login, error) {
	cfg, err := p.config()
	if err != nil {
		return esl.Login{}, err
	}
	if cfg.ESL.Address == "" {
		return esl.Login{}, errNoESL
	}
	login, err := cfg.ESL.login()
	if err != nil {
		return login, exitError{exitUsage, err}
	}
	return login, nil
}

// Run implements the command.
func (c *eslTestCmd) Run(p *program) error {
	login, err := p.freeswitch()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(p.ctx, reportWithin)
	defer cancel()
	rep, err := esl.Probe(ctx, login)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(p.out, rep); err != nil {
			return err
		}
	} else {
		printProbe(p.out, &rep)
	}
	if n := rep.Problems(); n > 0 {
		return exitError{exitProblems, fmt.Errorf("FreeSWITCH can't be used as it should: %s", count(n, "thing has to be changed", "things have to be changed"))}
	}
	return nil
}

// printProbe prints one line for each thing that was looked at, and below it what to change.
func printProbe(out io.Writer, rep *esl.Report) {
	for i := range rep.Findings {
		f := &rep.Findings[i]
		v := checkOK
		switch {
		case f.Problem:
			v = checkProblem
		case f.Advice:
			v = checkAdvice
		}
		_, _ = fmt.Fprintf(out, "%-8s  %-11s %s\n", v, f.What, safe(f.Text))
		if f.File != "" {
			_, _ = fmt.Fprintf(out, "            in %s:\n", safe(f.File))
		}
		for _, line := range f.Lines {
			_, _ = fmt.Fprintf(out, "              %s\n", safe(line))
		}
	}
	if len(rep.Findings) > 0 && rep.Problems() == 0 {
		_, _ = fmt.Fprintln(out, "FreeSWITCH can be used.")
	}
}

type eslListenCmd struct {
	Event []string `arg:"" optional:"" help:"Events of these names, such as CHANNEL_ANSWER or callcenter::info; without, the life of calls."`
	UUID  string   `help:"Only events of this channel." name:"uuid" placeholder:"UUID"`
	JSON  bool     `help:"Print JSON, one event a line, with all its headers." name:"json"`
}

// Run implements the command.
func (c *eslListenCmd) Run(p *program) error {
	login, err := p.freeswitch()
	if err != nil {
		return err
	}
	login.Log = newLog(LogConfig{Level: "warn", Format: "text"}, p.err)
	var lost uint64
	lost, err = esl.Listen(p.ctx, login, esl.Listening{Events: c.Event, Channel: c.UUID}, func(e esl.Event) error {
		return printSwitchEvent(p.out, e, c.JSON, time.Now())
	})
	if lost > 0 {
		_, _ = fmt.Fprintf(p.err, "%s could not be printed fast enough and were left out.\n", count(lost, "event", "events"))
	}
	return usage(err)
}

// toldHeaders are those that a line has room for, with the names that it gives them.
func toldHeaders() [][2]string {
	return [][2]string{
		{"Channel-Name", "channel"},
		{"Call-Direction", "direction"},
		{"Channel-Call-State", "state"},
		{"Caller-Caller-ID-Number", "from"},
		{"Caller-Destination-Number", "to"},
		{"Other-Leg-Unique-ID", "with"},
		{"Application", "application"},
		{"Application-Data", "data"},
		{"Hangup-Cause", "cause"},
		{"CC-Action", "action"},
		{"CC-Queue", "queue"},
		{"CC-Agent", "agent"},
		{"from-user", "user"},
		{"contact", "contact"},
	}
}

// printSwitchEvent prints one event as one line.
func printSwitchEvent(out io.Writer, e esl.Event, asJSON bool, now time.Time) error {
	if asJSON {
		all := map[string]any{}
		for name, value := range e.Headers() {
			switch old := all[name].(type) {
			case nil:
				all[name] = value
			case string:
				all[name] = []string{old, value}
			case []string:
				all[name] = append(old, value)
			}
		}
		if body := e.Body(); body != "" {
			all["_body"] = body
		}
		return json.NewEncoder(out).Encode(all)
	}
	headers := map[string]string{}
	for name, value := range e.Headers() {
		if headers[name] == "" {
			headers[name] = value
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %-24s", now.Format("15:04:05.000"), safe(e.Name()))
	if id := e.Channel(); id != "" {
		b.WriteString(" " + safe(id))
	}
	for _, h := range toldHeaders() {
		if v := headers[h[0]]; v != "" {
			fmt.Fprintf(&b, " %s=%q", h[1], safe(v))
		}
	}
	_, err := io.WriteString(out, strings.TrimRight(b.String(), " ")+"\n")
	return err
}

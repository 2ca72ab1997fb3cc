package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ringside-pbx/ringside/agi"
	"github.com/ringside-pbx/ringside/calls"
	"github.com/ringside-pbx/ringside/control"
	"github.com/ringside-pbx/ringside/directory"
	"github.com/ringside-pbx/ringside/store"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

type serveCmd struct {
	Demo bool `help:"Serve the demo directory, with everything in a folder of its own."`
}

// Run implements the command.
func (c *serveCmd) Run(p *program) error {
	cfg, err := p.config()
	if err != nil {
		return err
	}
	if c.Demo {
		if err := cfg.demo(p.cli.Config == ""); err != nil {
			return err
		}
	}
	if p.cli.Socket != "" {
		cfg.Control.Socket = p.cli.Socket
	}
	// From the beginning: a signal that nobody takes would end the process.
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	d, teardown, err := start(p.ctx, cfg, newLog(cfg.Log, p.err), c.Demo)
	if err != nil {
		return err
	}
	if c.Demo {
		welcome(p.out, cfg, d)
	}
	d.run(p.ctx, hup)
	return teardown.unwind(d.log, cfg.Shutdown.Grace.Duration)
}

// demo moves everything to a folder of the demo's own, so that it can be tried beside a real one.
func (c *Config) demo(own bool) error {
	if own {
		cache, err := os.UserCacheDir()
		if err != nil {
			cache = os.TempDir()
		}
		c.Store.Path = filepath.Join(cache, "ringside-demo", "ringside.db")
		c.Control.Socket = ""
	}
	return c.Validate()
}

func welcome(out io.Writer, cfg *Config, d *daemon) {
	_, _ = fmt.Fprintf(out, `
ringside serves the demo directory on %s. In another terminal, with the same binary, try:

  ringside route --socket %[2]s --from +79001234567 --to 100 --at "2026-11-23 10:00"
      where would this call go, and why?
  ringside call --socket %[2]s --from +79001234567 --to 100
      a call as Asterisk would place it; the demo is closed, and has voicemail, but for weekdays 09:00-18:00 in Moscow
  ringside calls list --socket %[2]s
      what became of it
  ringside dialplan asterisk (or freeswitch)
      the lines to paste into a real PBX

`, d.agi.Addr(), cfg.Control.Socket)
}

func newLog(c LogConfig, out io.Writer) *slog.Logger {
	level, _ := c.level()
	opt := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(out, opt))
	}
	return slog.New(slog.NewTextHandler(out, opt))
}

// start builds the daemon from the inside out: store, directory, switchboard, front ends. After
// each step its end is pushed on the teardown; an error undoes the steps before it.
func start(ctx context.Context, cfg *Config, log *slog.Logger, demo bool) (_ *daemon, _ *teardown, err error) {
	td := &teardown{}
	defer func() {
		if err != nil {
			err = errors.Join(err, td.unwind(log, 0))
		}
	}()
	token, err := cfg.token()
	if err != nil {
		return nil, nil, exitError{exitUsage, err}
	}
	d := &daemon{cfg: cfg, log: log, started: time.Now()}
	d.store, err = store.Open(ctx, store.Options{
		Path: cfg.Store.Path, Node: cfg.Node, Log: log, Retention: cfg.Store.Retention.Duration,
		MaxCalls: cfg.Store.MaxCalls, MoveAside: true, CDRs: cfg.CRM.URL != "" && cfg.CRM.CDRs,
		Standalone: cfg.CRM.URL == "",
	})
	if err != nil {
		return nil, nil, err
	}
	td.push("store", func(context.Context) error { return d.store.Close() })

	turns, err := d.store.Turns(ctx)
	if err != nil {
		return nil, nil, err
	}
	talks, err := d.store.Talks(ctx)
	if err != nil {
		return nil, nil, err
	}
	d.calls = calls.New(calls.Options{
		Node: cfg.Node, Log: log, Recorder: d.store, Contacts: d.store, Turns: turns, Talks: talks,
	})
	td.push("switchboard", func(context.Context) error { d.calls.Close(); return nil })

	if err := d.startDialplan(td); err != nil {
		return nil, nil, err
	}
	d.keeper = directory.New(directory.Options{
		Store: d.store, Effect: d.inEffect, Log: log, File: cfg.Directory.File,
		WithCRM: cfg.CRM.URL != "",
	})
	watch := d.firstDirectory(ctx, demo)
	if watch != nil {
		td.push("directory file", watch.stop)
	}
	link, err := d.linkOptions()
	if err != nil {
		return nil, nil, err
	}
	d.link = crmsync.New(link)
	d.link.Start()
	td.push("CRM link", d.link.Stop)

	d.agi, err = agi.Listen(agi.Options{
		Listen: cfg.AGI.Listen, Allow: prefixes(cfg.AGI.Allow), Token: token, Deadline: cfg.AGI.Deadline.Duration,
		Default: cfg.AGI.Default, MaxConnections: cfg.AGI.MaxConnections, Dial: cfg.dial(), Log: log,
	}, d.calls)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("agi.listen: another program, perhaps another ringside, listens on %s: %w", cfg.AGI.Listen, err)
	}
	if err != nil {
		return nil, nil, err
	}
	td.push("FastAGI", func(ctx context.Context) error {
		if left := d.agi.Stop(ctx, calls.ErrStopping); left > 0 {
			log.Warn("calls outlived the grace time and are left to the dialplan", "calls", left)
		}
		return nil
	})
	if err := d.startESL(td); err != nil {
		return nil, nil, err
	}
	if err := d.startARI(td); err != nil {
		return nil, nil, err
	}
	if err := d.startPBXs(td); err != nil {
		return nil, nil, err
	}
	web, err := d.listenHTTP()
	if err != nil {
		return nil, nil, err
	}
	if web != nil {
		td.push("HTTP", web.stop)
	}
	server, err := control.Listen(cfg.Control.Socket, d, log)
	if err != nil {
		return nil, nil, err
	}
	td.push("control socket", func(ctx context.Context) error {
		if err := server.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return nil // a request outlived the grace time, as calls do
	})
	log.Info("ringside is ready", "version", version, "node", cfg.Node, "agi", d.agi.Addr().String(), "esl", d.eslAddress(),
		"http", web.address(), "socket", cfg.Control.Socket, "store", cfg.Store.Path, "after", time.Since(d.started).Round(time.Millisecond))
	return d, td, nil
}

// run watches over the daemon until ctx ends: SIGHUP reloads, and the service manager is told that
// calls are served, as long as they are.
func (d *daemon) run(ctx context.Context, hup <-chan os.Signal) {
	notify("READY=1")
	beat := time.NewTicker(cmp.Or(watchdogInterval(), time.Second))
	defer beat.Stop()
	failures := 0
	for {
		select {
		case <-ctx.Done():
			notify("STOPPING=1")
			d.log.Info("ringside stops: no new calls are taken")
			return
		case <-hup:
			_ = d.reload(ctx)
		case <-beat.C:
			if failures = d.beat(ctx, failures); failures >= maxSelfTestFailures {
				d.log.Error("ringside does not serve its own test call and ends itself, so that waiting calls go on in the dialplan")
				os.Exit(1)
			}
		}
	}
}

// The watchdog's patience: a hung daemon is noticed within these times.
const (
	selfTestWithin      = time.Second
	maxSelfTestFailures = 3
)

// beat places the self-test call and tells the service manager if it was served. It returns how
// many have failed in a row.
func (d *daemon) beat(ctx context.Context, failures int) int {
	ctx, cancel := context.WithTimeout(ctx, selfTestWithin)
	defer cancel()
	err := d.agi.SelfTest(ctx)
	switch {
	case err == nil:
		notify("WATCHDOG=1")
		return 0
	case errors.Is(context.Cause(ctx), context.Canceled):
		return failures
	}
	d.log.Error("the self-test call was not served", "error", err, "in_a_row", failures+1)
	return failures + 1
}

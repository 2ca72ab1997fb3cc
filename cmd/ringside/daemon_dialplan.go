package main

import (
	"net/http"

	"github.com/ringside-pbx/ringside/esl/plan"

	"github.com/ringside-pbx/ringside/routing"
)

// startDialplan writes FreeSWITCH's dialplan from now on, if that is configured.
func (d *daemon) startDialplan(td *teardown) error {
	w := newDialplanWriter(d.cfg, d.log)
	if w == nil {
		return nil
	}
	w.board = d.calls
	if c := d.cfg.dialplan(); c.Serve {
		token, _, err := d.cfg.HTTP.secrets()
		if err != nil {
			return exitError{exitUsage, err}
		}
		handOver, err := d.cfg.freeswitch().HandOver()
		if err != nil {
			return err
		}
		w.pages = &plan.Pages{Context: c.Context, Allow: prefixes(c.Allow), Token: token}
		w.pages.SetHandOver(handOver)
	}
	d.dialplan = w
	td.push("FreeSWITCH's dialplan", w.start())
	return nil
}

// inEffect puts a directory in effect, everywhere.
func (d *daemon) inEffect(dir *routing.Compiled) {
	d.calls.SetDirectory(dir)
	d.dialplan.changed()
}

// pagesFor puts what FreeSWITCH asks for in front of what the CRM does.
func (d *daemon) pagesFor(next http.Handler) http.Handler {
	if d.dialplan == nil || d.dialplan.pages == nil {
		return next
	}
	mux := http.NewServeMux()
	mux.Handle(plan.Path, d.dialplan.pages)
	mux.Handle("/", next)
	return mux
}

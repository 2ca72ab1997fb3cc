package main

import (
	"context"

	"github.com/ringside-pbx/ringside/ari"
	"github.com/ringside-pbx/ringside/calls"
	"github.com/ringside-pbx/ringside/control"
)

// startARI connects with Asterisk's REST interface, if it is configured.
func (d *daemon) startARI(td *teardown) error {
	if d.cfg.ARI.URL == "" {
		return nil
	}
	opt, err := d.cfg.ARI.options()
	if err != nil {
		return exitError{exitUsage, err}
	}
	opt.Dial, opt.Deadline, opt.Default, opt.Log = d.cfg.dial(), d.cfg.AGI.Deadline.Duration, d.cfg.AGI.Default, d.log
	if d.cfg.AMI.Address == "" || !d.cfg.AMI.Records {
		opt.Witness = d.witness // otherwise the manager interface tells of all calls
	}
	if d.ari, err = ari.New(opt, d.calls); err != nil {
		return exitError{exitUsage, err}
	}
	d.ari.Start()
	td.push("Asterisk's REST interface", func(ctx context.Context) error {
		if left := d.ari.Stop(ctx, calls.ErrStopping); left > 0 {
			d.log.Warn("calls outlived the grace time: who talks goes on, who waits goes back to the dialplan", "calls", left)
		}
		return nil
	})
	return nil
}

// ariLink is the state of the connection; nil if it is not configured.
func (d *daemon) ariLink() *control.PBXLink {
	if d.ari == nil {
		return nil
	}
	st := d.ari.State()
	l := &control.PBXLink{Up: st.Up, Since: st.Since, Address: d.cfg.ARI.URL}
	if !st.Up && st.Err != nil {
		l.Error = st.Err.Error()
	}
	return l
}

package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"syscall"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/calls"
	"github.com/ringside-pbx/ringside/control"
	"github.com/ringside-pbx/ringside/esl"
)

// startESL serves the calls that FreeSWITCH's dialplan hands over, unless that is turned off. Nobody has asked
// for the default address: if it is taken, calls of Asterisk are served all the same.
func (d *daemon) startESL(td *teardown) error {
	c := &d.cfg.ESL
	if !c.serves() {
		return nil
	}
	opt := c.server()
	opt.Deadline, opt.Default, opt.Log = d.cfg.AGI.Deadline.Duration, d.cfg.AGI.Default, d.log
	server, err := esl.NewServer(opt, d.calls)
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && reflect.DeepEqual(*c, defaultESL()):
		d.log.Warn("another program listens where FreeSWITCH would connect: calls of FreeSWITCH are not served", "address", c.Listen,
			"set", "esl.listen, or off")
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("esl.listen: another program, perhaps another ringside, listens on %s: %w", c.Listen, err)
	case err != nil:
		return fmt.Errorf("esl: %w", err)
	}
	d.esl = server
	td.push("FreeSWITCH's calls", func(ctx context.Context) error {
		if left := server.Stop(ctx, calls.ErrStopping); left > 0 {
			d.log.Warn("calls outlived the grace time: who talks goes on, who waits goes back to the dialplan", "calls", left)
		}
		return nil
	})
	return nil
}

// eslAddress is where FreeSWITCH's calls are served; empty if they are not.
func (d *daemon) eslAddress() string {
	if d.esl == nil {
		return ""
	}
	return d.esl.Addr().String()
}

// newFreeSWITCH makes the connection with FreeSWITCH's event socket; nil if it is not configured.
func (d *daemon) newFreeSWITCH() (*esl.PBX, error) {
	if d.cfg.ESL.Address == "" {
		return nil, nil
	}
	login, err := d.cfg.ESL.login()
	if err != nil {
		return nil, exitError{exitUsage, err}
	}
	login.Log = d.log
	opt := esl.Options{
		Login: login, Known: d.knownExtension, Lines: d.calls, Places: d.cfg.ESL.places(), Keepalive: d.cfg.ESL.Keepalive.Duration,
	}
	if d.cfg.ESL.Records {
		opt.Witness = d.witness
	}
	return esl.New(opt), nil
}

// eslLink is the state of the connection; nil if it is not configured.
func (d *daemon) eslLink() *control.PBXLink {
	if d.desk == nil || d.desk.freeswitch == nil {
		return nil
	}
	st := d.desk.freeswitch.State()
	l := &control.PBXLink{Up: st.Up, Since: st.Since, Address: d.cfg.ESL.Address}
	if d.desk.asterisk == nil {
		l.Refused = d.desk.Refused() // otherwise it is told with Asterisk's
	}
	if !st.Up && st.Err != nil {
		l.Error = st.Err.Error()
	}
	return l
}

// freeswitchHealth reports on FreeSWITCH.
func freeswitchHealth(ctx context.Context, pbx *esl.PBX) ringside.PBXHealth {
	st := pbx.State()
	h := ringside.PBXHealth{At: time.Now(), Status: ringside.ConditionHealthy, Message: "FreeSWITCH is connected"}
	h.Connection = ringside.ConnectionHealth{
		Status: ringside.ConditionHealthy, Connected: st.Up, Since: st.Since, Ping: float64(st.Ping) / float64(time.Millisecond),
	}
	h.System = ringside.SystemHealth{Status: ringside.ConditionUnknown, Version: st.Version, System: "FreeSWITCH"}
	h.Channels.Status, h.Endpoints.Status = ringside.ConditionUnknown, ringside.ConditionUnknown
	h.Queues = ringside.QueuesHealth{Status: ringside.ConditionUnknown, Alerts: []ringside.QueueAlert{}}
	h.Quality.Status = ringside.ConditionUnknown
	if !st.Up {
		h.Status, h.Connection.Status, h.Message = ringside.ConditionCritical, ringside.ConditionCritical, "FreeSWITCH can't be asked"
		if st.Err != nil {
			h.Connection.Error = st.Err.Error()
		}
		return h
	}
	h.System.Status = ringside.ConditionHealthy
	all, err := pbx.Channels(ctx)
	if err != nil {
		h.Channels.Error = err.Error()
		return h
	}
	h.Channels.Status, h.Channels.Total = ringside.ConditionHealthy, len(all)
	for i := range all {
		if all[i].State == ringside.ChannelUp {
			h.Channels.Active++
		}
	}
	return h
}

// errAsteriskOnly says that something can be told and changed of Asterisk only.
var errAsteriskOnly = fmt.Errorf("%w: ringside follows the queues of Asterisk only (ami.address)", control.ErrRefused)

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/ami"
)

// needed are Asterisk's modules that ringside or its dialplan uses; lost is what is not there without one.
var needed = []struct { //nolint:gochecknoglobals // a table
	module, lost string
	must         bool
	// test is an expression without a channel that gives want if the module is there, or anything at all
	// if want is empty.
	test, want string
	// action is one of the manager interface that comes with the module, and is open to those with class,
	// or to everybody.
	action, class string
}{
	{module: "res_agi", lost: "the dialplan can't ask ringside", must: true},
	{module: "app_dial", lost: "nobody is rung", must: true},
	{module: "app_stack", lost: "no report of answers and hang-ups", must: true},
	{module: "func_strings", lost: "numbers are not filtered", must: true, test: "FILTER(0-9,a1)", want: "1"},
	{module: "func_uri", lost: "called numbers are not sent", must: true, test: "URIENCODE(a)", want: "a"},
	{module: "func_logic", lost: "ringside-decide does not dial", must: true, test: "IF(1?a:b)", want: "a"},
	{module: "func_channel", lost: "calls have no id", must: true},
	{module: "func_callerid", lost: "callers' numbers are not filtered", must: true},
	{module: "func_devstate", lost: "the doctor can't look at the fallback", test: "DEVICE_STATE(PJSIP/100)"},
	{module: "app_queue", lost: "no queues of the PBX", action: "QueueStatus"},
	{module: "app_mixmonitor", lost: "no recording on demand", action: "MixMonitorMute", class: "call"},
	{module: "app_chanspy", lost: "no listening in"},
	{module: "app_channelredirect", lost: "attended transfers that are handed over early break"},
	{module: "res_musiconhold", lost: "who waits hears nothing"},
	{module: "res_mutestream", lost: "no muting"},
	{module: "res_parking", lost: "no parking", action: "Park", class: "call"},
	{module: "res_manager_devicestate", lost: "the states of devices are not known before they change", action: "DeviceStateList", class: "call"},
	{module: "cdr_manager", lost: "call details are made of events alone"},
}

// modules looks for the modules: by asking for each, which needs system; else by what shows them.
func (d *doctor) modules(ctx context.Context) {
	_, mayAsk := d.may["ModuleCheck"]
	var hidden []string
	seen := 0
	for _, m := range needed {
		there, known := d.module(ctx, m.module, mayAsk)
		if !known && m.test != "" {
			if value, err := d.getvar(ctx, m.test); err == nil {
				there, known = value == m.want || m.want == "" && value != "", true
			}
		}
		if !known && m.action != "" && d.may != nil && (m.class == "" || d.rights.has(m.class)) {
			_, there = d.may[m.action]
			known = true
		}
		switch {
		case !known:
			hidden = append(hidden, m.module)
		case there:
			seen++
		default:
			v := checkAdvice
			if m.must {
				v = checkProblem
			}
			d.add(v, fmt.Sprintf("%s is not loaded: %s", m.module, m.lost), d.to("modules.conf", "modules", "load = "+m.module+".so"))
		}
	}
	if seen > 0 {
		d.ok("%s that ringside uses: loaded", count(seen, "module", "modules"))
	}
	if len(hidden) > 0 {
		d.skip("%s: only a user with system may ask", strings.Join(hidden, ", "))
	}
}

func (d *doctor) module(ctx context.Context, name string, mayAsk bool) (there, known bool) {
	if !mayAsk {
		return false, false
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	_, err := d.session.Do(ctx, ami.NewAction("ModuleCheck", "Module", name))
	var refused *ami.ActionError
	switch {
	case err == nil:
		return true, true
	case errors.As(err, &refused) && !errors.Is(err, ringside.ErrNotPermitted):
		return false, true
	}
	return false, false
}

// clocks compares Asterisk's clock and the CRM's with ours, and Asterisk's time zone.
func (d *doctor) clocks(ctx context.Context) {
	d.pbxClock(ctx)
	zone, err := d.getvar(ctx, "STRFTIME(,,%z)")
	ours := time.Now().Format("-0700")
	switch {
	case err != nil || len(zone) != len(ours):
		d.skip("Asterisk's time zone")
	case zone != ours:
		d.add(checkProblem, fmt.Sprintf("Asterisk's time zone is UTC%s, ringside's UTC%s: times of call details would be wrong", zone, ours),
			change{File: shell, Lines: []string{"timedatectl set-timezone ZONE  # then restart both"}})
	default:
		d.ok("Asterisk and ringside have one time zone (UTC%s)", zone)
	}
}

func (d *doctor) pbxClock(ctx context.Context) {
	ctx, cancel := ask(ctx)
	defer cancel()
	before := time.Now()
	m, err := d.session.Ping(ctx)
	after := time.Now()
	stamp, bad := strconv.ParseFloat(m.Get("Timestamp"), 64)
	if err != nil || bad != nil || math.IsNaN(stamp) || stamp < 0 || stamp > 1<<35 {
		d.skip("Asterisk's clock: its answer to a ping has no time")
		return
	}
	middle := before.Add(after.Sub(before) / 2)
	at := time.UnixMicro(int64(stamp * 1e6))
	d.clock("Asterisk's clock", at.Sub(middle))
}

func (d *doctor) clock(whose string, ahead time.Duration) {
	limit := d.cfg.AMI.Limits.Clock.Duration
	if ahead.Abs() <= limit {
		d.ok("%s and ours are less than %s apart", whose, lasting(limit))
		return
	}
	d.add(checkProblem, fmt.Sprintf("%s is %s %s", whose, lasting(ahead.Abs().Round(100*time.Millisecond)), whether(ahead > 0, "ahead", "behind")),
		change{File: "a shell of both machines", Lines: []string{"timedatectl set-ntp true"}})
}

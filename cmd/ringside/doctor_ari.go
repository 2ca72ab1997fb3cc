package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/ringside-pbx/ringside/ari"
)

// restInterface examines Asterisk's REST interface: its files, and whether it does what ringside needs, if
// calls are to be driven through it.
func (d *doctor) restInterface(ctx context.Context) {
	needed := d.cfg.ARI.URL != ""
	if d.httpFile(needed) {
		d.ariFile(needed)
	}
	if needed {
		d.probeARI(ctx)
	}
}

// httpFile examines Asterisk's HTTP server, and reports whether it is on.
func (d *doctor) httpFile(needed bool) bool {
	conf, err := d.read("http.conf")
	on := d.to("http.conf", "general", "enabled = yes", "bindaddr = 127.0.0.1")
	switch {
	case errors.Is(err, fs.ErrNotExist) && needed:
		d.add(checkProblem, "Asterisk has no HTTP server (no http.conf), and ari.url is set", on)
		return false
	case errors.Is(err, fs.ErrNotExist):
		d.ok("Asterisk has no HTTP server (no http.conf), and ringside needs none")
		return false
	case err != nil:
		return false
	}
	general := conf.section("general")
	if !confTrue(general.value("enabled")) {
		if needed {
			d.add(checkProblem, "Asterisk's HTTP server is off, and ari.url is set", on)
		} else {
			d.ok("Asterisk's HTTP server is off, and ringside needs none")
		}
		return false
	}
	if !isLoopback(bindHost(cmp.Or(general.value("bindaddr"), "0.0.0.0"))) {
		use := "ringside needs none"
		if needed {
			use = "ringside on this machine needs 127.0.0.1 only"
		}
		d.add(checkAdvice, fmt.Sprintf("Asterisk's HTTP server listens on %s; %s", cmp.Or(general.value("bindaddr"), "every address"), use),
			d.to("http.conf", "general", "bindaddr = 127.0.0.1"))
	} else {
		d.ok("Asterisk's HTTP server listens on this machine only")
	}
	return true
}

// ariFile examines who may use ARI, and as whom ringside logs in.
func (d *doctor) ariFile(needed bool) {
	conf, err := d.read("ari.conf")
	name := d.cfg.ARI.Username
	user := d.to("ari.conf", name, howToMake, "type = user", "read_only = no", "password = NEW-SECRET  ; and in ari.password")
	off := err == nil && !confTrue(cmp.Or(conf.section("general").value("enabled"), "yes"))
	switch {
	case needed && (off || errors.Is(err, fs.ErrNotExist)):
		d.add(checkProblem, "ARI is off, and ari.url is set", d.to("ari.conf", "general", "enabled = yes"), user)
		return
	case off || errors.Is(err, fs.ErrNotExist):
		d.ok("ARI is off, and ringside does not need it")
		return
	case err != nil:
		return
	}
	sound := d.ariUsers(conf, needed)
	own := conf.section(name)
	switch {
	case !needed:
	case own == nil || !strings.EqualFold(own.value("type"), "user"):
		sound = false
		d.add(checkProblem, fmt.Sprintf("ari.conf has no user [%s], as whom ringside logs in (ari.username)", name), user)
	case confTrue(own.value("read_only")):
		sound = false
		d.add(checkProblem, fmt.Sprintf("the user [%s] of ari.conf may only read: no call can be driven", name), d.to("ari.conf", name, "read_only = no"))
	}
	if sound {
		d.ok("ARI is on, with users whose passwords are strong%s", whether(needed, "", "; ringside does not need it"))
	}
}

// ariUsers examines the users' passwords. Who has one may do everything: read files, call everybody.
func (d *doctor) ariUsers(conf *asteriskConf, needed bool) (sound bool) {
	v := checkAdvice
	if http, err := d.read("http.conf"); err == nil && !isLoopback(bindHost(cmp.Or(http.section("general").value("bindaddr"), "0.0.0.0"))) {
		v = checkProblem
	}
	sound = true
	if strings.Contains(conf.section("general").value("allowed_origins"), "*") {
		sound = false
		d.add(v, "pages of every site may use ARI (allowed_origins)", d.to("ari.conf", "general", "; allowed_origins ="))
	}
	for _, s := range conf.sections {
		if s.template || !strings.EqualFold(s.value("type"), "user") {
			continue
		}
		if why := weakSecret(s.name, s.value("password")); why != "" && !strings.EqualFold(s.value("password_format"), "crypt") {
			sound = false
			d.add(v, fmt.Sprintf("the password of ARI's user [%s] is %s%s", s.name, why, whether(needed, "", "; ringside does not need ARI")),
				d.to("ari.conf", s.name, howToMake, "password = NEW-SECRET"))
		}
	}
	return sound
}

// probeARI tries what ringside needs of ARI.
func (d *doctor) probeARI(ctx context.Context) {
	opt, err := d.cfg.ARI.options()
	if err != nil {
		d.add(checkProblem, err.Error())
		return
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	rep, err := ari.Probe(ctx, opt)
	if err != nil {
		d.add(checkProblem, fmt.Sprintf("ARI can't be used: %v", err))
		return
	}
	for _, p := range rep.Problems {
		d.add(checkProblem, "ARI: "+p)
	}
	if len(rep.Problems) == 0 {
		d.ok("Asterisk %s can be driven through ARI, and answers in %s", rep.Version, rep.Ping.Round(100_000))
	}
	if d.status != nil && (d.status.ARI == nil || !d.status.ARI.Up) {
		d.add(checkProblem, "the running ringside is not connected with ARI: `ringside status` says why")
	}
}

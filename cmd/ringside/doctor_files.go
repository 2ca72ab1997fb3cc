package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// asteriskFile reads the name that Asterisk gives itself, and gives its folder for recordings.
func (d *doctor) asteriskFile() (spool string) {
	spool = "/var/spool/asterisk"
	conf, err := d.read("asterisk.conf")
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			d.skip("there is no %s", filepath.Join(d.etc, "asterisk.conf"))
		}
		return spool
	}
	name := conf.section("options").value("systemname")
	switch {
	case name == "":
		d.add(checkAdvice, "Asterisk has no system name: one that nobody can guess makes forged events recognisable",
			d.to("asterisk.conf", "options", "systemname = NAME-THAT-NOBODY-GUESSES  ; openssl rand -hex 8 makes one"))
	case len(name) < 8:
		d.add(checkAdvice, "Asterisk's system name can be guessed: one that can't makes forged events recognisable",
			d.to("asterisk.conf", "options", "systemname = NAME-THAT-NOBODY-GUESSES  ; openssl rand -hex 8 makes one"))
	default:
		d.ok("Asterisk has a system name by which forged events can be told")
	}
	if confTrue(conf.section("options").value("live_dangerously")) {
		d.add(checkProblem, "live_dangerously lets everybody with the manager interface run programs through functions", d.to("asterisk.conf", "options", "live_dangerously = no"))
	}
	return cmp.Or(conf.section("directories").value("astspooldir"), spool)
}

// recordFiles examines what Asterisk tells of calls that have ended.
func (d *doctor) recordFiles() {
	if d.cfg.AMI.Address == "" {
		return
	}
	if conf, err := d.read("cdr.conf"); err == nil && conf.section("general").has("enable") && !confTrue(conf.section("general").value("enable")) {
		d.add(checkAdvice, "Asterisk keeps no call details: ringside's records of calls are made of events alone", d.to("cdr.conf", "general", "enable = yes"))
	}
	conf, err := d.read("cdr_manager.conf")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.add(checkAdvice, "Asterisk does not send call details to ringside",
			d.to("cdr_manager.conf", "general", "enabled = yes"), d.to("cdr_manager.conf", "mappings", "linkedid => LinkedID", "sequence => Sequence"))
	case err != nil:
	case !confTrue(conf.section("general").value("enabled")):
		d.add(checkAdvice, "Asterisk does not send call details to ringside", d.to("cdr_manager.conf", "general", "enabled = yes"))
	default:
		d.mappings(conf.section("mappings"))
	}
	if conf, err = d.read("cel.conf"); err == nil || errors.Is(err, fs.ErrNotExist) {
		d.channelEvents(conf)
	}
}

// channelEvents examines cel.conf, which may be missing.
func (d *doctor) channelEvents(conf *asteriskConf) {
	if conf == nil {
		conf = &asteriskConf{}
	}
	general := conf.section("general")
	var lines []string
	var changes []change
	if !confTrue(general.value("enable")) {
		lines = append(lines, "enable = yes")
	}
	apps := classes(general.value("apps"))
	if missing := without(apps, "dial", "voicemail"); len(missing) > 0 {
		lines = append(lines, "apps = "+strings.Join(append(apps, missing...), ","))
	}
	if events := classes(general.value("events")); len(without(events, "all")) > 0 && len(without(events, "chan_start", "app_start", "app_end")) > 0 {
		lines = append(lines, "events = ALL")
	}
	if len(lines) > 0 {
		changes = append(changes, d.to("cel.conf", "general", lines...))
	}
	if !confTrue(conf.section("manager").value("enabled")) {
		changes = append(changes, d.to("cel.conf", "manager", "enabled = yes"))
	}
	if len(changes) == 0 {
		d.ok("Asterisk sends channel events (CEL)")
		return
	}
	d.add(checkAdvice, "Asterisk sends not all channel events (CEL): records of calls lack voicemail and attempts that reached no phone", changes...)
}

// without are those of wanted that the list has not.
func without(list []string, wanted ...string) []string {
	return slices.DeleteFunc(wanted, func(w string) bool { return slices.Contains(list, w) })
}

func (d *doctor) mappings(s *confSection) {
	var lines []string
	for _, m := range [][2]string{{"linkedid", "LinkedID"}, {"sequence", "Sequence"}} {
		if !strings.EqualFold(s.value(m[0]), m[1]) {
			lines = append(lines, m[0]+" => "+m[1])
		}
	}
	if len(lines) == 0 {
		d.ok("Asterisk sends call details, each with its call's id")
		return
	}
	d.add(checkAdvice, "Asterisk's call details don't say which call they belong to", d.to("cdr_manager.conf", "mappings", lines...))
}

// Limits of free space and inodes, in percent, and of space in bytes.
const (
	scarcePercent, fullPercent = 10, 2
	scarceBytes, fullBytes     = 500 << 20, 50 << 20
)

// disks looks at the room for ringside's store and for Asterisk's recordings.
func (d *doctor) disks(spool string) {
	store := filepath.Dir(d.cfg.Store.Path)
	d.disk("the store's disk", store)
	if spool != "" {
		d.disk("the disk of Asterisk's recordings", spool)
	}
	if d.cfg.ESL.Address != "" && onLoopback(d.cfg.ESL.Address) {
		d.disk("the disk of FreeSWITCH's recordings", d.cfg.ESL.Recordings)
	}
	st, ok := d.storeStatus()
	switch {
	case ok && !st.OK:
		d.add(checkProblem, fmt.Sprintf("the daemon can't write its store since %s: %s", when(st.Since), st.Error))
	case ok && st.LastWrite.IsZero():
		d.ok("the store is open; nothing was written yet")
	case ok:
		d.ok("the store was last written %s ago; %s waiting", age(st.LastWrite), count(st.Pending, "record is", "records are"))
	case syscall.Access(store, 2 /* W_OK */) != nil:
		d.skip("whether the store can be written: who runs the doctor may not write to %s", store)
	default:
		d.ok("the store's folder can be written")
	}
}

func (d *doctor) disk(whose, folder string) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		d.skip("%s (%s): %v", whose, folder, err)
		return
	}
	free := fs.Bavail * uint64(fs.Bsize)
	percent, inodes := share(fs.Bavail, fs.Blocks), share(fs.Ffree, fs.Files)
	text := fmt.Sprintf("%s (%s): %d MB and %d %% free, %d %% of the inodes", whose, folder, free>>20, percent, inodes)
	switch {
	case percent < fullPercent || free < fullBytes || inodes < fullPercent:
		d.add(checkProblem, text)
	case percent < scarcePercent || free < scarceBytes || inodes < scarcePercent:
		d.add(checkAdvice, text)
	default:
		d.ok("%s", text)
	}
}

// share is part of whole in percent; of nothing it is all, since some file systems count no inodes.
func share(part, whole uint64) uint64 {
	if whole == 0 {
		return 100
	}
	return uint64(float64(part) / float64(whole) * 100)
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"strings"

	"github.com/ringside-pbx/ringside/esl"
)

// eventSocketFile is FreeSWITCH's configuration of its event socket.
const eventSocketFile = "autoload_configs/event_socket.conf.xml"

// freeswitch examines FreeSWITCH: the file of its event socket, what it may do there, and where its dialplan
// hands calls over.
func (d *doctor) freeswitch(ctx context.Context) {
	d.area = "event socket"
	d.eventSocketFile()
	d.probeFreeSWITCH(ctx)
	d.area = "dialplan"
	d.socketLines()
}

// toSwitch makes a change of one of FreeSWITCH's files.
func (d *doctor) toSwitch(file string, lines ...string) change {
	return change{File: filepath.Join(d.switchEtc, file), Lines: lines}
}

// eventSocketFile examines who can reach the event socket, and with what password.
func (d *doctor) eventSocketFile() {
	text, err := d.conf.read(filepath.Join(d.switchEtc, eventSocketFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.skip("there is no %s here: name FreeSWITCH's folder with --freeswitch", filepath.Join(d.switchEtc, eventSocketFile))
		return
	case err != nil:
		d.skip("%s can't be read: %s", filepath.Join(d.switchEtc, eventSocketFile), reason(err))
		return
	}
	params := paramsOf(text)
	listen := cmp.Or(params["listen-ip"], "127.0.0.1")
	here := isLoopback(bindHost(listen)) || listen == "localhost"
	closed := cmp.Or(params["apply-inbound-acl"], "loopback.auto") == "loopback.auto"
	password := cmp.Or(params["password"], esl.DefaultPassword)
	// The words of the file: as much as is needed to find the line.
	loopback := d.toSwitch(eventSocketFile, `<param name="listen-ip" value="127.0.0.1"/>`)
	secret := d.toSwitch(eventSocketFile, `<param name="password" value="NEW-PASSWORD"/>  <!-- openssl rand -hex 24 makes one; and in esl.password -->`)
	sound := true
	if password == esl.DefaultPassword {
		sound = false
		v, who := checkAdvice, "everybody on this machine"
		if !here && !closed {
			v, who = checkProblem, "everybody who reaches the port"
		}
		d.add(v, fmt.Sprintf("the event socket's password is the one that everybody knows: %s may run programs as FreeSWITCH", who), secret)
	} else if why := weakSecret("", password); why != "" {
		sound = false
		d.add(checkAdvice, "the event socket's password is "+why, secret)
	}
	switch {
	case here:
	case onLoopback(d.cfg.ESL.Address) && closed:
		sound = false
		d.add(checkAdvice, fmt.Sprintf("the event socket listens on %s, and only a list of addresses keeps others out: ringside on this machine needs 127.0.0.1 only", listen), loopback)
	case onLoopback(d.cfg.ESL.Address):
		sound = false
		d.add(checkProblem, fmt.Sprintf("the event socket listens on %s and lets others in (apply-inbound-acl %s): ringside on this machine needs 127.0.0.1 only", listen, params["apply-inbound-acl"]), loopback)
	default:
		sound = false
		d.add(checkAdvice, "ringside is on another machine, and the event socket has no encryption: who listens on the way learns the password and all calls; let both run on one machine, or put a tunnel between them")
	}
	if _, port, err := net.SplitHostPort(d.cfg.ESL.Address); err == nil && cmp.Or(params["listen-port"], "8021") != port {
		sound = false
		d.add(checkProblem, fmt.Sprintf("the event socket listens on port %s, and esl.address says %s", cmp.Or(params["listen-port"], "8021"), port),
			d.toSwitch(eventSocketFile, fmt.Sprintf("<param name=\"listen-port\" value=%q/>", port)))
	}
	if sound {
		d.ok("the event socket listens on this machine only, with a password of its own")
	}
}

// paramsOf are the parameters of one of FreeSWITCH's files, the last of each name, as FreeSWITCH takes them.
func paramsOf(text []byte) map[string]string {
	params := map[string]string{}
	for _, e := range elementsOf(text) {
		if e.Name.Local == "param" {
			params[attribute(e, "name")] = attribute(e, "value")
		}
	}
	return params
}

// elementsOf are the elements of a file in their order, as far as it can be read: FreeSWITCH's reader takes
// more than XML allows.
func elementsOf(text []byte) (all []xml.StartElement) {
	in := xml.NewDecoder(bytes.NewReader(text))
	in.Strict = false
	in.Entity = xml.HTMLEntity
	in.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for len(all) < 100_000 {
		token, err := in.RawToken()
		if err != nil {
			return all
		}
		if e, ok := token.(xml.StartElement); ok {
			all = append(all, e.Copy())
		}
	}
	return all
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// probeFreeSWITCH tries what ringside needs.
func (d *doctor) probeFreeSWITCH(ctx context.Context) {
	login, err := d.cfg.ESL.login()
	if err != nil {
		d.add(checkProblem, err.Error())
		return
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	rep, err := esl.Probe(ctx, login)
	if err != nil {
		d.add(checkProblem, "FreeSWITCH's event socket: "+err.Error())
		return
	}
	for i := range rep.Findings {
		f := &rep.Findings[i]
		v := checkOK
		switch {
		case f.Problem:
			v = checkProblem
		case f.Advice:
			v = checkAdvice
		}
		var changes []change
		if f.File != "" && len(f.Lines) > 0 {
			changes = append(changes, d.toSwitch(f.File, f.Lines...))
		}
		d.add(v, f.What+": "+f.Text, changes...)
	}
	if d.status != nil && (d.status.ESL == nil || !d.status.ESL.Up) {
		d.add(checkProblem, "the running ringside is not connected with FreeSWITCH: `ringside status` says why")
	}
}

// dialplanFiles are where FreeSWITCH's packages have their dialplan.
func dialplanFiles() []string { return []string{"dialplan/*.xml", "dialplan/*/*.xml"} }

// socketLines looks where the dialplan hands calls over, and what becomes of them without ringside.
func (d *doctor) socketLines() {
	if !d.cfg.ESL.serves() {
		d.skip("FreeSWITCH's dialplan can't hand calls over: esl.listen is off")
		return
	}
	read, found := 0, 0
	for _, pattern := range dialplanFiles() {
		files, err := d.conf.glob(filepath.Join(d.switchEtc, pattern))
		if err != nil {
			continue
		}
		for _, file := range files {
			text, err := d.conf.read(file)
			if err != nil {
				d.skip("%s can't be read: %s", file, reason(err))
				continue
			}
			read++
			found += d.socketsIn(file, text)
		}
	}
	switch {
	case read == 0:
		d.skip("FreeSWITCH's dialplan: there is none in %s", filepath.Join(d.switchEtc, "dialplan"))
	case found == 0:
		d.add(checkAdvice, "FreeSWITCH's dialplan hands no call over to ringside, unless it comes over mod_xml_curl",
			d.toSwitch("dialplan/…", d.socketLine(), `<action application="bridge" data="user/100"/>  <!-- without ringside -->`))
	}
}

// socketLine is the line with which calls are handed over.
func (d *doctor) socketLine() string {
	return fmt.Sprintf(`<action application="socket" data="%s async full"/>`, d.cfg.ESL.Listen)
}

// socketsIn examines the lines of one file that hand calls over to ringside, and counts them.
func (d *doctor) socketsIn(file string, text []byte) (found int) {
	elements := elementsOf(text)
	extension := ""
	for i, e := range elements {
		switch e.Name.Local {
		case "extension":
			extension = attribute(e, "name")
		case "action":
			if attribute(e, "application") == "socket" && d.ours(attribute(e, "data")) {
				found++
				d.socketLineOf(file, extension, attribute(e, "data"), elements[i+1:])
			}
		}
	}
	return found
}

// ours reports whether a socket line leads to ringside: to the port on which it listens.
func (d *doctor) ours(data string) bool {
	_, port, err := net.SplitHostPort(d.cfg.ESL.Listen)
	return err == nil && strings.Contains(data, ":"+port)
}

// socketLineOf examines one line, with the elements that follow it. A call that ringside can't serve any
// more goes on with the action after it, and ends where there is none.
func (d *doctor) socketLineOf(file, extension, data string, next []xml.StartElement) {
	where := fmt.Sprintf("%s, extension %q", file, extension)
	words := strings.Fields(data)
	modes := map[string]bool{}
	for _, w := range words[1:] {
		modes[w] = true
	}
	sound := true
	if !modes["async"] || !modes["full"] {
		sound = false
		d.add(checkProblem, where+": the socket line lacks async or full, without which ringside can't drive the call", change{File: file, Lines: []string{d.socketLine()}})
	}
	if len(next) == 0 || next[0].Name.Local != "action" {
		sound = false
		d.add(checkProblem, where+": nothing follows the socket line: without ringside the call ends", change{
			File: file, Lines: []string{d.socketLine(), `<action application="bridge" data="user/100"/>  <!-- whom FreeSWITCH rings without ringside -->`},
		})
	}
	if sound {
		d.ok("%s: hands calls over, and goes on without ringside (%s)", where, attribute(next[0], "application"))
	}
}

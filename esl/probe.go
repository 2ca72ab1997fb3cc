package esl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Finding is one thing that Probe has looked at.
type Finding struct {
	// What was looked at, in a word or two.
	What string `json:"what"`
	// Text says what was found.
	Text string `json:"text"`
	// Problem: it must be changed; Advice: only some of what ringside can do lacks it.
	Problem bool `json:"problem,omitempty"`
	Advice  bool `json:"advice,omitempty"`
	// File and Lines are what to change, and where.
	File  string   `json:"file,omitempty"`
	Lines []string `json:"lines,omitempty"`
}

// Report is what Probe has found, in the order in which it looked.
type Report struct {
	Version string `json:"version,omitempty"`
	// Ping is the round trip.
	Ping     time.Duration `json:"ping,omitempty"`
	Findings []Finding     `json:"findings"`
}

// Problems counts what must be changed.
func (r *Report) Problems() (n int) {
	for i := range r.Findings {
		if r.Findings[i].Problem {
			n++
		}
	}
	return n
}

func (r *Report) ok(what, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{What: what, Text: fmt.Sprintf(format, args...)})
}

func (r *Report) problem(what, text, file string, lines ...string) {
	r.Findings = append(r.Findings, Finding{What: what, Text: text, Problem: true, File: file, Lines: lines})
}

func (r *Report) advice(what, text, file string, lines ...string) {
	r.Findings = append(r.Findings, Finding{What: what, Text: text, Advice: true, File: file, Lines: lines})
}

const (
	fileSocket  = "autoload_configs/event_socket.conf.xml"
	fileModules = "autoload_configs/modules.conf.xml"
	fileUsers   = "the user's entry in directory/"
)

// Probe connects as ringside does and tells step by step what it finds. It changes nothing. The error is
// that of ctx.
func Probe(ctx context.Context, l Login) (Report, error) {
	rep := Report{Findings: []Finding{}}
	s, err := connect(ctx, l, func(event) {})
	if err != nil {
		if ctx.Err() != nil {
			return rep, context.Cause(ctx)
		}
		rep.unconnected(err)
		return rep, nil
	}
	defer s.close()
	rep.ok("connection", "%s asks for a password", s.login.Address)
	rep.ok("login", "%s", loggedInAs(l.User))
	began := time.Now()
	if rep.Version, err = s.ping(ctx); err != nil {
		rep.problem("version", err.Error(), "")
		return rep, nil
	}
	rep.Ping = time.Since(began)
	rep.version()
	rep.rights(s)
	unheard, err := s.subscribe(ctx, probedEvents())
	switch {
	case err != nil:
		rep.problem("events", err.Error(), fileUsers, "<param name=\"esl-allowed-events\" value=\"all\"/>")
		return rep, nil
	case len(unheard) > 0:
		rep.advice("events", "the user may not hear "+strings.Join(unheard, ", ")+": who is busy, records of calls and queues are not known", fileUsers,
			param("esl-allowed-events", strings.Join(append([]string{backgroundJob}, probedEvents()...), ",")))
	default:
		rep.ok("events", "the life of calls can be heard")
	}
	rep.modules(ctx, s)
	rep.profiles(ctx, s)
	rep.table(ctx, s)
	if ctx.Err() != nil {
		return rep, context.Cause(ctx)
	}
	return rep, nil
}

func loggedInAs(user string) string {
	if user == "" {
		return "the password of event_socket.conf.xml is right: everything is permitted"
	}
	return "logged in as " + user
}

// unconnected says why there is no connection, and up to where it came.
func (r *Report) unconnected(err error) {
	var e *ConnectError
	if !errors.As(err, &e) {
		r.problem("login", err.Error(), "")
		return
	}
	what, file := "connection", ""
	if e.Refused {
		r.ok("connection", "%s asks for a password", e.Address)
		what = "login"
	}
	if len(e.Lines) > 0 {
		file = fileSocket
	}
	r.problem(what, e.Reason, file, e.Lines...)
}

func (r *Report) version() {
	switch {
	case r.Version == "":
		r.ok("version", "not told: the user may not use version")
	case oldVersion(r.Version):
		r.advice("version", "FreeSWITCH "+r.Version+" is older than 1.10: ringside is tried with 1.10.12 and 1.11", "")
	default:
		r.ok("version", "FreeSWITCH %s answers in %.1f ms", r.Version, float64(r.Ping)/float64(time.Millisecond))
	}
}

func oldVersion(v string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(v, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major < 1 || major == 1 && minor < 10
}

// commands are what ringside uses of the console, to act on calls.
func commands() []string {
	return []string{
		"originate", "show", "version", "module_exists", "uuid_kill", "uuid_transfer", "uuid_bridge", "uuid_broadcast", "uuid_send_dtmf", "uuid_audio",
		"uuid_record", "uuid_getvar", "uuid_setvar_multi", "uuid_exists", "uuid_dump",
	}
}

// askingCommands are what ringside uses to tell how FreeSWITCH, its phones and its queues are doing.
func askingCommands() []string { return []string{"status", "sofia", "callcenter_config"} }

// probedEvents are what ringside wants to hear of calls.
func probedEvents() []string { return callEvents() }

// rights compares what the user may run with what ringside uses.
func (r *Report) rights(s *session) {
	if s.mayRun == nil {
		r.ok("rights", "every command is permitted")
		return
	}
	if s.cut {
		r.ok("rights", "not known: the user's esl-allowed-api is longer than FreeSWITCH tells")
		return
	}
	lacks := func(wanted []string) (missing []string) {
		for _, c := range wanted {
			if !slices.Contains(s.mayRun, c) {
				missing = append(missing, c)
			}
		}
		return missing
	}
	missing, untold := lacks(commands()), lacks(askingCommands())
	var dangerous []string
	for _, c := range []string{"system", "bg_system", "expand", "load", "unload", "shutdown", "fsctl"} {
		if slices.Contains(s.mayRun, c) {
			dangerous = append(dangerous, c)
		}
	}
	line := param("esl-allowed-api", strings.Join(append(append([]string{"bgapi"}, commands()...), askingCommands()...), " "))
	if len(missing) > 0 {
		r.problem("rights", "the user may not use "+strings.Join(missing, ", "), fileUsers, line)
	} else {
		r.ok("rights", "every command that ringside uses is permitted")
	}
	if len(untold) > 0 {
		r.advice("rights", "the user may not use "+strings.Join(untold, ", ")+", which tell how FreeSWITCH, its phones and its queues are doing", fileUsers, line)
	}
	if len(dangerous) > 0 {
		r.advice("rights", "the user may use "+strings.Join(dangerous, ", ")+", which ringside never does", fileUsers, line)
	}
}

// modules looks for the modules that parts of ringside need.
func (r *Report) modules(ctx context.Context, s *session) {
	for _, m := range []struct{ name, use string }{
		{"mod_valet_parking", "calls can be parked"},
		{"mod_callcenter", "FreeSWITCH's own queues can be told of"},
		{"mod_xml_curl", "FreeSWITCH can ask ringside for its dialplan"},
	} {
		there, err := s.run(ctx, "module_exists", m.name)
		switch {
		case errors.Is(err, ringside.ErrNotPermitted):
			r.ok("modules", "whether %s is there is not known: the user may not use module_exists", m.name)
		case err != nil:
			r.problem("modules", err.Error(), "")
		case strings.TrimSpace(there) == "true":
			r.ok("modules", "%s is loaded: %s", m.name, m.use)
		default:
			r.advice("modules", m.name+" is not loaded; with it, "+m.use, fileModules, fmt.Sprintf("<load module=%q/>", m.name))
		}
	}
}

// profiles looks whether phones can reach FreeSWITCH.
func (r *Report) profiles(ctx context.Context, s *session) {
	printed, err := s.run(ctx, "sofia", "status")
	switch {
	case errors.Is(err, ringside.ErrNotPermitted):
		r.ok("sofia", "whether the SIP profiles run is not known: the user may not use sofia")
		return
	case err != nil:
		r.problem("sofia", "the SIP profiles can't be asked for: "+err.Error(), fileModules, `<load module="mod_sofia"/>`)
		return
	}
	running, down := profilesIn(printed)
	for _, name := range down {
		r.problem("sofia", "the SIP profile "+name+" does not run: its address or port may be taken (fs_cli: sofia profile "+name+" start)", "sip_profiles/"+name+".xml")
	}
	if len(running) == 0 {
		r.problem("sofia", "no SIP profile runs: no phone can register, and nobody can call", "sip_profiles/")
		return
	}
	r.ok("sofia", "SIP profiles run: %s", strings.Join(running, ", "))
}

// profilesIn reads the table of `sofia status`.
func profilesIn(printed string) (running, down []string) {
	for line := range strings.Lines(printed) {
		cells := strings.Split(line, "\t")
		if len(cells) < 4 || strings.TrimSpace(cells[1]) != "profile" {
			continue
		}
		name := strings.TrimSpace(printable(cells[0]))
		to := &down
		if strings.HasPrefix(strings.TrimSpace(cells[3]), "RUNNING") {
			to = &running
		}
		if !slices.Contains(*to, name) {
			*to = append(*to, name)
		}
	}
	return running, down
}

// table looks whether FreeSWITCH keeps a table of channels.
func (r *Report) table(ctx context.Context, s *session) {
	printed, err := s.raw(ctx, "show", "channels", "as", "json")
	if err == nil {
		_, err = readChannels(printed)
	}
	switch {
	case err == nil:
		r.ok("channels", "the channels can be listed")
	case errors.Is(err, ringside.ErrNotPermitted): // told with the rights
	default:
		r.advice("channels", "the channels can't be listed: "+err.Error(), "autoload_configs/switch.conf.xml", "FreeSWITCH must not be started with -nosql")
	}
}

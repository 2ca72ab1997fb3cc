package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const strongSecret = "an-utterly-long-one"

// site is what a doctor is called to.
type site struct {
	t       *testing.T
	manager *fakeManager
	files   confFiles
	config  string
	folder  string
}

// soundSite has nothing that the doctor finds fault with, but for a daemon, which does not run.
func soundSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, manager: soundManager(t), folder: t.TempDir()}
	_, port, _ := strings.Cut(s.manager.l.Addr().String(), ":")
	s.files = confFiles{
		"/etc/asterisk/manager.conf": "[general]\nenabled = yes\nbindaddr = 127.0.0.1\nport = " + port + "\ntimestampevents = yes\ndisplayconnects = no\n" +
			"[ringside]\nsecret = " + strongSecret + "\ndeny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.1/255.255.255.255\n" +
			"read = system,call,agent,cdr,user\nwrite = call,agent,originate,reporting\n",
		"/etc/asterisk/asterisk.conf":    "[directories]\nastspooldir => " + s.folder + "\n[options]\nsystemname = 8c1f9a60d2\n",
		"/etc/asterisk/cdr_manager.conf": "[general]\nenabled = yes\n[mappings]\nlinkedid => LinkedID\nsequence => Sequence\n",
		"/etc/asterisk/cel.conf":         "[general]\nenable = yes\napps = dial,voicemail\nevents = ALL\n[manager]\nenabled = yes\n",
		"/etc/asterisk/http.conf":        "[general]\nenabled = no\n",
	}
	s.config = "store: {path: ringside.db}\nagi: {listen: '127.0.0.1:1'}\nhttp: {listen: ''}\n" +
		"ami: {address: '" + s.manager.l.Addr().String() + "', secret: " + strongSecret + "}\n"
	s.manager.has(s.dialplan("") + "[from-trunk]\nexten => _X.,1,Goto(ringside-route,${EXTEN},1)\n")
	return s
}

// dialplan is what ringside prints for the site.
func (s *site) dialplan(query string) string {
	s.t.Helper()
	cfg := DefaultConfig()
	text, err := renderDialplan(cfg, dialplanFor{listen: "127.0.0.1:1", fallback: "PJSIP/100", query: query})
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// change replaces text of one of Asterisk's files.
func (s *site) change(file, old, text string) {
	s.t.Helper()
	name := "/etc/asterisk/" + file
	if !strings.Contains(s.files[name], old) {
		s.t.Fatalf("%s has no %q", file, old)
	}
	s.files[name] = strings.Replace(s.files[name], old, text, 1)
}

// examined is what the doctor says.
func (s *site) examined() *doctor {
	s.t.Helper()
	file := filepath.Join(s.folder, "ringside.yaml")
	if err := os.WriteFile(file, []byte(s.config), 0o600); err != nil {
		s.t.Fatal(err)
	}
	var out bytes.Buffer
	d := &doctor{
		p:   &program{ctx: s.t.Context(), cli: &cli{Config: file}, out: &out, err: &out},
		etc: "/etc/asterisk", conf: s.files.reader(),
	}
	d.examine(s.t.Context())
	return d
}

// text is the report, without what differs from machine to machine.
func (s *site) text(d *doctor) string {
	s.t.Helper()
	var b strings.Builder
	if err := d.report(&b, false); err != nil {
		s.t.Fatal(err)
	}
	text := strings.ReplaceAll(b.String(), s.folder, "/srv")
	text = strings.ReplaceAll(text, s.manager.l.Addr().String(), "127.0.0.1:5038")
	_, port, _ := strings.Cut(s.manager.l.Addr().String(), ":")
	text = strings.ReplaceAll(text, "("+port+")", "(5038)")
	text = strings.ReplaceAll(text, "calls "+port, "calls 5038")
	text = strings.ReplaceAll(text, time.Now().Format("-0700"), "+0000")
	return regexp.MustCompile(`: \d+ MB and .*`).ReplaceAllString(text, ": …")
}

// golden compares a report with testdata; UPDATE_GOLDEN=1 writes it.
func (s *site) golden(name string, d *doctor) {
	s.t.Helper()
	file, got := filepath.Join("testdata", "doctor", name), s.text(d)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	if got != string(want) {
		s.t.Errorf("the doctor says\n%s\nwant\n%s", got, want)
	}
}

func TestDoctorFindsASoundSiteSound(t *testing.T) {
	s := soundSite(t)
	d := s.examined()
	s.golden("sound.txt", d)
	if n := d.count(checkProblem); n != 0 {
		t.Errorf("%d problems", n)
	}
}

func TestDoctorPrintsTheLinesForASiteWhereAllIsWrong(t *testing.T) {
	s := soundSite(t)
	s.files = confFiles{
		"/etc/asterisk/manager.conf":     "[general]\nbindaddr = 0.0.0.0\nport = 5039\nwebenabled = yes\n#include users.d/*.conf\n",
		"/etc/asterisk/users.d/1.conf":   "[base](!)\nread = call\n[ringside](base)\nsecret = amp111\nwrite = all\n",
		"/etc/asterisk/asterisk.conf":    "[directories]\nastspooldir => " + s.folder + "\n[options]\nlive_dangerously = yes\n",
		"/etc/asterisk/cdr.conf":         "[general]\nenable = no\n",
		"/etc/asterisk/cdr_manager.conf": "[general]\nenabled = yes\n",
		"/etc/asterisk/http.conf":        "[general]\nenabled = yes\n",
		"/etc/asterisk/ari.conf":         "[general]\nenabled = yes\nallowed_origins = *\n[asterisk]\ntype = user\npassword = asterisk\n",
	}
	s.config = strings.Replace(s.config, strongSecret, "amp111", 1)
	m := s.manager
	m.write = []string{"system", "command", "config", "user"}
	m.booted = false
	m.ahead = time.Hour
	m.modules = slices.DeleteFunc(m.modules, func(name string) bool { return name == "func_uri" || name == "res_parking" })
	s.manager.has(strings.ReplaceAll(s.dialplan(""), "Dial(${RINGSIDE_FALLBACK},60)", "NoOp()"))
	s.golden("wrong.txt", s.examined())
}

func TestDoctorsChecks(t *testing.T) {
	token := func(s *site) { s.config = strings.Replace(s.config, "agi: {", "agi: {token: t0p-s3cr3t, ", 1) }
	for _, x := range []struct {
		name    string
		spoil   func(*site)
		verdict verdict
		says    string
		lines   []string
	}{
		{
			"the interface is off", func(s *site) { s.change("manager.conf", "enabled = yes", "enabled = no") },
			checkProblem, "the manager interface is off",
			[]string{"enabled = yes"},
		},
		{"every address, and users who may come from anywhere", func(s *site) {
			s.change("manager.conf", "bindaddr = 127.0.0.1\n", "")
			s.change("manager.conf", "deny = 0.0.0.0/0.0.0.0\n", "")
		}, checkProblem, "listens on every address (bindaddr is not set), and not every user has deny and permit lines: ringside", []string{"bindaddr = 127.0.0.1"}},
		{
			"every address, with permit lines", func(s *site) { s.change("manager.conf", "= 127.0.0.1\n", "= ::\n") },
			checkAdvice, "it listens on ::",
			[]string{"bindaddr = 127.0.0.1"},
		},
		{
			"another port", func(s *site) { s.change("manager.conf", "port = ", "port = 9\nother = ") },
			checkProblem, "it listens on port 9",
			[]string{"ami:", "  address: 127.0.0.1:9"},
		},
		{
			"no times", func(s *site) { s.change("manager.conf", "timestampevents = yes", "") },
			checkAdvice, "events carry no time",
			[]string{"timestampevents = yes"},
		},
		{"no user", func(s *site) { s.change("manager.conf", "[ringside]", "[other]") }, checkProblem, "there is no user [ringside]", []string{
			"[ringside]", "; made with: openssl rand -hex 24", "secret = NEW-SECRET", "deny = 0.0.0.0/0.0.0.0", "permit = 127.0.0.1/255.255.255.255",
			"displayconnects = no", "read = system,call,agent,cdr,user", "write = call,agent,originate,reporting",
		}},
		{
			"another secret", func(s *site) { s.change("manager.conf", strongSecret, strongSecret+"-2") },
			checkProblem, "is not the one in ringside's configuration",
			[]string{"ami:", "  secret: THE-ONE-OF-MANAGER.CONF"},
		},
		{
			"anybody", func(s *site) { s.change("manager.conf", "deny = ", "; deny = ") },
			checkProblem, "[ringside] may log in from anywhere",
			[]string{"deny = 0.0.0.0/0.0.0.0", "permit = 127.0.0.1/255.255.255.255"},
		},
		{
			"not this machine", func(s *site) { s.change("manager.conf", "permit = 127.0.0.1", "permit = 10.0.0.1") },
			checkProblem, "may not log in from 127.0.0.1",
			[]string{"deny = 0.0.0.0/0.0.0.0", "permit = 127.0.0.1/255.255.255.255"},
		},
		{"the login is refused for the permit lines", func(s *site) {
			s.change("manager.conf", "permit = 127.0.0.1", "permit = 10.0.0.1")
			s.manager.refuses = "Authentication failed"
		}, checkProblem, "Asterisk refuses the login: the permit lines of [ringside] leave out 127.0.0.1", nil},
		{"the login is refused for the secret", func(s *site) {
			s.change("manager.conf", strongSecret, strongSecret+"-2")
			s.manager.refuses = "Authentication failed"
		}, checkProblem, "Asterisk refuses the login: the secret is wrong", nil},
		{
			"the login is refused, and the files are right", func(s *site) { s.manager.refuses = "Authentication failed" },
			checkProblem, "it has not read them yet",
			[]string{`asterisk -rx "manager reload"`},
		},
		{"the login is refused, and nobody knows why", func(s *site) {
			delete(s.files, "/etc/asterisk/manager.conf")
			s.manager.refuses = "Authentication \x1b[31mfailed"
		}, checkProblem, "Asterisk refuses the login (Authentication  [31mfailed)", nil},
		{"nobody listens", func(s *site) { _ = s.manager.l.Close() }, checkProblem, "Asterisk does not run", nil},
		{
			"manager.conf may not be read", func(s *site) { s.files["/etc/asterisk/manager.conf"] = "SECRET" },
			checkSkipped, "manager.conf can't be read: permission denied", nil,
		},
		{
			"command", func(s *site) { s.manager.write = append(s.manager.write, "command") },
			checkProblem, "the user may write command",
			[]string{"write = call,agent,originate,reporting"},
		},
		{
			"system", func(s *site) { s.manager.write = append(s.manager.write, "system") },
			checkAdvice, "the user may write system",
			[]string{"write = call,agent,originate,reporting"},
		},
		{
			"no agent", func(s *site) { s.manager.write = []string{"system", "call", "originate", "reporting"} },
			checkAdvice, "the user may not write agent",
			[]string{"write = system,call,agent,originate,reporting"},
		},
		{
			"no reporting", func(s *site) { s.manager.write = []string{"call"} },
			checkProblem, "the user may not write reporting",
			[]string{"write = call,agent,originate,reporting"},
		},
		{
			"no events of system", func(s *site) { s.change("manager.conf", "read = system,", "read = ") },
			checkProblem, "[ringside] may not read: system",
			[]string{"read = system,call,agent,cdr,user"},
		},
		{"no dialplan", func(s *site) { s.manager.plan = nil }, checkProblem, "the dialplan asks ringside nowhere", nil},
		{
			"no report of the end", func(s *site) { s.manager.has(strings.Replace(s.dialplan(""), "[ringside-hangup]", "[other]", 1)) },
			checkProblem, "the context ringside-hangup is missing",
			[]string{
				"[ringside-hangup]", `exten => s,1,GotoIf($["${RINGSIDE_CALL_ID}" = ""]?end)`,
				" same => n,AGI(${RINGSIDE}/hangup?id=${RINGSIDE_CALL_ID})", " same => n(end),Return()",
			},
		},
		{
			"another ringside", func(s *site) { s.manager.globals["RINGSIDE"] = "agi://127.0.0.1:4573" },
			checkProblem, "leads to 127.0.0.1:4573, ringside listens on 127.0.0.1:1",
			[]string{"[globals](+)", "RINGSIDE = agi://127.0.0.1:1", "RINGSIDE_FALLBACK = PJSIP/100"},
		},
		{"a token where it does not belong", func(s *site) {
			token(s)
			s.manager.globals["RINGSIDE"] = "agi://127.0.0.2:1/?token=t0p-s3cr3t"
		}, checkProblem, "leads to 127.0.0.2:1, ringside listens on 127.0.0.1:1", nil},
		{"no address", func(s *site) { s.manager.globals["RINGSIDE"] = "" }, checkProblem, "is the global variable RINGSIDE set?", nil},
		{
			"the token is right", func(s *site) { token(s); s.manager.has(s.dialplan("token=t0p-s3cr3t&")) },
			checkOK, "ringside-route asks ringside", nil,
		},
		{"the token is missing", token, checkProblem, "ringside-route shows no token", nil},
		{
			"the token is wrong", func(s *site) { token(s); s.manager.has(s.dialplan("token=other&")) },
			checkProblem, "the token in ringside-answered is not the one of the configuration",
			[]string{
				"; TOKEN is agi.token: 'ringside dialplan asterisk' prints these lines with it",
				"[ringside-answered]", "exten => s,1,AGI(${RINGSIDE}/answered?token=TOKEN&id=${ARG1})", " same => n,Return()",
			},
		},
		{
			"nothing is tested", func(s *site) { s.manager.has(strings.ReplaceAll(s.dialplan(""), "RINGSIDE_RESULT", "AGISTATUS")) },
			checkProblem, "ringside-route does not test RINGSIDE_RESULT", nil,
		},
		{"a fallback of its own", func(s *site) {
			s.manager.has(strings.ReplaceAll(s.dialplan(""), "Dial(${RINGSIDE_FALLBACK},60)", "Queue(sales)"))
		}, checkOK, "ringside-route has a fallback of its own: Queue(sales)", nil},
		{
			"a fallback that is not set", func(s *site) { s.manager.globals["RINGSIDE_FALLBACK"] = "" },
			checkProblem, "RINGSIDE_FALLBACK is not set",
			[]string{"RINGSIDE_FALLBACK = PJSIP/100  ; a phone that always rings"},
		},
		{
			"a fallback that is away", func(s *site) { s.manager.functions["DEVICE_STATE(PJSIP/100)"] = "UNAVAILABLE" },
			checkProblem, "RINGSIDE_FALLBACK rings nobody: PJSIP/100 can't be reached", nil,
		},
		{"one of two fallbacks", func(s *site) {
			s.manager.globals["RINGSIDE_FALLBACK"] = "PJSIP/100&PJSIP/200"
			s.manager.functions["DEVICE_STATE(PJSIP/200)"] = "INVALID"
		}, checkAdvice, "PJSIP/200 does not exist", nil},
		{
			"no place for transfers", func(s *site) { s.manager.has(strings.Replace(s.dialplan(""), "exten => join,", "exten => other,", 1)) },
			checkAdvice, "ringside-control lacks join", nil,
		},
		{
			"nobody hands calls over", func(s *site) { s.manager.has(s.dialplan("")) },
			checkAdvice, "no context hands calls to ringside",
			[]string{"exten => _X.,1,Goto(ringside-route,${FILTER(0-9+*#,${EXTEN})},1)"},
		},
		{
			"a module is missing", func(s *site) { s.manager.functions["URIENCODE(a)"] = "" },
			checkProblem, "func_uri is not loaded",
			[]string{"load = func_uri.so"},
		},
		{
			"the clock", func(s *site) { s.manager.ahead = -time.Minute },
			checkProblem, "Asterisk's clock is 1 min behind",
			[]string{"timedatectl set-ntp true"},
		},
		{"the time zone", func(s *site) { s.manager.functions["STRFTIME(,,%z)"] = "+1345" }, checkProblem, "Asterisk's time zone is UTC+1345", nil},
		{
			"no call details", func(s *site) { delete(s.files, "/etc/asterisk/cdr_manager.conf") },
			checkAdvice, "Asterisk does not send call details",
			[]string{"enabled = yes"},
		},
		{
			"details without their call", func(s *site) { s.change("cdr_manager.conf", "linkedid => LinkedID\n", "") },
			checkAdvice, "don't say which call they belong to",
			[]string{"linkedid => LinkedID"},
		},
		{
			"no channel events", func(s *site) { s.change("cel.conf", "enabled = yes", "") },
			checkAdvice, "Asterisk sends not all channel events",
			[]string{"enabled = yes"},
		},
		{"a configuration that is not sound", func(s *site) { s.config += "nonsense: 1\n" }, checkProblem, `there is no key "nonsense"`, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			s := soundSite(t)
			x.spoil(s)
			d := s.examined()
			text := s.text(d)
			i := slices.IndexFunc(d.all, func(f finding) bool { return f.Verdict == x.verdict && strings.Contains(f.Text, x.says) })
			if i < 0 {
				t.Fatalf("it does not say %s: %s\n%s", x.verdict, x.says, text)
			}
			if f := d.all[i]; x.lines != nil && (len(f.Changes) == 0 || !slices.Equal(f.Changes[0].Lines, x.lines)) {
				t.Errorf("the changes are %q", f.Changes)
			}
			for _, secret := range []string{strongSecret, "t0p-s3cr3t", "\x1b"} {
				if strings.Contains(text, secret) {
					t.Errorf("%q is printed:\n%s", secret, text)
				}
			}
		})
	}
}

func TestDoctorOfAHostileAsterisk(t *testing.T) {
	s := soundSite(t)
	s.manager.globals["RINGSIDE"] = "\x1b]0;owned\x07\u202e"
	s.files["/etc/asterisk/manager.conf"] += "[\x1b[2J](+)\n"
	d := s.examined()
	var asJSON, asText bytes.Buffer
	if err := d.report(&asText, false); err != nil {
		t.Fatal(err)
	}
	if err := d.report(&asJSON, true); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(asJSON.Bytes()) {
		t.Error("this is no JSON")
	}
	for _, out := range []string{asText.String(), asJSON.String()} {
		if !strings.Contains(out, "owned") || strings.ContainsAny(out, "\x1b\x07\u202e") {
			t.Errorf("it prints %q", out)
		}
	}
}

func TestDoctorAsksTheDaemon(t *testing.T) {
	r := startDaemon(t, "")
	out, errOut, code := r.cli("doctor", "--etc", r.folder)
	if code != exitProblems || !strings.Contains(errOut, "1 problem was found") {
		t.Errorf("exit %d: %s", code, errOut)
	}
	for _, want := range []string{"the daemon runs: version", "answers a test as a dialplan would ask it", "there is no directory", "ringside does not use the manager interface"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	out, _, _ = r.cli("doctor", "--etc", r.folder, "--json")
	var told struct {
		Problems int
		Checks   []finding
	}
	if err := json.Unmarshal([]byte(out), &told); err != nil || told.Problems != 1 || len(told.Checks) < 5 {
		t.Errorf("%v: %s", err, out)
	}
}

func TestDoctorSeesASecondDaemon(t *testing.T) {
	r := startDaemon(t, "")
	out := r.want("FastAGI on", "status")
	_, address, _ := strings.Cut(strings.SplitN(out, "\n", 2)[0], "FastAGI on ")
	folder := t.TempDir()
	file := filepath.Join(folder, "ringside.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "store: {path: ringside.db}\nagi: {listen: '%s', token_file: token}\n", address), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "token"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _, code := runCLI(t, "doctor", "--config", file, "--etc", folder)
	if code != exitProblems || !strings.Contains(out, "a second daemon?") || !strings.Contains(out, "chmod 640 '"+filepath.Join(folder, "token")+"'") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

func TestPermitLines(t *testing.T) {
	for _, x := range []struct {
		lines, ip string
		want      bool
	}{
		{"", "10.0.0.1", true},
		{"deny = 0.0.0.0/0.0.0.0", "10.0.0.1", false},
		{"deny = 0.0.0.0/0\npermit = 10.0.0.0/255.0.0.0", "10.0.0.1", true},
		{"permit = 10.0.0.0/8\ndeny = 0.0.0.0/0", "10.0.0.1", false},
		{"deny = 0.0.0.0/0\npermit = 10.1.0.0/16,10.0.0.1", "10.0.0.1", true},
		{"deny = 0.0.0.0/0\npermit = !10.0.0.1", "10.0.0.1", false},
		{"deny = nonsense/x", "10.0.0.1", true},
	} {
		c, err := loadConf("/", "a", confFiles{"/a": "[u]\n" + x.lines}.reader())
		if err != nil {
			t.Fatal(err)
		}
		if got := permitted(c.whole("u"), mustAddr(x.ip)); got != x.want {
			t.Errorf("%q lets %s in: %v", x.lines, x.ip, got)
		}
	}
}

func mustAddr(text string) netip.Addr { return netip.MustParseAddr(text) }

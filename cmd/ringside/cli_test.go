package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ringside-pbx/ringside"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// buffer is an output that the daemon writes and the test reads.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// rig is a running daemon with its folder.
type rig struct {
	t      *testing.T
	config string
	folder string
	log    *buffer
	cancel context.CancelFunc
	done   chan int
}

// startDaemon runs `ringside serve` in this process and waits until it is ready.
func startDaemon(t *testing.T, config string, args ...string) *rig {
	t.Helper()
	folder, err := os.MkdirTemp("", "rs") // short, for the unix socket's sake
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, folder: folder, config: filepath.Join(folder, "ringside.yaml"), log: &buffer{}}
	text := "node: test\nstore: {path: ringside.db}\nagi: {listen: '127.0.0.1:0'}\nhttp: {listen: '127.0.0.1:0'}\nshutdown: {grace: 1s}\n" + config
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.start(args...)
	t.Cleanup(func() {
		r.stop()
		_ = os.RemoveAll(folder)
	})
	return r
}

func (r *rig) start(args ...string) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan int, 1)
	go func() { r.done <- run(ctx, append([]string{"serve", "--config", r.config}, args...), r.log, r.log) }()
	for range 500 {
		if strings.Contains(r.log.String(), "ringside is ready") {
			return
		}
		select {
		case code := <-r.done:
			r.done <- code
			r.t.Fatalf("the daemon ended with %d:\n%s", code, r.log)
		case <-time.After(10 * time.Millisecond):
		}
	}
	r.t.Fatalf("the daemon is not ready:\n%s", r.log)
}

func (r *rig) stop() {
	r.cancel()
	if code := <-r.done; code != 0 {
		r.t.Errorf("the daemon ended with %d:\n%s", code, r.log)
	}
	r.done <- 0
}

// cli runs one command line against the daemon.
func (r *rig) cli(args ...string) (out, errOut string, code int) {
	return runCLI(r.t, append(args, "--config", r.config)...)
}

func runCLI(t *testing.T, args ...string) (out, errOut string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	code = run(ctx, args, &o, &e)
	return o.String(), e.String(), code
}

// want runs a command that must succeed and say what is wanted.
func (r *rig) want(want string, args ...string) string {
	r.t.Helper()
	out, errOut, code := r.cli(args...)
	if code != 0 || !strings.Contains(out, want) {
		r.t.Errorf("ringside %s: exit %d, want %q in\n%s%s", strings.Join(args, " "), code, want, out, errOut)
	}
	return out
}

func TestAnEveningWithTheDemo(t *testing.T) {
	r := startDaemon(t, "", "--demo")
	if log := r.log.String(); strings.Contains(log, "there is no directory") {
		t.Errorf("a warning before the demo is loaded:\n%s", log)
	}
	r.want("ring 101 for 20 s", "route", "--from", "+79001234567", "--to", "100", "--at", "2026-11-23 10:00")
	r.want("leave a message for 110", "route", "--from", "+79001234567", "--to", "100", "--at", "2026-11-22 10:00")

	var e ringside.Explained
	out := r.want(`"action"`, "route", "--from", "8 (900) 123-45-67", "--to", "100", "--at", "2026-11-23 10:00", "--json")
	if err := json.Unmarshal([]byte(out), &e); err != nil || e.CallerID != "+79001234567" || e.Dial != "PJSIP/101" || e.Rule.ID != 3 || len(e.Trace) < 3 {
		t.Errorf("the explanation: %v, %+v", err, e)
	}

	r.want("result: done; action: forward +74951234567", "call", "--from", "+79001234567", "--to", "911", "--talk", "0s", "--quiet")
	r.want(`> EXEC Dial "PJSIP/101,30,U(ringside-answered^`, "call", "--from", "101", "--to", "101", "--talk", "0s")
	r.want("decided; action: route 102; dial PJSIP/102", "call", "--from", "+79001234567", "--to", "102", "--script", "decide", "--quiet")

	// The list knows the call that has just ended.
	var calls []ringside.Call
	if out := r.want("[", "calls", "list", "--json"); json.Unmarshal([]byte(out), &calls) != nil || len(calls) != 3 || calls[2].Live() {
		t.Fatalf("after three calls: %s", out)
	}
	if c := calls[0]; c.Status != ringside.StatusAnswered || c.Rule == nil || c.Rule.ID != 5 || c.RoutedTo != "+74951234567" {
		t.Errorf("the first call: %+v", c)
	}
	r.want("On-call engineer", "calls", "show", calls[0].ID)
	r.want("rule 5", "calls", "list")
	if _, _, code := r.cli("calls", "show", "nobody"); code != exitNotFound {
		t.Errorf("an unknown call: exit %d", code)
	}
	r.want("6 numbers, 2 groups, 5 rules", "status")
	r.want("Mobiles to sales", "directory", "show")
	r.want("The store is consistent", "store", "check")
	backup := filepath.Join(r.folder, "copy.db")
	r.want("Written", "store", "backup", backup)
	r.want("The store is consistent", "store", "check", backup)
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v", info, err)
	}
	if info, err := os.Stat(filepath.Join(r.folder, "ringside.sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the control socket: %v, %v", info, err)
	}
}

func (r *rig) poll(what string, ok func() bool) {
	r.t.Helper()
	for range 300 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatalf("never: %s\n%s", what, r.log)
}

const forwardTo = "version: %q\ntime_zone: UTC\nrules:\n  - {id: 1, name: All, action: forward_external, target_external: %q}\n"

func TestDirectoryFileIsWatchedAndABadOneChangesNothing(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "directory.yaml")
	write := func(text string) {
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	write(fmt.Sprintf(forwardTo, "1", "+4930111"))
	r := startDaemon(t, "directory: {file: "+file+"}\n")
	r.want("forward to +4930111", "route", "--to", "1")
	write(fmt.Sprintf(forwardTo, "2", "+4930222"))
	r.poll("the new version", func() bool { return strings.Contains(r.want("", "route", "--to", "1"), "+4930222") })
	write("version: 3\nrules: [{id: 1}]\n")
	r.poll("a word on the bad file", func() bool { return strings.Contains(r.want("", "status"), "rules[0].action") })
	r.want("forward to +4930222", "route", "--to", "1")
	if _, errOut, code := r.cli("directory", "load", file); code != exitUsage || !strings.Contains(errOut, ":2:9: rules[0].action") {
		t.Errorf("loading the bad file: exit %d, %s", code, errOut)
	}
	good := filepath.Join(folder, "good.yaml")
	if err := os.WriteFile(good, []byte(fmt.Sprintf(forwardTo, "4", "+4930444")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errOut, code := r.cli("directory", "load", good); code != 1 || !strings.Contains(errOut, "change it there") {
		t.Errorf("loading over the file: exit %d, %s", code, errOut)
	}
	r.want(`"All": target_external`, "directory", "diff", good)
	// With the file gone, a restart serves the last good directory.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	r.stop()
	r.log = &buffer{}
	r.start()
	r.want("forward to +4930222", "route", "--to", "1")
}

func TestDirectoryAndContactsAreLoadedAndKept(t *testing.T) {
	r := startDaemon(t, "")
	if !strings.Contains(r.log.String(), "there is no directory") {
		t.Errorf("the daemon does not say that it has no directory:\n%s", r.log)
	}
	r.want("result: released", "call", "--to", "1", "--quiet")
	file := writeFile(t, "d.json", `{"version": "7", "time_zone": "UTC", "default_country": "RU",
		"numbers": [{"number": "101"}, {"number": "102"}],
		"groups": [{"id": 1, "name": "All", "members": ["101"]}],
		"rules": [{"id": 1, "name": "Owner", "action": "route_to_owner", "target_group": "All"}]}`)
	r.want("Version 7", "directory", "load", file)
	contacts := writeFile(t, "c.csv", "phone,name,owner\n8 900 123 45 67,\"Ivan \"\"X\"\" Petrov\",102\n+79007654321,Olga,\n")
	r.want("2 contacts are loaded", "contacts", "load", contacts)
	r.want("ring 102", "route", "--from", "+79001234567", "--to", "500")
	r.want("ring 101", "route", "--from", "+79007654321", "--to", "500")
	r.want("ring 101", "route", "--to", "500")
	r.stop()
	r.log = &buffer{}
	r.start()
	r.want("ring 102", "route", "--from", "+79001234567", "--to", "500")
	bad := writeFile(t, "bad.csv", "phone,name\n+1,a\n,b\n")
	if _, errOut, code := r.cli("contacts", "load", bad); code != exitUsage || !strings.Contains(errOut, "line 3: phone is missing") {
		t.Errorf("bad contacts: exit %d, %s", code, errOut)
	}
}

func TestRecordsThatFoundNoPlaceAreToldAtTheEnd(t *testing.T) {
	r := startDaemon(t, "")
	path := filepath.Join(r.folder, "ringside.db")
	foreign := filepath.Join(r.folder, "foreign")
	if err := errors.Join(os.WriteFile(foreign, []byte("foreign"), 0o600), os.Rename(foreign, path)); err != nil {
		t.Fatal(err)
	}
	r.cancel()
	code := <-r.done
	if log := r.log.String(); code != 1 || !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "ringside: stopping the store") {
		t.Errorf("exit %d:\n%s", code, log)
	}
	r.done <- 0
}

func TestSecondDaemonIsRefused(t *testing.T) {
	r := startDaemon(t, "")
	_, errOut, code := r.cli("serve")
	if code == 0 || !strings.Contains(errOut, "ringside.db") {
		t.Errorf("a second daemon on the same store: exit %d, %s", code, errOut)
	}
}

func TestBusyPortIsAnErrorAndUndoesTheStart(t *testing.T) {
	r := startDaemon(t, "")
	var port string
	for _, word := range strings.Fields(r.log.String()) {
		if after, ok := strings.CutPrefix(word, "agi="); ok {
			port = after
		}
	}
	folder := t.TempDir()
	config := filepath.Join(folder, "r.yaml")
	if err := os.WriteFile(config, []byte("store: {path: r.db}\nagi: {listen: '"+port+"'}\nhttp: {listen: ''}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the store's lock was given back
		_, errOut, code := runCLI(t, "serve", "--config", config)
		if code != 1 || !strings.Contains(errOut, "address already in use") || !strings.Contains(errOut, "agi.listen: another program, perhaps another ringside") {
			t.Errorf("exit %d, %s", code, errOut)
		}
	}
}

func TestExitCodes(t *testing.T) {
	cases := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no command", nil, exitUsage, "expected one of"},
		{"unknown flag", []string{"status", "--nope"}, exitUsage, "unknown flag"},
		{"no daemon", []string{"status", "--socket", "/nonexistent/s"}, exitNoDaemon, "no running ringside"},
		{"no configuration", []string{"check", "config", "/nonexistent.yaml"}, exitUsage, "no such file"},
		{"no directory", []string{"check", "directory", "/nonexistent.yaml"}, exitUsage, "no such file"},
		{"a device that never ends", []string{"check", "directory", "/dev/zero"}, exitUsage, "is no file"},
		{"a folder", []string{"check", "directory", t.TempDir()}, exitUsage, "is no file"},
		{"no such time", []string{"route", "--to", "1", "--at", "noonish", "--directory", writeFile(t, "d.yaml", "version: 1\ntime_zone: UTC\n")}, exitUsage, "--at"},
		{"dial string that could be injected", []string{"dialplan", "asterisk", "--fallback", "PJSIP/1,30)\nexten"}, exitUsage, "--fallback"},
		{"nobody is called", []string{"route", "--to", "", "--directory", writeFile(t, "d.yaml", "version: 1\ntime_zone: UTC\n")}, exitUsage, "--to is empty"},
		{"no such outcome", []string{"call", "--to", "1", "--dial", "answer,foo"}, exitUsage, `--dial "foo" is none of answer`},
		{"contacts in an object", []string{"contacts", "load", writeFile(t, "c.json", "\n{\"phone\": \"1\"}")}, exitUsage, "it is a JSON object: a list"},
		{"contacts in no CSV", []string{"contacts", "load", writeFile(t, "c.csv", strings.Repeat("я", 5000))}, exitUsage, strings.Repeat("я", 40) + `…": use phone`},
		{"problems", []string{"check", "directory", writeFile(t, "d.yaml", "version: 1\ntime_zone: UTC\nrules: [{id: 1, name: x, action: nope}]\n")}, exitProblems, "1 problem"},
		{"store that is none", []string{"store", "check", writeFile(t, "x.db", strings.Repeat("x", 40000))}, 1, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, errOut, code := runCLI(t, c.args...)
			if code != c.code || !strings.Contains(out+errOut, c.want) {
				t.Errorf("exit %d, want %d and %q in:\n%s%s", code, c.code, c.want, out, errOut)
			}
		})
	}
}

func TestOfflineCommandsNeedNoDaemon(t *testing.T) {
	file := writeFile(t, "d.yaml", "version: 1\ntime_zone: UTC\nnumbers: [{number: 101}]\nrules: [{id: 1, name: Night, time_condition: '22:00-06:00', action: hangup}]\n")
	for _, c := range []struct{ at, want string }{
		{"2026-11-23 23:30", "hang up"}, {"2026-11-23 12:00", "ring 101 for 30 s"},
	} {
		out, errOut, code := runCLI(t, "route", "--directory", file, "--from", "+4930", "--to", "101", "--at", c.at)
		if code != 0 || !strings.Contains(out, c.want) {
			t.Errorf("at %s: exit %d, %s%s", c.at, code, out, errOut)
		}
	}
	out, _, code := runCLI(t, "dialplan", "asterisk", "--fallback", "PJSIP/100")
	if code != 0 || !strings.Contains(out, "agi://127.0.0.1:4573") || !strings.Contains(out, "RINGSIDE_FALLBACK = PJSIP/100") || strings.Contains(out, "{{") {
		t.Errorf("the dialplan: exit %d\n%s", code, out)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out, _, code := runCLI(t, "completion", shell); code != 0 || !strings.Contains(out, "route") {
			t.Errorf("completion for %s: exit %d\n%s", shell, code, out)
		}
	}
	if out, _, _ := runCLI(t, "version"); !strings.HasPrefix(out, "ringside ") {
		t.Errorf("version: %s", out)
	}
}

func TestWhatOthersChoseDoesNotSteerTheTerminal(t *testing.T) {
	for in, want := range map[string]string{
		"Anna Петрова": "Anna Петрова", "\x1b[31mred\n": "?[31mred?", "\u009b31m": "?31m", "txt.\u202egnp\u2028": "txt.?gnp?",
	} {
		if got := safe(in); got != want {
			t.Errorf("%q is printed as %q", in, got)
		}
	}
}

func TestADayOfNoCallsIsSaidToBeNone(t *testing.T) {
	for _, day := range []string{"yesterday", "2026-13-45", "0000-01-01", "9999-12-31"} {
		if _, errOut, code := runCLI(t, "sync", "reconcile", "--day", day, "--socket", "/nonexistent"); code != exitUsage || !strings.Contains(errOut, "is no day") {
			t.Errorf("%s: exit %d, %s", day, code, errOut)
		}
	}
}

package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// What the daemon holds.
const (
	rules    = 10_000
	contacts = 100_000
)

// daemon is the real binary, running.
type daemon struct {
	t      *testing.T
	binary string
	config string
	cmd    *exec.Cmd
	addr   string
	esl    string // the address for FreeSWITCH
}

// newDaemon makes a place for a daemon with a large directory.
func newDaemon(t *testing.T) *daemon {
	t.Helper()
	dir := t.TempDir()
	d := &daemon{t: t, binary: os.Getenv("RINGSIDE_BIN"), config: filepath.Join(dir, "ringside.yaml")}
	if d.binary == "" {
		d.binary = filepath.Join(dir, "ringside")
		build := exec.Command("go", "build", "-o", d.binary, "../cmd/ringside")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building ringside: %v\n%s", err, out)
		}
	}
	writeJSON(t, filepath.Join(dir, "directory.json"), directory())
	text := "node: bench\nstore: {path: ringside.db}\ndirectory: {file: directory.json}\n" +
		"agi: {listen: \"127.0.0.1:0\"}\nesl: {listen: \"127.0.0.1:0\", dial: {external: 'sofia/gateway/trunk/${number}'}}\nhttp: {listen: \"\"}\ncontrol: {socket: ringside.sock}\nlog: {format: json}\n"
	if err := os.WriteFile(d.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

func writeJSON(t *testing.T, file string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// directory has one rule per called number: half are plain prefixes, the others need the regular
// expression, and each fourth is timed.
func directory() map[string]any {
	all := make([]map[string]any, rules)
	for i := range all {
		all[i] = map[string]any{
			"id": i + 1, "name": fmt.Sprintf("Rule %d", i), "priority": i + 1, "active": true,
			"called_number_pattern": fmt.Sprintf("^%s$", number(i)),
			"action":                "forward_external", "target_external": fmt.Sprintf("+7901%07d", i),
		}
		if i%2 == 1 {
			all[i]["called_number_pattern"] = fmt.Sprintf(`^\+?[78]495%07d(#\d+)?$`, i)
		}
		if i%4 == 0 {
			all[i]["time_condition"] = "daily 00:00-24:00"
		}
	}
	return map[string]any{"version": "1", "time_zone": "Europe/Moscow", "default_country": "RU", "rules": all}
}

// number is the called number of a rule.
func number(i int) string { return fmt.Sprintf("7495%07d", i) }

// called is the number that a call goes to: one of a thousand, all over the rules.
func called(i int) string { return number(i * 7907 % 1000 * (rules / 1000)) }

// caller is a number of which every second one belongs to a contact, and every eighth is no mobile
// number, so that it takes the numbering plan to read it.
func caller(i int) string {
	if i%8 == 0 {
		return fmt.Sprintf("7812%07d", 3000000+(i*7919)%900000)
	}
	return fmt.Sprintf("7900%07d", (i*7919)%(2*contacts))
}

// loadContacts gives the running daemon its contacts.
func (d *daemon) loadContacts() {
	d.t.Helper()
	all := make([]ringside.Contact, contacts)
	for i := range all {
		all[i] = ringside.Contact{Phone: fmt.Sprintf("+7900%07d", 2*i), Name: fmt.Sprintf("Contact %d", i), Company: "Company", Owner: "101"}
	}
	file := filepath.Join(filepath.Dir(d.config), "contacts.json")
	writeJSON(d.t, file, all)
	d.run("contacts", "load", file)
}

// run runs one of the daemon's commands and returns what it prints.
func (d *daemon) run(args ...string) string {
	d.t.Helper()
	out, err := exec.Command(d.binary, append([]string{"--config", d.config}, args...)...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("ringside %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// start runs the daemon and waits until it is ready.
func (d *daemon) start() {
	d.t.Helper()
	d.cmd = exec.Command(d.binary, "serve", "--config", d.config)
	log, err := d.cmd.StderrPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(d.stop)
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "gc ") {
			continue
		}
		var line struct{ Level, Msg, AGI, ESL, Error string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			d.t.Fatalf("%s", lines.Text())
		}
		if line.Level == "ERROR" {
			d.t.Errorf("ringside: %s", lines.Text())
		}
		if line.AGI != "" {
			d.addr, d.esl = line.AGI, line.ESL
			break
		}
	}
	if d.addr == "" {
		d.t.Fatal("ringside does not start")
	}
	go func() {
		for lines.Scan() {
			if strings.Contains(lines.Text(), `"level":"ERROR"`) {
				fmt.Fprintln(os.Stderr, "ringside:", lines.Text())
			}
		}
	}()
}

// stop ends the daemon as the service manager does.
func (d *daemon) stop() {
	if d.cmd == nil {
		return
	}
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	_ = d.cmd.Wait()
	d.cmd, d.addr = nil, ""
}

// memory is the daemon's resident memory in MB: all of it, and without the pages of its file, which
// the system takes back when it needs them.
func (d *daemon) memory() (rss, own float64) {
	d.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseFloat(f[1], 64)
		switch f[0] {
		case "VmRSS:":
			rss = kb / 1024
		case "RssAnon:":
			own = kb / 1024
		}
	}
	return rss, own
}

// processor is the time that a process has spent on the processors.
func processor(t *testing.T, pid int) time.Duration {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("process %d has no threads: %v", pid, err)
	}
	var sum time.Duration
	for _, file := range threads {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a thread that has just ended
		}
		on, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(on, 10, 64)
		sum += time.Duration(n)
	}
	return sum
}

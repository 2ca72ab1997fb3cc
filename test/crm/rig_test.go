package crm

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// binary is the program under test: the one that the environment names, else one that is built.
func binary(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("RINGSIDE_BIN"); bin != "" {
		return bin
	}
	bin := filepath.Join(t.TempDir(), "ringside")
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/ringside").CombinedOutput(); err != nil {
		t.Fatalf("building ringside: %v\n%s", err, out)
	}
	return bin
}

// freePort is a port that nobody has just now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// program is one that is started again and again.
type program struct {
	t    *testing.T
	bin  string
	args []string
	out  *output
	cmd  *exec.Cmd
}

// output keeps what a program has said.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start starts it and waits until it takes connections.
func (p *program) start(ready string) {
	p.t.Helper()
	p.cmd = exec.Command(p.bin, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for range 6000 {
		conn, err := net.Dial("tcp", ready)
		if err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.t.Fatalf("%v is not ready:\n%s", p.args, p.out)
}

// kill ends it without a warning.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// rig is a ringside and a CRM.
type rig struct {
	t             *testing.T
	folder        string
	ringside, crm *program
	agi, web      string // addresses
	config        string
}

func newRig(t *testing.T, extra string) *rig {
	t.Helper()
	bin, folder := binary(t), t.TempDir()
	// A short path: the control socket's name has a limit.
	socket, err := os.MkdirTemp("", "rc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(socket) })
	r := &rig{t: t, folder: folder, config: filepath.Join(folder, "ringside.yaml")}
	r.agi = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	r.web = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	text := fmt.Sprintf("node: site\nstore: {path: ringside.db}\nagi: {listen: '%s'}\nhttp: {listen: ''}\ncontrol: {socket: %s/s}\nshutdown: {grace: 1s}\n", r.agi, socket) +
		fmt.Sprintf("crm: {url: 'http://%s/ringside/v1/', token: shared-token, poll: 1s}\n", r.web) + extra
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.ringside = &program{t: t, bin: bin, args: []string{"serve", "--config", r.config}, out: &output{}}
	r.crm = &program{t: t, bin: bin, out: &output{}, args: []string{
		"demo-crm", "--listen", r.web, "--token", "shared-token", "--data", filepath.Join(folder, "crm.jsonl"),
	}}
	return r
}

// command runs one of ringside's commands.
func (r *rig) command(args ...string) (string, error) {
	out, err := exec.Command(r.ringside.bin, append([]string{"--config", r.config}, args...)...).CombinedOutput()
	return string(out), err
}

// crmState is what the reference CRM tells about itself.
type crmState struct {
	Calls    map[string]int `json:"calls"`
	Arrivals map[string]int `json:"arrivals"`
	Effects  map[string]int `json:"effects"`
	CDRs     map[string]int `json:"cdrs"`
}

func (r *rig) crmState() crmState {
	r.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+r.web+"/state", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer shared-token")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	var s crmState
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	if err != nil {
		r.t.Fatalf("%v: %.200s", err, body)
	}
	return s
}

// call places one call as Asterisk does, for a dialplan that carries out the decision itself, and
// reports whether it was decided on. query is added to the request's.
func (r *rig) call(ctx context.Context, id, query string) bool {
	d := net.Dialer{Timeout: time.Second}
	conn, err := d.DialContext(ctx, "tcp", r.agi)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := fmt.Fprintf(conn, "agi_network: yes\nagi_network_script: decide?id=%[1]s%[3]s\nagi_request: agi://%[2]s/decide\nagi_channel: PJSIP/trunk-1\n"+
		"agi_uniqueid: %[1]s\nagi_callerid: 79001234567\nagi_extension: 100\nagi_threadid: 1\n\n", id, r.agi, query); err != nil {
		return false
	}
	lines := bufio.NewReader(conn)
	decided := false
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return decided
		}
		decided = decided || strings.Contains(line, "RINGSIDE_RESULT=")
		if _, err := io.WriteString(conn, "200 result=1\n"); err != nil {
			return decided
		}
	}
}

package crm

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSecretsAreNowhere plants a secret in every credential and looks for it in everything that
// ringside says: logs at debug level, answers, errors, command lines' output, a crash dump.
func TestSecretsAreNowhere(t *testing.T) {
	const canary = "c4n4ry"
	secret := func(name string) string { return canary + "-" + name + "-0123456789" }
	r := newRig(t, "")
	directory := filepath.Join(r.folder, "directory.json")
	document := `{"version":"1","time_zone":"UTC","numbers":[{"id":1,"number":"101","password":"` + secret("sip") + `","account":{"active":true,"can_receive_external_calls":true}}],` +
		`"rules":[{"id":1,"name":"all","action":"route_to_number","target_number":"101"}]}`
	token := filepath.Join(r.folder, "crm.token")
	config, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(config), "token: shared-token", "token_file: crm.token, signing_secret: "+secret("crm-signing"))
	text = strings.ReplaceAll(text, "agi: {", "agi: {token: "+secret("agi")+", ")
	text = strings.ReplaceAll(text, "http: {listen: ''}", "http: {listen: '127.0.0.1:0', token: "+secret("push")+", signing_secret: "+secret("push-signing")+"}")
	text += "log: {level: debug}\n"
	for file, content := range map[string]string{r.config: text, directory: document, token: secret("crm")} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.crm.args = []string{"demo-crm", "--listen", r.web, "--token", secret("crm"), "--signing-secret", secret("crm-signing"), "--directory", directory}
	var said bytes.Buffer
	run := func(args ...string) {
		out, err := r.command(args...)
		said.WriteString(out)
		if err != nil {
			said.WriteString(err.Error())
		}
	}
	r.crm.start(r.web)
	r.ringside.start(r.agi)
	wait(t, "the directory", func() bool {
		out, err := r.command("directory", "show")
		return err == nil && strings.Contains(out, "Version 1")
	})
	if !r.call(t.Context(), "1.1", "&token="+secret("agi")) || r.call(t.Context(), "1.2", "&token=wrong") {
		t.Error("the FastAGI token does not tell calls apart")
	}
	for _, args := range [][]string{
		{"status"},
		{"status", "--json"},
		{"sync", "status"},
		{"sync", "status", "--json"},
		{"directory", "show", "--json"},
		{"directory", "history", "--json"},
		{"directory", "set", "number", "1", "password=" + "changed-secret-value"},
		{"directory", "edits", "--json"},
		{"directory", "set", "number", "1", "nonsense=1"},
		{"calls", "list", "--json"},
		{"route", "--from", "1", "--to", "101", "--json"},
		{"sync", "reconcile", "--day", time.Now().UTC().Format(time.DateOnly)},
		{"check", "config"},
		{"store", "check"},
		{"dialplan", "asterisk"},
	} {
		run(args...)
	}
	address := r.httpAddress()
	for _, ask := range []struct{ method, path, auth string }{
		{"GET", "/healthz", ""}, {"PUT", "/api/v1/config", "Bearer wrong"}, {"PUT", "/api/v1/config", "Bearer " + secret("push")}, {"GET", "/debug/pprof/", ""},
	} {
		req, err := http.NewRequest(ask.method, "http://"+address+ask.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", ask.auth)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		said.Write(body)
	}
	// The CRM refuses, then it is gone.
	if err := os.WriteFile(token, []byte(secret("crm-wrong")), 0o600); err != nil {
		t.Fatal(err)
	}
	wait(t, "the refusal", func() bool {
		out, _ := r.command("sync", "status")
		said.WriteString(out)
		return strings.Contains(out, "refuses the credentials")
	})
	r.crm.kill()
	_, _ = r.command("sync", "refresh")
	wait(t, "the end of the CRM", func() bool {
		out, _ := r.command("sync", "status")
		said.WriteString(out)
		return strings.Contains(out, "no connection")
	})
	_ = r.ringside.cmd.Process.Signal(syscall.SIGQUIT) // a dump of all goroutines
	_ = r.ringside.cmd.Wait()
	said.WriteString(r.ringside.out.String())
	if !strings.Contains(said.String(), "goroutine ") {
		t.Error("there is no dump to look at")
	}
	for line := range strings.Lines(said.String()) {
		if strings.Contains(line, canary) && !strings.Contains(line, "token="+secret("agi")) || strings.Contains(line, "changed-secret-value") {
			t.Errorf("a secret is told: %s", line)
		}
	}
	if info, err := os.Stat(filepath.Join(r.folder, "ringside.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the store's mode is %v, %v", info.Mode(), err)
	}
}

// httpAddress is where ringside serves HTTP, as its log says.
func (r *rig) httpAddress() string {
	_, rest, _ := strings.Cut(r.ringside.out.String(), " http=")
	address, _, _ := strings.Cut(rest, " ")
	return address
}

// wait waits until something is true.
func wait(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 300 {
		if is() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

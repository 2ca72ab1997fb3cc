package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// demoCRM is a running reference CRM.
type demoCRM struct {
	t      *testing.T
	out    *buffer
	url    string
	token  string
	cancel context.CancelFunc
	done   chan int
}

// startDemoCRM runs `ringside demo-crm` in this process and waits until it says where it is.
func startDemoCRM(t *testing.T, args ...string) *demoCRM {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	d := &demoCRM{t: t, out: &buffer{}, cancel: cancel, done: make(chan int, 1)}
	go func() {
		d.done <- run(ctx, append([]string{"demo-crm", "--listen", "127.0.0.1:0"}, args...), d.out, d.out)
	}()
	t.Cleanup(d.stop)
	address := regexp.MustCompile(`url: (http://\S+)/ringside/v1/\n`)
	for range 500 {
		if found := address.FindStringSubmatch(d.out.String()); found != nil {
			d.url = found[1]
			return d
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the reference CRM does not begin:\n%s", d.out)
	return nil
}

func (d *demoCRM) stop() {
	d.cancel()
	if code := <-d.done; code != 0 {
		d.t.Errorf("the reference CRM ended with %d:\n%s", code, d.out)
	}
	d.done <- 0
	http.DefaultClient.CloseIdleConnections()
}

func (d *demoCRM) ask(method, path, body string) (int, http.Header, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if d.token != "" {
		req.Header.Set("Authorization", "Bearer "+d.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

func (d *demoCRM) want(method, path, body string, status int, parts ...string) string {
	d.t.Helper()
	got, _, text := d.ask(method, path, body)
	for _, part := range parts {
		if got != status || !strings.Contains(text, part) {
			d.t.Fatalf("%s %s: %d, want %d and %s in\n%s", method, path, got, status, part, text)
		}
	}
	return text
}

func TestADaemonWithTheReferenceCRM(t *testing.T) {
	folder := t.TempDir()
	data, file := filepath.Join(folder, "crm.jsonl"), filepath.Join(folder, "directory.yaml")
	text := "version: '7'\ntime_zone: UTC\nnumbers: [{id: 1, number: 101, password: s3cret}]\nrules: [{id: 1, name: All, action: forward_external, target_external: '+4930111'}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	contacts := writeFile(t, "c.csv", "phone,name\n+79001234567,Ivan <b>Petrov\n")
	crm := startDemoCRM(t, "--directory", file, "--data", data, "--contacts", contacts, "--token", "a-token-for-the-demo", "--signing-secret", "shared secret")
	crm.token = "a-token-for-the-demo"

	lines := crm.out.String()[strings.Index(crm.out.String(), "crm:\n"):]
	r := startDaemon(t, strings.TrimSpace(lines)+"\n  poll: 1s\n")
	r.poll("the directory", func() bool { return strings.Contains(r.want("", "route", "--to", "1"), "+4930111") })
	r.poll("the contact", func() bool {
		out, _, _ := r.cli("route", "--from", "+79001234567", "--to", "1")
		return strings.Contains(out, "Petrov")
	})
	r.want("result: done", "call", "--from", "+79001234567", "--to", "1", "--talk", "0s", "--quiet")
	var state demoState
	r.poll("the record and its CDRs", func() bool {
		state = demoState{}
		return json.Unmarshal([]byte(crm.want("GET", "/state", "", 200, "calls")), &state) == nil && len(state.CDRs) == 1 && len(state.Heartbeats) == 1
	})
	for id, revision := range state.Calls {
		if key := ringside.DeliveryKey(id, revision); state.Arrivals[key] != 1 || state.Effects[key] != 1 || state.CDRs[key] < 1 {
			t.Errorf("%+v", state)
		}
	}
	if len(state.Calls) != 1 || state.Version != "7" {
		t.Errorf("%+v", state)
	}
	_, header, page := crm.ask("GET", "/", "")
	if !strings.Contains(page, "&#43;79001234567 Ivan &lt;b&gt;Petrov") || strings.Contains(page, "<b>Petrov") || strings.Contains(page, "<script") ||
		!strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%v\n%s", header, page)
	}

	// What the CRM says about the call is shown beside it on the site.
	for id := range state.Calls {
		crm.want("POST", "/annotate", `{"session_id":"`+id+`","note":"Call back","task":{"title":"Offer","due":"2026-11-30T12:00:00Z"}}`, 200, `"note":"Call back"`)
		r.poll("the annotation", func() bool { return strings.Contains(r.want("", "calls", "show", id), "Call back") })
		r.want("Offer (open, due 2026-11-30 ", "calls", "show", id)
	}
	crm.want("POST", "/annotate", `{"session_id":"nobody"}`, 404, "no call of this session_id has arrived")
	crm.want("POST", "/annotate", `note`, 400, "that is no annotation")

	// The file changes, its version does not: the CRM raises it, and the daemon has it at once.
	if err := os.WriteFile(file, []byte(strings.Replace(text, "4930111", "4930222", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	r.poll("the new directory", func() bool { return strings.Contains(r.want("", "route", "--to", "1"), "+4930222") })
	crm.want("GET", "/state", "", 200, `"directory_version":"8"`)
	if err := os.WriteFile(file, []byte("rules: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.poll("a word on the bad file", func() bool { return strings.Contains(crm.out.String(), "the directory stays as it was") })
	if err := os.WriteFile(file, []byte(strings.Replace(text, "4930111", "4930222", 1)), 0o600); err != nil {
		t.Fatal(err)
	}

	// What goes wrong is told, and ends.
	crm.want("POST", "/misbehave", "*: 503; calls: hang", 200, `{"misbehaviour":["*: 503","calls: hang"]}`)
	crm.want("POST", "/misbehave", "calls: sulk", 422, `\"sulk\" is no misbehaviour`)
	crm.want("POST", "/misbehave", "", 422, "there are no rules")
	crm.want("GET", "/", "", 200, "It misbehaves", "calls: hang")
	crm.want("POST", "/misbehave", "clear", 200, `{"misbehaviour":[]}`)

	// Another one continues with the same file.
	r.stop()
	crm.stop()
	again := startDemoCRM(t, "--directory", file, "--data", data)
	again.want("GET", "/state", "", 200, `"directory_version":"8"`, `"effects":{"test-`)
}

func TestTheReferenceCRMSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"everybody may read", []string{"--listen", "0.0.0.0:0"}, exitUsage, "--token is needed when --listen (0.0.0.0:0) is not on loopback"},
		{"no address", []string{"--listen", "here"}, exitUsage, "--listen "},
		{"no such directory", []string{"--directory", "/nonexistent.yaml"}, exitUsage, "no such file"},
		{"a directory that is none", []string{"--directory", writeFile(t, "d.yaml", "version: 1\nrules: 7\n")}, exitUsage, ":2:8: rules"},
		{"contacts that are none", []string{"--contacts", writeFile(t, "c.csv", "phone\n\"\"\n")}, exitUsage, "line 2: phone is missing"},
		{"rules that are none", []string{"--misbehave", "calls: often"}, exitUsage, `--misbehave: "often" is no misbehaviour`},
		{"a token of two words", []string{"--token", "a b"}, exitUsage, "--token is no token"},
		{"a data file that is none", []string{"--listen", "127.0.0.1:0", "--data", writeFile(t, "x", "x\ny\n")}, 1, "line 1 is damaged"},
		{"a folder for a data file", []string{"--listen", "127.0.0.1:0", "--data", t.TempDir()}, 1, "is no regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errOut, code := runCLI(t, append([]string{"demo-crm"}, c.args...)...)
			if code != c.code || !strings.Contains(errOut, c.want) {
				t.Errorf("exit %d, want %d and %q in:\n%s%s", code, c.code, c.want, out, errOut)
			}
		})
	}
	crm := startDemoCRM(t)
	_, errOut, code := runCLI(t, "demo-crm", "--listen", strings.TrimPrefix(crm.url, "http://"))
	if code != 1 || !strings.Contains(errOut, "address already in use") {
		t.Errorf("exit %d, %s", code, errOut)
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, crm.url+"/misbehave", strings.NewReader("*: hang"))
	req.Header.Set("Origin", "https://elsewhere.example")
	if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("a page of somebody else: %v, %v", res, err)
	} else {
		res.Body.Close()
	}
}

func TestTheReferenceCRMOnTheNetworkWantsTheTokenForItsPages(t *testing.T) {
	crm := startDemoCRM(t, "--listen", "0.0.0.0:0", "--token", "a-token-for-the-demo")
	crm.url = strings.Replace(crm.url, "[::]", "127.0.0.1", 1)
	crm.want("GET", "/state", "", 401, "the token is missing or wrong")
	crm.want("POST", "/misbehave", "*: hang", 401, "the token")
	crm.token = "a-token-for-the-demo"
	crm.want("GET", "/state", "", 200, `"calls":{}`)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, crm.url+"/", nil)
	req.SetBasicAuth("anybody", crm.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", res, err)
	}
	res.Body.Close()
}

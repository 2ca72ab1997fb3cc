package crmtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// misbehave puts rules in force.
func (r *rig) misbehave(text string) {
	r.Helper()
	rules, err := ParseRules(text)
	if err != nil {
		r.Fatal(err)
	}
	r.crm.Misbehave(rules...)
}

// breaks makes a request that must end with an error of the connection.
func (r *rig) breaks(method, path, body string, want error) {
	r.Helper()
	res, text, err := r.ask(method, path, body)
	if err == nil || want != nil && !errors.Is(err, want) {
		r.Fatalf("%v, %v, %q; want %v", err, res, text, want)
	}
}

func TestStatusesCarryAnErrorAndRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	r := start(t, Options{Directory: []byte(office), Now: func() time.Time { return now }})
	for rule, after := range map[string]string{
		"*: 500": "", "*: 401": "", "*: 403": "", "*: 404": "", "*: 409": "", "*: 410": "", "*: 413": "", "*: 422": "",
		"*: 429 retry-after=3": "3", "*: 503 retry-after=date:60": "Mon, 23 Nov 2026 10:01:00 GMT", "*: 502": "",
	} {
		r.misbehave(rule)
		res, text, err := r.ask("GET", "/config", "")
		if err != nil || !strings.HasPrefix(rule, "*: "+res.Status[:3]) || !strings.HasPrefix(text, `{"error":"`) || res.Header.Get("Retry-After") != after {
			t.Errorf("%s: %v, %v, %s", rule, err, res, text)
		}
	}
	r.misbehave("*: 204")
	r.want("GET", "/config", "", 204, "")
}

func TestRulesAreForTheirPathAndChance(t *testing.T) {
	r := start(t, Options{Directory: []byte(office)})
	r.misbehave("calls: 500; *: 503 0%")
	r.want("GET", "/config", "", 200, "")
	r.want("POST", "/calls", callBatch(callItem("a", 1)), 500, "misbehaves")
	r.misbehave("calls: 500 50%")
	var well, broken int
	for range 200 {
		if res, _, err := r.ask("POST", "/calls", callBatch()); err == nil && res.StatusCode == http.StatusOK {
			well++
		} else {
			broken++
		}
	}
	if well < 50 || broken < 50 {
		t.Errorf("%d are well and %d are not", well, broken)
	}
	r.misbehave("clear")
	r.want("POST", "/calls", callBatch(), 200, "")
}

func TestAnswersThatTakeTimeOrNeverCome(t *testing.T) {
	r := start(t, Options{Directory: []byte(office)})
	r.misbehave("config: latency 300ms; config: 500")
	began := time.Now()
	r.want("GET", "/config", "", 500, "")
	if time.Since(began) < 300*time.Millisecond {
		t.Errorf("the answer has come after %s", time.Since(began))
	}
	r.misbehave("*: hang")
	r.server.Client().Timeout = 300 * time.Millisecond
	r.breaks("POST", "/calls", callBatch(callItem("a", 1)), context.DeadlineExceeded)
	if len(r.crm.Calls()) != 0 {
		t.Error("what hangs has had an effect")
	}
	r.misbehave("*: trickle")
	r.breaks("GET", "/config", "", context.DeadlineExceeded)
	r.server.Client().Timeout = 0
	done := make(chan error, 1)
	r.misbehave("*: hang")
	go func() {
		_, _, err := r.ask("GET", "/config", "")
		done <- err
	}()
	time.Sleep(50 * time.Millisecond)
	_ = r.crm.Close()
	if err := <-done; err == nil {
		t.Error("the end of the CRM is an answer")
	}
}

func TestATrickleIsTheWholeAnswer(t *testing.T) {
	r := start(t, Options{})
	r.misbehave("calls: trickle")
	began := time.Now()
	r.want("POST", "/calls", callBatch(), 200, `{"results":[]}`)
	if took := time.Since(began); took < 14*trickling {
		t.Errorf("it has come within %s", took)
	}
}

func TestConnectionsThatBreak(t *testing.T) {
	r := start(t, Options{Directory: []byte(office)})
	r.misbehave("*: reset")
	_, _, err := r.ask("POST", "/heartbeat", `{"node":"a"}`)
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
	r.misbehave("*: truncated")
	res, text, err := r.ask("GET", "/config", "")
	if !errors.Is(err, io.ErrUnexpectedEOF) || res.ContentLength != int64(len(office)) || text != office[:len(office)/2] {
		t.Errorf("%v, %s", err, text)
	}
	r.breaks("POST", "/heartbeat", `{"node":"a"}`, nil) // an answer without a body has nothing to cut
}

func TestWhatIsTakenBeforeTheConnectionDropsArrivesAgain(t *testing.T) {
	r := start(t, Options{})
	r.misbehave("*: take-and-drop")
	r.breaks("POST", "/calls", callBatch(callItem("a", 1)), nil)
	if r.crm.Calls()["a"] != 1 {
		t.Error("it was not taken")
	}
	r.misbehave("clear")
	r.want("POST", "/calls", callBatch(callItem("a", 1)), 200, "duplicate")
	if r.crm.Arrivals("a/1") < 2 || r.crm.Effects("a/1") != 1 {
		t.Errorf("%d, %d", r.crm.Arrivals("a/1"), r.crm.Effects("a/1"))
	}
}

func TestAnswersOfSomebodyElse(t *testing.T) {
	r := start(t, Options{Directory: []byte(office)})
	r.misbehave("*: html")
	res, text, err := r.ask("POST", "/calls", callBatch(callItem("a", 1)))
	if err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") || !strings.Contains(text, "sign in") {
		t.Errorf("%v, %v, %s", err, res, text)
	}
	r.misbehave("*: redirect")
	r.server.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, _, err = r.ask("GET", "/config", "")
	if err != nil || res.StatusCode != http.StatusFound || res.Header.Get("Location") != r.server.URL+"/elsewhere" {
		t.Errorf("%v, %v", err, res)
	}
	r.misbehave("*: wrong-date")
	res, _, err = r.ask("GET", "/config", "")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(err, res)
	}
	date, err := http.ParseTime(res.Header.Get("Date"))
	if ahead := time.Until(date); err != nil || ahead < 50*time.Minute || ahead > 70*time.Minute {
		t.Errorf("%s ahead, %v", ahead, err)
	}
}

func TestAnswersWithoutAnEnd(t *testing.T) {
	r := start(t, Options{})
	for _, rule := range []string{"*: endless", "*: gzip-bomb"} {
		r.misbehave(rule)
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, r.server.URL+"/contacts", nil)
		res, err := r.server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.CopyN(io.Discard, res.Body, 12<<20)
		if err != nil || !res.Uncompressed && rule == "*: gzip-bomb" {
			t.Errorf("%s ends after %d bytes: %v", rule, n, err)
		}
		res.Body.Close()
	}
}

func TestAnswersWithWrongTypes(t *testing.T) {
	r := start(t, Options{Directory: []byte(office)})
	r.misbehave("*: wrong-types")
	r.want("GET", "/config", "", 200, `{"numbers":"none","rules":"none","time_zone":{"text":7},"version":{"text":7}}`)
	r.want("POST", "/calls", callBatch(callItem("a", 1)), 200, `{"results":"none"}`)
	r.want("GET", "/contacts", "", 200, `{"contacts":"none","cursor":{"text":7},"more":["many"]}`)
	r.want("POST", "/heartbeat", `{"node":"a"}`, 200, `{"status":[1]}`)
}

func TestDirectoriesThatAreWrong(t *testing.T) {
	r := start(t, Options{Directory: []byte(office)})
	for rule, want := range map[string]string{
		"config: empty-directory": `"numbers":[],"rules":[]`,
		"config: duplicate-ids":   `"rules":[{"id":5,"name":"All","action":"hangup"},{"id":5,"name":"All","action":"hangup"}]`,
		"*: older-version":        `"version":"0"`,
		"*: bad-zone":             `"time_zone":"Mars/Olympus_Mons"`,
	} {
		r.misbehave(rule)
		r.header.Del("If-None-Match")
		r.want("GET", "/config", "", 200, want)
		r.want("POST", "/calls", callBatch(), 200, "")
		res, _, err := r.ask("GET", "/config", "")
		if err != nil || res.Header.Get("ETag") == "" {
			t.Fatal(err)
		}
		r.header.Set("If-None-Match", res.Header.Get("ETag"))
		r.want("GET", "/config?wait=60", "", 304, "") // it is the CRM's document, so to say
		r.misbehave("clear")
		r.want("GET", "/config", "", 200, office)
	}
}

func TestResultsThatAreWrong(t *testing.T) {
	r := start(t, Options{Directory: []byte(office)})
	r.misbehave("*: missing-results")
	r.want("POST", "/calls", callBatch(callItem("a", 1), callItem("b", 1)), 200, `{"results":[{"key":"b/1","status":"accepted"}]}`)
	r.want("POST", "/calls", callBatch(callItem("a", 1)), 200, `{"results":[]}`)
	r.misbehave("*: stranger-results")
	r.want("POST", "/calls", callBatch(callItem("c", 1)), 200,
		`{"results":[{"id":"nobody/1","key":"nobody/1","status":"rejected","code":"stranger","reason":"nobody sent this"},{"key":"c/1","status":"accepted"},{"id":"stranger/7"`)
	if got := r.crm.Calls(); len(got) != 3 {
		t.Errorf("%v", got)
	}
	r.want("GET", "/config", "", 200, office)
}

func TestCertificatesServeTLS(t *testing.T) {
	now := time.Now()
	ca, cert, key, err := Certificates([]string{"127.0.0.1", "crm.example"}, now.Add(-time.Hour), now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	crm, err := New(Options{Directory: []byte(office), Token: ringside.NewSecret("")})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: crm, TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}}
	done := make(chan error, 1)
	go func() { done <- server.ServeTLS(ln, "", "") }()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	res, err := client.Get("https://" + ln.Addr().String() + "/config")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", res, err)
	}
	res.Body.Close()
	crm.Misbehave(Rule{Path: "*", Kind: Reset, Chance: 1})
	if res, err := client.Get("https://" + ln.Addr().String() + "/config"); err == nil {
		t.Errorf("%v", res)
	}
	client.CloseIdleConnections()
	_ = crm.Close()
	_ = server.Close()
	<-done
	if _, _, _, err := Certificates(nil, now, now); err == nil {
		t.Error("a certificate for nobody")
	}
}

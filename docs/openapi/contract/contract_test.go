package contract_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/docs/openapi/contract"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

const (
	oneCall = `{"node":"office","items":[{"key":"office-1/1","call":{"session_id":"office-1","schema":1,"revision":1,"caller_id":"","called_number":"100",
		"direction":"inbound","status":"abandoned","start_time":"2026-11-23T10:00:05Z","duration":1}}]}`
	taken = `{"results":[{"key":"office-1/1","status":"accepted"}]}`
)

// exchange is a request and what a CRM answers to it.
type exchange struct {
	name, method, path, body string
	header                   map[string]string // beside what every request has; "" takes one away
	zipped                   bool
	status                   int
	answer                   string
	answerHeader             map[string]string
	wrong                    string // part of what is reported; "" for nothing
}

var exchanges = []exchange{
	{name: "calls", method: "POST", path: "/crm/v1/calls", body: oneCall, status: 200, answer: taken},
	{name: "calls, compressed", method: "POST", path: "/crm/v1/calls", body: oneCall, zipped: true, status: 200, answer: taken},
	{name: "keys that nobody knows", method: "POST", path: "/crm/v1/calls", body: strings.Replace(oneCall, `{"node"`, `{"new":1,"node"`, 1), status: 202, answer: `{"results":[],"took":5}`},
	{name: "the directory", method: "GET", path: "/crm/v1/config?wait=30", header: map[string]string{"If-None-Match": `"1"`, "Prefer": "wait=30"}, status: 200, answer: `{"version":"2"}`},
	{name: "the same directory", method: "GET", path: "/crm/v1/config", header: map[string]string{"If-None-Match": `"1"`}, status: 304},
	{name: "a heartbeat", method: "POST", path: "/crm/v1/heartbeat", body: `{"node":"office","version":"1","time":"2026-11-23T10:00:00+03:00","uptime_seconds":1,
		"live_calls":0,"waiting_callers":0,"backlog":{"calls":0,"cdrs":0,"bytes":0,"rejected":0}}`, status: 204},
	{name: "a cursor that is gone", method: "GET", path: "/crm/v1/contacts?since=7", status: 410, answer: `{"error":"gone"}`},
	{name: "patience", method: "POST", path: "/crm/v1/calls", body: oneCall, status: 503, answer: `{"error":"later"}`, answerHeader: map[string]string{"Retry-After": "5"}},
	{name: "ids", method: "GET", path: "/crm/v1/calls/ids?node=office&from=2026-11-22T21:00:00Z&to=2026-11-23T21:00:00Z", status: 200, answer: `{"calls":[],"more":false}`},

	{name: "no such path", method: "GET", path: "/crm/v1/nothing", status: 200, answer: `{}`, wrong: "no matching operation"},
	{name: "another base", method: "GET", path: "/other/config", status: 200, answer: `{"version":"1"}`, wrong: "no matching operation"},
	{name: "another method", method: "PUT", path: "/crm/v1/calls", body: oneCall, status: 200, answer: taken, wrong: "method not allowed"},
	{name: "no node", method: "POST", path: "/crm/v1/calls", body: oneCall, header: map[string]string{"X-Ringside-Node": ""}, status: 200, answer: taken, wrong: "X-Ringside-Node"},
	{name: "a call without a status", method: "POST", path: "/crm/v1/calls", body: strings.Replace(oneCall, `"status":"abandoned",`, "", 1), status: 200, answer: taken, wrong: "status"},
	{name: "a call that is refused", method: "POST", path: "/crm/v1/calls", body: strings.Replace(oneCall, `"abandoned"`, `"gone"`, 1), status: 422, answer: `{"error":"no"}`, wrong: "/items/0/call/status"},
	{name: "compressed, and wrong", method: "POST", path: "/crm/v1/calls", body: `{"node":"office","items":[]}`, zipped: true, status: 200, answer: taken, wrong: "/items: minimum number of items"},
	{name: "no stream", method: "POST", path: "/crm/v1/calls", body: oneCall, header: map[string]string{"Content-Encoding": "gzip"}, status: 200, answer: taken, wrong: "gzip"},
	{name: "another encoding", method: "POST", path: "/crm/v1/calls", body: oneCall, header: map[string]string{"Content-Encoding": "br"}, status: 200, answer: taken, wrong: "Content-Encoding"},
	{name: "no JSON", method: "POST", path: "/crm/v1/calls", body: "a=b", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, status: 200, answer: taken, wrong: "Content-Type"},
	{name: "a time that is none", method: "GET", path: "/crm/v1/calls/ids?node=office&from=yesterday&to=2026-11-23T21:00:00Z", status: 200, answer: `{"calls":[],"more":false}`, wrong: "from"},
	{name: "a result that is none", method: "POST", path: "/crm/v1/calls", body: oneCall, status: 200, answer: `{"results":[{"key":"office-1/1","status":"ok"}]}`, wrong: "/results/0/status"},
	{name: "no results", method: "POST", path: "/crm/v1/calls", body: oneCall, status: 200, answer: `{}`, wrong: "results"},
	{name: "a page in place of an error", method: "POST", path: "/crm/v1/calls", body: oneCall, status: 500, answer: `<html>`, answerHeader: map[string]string{"Content-Type": "text/html"}, wrong: "Content-Type"},
	{name: "an error that says nothing", method: "POST", path: "/crm/v1/calls", body: oneCall, status: 400, answer: `{}`, wrong: "error"},
	{name: "a redirection", method: "GET", path: "/crm/v1/config", status: 302, wrong: "status"},
	{name: "more, but no cursor", method: "GET", path: "/crm/v1/contacts", status: 200, answer: `{"contacts":[],"cursor":"","more":true}`, wrong: "/cursor"},
}

func TestExchangesAreHeldToTheContract(t *testing.T) {
	c, err := contract.New("/crm/v1/")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range exchanges {
		t.Run(x.name, func(t *testing.T) {
			sent := []byte(x.body)
			if x.zipped {
				sent = zip(t, sent)
			}
			r := httptest.NewRequestWithContext(t.Context(), x.method, "https://crm.example"+x.path, bytes.NewReader(sent))
			r.Header.Set("X-Ringside-Node", "office")
			if len(sent) > 0 {
				r.Header.Set("Content-Type", "application/json")
			}
			if x.zipped {
				r.Header.Set("Content-Encoding", "gzip")
				r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(sent)), nil } // as in a client
			}
			for name, v := range x.header {
				if r.Header.Del(name); v != "" {
					r.Header.Set(name, v)
				}
			}
			crm := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(got, sent) {
					t.Errorf("the CRM got %q, error %v", got, err)
				}
				if x.answer != "" {
					w.Header().Set("Content-Type", "application/json")
				}
				for name, v := range x.answerHeader {
					w.Header().Set(name, v)
				}
				w.WriteHeader(x.status)
				_, _ = io.WriteString(w, x.answer)
			})
			var reports []string
			w := httptest.NewRecorder()
			c.Check(crm, func(err error) { reports = append(reports, err.Error()) }).ServeHTTP(w, r)
			if w.Code != x.status || w.Body.String() != x.answer {
				t.Errorf("the client got %d with %q", w.Code, w.Body)
			}
			switch {
			case x.wrong == "" && len(reports) > 0:
				t.Errorf("reported: %s", reports)
			case x.wrong != "" && (len(reports) != 1 || !strings.Contains(reports[0], x.wrong)):
				t.Errorf("reported %q, want something about %s", reports, x.wrong)
			}
		})
	}
}

func zip(t *testing.T, b []byte) []byte {
	t.Helper()
	var into bytes.Buffer
	z := gzip.NewWriter(&into)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return into.Bytes()
}

func TestARequestWhoseClientHasGoneIsHeldToNothing(t *testing.T) {
	c, err := contract.New("/")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, "GET", "https://crm.example/config?wait=30", nil)
	poll := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { cancel() })
	c.Check(poll, func(err error) { t.Error(err) }).ServeHTTP(httptest.NewRecorder(), r)
}

// shelf takes what is pushed.
type shelf struct{ crmsync.Directory }

func (shelf) OfferDirectory(_ context.Context, d crmsync.Document) (crmsync.Offered, error) {
	dir, problems, err := ringside.DecodeDirectory(d.Data)
	problems = append([]ringside.Problem{}, problems...)
	switch {
	case err != nil:
		return crmsync.Offered{}, err
	case dir.Version == "1" && !d.Forced:
		return crmsync.Offered{}, crmsync.ErrOlder
	case dir.Version == "3" && !d.Confirmed:
		return crmsync.Offered{Edition: 3, Version: "3", State: "held", Problems: problems, Changes: []string{}, Losses: []string{"all 2 rules are gone"}}, nil
	}
	return crmsync.Offered{Edition: 2, Version: dir.Version, State: "applied", Problems: problems, Changes: []string{}}, nil
}

func TestWhatRingsideServesIsAsItsDocumentSays(t *testing.T) {
	c, err := contract.NewOwn()
	if err != nil {
		t.Fatal(err)
	}
	own := crmsync.NewReceiver(crmsync.ReceiverOptions{
		Token: ringside.NewSecret("a-token-of-the-site"), Directory: shelf{}, Now: time.Now,
		Refresh: func() error { return nil },
		Route: func(context.Context, crmsync.RouteQuestion) (ringside.Explained, error) {
			d := ringside.Decision{Action: ringside.NotFound}
			return d.Explain(ringside.Number{}, ringside.Number{Raw: "100"}, "2"), nil
		},
		Health: func(context.Context) any { return map[string]string{"status": "ok"} },
		Ready:  func() error { return nil },
	})
	for _, tt := range []struct {
		method, path, body, token string
		status                    int
		wrong                     string
	}{
		{"PUT", "/api/v1/config", `{"version":"2","time_zone":"UTC"}`, "a-token-of-the-site", 200, ""},
		{"PUT", "/api/v1/config", `{"version":"2","colour":1}`, "a-token-of-the-site", 200, ""},
		{"PUT", "/api/v1/config", `{"version":"1"}`, "a-token-of-the-site", 409, ""},
		{"PUT", "/api/v1/config?force=1", `{"version":"1"}`, "a-token-of-the-site", 200, ""},
		{"PUT", "/api/v1/config", `{"version":"3"}`, "a-token-of-the-site", 202, ""},
		{"PUT", "/api/v1/config?confirm=1", `{"version":"3"}`, "a-token-of-the-site", 200, ""},
		{"PUT", "/api/v1/config", `{"version":"2"}`, "", 401, ""},
		{"PUT", "/api/v1/config", `{"rules":[{}]}`, "a-token-of-the-site", 422, "version"},
		{"POST", "/api/v1/config/refresh", "", "a-token-of-the-site", 202, ""},
		{"POST", "/api/v1/route", `{"called_number":"100"}`, "a-token-of-the-site", 200, ""},
		{"POST", "/api/v1/route", `{}`, "a-token-of-the-site", 400, "called_number"},
		{"GET", "/readyz", "", "", 200, ""},
		{"GET", "/healthz", "", "", 200, "node"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), tt.method, "http://127.0.0.1:4580"+tt.path, strings.NewReader(tt.body))
		if tt.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if tt.token != "" {
			r.Header.Set("Authorization", "Bearer "+tt.token)
		}
		report, w := "", httptest.NewRecorder()
		c.Check(own, func(err error) { report = err.Error() }).ServeHTTP(w, r)
		if w.Code != tt.status || (report == "") != (tt.wrong == "") || !strings.Contains(report, tt.wrong) {
			t.Errorf("%s %s %s: %d, %s; reported %q", tt.method, tt.path, tt.body, w.Code, w.Body, report)
		}
	}
}

func BenchmarkExchange(b *testing.B) {
	c, err := contract.New("/crm/v1")
	if err != nil {
		b.Fatal(err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), "POST", "https://crm.example/crm/v1/calls", nil)
		r.Header = http.Header{"Content-Type": {"application/json"}, "X-Ringside-Node": {"office"}}
		if err := c.Exchange(r, []byte(oneCall), 200, header, []byte(taken)); err != nil {
			b.Fatal(err)
		}
	}
}

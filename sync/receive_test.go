package sync

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/calmlog"
	"github.com/ringside-pbx/ringside/internal/signature"
)

const pushToken = "0123456789abcdef"

func newTestReceiver(dir Directory, set ...func(*ReceiverOptions)) *Receiver {
	opt := ReceiverOptions{
		Token: ringside.NewSecret(pushToken), Directory: dir, Refresh: func() error { return nil },
		Route: func(_ context.Context, q RouteQuestion) (ringside.Explained, error) {
			return ringside.Explained{Action: ringside.Route, CallerID: q.From, CalledNumber: q.To}, nil
		},
		Health: func(context.Context) any { return map[string]string{"status": "ok"} },
		Ready:  func() error { return nil },
	}
	for _, f := range set {
		f(&opt)
	}
	return NewReceiver(opt)
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

func TestPushedDirectories(t *testing.T) {
	bearer := http.Header{"Authorization": {"Bearer " + pushToken}, "Content-Type": {"application/json"}}
	with := func(name, value string) http.Header {
		h := bearer.Clone()
		h.Set(name, value)
		return h
	}
	large := strings.Repeat(" ", ringside.MaxDocument+1)
	for _, tc := range []struct {
		name, target, body string
		header             http.Header
		answer             error
		offered            Offered
		status             int
		text               string
		offers             int
	}{
		{name: "taken", body: "{}", header: bearer, offered: Offered{Edition: 7, Version: "42", State: "applied"}, status: 200, text: `"edition":7`, offers: 1},
		{name: "held", body: "{}", header: bearer, offered: Offered{State: "held", Losses: []string{"all rules"}}, status: 202, text: "all rules", offers: 1},
		{name: "compressed", body: zipped("{}"), header: with("Content-Encoding", "gzip"), status: 200, offers: 1},
		{name: "older", body: "{}", header: bearer, answer: fmt.Errorf("41 is older than 42: %w", ErrOlder), status: 409, text: "force=1", offers: 1},
		{name: "a site with a file", body: "{}", header: bearer, answer: fmt.Errorf("%w: /etc/d.yaml", ErrFile), status: 409, text: "comes from a file", offers: 1},
		{name: "no directory", body: "{}", header: bearer, answer: ringside.DecodeErrors{{Path: "rules[0].action", Text: "is missing"}}, status: 422, text: `"path":"rules[0].action"`, offers: 1},
		{name: "trouble here", body: "{}", header: bearer, answer: errors.New("disk /var/lib is full"), status: 500, text: "could not be taken", offers: 1},
		{name: "a flag that is none", target: "/api/v1/config?force=yes", body: "{}", header: bearer, status: 400, text: "force is neither 0 nor 1"},
		{name: "no token", body: "{}", header: http.Header{"Content-Type": {"application/json"}}, status: 401, text: "missing or wrong"},
		{name: "wrong token", body: "{}", header: with("Authorization", "Bearer 0123456789abcdeg"), status: 401},
		{name: "prefix of the token", body: "{}", header: with("Authorization", "Bearer 0123456789abcde"), status: 401},
		{name: "another scheme", body: "{}", header: with("Authorization", "Basic "+pushToken), status: 401},
		{name: "no JSON", body: "version: 1", header: with("Content-Type", "application/yaml"), status: 415, text: "application/json"},
		{name: "another compression", body: "{}", header: with("Content-Encoding", "br"), status: 415, text: "gzip"},
		{name: "broken gzip", body: "xx", header: with("Content-Encoding", "gzip"), status: 400, text: "gzip"},
		{name: "gzip bomb", body: zipped(large), header: with("Content-Encoding", "gzip"), status: 413, text: "decompressed"},
		{name: "too large", body: large, header: bearer, status: 413, text: "more than"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := newShelf()
			dir.answer, dir.offered = tc.answer, tc.offered
			r := httptest.NewRequest(http.MethodPut, cmp.Or(tc.target, "/api/v1/config?force=1"), strings.NewReader(tc.body))
			r.Header = tc.header
			w := httptest.NewRecorder()
			newTestReceiver(dir).ServeHTTP(w, r)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.text) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if dir.count() != tc.offers {
				t.Errorf("it was offered %d times", dir.count())
			}
			if tc.offers == 1 && (!dir.offers[0].Forced || dir.offers[0].Confirmed || string(dir.offers[0].Data) != "{}" || dir.offers[0].Source != "push") {
				t.Errorf("offered: %+v", dir.offers[0])
			}
			if strings.Contains(w.Body.String(), pushToken) || strings.Contains(w.Body.String(), "/var/lib") || strings.Contains(w.Body.String(), "/etc") {
				t.Errorf("the answer tells too much: %s", w.Body)
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("the answer is no JSON: %s", w.Body)
			}
		})
	}
}

func TestSignedRequests(t *testing.T) {
	secret := ringside.NewSecret("a secret to sign with")
	now := time.Now()
	recv := newTestReceiver(newShelf(), func(o *ReceiverOptions) {
		o.Token = ringside.Secret{}
		o.Signing = secret
		o.Now = func() time.Time { return now }
	})
	send := func(stamp, sum, body string) int {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/config/refresh", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(HeaderTimestamp, stamp)
		r.Header.Set(HeaderSignature, sum)
		w := httptest.NewRecorder()
		recv.ServeHTTP(w, r)
		return w.Code
	}
	sign := func(at time.Time, body string) (string, string) {
		return signature.Sign(secret, at, "POST", "/api/v1/config/refresh", []byte(body))
	}
	stamp, sum := sign(now, "{}")
	if got := send(stamp, sum, "{ }"); got != 401 {
		t.Errorf("another body: %d", got)
	}
	if got := send(stamp, sum, "{}"); got != 202 {
		t.Errorf("a good one: %d", got)
	}
	if got := send(stamp, sum, "{}"); got != 401 {
		t.Errorf("the same again: %d", got)
	}
	stamp, sum = sign(now.Add(-6*time.Minute), "{}")
	if got := send(stamp, sum, "{}"); got != 401 {
		t.Errorf("an old one: %d", got)
	}
	if got := send("", "", "{}"); got != 401 {
		t.Errorf("none: %d", got)
	}
}

func TestWhatElseIsServed(t *testing.T) {
	ready := errors.New("there is no directory")
	recv := newTestReceiver(newShelf(), func(o *ReceiverOptions) { o.Ready = func() error { return ready } })
	locked := newTestReceiver(newShelf(), func(o *ReceiverOptions) { o.Token = ringside.Secret{} })
	alone := newTestReceiver(newShelf(), func(o *ReceiverOptions) { o.Refresh = func() error { return ErrStandalone } })
	for _, tc := range []struct {
		r              *Receiver
		method, target string
		body           string
		status         int
		text           string
	}{
		{recv, "GET", "/healthz", "", 200, `"ok"`},
		{recv, "GET", "/readyz", "", 503, "no directory"},
		{recv, "POST", "/api/v1/config/refresh", "", 202, "pulling"},
		{alone, "POST", "/api/v1/config/refresh", "", 409, "no CRM"},
		{recv, "POST", "/api/v1/route", `{"caller_id":"+7900","called_number":"100"}`, 200, `"called_number":"100"`},
		{recv, "POST", "/api/v1/route", `{"called_number":""}`, 400, "called_number is missing"},
		{recv, "POST", "/api/v1/route", `{"at":"noon","called_number":"1"}`, 400, "at is no time, such as 2026-11-23T10:00:00+03:00"},
		{recv, "POST", "/api/v1/route", `{"called_number":1}`, 400, "called_number must not be a number"},
		{recv, "GET", "/api/v1/config", "", 405, "PUT only"},
		{recv, "GET", "/secret", "", 404, "nothing here"},
		{locked, "POST", "/api/v1/config/refresh", "", 403, "not set"},
		{locked, "GET", "/healthz", "", 200, ""},
	} {
		r := httptest.NewRequest(tc.method, tc.target, strings.NewReader(tc.body))
		r.Header.Set("Authorization", "Bearer "+pushToken)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		tc.r.ServeHTTP(w, r)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.text) {
			t.Errorf("%s %s: %d %s", tc.method, tc.target, w.Code, w.Body)
		}
	}
}

// slow is a body whose end nobody sends.
type slow struct {
	io.Reader
	begun chan struct{}
	end   chan struct{}
}

func (s slow) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err == io.EOF {
		s.begun <- struct{}{}
		<-s.end
	}
	return n, err
}

func TestStrangersDoNotFillTheMemory(t *testing.T) {
	secret := ringside.NewSecret("a secret to sign with")
	recv := newTestReceiver(newShelf(), func(o *ReceiverOptions) { o.Token, o.Signing = ringside.Secret{}, secret })
	put := func(body io.Reader, sign []byte) int {
		r := httptest.NewRequest(http.MethodPut, "/api/v1/config", body)
		r.Header.Set("Content-Type", "application/json")
		stamp, sum := signature.Sign(secret, time.Now(), http.MethodPut, "/api/v1/config", sign)
		r.Header.Set(HeaderTimestamp, stamp)
		r.Header.Set(HeaderSignature, sum)
		w := httptest.NewRecorder()
		recv.ServeHTTP(w, r)
		return w.Code
	}
	large := []byte(`{"version":"` + strings.Repeat("1", 2*smallBody) + `"}`)
	if got := put(bytes.NewReader(large), large); got != 200 {
		t.Errorf("a large one: %d", got)
	}
	begun, end := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	for range maxLarge {
		wg.Go(func() {
			if got := put(slow{bytes.NewReader(large), begun, end}, []byte("another body")); got != 401 {
				t.Errorf("a stranger's: %d", got)
			}
		})
		<-begun
	}
	if got := put(bytes.NewReader(large), large); got != 503 {
		t.Errorf("one more large one is not refused: %d", got)
	}
	if got := put(strings.NewReader("{}"), []byte("{}")); got != 200 {
		t.Errorf("a small one waits for the large ones: %d", got)
	}
	close(end)
	wg.Wait()
	if got := put(bytes.NewReader(large), large); got != 200 {
		t.Errorf("a large one after that: %d", got)
	}
}

func TestStrangersDoNotFloodTheLog(t *testing.T) {
	log := &lines{}
	recv := newTestReceiver(newShelf(), func(o *ReceiverOptions) { o.Log = textLog(log) })
	for range 1000 {
		recv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPut, "/api/v1/config", strings.NewReader("{}")))
	}
	if n := log.count("is refused"); n == 0 || n > calmlog.Burst {
		t.Errorf("a thousand attempts are logged %d times", n)
	}
}

func TestAStrangerWhoSendsNoMoreIsNotWaitedFor(t *testing.T) {
	srv := httptest.NewServer(newTestReceiver(newShelf()))
	defer srv.Close()
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.WriteString(c, "PUT /api/v1/config HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
	all, err := io.ReadAll(c)
	if err != nil || !strings.Contains(string(all), "401") {
		t.Errorf("the connection stays: %v\n%s", err, all)
	}
}

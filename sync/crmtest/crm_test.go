package crmtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/signature"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const office = `{"version":"7","time_zone":"UTC","numbers":[{"id":11,"number":"101","password":"s3cret"},{"id":12,"number":"102"}],` +
	`"rules":[{"id":5,"name":"All","action":"hangup"}]}`

// rig is a CRM behind a real connection.
type rig struct {
	*testing.T
	crm    *CRM
	server *httptest.Server
	header http.Header
}

func start(t *testing.T, opt Options) *rig {
	t.Helper()
	crm, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, crm: crm, server: httptest.NewServer(crm), header: http.Header{}}
	t.Cleanup(r.stop)
	return r
}

func (r *rig) stop() {
	if err := r.crm.Close(); err != nil {
		r.Error(err)
	}
	r.server.Client().CloseIdleConnections()
	r.server.Close()
}

// ask makes a request; the error is that of the connection or of the answer's body.
func (r *rig) ask(method, path, body string) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(r.Context(), method, r.server.URL+path, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	req.Header = r.header.Clone()
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := r.server.Client().Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res, string(text), err
}

// want makes a request whose answer must be as told.
func (r *rig) want(method, path, body string, status int, part string) string {
	r.Helper()
	res, text, err := r.ask(method, path, body)
	if err != nil || res.StatusCode != status || !strings.Contains(text, part) {
		r.Fatalf("%s %s %s: %v, %v\n%s\nwant %d, %s", method, path, body, err, res, text, status, part)
	}
	return text
}

func callItem(id string, revision int) string {
	return fmt.Sprintf(`{"key":"%s/%d","call":{"legs":[{"session_id":"no}\""}],"session_id":%q,"revision":%d,"start_time":"2026-11-23T10:00:00Z"}}`,
		id, revision, id, revision)
}

func callBatch(items ...string) string {
	return `{"node":"office","items":[` + strings.Join(items, ", ") + `]}`
}

func TestACallHasOneEffectHoweverOftenItArrives(t *testing.T) {
	r := start(t, Options{BasePath: "/ringside/v1/"})
	r.want("POST", "/ringside/v1/calls", callBatch(callItem("a", 1), callItem("b", 2)), 200,
		`{"results":[{"key":"a/1","status":"accepted"},{"key":"b/2","status":"accepted"}]}`)
	r.want("POST", "/ringside/v1/calls", callBatch(callItem("a", 1), callItem("a", 3), callItem("a", 2)), 200,
		`{"results":[{"key":"a/1","status":"duplicate"},{"key":"a/3","status":"accepted"},{"key":"a/2","status":"duplicate"}]}`)
	if got := r.crm.Calls(); len(got) != 2 || got["a"] != 3 || got["b"] != 2 {
		t.Errorf("the calls are %v", got)
	}
	for key, want := range map[string][2]int{"a/1": {2, 1}, "a/2": {1, 0}, "a/3": {1, 1}, "b/2": {1, 1}, "c/1": {0, 0}} {
		if got := [2]int{r.crm.Arrivals(key), r.crm.Effects(key)}; got != want {
			t.Errorf("%s has arrived and had an effect %v times, want %v", key, got, want)
		}
	}
	if got := string(r.crm.Record("a")); !strings.Contains(got, `"revision":3`) {
		t.Errorf("the record is %s", got)
	}
}

func TestARecordThatIsNoneIsRejected(t *testing.T) {
	r := start(t, Options{})
	r.crm.RejectCall(func(id string) (string, string, bool) { return "closed", "the day is closed", id == "z" })
	for _, tt := range []struct{ item, code string }{
		{`{"key":"a/1"}`, "missing-record"},
		{`{"key":"a/1","call":[]}`, "bad-record"},
		{`{"key":"a/1","call":{"revision":1,"start_time":"2026-11-23T10:00:00Z"}}`, "bad-record"},
		{`{"key":"a/1","call":{"session_id":"a","revision":"1","start_time":"2026-11-23T10:00:00Z"}}`, "bad-record"},
		{`{"key":"a/1","call":{"session_id":"a","revision":1,"start_time":"noon"}}`, "bad-record"},
		{`{"key":"a/2","call":{"session_id":"a","revision":1,"start_time":"2026-11-23T10:00:00Z"}}`, "bad-key"},
		{callItem("z", 1), "closed"},
	} {
		r.want("POST", "/calls", callBatch(tt.item), 200, `"status":"rejected","code":"`+tt.code+`","reason":"`)
	}
	for _, tt := range []struct {
		body   string
		status int
	}{
		{`{`, 400},
		{`[]`, 400},
		{`{"node":"a"}`, 422},
		{`{"items":[]}`, 422},
		{callBatch(strings.Split(strings.Repeat(callItem("a", 1)+"|", 501), "|")[:501]...), 413},
	} {
		r.want("POST", "/calls", tt.body, tt.status, `{"error":"`)
	}
	if len(r.crm.Calls()) != 0 || r.crm.Effects("a/1") != 0 || r.crm.Arrivals("a/1") != 5 {
		t.Errorf("%v, %d", r.crm.Calls(), r.crm.Arrivals("a/1"))
	}
}

func TestCDRsAreTakenTogether(t *testing.T) {
	r := start(t, Options{})
	good := `{"key":"a/1","cdrs":[{"session_id":"a","revision":1,"sequence":1},{"session_id":"a","revision":1,"sequence":2}]}`
	r.want("POST", "/cdrs", callBatch(good), 200, "accepted")
	r.want("POST", "/cdrs", callBatch(good), 200, "duplicate")
	r.want("POST", "/cdrs", callBatch(strings.Replace(good, "a/1", "a/2", 1)), 200, "bad-key")
	r.want("POST", "/cdrs", callBatch(strings.Replace(good, `"sequence":2`, `"sequence":1`, 1)), 200, "bad-record")
	r.want("POST", "/cdrs", callBatch(`{"key":"a/1"}`), 200, "missing-record")
	if got := r.crm.CDRs(); len(got) != 1 || got["a/1"] != 2 {
		t.Errorf("%v", got)
	}
}

func TestTheIDsOfADayComeInPages(t *testing.T) {
	r := start(t, Options{PageSize: 2})
	r.want("POST", "/calls", callBatch(callItem("c", 1), callItem("a", 1), callItem("b", 4)), 200, "accepted")
	r.want("POST", "/calls", strings.Replace(callBatch(callItem("x", 1)), "office", "shop", 1), 200, "accepted")
	q := url.Values{"node": {"office"}, "from": {"2026-11-23T00:00:00Z"}, "to": {"2026-11-24T00:00:00Z"}}
	var page crmsync.CallIDPage
	text := r.want("GET", "/calls/ids?"+q.Encode(), "", 200, `[{"session_id":"a","revision":1},{"session_id":"b","revision":4}]`)
	if err := json.Unmarshal([]byte(text), &page); err != nil || !page.More {
		t.Fatalf("%s: %v", text, err)
	}
	q.Set("cursor", page.Cursor)
	r.want("GET", "/calls/ids?"+q.Encode(), "", 200, `{"calls":[{"session_id":"c","revision":1}],"cursor":"2026-11-23T10:00:00Z/c","more":false}`)
	q.Set("cursor", "x")
	r.want("GET", "/calls/ids?"+q.Encode(), "", 400, "the cursor")
	r.want("GET", "/calls/ids?node=office&from=x", "", 400, "from and to")
	r.want("GET", "/calls/ids?from=2026-11-24T00:00:00Z&to=2026-11-24T00:00:00Z", "", 400, "node is missing")
}

func TestStrangersAreRefused(t *testing.T) {
	secret := ringside.NewSecret("shared")
	r := start(t, Options{Directory: []byte(office), Token: ringside.NewSecret("t0ken"), SigningSecret: secret})
	r.want("GET", "/config", "", 401, "the bearer token")
	r.header.Set("Authorization", "Bearer t0ken")
	r.want("GET", "/config", "", 401, "the signature is not good")
	stamp, sum := signature.Sign(secret, time.Now(), "GET", "/config", nil)
	r.header.Set(crmsync.HeaderTimestamp, stamp)
	r.header.Set(crmsync.HeaderSignature, sum)
	r.want("GET", "/config", "", 200, `"version":"7"`)
	r.want("GET", "/config", "", 401, "it was used before")
	r.want("GET", "/contacts", "", 401, "the signature is not good")
}

func TestBodiesMayBeCompressed(t *testing.T) {
	r := start(t, Options{})
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(callBatch(callItem("a", 1))))
	_ = z.Close()
	r.header.Set("Content-Encoding", "gzip")
	r.want("POST", "/calls", b.String(), 200, "accepted")
	r.want("POST", "/calls", b.String()[:b.Len()/2], 400, "no whole gzip stream")
	r.header.Set("Content-Encoding", "br")
	r.want("POST", "/calls", b.String(), 415, "must be gzip")
	r.header.Set("Content-Encoding", "")
	r.want("DELETE", "/calls", "", 405, "POST only")
	r.want("GET", "/nowhere", "", 404, "nothing here")
}

func TestEventsAndHeartbeatsAreKept(t *testing.T) {
	r := start(t, Options{})
	one := `{"event":"ringing","session_id":"a"}`
	r.want("POST", "/events", `{"node":"office","events":[`+strings.Repeat(one+",", 1200)+one+`]}`, 204, "")
	if got := r.crm.Events(); len(got) != 1000 || got[0].CallID != "a" {
		t.Errorf("%d events", len(got))
	}
	r.want("POST", "/heartbeat", `{"node":"office","live_calls":3}`, 204, "")
	r.want("POST", "/heartbeat", `{"node":"office","live_calls":4}`, 204, "")
	if got := r.crm.Heartbeats()["office"]; got.Count != 2 || got.Last.Live != 4 {
		t.Errorf("%+v", got)
	}
	r.want("POST", "/heartbeat", `{}`, 422, "no heartbeat")
	r.want("POST", "/events", `[]`, 422, "no batch of events")
}

func TestContactsAndAnnotationsComeBehindACursor(t *testing.T) {
	r := start(t, Options{PageSize: 2})
	put := func(ids ...string) {
		t.Helper()
		for _, id := range ids {
			if err := r.crm.PutContact(ringside.ContactChange{ID: id, Phones: []string{"+49" + id}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	page := func(cursor, part string) crmsync.ContactPage {
		t.Helper()
		var p crmsync.ContactPage
		if err := json.Unmarshal([]byte(r.want("GET", "/contacts?since="+cursor, "", 200, part)), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	put("1", "2", "3", "1") // the last one has changed nothing
	first := page("", `{"contacts":[{"id":"1","phones":["+491"]},{"id":"2"`)
	second := page(first.Cursor, `{"contacts":[{"id":"3"`)
	if !first.More || second.More || len(second.Contacts) != 1 {
		t.Errorf("%+v %+v", first, second)
	}
	if err := r.crm.DeleteContact("2"); err != nil {
		t.Fatal(err)
	}
	third := page(second.Cursor, `{"contacts":[{"id":"2","deleted":true}]`)
	page(third.Cursor, `{"contacts":[]`)
	r.want("GET", "/contacts?since=nonsense", "", 410, "not known any more")
	if err := r.crm.ForgetCursors(); err != nil {
		t.Fatal(err)
	}
	r.want("GET", "/contacts?since="+third.Cursor, "", 410, "not known any more")
	page("", `{"contacts":[{"id":"1"`)

	for i := range 300 { // only the newest of each is kept
		if err := r.crm.Annotate(ringside.Annotation{CallID: "a", Note: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	r.want("GET", "/annotations", "", 200, `{"annotations":[{"session_id":"a","note":"299"`)
	r.want("GET", "/annotations?since=1.1", "", 410, "")
	if r.crm.Annotate(ringside.Annotation{}) == nil || r.crm.PutContact(ringside.ContactChange{}) == nil {
		t.Error("what has no id is kept")
	}
}

func TestADataFileOutlivesAKill(t *testing.T) {
	file := filepath.Join(t.TempDir(), "crm.jsonl")
	opt := Options{Directory: []byte(office), Data: file}
	r := start(t, opt)
	r.want("POST", "/calls", callBatch(callItem("a", 1), callItem("b", 1), callItem("a", 1), `{"key":"c/1"}`), 200, "accepted")
	r.want("POST", "/calls", callBatch(callItem("a", 2)), 200, "accepted")
	r.want("POST", "/cdrs", callBatch(`{"key":"a/1","cdrs":[{"session_id":"a","revision":1,"sequence":1}]}`), 200, "accepted")
	r.want("POST", "/config/changes", changes(edit("e1", "update", 5, `{"name":"New"}`, "7")), 200, "accepted")
	if err := r.crm.PutContact(ringside.ContactChange{ID: "1", Name: "Anna"}); err != nil {
		t.Fatal(err)
	}
	if err := r.crm.Annotate(ringside.Annotation{CallID: "a", Note: "ring back"}); err != nil {
		t.Fatal(err)
	}
	var page crmsync.ContactPage
	_ = json.Unmarshal([]byte(r.want("GET", "/contacts", "", 200, "Anna")), &page)

	// As after a kill: the file as it is, with half a line of what was never answered for.
	crashed := filepath.Join(t.TempDir(), "crashed.jsonl")
	copyFile(t, file, crashed, `{"kind":"call","key":"d/1","record":{"session_id":"d"`)
	opt.Data = crashed
	n := start(t, opt)
	if got := n.crm.Calls(); len(got) != 2 || got["a"] != 2 || n.crm.Arrivals("a/1") != 2 || n.crm.Effects("a/1") != 1 || n.crm.Arrivals("c/1") != 1 {
		t.Errorf("%v", got)
	}
	if got := n.crm.CDRs(); got["a/1"] != 1 {
		t.Errorf("%v", got)
	}
	n.want("GET", "/config", "", 200, `"name":"New"`) // the file that was given is the same one: the edit is in it
	n.want("POST", "/config/changes", changes(edit("e1", "update", 5, `{"name":"New"}`, "7")), 200, `"status":"accepted","version":"8"`)
	n.want("GET", "/contacts?since="+page.Cursor, "", 200, `{"contacts":[]`)
	n.want("GET", "/annotations", "", 200, "ring back")
	n.want("POST", "/calls", callBatch(callItem("d", 1)), 200, "accepted")
	n.stop()

	opt.Directory = []byte(strings.Replace(office, `"All"`, `"Other"`, 1))
	m := start(t, opt)
	m.want("GET", "/config", "", 200, `"name":"Other"`)
	if m.crm.DirectoryVersion() != "9" || m.crm.Calls()["d"] != 1 {
		t.Errorf("version %s, %v", m.crm.DirectoryVersion(), m.crm.Calls())
	}
	m.stop()

	copyFile(t, file, crashed, "nonsense\n{}\n")
	if _, err := New(opt); err == nil || !strings.Contains(err.Error(), "crashed.jsonl: line ") {
		t.Errorf("a damaged file: %v", err)
	}
}

func TestAClosedCRMTakesNothing(t *testing.T) {
	r := start(t, Options{Directory: []byte(office), Data: filepath.Join(t.TempDir(), "d")})
	if err := r.crm.Close(); err != nil {
		t.Fatal(err)
	}
	r.want("POST", "/calls", callBatch(callItem("a", 1)), 503, "being closed")
	if err := r.crm.PutContact(ringside.ContactChange{ID: "1"}); err == nil {
		t.Error("a contact is kept after the end")
	}
	if _, err := New(Options{Directory: []byte(`{"rules":7}`)}); err == nil || !strings.Contains(err.Error(), "rules") {
		t.Errorf("a directory that is none: %v", err)
	}
}

package ari

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/ringside-pbx/ringside"
)

// nowhere is a network on which nobody answers.
func nowhere(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("connection refused")
}

// No frame makes ringside panic, and one that names nothing of a call changes nothing of it.
func FuzzEvents(f *testing.F) {
	files, err := filepath.Glob("testdata/recorded/*/*.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, file := range files {
		for _, frame := range recorded(f, file) {
			if k := kind(frame); !kinds[k] {
				kinds[k] = true
				f.Add(frame)
			}
		}
	}
	f.Add([]byte(`{"type":"StasisStart","args":["route","x","%zz"],"channel":{"id":"a","name":"PJSIP"},"replace_channel":{"id":"leg-1"}}`))
	f.Add([]byte(`{"type":"StasisEnd","channel":{"id":"call-\u0031"}}`))
	//nolint:misspell // it is Asterisk that writes so
	f.Add([]byte(`{"type":"BridgeAttendedTransfer","transferer_first_leg_bridge":{"id":"bridge-1"}}`))
	f.Add([]byte(`{"type":"PlaybackFinished","playback":{"id":"sound-1","state":""}}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		app, err := New(Options{URL: "http://127.0.0.1:8088/ari", Username: "u", Dial: templates, dial: nowhere}, board(nil))
		if err != nil {
			t.Fatal(err)
		}
		c := app.newCall(context.Background())
		c.caller = &party{id: "call-1", entered: 1}
		c.add(c.caller)
		c.add(&party{id: "leg-1", called: true, entered: 1})
		c.plays["sound-1"] = ""
		for _, id := range []string{"bridge-1", "sound-1"} {
			app.claim(id, c)
		}
		ev, err := decode(frame)
		if err == nil && ev != nil {
			app.digest(ev)
			again, err := json.Marshal(ev)
			names := err != nil
			for _, id := range []string{"call-1", "leg-1", "sound-1", "bridge-1"} {
				names = names || bytes.Contains(again, []byte(id))
			}
			known := &party{id: "call-1", entered: 1}
			leg := &party{id: "leg-1", called: true, entered: 1}
			if !names && (len(c.parties) != 2 || *c.caller != *known || *c.parties["leg-1"] != *leg || c.ctx.Err() != nil ||
				!c.moved.IsZero() || c.plays["sound-1"] != "" || len(c.plays) != 1) {
				t.Errorf("a foreign event has changed a call: %s", frame)
			}
		}
		c.cancel(nil)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		app.Stop(ctx, net.ErrClosed)
	})
}

// One segment of a path stays one, or is refused.
func FuzzSegment(f *testing.F) {
	for _, s := range []string{
		"1795558630.158", "", ".", "..", "../..", "a/b", "a%2fb", "a?b=c", "a#b", "a b", "a\r\nX: y", "a\x00", "ä", "%", "%zz", "a;b", "a\\b",
		"//host/", "@host", strings.Repeat("x", 257), "a&b=c", "+", "~", ":8088",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		r := requester(t)
		req, cancel, err := r.request(t.Context(), http.MethodDelete, []string{"channels", id, "moh"}, nil)
		if err != nil {
			return
		}
		defer cancel()
		got := onTheWire(t, req)
		if got.URL.RawQuery != "" || got.Host != "127.0.0.1:8088" {
			t.Errorf("%q leads to %s at %s", id, got.URL, got.Host)
		}
		parts := strings.Split(got.URL.EscapedPath(), "/")
		if len(parts) != 5 || parts[1] != "ari" || parts[2] != "channels" || parts[4] != "moh" || parts[3] == "." || parts[3] == ".." {
			t.Errorf("%q becomes the path %q", id, got.URL.EscapedPath())
		}
		if got.URL.Path != "/ari/channels/"+id+"/moh" {
			t.Errorf("%q arrives as %q", id, got.URL.Path)
		}
	})
}

func requester(t testing.TB) *rest {
	t.Helper()
	opt := Options{URL: "http://127.0.0.1:8088/ari/", Username: "u", Password: ringside.NewSecret("p"), dial: nowhere}
	r, err := newREST(opt.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// onTheWire is what a server reads of a request, and fails the test if it reads more than one.
func onTheWire(t *testing.T, req *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		t.Fatal(err)
	}
	head, _, _ := bytes.Cut(wire.Bytes(), []byte("\r\n\r\n"))
	if strings.ContainsFunc(strings.ReplaceAll(string(head), "\r\n", ""), func(c rune) bool { return c < ' ' || c == 0x7f }) {
		t.Errorf("a control character is in the head %q", head)
	}
	in := bufio.NewReader(&wire)
	got, err := http.ReadRequest(in)
	if err != nil {
		t.Fatalf("it can't be read: %v: %q", err, head)
	}
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	got.Body = io.NopCloser(bytes.NewReader(text))
	if rest, _ := io.ReadAll(in); len(rest) > 0 {
		t.Errorf("another request follows: %q", rest)
	}
	return got
}

// Every value arrives as it was given, as one value of one request; what becomes a SIP header holds nothing
// that ends one.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		"", "Anna", `O"Neil`, "a\r\nEvent: x", "\x00", "Анна", "\xff\xfe", `\`, "<sip:1@h>", "${SHELL(id)}", "a,b", `","endpoint":"PJSIP/1`, "\u2028", "&x=y",
	} {
		f.Add("1.2", s, s, s)
	}
	f.Fuzz(func(t *testing.T, id, name, number, value string) {
		r := requester(t)
		header := callerHeader(name, "101")
		if strings.ContainsFunc(header, unicode.IsControl) || strings.Count(header, `"`) != 2 || strings.Count(header, "<") != 1 || strings.Contains(header, `\`) {
			t.Errorf("the header is %q", header)
		}
		p := params{"variable": name, "value": value, "endpoint": number, "callerId": header, "media": []string{value}}
		req, cancel, err := r.request(t.Context(), http.MethodPost, []string{"channels", id}, p)
		if err != nil {
			return
		}
		defer cancel()
		got := onTheWire(t, req)
		if got.ContentLength < 0 || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("the head is %v", got.Header)
		}
		var in map[string]any
		if err := json.NewDecoder(got.Body).Decode(&in); err != nil {
			t.Fatal(err)
		}
		if len(in) != len(p) {
			t.Errorf("the parameters are %v", in)
		}
		for key, want := range map[string]string{"variable": name, "value": value, "endpoint": number, "callerId": header} {
			if utf8.ValidString(want) && in[key] != want {
				t.Errorf("%s arrives as %q, want %q", key, in[key], want)
			}
		}
	})
}

package esl

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzFields: whatever comes as headers, a value is of the line that bears its name, and is valid UTF-8.
func FuzzFields(f *testing.F) {
	for _, s := range []string{
		"Event-Name: CHANNEL_CREATE\nCaller-Caller-ID-Name: %D0%90%D0%BD%D0%BD%D0%B0\n", "A: %\n", "A:%4\r\nA: x\n", "xA: 1\nA: 2", "A", ":", "\n\n", "variable_A: %41\n", "A: \xff\n", "A: a+b%20c\n",
	} {
		f.Add(s, "A")
		f.Add(s, "Event-Name")
	}
	f.Fuzz(func(t *testing.T, head, name string) {
		if name == "" {
			return // names are ringside's own
		}
		v, ok := fields(head).raw(name)
		if bytes.ContainsRune(v, '\n') || !ok && v != nil {
			t.Errorf("%q", v)
		}
		if ok && !strings.ContainsAny(name, "\n") && !strings.HasPrefix(head, name+":") && !strings.Contains(head, "\n"+name+":") {
			t.Errorf("%q has no %q", head, name)
		}
		if d := fields(head).get(name); !utf8.ValidString(d) {
			t.Errorf("%q", d)
		}
		for range (Event{event{fields: fields(head)}}).Headers() {
		}
	})
}

// FuzzFrames: whatever comes, a frame is of bounded size, the reader ends with an error that is known, and
// the pieces in which it comes change nothing.
func FuzzFrames(f *testing.F) {
	for _, s := range []string{
		greeting, commandReply("+OK"), plainEvent("Event-Name: HEARTBEAT\n", "body"), "Content-Length: -1\n\n", "Content-Length: 99999999999999999999\n\n", "Content-Length: 5\n\nabc",
		"\r\n\r\n\nA: b\r\n\r\n", "Content-Length:\n\n", "A: b", strings.Repeat("x", 40_000) + "\n\n", "Content-Length: 3\n\nabcContent-Type: x\n\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		whole, err := framesOf(text, 1<<20)
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, errProtocol) {
			t.Fatal(err)
		}
		size := 0
		for _, fr := range whole {
			size += len(fr.head) + len(fr.body)
		}
		if size > len(text) {
			t.Errorf("%d bytes became %d", len(text), size)
		}
		again, anew := framesOf(text, 1)
		if len(again) != len(whole) || err.Error() != anew.Error() {
			t.Errorf("%d frames and %v in one, %d and %v in pieces", len(whole), err, len(again), anew)
		}
	})
}

// FuzzEvent: whatever the body of an event is, its own body is a part of it.
func FuzzEvent(f *testing.F) {
	for _, s := range []string{
		"Event-Name: BACKGROUND_JOB\nContent-Length: 3\n\nabc", "Event-Name: CUSTOM\nEvent-Subclass: a%3A%3Ab\n\n", "Content-Length: 9\n\nabc", "Content-Length: -1\n\nabc", "", "\n\n", "Event-Name: X",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e := frame{body: body}.event()
		if len(e.fields)+len(e.body) > len(body) || !bytes.Contains(body, e.body) {
			t.Errorf("%q has the body %q", body, e.body)
		}
		if !utf8.ValidString((Event{e}).Name()) {
			t.Errorf("%q", (Event{e}).Name())
		}
	})
}

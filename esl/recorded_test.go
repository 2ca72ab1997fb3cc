package esl

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// recordedBytes are what a recording's side has sent, such as "FS->CLI".
func recordedBytes(t testing.TB, name, side string) []byte {
	t.Helper()
	all, err := os.ReadFile(filepath.Join("testdata", "recorded", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	header := regexp.MustCompile(`^\[\+[0-9.]+s (\S+) (\d+) bytes\]\n`)
	var sent bytes.Buffer
	for len(all) > 0 {
		m := header.FindSubmatch(all)
		if m == nil {
			_, all, _ = bytes.Cut(all, []byte("\n"))
			continue
		}
		n, _ := strconv.Atoi(string(m[2]))
		all = all[len(m[0]):]
		if string(m[1]) == side {
			sent.Write(all[:n])
		}
		all = all[n:]
	}
	return sent.Bytes()
}

// heardFrames are the frames that FreeSWITCH has sent in a recording.
func heardFrames(t testing.TB, name, side string) (frames []frame) {
	t.Helper()
	in := newFramer(bytes.NewReader(recordedBytes(t, name, side)))
	for {
		f, err := in.next()
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, f)
	}
}

// recordedEvents are the events of a recording that somebody who asks for the named ones gets; all without a
// name.
func recordedEvents(t testing.TB, name, side string, names ...string) (events []event) {
	t.Helper()
	for _, f := range heardFrames(t, name, side) {
		if f.kind() != typeEvent {
			continue
		}
		if e := f.event(); len(names) == 0 || slices.Contains(names, e.name()) {
			events = append(events, e)
		}
	}
	return events
}

// recordedBody is the body of the recording's frame that has the text in it.
func recordedBody(t testing.TB, name, part string) string {
	t.Helper()
	for _, f := range heardFrames(t, name, "FS->CLI") {
		if strings.Contains(string(f.body), part) {
			if f.kind() == typeEvent {
				return string(f.event().body)
			}
			return f.outcome()
		}
	}
	t.Fatalf("%s holds nothing like %q", name, part)
	return ""
}

// told makes an event as FreeSWITCH would: the name, then headers and values in turn.
func told(name string, pairs ...string) event {
	var b strings.Builder
	if strings.Contains(name, "::") {
		b.WriteString("Event-Subclass: " + encode(name) + "\nEvent-Name: CUSTOM\n")
	} else {
		b.WriteString("Event-Name: " + name + "\n")
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteString(pairs[i] + ": " + encode(pairs[i+1]) + "\n")
	}
	return event{fields: fields(b.String())}
}

func encode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ', c >= 0x7f, c == '%', c == ':':
			b.WriteString("%" + strings.ToUpper(hexOf(c)))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func hexOf(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

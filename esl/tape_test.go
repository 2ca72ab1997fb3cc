package esl

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tapePart is one read or write of a recorded conversation.
type tapePart struct {
	who  string // CLI, or CLI1, CLI2 where there are two connections
	from bool   // FreeSWITCH says it
	text string
}

// tape reads a recorded conversation.
func tape(t testing.TB, name string) (parts []tapePart) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "recorded", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	for len(raw) > 0 {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		raw = rest
		var at, route string
		var n int
		if _, err := fmt.Sscanf(string(line), "[+%s %s %d bytes]", &at, &route, &n); err != nil {
			continue // a remark
		}
		a, b, _ := strings.Cut(route, "->")
		p := tapePart{who: b, from: a == "FS", text: string(raw[:n])}
		if !p.from {
			p.who = a
		}
		parts = append(parts, p)
		raw = raw[min(n+1, len(raw)):]
	}
	if len(parts) == 0 {
		t.Fatal("nothing was recorded in", name)
	}
	return parts
}

// spoken is what FreeSWITCH says to one side, all in one.
func spoken(parts []tapePart, who string) string {
	var b strings.Builder
	for _, p := range parts {
		if p.from && p.who == who {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// pieces is a reader that gives at most so many bytes at a time.
type pieces struct {
	r    io.Reader
	size int
}

func (p pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.size)]) }

// framesOf are the frames of a text that comes in pieces of that size.
func framesOf(text string, size int) (frames []frame, err error) {
	in := newFramer(pieces{strings.NewReader(text), size})
	for {
		f, err := in.next()
		if err != nil {
			return frames, err
		}
		frames = append(frames, f)
	}
}

// play plays FreeSWITCH's side of a recorded conversation: it takes exactly what was recorded of the other
// side, and answers in pieces of that size. It tells when something else came.
func play(conn net.Conn, parts []tapePart, size int) <-chan error {
	over := make(chan error, 1)
	go func() {
		defer func() { _ = conn.Close() }()
		for _, p := range parts {
			if !p.from {
				got := make([]byte, len(p.text))
				if _, err := io.ReadFull(conn, got); err != nil {
					over <- fmt.Errorf("waiting for %q: %w", p.text, err)
					return
				}
				if string(got) != p.text {
					over <- fmt.Errorf("got %q, want %q", got, p.text)
					return
				}
				continue
			}
			for rest := p.text; rest != ""; {
				n := min(size, len(rest))
				if _, err := conn.Write([]byte(rest[:n])); err != nil {
					over <- err
					return
				}
				rest = rest[n:]
			}
		}
		over <- nil
	}()
	return over
}

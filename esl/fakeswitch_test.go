package esl

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ringside-pbx/ringside"
)

// fakeSwitch is an event socket that a test plays: it logs in with the password "secret", takes every
// subscription, and answers what the console is asked with on.
type fakeSwitch struct {
	t  testing.TB
	mu sync.Mutex
	// console answers commands by their names; "+OK\n" without.
	console map[string]func(args string) string
	denied  map[string]bool // commands and events that the user has no right to
	asked   []string        // what came over the wire: whole commands, their lines joined with "|"
	jobs    []string        // ids of jobs that were never finished
	out     net.Conn
	greets  string
	silent  map[string]bool // commands that are taken and never finished
}

const greeting = "Content-Type: auth/request\n\n"

func newFakeSwitch(t testing.TB) *fakeSwitch {
	return &fakeSwitch{t: t, console: map[string]func(string) string{}, denied: map[string]bool{}, silent: map[string]bool{}, greets: greeting}
}

// on answers a command of the console.
func (f *fakeSwitch) on(name string, answer func(args string) string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.console[name] = answer
}

// says answers a command of the console with a text.
func (f *fakeSwitch) says(name, text string) { f.on(name, func(string) string { return text }) }

// wire is what came since the last call, without login, subscription and pings.
func (f *fakeSwitch) wire() (commands []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.asked {
		if !strings.HasPrefix(c, "auth ") && !strings.HasPrefix(c, "event ") && c != "api version" {
			commands = append(commands, c)
		}
	}
	f.asked = nil
	return commands
}

// all is everything that came since the last call.
func (f *fakeSwitch) all() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.asked
	f.asked = nil
	return all
}

// open is a connection with it, in memory.
func (f *fakeSwitch) open(context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go f.serve(theirs)
	return ours, nil
}

func (f *fakeSwitch) login() Login {
	return Login{Password: ringside.NewSecret("secret"), open: f.open}
}

// session logs in; events go to digest.
func (f *fakeSwitch) session(digest func(event)) *session {
	f.t.Helper()
	if digest == nil {
		digest = func(event) {}
	}
	s, err := connect(f.t.Context(), f.login(), digest)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(s.close)
	if _, err := s.subscribe(f.t.Context(), nil); err != nil {
		f.t.Fatal(err)
	}
	return s
}

// controlled is a PBX that is connected with it, without the goroutines of PBX.
func (f *fakeSwitch) controlled() *PBX {
	p := New(Options{Login: f.login(), Places: Places{External: "sofia/gateway/trunk/${number}", Ringback: "%(1000,4000,425)"}})
	p.session.Store(f.session(p.digest))
	f.all()
	return p
}

// send sends as one piece.
func (f *fakeSwitch) send(text string) {
	f.mu.Lock()
	out := f.out
	f.mu.Unlock()
	_, _ = out.Write([]byte(text))
}

// hangUp ends the connection.
func (f *fakeSwitch) hangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.out.Close()
}

func (f *fakeSwitch) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	f.mu.Lock()
	f.out = conn
	f.mu.Unlock()
	if f.greets != "" {
		if _, err := conn.Write([]byte(f.greets)); err != nil {
			return
		}
	}
	in := bufio.NewReader(conn)
	for {
		var lines []string
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if line = strings.TrimRight(line, "\r\n"); line != "" {
				lines = append(lines, line)
			} else if len(lines) > 0 {
				break
			}
		}
		f.mu.Lock()
		f.asked = append(f.asked, strings.Join(lines, "|"))
		f.mu.Unlock()
		reply := f.reply(lines)
		if _, err := conn.Write([]byte(reply)); err != nil {
			return
		}
	}
}

func commandReply(text string) string {
	return "Content-Type: command/reply\nReply-Text: " + text + "\n\n"
}

func (f *fakeSwitch) reply(lines []string) string {
	verb, rest, _ := strings.Cut(lines[0], " ")
	f.mu.Lock()
	defer f.mu.Unlock()
	switch verb {
	case "auth":
		if rest != "secret" {
			return commandReply("-ERR invalid")
		}
		return commandReply("+OK accepted")
	case "userauth":
		return "Content-Type: command/reply\nReply-Text: +OK accepted\nAllowed-Events: BACKGROUND_JOB\nAllowed-API: bgapi,show,system\nAllowed-LOG: false\n\n"
	case "event":
		for _, name := range strings.Fields(rest) {
			if f.denied[name] {
				return commandReply("-ERR permission denied")
			}
		}
		return commandReply("+OK event listener enabled plain")
	case "filter":
		return commandReply("+OK filter added. [Unique-ID]=[x]")
	case "api", "bgapi":
		name, args, _ := strings.Cut(rest, " ")
		if f.denied[name] {
			return commandReply("-ERR permission denied")
		}
		text := "+OK\n"
		if name == "version" {
			text = "FreeSWITCH Version 1.10.12-release+git~20240802T210227Z~a88d069d6f~64bit (git a88d069 2024-08-02 21:02:27Z 64bit)\n"
		}
		if answer := f.console[name]; answer != nil {
			f.mu.Unlock()
			text = answer(args)
			f.mu.Lock()
		}
		if verb == "api" {
			return fmt.Sprintf("Content-Type: api/response\nContent-Length: %d\n\n%s", len(text), text)
		}
		id := strings.TrimPrefix(lines[1], "Job-UUID: ")
		taken := "Content-Type: command/reply\nReply-Text: +OK Job-UUID: " + id + "\nJob-UUID: " + id + "\n\n"
		if f.silent[name] {
			f.jobs = append(f.jobs, id)
			return taken
		}
		return taken + jobEvent(id, name, text) // in one piece, as it can come
	}
	return commandReply("-ERR command not found")
}

// jobEvent is a BACKGROUND_JOB.
func jobEvent(id, name, printed string) string {
	return plainEvent("Event-Name: BACKGROUND_JOB\nJob-UUID: "+id+"\nJob-Command: "+name+"\n", printed)
}

// plainEvent frames an event as FreeSWITCH does.
func plainEvent(headers, body string) string {
	inner := headers
	if body != "" {
		inner += "Content-Length: " + strconv.Itoa(len(body)) + "\n"
	}
	inner += "\n" + body
	return fmt.Sprintf("Content-Length: %d\nContent-Type: text/event-plain\n\n%s", len(inner), inner)
}

// opened gives a connection that is there already.
func opened(c net.Conn) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) { return c, nil }
}

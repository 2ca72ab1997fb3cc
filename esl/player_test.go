package esl

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// recordedFrames are what FreeSWITCH said in a recorded conversation for which it connected.
func recordedFrames(t testing.TB, name string) []frame {
	t.Helper()
	frames, err := framesOf(spoken(tape(t, name), "SRV"), 64<<10)
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return frames
}

func (f frame) bytes() []byte { return append(append(bytes.Clone(f.head), '\n'), f.body...) }

// Every recorded conversation is read to its end, however its bytes are cut into reads, and nothing of it is
// lost or changed.
func TestRecordedConversationsAreRead(t *testing.T) {
	files, err := filepath.Glob("testdata/recorded/[ios]*.txt")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		if name == "s06_accept_queue_full" || name == "s07_nolinger_event_loss" || name == "o14_server_down" {
			continue // nothing was said
		}
		parts := tape(t, name)
		sides := map[string]bool{}
		for _, p := range parts {
			if p.from {
				sides[p.who] = true
			}
		}
		for who := range sides {
			said := spoken(parts, who)
			whole, err := framesOf(said, 64<<10)
			cut, errCut := framesOf(said, 1)
			if !errors.Is(err, io.EOF) || !errors.Is(errCut, io.EOF) || len(whole) != len(cut) {
				t.Fatalf("%s: %d frames, %v; %d when each byte comes alone, %v", name, len(whole), err, len(cut), errCut)
			}
			var again strings.Builder
			for i := range whole {
				if !bytes.Equal(whole[i].bytes(), cut[i].bytes()) {
					t.Errorf("%s: frame %d differs when each byte comes alone", name, i)
				}
				again.Write(whole[i].bytes())
				if f := whole[i]; f.kind() == typeEvent && f.event().name() == "" {
					t.Errorf("%s: an event without a name: %.200q", name, f.body)
				}
			}
			if again.String() != said {
				t.Errorf("%s: what was read is not what was said", name)
			}
		}
	}
}

// player is a FreeSWITCH that answers ringside's commands with what a real one said when it was given such
// commands: an application's events are those that were recorded of it, with ringside's id in the place of the
// recorded one.
type player struct {
	t    *testing.T
	conn net.Conn
	data []byte              // the reply to connect
	apps map[string][][]byte // the events of each run of an application, by its name and argument
	// bridges says which recorded bridge stands for the attempt to reach a number.
	bridges map[string]string
	// ends are the events with which the recorded call ended.
	ends [][]byte

	mu       sync.Mutex
	commands []string
	ids      map[string]string // ringside's, by the recorded ones
	writing  sync.Mutex
	done     chan struct{}
}

// perform makes a player of a recording.
func perform(t *testing.T, conn net.Conn, name string) *player {
	t.Helper()
	p := &player{t: t, conn: conn, apps: map[string][][]byte{}, ids: map[string]string{}, done: make(chan struct{})}
	running := "" // the application whose events these are
	var events []byte
	for _, f := range recordedFrames(t, name) {
		switch f.kind() {
		case typeReply:
			if p.data == nil {
				p.data = f.bytes()
			}
			continue
		case typeNotice:
			p.ends = append(p.ends, f.bytes())
			continue
		case typeEvent:
		default:
			continue
		}
		e := f.event()
		what := e.get("Application") + " " + e.get("Application-Data")
		switch {
		case e.name() == "CHANNEL_EXECUTE" && running == "":
			running, events = what, f.bytes()
		case e.name() == "CHANNEL_HANGUP" || len(p.ends) > 0:
			p.ends = append(p.ends, f.bytes())
			if running != "" && e.name() == "CHANNEL_HANGUP" {
				p.apps[running] = append(p.apps[running], events)
			}
		case running != "":
			events = append(events, f.bytes()...)
			if e.name() == "CHANNEL_EXECUTE_COMPLETE" && what == running {
				p.apps[running] = append(p.apps[running], events)
				running = ""
			}
		}
	}
	return p
}

var applicationID = regexp.MustCompile(`Application-UUID: [0-9a-f-]{36}`)

// run answers until ringside leaves.
func (p *player) run() {
	defer close(p.done)
	defer func() { _ = p.conn.Close() }()
	r := bufio.NewReader(p.conn)
	for {
		command, headers, body, err := readCommand(r)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.commands = append(p.commands, strings.TrimSpace(command+" "+headers["execute-app-name"]+" "+body+headers["hangup-cause"]))
		p.mu.Unlock()
		verb, rest, _ := strings.Cut(command, " ")
		switch {
		case verb == "connect":
			p.write(p.data)
		case verb == "api":
			p.write([]byte("Content-Type: api/response\nContent-Length: 4\n\n+OK\n"))
		case verb == "exit":
			p.write([]byte("Content-Type: command/reply\nReply-Text: +OK bye\n\n"))
			return
		default:
			p.write(fmt.Appendf(nil, "Content-Type: command/reply\nReply-Text: +OK %s\n\n", rest))
		}
		if headers["call-command"] == "hangup" {
			p.hangUp()
		}
		if app := headers["execute-app-name"]; app != "" {
			p.application(app, body, headers["event-uuid"])
		}
	}
}

func (p *player) application(app, arg, id string) {
	if app == "bridge" {
		_, leg, _ := strings.Cut(arg, legVariable+"=")
		number, _, _ := strings.Cut(leg, "]")
		arg = p.bridges[number]
	}
	runs := p.apps[app+" "+arg]
	if len(runs) == 0 && app == "set" {
		return // nobody waits for its end
	}
	if len(runs) == 0 {
		p.t.Errorf("nothing was recorded of %s(%s)", app, arg)
		return
	}
	p.mu.Lock()
	p.ids[string(applicationID.Find(runs[0]))] = "Application-UUID: " + id
	p.mu.Unlock()
	p.write(p.named(runs[0]))
}

// named puts ringside's ids in the place of the recorded ones, which are as long.
func (p *player) named(events []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return applicationID.ReplaceAllFunc(events, func(recorded []byte) []byte {
		if ours, ok := p.ids[string(recorded)]; ok {
			return []byte(ours)
		}
		return recorded
	})
}

// hangUp plays the recorded end of the call.
func (p *player) hangUp() {
	for _, e := range p.ends {
		p.write(p.named(e))
	}
}

func (p *player) write(b []byte) {
	p.writing.Lock()
	defer p.writing.Unlock()
	_, _ = p.conn.Write(b)
}

func (p *player) said() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.commands...)
}

package esl

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// tape is a recorded conversation: what each side said, in its order.
type tape []taped

// taped is one read or write.
type taped struct {
	from, to string
	bytes    []byte
}

var tapedForm = regexp.MustCompile(`^\[\+[0-9.]+s (\w+)->(\w+) ([0-9]+) bytes\]$`)

func recording(t testing.TB, name string) tape {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "recorded", name))
	if err != nil {
		t.Fatal(err)
	}
	var tp tape
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		m := tapedForm.FindSubmatch(line)
		if m == nil {
			continue
		}
		n, _ := strconv.Atoi(string(m[3]))
		tp = append(tp, taped{string(m[1]), string(m[2]), text[:n]})
		text = text[n+1:]
	}
	return tp
}

// said is all that one side said to another.
func (tp tape) said(from, to string) []byte {
	var b bytes.Buffer
	for _, s := range tp {
		if s.from == from && s.to == to {
			b.Write(s.bytes)
		}
	}
	return b.Bytes()
}

// frames are what FreeSWITCH said in an outbound conversation.
func (tp tape) frames(t testing.TB) []frame {
	t.Helper()
	return framesOf(t, bytes.NewReader(tp.said("FS", "SRV")))
}

func framesOf(t testing.TB, r io.Reader) (all []frame) {
	t.Helper()
	in := newFramer(r)
	for {
		f, err := in.next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("after %d frames: %v", len(all), err)
		}
		all = append(all, f)
	}
}

func (f frame) bytes() []byte { return append(append(bytes.Clone(f.head), '\n'), f.body...) }

// Every recorded conversation is read to its end, however its bytes are cut into reads, and nothing of it is
// lost or changed.
func TestRecordedConversationsAreRead(t *testing.T) {
	files, err := filepath.Glob("testdata/recorded/*.txt")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		tp := recording(t, filepath.Base(file))
		sides := map[string]bool{}
		for _, s := range tp {
			if s.from == "FS" {
				sides[s.to] = true
			}
		}
		for to := range sides {
			said := tp.said("FS", to)
			whole := framesOf(t, bytes.NewReader(said))
			cut := framesOf(t, iotest.OneByteReader(bytes.NewReader(said)))
			if len(whole) != len(cut) {
				t.Fatalf("%s: %d frames, and %d when each byte comes alone", file, len(whole), len(cut))
			}
			var again bytes.Buffer
			for i := range whole {
				if !bytes.Equal(whole[i].bytes(), cut[i].bytes()) {
					t.Errorf("%s: frame %d differs when each byte comes alone", file, i)
				}
				again.Write(whole[i].bytes())
				if f := whole[i]; f.kind() == typeEvent && f.event().name() == "" {
					t.Errorf("%s: an event without a name: %.200q", file, f.body)
				}
			}
			if !bytes.Equal(again.Bytes(), said) {
				t.Errorf("%s: what was read is not what was said", file)
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

// play makes a player of a recording.
func play(t *testing.T, conn net.Conn, name string) *player {
	t.Helper()
	p := &player{t: t, conn: conn, apps: map[string][][]byte{}, ids: map[string]string{}, done: make(chan struct{})}
	running := "" // the application whose events these are
	var events []byte
	for _, f := range recording(t, name).frames(t) {
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

package ami

import (
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// fakeManager is a manager interface that a test plays. It answers Login, Challenge and Ping, lists that
// nobody handles with none, and other actions with Success. Texts have one header per line and a blank
// line between two messages; the ActionID is put in.
type fakeManager struct {
	t        testing.TB
	mu       sync.Mutex
	handlers map[string]func(request Message) string
	asked    []string
	conn     net.Conn
	writing  sync.Mutex
	mute     bool // it says nothing at all
}

func newFakeManager(t testing.TB) *fakeManager {
	return &fakeManager{t: t, handlers: map[string]func(Message) string{}}
}

// on answers an action of that name.
func (f *fakeManager) on(action string, answer func(request Message) string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handlers[action] = answer
}

// requests are the actions so far, without those of the login: "QueueStatus Queue=support".
func (f *fakeManager) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.asked...)
}

// forgetRequests empties what requests gives.
func (f *fakeManager) forgetRequests() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = nil
}

// session connects over a pipe and logs in; events go to the sink.
func (f *fakeManager) session(sink Sink) *Session {
	f.t.Helper()
	ours, theirs := net.Pipe()
	go f.serve(theirs)
	s, err := newSession(f.t.Context(), Login{Username: "ringside", Secret: ringside.NewSecret("secret"), Plain: true}.withDefaults(), ours, sink)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(s.Close)
	return s
}

// listen serves on a loopback port, whose address it gives, one connection after the other.
func (f *fakeManager) listen() string {
	f.t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			f.serve(conn)
		}
	}()
	return l.Addr().String()
}

// serve speaks with one client until it goes.
func (f *fakeManager) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	f.mu.Lock()
	f.conn = conn
	f.mu.Unlock()
	if f.mute {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	f.write("Asterisk Call Manager/11.0.0\r\n")
	in := newFramer(conn)
	for {
		m, err := in.next()
		if err != nil {
			return
		}
		f.write(wire(f.answer(m), m.Get("ActionID")))
	}
}

// answer is what is said to a request.
func (f *fakeManager) answer(m Message) string {
	action := m.Get("Action")
	f.mu.Lock()
	handler := f.handlers[action]
	if action != "Login" && action != "Challenge" {
		f.asked = append(f.asked, asked(m))
	}
	f.mu.Unlock()
	if handler != nil {
		return handler(m)
	}
	switch action {
	case "Login":
		return "Response: Success\nMessage: Authentication accepted\n\nEvent: FullyBooted\nPrivilege: system,all\nStatus: Fully Booted\nActionID: "
	case "Challenge":
		return "Response: Success\nChallenge: 845549057"
	case "Ping":
		return "Response: Success\nPing: Pong"
	case "QueueSummary", "QueueStatus", "CoreShowChannels", "DeviceStateList", "Status", "PJSIPShowEndpoints", "ParkedCalls":
		return listOf(action + "Complete")
	}
	return "Response: Success\nMessage: Done"
}

// asked is a request in one line.
func asked(m Message) string {
	var b strings.Builder
	for name, value := range m.Headers() {
		switch string(name) {
		case "Action":
			b.Write(value)
		case "ActionID":
		default:
			b.WriteString(" " + string(name) + "=" + string(value))
		}
	}
	return b.String()
}

// listOf is the answer of a list: its start, the items, and the event that ends it.
func listOf(end string, items ...string) string {
	parts := append([]string{"Response: Success\nEventList: start\nMessage: It will follow"}, items...)
	return strings.Join(append(parts, "Event: "+end+"\nEventList: Complete\nListItems: 0"), "\n\n")
}

// wire makes bytes of messages, and puts the ActionID into those that have none if it is not empty. What
// events leave out of the description of a channel, or have in another order, is put right.
func wire(text, id string) string {
	var b strings.Builder
	for m := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		lines := described(strings.Split(m, "\n"))
		event, _ := strings.CutPrefix(lines[0], "Event: ")
		idLast := strings.HasPrefix(event, "Queue") && !strings.HasSuffix(event, "Complete") || event == "Status"
		own := id != "" && !strings.Contains(m, "\nActionID:")
		for i, line := range lines {
			if i == 1 && own && !idLast {
				b.WriteString("ActionID: " + id + "\r\n")
			}
			if i == 1 && id == "" && strings.HasPrefix(m, "Event: ") && !strings.HasPrefix(line, "Privilege: ") {
				b.WriteString("Privilege: agent,all\r\n") // as all events that Asterisk broadcasts
			}
			if strings.HasSuffix(line, ":") {
				line += " " // which a test's author has not seen
			}
			if strings.TrimSpace(line) != "ActionID:" {
				b.WriteString(line + "\r\n")
			}
		}
		if own && (idLast || len(lines) == 1) {
			b.WriteString("ActionID: " + id + "\r\n")
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

// described makes the descriptions of channels whole.
func described(lines []string) []string {
	event, ok := strings.CutPrefix(lines[0], "Event: ")
	if event == "QueueEntry" {
		return inForm(lines, forms[event].names)
	}
	if !ok || event != "CoreShowChannel" && event != "Status" && event != "VarSet" && forms[event] != nil {
		return lines
	}
	for _, prefix := range []string{"", "Dest"} {
		values, at := map[string]string{}, -1
		rest := make([]string, 0, len(lines))
		for _, line := range lines {
			name, value, _ := strings.Cut(line, ":")
			if part, ok := strings.CutPrefix(name, prefix); ok && slices.Contains(block[:], part) {
				if at < 0 {
					at = len(rest)
				}
				values[part] = value
				continue
			}
			rest = append(rest, line)
		}
		if _, ok := values["Uniqueid"]; !ok {
			continue
		}
		whole := make([]string, 0, len(block))
		for _, name := range block {
			whole = append(whole, prefix+name+": "+strings.TrimSpace(values[name]))
		}
		lines = slices.Insert(rest, at, whole...)
	}
	if event == "CoreShowChannel" || event == "Status" {
		lines = inForm(lines, forms[event].names)
	}
	return lines
}

// inForm puts headers into their order, at the end.
func inForm(lines, names []string) []string {
	values := map[string]string{}
	rest := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		name, value, _ := strings.Cut(line, ": ")
		if slices.Contains(names, name) {
			values[name] = value
			return true
		}
		return false
	})
	for _, name := range names {
		rest = append(rest, name+": "+values[name])
	}
	return rest
}

// send sends events.
func (f *fakeManager) send(text string) { f.write(wire(text, "")) }

func (f *fakeManager) write(raw string) {
	f.mu.Lock()
	conn := f.conn
	f.mu.Unlock()
	f.writing.Lock()
	defer f.writing.Unlock()
	_, _ = io.WriteString(conn, raw) // a client that goes is no failure
}

// hangUp ends the connection.
func (f *fakeManager) hangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.conn.Close()
}

// converse plays a conversation: "> " is what must be sent, without its ActionID, "< " what is answered.
// Blank lines part messages; an event after an answer that shall carry no ActionID has "ActionID: " alone.
func (f *fakeManager) converse(script string) (over func()) {
	type turn struct{ want, answer string }
	var turns []turn
	for part := range strings.SplitSeq(strings.TrimSpace(script), "\n> Action: ") {
		part = "> Action: " + strings.TrimPrefix(part, "> Action: ")
		var t turn
		for line := range strings.Lines(part + "\n") {
			line = strings.TrimSpace(line)
			if want, ok := strings.CutPrefix(line, "> "); ok {
				t.want += want + "\n"
			} else {
				t.answer += strings.TrimPrefix(strings.TrimPrefix(line, "<"), " ") + "\n"
			}
		}
		turns = append(turns, t)
	}
	next := 0
	for _, each := range turns {
		action := ParseMessage(strings.ReplaceAll(each.want, "\n", "\r\n")).Get("Action")
		f.on(action, func(m Message) string {
			f.mu.Lock()
			defer f.mu.Unlock()
			if next >= len(turns) {
				f.t.Errorf("one action too many:\n%s", m)
				return "Response: Error"
			}
			var got strings.Builder
			for line := range strings.Lines(m.String()) {
				if !strings.HasPrefix(line, "ActionID:") {
					got.WriteString(line)
				}
			}
			t := turns[next]
			if next++; got.String() != t.want {
				f.t.Errorf("sent\n%swant\n%s", got.String(), t.want)
			}
			return t.answer
		})
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if next != len(turns) {
			f.t.Errorf("%d of %d actions were sent", next, len(turns))
		}
	}
}

// soon waits until something holds.
func soon(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%s did not happen", what)
		}
	}
}

package esl

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// dialplanSwitch is FreeSWITCH's side of one call that its dialplan hands to ringside: the listener that takes
// commands, and the session that carries applications out. It was written from mod_event_socket.c and from
// conversations with FreeSWITCH 1.10.12.
type dialplanSwitch struct {
	line        *channeltest.Line
	conn        net.Conn
	full, async bool
	bare        bool                 // legs do not bear their numbers
	picker      string               // who picks the call up when it has rung for a second
	heard       func(command string) // is told of every command; nil for nobody
	tick        time.Duration        // how long it takes a message to be looked at: up to 20 ms in a real one

	out      chan utterance // what is written, in its order
	messages chan message
	left     chan struct{} // closed when ringside has left the call

	mu       sync.Mutex
	vars     map[string]string
	legs     map[string]string // legs' own numbers, by their ids
	stop     chan struct{}     // stops what plays; nil while nothing does
	myEvents bool
	linger   bool
	hangs    sync.Once
	cause    string
	state    string // the number of the channel's state to come; empty is not told
	holds    bool
	held     []string
}

const (
	pickersLeg  = "leg-picker"
	hibernating = "8" // CS_HIBERNATE
)

// message is a sendmsg.
type message struct {
	headers map[string]string
	body    string
	reply   bool // when it has been carried out
}

func newDialplanSwitch(l *channeltest.Line, conn net.Conn, full, async bool) *dialplanSwitch {
	return &dialplanSwitch{
		line: l, conn: conn, full: full, async: async, out: make(chan utterance, 1000), messages: make(chan message, 100),
		left: make(chan struct{}), vars: map[string]string{}, legs: map[string]string{},
	}
}

// run carries the call out until ringside has left it or the connection has broken; then the dialplan goes on.
func (f *dialplanSwitch) run() {
	over := make(chan struct{})
	var others, writing sync.WaitGroup
	writing.Go(f.write)
	others.Go(func() { // the caller, and the connection
		select {
		case <-f.line.Lost():
			_ = f.conn.Close()
		case <-f.line.Gone():
			f.hangUp()
		case <-over:
		}
	})
	others.Go(func() {
		f.listen()
		close(f.left)
	})
	f.session()
	f.line.Continue()
	<-f.left
	f.say("Content-Type: text/disconnect-notice\nControlled-Session-UUID: " + f.line.ID +
		"\nContent-Disposition: disconnect\nContent-Length: 67\n\nDisconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n")
	close(over)
	others.Wait()
	close(f.out)
	writing.Wait()
	_ = f.conn.Close()
}

func (f *dialplanSwitch) write() {
	for u := range f.out {
		if !f.pause(time.Until(u.due)) {
			continue
		}
		f.line.Wire("< %s", shortened(u.text))
		if _, err := io.WriteString(f.conn, u.text); err != nil || u.last {
			_ = f.conn.Close()
			for range f.out { // the rest is for nobody
			}
			return
		}
	}
}

func (f *dialplanSwitch) say(text string) { f.out <- utterance{text: text} }

// reply says something after the time that this PBX's replies take.
func (f *dialplanSwitch) reply(text string) {
	f.out <- utterance{text: text, due: time.Now().Add(f.line.Slow)}
}

// utterance is something that is said, not before it is due.
type utterance struct {
	text string
	due  time.Time
	last bool // the connection ends behind it
}

// pause reports whether the connection still stands after a while.
func (f *dialplanSwitch) pause(d time.Duration) bool {
	select {
	case <-f.line.Lost():
		return false
	default:
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-f.line.Lost():
		return false
	}
}

func shortened(text string) string {
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	return strings.ReplaceAll(text, "\n", "⏎")
}

// hangUp is what FreeSWITCH tells when the caller's channel ends.
func (f *dialplanSwitch) hangUp() {
	f.hangs.Do(func() {
		f.mu.Lock()
		if f.cause == "" {
			f.cause = "NORMAL_CLEARING"
		}
		f.mu.Unlock()
		f.event("CHANNEL_HANGUP", "Hangup-Cause", f.cause)
	})
}

// event tells of something that happens to the call.
func (f *dialplanSwitch) event(name string, pairs ...string) {
	f.mu.Lock()
	wanted := f.myEvents
	var b strings.Builder
	fmt.Fprintf(&b, "Event-Name: %s\nEvent-Date-Timestamp: %d\nUnique-ID: %s\nChannel-Call-UUID: %s\n",
		name, time.Now().UnixMicro(), f.line.ID, f.line.ID)
	if f.state == hibernating {
		pairs = append(pairs, "Other-Leg-Unique-ID", pickersLeg, "Other-Leg-Direction", "inbound", "Other-Leg-Channel-Name", "sofia/internal/x@127.0.0.1:5090")
	}
	if f.state != "" {
		pairs = append(pairs, "Channel-State", "CS_EXECUTE", "Channel-State-Number", f.state)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%s: %s\n", pairs[i], encoded(pairs[i+1]))
	}
	for n, v := range f.vars {
		fmt.Fprintf(&b, "variable_%s: %s\n", n, encoded(v))
	}
	f.mu.Unlock()
	if !wanted {
		return
	}
	text := fmt.Sprintf("Content-Length: %d\nContent-Type: text/event-plain\n\n%s\n", b.Len()+1, b.String())
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.holds {
		f.held = append(f.held, text)
		return
	}
	f.say(text)
}

// hold keeps events back, as in sync mode while an application runs, until release.
func (f *dialplanSwitch) hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holds = true
}

func (f *dialplanSwitch) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holds = false
	for _, text := range f.held {
		f.say(text)
	}
	f.held = nil
}

// encoded encodes a value as switch_url_encode does.
func encoded(v string) string {
	return strings.NewReplacer("+", "%20", "%2C", ",", "%2F", "/", "%28", "(", "%29", ")", "%24", "$", "%27", "'").Replace(url.QueryEscape(v))
}

// listen takes commands until ringside has left the call.
func (f *dialplanSwitch) listen() {
	r := bufio.NewReader(f.conn)
	for {
		command, headers, body, err := readCommand(r)
		if err != nil {
			return
		}
		f.line.Wire("> %s %v %s", command, headers, body)
		if f.heard != nil {
			f.heard(command)
		}
		reply, leaves := f.carryOut(command, headers, body)
		if reply != "" {
			f.reply(reply)
		}
		if leaves {
			return
		}
	}
}

// readCommand reads header lines to a blank line, and the body that they announce.
func readCommand(r *bufio.Reader) (command string, headers map[string]string, body string, err error) {
	headers = map[string]string{}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", nil, "", err
		}
		switch line = strings.TrimRight(line, "\r\n"); {
		case line == "" && command == "":
			continue
		case line == "":
			n, _ := strconv.Atoi(headers["content-length"])
			text := make([]byte, n)
			_, err := io.ReadFull(r, text)
			return command, headers, string(text), err
		case command == "":
			command = line
		default:
			name, value, _ := strings.Cut(line, ":")
			headers[strings.ToLower(name)] = strings.TrimPrefix(value, " ")
		}
	}
}

func (f *dialplanSwitch) carryOut(command string, headers map[string]string, body string) (reply string, leaves bool) {
	verb, rest, _ := strings.Cut(command, " ")
	ok := func(text string) string { return "Content-Type: command/reply\nReply-Text: " + text + "\n\n" }
	switch {
	case verb == "connect":
		return f.channelData(), false
	case verb == "myevents":
		f.mu.Lock()
		f.myEvents = true
		f.mu.Unlock()
		return ok("+OK Events Enabled"), false
	case verb == "exit":
		return ok("+OK bye"), true
	case verb == "sendmsg":
		if f.async {
			f.reply(ok("+OK"))
		}
		f.messages <- message{headers: headers, body: body, reply: !f.async}
		return "", false
	case !f.full:
		return ok("-ERR command not found"), false
	case verb == "linger":
		f.mu.Lock()
		f.linger = true
		f.mu.Unlock()
		return ok("+OK will linger " + rest + " seconds"), false
	case verb == "api":
		out := f.api(rest)
		return fmt.Sprintf("Content-Type: api/response\nContent-Length: %d\n\n%s", len(out), out), false
	}
	f.line.Fault("a command that FreeSWITCH does not know: %q", command)
	return ok("-ERR command not found"), false
}

func (f *dialplanSwitch) channelData() string {
	pairs := []string{
		"Event-Name", "CHANNEL_DATA", "Channel-Name", "sofia/external/x@127.0.0.1", "Unique-ID", f.line.ID, "Channel-Call-UUID", f.line.ID,
		"Caller-Context", "public", "Caller-Destination-Number", f.line.Called, "variable_sip_gateway", f.line.Endpoint,
		"variable_sofia_profile_name", "external",
	}
	if f.line.Caller != "" {
		pairs = append(pairs, "Caller-Caller-ID-Number", f.line.Caller)
	}
	if f.line.CallerName != "" {
		pairs = append(pairs, "Caller-Caller-ID-Name", f.line.CallerName)
	}
	mode, control := "static", "single-channel"
	if f.async {
		mode = "async"
	}
	if f.full {
		control = "full"
	}
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%s: %s\n", pairs[i], encoded(pairs[i+1]))
	}
	return b.String() + "Content-Type: command/reply\nReply-Text: %2BOK%0A\nSocket-Mode: " + mode + "\nControl: " + control + "\n\n"
}

func (f *dialplanSwitch) api(command string) string {
	name, rest, _ := strings.Cut(command, " ")
	id, arg, _ := strings.Cut(rest, " ")
	if name == "module_exists" {
		return "true"
	}
	if name == "uuid_getvar" {
		if f.bare {
			return "_undef_"
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if number, ok := f.legs[id]; ok && (arg == "ringside_leg" || id == pickersLeg && arg == "user_name") {
			return number
		}
		return "-ERR No such channel!\n"
	}
	if f.line.Left() || id != f.line.ID {
		return "-ERR No such channel!\n"
	}
	switch name {
	case "uuid_setvar_multi":
		for _, one := range separated(arg, ';') {
			n, v, _ := strings.Cut(one, "=")
			f.set(n, v)
		}
		return "+OK\n"
	case "uuid_break":
		for waits := strings.HasSuffix(arg, "all"); waits; {
			select {
			case <-f.messages: // what has not begun is thrown away
			default:
				waits = false
			}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.stop != nil { // it means nothing to what begins later
			select {
			case <-f.stop:
			default:
				close(f.stop)
			}
		}
		return "+OK\n"
	}
	f.line.Fault("a command that FreeSWITCH does not know: %q", command)
	return "-ERR " + name + " Command not found!\n"
}

// set sets a variable of the channel; an empty value unsets it.
func (f *dialplanSwitch) set(name, value string) {
	f.mu.Lock()
	if value == "" {
		delete(f.vars, name)
	} else {
		f.vars[name] = value
	}
	f.mu.Unlock()
	switch {
	case name == "effective_caller_id_name":
		f.line.Shows(value)
	case strings.HasPrefix(name, "RINGSIDE_"):
		f.line.Set(name, value)
	case strings.ContainsAny(name, " '\\;${}"):
		f.line.Fault("the variable %q is set to %q", name, value)
	}
}

func (f *dialplanSwitch) variable(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.vars[name]
}

// session carries out messages one after the other, as the channel's own thread does, until ringside has left
// or the channel has ended.
func (f *dialplanSwitch) session() {
	for {
		var next <-chan time.Time
		if f.tick > 0 {
			time.Sleep(f.tick)
			next = time.After(0)
		}
		select {
		case m := <-f.messages:
			f.message(m)
		case <-next:
		case <-f.line.Gone():
			f.afterwards()
			return
		case <-f.left:
			for { // what was asked before is carried out
				select {
				case m := <-f.messages:
					f.message(m)
				default:
					return
				}
			}
		}
	}
}

// afterwards is the end of a channel that has been hung up.
func (f *dialplanSwitch) afterwards() {
	f.hangUp()
	f.mu.Lock()
	linger := f.linger
	f.mu.Unlock()
	if linger {
		f.say("Content-Type: text/disconnect-notice\nControlled-Session-UUID: " + f.line.ID +
			"\nContent-Disposition: linger\nChannel-Name: x\nLinger-Time: 10\nContent-Length: 0\n\n")
		f.event("CHANNEL_HANGUP_COMPLETE", "Hangup-Cause", f.cause)
		select {
		case <-f.left:
		case <-time.After(10 * time.Second):
			_ = f.conn.Close()
		}
		return
	}
	// FreeSWITCH ends the connection by itself.
	f.out <- utterance{text: "Content-Type: text/disconnect-notice\nContent-Disposition: disconnect\nContent-Length: 0\n\n", last: true}
}

// separated splits as switch_separate_string does: quotes group, backslashes escape.
func separated(text string, delim rune) (parts []string) {
	var b strings.Builder
	quoted, escape := false, false
	runes := []rune(text)
	for i, r := range runes {
		switch {
		case escape:
			b.WriteRune(r)
			escape = false
		case r == '\\' && i+1 < len(runes) && strings.ContainsRune(`'"\`+string(delim), runes[i+1]):
			escape = true
		case r == '\'' && (quoted || strings.ContainsRune(string(runes[i+1:]), '\'')):
			quoted = !quoted
		case r == delim && !quoted:
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteRune(r)
		}
	}
	return append(parts, b.String())
}

// doorway is a server, and FreeSWITCHes that connect to it in memory.
type doorway struct {
	*Server
	pipes *channeltest.Listener
	log   *channeltest.Journal
}

func newDoorway(t *testing.T, opt ServerOptions, b Switchboard) *doorway {
	t.Helper()
	d := &doorway{pipes: channeltest.NewListener(8084), log: &channeltest.Journal{}}
	opt.Log = slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if opt.Site.Dial.Extension == "" {
		opt.Site.Dial.Extension, opt.Site.Dial.External = "user/${number}", "sofia/gateway/trunk/${number}"
	}
	opt.Site.Music = "local_stream://default"
	s, err := newServer(opt, b)
	if err != nil {
		t.Fatal(err)
	}
	d.Server = s
	s.start(d.pipes)
	return d
}

// from is a connection in memory that seems to come from this machine.
type from struct{ net.Conn }

func (from) RemoteAddr() net.Addr { return channeltest.Loopback(40000) }

// call connects for a call, and gives FreeSWITCH's end.
func (d *doorway) call() net.Conn {
	ours, theirs := net.Pipe()
	d.pipes.Conns <- from{ours}
	return theirs
}

// board is a switchboard that does what a test says; what is nil does nothing.
type board struct {
	serve  channeltest.Serve
	decide func(o ringside.Offer, h ringside.Handover) (ringside.Decision, string)
}

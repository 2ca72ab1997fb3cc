package agi

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// board is a switchboard that does what a test says; what is nil does nothing.
type board struct {
	serve    func(ctx context.Context, ch ringside.Channel)
	decide   func(o ringside.Offer, h ringside.Handover) (ringside.Decision, string)
	finish   func(o ringside.Offer, f ringside.Facts) bool
	answered func(id, number string)
	contact  func(number string) (ringside.Contact, bool)
}

func (b *board) ServeCall(ctx context.Context, ch ringside.Channel) {
	if b.serve != nil {
		b.serve(ctx, ch)
	}
}

func (b *board) Decide(o ringside.Offer, h ringside.Handover) (ringside.Decision, string) {
	if b.decide == nil {
		return ringside.Decision{Action: ringside.NotConfigured}, "test-1"
	}
	return b.decide(o, h)
}

func (b *board) Finish(o ringside.Offer, f ringside.Facts) bool {
	return b.finish != nil && b.finish(o, f)
}

func (b *board) Answered(id, number string) {
	if b.answered != nil {
		b.answered(id, number)
	}
}

func (b *board) Contact(number string) (ringside.Contact, bool) {
	if b.contact == nil {
		return ringside.Contact{}, false
	}
	return b.contact(number)
}

var templates = dialplan.Dial{Extension: "PJSIP/${number}", External: "PJSIP/${number}@trunk", Voicemail: "${number}@default"}

// counted is ringside's end of a connection, with the writes that it made.
type counted struct {
	net.Conn
	peer   net.Addr
	writes *atomic.Int64
}

func (c counted) RemoteAddr() net.Addr { return c.peer }
func (c counted) LocalAddr() net.Addr  { return channeltest.Loopback(4573) }
func (c counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// site is a server with a test's switchboard in a bubble of synctest.
type site struct {
	t      *testing.T
	pipes  *channeltest.Listener
	server *Server
	log    *strings.Builder
}

func newSite(t *testing.T, opt Options, b *board) *site {
	t.Helper()
	s := &site{t: t, pipes: channeltest.NewListener(4573), log: &strings.Builder{}}
	if opt.Dial.Extension == "" {
		opt.Dial = templates
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	server, err := newServer(opt, b)
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	server.start(s.pipes)
	return s
}

// stop ends the server; every connection must be over by then.
func (s *site) stop() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if left := s.server.Stop(ctx, context.Canceled); left != 0 {
		s.t.Errorf("%d connections were left", left)
	}
}

func (s *site) dial() *asterisk {
	ours, theirs := net.Pipe()
	a := &asterisk{t: s.t, conn: theirs, r: bufio.NewReader(theirs)}
	s.pipes.Conns <- counted{ours, channeltest.Loopback(40000), &a.writes}
	return a
}

// asterisk plays Asterisk's part of one conversation.
type asterisk struct {
	t      *testing.T
	conn   net.Conn
	r      *bufio.Reader
	writes atomic.Int64
	read   int64 // commands
}

// environment is what Asterisk 22 sends for a call from a trunk, with the script to be asked for.
func environment22(script string) string {
	return `agi_network: yes
agi_network_script: ` + script + `
agi_request: agi://127.0.0.1:4573/` + script + `
agi_channel: PJSIP/trunk-00000003
agi_language: en
agi_type: PJSIP
agi_uniqueid: smp20060-1795402265.5
agi_version: 22.10.1
agi_callerid: 44201
agi_calleridname: caller
agi_callingpres: 0
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: 500
agi_rdnis: unknown
agi_context: from-trunk
agi_extension: 500
agi_priority: 1
agi_enhanced: 0.0
agi_accountcode: 
agi_threadid: 140066792437440

`
}

// play carries out a conversation, one line each:
//
//	< LINE      Asterisk says LINE
//	> LINE      ringside must say LINE, in one write, and nothing after it until it is answered
//	~ TEXT      Asterisk says TEXT without a line's end; \n in it is one
//	pause TIME  nothing is said for that long
//	quiet       ringside has nothing to say
//	close       Asterisk closes the connection
//	closed      ringside must have closed it
func (a *asterisk) play(script string) {
	a.t.Helper()
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		verb, text, _ := strings.Cut(line, " ")
		switch verb {
		case "":
		case "<":
			a.say(text + "\n")
		case "~":
			a.say(strings.ReplaceAll(text, `\n`, "\n"))
		case ">":
			if got := a.hear(); got != text {
				a.t.Errorf("ringside said\n  %s\nand should have said\n  %s", got, text)
			}
		case "pause":
			d, err := time.ParseDuration(text)
			if err != nil {
				a.t.Fatal(err)
			}
			time.Sleep(d)
		case "quiet":
			synctest.Wait()
			if n := a.writes.Load(); n != a.read {
				a.t.Errorf("ringside has said %d commands instead of %d", n, a.read)
			}
		case "close":
			_ = a.conn.Close()
		case "closed":
			a.closed()
		default:
			a.t.Fatalf("there is no step %q", line)
		}
	}
}

func (a *asterisk) say(text string) {
	a.t.Helper()
	_ = a.conn.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := io.WriteString(a.conn, text); err != nil {
		a.t.Fatalf("ringside does not listen to %q: %v", text, err)
	}
}

// hear takes the next command, and checks that no other follows before this one is answered.
func (a *asterisk) hear() string {
	a.t.Helper()
	_ = a.conn.SetReadDeadline(time.Now().Add(time.Minute))
	line, err := a.r.ReadString('\n')
	if err != nil {
		a.t.Fatalf("ringside says nothing: %v (read %q)", err, line)
	}
	a.read++
	synctest.Wait()
	if n := a.writes.Load(); n != a.read || a.r.Buffered() > 0 {
		a.t.Errorf("%d writes for %d commands, and %d bytes follow %q", n, a.read, a.r.Buffered(), line)
	}
	if len(line) > maxCommand {
		a.t.Errorf("a command of %d bytes", len(line))
	}
	return strings.TrimSuffix(line, "\n")
}

func (a *asterisk) closed() {
	a.t.Helper()
	_ = a.conn.SetReadDeadline(time.Now().Add(time.Minute))
	rest, err := io.ReadAll(a.r)
	if err != nil {
		a.t.Errorf("the connection is still open: %v", err)
	}
	if len(rest) > 0 {
		a.t.Errorf("ringside says %q instead of closing", rest)
	}
}

// story runs one call against a server: the environment for the script, then the conversation.
func story(t *testing.T, opt Options, b *board, script, conversation string) (log string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, opt, b)
		a := s.dial()
		a.say(environment22(script))
		a.play(conversation)
		_ = a.conn.Close()
		s.stop()
		log = s.log.String()
	})
	return log
}

// heardBy collects what a handler was told, in order.
type heardBy struct{ what []string }

func (h *heardBy) add(parts ...string) { h.what = append(h.what, strings.Join(parts, " ")) }

func (h *heardBy) want(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(h.what, want) {
		t.Errorf("the switchboard was told\n  %s\nand not\n  %s", strings.Join(h.what, "; "), strings.Join(want, "; "))
	}
}

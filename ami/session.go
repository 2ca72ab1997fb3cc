package ami

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Sink takes events in the order in which Asterisk sent them. It runs on the goroutine that reads: it may
// not block, nor keep m.
type Sink func(m Message)

// Session is one connection on which somebody has logged in. Its goroutine reads until the connection ends
// or Close is called.
type Session struct {
	login   Login
	conn    net.Conn
	version string
	nonce   string
	sink    Sink

	writing sync.Mutex // one action at a time goes out

	mu      sync.Mutex
	last    uint64
	waiting map[string]*pending
	// gathering counts the pending actions that are also answered by events: while there are none, no
	// event needs to be searched for an ActionID.
	gathering atomic.Int32
	judge     judge
	system    atomic.Pointer[string]
	forged    atomic.Uint64
	// since is how much came since an event was cut in two, severing that the latest was; both belong to the
	// goroutine that reads, as ahead does: the next message has been judged, and is sound.
	since    int
	severing bool
	ahead    bool
	// left: a list was given up, and its rest may still come.
	left   atomic.Bool
	booted chan struct{}
	ended  chan struct{} // closed when reading has ended, err is set then
	err    error
}

// Connect connects and logs in. Events go to the sink from then on; nil discards them. The errors are
// *AuthError and ringside.ErrPBXAway.
func Connect(ctx context.Context, l Login, sink Sink) (*Session, error) {
	l = l.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	conn, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	return newSession(ctx, l, conn, sink)
}

// newSession logs in on a connection, which it owns.
func newSession(ctx context.Context, l Login, conn net.Conn, sink Sink) (*Session, error) {
	if sink == nil {
		sink = func(Message) {}
	}
	s := &Session{
		login: l, conn: conn, sink: sink, waiting: map[string]*pending{}, since: maxForged,
		booted: make(chan struct{}), ended: make(chan struct{}),
	}
	nonce := make([]byte, 6)
	_, _ = rand.Read(nonce) // it never fails
	s.nonce = hex.EncodeToString(nonce)
	in := newFramer(conn)
	if until, ok := ctx.Deadline(); ok {
		_ = conn.SetReadDeadline(until)
	}
	unhook := context.AfterFunc(ctx, func() { _ = conn.Close() })
	greeting, err := in.banner()
	if !unhook() && err == nil {
		err = context.Cause(ctx)
	}
	if err == nil && !isGreeting(greeting) {
		err = fmt.Errorf("it greets with %q", printable(greeting))
	}
	if err != nil {
		_ = conn.Close()
		close(s.ended)
		return nil, fmt.Errorf("%w at %s: this is no manager interface: %w", ringside.ErrPBXAway, l.Address, err)
	}
	_ = conn.SetReadDeadline(time.Time{})
	s.version = greeting[len(greetingPrefix):]
	in.modern = number([]byte(before(s.version, "."))) > lastOld
	go s.read(in)
	if err := s.authenticate(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// lastOld is the version of the manager interface in Asterisk 13.
const lastOld = 2

func before(s, end string) string {
	s, _, _ = strings.Cut(s, end)
	return s
}

const greetingPrefix = "Asterisk Call Manager/"

func isGreeting(s string) bool { return begins([]byte(s), greetingPrefix) }

// Version is that of the manager interface, such as 11.0.0.
func (s *Session) Version() string { return s.version }

// Ended is closed when the connection has ended; Err tells why then.
func (s *Session) Ended() <-chan struct{} { return s.ended }

// Err is why the connection has ended; nil as long as it has not.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close ends the connection and waits until nothing reads from it any more.
func (s *Session) Close() {
	_ = s.conn.Close()
	<-s.ended
}

// Booted is closed when Asterisk says that it has fully booted, which only a user with `system` in `read`
// is told.
func (s *Session) Booted() <-chan struct{} { return s.booted }

// read routes what comes until the connection ends.
func (s *Session) read(in *framer) {
	defer close(s.ended)
	var err error
	for {
		var m Message
		if m, err = in.next(); err != nil {
			break
		}
		s.route(m, in)
		if s.since += len(m.raw) + len(newline); s.severing {
			s.since, s.severing = 0, false
		}
	}
	_ = s.conn.Close()
	if errors.Is(err, io.EOF) {
		err = errors.New("the connection was closed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = fmt.Errorf("%w: %w", ringside.ErrPBXAway, err)
	for id, p := range s.waiting {
		s.finish(id, p, s.err)
	}
}

// route hands a message to the action that it answers, or to the sink. A panic in there costs one message.
func (s *Session) route(m Message, in *framer) {
	defer func() {
		if p := recover(); p != nil {
			s.login.Log.Error("an event of Asterisk failed inside ringside", "event", printable(m.Event()),
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	known := s.ahead
	s.ahead = false
	if begins(m.raw, "Response:") {
		if !s.answered(m) {
			s.forgery(m.outline())
		}
		return
	}
	if (s.gathering.Load() > 0 || s.left.Load()) && s.gathered(m) {
		return
	}
	if name := s.system.Load(); name != nil {
		s.judge.system(*name)
	}
	if !known && !s.judge.sound(m) {
		s.forgery(m.outline())
		return
	}
	if s.since < maxForged || s.severed(in) {
		s.turnAway()
		return
	}
	if !isClosed(s.booted) && same(m.event(), "FullyBooted") {
		close(s.booted)
	}
	s.sink(m)
}

// forgery notes that something can't be Asterisk's own: what follows within a number's length may have been
// made up with it, unless it ended as Asterisk's descriptions of channels do.
func (s *Session) forgery(o outline) {
	s.suspect(o)
	s.turnAway()
}

// suspect notes how far what comes next may have been made up with what has just come.
func (s *Session) suspect(o outline) {
	if s.severing = !o.closed; o.closed {
		s.since = maxForged
	}
}

// turnAway counts an event that is not taken.
func (s *Session) turnAway() {
	s.forged.Add(1)
	s.login.Forged()
}

// severed reports whether what comes next is the rest of an event that was cut in two: then what came
// before it was made up by whoever called. Asterisk writes an event as one piece, so that the rest has come
// as well.
func (s *Session) severed(in *framer) bool {
	next, ok := in.peek()
	if !ok {
		rest := in.unread()
		return len(rest) > len("Response: ") && !begins(rest, "Event: ") && !begins(rest, "Response: ")
	}
	if s.judge.recall(next) {
		s.ahead = true
		return false
	}
	if begins(next.find("ActionID"), s.nonce) {
		return false // nobody can know that
	}
	o := next.outline()
	return !o.opened && !(o.whole && next.sealed(s.judge.seal))
}

// Forged counts the events that can't be Asterisk's own and were not taken: somebody calls with line
// breaks in a number.
func (s *Session) Forged() uint64 { return s.forged.Load() }

// named tells the name that Asterisk gives itself in its events.
func (s *Session) named(system string) {
	if system != "" {
		s.system.Store(&system)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// send writes an action and waits for what p waits for.
func (s *Session) send(ctx context.Context, a Action, p *pending) (Message, error) {
	// How an action turns out may take as long as a phone is rung: who asks for that says how long.
	if _, bounded := ctx.Deadline(); p.until == "" || !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.login.Timeout)
		defer cancel()
	}
	p.action, p.done = a.name, make(chan error, 1)
	id, err := s.expect(p)
	if err != nil {
		return Message{}, err
	}
	defer s.forget(id)
	raw, err := a.encode(id)
	if err != nil {
		return Message{}, fmt.Errorf("%w: %w", ringside.ErrRefused, err)
	}
	if err := s.write(ctx, raw); err != nil {
		return Message{}, err
	}
	select {
	case err := <-p.done:
		return p.answer, err
	case <-ctx.Done():
		return Message{}, fmt.Errorf("waiting for Asterisk's answer to %s: %w", a.name, context.Cause(ctx))
	}
}

// write sends bytes as one piece. A piece that could not be sent as a whole ends the connection.
func (s *Session) write(ctx context.Context, raw []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	until, _ := ctx.Deadline()
	_ = s.conn.SetWriteDeadline(until)
	if _, err := s.conn.Write(raw); err != nil {
		_ = s.conn.Close()
		return fmt.Errorf("%w: %w", ringside.ErrPBXAway, cause(err))
	}
	return nil
}

func (s *Session) nextID() string {
	s.last++
	return s.nonce + "-" + strconv.FormatUint(s.last, 10)
}

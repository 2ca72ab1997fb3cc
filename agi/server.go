package agi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringside-pbx/ringside"
)

// environmentWithin bounds the environment, which Asterisk sends in one piece.
const environmentWithin = 5 * time.Second

type logger interface {
	Debug(msg string, args ...any)
	Info(msg string, args ...any)
	Warn(msg string, args ...any)
	Error(msg string, args ...any)
}

// Options make a Server.
type Options struct {
	// Listen is the address, such as 127.0.0.1:4573.
	Listen string
	// Allow are the peers that are served; others are closed before anything is read. Empty allows
	// loopback only.
	Allow []netip.Prefix
	// Token, if set, must be given by every request as ?token=…
	Token ringside.Secret
	// Deadline bounds every decision; zero is 50 ms.
	Deadline time.Duration
	// Default is the extension that a call is released with when there is no decision in time;
	// empty releases it with RINGSIDE_RESULT alone.
	Default string
	// MaxConnections bounds the sessions at one time; zero is 2,000. One more is closed at once,
	// and its dialplan goes on.
	MaxConnections int
	Dial           Dial
	Log            *slog.Logger
}

// Server is a FastAGI server. Make it with Listen, stop it with Stop.
type Server struct {
	opt      Options
	calls    Switchboard
	listener net.Listener
	defaults string // the command that releases a late call
	log      *limited

	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	peers  peers
	wires  sync.Pool // of *wire
	own    own
	work   chan *peer // to goroutines that wait for one
	idle   atomic.Int64
}

// Listen binds the address and serves until Stop. An address that is taken is an error.
func Listen(opt Options, calls Switchboard) (*Server, error) {
	s, err := newServer(opt, calls)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", opt.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening for FastAGI: %w", err)
	}
	s.start(listener)
	return s, nil
}

func newServer(opt Options, calls Switchboard) (*Server, error) {
	opt.Deadline = cmp.Or(opt.Deadline, 50*time.Millisecond)
	opt.MaxConnections = cmp.Or(opt.MaxConnections, 2000)
	if len(opt.Allow) == 0 {
		opt.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	defaults, err := defaultCommand(opt)
	if err != nil {
		return nil, err
	}
	return &Server{
		opt: opt, calls: calls, defaults: defaults, log: newLimited(opt.Log),
		peers: peers{limit: opt.MaxConnections, open: map[*peer]struct{}{}},
		wires: sync.Pool{New: func() any { return newWire() }},
		work:  make(chan *peer),
	}, nil
}

func (s *Server) start(listener net.Listener) {
	s.listener = listener
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.wg.Go(s.accept)
}

// Addr is the address that is listened on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Stop takes no more calls, waits for those in progress until ctx ends, then ends them with cause
// (the dialplan goes on with them) and returns how many those were.
func (s *Server) Stop(ctx context.Context, cause error) int {
	_ = s.listener.Close()
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	select {
	case <-done:
		s.cancel(cause)
		return 0
	case <-ctx.Done():
	}
	left := s.peers.count()
	s.cancel(cause)
	s.peers.interrupt()
	<-done
	return left
}

// accept takes connections. Nothing that a peer does or omits can hold it up.
func (s *Server) accept() {
	defer close(s.work)
	pause := time.Duration(0)
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of descriptors, say: it passes.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.log.Error("a FastAGI connection could not be accepted", "error", err)
			time.Sleep(pause)
			continue
		}
		pause = 0
		p, ok := s.peers.add(conn, time.Now())
		if !ok {
			s.wg.Go(func() { s.refuse(conn) })
			continue
		}
		select {
		case s.work <- p:
		default:
			s.wg.Go(func() { s.worker(p) })
		}
	}
}

// maxIdle is how many goroutines wait for a connection. They keep the stacks that they have grown,
// which costs a quick decision more than all its parsing.
const maxIdle = 64

// worker serves a connection, and then others that come while it waits.
func (s *Server) worker(p *peer) {
	for {
		s.connection(p)
		if s.idle.Add(1) > maxIdle {
			s.idle.Add(-1)
			return
		}
		next, ok := <-s.work
		s.idle.Add(-1)
		if !ok {
			return
		}
		p = next
	}
}

// refuse closes a connection for which there is no room, unless it is the watchdog's: a busy
// server is not a dead one.
func (s *Server) refuse(conn net.Conn) {
	if s.own.placed(conn) {
		s.peers.mu.Lock()
		p := s.peers.enter(conn, time.Now())
		s.peers.mu.Unlock()
		s.connection(p)
		return
	}
	s.log.Warn("too many FastAGI connections: one was closed", "limit", s.opt.MaxConnections)
	_ = conn.Close()
}

// connection serves one connection to its end, and survives whatever happens in it.
func (s *Server) connection(p *peer) {
	conn := p.conn
	defer func() {
		_ = conn.Close()
		s.peers.remove(p)
		if v := recover(); v != nil {
			s.log.Error("a FastAGI session failed inside ringside", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	if !s.allowed(conn.RemoteAddr()) && !s.own.placed(conn) {
		s.log.Warn("a FastAGI peer is not on the allow-list", "peer", conn.RemoteAddr().String())
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(environmentWithin))
	if s.ctx.Err() != nil { // the deadline that Stop set may be the one that has just been moved
		return
	}
	w := s.wires.Get().(*wire)
	w.begin(conn)
	if env := s.environment(p, w); env != nil {
		s.serve(conn, w, env)
	}
	// Not deferred: after a panic nobody knows what else holds the wire.
	w.begin(nil)
	s.wires.Put(w)
}

// environment reads what the peer wants; nil refuses it.
func (s *Server) environment(p *peer, w *wire) *environment {
	env, err := readEnvironment(w.r)
	if err != nil {
		if s.peers.wasEvicted(p) {
			s.log.Warn("too many FastAGI connections: a silent one was closed", "limit", s.opt.MaxConnections)
		} else {
			s.log.Warn("a FastAGI request could not be read", "peer", p.conn.RemoteAddr().String(), "error", err)
		}
		return nil
	}
	s.peers.heard(p)
	return env
}

func (s *Server) serve(conn net.Conn, w *wire, env *environment) {
	script := s.script(env)
	if script == nil {
		return
	}
	sess := newSession(s.ctx, conn, w)
	defer sess.cancel(nil)
	expiry := time.AfterFunc(s.opt.Deadline, func() {
		if sess.expire(s.defaults) {
			s.log.Error("no decision within the deadline: the call was released with the default",
				"script", env.script, "deadline", s.opt.Deadline, "uniqueid", env.uniqueID)
		}
	})
	defer expiry.Stop()
	script(sess.ctx, sess, env)
}

func (s *Server) allowed(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return false
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	for _, p := range s.opt.Allow {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

func defaultCommand(opt Options) (string, error) {
	vars := []ringside.Variable{{Name: variableResult, Value: string(ringside.ResultReleased)}}
	if opt.Default != "" {
		dial, err := opt.Dial.String(ringside.Target{Kind: ringside.ToExtension, Number: opt.Default})
		if err != nil {
			return "", fmt.Errorf("the default extension: %w", err)
		}
		vars = []ringside.Variable{
			{Name: variableDial, Value: dial},
			{Name: variableResult, Value: string(ringside.ResultDefault)},
		}
	}
	return "EXEC MSet " + quote(assignments(vars)), nil
}

package agi

import (
	"bufio"
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
	open   atomic.Int64
	conns  sync.Map // net.Conn → struct{}
}

// Listen binds the address and serves until Stop. An address that is taken is an error.
func Listen(opt Options, calls Switchboard) (*Server, error) {
	opt.Deadline = cmp.Or(opt.Deadline, 50*time.Millisecond)
	opt.MaxConnections = cmp.Or(opt.MaxConnections, 2000)
	if len(opt.Allow) == 0 {
		opt.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	defaults, err := defaultCommand(opt)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", opt.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening for FastAGI: %w", err)
	}
	s := &Server{opt: opt, calls: calls, listener: listener, defaults: defaults, log: newLimited(opt.Log)}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.wg.Go(s.accept)
	return s, nil
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
	left := int(s.open.Load())
	s.cancel(cause)
	s.conns.Range(func(conn, _ any) bool {
		_ = conn.(net.Conn).SetDeadline(time.Unix(1, 0))
		return true
	})
	<-done
	return left
}

// accept takes connections. Nothing that a peer does or omits can hold it up.
func (s *Server) accept() {
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
		if s.open.Add(1) > int64(s.opt.MaxConnections) {
			s.open.Add(-1)
			s.log.Warn("too many FastAGI connections: one was closed", "limit", s.opt.MaxConnections)
			_ = conn.Close()
			continue
		}
		s.wg.Go(func() {
			defer s.open.Add(-1)
			s.connection(conn)
		})
	}
}

// readers are shared between connections, most of which last a millisecond.
func newReader(conn net.Conn) *bufio.Reader { return bufio.NewReaderSize(conn, maxLine) }

// connection serves one connection to its end, and survives whatever happens in it.
func (s *Server) connection(conn net.Conn) {
	s.conns.Store(conn, struct{}{})
	defer func() {
		s.conns.Delete(conn)
		_ = conn.Close()
		if p := recover(); p != nil {
			s.log.Error("a FastAGI session failed inside ringside", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	if !s.allowed(conn.RemoteAddr()) {
		s.log.Warn("a FastAGI peer is not on the allow-list", "peer", conn.RemoteAddr().String())
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(environmentWithin))
	r := newReader(conn)
	env, err := readEnvironment(r)
	if err != nil {
		s.log.Warn("a FastAGI request could not be read", "peer", conn.RemoteAddr().String(), "error", err)
		return
	}
	script := s.script(env)
	if script == nil {
		return
	}
	ctx, cancel := context.WithCancelCause(s.ctx)
	defer cancel(nil)
	sess := newSession(conn, &wire{conn: conn, r: r}, cancel)
	expiry := time.AfterFunc(s.opt.Deadline, func() {
		if sess.expire(s.defaults) {
			s.log.Error("no decision within the deadline: the call was released with the default",
				"script", env.script, "deadline", s.opt.Deadline, "uniqueid", env.uniqueID)
		}
	})
	defer expiry.Stop()
	script(ctx, sess, env)
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

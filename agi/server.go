package agi

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/calmlog"
	"github.com/ringside-pbx/ringside/internal/dialplan"
	"github.com/ringside-pbx/ringside/internal/peers"
)

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
	Dial           dialplan.Dial
	Log            *slog.Logger
}

// Server is a FastAGI server. Make it with Listen, stop it with Stop.
type Server struct {
	opt      Options
	calls    Switchboard
	listener net.Listener
	defaults string // the command that releases a late call
	log      *calmlog.Log

	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	peers  *peers.Peers
	wires  sync.Pool // of *wire
	own    own
	crew   *peers.Crew
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
		opt.Allow = peers.Loopback()
	}
	defaults, err := defaultCommand(opt)
	if err != nil {
		return nil, err
	}
	s := &Server{
		opt: opt, calls: calls, defaults: defaults, log: calmlog.New(opt.Log),
		peers: peers.New(opt.MaxConnections),
		wires: sync.Pool{New: func() any { return newWire() }},
	}
	s.crew = peers.NewCrew(s.connection)
	return s, nil
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
	go func() { s.wg.Wait(); s.crew.Wait(); close(done) }()
	select {
	case <-done:
		s.cancel(cause)
		return 0
	case <-ctx.Done():
	}
	left, _ := s.peers.Count()
	s.cancel(cause)
	s.peers.Interrupt()
	<-done
	return left
}

func defaultCommand(opt Options) (string, error) {
	vars, err := opt.Dial.Default(opt.Default)
	if err != nil {
		return "", err
	}
	return "EXEC MSet " + quote(dialplan.Assignments(vars)), nil
}

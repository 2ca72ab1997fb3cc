package esl

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/calmlog"
	"github.com/ringside-pbx/ringside/internal/dialplan"
	"github.com/ringside-pbx/ringside/internal/peers"
)

// ServerOptions make a Server.
type ServerOptions struct {
	// Listen is the address that the dialplan's socket application connects to, such as 127.0.0.1:8084.
	Listen string
	// Allow are the peers that are served; others are closed before anything is said. Empty allows
	// loopback only.
	Allow []netip.Prefix
	// Deadline bounds every decision; zero is 50 ms.
	Deadline time.Duration
	// Default is the extension that a call is released with when there is no decision in time;
	// empty releases it with RINGSIDE_RESULT alone.
	Default string
	// MaxConnections bounds the calls at one time; zero is 2,000. One more is closed at once, and its
	// dialplan goes on.
	MaxConnections int
	Site           Site
	Log            *slog.Logger
}

// Site is what a FreeSWITCH has, and how targets are reached through it.
type Site struct {
	// Dial has the templates of dial strings; its mailbox is the number alone.
	Dial dialplan.Dial
	// Voicemail is the argument of the application voicemail, with ${number} once: the profile of
	// mod_voicemail, the domain and the mailbox. Empty is "default ${domain} ${number}", with FreeSWITCH's own
	// domain.
	Voicemail string
	// Music is what is played to callers who wait if no class is named; empty is
	// "local_stream://default". A class is a local stream.
	Music string
	// Ringback is the tone that a caller hears who has been answered before somebody is rung; empty is a
	// European one.
	Ringback string
	// Speech is the engine and the voice that speak texts, such as "flite|slt"; empty: none do.
	Speech string
	// Language is in which numbers are said; empty is "en".
	Language string
	// Recordings is the folder, on FreeSWITCH's machine, that talks are recorded into; empty: none are.
	Recordings string
}

func (s Site) withDefaults() Site {
	s.Voicemail = cmp.Or(s.Voicemail, "default ${domain} "+dialplan.Placeholder)
	s.Music = cmp.Or(s.Music, "local_stream://default")
	s.Ringback = cmp.Or(s.Ringback, "%(1000,4000,425)")
	s.Language = cmp.Or(s.Language, "en")
	s.Dial.Voicemail = dialplan.Placeholder
	s.Dial.Join = ","
	return s
}

// Switchboard is what the server needs of the switchboard.
type Switchboard interface {
	ringside.Handler
	// Decide decides on a call that the dialplan carries out; see ringside.Handover.
	Decide(o ringside.Offer, h ringside.Handover) (d ringside.Decision, id string)
}

// Server serves the calls for which FreeSWITCH connects. Make it with NewServer, stop it with Stop.
type Server struct {
	opt      ServerOptions
	calls    Switchboard
	listener net.Listener
	defaults []ringside.Variable // with which a late call is released
	log      *calmlog.Log

	ctx     context.Context
	cancel  context.CancelCauseFunc
	wg      sync.WaitGroup
	peers   *peers.Peers
	crew    *peers.Crew
	framers sync.Pool // of *framer
	// voicemail: mod_voicemail is known to be loaded.
	voicemail atomic.Bool
}

// NewServer binds the address and serves until Stop. An address that is taken is an error.
func NewServer(opt ServerOptions, calls Switchboard) (*Server, error) {
	s, err := newServer(opt, calls)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", opt.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening for FreeSWITCH: %w", err)
	}
	s.start(listener)
	return s, nil
}

func newServer(opt ServerOptions, calls Switchboard) (*Server, error) {
	opt.Deadline = cmp.Or(opt.Deadline, 50*time.Millisecond)
	opt.MaxConnections = cmp.Or(opt.MaxConnections, 2000)
	if len(opt.Allow) == 0 {
		opt.Allow = peers.Loopback()
	}
	opt.Site = opt.Site.withDefaults()
	defaults, err := opt.Site.Dial.Default(opt.Default)
	if err != nil {
		return nil, err
	}
	s := &Server{
		opt: opt, calls: calls, defaults: defaults, log: calmlog.New(opt.Log), peers: peers.New(opt.MaxConnections),
		framers: sync.Pool{New: func() any { return newFramer(nil) }},
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

// Stop takes no more calls, waits for those in progress until ctx ends, then gives them back to the
// dialplan with the cause, and returns how many those were. Who talks goes on talking.
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
	<-done
	return left
}

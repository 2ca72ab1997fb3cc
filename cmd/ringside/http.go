package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/control"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// httpServer serves health and the CRM's pushes.
type httpServer struct {
	server http.Server
	addr   net.Addr
	wg     sync.WaitGroup
}

// maxHTTPConnections bounds the connections, and with them the memory that strangers can take.
const maxHTTPConnections = 200

// listenHTTP serves what d.cfg.HTTP says; nil if that is nothing.
func (d *daemon) listenHTTP() (*httpServer, error) {
	c := &d.cfg.HTTP
	if c.Listen == "" {
		return nil, nil //nolint:nilnil // not to serve is no error
	}
	token, signing, err := c.secrets()
	if err != nil {
		return nil, exitError{exitUsage, err}
	}
	certificate, err := c.tls()
	if err != nil {
		return nil, exitError{exitUsage, err}
	}
	l, err := net.Listen("tcp", c.Listen) //nolint:noctx // nothing waits here
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("http.listen: another program, perhaps another ringside, listens on %s: %w", c.Listen, err)
	}
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w", err)
	}
	s := &httpServer{addr: l.Addr()}
	limited := newLimitedListener(l, maxHTTPConnections)
	l = limited
	if certificate != nil {
		l = tls.NewListener(l, certificate)
	}
	s.server = http.Server{
		Handler: d.pagesFor(crmsync.NewReceiver(crmsync.ReceiverOptions{
			Token: token, Signing: signing, Directory: crmDirectory{d.keeper}, Refresh: d.link.Refresh,
			Route: d.routeFor, Health: d.health, Ready: d.ready, Log: d.log,
		})),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: time.Minute,
		MaxHeaderBytes: 32 << 10, ConnState: limited.note, ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}
	s.wg.Go(func() { _ = s.server.Serve(l) })
	return s, nil
}

// address is where it listens; empty for a server that does not.
func (s *httpServer) address() string {
	if s == nil {
		return ""
	}
	return s.addr.String()
}

func (s *httpServer) stop(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = s.server.Close()
	}
	s.wg.Wait()
	return err
}

// limitedListener accepts no more connections than there is room for. For a new one, one makes room on
// which nothing is asked.
type limitedListener struct {
	net.Listener
	room chan struct{}

	mu   sync.Mutex
	idle []net.Conn // the longest idle one first
}

func newLimitedListener(l net.Listener, most int) *limitedListener {
	return &limitedListener{Listener: l, room: make(chan struct{}, most)}
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.enter() {
			return &limitedConn{Conn: c, leave: sync.OnceFunc(func() { <-l.room })}, nil
		}
		_ = c.Close()
	}
}

// enter takes a place; it gives false when all are taken by connections on which something goes on.
func (l *limitedListener) enter() bool {
	for {
		select {
		case l.room <- struct{}{}:
			return true
		default:
		}
		if !l.dismiss() {
			return false
		}
	}
}

// note takes note of which connections are idle; it is the server's ConnState.
func (l *limitedListener) note(c net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if state == http.StateIdle {
		l.idle = append(l.idle, c)
		return
	}
	l.idle = slices.DeleteFunc(l.idle, func(other net.Conn) bool { return other == c })
}

// dismiss closes the connection that has been idle for longest, if there is one.
func (l *limitedListener) dismiss() bool {
	l.mu.Lock()
	if len(l.idle) == 0 {
		l.mu.Unlock()
		return false
	}
	c := l.idle[0]
	l.idle = l.idle[1:]
	l.mu.Unlock()
	_ = c.Close()
	return true
}

type limitedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// routeFor decides on a call that is not there.
func (d *daemon) routeFor(ctx context.Context, q crmsync.RouteQuestion) (ringside.Explained, error) {
	return d.Route(ctx, control.RouteRequest{From: q.From, To: q.To, Endpoint: q.Endpoint, At: q.At, Owner: q.Owner})
}

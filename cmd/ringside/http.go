package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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
	l = &limitedListener{Listener: l, room: make(chan struct{}, maxHTTPConnections)}
	if certificate != nil {
		l = tls.NewListener(l, certificate)
	}
	s.server = http.Server{
		Handler: crmsync.NewReceiver(crmsync.ReceiverOptions{
			Token: token, Signing: signing, Directory: crmDirectory{d.keeper}, Refresh: d.link.Refresh,
			Route: d.routeFor, Health: d.health, Ready: d.ready, Log: d.log,
		}),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
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

// limitedListener accepts no more connections than there is room for.
type limitedListener struct {
	net.Listener
	room chan struct{}
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.room <- struct{}{}:
			return &limitedConn{Conn: c, leave: sync.OnceFunc(func() { <-l.room })}, nil
		default:
			_ = c.Close()
		}
	}
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

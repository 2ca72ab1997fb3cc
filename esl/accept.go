package esl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside/internal/dialplan"
	"github.com/ringside-pbx/ringside/internal/peers"
)

// connectWithin is how long FreeSWITCH may take to tell about the call.
const connectWithin = 5 * time.Second

// accept takes connections, as fast as they come: where nobody does, FreeSWITCH holds every caller for
// minutes. Nothing that a peer does or omits can hold it up.
func (s *Server) accept() {
	defer s.crew.End()
	peers.Accept(s.listener, func(conn net.Conn) {
		p, ok := s.peers.Add(conn, time.Now())
		if !ok {
			s.log.Warn("too many calls from FreeSWITCH: one is left to the dialplan", "limit", s.opt.MaxConnections)
			_ = conn.Close()
			return
		}
		s.crew.Take(p)
	}, func(err error) { s.log.Error("a connection of FreeSWITCH could not be accepted", "error", err) })
}

// connection serves one connection to its end, and survives whatever happens in it.
func (s *Server) connection(p *peers.Peer) {
	defer func() {
		_ = p.Conn.Close()
		s.peers.Remove(p)
		if v := recover(); v != nil {
			s.log.Error("a call of FreeSWITCH failed inside ringside", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	if !peers.Allowed(p.Conn.RemoteAddr(), s.opt.Allow) {
		s.log.Warn("a peer is not on the allow-list for FreeSWITCH", "peer", p.Conn.RemoteAddr().String())
		return
	}
	in := s.framers.Get().(*framer)
	in.r.Reset(p.Conn)
	data, err := s.connect(p.Conn, in)
	switch {
	case s.peers.WasEvicted(p):
		s.log.Warn("too many calls from FreeSWITCH: a silent connection was closed", "limit", s.opt.MaxConnections)
		return
	case err != nil:
		s.log.Warn("FreeSWITCH has not told about its call", "peer", p.Conn.RemoteAddr().String(), "error", err)
		return
	case data == nil: // the caller had left before
		return
	}
	s.peers.Heard(p)
	path, query, _ := strings.Cut(data.variable("socket_path"), "?")
	switch path {
	case "", "route":
		s.drive(p.Conn, in, data)
	case "decide":
		s.decide(p.Conn, data, query)
	default:
		s.log.Warn("the dialplan asks for what there is not: the call is left to it", "path", dialplan.Plain(path, 40), "paths", "route, decide")
		_ = s.handOver(p.Conn, data, nil)
		goodbye(p.Conn)
	}
	// Not deferred: after a panic nobody knows what else holds it.
	in.r.Reset(nil)
	s.framers.Put(in)
}

// connect asks about the call; nil is a caller who has left already. It is the first command: the reply to
// any other would be lost.
func (s *Server) connect(conn net.Conn, in *framer) (fields, error) {
	_ = conn.SetDeadline(time.Now().Add(connectWithin))
	stop := context.AfterFunc(s.ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := conn.Write([]byte(connectCommand())); err != nil {
		if gone, readErr := in.next(); readErr == nil && gone.kind() == typeNotice {
			return nil, nil
		}
		return nil, fmt.Errorf("asking about the call: %w", err)
	}
	f, err := in.first()
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the connection was closed at once")
	case err != nil:
		return nil, fmt.Errorf("asking about the call: %w", err)
	case f.kind() == typeNotice:
		return nil, nil
	case f.kind() != typeReply || !strings.HasPrefix(f.head.get("Reply-Text"), "+OK") || !channelID(f.head.get("Unique-ID")):
		return nil, fmt.Errorf("%w: it says %.80q", errProtocol, dialplan.Plain(string(f.head), 80))
	}
	_ = conn.SetDeadline(time.Time{})
	return f.head, nil
}

// drive has the switchboard drive the call until it is over for ringside.
func (s *Server) drive(conn net.Conn, in *framer, data fields) {
	out := s.newOutbound(conn, in, data)
	defer out.cancel(nil)
	var reading sync.WaitGroup
	defer reading.Wait()
	reading.Go(out.run)
	ch := &channel{outbound: out}
	defer ch.finish()
	out.begin()
	expired := make(chan struct{})
	expiry := time.AfterFunc(s.opt.Deadline, func() {
		defer close(expired)
		if !out.expire() {
			return
		}
		s.late(out.id)
		if err := ch.letGo(s.defaults); err != nil {
			s.log.Warn("the default could not be handed over", "channel", out.id, "error", err)
		}
	})
	defer func() {
		if !expiry.Stop() {
			<-expired
		}
	}()
	s.calls.ServeCall(out.ctx, ch)
}

func (s *Server) late(channel string) {
	s.log.Error("no decision within the deadline: the call was released with the default", "deadline", s.opt.Deadline, "channel", channel)
}

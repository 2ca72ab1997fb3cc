package esl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
	"github.com/ringside-pbx/ringside/internal/peers"
)

// connectWithin is how long FreeSWITCH may take to tell about the call.
const connectWithin = 5 * time.Second

// accept takes connections, as fast as they come: where nobody does, FreeSWITCH holds every caller for
// minutes. Nothing that a peer does or omits can hold it up.
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
			s.log.Error("a connection of FreeSWITCH could not be accepted", "error", err)
			time.Sleep(pause)
			continue
		}
		pause = 0
		p, ok := s.peers.Add(conn, time.Now())
		if !ok {
			s.log.Warn("too many calls from FreeSWITCH: one is left to the dialplan", "limit", s.opt.MaxConnections)
			_ = conn.Close()
			continue
		}
		s.wg.Go(func() { s.connection(p) })
	}
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
	in := newFramer(p.Conn)
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
	s.serve(p.Conn, in, data)
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
	f, err := in.next()
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

// serve drives the call until it is over for ringside.
func (s *Server) serve(conn net.Conn, in *framer, data fields) {
	sess := s.newSession(conn, in, data)
	defer sess.cancel(nil)
	s.wg.Go(sess.run)
	defer sess.finish()
	sess.begin()
	ch := &channel{session: sess}
	expired := make(chan struct{})
	expiry := time.AfterFunc(s.opt.Deadline, func() {
		defer close(expired)
		if !sess.expire() {
			return
		}
		s.log.Error("no decision within the deadline: the call was released with the default",
			"deadline", s.opt.Deadline, "channel", sess.id)
		if err := ch.letGo(s.defaults); err != nil {
			s.log.Warn("the default could not be handed over", "channel", sess.id, "error", err)
		}
	})
	defer func() {
		if !expiry.Stop() {
			<-expired
		}
	}()
	switch path, query, _ := strings.Cut(data.variable("socket_path"), "?"); path {
	case "", "route":
		s.calls.ServeCall(sess.ctx, ch)
	case "decide":
		s.decide(ch, query)
	default:
		s.log.Warn("the dialplan asks for what there is not: the call is left to it", "path", dialplan.Plain(path, 40), "paths", "route, decide")
	}
}

// decide sets the decision's variables and gives the call back: the dialplan keeps control.
func (s *Server) decide(ch *channel, query string) {
	d, id := s.calls.Decide(ch.Offer(), handover(query))
	result := ringside.ResultDecided
	vars, err := s.opt.Site.Dial.Variables(&d, id)
	switch {
	case err != nil:
		s.log.Warn("a decision can't be dialled and is released", "call", id, "error", err)
		result = ringside.ResultReleased
	case d.Action == ringside.NotFound, d.Action == ringside.NotConfigured, d.Action == ringside.Failed:
		result = ringside.ResultReleased
	}
	vars = append(vars, ringside.Variable{Name: dialplan.VarResult, Value: string(result)})
	err = ch.claim()
	if err == nil {
		err = ch.letGo(vars)
	}
	if err != nil && !errors.Is(err, ringside.ErrCallerGone) && !errors.Is(err, errLate) {
		s.log.Warn("a decision could not be handed over", "call", id, "error", err)
	}
}

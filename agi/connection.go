package agi

import (
	"fmt"
	"net"
	"runtime/debug"
	"time"

	"github.com/ringside-pbx/ringside/internal/peers"
)

// accept takes connections. Nothing that a peer does or omits can hold it up.
func (s *Server) accept() {
	defer s.crew.End()
	peers.Accept(s.listener, func(conn net.Conn) {
		p, ok := s.peers.Add(conn, time.Now())
		if !ok {
			s.wg.Go(func() { s.refuse(conn) })
			return
		}
		s.crew.Take(p)
	}, func(err error) { s.log.Error("a FastAGI connection could not be accepted", "error", err) })
}

// refuse closes a connection for which there is no room, unless it is the watchdog's: a busy
// server is not a dead one.
func (s *Server) refuse(conn net.Conn) {
	if s.own.placed(conn) {
		s.connection(s.peers.Enter(conn, time.Now()))
		return
	}
	s.log.Warn("too many FastAGI connections: one was closed", "limit", s.opt.MaxConnections)
	_ = conn.Close()
}

// connection serves one connection to its end, and survives whatever happens in it.
func (s *Server) connection(p *peers.Peer) {
	conn := p.Conn
	defer func() {
		_ = conn.Close()
		s.peers.Remove(p)
		if v := recover(); v != nil {
			s.log.Error("a FastAGI session failed inside ringside", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	if !peers.Allowed(conn.RemoteAddr(), s.opt.Allow) && !s.own.placed(conn) {
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
func (s *Server) environment(p *peers.Peer, w *wire) *environment {
	env, err := readEnvironment(w.r)
	if err != nil {
		if s.peers.WasEvicted(p) {
			s.log.Warn("too many FastAGI connections: a silent one was closed", "limit", s.opt.MaxConnections)
		} else {
			s.log.Warn("a FastAGI request could not be read", "peer", p.Conn.RemoteAddr().String(), "error", err)
		}
		return nil
	}
	s.peers.Heard(p)
	return env
}

func (s *Server) serve(conn net.Conn, w *wire, env *environment) {
	script := s.script(env)
	if script == nil {
		return
	}
	sess := newSession(s.ctx, conn, w)
	defer sess.cancel(nil)
	deadline := s.opt.Deadline
	if env.script == selfTest {
		// Whether ringside is dead is another question than whether a caller has waited too long.
		deadline = max(deadline, aliveWithin)
	}
	expiry := time.AfterFunc(deadline, func() {
		if sess.expire(s.defaults) {
			s.log.Error("no decision within the deadline: the call was released with the default",
				"script", env.script, "deadline", s.opt.Deadline, "uniqueid", env.uniqueID)
		}
	})
	defer expiry.Stop()
	script(sess.ctx, sess, env)
}

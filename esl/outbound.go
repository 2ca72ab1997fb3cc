package esl

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

var (
	errLate = errors.New("no decision within the deadline: the call was released with the default")
	errOver = errors.New("the call was given back to the dialplan")
)

const (
	// lingerFor is how many seconds FreeSWITCH keeps the connection after the call, in which the last events
	// come: without it they are lost one time in four.
	lingerFor = "10"
	// endWithin is how long the end of a connection that was asked to end is awaited.
	endWithin = time.Second
)

// outbound is one call whose data have been read, and what FreeSWITCH has told of it since.
type outbound struct {
	*conn
	server *Server
	data   fields // what the call was when FreeSWITCH connected
	id     string
	// full: FreeSWITCH takes commands about everything; async: it takes them while an application runs.
	full, async bool
	began       time.Time
	// ctx ends when the caller leaves, the connection is lost, the deadline passes or the server stops.
	ctx    context.Context
	cancel context.CancelCauseFunc
	prefix string // of the ids of applications, which are UUIDs

	mu   sync.Mutex
	runs map[string]*run
	last int // run
	// hungUp: the caller's channel has ended, or they were led away; farewell: FreeSWITCH has said that it ends the connection.
	hungUp, farewell bool
	// spoken: something was done to the call; late: the deadline passed before; done: it was given back.
	spoken, late, done bool
	// bridged is the event with which the caller was connected last, until it is taken.
	bridged   *event
	bridgedAt time.Time
	met       chan struct{} // has room for one: bridged is new
	gone      chan struct{} // closed with hungUp
	left      chan struct{} // closed when the channel of a caller who was led away has ended, or their talk there
}

// run is an application that runs on the call.
type run struct {
	id, app string
	begun   chan struct{} // closed with the event CHANNEL_EXECUTE
	ended   chan event    // room for one: the event CHANNEL_EXECUTE_COMPLETE
}

func newRun(id, app string) *run {
	return &run{id: id, app: app, begun: make(chan struct{}), ended: make(chan event, 1)}
}

// begin notes that it has begun. The outbound's mutex is held.
func (r *run) begin() {
	select {
	case <-r.begun:
	default:
		close(r.begun)
	}
}

func (s *Server) newOutbound(c net.Conn, in *framer, data fields) *outbound {
	var random [8]byte
	_, _ = rand.Read(random[:]) // it never fails
	sess := &outbound{
		server: s, data: data, id: data.get("Unique-ID"), began: time.Now(),
		full: data.plain("Control") == "full", async: data.plain("Socket-Mode") == "async",
		prefix: fmt.Sprintf("%x-%x-4%03x-8%03x-", random[:4], random[4:6], random[6], random[7]),
		runs:   map[string]*run{}, met: make(chan struct{}, 1), gone: make(chan struct{}), left: make(chan struct{}),
	}
	sess.conn = newConn(c, in, sess.hear)
	sess.ctx, sess.cancel = context.WithCancelCause(s.ctx)
	return sess
}

// run reads to the end of the connection.
func (s *outbound) run() {
	s.read()
	s.mu.Lock()
	cause := s.lost()
	if s.hungUp || s.farewell {
		cause = ringside.ErrCallerGone
	}
	s.mu.Unlock()
	s.cancel(cause)
}

// begin subscribes to what happens to the call. Nobody waits for the replies.
func (s *outbound) begin() {
	commands := []wireCommand{myEventsCommand()}
	if s.full {
		commands = append(commands, lingerCommand())
	} else {
		s.server.log.Warn("the dialplan's socket application lacks the word full: waiting callers can't be interrupted, and ends of calls may be missed",
			"wanted", "socket "+s.server.opt.Listen+" async full")
	}
	if !s.async {
		s.server.log.Warn("the dialplan's socket application lacks the word async: waiting callers can't be interrupted",
			"wanted", "socket "+s.server.opt.Listen+" async full")
	}
	_, _ = s.send(commands...)
}

// hear takes what FreeSWITCH tells, on the goroutine that reads.
func (s *outbound) hear(f frame) {
	switch f.kind() {
	case typeNotice:
		s.mu.Lock()
		if f.head.plain("Content-Disposition") == "linger" {
			s.mu.Unlock()
			s.leave()
			return
		}
		s.farewell = true
		s.mu.Unlock()
	case typeEvent:
		if e := f.event(); e.get("Unique-ID") == s.id {
			s.digest(e)
		}
	}
}

func (s *outbound) digest(e event) {
	switch e.name() {
	case "CHANNEL_EXECUTE":
		s.mu.Lock()
		if r := s.runs[e.plain("Application-UUID")]; r != nil {
			r.begin()
		}
		s.mu.Unlock()
	case "CHANNEL_EXECUTE_COMPLETE":
		s.mu.Lock()
		r := s.runs[e.plain("Application-UUID")]
		if r != nil {
			delete(s.runs, r.id)
		}
		s.mu.Unlock()
		if e.plain("Answer-State") == "hangup" || r != nil && led(e) {
			s.hangUp() // before whoever ran the application looks
		}
		if r != nil {
			r.ended <- e
		}
	case "CHANNEL_BRIDGE":
		s.mu.Lock()
		s.bridged, s.bridgedAt = &e, time.Now()
		s.mu.Unlock()
		select {
		case s.met <- struct{}{}:
		default:
		}
	case "CHANNEL_UNBRIDGE":
		s.mu.Lock()
		led := s.hungUp
		s.mu.Unlock()
		if led {
			s.leave()
		}
	case "CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE":
		s.leave()
	}
}

// leave notes that nothing more happens to the caller that could be ringside's to tell. It is called on the
// goroutine that reads.
func (s *outbound) leave() {
	s.hangUp()
	select {
	case <-s.left:
	default:
		close(s.left)
	}
}

// led reports whether the caller was led away from ringside while its application ran: by a transfer, or by
// somebody who has picked the call up. FreeSWITCH keeps the connection all the same, and would carry out on
// their talk whatever ringside asks for.
func led(e event) bool {
	// The state that the channel goes to next; that with the name is the one that it is in.
	state := e.plain("Channel-State-Number")
	return state != "" && state != executing
}

// executing is the number of the state in which a channel carries out its dialplan (CS_EXECUTE).
const executing = "4"

// hangUp notes that the caller's channel has ended, or that they were led away.
func (s *outbound) hangUp() {
	s.mu.Lock()
	first := !s.hungUp
	if first {
		s.hungUp = true
		close(s.gone)
	}
	s.mu.Unlock()
	if first {
		s.cancel(ringside.ErrCallerGone)
	}
}

// expire is what happens at the deadline of a decision: if nothing was done to the call, the deadline is the
// one that acts on it.
func (s *outbound) expire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spoken {
		return false
	}
	s.spoken, s.late = true, true
	s.cancel(errLate)
	return true
}

// claim makes expire impossible from now on. It is an error if the call is not ringside's any more.
func (s *outbound) claim() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.late:
		return errLate
	case s.done:
		return errOver
	}
	s.spoken = true
	return nil
}

// breakCommand stops what plays.
func (s *outbound) breakCommand() wireCommand {
	cmd, err := apiCommand("uuid_break", s.id, "all")
	if err != nil {
		return exitCommand() // there is no such id: it was checked when the call came
	}
	return cmd
}

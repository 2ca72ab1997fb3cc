package esl

import (
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// decide sets the decision's variables and gives the call back, all in one write: the dialplan keeps control.
func (s *Server) decide(conn net.Conn, data fields, query string) {
	id := data.get("Unique-ID")
	var once sync.Once
	say := func(vars []ringside.Variable) (err error) {
		once.Do(func() { err = s.handOver(conn, data, vars) })
		return err
	}
	expired := make(chan struct{})
	expiry := time.AfterFunc(s.opt.Deadline, func() {
		defer close(expired)
		once.Do(func() {
			s.late(id)
			_ = s.handOver(conn, data, s.defaults)
		})
	})
	d, callID := s.calls.Decide(offer(data, time.Now()), handover(query))
	vars, err := s.opt.Site.Dial.Handover(&d, callID)
	if err != nil {
		s.log.Warn("a decision can't be dialled and is released", "call", callID, "error", err)
	}
	err = say(vars)
	if !expiry.Stop() {
		<-expired
	}
	if err != nil {
		s.log.Warn("a decision could not be handed over", "call", callID, "error", err)
		return
	}
	goodbye(conn)
}

// goodbye waits a moment for FreeSWITCH to close the connection, which it does when it has done what it was
// told.
func goodbye(conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(endWithin))
	_, _ = io.Copy(io.Discard, conn)
}

// handOver sets variables and ends FreeSWITCH's application socket.
func (s *Server) handOver(conn net.Conn, data fields, vars []ringside.Variable) error {
	n := 0
	commands, err := setters(data.plain("Control") == "full", data.get("Unique-ID"), vars, func() string {
		n++
		return "ringside-" + strconv.Itoa(n)
	})
	if err != nil {
		return err
	}
	var text []byte
	for _, c := range append(commands, exitCommand()) {
		text = append(text, c...)
	}
	_ = conn.SetWriteDeadline(time.Now().Add(replyWithin))
	_, err = conn.Write(text)
	return err
}

// handover reads how a dialplan that carries out decisions reports on them.
func handover(query string) ringside.Handover {
	q, _ := url.ParseQuery(query) // what can't be read is left out
	h := ringside.Handover{Tracked: q.Get("tracked") == "1"}
	if hold, err := strconv.ParseUint(q.Get("hold"), 10, 16); err == nil {
		d := time.Duration(hold) * time.Second
		h.Hold = &d
	}
	return h
}

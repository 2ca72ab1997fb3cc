package agi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// selfTest is the script that the watchdog asks for, and alive what it is told.
const (
	selfTest = "selftest"
	alive    = "alive"
)

// aliveWithin is how long a busy server may take over its own test call.
const aliveWithin = 900 * time.Millisecond

// selfTest proves that a request goes all the way: through the listener, the environment, the
// switchboard's lock and back.
func (s *Server) selfTest(ctx context.Context, sess *session, _ *environment) {
	s.calls.Contact("")
	s.calls.Answered("", "")
	_ = sess.set(ctx, ringside.Variable{Name: dialplan.VarResult, Value: alive})
}

// own knows the watchdog's connection. It is served although the PBX alone is allowed, and although
// there is no room: the watchdog would end a daemon that only has enough to do.
type own struct {
	mu   sync.Mutex
	from string
}

// dial makes the watchdog's connection. Who asks placed meanwhile waits.
func (o *own) dial(ctx context.Context, addr string) (net.Conn, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err == nil {
		o.from = conn.LocalAddr().String()
	}
	return conn, err
}

// end forgets the watchdog's connection, before its port can be another's.
func (o *own) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.from = ""
}

// placed reports whether the watchdog has made the connection, whose other end is conn.
func (o *own) placed(conn net.Conn) bool {
	remote, ok := conn.RemoteAddr().(*net.TCPAddr)
	local, _ := conn.LocalAddr().(*net.TCPAddr)
	if !ok || local == nil || !remote.IP.Equal(local.IP) {
		return false // from another host
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.from == remote.String()
}

// SelfTest places a call of its own to the server, as Asterisk would, and waits for the answer. An
// error means that callers are not served.
func (s *Server) SelfTest(ctx context.Context) error {
	conn, err := s.own.dial(ctx, s.Addr().String())
	if err != nil {
		return fmt.Errorf("calling ringside's own FastAGI port: %w", err)
	}
	defer func() {
		s.own.end()
		_ = conn.Close()
	}()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past()) })
	defer stop()
	env := "agi_network: yes\nagi_network_script: " + selfTest
	if !s.opt.Token.IsZero() {
		env += "?token=" + s.opt.Token.Reveal()
	}
	if _, err := conn.Write([]byte(env + "\nagi_threadid: 0\n\n")); err != nil {
		return fmt.Errorf("calling ringside's own FastAGI port: %w", err)
	}
	command, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return fmt.Errorf("ringside does not serve its own call: %w", err)
	}
	if !strings.Contains(command, alive) { // the default, after the deadline
		return errors.New("ringside does not serve its own call within the deadline")
	}
	_, _ = conn.Write([]byte("200 result=0\n"))
	return nil
}

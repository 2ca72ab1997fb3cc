package agi

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/ringside-pbx/ringside"
)

// selfTest is the script that the watchdog asks for.
const selfTest = "selftest"

// selfTest proves that a request goes all the way: through the listener, the environment, the
// switchboard's lock and back.
func (s *Server) selfTest(ctx context.Context, sess *session, _ *environment) {
	s.calls.Contact("")
	s.calls.Answered("", "")
	_ = sess.set(ctx, ringside.Variable{Name: variableResult, Value: "alive"})
}

// SelfTest places a call of its own to the server, as Asterisk would, and waits for the answer. An
// error means that callers are not served.
func (s *Server) SelfTest(ctx context.Context) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.Addr().String())
	if err != nil {
		return fmt.Errorf("calling ringside's own FastAGI port: %w", err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	env := "agi_network: yes\nagi_network_script: " + selfTest
	if !s.opt.Token.IsZero() {
		env += "?token=" + s.opt.Token.Reveal()
	}
	if _, err := conn.Write([]byte(env + "\n\n")); err != nil {
		return fmt.Errorf("calling ringside's own FastAGI port: %w", err)
	}
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		return fmt.Errorf("ringside does not serve its own call: %w", err)
	}
	_, _ = conn.Write([]byte("200 result=0\n"))
	return nil
}

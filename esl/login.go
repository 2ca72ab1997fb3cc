package esl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ringside-pbx/ringside"
)

// DefaultAddress is where FreeSWITCH's event socket listens unless event_socket.conf.xml says otherwise, and
// DefaultPassword what everybody knows.
const (
	DefaultAddress  = "127.0.0.1:8021"
	DefaultPassword = "ClueCon"
)

// Login says where FreeSWITCH's event socket is and as whom to log in.
type Login struct {
	// Address is host:port; empty is DefaultAddress.
	Address string
	// User is a user of the directory (101@domain) who has an esl-password; empty logs in with the password
	// of event_socket.conf.xml, which may do everything.
	User     string
	Password ringside.Secret
	// Timeout bounds the login and every command that has no earlier deadline; 0 is 10 s.
	Timeout time.Duration
	// Log receives what an operator should know; nil discards it.
	Log *slog.Logger

	// open stands in for the network in tests.
	open func(ctx context.Context) (net.Conn, error)
}

func (l Login) withDefaults() Login {
	l.Address = cmp.Or(l.Address, DefaultAddress)
	l.Timeout = cmp.Or(l.Timeout, 10*time.Second)
	if l.Log == nil {
		l.Log = slog.New(slog.DiscardHandler)
	}
	if l.open == nil {
		d := net.Dialer{Timeout: l.Timeout, KeepAlive: 15 * time.Second}
		address := l.Address
		l.open = func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", address) }
	}
	return l
}

// ConnectError says why FreeSWITCH's event socket can't be used, and what would put it right. It is
// ringside.ErrPBXAway.
type ConnectError struct {
	Address, Reason string
	// Lines are those of event_socket.conf.xml that would put it right; nil if it is nothing there.
	Lines []string
	// Refused: it is FreeSWITCH, and it has refused the password.
	Refused bool

	cause error
}

// Error implements error.
func (e *ConnectError) Error() string {
	text := fmt.Sprintf("%v: FreeSWITCH's event socket at %s: %s", ringside.ErrPBXAway, e.Address, e.Reason)
	if len(e.Lines) > 0 {
		text += "; event_socket.conf.xml: " + strings.Join(e.Lines, " ")
	}
	return text
}

// Unwrap gives ringside.ErrPBXAway and what went wrong.
func (e *ConnectError) Unwrap() []error {
	if e.cause == nil {
		return []error{ringside.ErrPBXAway}
	}
	return []error{ringside.ErrPBXAway, e.cause}
}

// param is a line of event_socket.conf.xml.
func param(name, value string) string { return fmt.Sprintf("<param name=%q value=%q/>", name, value) }

// listenLines are those with which FreeSWITCH listens on the address.
func (l Login) listenLines() []string {
	host, port, err := net.SplitHostPort(l.Address)
	if err != nil {
		return nil
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	return []string{param("listen-ip", host), param("listen-port", port)}
}

// unreached is the error of a connection that was not made.
func (l Login) unreached(err error) error {
	e := &ConnectError{Address: l.Address, Reason: plainCause(err), cause: err}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Reason, e.Lines = "nobody listens there: FreeSWITCH does not run, or it listens elsewhere", l.listenLines()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		e.Reason = fmt.Sprintf("no connection within %s", l.Timeout)
	}
	return e
}

// plainCause is what went wrong with an address, without naming it again.
func plainCause(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err.Error()
	}
	return err.Error()
}

// ungreeted is the error of a connection on which FreeSWITCH did not ask for a password; said is what came
// instead, err what ended the wait.
func (l Login) ungreeted(said string, err error) error {
	e := &ConnectError{Address: l.Address, cause: err}
	switch {
	case said != "":
		e.Reason = fmt.Sprintf("it is no event socket: it says %q", said)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		e.Reason = fmt.Sprintf("it took the connection and has said nothing for %s: it is no event socket, or FreeSWITCH hangs", l.Timeout)
	default:
		e.Reason = "the connection ended before it said anything: " + plainCause(err)
	}
	return e
}

// rejected is the error of an address that FreeSWITCH does not let in.
func (l Login) rejected() error {
	return &ConnectError{
		Address: l.Address, Reason: "FreeSWITCH does not let this machine's address in (apply-inbound-acl)",
		Lines: []string{param("apply-inbound-acl", "A-LIST-OF-acl.conf.xml-WITH-THIS-ADDRESS")},
	}
}

// wrongPassword is the error of a refused login.
func (l Login) wrongPassword(err error) error {
	e := &ConnectError{Address: l.Address, Refused: true, cause: err}
	if l.User != "" {
		e.Reason = fmt.Sprintf("FreeSWITCH refuses the user %s: the directory has none of that name with this esl-password", l.User)
		return e
	}
	e.Reason, e.Lines = "the password is wrong", []string{param("password", "THE-ONE-OF-esl.password")}
	return e
}

// firstWords keeps the beginning of what the other side has said.
type firstWords struct {
	net.Conn
	mu   sync.Mutex
	said []byte
}

const maxFirstWords = 80

// Read implements net.Conn.
func (w *firstWords) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	if room := maxFirstWords - len(w.said); room > 0 {
		w.said = append(w.said, p[:min(n, room)]...)
	}
	return n, err
}

func (w *firstWords) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(printable(string(w.said)))
}

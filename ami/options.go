package ami

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Login says where Asterisk's manager interface is and as whom to log in.
type Login struct {
	// Address is host:port; Asterisk's defaults are 5038, and 5039 with TLS.
	Address string
	// TLS is nil for a connection in the clear.
	TLS      *tls.Config
	Username string
	Secret   ringside.Secret
	// Plain sends the secret itself; otherwise it answers a challenge (MD5), which a secret that is
	// stored as a hash in manager.conf can't.
	Plain bool
	// Events are the classes of events that are wanted, such as "call,agent"; "off" for none, empty for
	// all that the user may read.
	Events string
	// Timeout bounds the login and every action that has no earlier deadline; 0 is 10 s.
	Timeout time.Duration
	// Forged is called on the goroutine that reads for every event that can't be Asterisk's own; nil: nobody
	// is told.
	Forged func()
	// Log receives what an operator should know; nil discards it.
	Log *slog.Logger
}

func (l Login) withDefaults() Login {
	l.Timeout = cmp.Or(l.Timeout, 10*time.Second)
	if l.Forged == nil {
		l.Forged = func() {}
	}
	if l.Log == nil {
		l.Log = slog.New(slog.DiscardHandler)
	}
	return l
}

// dial connects, within the context.
func (l Login) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: l.Timeout, KeepAlive: 15 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", l.Address)
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ringside.ErrPBXAway, l.Address, cause(err))
	}
	if l.TLS == nil {
		return conn, nil
	}
	conf := l.TLS.Clone()
	if conf.ServerName == "" {
		conf.ServerName, _, _ = net.SplitHostPort(l.Address)
	}
	secure := tls.Client(conn, conf)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("%w at %s: TLS: %w", ringside.ErrPBXAway, l.Address, err)
	}
	return secure, nil
}

// cause is what went wrong with an address, without naming it again.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err
	}
	return err
}

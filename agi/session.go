package agi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/CyCoreSystems/agi"

	"github.com/ringside-pbx/ringside"
)

// replyWithin bounds every reply but those to commands that last as long as the caller pleases.
const replyWithin = 5 * time.Second

// ErrLate: there was no decision within the deadline, and the call was released with the default.
var ErrLate = errors.New("no decision within the deadline: the call was released with the default")

// session is one AGI connection whose environment has been read. One goroutine uses it.
type session struct {
	conn   net.Conn
	wire   wire
	agi    *agi.AGI
	cancel context.CancelCauseFunc

	mu sync.Mutex
	// spoken: a command has been sent; late: the deadline passed before one was.
	spoken, late bool
}

func newSession(conn net.Conn, r *wire, cancel context.CancelCauseFunc) *session {
	s := &session{conn: conn, wire: *r, cancel: cancel}
	s.wire.onHangup = func() { cancel(ringside.ErrCallerGone) }
	s.agi = agi.New(&s.wire, &s.wire)
	return s
}

// expire is what happens at the deadline of a decision: if nothing has been sent, the default is,
// and the connection ends.
func (s *session) expire(defaults string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spoken {
		return false
	}
	s.spoken, s.late = true, true
	s.cancel(ErrLate)
	_, _ = s.wire.Write([]byte(defaults + "\n"))
	// Asterisk carries out the command although nobody reads its reply, then sees the end.
	_ = s.conn.Close()
	return true
}

// claim makes the session's first command impossible for expire from now on.
func (s *session) claim() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.late {
		return ErrLate
	}
	s.spoken = true
	return nil
}

// command sends one command and waits for its reply. within bounds the reply; 0 waits as long as
// ctx does, for commands that last. Arguments must be quoted already.
//
// The errors: ErrRefused if Asterisk does not know or allow the command, and the call goes on;
// ErrCallerGone if it does not allow it because the caller has left; otherwise the connection is
// of no use any more.
func (s *session) command(ctx context.Context, within time.Duration, words ...string) (*agi.Response, error) {
	if err := s.claim(); err != nil {
		return nil, err
	}
	if s.wire.broken != nil {
		return nil, s.wire.broken
	}
	s.wire.silence = within
	_ = s.conn.SetReadDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() {
		// A caller who leaves is told by HANGUP, and the reply follows: only the end of ringside's
		// own patience interrupts a command.
		if !errors.Is(context.Cause(ctx), ringside.ErrCallerGone) {
			_ = s.conn.SetReadDeadline(time.Unix(1, 0))
		}
	})
	res := s.agi.Command(words...)
	stop()
	switch {
	case s.wire.broken != nil:
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, fmt.Errorf("%s: %w", words[0], s.wire.broken)
	case s.wire.refused:
		if errors.Is(context.Cause(ctx), ringside.ErrCallerGone) {
			return nil, ringside.ErrCallerGone
		}
		return nil, fmt.Errorf("%s: %w (status %d)", words[0], ringside.ErrRefused, res.Status)
	case res.Status != agi.StatusOK:
		return nil, fmt.Errorf("%s: %w: %w", words[0], ringside.ErrRefused, res.Error)
	}
	return res, nil
}

// set sets channel variables in one command.
func (s *session) set(ctx context.Context, vars ...ringside.Variable) error {
	if len(vars) == 0 {
		return nil
	}
	_, err := s.command(ctx, replyWithin, "EXEC", "MSet", quote(assignments(vars)))
	return err
}

// value reads an expression of channel variables, none of which a caller can put a line break in.
func (s *session) value(ctx context.Context, expression string) (string, error) {
	res, err := s.command(ctx, replyWithin, "GET FULL VARIABLE", quote(expression))
	if err != nil {
		return "", err
	}
	return res.Value, nil
}

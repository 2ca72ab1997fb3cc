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

// ErrLate says that there was no decision within the deadline, and that the call was released with the default.
var ErrLate = errors.New("no decision within the deadline: the call was released with the default")

// session is one AGI connection whose environment has been read. One goroutine uses it.
type session struct {
	conn net.Conn
	wire *wire
	// ctx ends when the caller leaves, the connection is lost, the deadline passes or the server stops.
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu sync.Mutex
	// spoken: a command has been sent; late: the deadline passed before one was.
	spoken, late bool
}

func newSession(ctx context.Context, conn net.Conn, w *wire) *session {
	s := &session{conn: conn, wire: w}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	w.onHangup = func() { s.cancel(ringside.ErrCallerGone) }
	w.onLost = func(err error) { s.cancel(err) }
	return s
}

// expire is what happens at the deadline of a decision: if nothing has been sent, the default is,
// and the connection ends. It leaves the wire alone, which belongs to the session's goroutine.
func (s *session) expire(defaults string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spoken {
		return false
	}
	s.spoken, s.late = true, true
	s.cancel(ErrLate)
	_ = s.conn.SetWriteDeadline(time.Now().Add(replyWithin))
	_, _ = s.conn.Write([]byte(defaults + "\n"))
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

// interrupted moves the read deadline to the past when ctx ends for a reason that counts. The
// function that it returns ends that, and waits until it can't happen any more: a deadline that
// is moved late would break the next command.
func (s *session) interrupted(ctx context.Context, counts func(cause error) bool) (release func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		if counts(context.Cause(ctx)) {
			_ = s.conn.SetReadDeadline(past())
		}
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// Why a read is interrupted. A caller who leaves while a command runs is told by HANGUP, and the
// reply follows: only the end of ringside's own patience interrupts a command.
func anyCause(error) bool          { return true }
func notByCaller(cause error) bool { return !errors.Is(cause, ringside.ErrCallerGone) }

// command sends one command and waits for its reply. within bounds the reply; 0 waits as long as
// ctx does, for commands that last. Arguments must be quoted already.
//
// The errors: ErrRefused if Asterisk does not know or allow the command, and the call goes on;
// ErrCallerGone if it does not allow it because the caller has left; otherwise the connection is
// of no use any more.
func (s *session) command(ctx context.Context, within time.Duration, words ...string) (*agi.Response, error) {
	// Nobody is to be rung by a server that has been stopped. To a caller who has left, commands are
	// still of use: they read how the call went.
	if ctx.Err() != nil && notByCaller(context.Cause(ctx)) {
		return nil, context.Cause(ctx)
	}
	if err := s.claim(); err != nil {
		return nil, err
	}
	if s.wire.broken != nil {
		return nil, s.wire.broken
	}
	// A command is far smaller than the send buffer of a peer that reads, so this bounds one that
	// does not; the reply's own bound is set with it.
	now := time.Now()
	if within > 0 {
		_ = s.conn.SetDeadline(now.Add(within))
	} else {
		_ = s.conn.SetReadDeadline(time.Time{})
		_ = s.conn.SetWriteDeadline(now.Add(replyWithin))
	}
	res := s.converse(ctx, words)
	switch {
	case s.wire.broken != nil:
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, ringside.ErrConnectionLost) {
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

// converse sends the command and reads its reply, interrupted when ctx ends. The session's own ctx
// needs no watching, which saves a quick decision a tenth of its garbage: when it ends, the caller
// has left and the reply comes, or the connection has been closed or interrupted.
func (s *session) converse(ctx context.Context, words []string) *agi.Response {
	switch {
	case ctx.Done() == nil:
	case ctx == s.ctx:
		if ctx.Err() != nil && notByCaller(context.Cause(ctx)) {
			// The deadline that the server's Stop set may be the one that has just been moved.
			_ = s.conn.SetReadDeadline(past())
		}
	default:
		defer s.interrupted(ctx, notByCaller)()
	}
	return s.wire.agi.Command(words...)
}

// set sets channel variables in one command.
func (s *session) set(ctx context.Context, vars ...ringside.Variable) error {
	if len(vars) == 0 {
		return nil
	}
	_, err := s.command(ctx, replyWithin, "EXEC", "MSet", fitting(vars))
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

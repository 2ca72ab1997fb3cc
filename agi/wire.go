package agi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Limits of the wire. Asterisk cuts a command at its buffer (2,047 bytes up to version 18) and runs
// the rest as the next one, so commands stay far below.
const (
	maxCommand = 1024
	maxLine    = 8 * 1024
	maxUsage   = 32 // lines of a 520 reply
)

var (
	errLineTooLong = errors.New("a line is longer than 8 KiB")
	errBadCommand  = errors.New("the command holds a line break or NUL, or is too long")
)

// wire is the guarded line transport under CyCoreSystems/agi, which reads with a buffer that it
// throws away after every command: each Read hands out exactly one logical reply, so there is
// nothing to lose. It is used by one goroutine at a time.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
	// rest is what is left of a reply that did not fit the last Read.
	rest []byte
	// started: the library has been given the empty environment it reads first.
	started bool
	// onHangup is called when Asterisk says that the channel has been hung up.
	onHangup func()
	// broken is the first error of the transport; there is no use in it afterwards.
	broken error
	// refused: the last reply was one of 510, 511 and 520.
	refused bool
	// silence is how long Asterisk may take over the next reply; 0 is for ever.
	silence time.Duration
}

// Write sends one command. The library writes each command in one piece with its line feed; that
// is checked here, because what comes after an early line feed would be another command.
func (w *wire) Write(p []byte) (int, error) {
	if w.broken != nil {
		return 0, w.broken
	}
	if len(p) > maxCommand || bytes.IndexByte(p, '\n') != len(p)-1 || bytes.ContainsAny(p, "\r\x00") {
		return 0, errBadCommand
	}
	w.refused = false
	_ = w.conn.SetWriteDeadline(time.Now().Add(replyWithin))
	n, err := w.conn.Write(p)
	if err != nil {
		w.broken = fmt.Errorf("%w: %w", ringside.ErrConnectionLost, err)
	}
	return n, err
}

// Read hands out one logical reply with its line feed.
func (w *wire) Read(p []byte) (int, error) {
	if !w.started {
		w.started = true
		return copy(p, "\n"), nil
	}
	if len(w.rest) == 0 {
		line, err := w.reply()
		if err != nil {
			return 0, err
		}
		w.rest = append(line, '\n')
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

// reply reads lines until one answers the command: HANGUP, which comes unasked and on its own, and
// progress are passed over; a usage text is folded; refusals are put in the form that the library
// can read.
func (w *wire) reply() ([]byte, error) {
	if w.silence > 0 {
		_ = w.conn.SetReadDeadline(time.Now().Add(w.silence))
	}
	for {
		line, err := w.line()
		if err != nil {
			return nil, err
		}
		switch {
		case len(line) == 0, bytes.HasPrefix(line, []byte("100 ")):
		case string(line) == "HANGUP":
			w.onHangup()
		case bytes.HasPrefix(line, []byte("520-")):
			if err := w.skipUsage(); err != nil {
				return nil, err
			}
			w.refused = true
			return []byte("520 result=-1 (usage)"), nil
		case bytes.HasPrefix(line, []byte("510")), bytes.HasPrefix(line, []byte("511")), bytes.HasPrefix(line, []byte("520")):
			w.refused = true
			return append(line[:3:3], " result=-1 (refused)"...), nil
		default:
			return bytes.Clone(line), nil
		}
	}
}

// skipUsage reads the rest of a multi-line 520 reply.
func (w *wire) skipUsage() error {
	for range maxUsage {
		line, err := w.line()
		if err != nil {
			return err
		}
		if bytes.HasPrefix(line, []byte("520 ")) {
			return nil
		}
	}
	w.broken = fmt.Errorf("%w: a usage text does not end", ringside.ErrConnectionLost)
	return w.broken
}

// line reads one line without its end. It is valid until the next one is read.
func (w *wire) line() ([]byte, error) {
	if w.broken != nil {
		return nil, w.broken
	}
	line, err := w.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		err = errLineTooLong
	case errors.Is(err, io.EOF):
		err = io.EOF
	}
	if err != nil {
		w.broken = fmt.Errorf("%w: %w", ringside.ErrConnectionLost, err)
		return nil, w.broken
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

// hungUp waits for Asterisk to say that the caller has left; it returns early, with nil, when the
// read deadline is moved to the past, and keeps what it had read of a line.
func (w *wire) hungUp() error {
	_ = w.conn.SetReadDeadline(time.Time{})
	for {
		// Peek keeps a partial line in the buffer when the deadline passes.
		for n := 1; ; n = w.r.Buffered() + 1 {
			buffered, err := w.r.Peek(n)
			if bytes.IndexByte(buffered, '\n') >= 0 {
				break
			}
			var timeout net.Error
			switch {
			case err == nil:
			case errors.As(err, &timeout) && timeout.Timeout():
				return nil
			default:
				w.broken = fmt.Errorf("%w: %w", ringside.ErrConnectionLost, err)
				return w.broken
			}
		}
		line, err := w.line()
		if err != nil {
			return err
		}
		if string(line) == "HANGUP" {
			w.onHangup()
			return ringside.ErrCallerGone
		}
	}
}

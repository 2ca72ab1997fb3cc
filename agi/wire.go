package agi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/CyCoreSystems/agi"

	"github.com/ringside-pbx/ringside"
)

// Limits of the wire. Asterisk cuts a command at its buffer (2,047 bytes up to version 18) and runs
// the rest as the next one, so commands stay far below.
const (
	maxCommand = 1024
	maxLine    = 8 * 1024
	maxUsage   = 32 // lines of a 520 reply
	// readBuffer is what a connection costs while it is silent, and holds a usual environment.
	readBuffer = 2 * 1024
)

var (
	errLineTooLong = errors.New("a line is longer than 8 KiB")
	errBadCommand  = errors.New("the command holds a line break or NUL, or is too long")
	errNoReply     = errors.New("what came is no reply")
)

// wire is the guarded line transport under CyCoreSystems/agi, which reads with a buffer that it
// throws away after every command: each Read hands out exactly one logical reply, so there is
// nothing to lose. It is used by one goroutine at a time, and by one connection after another.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
	// agi makes the commands and reads the replies.
	agi *agi.AGI
	// rest is what is left of a reply that did not fit the last Read; long holds one that did not
	// fit the reader's buffer.
	rest, long []byte
	// onHangup is called when Asterisk says that the channel has been hung up.
	onHangup func()
	// onLost is told the first error of the transport, as broken is; nil tells nobody.
	onLost func(error)
	// broken is the first error of the transport; there is no use in it afterwards.
	broken error
	// refused: the last reply was one of 510, 511 and 520.
	refused bool
}

func newWire() *wire {
	w := &wire{r: bufio.NewReaderSize(nil, readBuffer)}
	// The library reads the environment first, which is ringside's own business: it gets none.
	w.rest = []byte("\n")
	w.agi = agi.New(w, w)
	return w
}

// begin makes w the wire of a connection.
func (w *wire) begin(conn net.Conn) {
	w.conn = conn
	w.r.Reset(conn)
	w.rest, w.long, w.onHangup, w.onLost, w.broken, w.refused = nil, nil, nil, nil, nil, false
}

// Write sends one command. The library writes each command in one piece with its line feed; that
// is checked here, because what comes after an early line feed would be another command.
func (w *wire) Write(p []byte) (int, error) {
	if w.broken != nil {
		return 0, w.broken
	}
	if len(p) == 0 || len(p) > maxCommand || bytes.IndexByte(p, '\n') != len(p)-1 || bytes.ContainsAny(p, "\r\x00") {
		return 0, errBadCommand
	}
	w.refused = false
	n, err := w.conn.Write(p)
	if err != nil {
		_ = w.fail(err)
	}
	return n, err
}

// Read hands out one logical reply with its line feed.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.rest) == 0 {
		line, err := w.reply()
		if err != nil {
			return 0, err
		}
		// A whole reply goes straight to the library's buffer.
		if len(line) < len(p) {
			n := copy(p, line)
			p[n] = '\n'
			return n + 1, nil
		}
		w.rest = append(bytes.Clone(line), '\n')
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

// reply reads lines until one answers the command: HANGUP, which comes unasked and on its own, and
// progress are passed over; a usage text is folded; refusals are put in the form that the library
// can read. What is none of these means that the two sides have lost each other, and there is no
// use in the connection. The line is valid until the next one is read.
func (w *wire) reply() ([]byte, error) {
	for {
		line, err := w.line()
		if err != nil {
			return nil, err
		}
		switch {
		case len(line) == 0, bytes.HasPrefix(line, []byte("100 ")):
		case string(line) == "HANGUP":
			w.onHangup()
		case bytes.HasPrefix(line, []byte("200 result=")):
			return line, nil
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
			return nil, w.fail(errNoReply)
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
	return w.fail(errors.New("a usage text does not end"))
}

func (w *wire) fail(err error) error {
	w.broken = fmt.Errorf("%w: %w", ringside.ErrConnectionLost, err)
	if w.onLost != nil {
		w.onLost(w.broken)
	}
	return w.broken
}

// line reads one line without its end. It is valid until the next one is read.
func (w *wire) line() ([]byte, error) {
	if w.broken != nil {
		return nil, w.broken
	}
	line, err := w.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		w.long = w.long[:0]
		for errors.Is(err, bufio.ErrBufferFull) && len(w.long)+len(line) <= maxLine {
			w.long = append(w.long, line...)
			line, err = w.r.ReadSlice('\n')
		}
		w.long = append(w.long, line...)
		if line = w.long; errors.Is(err, bufio.ErrBufferFull) || len(line) > maxLine {
			err = errLineTooLong
		}
	}
	if err != nil {
		return nil, w.fail(err)
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

// hungUp waits for Asterisk to say that the caller has left; it returns early, with nil, when the
// read deadline is moved to the past, and keeps what it had read of a line.
func (w *wire) hungUp() error {
	for {
		// Peek keeps a partial line in the buffer when the deadline passes.
		for {
			buffered, _ := w.r.Peek(w.r.Buffered())
			if bytes.IndexByte(buffered, '\n') >= 0 {
				break
			}
			_, err := w.r.Peek(len(buffered) + 1)
			var timeout net.Error
			switch {
			case err == nil:
			case errors.As(err, &timeout) && timeout.Timeout():
				return nil
			case errors.Is(err, bufio.ErrBufferFull):
				return w.fail(errLineTooLong)
			default:
				return w.fail(err)
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

// past is a deadline that has passed: it ends a read that is under way.
func past() time.Time { return time.Unix(1, 0) }

var _ io.ReadWriter = (*wire)(nil)

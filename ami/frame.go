package ami

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// Bounds of what is read. Asterisk's longest messages are answers to Command and ListCommands.
const (
	maxMessage = 4 << 20
	firstBuf   = 64 << 10
)

// errTooLong is a message that can't be Asterisk's.
var errTooLong = fmt.Errorf("a message is longer than %d bytes", maxMessage)

// framer cuts a stream into messages. It reads as much as there is and copies nothing that it hands out.
type framer struct {
	from io.Reader
	buf  []byte
	// buf[start:end] has been read and not been handed out; lines are where the lines end in buf[:seen],
	// and of buf[start:] those from lines[line] on.
	start, seen, end int
	lines            []int32
	line             int
	// modern: no answer has the form that a command's had until Asterisk 13. A caller could write it into
	// their number, and all that follows would be taken for the output of a command.
	modern bool
	// views are of the message that was handed out and of the one ahead of it; current is whose turn it is.
	views   [2]view
	current int
	// ahead is the next message, if somebody has looked at it already.
	ahead *Message
	at    time.Time // when something was read last
}

func newFramer(from io.Reader) *framer { return &framer{from: from, buf: make([]byte, firstBuf)} }

const (
	blank   = "\r\n\r\n"
	newline = "\r\n"
	// Until Asterisk 13, the output of a command came as it was, ended by a line of its own.
	follows   = "Response: Follows\r\n"
	endOutput = "--END COMMAND--\r\n\r\n"
)

func begins(b []byte, with string) bool { return len(b) >= len(with) && string(b[:len(with)]) == with }

// banner reads the one line with which Asterisk greets.
func (f *framer) banner() (string, error) {
	for {
		if i := bytes.Index(f.buf[f.start:f.end], []byte(newline)); i >= 0 {
			text := string(f.buf[f.start : f.start+i])
			f.start += i + len(newline)
			return text, nil
		}
		if f.end-f.start > 1024 {
			return "", errors.New("the greeting is no line of a manager interface")
		}
		if err := f.more(); err != nil {
			return "", err
		}
	}
}

// next gives the next message, which is valid until the call after. io.EOF is the end between two
// messages.
func (f *framer) next() (Message, error) {
	if m := f.ahead; m != nil {
		f.ahead = nil
		return *m, nil
	}
	for {
		if m, ok := f.cut(); ok {
			return m, nil
		}
		if f.end-f.start > maxMessage {
			return Message{}, errTooLong
		}
		if err := f.more(); err != nil {
			if errors.Is(err, io.EOF) && f.end > f.start {
				err = io.ErrUnexpectedEOF
			}
			return Message{}, err
		}
	}
}

// peek gives the message after the one that was handed out last, if it has been read already. It will be
// the next one; both are valid until the call after next.
func (f *framer) peek() (Message, bool) {
	if f.ahead == nil {
		m, ok := f.cut()
		if !ok {
			return Message{}, false
		}
		f.ahead = &m
	}
	return *f.ahead, true
}

// unread is what has been read and is no whole message.
func (f *framer) unread() []byte { return f.buf[f.start:f.end] }

// cut takes a whole message off the buffer, if there is one.
func (f *framer) cut() (Message, bool) {
	// An empty message is what is left of an answer that ended twice.
	for begins(f.buf[f.start:f.end], newline) {
		f.start += len(newline)
	}
	if !f.modern && begins(f.buf[f.start:f.end], follows) {
		i := bytes.Index(f.buf[f.start:f.end], []byte(endOutput))
		if i < 0 {
			return Message{}, false
		}
		raw := f.buf[f.start : f.start+i]
		f.start += i + len(endOutput)
		return followed(raw), true
	}
	if f.seen < f.end {
		f.lines = appendLines(f.lines, f.buf[:f.end], f.seen)
		f.seen = f.end
	}
	for f.line < len(f.lines) && int(f.lines[f.line]) < f.start {
		f.line++
	}
	for i := f.line + 1; i < len(f.lines); i++ {
		if f.lines[i] != f.lines[i-1]+int32(len(newline)) {
			continue
		}
		v := &f.views[f.current]
		f.current = 1 - f.current
		v.at, v.lines, v.start = f.at, f.lines[f.line:i], int32(f.start)
		m := Message{f.buf[f.start : f.lines[i]-1], v}
		f.start, f.line = int(f.lines[i])+1, i+1
		return m, true
	}
	return Message{}, false
}

// followed gives an old command's answer the form that newer ones have: a header Output for each line.
func followed(raw []byte) Message {
	var b bytes.Buffer
	output := false
	for line := range bytes.Lines(raw) {
		line = bytes.TrimRight(line, "\r\n")
		// Headers come first; what looks like one in the output is output.
		if name, _, _ := cut(line); !output && (same(name, "Response") || same(name, "Privilege") || same(name, "ActionID")) {
			b.Write(line)
		} else {
			output = true
			b.WriteString("Output: ")
			b.Write(line)
		}
		b.WriteString(newline)
	}
	return Message{raw: b.Bytes()}
}

// more reads on, into room that it makes.
func (f *framer) more() error {
	if f.start == f.end || f.end == len(f.buf) {
		if f.start > len(f.buf)/2 || f.start == f.end {
			copy(f.buf, f.buf[f.start:f.end])
		} else {
			bigger := make([]byte, 2*len(f.buf))
			copy(bigger, f.buf[f.start:f.end])
			f.buf = bigger
		}
		f.lines = f.lines[:copy(f.lines, f.lines[f.line:])]
		for i := range f.lines {
			f.lines[i] -= int32(f.start)
		}
		f.line = 0
		f.seen = max(f.seen-f.start, 0)
		f.end -= f.start
		f.start = 0
	}
	n, err := f.from.Read(f.buf[f.end:])
	f.end += n
	f.at = time.Now()
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

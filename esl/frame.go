package esl

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Bounds of what is read. Variables make an event as large as they please; one of 20 KB makes it 73 KB.
const (
	maxHead = 1 << 20
	maxBody = 8 << 20
)

// errProtocol says that what was received can't be FreeSWITCH's.
var errProtocol = errors.New("this is not FreeSWITCH's event socket")

// frame is one message from FreeSWITCH: the outer headers, and the body if there is one.
type frame struct {
	head fields
	body []byte
}

// The types of frames, in Content-Type.
const (
	typeAuth      = "auth/request"
	typeReply     = "command/reply"
	typeAPI       = "api/response"
	typeEvent     = "text/event-plain"
	typeNotice    = "text/disconnect-notice"
	typeRejection = "text/rude-rejection"
)

func (f frame) kind() string { return f.head.plain("Content-Type") }

// framer reads frames.
type framer struct {
	r *bufio.Reader
	// room is for the headers of the first frame.
	room []byte
}

func newFramer(r io.Reader) *framer { return &framer{r: bufio.NewReaderSize(r, frameBuffer)} }

const frameBuffer = 16 << 10

// typicalHead is the size of most headers.
const typicalHead = 256

// next reads a frame. What it returns is the caller's. io.EOF says that the stream has ended between frames.
func (f *framer) next() (frame, error) { return f.read(make([]byte, 0, typicalHead)) }

// first is next for what is of no use any more when the framer is used again: its headers, of 8 KB mostly, are
// read where those of the last first frame were.
func (f *framer) first() (frame, error) {
	fr, err := f.read(f.room[:0])
	if cap(fr.head) > cap(f.room) && cap(fr.head) <= 4*frameBuffer {
		f.room = fr.head[:0]
	}
	return fr, err
}

func (f *framer) read(room []byte) (frame, error) {
	head, err := f.head(room)
	if err != nil {
		return frame{}, err
	}
	n, err := bodyLength(head)
	if err != nil || n == 0 {
		return frame{head: head}, err
	}
	body := make([]byte, min(n, 64<<10))
	if _, err := io.ReadFull(f.r, body); err != nil {
		return frame{}, cutShort(err)
	}
	// What is claimed is believed as it comes.
	for len(body) < n {
		part := make([]byte, min(n-len(body), len(body)))
		if _, err := io.ReadFull(f.r, part); err != nil {
			return frame{}, cutShort(err)
		}
		body = append(body, part...)
	}
	return frame{head: head, body: body}, nil
}

// head reads header lines to the blank line that ends them; blank lines before them are skipped.
func (f *framer) head(head []byte) (fields, error) {
	for begun := false; ; {
		line, err := f.r.ReadSlice('\n')
		if len(head)+len(line) > maxHead {
			return nil, fmt.Errorf("%w: more than %d bytes of headers", errProtocol, maxHead)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			head, begun = append(head, line...), true
			continue
		case err != nil && len(head)+len(line) > 0:
			return nil, cutShort(err)
		case err != nil:
			return nil, err
		}
		if room := len(head) + len(line); room > cap(head) { // what has come already will be needed, too
			head = append(make([]byte, 0, max(2*cap(head), room+f.r.Buffered())), head...)
		}
		whole := len(head) == 0 || head[len(head)-1] == '\n'
		if whole && len(bytes.TrimRight(line, "\r\n")) == 0 {
			if begun {
				return head, nil
			}
			continue
		}
		head, begun = append(head, line...), true
	}
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// bodyLength is what Content-Length says, 0 without it.
func bodyLength(head fields) (int, error) {
	v, ok := head.raw("Content-Length")
	if !ok {
		return 0, nil
	}
	n := 0
	for _, c := range v {
		if c < '0' || c > '9' || n > maxBody {
			return 0, fmt.Errorf("%w: the Content-Length %.20q is not between 0 and %d", errProtocol, v, maxBody)
		}
		n = 10*n + int(c-'0')
	}
	if len(v) == 0 || n > maxBody {
		return 0, fmt.Errorf("%w: the Content-Length %.20q is not between 0 and %d", errProtocol, v, maxBody)
	}
	return n, nil
}

// event is what the body of a frame of typeEvent holds.
type event struct {
	fields
	// body is the event's own, such as what a job has printed.
	body []byte
}

func (f frame) event() event {
	head, body, _ := bytes.Cut(f.body, []byte("\n\n"))
	n, err := bodyLength(head)
	if err != nil || n > len(body) {
		n = len(body)
	}
	return event{fields: head, body: body[:n]}
}

// name is the event's name, such as CHANNEL_HANGUP; of a custom one its subclass.
func (e event) name() string {
	if name := e.plain("Event-Name"); name != "CUSTOM" {
		return name
	}
	return e.get("Event-Subclass")
}

// at is when the event was made, by FreeSWITCH's clock; the zero time if it does not tell.
func (e event) at() time.Time {
	us, err := strconv.ParseInt(e.plain("Event-Date-Timestamp"), 10, 64)
	if err != nil || us <= 0 {
		return time.Time{}
	}
	return time.UnixMicro(us)
}

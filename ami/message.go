package ami

import (
	"bytes"
	"iter"
	"strings"
	"time"
)

// Message is one message of Asterisk: a response or an event. It is a view of the bytes as they came; one
// that is handed to a Sink is valid until the Sink returns, and Clone keeps it.
type Message struct {
	// raw are header lines, each ended by CR LF.
	raw []byte
	*view
}

// view is what is known of a message as long as it is valid; nil: nothing.
type view struct {
	// at is when it was read.
	at time.Time
	// lines are where its lines end, counted from before its start.
	lines []int32
	start int32
}

// ParseMessage makes a message of its text, of which every line ends with CR LF.
func ParseMessage(text string) Message { return Message{raw: []byte(text)} }

// Clone gives a copy that stays.
func (m Message) Clone() Message { return Message{raw: bytes.Clone(m.raw)} }

// ends are where the lines end.
func (m Message) ends() view {
	if m.view != nil {
		return *m.view
	}
	return view{lines: appendLines(nil, m.raw, 0)}
}

// read is when the message came; the present if that is not known any more.
func (m Message) read() time.Time {
	if m.view != nil {
		return m.at
	}
	return time.Now()
}

// cut splits the first line off lines: its name, its value, and the rest. A line without a colon has no
// name.
func cut(lines []byte) (name, value, rest []byte) {
	for from := 0; ; {
		i := bytes.IndexByte(lines[from:], '\n')
		if i < 0 {
			rest = lines[len(lines):]
			break
		}
		i += from
		// A line feed alone is part of a value.
		if i > 0 && lines[i-1] == '\r' {
			lines, rest = lines[:i-1], lines[i+1:]
			break
		}
		from = i + 1
	}
	i := bytes.IndexByte(lines, ':')
	if i < 0 {
		return nil, lines, rest
	}
	name, value = lines[:i], lines[i+1:]
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	return name, value, rest
}

// Headers gives the headers in their order, repeated ones each. They are valid as long as the message is.
func (m Message) Headers() iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for rest := m.raw; len(rest) > 0; {
			var name, value []byte
			name, value, rest = cut(rest)
			if !yield(name, value) {
				return
			}
		}
	}
}

// first is the first header: "Event" or "Response", and which.
func (m Message) first() (name, value []byte) {
	name, value, _ = cut(m.raw)
	return name, value
}

// event is the event's name; nil for a response.
func (m Message) event() []byte {
	const start = "Event: "
	if m.view != nil && len(m.lines) > 0 && begins(m.raw, start) {
		return m.raw[len(start) : m.lines[0]-m.start-1]
	}
	if name, value := m.first(); same(name, "Event") {
		return value
	}
	return nil
}

// find gives the first header of a name in any case.
func (m Message) find(name string) []byte {
	for rest := m.raw; len(rest) > 0; {
		var n, v []byte
		n, v, rest = cut(rest)
		if same(n, name) {
			return v
		}
	}
	return nil
}

// same compares names of ASCII letters without regard to case.
func same(a []byte, b string) bool {
	return len(a) == len(b) && (string(a) == b || strings.EqualFold(string(a), b))
}

// Get gives the value of the first header of a name, in any case; empty if there is none.
func (m Message) Get(name string) string { return string(m.find(name)) }

// Has reports whether there is a header of that name.
func (m Message) Has(name string) bool { return m.find(name) != nil }

// All gives the values of all headers of a name.
func (m Message) All(name string) []string {
	var all []string
	for n, v := range m.Headers() {
		if same(n, name) {
			all = append(all, string(v))
		}
	}
	return all
}

// Event is the event's name; empty for a response.
func (m Message) Event() string { return string(m.event()) }

// Response is "Success", "Error", "Goodbye" …; empty for an event.
func (m Message) Response() string {
	if name, value := m.first(); same(name, "Response") {
		return string(value)
	}
	return ""
}

// String gives the message as text with one header per line.
func (m Message) String() string { return strings.ReplaceAll(string(m.raw), "\r\n", "\n") }

package ami

import (
	"bytes"
	"encoding/binary"
	"math"
)

// judge tells sound events from forged ones on one connection. It belongs to the goroutine that reads.
//
// Nearly all events have the headers that the one of the same name before them had: those are known to be
// sound by their names, without being looked at one by one.
type judge struct {
	seal  seal
	known map[string]*headers
}

// headers are the names in a sound event.
type headers struct {
	// starts are the beginnings of its lines: the name with its colon, or the whole line where the value
	// is the same in all events.
	starts []start
	// head are the first of them, which all events have.
	head int
}

// start is the beginning of a line, and the part of it that is compared at once.
type start struct {
	text       string
	word, mask uint64
}

func newStart(text string) start {
	var first [8]byte
	n := copy(first[:], text)
	return start{text, binary.LittleEndian.Uint64(first[:]), math.MaxUint64 >> (64 - 8*n)}
}

const stamp = "Timestamp: "

// maxKnown bounds what is remembered: Asterisk has fewer kinds of events.
const maxKnown = 300

// system tells the judge what Asterisk calls itself.
func (j *judge) system(name string) {
	if name != j.seal.system {
		j.seal.system, j.known = name, nil
	}
}

// sound reports whether an event can be Asterisk's own.
func (j *judge) sound(m Message) bool {
	if j.recall(m) {
		return true
	}
	name := m.event()
	h := j.known[string(name)]
	if !m.sound(j.seal) {
		return false
	}
	if !j.seal.stamped && m.Has("Timestamp") {
		j.seal.stamped, j.known = true, nil
	}
	if j.known == nil {
		j.known = map[string]*headers{}
	}
	if h == nil && len(j.known) < maxKnown {
		h = &headers{}
		j.known[string(name)] = h
	}
	if h != nil {
		h.learn(m, j.seal)
	}
	return true
}

// recall reports whether an event has the headers of a sound one before it.
func (j *judge) recall(m Message) bool {
	name := m.event()
	h := j.known[string(name)]
	if h == nil {
		return false
	}
	ends := m.ends()
	return begins(name, "QueueMember") && h.ofMember(m.raw, ends) || h.fit(m.raw, ends)
}

// fit reports whether a message has these headers, and no line break but at the ends of lines.
func (h *headers) fit(raw []byte, ends view) bool {
	return len(ends.lines) == len(h.starts) && h.begin(raw, ends, len(h.starts)) &&
		bytes.Count(raw, []byte{'\r'}) == len(ends.lines) && bytes.Count(raw, []byte{'\n'}) == len(ends.lines)
}

// begin reports whether the first lines have the names that they should have. The message has as many lines
// as there are names.
func (h *headers) begin(raw []byte, ends view, lines int) bool {
	from := 0
	for i := range h.starts[:lines] {
		s, line := &h.starts[i], raw[from:]
		if len(line) < 8 {
			if !begins(line, s.text) {
				return false
			}
		} else if (binary.LittleEndian.Uint64(line)^s.word)&s.mask != 0 || len(s.text) > 8 && !begins(line[8:], s.text[8:]) {
			return false
		}
		to := int(ends.lines[i] - ends.start)
		if s.text == stamp && !isTimestamp(line[len(stamp):to-1-from]) {
			return false
		}
		from = to + 1
	}
	return true
}

// shortestMember is less than Asterisk's shortest event about a queue's member has, in bytes, and more than
// a caller can write.
const shortestMember = 250

// ofMember reports whether an event about a queue's member can be Asterisk's own. It has nothing in it that
// a caller chooses; a forged one is either shorter than any of Asterisk's, or ends with what is left of the
// event that it was written into. A busy site has more of these events than of all others.
func (h *headers) ofMember(raw []byte, ends view) bool {
	last := len(h.starts) - 1
	return len(raw) >= shortestMember && len(ends.lines) == len(h.starts) && last > 0 &&
		h.begin(raw, ends, h.head) && begins(raw[ends.lines[last-1]-ends.start+1:], h.starts[last].text)
}

func (h *headers) learn(m Message, s seal) {
	h.starts, h.head = h.starts[:0], 0
	for rest := m.raw; len(rest) > 0; {
		line := rest
		var name []byte
		name, _, rest = cut(rest)
		n := string(name)
		if n == "Event" || n == "Privilege" || n == "Timestamp" || n == "SystemName" {
			h.head++
		}
		switch n {
		case "Event":
			h.starts = append(h.starts, newStart(string(line[:len(line)-len(rest)])))
		case "SystemName":
			if s.system != "" {
				h.starts = append(h.starts, newStart(string(line[:len(line)-len(rest)])))
				continue
			}
			fallthrough
		default:
			h.starts = append(h.starts, newStart(n+": "))
		}
	}
}

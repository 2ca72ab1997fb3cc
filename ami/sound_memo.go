package ami

import "bytes"

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
	starts []string
}

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
	_, name, _ := cut(m.raw)
	ends := m.ends()
	h := j.known[string(name)]
	if h != nil && h.fit(m.raw, ends) {
		return true
	}
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

// fit reports whether a message has these headers, and no line break but at the ends of its lines.
func (h *headers) fit(raw []byte, ends view) bool {
	if len(ends.lines) != len(h.starts) {
		return false
	}
	from := 0
	for i, start := range h.starts {
		if !begins(raw[from:], start) {
			return false
		}
		from = int(ends.lines[i]-ends.start) + 1
	}
	return bytes.Count(raw, []byte{'\r'}) == len(ends.lines) && bytes.Count(raw, []byte{'\n'}) == len(ends.lines)
}

func (h *headers) learn(m Message, s seal) {
	h.starts = h.starts[:0]
	for rest := m.raw; len(rest) > 0; {
		line := rest
		var name []byte
		name, _, rest = cut(rest)
		switch n := string(name); n {
		case "Event":
			h.starts = append(h.starts, string(line[:len(line)-len(rest)]))
		case "SystemName":
			if s.system != "" {
				h.starts = append(h.starts, string(line[:len(line)-len(rest)]))
				continue
			}
			fallthrough
		default:
			h.starts = append(h.starts, n+":")
		}
	}
}

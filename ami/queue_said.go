package ami

// said is what an event or an item of a list says of a queue. Texts are valid as long as the message.
type said struct {
	text [texts][]byte
	num  [fields]int
}

// layout is where in the latest message of a kind the headers were that are wanted. The next one has as
// many lines and the same headers in those places; if it does not, it is read line by line.
type layout struct {
	lines  int
	wanted []place
}

type place struct {
	line  int
	start string // the header's name, the colon and the space
	field field
}

// maxPlaces bounds a layout: a message that has more of what is wanted is none of Asterisk's.
const maxPlaces = 32

// read takes what queues are about from a message. It is what most of the time goes into.
func (w *said) read(m Message, known *layout) {
	ends := m.ends()
	if w.quick(m.raw, ends, known) {
		return
	}
	*w = said{}
	known.lines, known.wanted = len(ends.lines), known.wanted[:0]
	rest := m.raw
	for i := 0; len(rest) > 0; i++ {
		line := rest
		var name, value []byte
		name, value, rest = cut(rest)
		f := fieldOf(name)
		if f == fields {
			continue
		}
		w.put(f, value)
		// Asterisk writes a space after the colon.
		if start := string(name) + ": "; begins(line, start) && len(known.wanted) < maxPlaces {
			known.wanted = append(known.wanted, place{i, start, f})
		} else {
			known.lines = -1
		}
	}
}

// quick reads a message that is laid out like the one before it.
func (w *said) quick(raw []byte, ends view, known *layout) bool {
	if len(ends.lines) != known.lines {
		return false
	}
	*w = said{}
	for i := range known.wanted {
		p := &known.wanted[i]
		from, to := 0, int(ends.lines[p.line]-ends.start)-1
		if p.line > 0 {
			from = int(ends.lines[p.line-1]-ends.start) + 1
		}
		if line := raw[from:to]; begins(line, p.start) {
			w.put(p.field, line[len(p.start):])
			continue
		}
		return false
	}
	return true
}

func (w *said) put(f field, value []byte) {
	switch {
	case f < texts:
		w.text[f] = value
	case f < fields:
		w.num[f] = number(value)
	}
}

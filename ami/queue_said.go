package ami

// said is what an event or an item of a list says of a queue. Texts are valid as long as the message.
type said struct {
	text [texts][]byte
	num  [fields]int
}

// layout is which headers came in which place in the latest message of a kind. They come in the same ones
// each time, so that a comparison tells what a search would.
type layout [48]struct {
	start string // the name, the colon and the space
	field field
}

// read takes what queues are about from a message. It is what most of the time goes into.
func (w *said) read(m Message, known *layout) {
	*w = said{}
	from, ends := 0, m.ends()
	for i, end := range ends.lines {
		end := int(end-ends.start) - 1
		if end > len(m.raw) || end < from {
			return // it is no line
		}
		line := m.raw[from:end]
		from = end + len(newline)
		if i >= len(known) {
			name, value, _ := cut(line)
			w.put(fieldOf(name), value)
			continue
		}
		k := &known[i]
		if k.start == "" || !begins(line, k.start) {
			name, value, _ := cut(line)
			k.start, k.field = "", fieldOf(name)
			if at := len(line) - len(value); len(name)+2 == at && at < maxQueueText {
				k.start = string(line[:at])
			}
		}
		if k.start != "" {
			w.put(k.field, line[len(k.start):])
		}
	}
}

func (w *said) put(f field, value []byte) {
	switch {
	case f < texts:
		w.text[f] = value
	case f < fields:
		w.num[f] = number(value)
	}
}

package plan

import (
	"strings"
	"unicode/utf8"
)

// char writes a character that stands for itself.
func (w *pcreWriter) char(r rune) {
	if r >= utf8.RuneSelf {
		for _, b := range []byte(string(r)) {
			w.hex(b)
		}
		return
	}
	w.ascii(byte(r))
}

func (w *pcreWriter) ascii(b byte) {
	switch {
	case b >= '0' && b <= '9', b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '@', b == ':', b == ' ':
		w.put(string(rune(b)))
	case b == '+', b == '*', b == '.', b == '#', b == '_', b == '-':
		w.put("[" + string(rune(b)) + "]")
	default:
		w.hex(b)
	}
}

func (w *pcreWriter) hex(b byte) {
	const digits = "0123456789abcdef"
	w.put(`\x` + string(digits[b>>4]) + string(digits[b&15]))
}

// class writes a set of characters, as pairs of first and last: those of one byte as a class, others as the
// bytes that they are made of.
func (w *pcreWriter) class(pairs []rune) {
	var options []string
	var small pcreWriter
	for i := 0; i+1 < len(pairs); i += 2 {
		from, to := pairs[i], pairs[i+1]
		if from < utf8.RuneSelf {
			small.span(byte(from), byte(min(to, utf8.RuneSelf-1)))
		}
		options = append(options, wide(max(from, utf8.RuneSelf), to)...)
	}
	if small.text.Len() > 0 {
		options = append([]string{"[" + small.String() + "]"}, options...)
	}
	switch len(options) {
	case 0:
		w.put(`(?:\A\b\z)`)
	case 1:
		w.put(options[0])
	default:
		w.put("(?:" + strings.Join(options, "|") + ")")
	}
}

// span writes a range of bytes within a class.
func (w *pcreWriter) span(from, to byte) {
	w.member(from)
	if to > from {
		w.put("-")
		w.member(to)
	}
}

func (w *pcreWriter) member(b byte) {
	if b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '+' || b == '*' || b == '.' || b == '#' {
		w.put(string(rune(b)))
		return
	}
	w.hex(b)
}

// wide gives the sequences of bytes of a range of characters beyond ASCII.
func wide(from, to rune) (sequences []string) {
	const firstSurrogate, lastSurrogate = 0xd800, 0xdfff
	if from <= lastSurrogate && to >= firstSurrogate {
		return append(wide(from, firstSurrogate-1), wide(lastSurrogate+1, to)...)
	}
	if from > to {
		return nil
	}
	for _, last := range []rune{0x7ff, 0xffff} { // of two bytes, of three
		if from <= last && to > last {
			return append(wide(from, last), wide(last+1, to)...)
		}
	}
	// Cut until all but the first bytes that differ go from one end to the other.
	for shift := 6; shift <= 18; shift += 6 {
		mask := rune(1)<<shift - 1
		if from&^mask == to&^mask {
			continue
		}
		if from&mask != 0 {
			return append(wide(from, from|mask), wide((from|mask)+1, to)...)
		}
		if to&mask != mask {
			return append(wide(from, to&^mask-1), wide(to&^mask, to)...)
		}
	}
	var w pcreWriter
	first, last := []byte(string(from)), []byte(string(to))
	for i := range first {
		if first[i] == last[i] {
			w.hex(first[i])
			continue
		}
		w.put("[")
		w.span(first[i], last[i])
		w.put("]")
	}
	return []string{w.String()}
}

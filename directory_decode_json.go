package ringside

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// docReader walks a JSON document once, from front to back, and knows where in it it is. After
// broken JSON it is halted: every method returns at once and nothing more is reported.
type docReader struct {
	doc    []byte
	pos    int
	depth  int
	halted bool
	path   []pathStep
	// seen holds the keys of all objects that are open, the innermost ones last.
	seen     [][]byte
	errs     DecodeErrors
	problems []pendingProblem
	listed   map[Severity]int
	unlisted map[Severity]int
	entries  int
}

// pathStep is a key, or with a nil key a position in a list.
type pathStep struct {
	key   []byte
	index int
}

// here gives the path of the value that is being read.
func (r *docReader) here() string { return pathText(r.path) }

func pathText(steps []pathStep) string {
	var b []byte
	for _, s := range steps {
		switch {
		case s.key == nil:
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(s.index), 10)
			b = append(b, ']')
		case plainKey(s.key):
			if len(b) > 0 {
				b = append(b, '.')
			}
			b = append(b, s.key...)
		default:
			key := s.key
			if len(key) > 60 {
				key = key[:60]
			}
			b = append(b, '[')
			b = strconv.AppendQuoteToASCII(b, string(key))
			b = append(b, ']')
		}
	}
	return string(b)
}

func plainKey(key []byte) bool {
	if len(key) == 0 || len(key) > 60 {
		return false
	}
	for _, c := range key {
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// fail records an error at the value that is being read; reading goes on behind it.
func (r *docReader) fail(offset int, format string, args ...any) {
	if r.halted {
		return
	}
	r.errs = append(r.errs, &DecodeError{Path: r.here(), Text: fmt.Sprintf(format, args...), Offset: offset})
	if len(r.errs) == maxErrors {
		r.errs = append(r.errs, &DecodeError{Text: "there are too many errors to go on", Offset: r.pos})
		r.halted = true
	}
}

// syntax records an error after which the document can't be read on.
func (r *docReader) syntax(text string) {
	r.fail(r.pos, "%s", text)
	r.halted = true
}

func (r *docReader) space() {
	for r.pos < len(r.doc) {
		switch r.doc[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// peek skips white space and gives the next byte; 0 at the end or when halted.
func (r *docReader) peek() byte {
	if r.halted {
		return 0
	}
	r.space()
	if r.pos >= len(r.doc) {
		return 0
	}
	return r.doc[r.pos]
}

// kindAt names the value that begins with c.
func kindAt(c byte) string {
	switch c {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// wrongType records that the next value is not what is wanted, and skips it.
func (r *docReader) wrongType(want string) {
	c := r.peek()
	offset, errs := r.pos, len(r.errs)
	r.skip()
	if !r.halted && len(r.errs) == errs {
		r.fail(offset, "must be %s, not %s", want, kindAt(c))
	}
}

func (r *docReader) open() bool {
	if r.depth++; r.depth > maxDepth {
		r.syntax(fmt.Sprintf("objects and lists stand in one another more than %d deep", maxDepth))
		return false
	}
	r.pos++
	return true
}

// object reads an object: field is called for every key whose value is not null, with the value
// next to be read, and reports whether it knows the key. Unknown keys become problems.
func (r *docReader) object(field func(key []byte) bool) bool {
	if r.peek() != '{' {
		r.wrongType("an object")
		return false
	}
	if !r.open() {
		return false
	}
	base := len(r.seen)
	var many map[string]bool // once an object has many keys; comparing one by one would take for ever
	for first := true; ; first = false {
		key, ok := r.key(first)
		if !ok {
			break
		}
		r.path = append(r.path, pathStep{key: key})
		if r.keySeen(base, key, &many) {
			r.fail(r.pos, "the key is given twice")
		}
		if r.peek() == 'n' {
			r.skip()
		} else if offset := r.pos; !field(key) && !r.halted {
			r.pos = offset
			r.problem(Doubtful, "unknown-key", "the key is not known and ignored")
			r.skip()
		}
		r.path = r.path[:len(r.path)-1]
	}
	r.seen = r.seen[:base]
	r.depth--
	return !r.halted
}

// keySeen notes a key of the object whose keys begin at base, and reports whether it had it already.
func (r *docReader) keySeen(base int, key []byte, many *map[string]bool) bool {
	if *many != nil {
		had := (*many)[string(key)]
		(*many)[string(key)] = true
		if len(*many) > maxKeys {
			r.syntax(fmt.Sprintf("an object has more than %d keys", maxKeys))
		}
		return had
	}
	for _, k := range r.seen[base:] {
		if string(k) == string(key) {
			return true
		}
	}
	r.seen = append(r.seen, key)
	if len(r.seen)-base > 32 {
		*many = make(map[string]bool)
		for _, k := range r.seen[base:] {
			(*many)[string(k)] = true
		}
	}
	return false
}

// key reads a key and its colon; ok is false at the end of the object.
func (r *docReader) key(first bool) (key []byte, ok bool) {
	c := r.peek()
	if r.halted {
		return nil, false
	}
	if c == '}' {
		r.pos++
		return nil, false
	}
	if !first {
		if c != ',' {
			r.syntax("a comma or } is missing here")
			return nil, false
		}
		r.pos++
		c = r.peek()
	}
	if c != '"' {
		r.syntax("a key in double quotes is missing here")
		return nil, false
	}
	key = r.str()
	if r.peek() != ':' && !r.halted {
		r.syntax("a colon is missing here")
	}
	r.pos++
	return key, !r.halted
}

// array reads a list: item is called for every element, with the element next to be read.
func (r *docReader) array(item func(i int)) {
	if r.peek() != '[' {
		r.wrongType("a list")
		return
	}
	if !r.open() {
		return
	}
	for i := 0; ; i++ {
		c := r.peek()
		if r.halted {
			break
		}
		if c == ']' {
			r.pos++
			break
		}
		if i > 0 {
			if c != ',' {
				r.syntax("a comma or ] is missing here")
				break
			}
			r.pos++
		}
		r.path = append(r.path, pathStep{index: i})
		if c := r.peek(); c == ']' || c == 0 {
			r.syntax("a value is missing here")
		} else {
			item(i)
		}
		r.path = r.path[:len(r.path)-1]
	}
	r.depth--
}

// skip reads a value of any kind and forgets it.
func (r *docReader) skip() {
	switch c := r.peek(); c {
	case '{':
		if !r.open() {
			return
		}
		for first := true; ; first = false {
			if _, ok := r.key(first); !ok {
				break
			}
			r.skip()
		}
		r.depth--
	case '[':
		r.array(func(int) { r.skip() })
	case '"':
		r.str()
	case 't':
		r.word("true")
	case 'f':
		r.word("false")
	case 'n':
		r.word("null")
	default:
		r.num()
	}
}

func (r *docReader) word(w string) {
	if r.halted {
		return
	}
	if end := r.pos + len(w); end > len(r.doc) || string(r.doc[r.pos:end]) != w {
		r.syntax("this is no JSON value")
		return
	}
	r.pos += len(w)
}

// num reads a number and gives its text.
func (r *docReader) num() []byte {
	if r.halted {
		return nil
	}
	start := r.pos
	if r.at('-') {
		r.pos++
	}
	ok := r.at('0')
	if ok {
		r.pos++
	} else {
		ok = r.digits()
	}
	if ok && r.at('.') {
		r.pos++
		ok = r.digits()
	}
	if ok && (r.at('e') || r.at('E')) {
		r.pos++
		if r.at('+') || r.at('-') {
			r.pos++
		}
		ok = r.digits()
	}
	if !ok {
		if r.pos >= len(r.doc) {
			r.syntax("the document ends too early")
		} else {
			r.syntax("this is no JSON value")
		}
		return nil
	}
	return r.doc[start:r.pos]
}

func (r *docReader) at(c byte) bool { return r.pos < len(r.doc) && r.doc[r.pos] == c }

func (r *docReader) digits() bool {
	start := r.pos
	for r.pos < len(r.doc) && r.doc[r.pos] >= '0' && r.doc[r.pos] <= '9' {
		r.pos++
	}
	return r.pos > start
}

// str reads a string that begins here. The result is part of the document where it can be.
func (r *docReader) str() []byte {
	r.pos++
	start := r.pos
	for r.pos < len(r.doc) {
		switch c := r.doc[r.pos]; {
		case c == '"':
			r.pos++
			return r.doc[start : r.pos-1 : r.pos-1]
		case c == '\\':
			return r.escaped(start)
		case c < ' ':
			r.syntax("a control character stands in a text")
			return nil
		}
		r.pos++
	}
	r.syntax("the document ends inside of a text")
	return nil
}

// escaped reads a string on from its first backslash.
func (r *docReader) escaped(start int) []byte {
	out := append([]byte(nil), r.doc[start:r.pos]...)
	for r.pos < len(r.doc) {
		c := r.doc[r.pos]
		switch {
		case c == '"':
			r.pos++
			return out
		case c < ' ':
			r.syntax("a control character stands in a text")
			return nil
		case c != '\\':
			out = append(out, c)
			r.pos++
			continue
		}
		if r.pos+1 >= len(r.doc) {
			break
		}
		if r.doc[r.pos+1] == 'u' {
			one, ok := r.unicode()
			if !ok {
				return nil
			}
			out = utf8.AppendRune(out, one)
			continue
		}
		plain, ok := unescape(r.doc[r.pos+1])
		if !ok {
			r.syntax("a backslash stands before a character that it can't stand before")
			return nil
		}
		out = append(out, plain)
		r.pos += 2
	}
	r.syntax("the document ends inside of a text")
	return nil
}

func unescape(c byte) (byte, bool) {
	switch c {
	case '"', '\\', '/':
		return c, true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	}
	return 0, false
}

// unicode reads \uXXXX, or two of them that are one character. Half a pair, which is what is left
// of an emoji when a name is cut, becomes U+FFFD.
func (r *docReader) unicode() (rune, bool) {
	one, ok := hex4(r.doc, r.pos)
	if !ok {
		r.syntax(`\u is not followed by four hexadecimal digits`)
		return 0, false
	}
	r.pos += 6
	if !utf16.IsSurrogate(one) {
		return one, true
	}
	if two, ok := hex4(r.doc, r.pos); ok {
		if both := utf16.DecodeRune(one, two); both != utf8.RuneError {
			r.pos += 6
			return both, true
		}
	}
	return utf8.RuneError, true
}

func hex4(doc []byte, at int) (rune, bool) {
	if at+6 > len(doc) || doc[at] != '\\' || doc[at+1] != 'u' {
		return 0, false
	}
	var v rune
	for _, c := range doc[at+2 : at+6] {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			v = v<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

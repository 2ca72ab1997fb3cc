package ringside

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a directory's document. They keep a broken or hostile source from taking the daemon's
// memory or its time; real directories are far below them.
const (
	// MaxDocument is the largest document that DecodeDirectory takes, in bytes.
	MaxDocument = 64 << 20
	// maxDepth is how deep objects and lists may stand in one another; the schema needs five.
	maxDepth = 64
	// maxEntries bounds servers, numbers, groups, members, rules and holidays together.
	maxEntries = 500_000
	// maxLabel is how long a name may be, and maxText how long any other text, in bytes: problems,
	// pages and records repeat them.
	maxLabel, maxText = 1000, 10_000
	// maxKeys is how many keys an object that is read may have.
	maxKeys = 1000
	// maxErrors is after how many errors decoding stops.
	maxErrors = 100
	// maxProblems is how many problems of one severity are listed one by one.
	maxProblems = 1000
)

// DecodeError is one reason why a document is no directory.
type DecodeError struct {
	// Path is the place, such as rules[3].priority; empty for the document as a whole.
	Path string
	// Text says what is wrong there.
	Text string
	// Offset is the place in bytes from the beginning of the document.
	Offset int
}

// Error gives the place and what is wrong.
func (e *DecodeError) Error() string {
	if e.Path == "" {
		return e.Text
	}
	return e.Path + ": " + e.Text
}

// DecodeErrors are all the reasons why a document is no directory, in its order.
type DecodeErrors []*DecodeError

// Error names the first few.
func (e DecodeErrors) Error() string {
	const shown = 5
	var b strings.Builder
	for i, one := range e {
		if i == shown {
			fmt.Fprintf(&b, "; and %d more", len(e)-shown)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(one.Error())
	}
	return b.String()
}

// Unwrap makes every single error visible to errors.Is and errors.As.
func (e DecodeErrors) Unwrap() []error {
	out := make([]error, len(e))
	for i, one := range e {
		out[i] = one
	}
	return out
}

// DecodeErrorsOf gives the single errors inside of err, however it was wrapped; nil if there are none.
func DecodeErrorsOf(err error) []*DecodeError {
	if all := DecodeErrors(nil); errors.As(err, &all) {
		return all
	}
	if one := (*DecodeError)(nil); errors.As(err, &one) {
		return []*DecodeError{one}
	}
	return nil
}

// DecodeDirectory reads the JSON form of a directory, fills in what the document leaves out, and
// says what is odd about it. The error, a DecodeErrors, holds everything that makes the document
// no directory: broken JSON, wrong types, missing required keys, a key given twice.
//
// What it does beyond the types: null is the same as left out; keys are matched exactly; a whole
// number is taken where a telephone number or a pattern is wanted as text. A missing id becomes
// the entity's position in its list, counted from 1, or the lowest free number if another entity
// has that id. Of entities with one id the first stays. Numbers outside of their range are
// replaced. Control characters are blanked out of names and announcements, long ones are cut, and a
// number that has control characters is left out, each with a problem: nothing that is decoded here
// carries a line break to a PBX. What the entities mean together (references, patterns, time conditions) is for routing.Compile.
func DecodeDirectory(doc []byte) (Directory, []Problem, error) {
	if len(doc) > MaxDocument {
		return Directory{}, nil, DecodeErrors{{Text: fmt.Sprintf("the document has %d bytes and more than %d are not taken", len(doc), MaxDocument)}}
	}
	if at := invalidUTF8(doc); at >= 0 {
		return Directory{}, nil, DecodeErrors{{Text: fmt.Sprintf("byte %d is not UTF-8", at), Offset: at}}
	}
	r := &docReader{doc: doc}
	if bytes.HasPrefix(doc, []byte("\xef\xbb\xbf")) {
		r.pos = 3 // editors on Windows begin a file with a byte order mark
	}
	dir := r.directory()
	if !r.halted {
		if r.space(); r.pos < len(r.doc) {
			r.syntax("there is something after the end of the document")
		}
	}
	if len(r.errs) > 0 {
		return Directory{}, nil, r.errs
	}
	return dir, r.allProblems(), nil
}

// invalidUTF8 gives the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(doc []byte) int {
	if utf8.Valid(doc) {
		return -1
	}
	for at := 0; ; {
		c, size := utf8.DecodeRune(doc[at:])
		if c == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
}

package esl

import (
	"bytes"
	"strings"
)

// fields is a block of header lines "Name: value", as received. Values of events are percent-encoded.
type fields []byte

// raw is the first value of that name, as received; ok is false if there is none. Names are compared as
// FreeSWITCH writes them.
func (f fields) raw(name string) (value []byte, ok bool) { return f.find("", name) }

// find is raw for a name in two parts.
func (f fields) find(prefix, name string) (value []byte, ok bool) {
	n := len(prefix) + len(name)
	for len(f) > 0 {
		line := []byte(f)
		if nl := bytes.IndexByte(f, '\n'); nl >= 0 {
			line, f = f[:nl], f[nl+1:]
		} else {
			f = nil
		}
		if len(line) > n && line[n] == ':' && string(line[len(prefix):n]) == name && string(line[:len(prefix)]) == prefix {
			return bytes.TrimSuffix(bytes.TrimPrefix(line[n+1:], []byte(" ")), []byte("\r")), true
		}
	}
	return nil, false
}

// plain is a value that is not encoded; empty if there is none.
func (f fields) plain(name string) string {
	v, _ := f.raw(name)
	return string(v)
}

// get is a decoded value, as valid UTF-8; empty if there is none.
func (f fields) get(name string) string {
	v, _ := f.raw(name)
	return decode(v)
}

// variable is a channel variable's decoded value; empty if it is not set.
func (f fields) variable(name string) string {
	v, _ := f.find("variable_", name)
	return decode(v)
}

// decode undoes the encoding of values. FreeSWITCH writes hexadecimal digits in capitals, and leaves a
// percent sign alone that two of them follow, so of such a value nobody can tell what it was. "+" is itself.
func decode(v []byte) string {
	if bytes.IndexByte(v, '%') < 0 {
		return strings.ToValidUTF8(string(v), "")
	}
	var b strings.Builder
	b.Grow(len(v))
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && i+2 < len(v) {
			high, low := hexDigit(v[i+1]), hexDigit(v[i+2])
			if high >= 0 && low >= 0 {
				b.WriteByte(byte(high<<4 | low))
				i += 2
				continue
			}
		}
		b.WriteByte(v[i])
	}
	return strings.ToValidUTF8(b.String(), "")
}

// hexDigit is the value of a hexadecimal digit in capitals; -1 for anything else.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

package crmtest

import (
	"bytes"
	"encoding/json"
)

// Bodies are checked as a whole before they are taken apart, so what is here trusts that it reads
// valid JSON. It steps over what nobody asks for, which is most of a record.

// eachField calls visit with every field of an object; false if the value is none.
func eachField(object []byte, visit func(key string, value []byte)) bool {
	at := space(object, 0)
	if at >= len(object) || object[at] != '{' {
		return false
	}
	for at = space(object, at+1); object[at] != '}'; {
		end := skip(object, at)
		key := text(object[at:end])
		at = space(object, space(object, end)+1) // behind the colon
		end = skip(object, at)
		visit(key, object[at:end])
		if at = space(object, end); object[at] == ',' {
			at = space(object, at+1)
		}
	}
	return true
}

// eachItem calls visit with every item of a list; false if the value is none.
func eachItem(list []byte, visit func(item []byte)) bool {
	at := space(list, 0)
	if at >= len(list) || list[at] != '[' {
		return false
	}
	for at = space(list, at+1); list[at] != ']'; {
		end := skip(list, at)
		visit(list[at:end])
		if at = space(list, end); list[at] == ',' {
			at = space(list, at+1)
		}
	}
	return true
}

func space(b []byte, at int) int {
	for at < len(b) && b[at] <= ' ' {
		at++
	}
	return at
}

// skip gives the end of the value that begins at a place.
func skip(b []byte, at int) int {
	switch b[at] {
	case '"':
		return skipText(b, at)
	case '{', '[':
		for depth := 0; ; {
			switch b[at] {
			case '"':
				at = skipText(b, at)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return at + 1
				}
			}
			at++
		}
	}
	for at < len(b) && b[at] > ' ' && b[at] != ',' && b[at] != '}' && b[at] != ']' {
		at++
	}
	return at
}

func skipText(b []byte, at int) int {
	for at++; ; at++ {
		at += bytes.IndexByte(b[at:], '"')
		slashes := 0
		for b[at-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return at + 1
		}
	}
}

// text reads a string; "" for anything else.
func text(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	if plain := value[1 : len(value)-1]; bytes.IndexByte(plain, '\\') < 0 {
		return string(plain)
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

package routing

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringside-pbx/ringside"
)

// received gives the number within what was received.
func received(raw string) string {
	if len(raw) > maxReceived {
		raw = raw[:maxReceived]
	}
	s := strings.TrimSpace(clean(user(raw)))
	if len(s) > ringside.MaxNumber {
		cut := ringside.MaxNumber
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = strings.TrimSpace(s[:cut])
	}
	if withheld(s) {
		return ""
	}
	return s
}

// user gives the user part of a SIP or tel URI, and any other text as it is.
func user(s string) string {
	if open := strings.IndexByte(s, '<'); open >= 0 {
		s, _, _ = strings.Cut(s[open+1:], ">")
	}
	scheme, rest, ok := strings.Cut(strings.TrimSpace(s), ":")
	uri := ok && (strings.EqualFold(scheme, "sip") || strings.EqualFold(scheme, "sips") || strings.EqualFold(scheme, "tel"))
	if !uri {
		s, _, _ = strings.Cut(s, "@")
		return s
	}
	rest, _, _ = strings.Cut(rest, "@")
	rest, _, _ = strings.Cut(rest, ";")
	rest, _, _ = strings.Cut(rest, ":") // a password
	return unescapePlus(rest)
}

// unescapePlus undoes what URIs do to a plus sign and to "#".
func unescapePlus(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	return strings.NewReplacer("%2B", "+", "%2b", "+", "%23", "#").Replace(s)
}

// clean writes digits of all scripts as ASCII ones and drops what can't be seen.
func clean(s string) string {
	plain := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	return strings.Map(func(c rune) rune {
		switch {
		case c == utf8.RuneError, unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			return -1
		case c == '\uff0b':
			return '+'
		case c > unicode.MaxASCII && unicode.Is(unicode.Nd, c):
			return digit(c)
		}
		return c
	}, s)
}

// digit gives the ASCII form of a decimal digit. Unicode keeps the ten digits of a script together
// and in order, and the ranges of its table begin with a zero.
func digit(c rune) rune {
	for _, r := range unicode.Nd.R16 {
		if c >= rune(r.Lo) && c <= rune(r.Hi) {
			return '0' + (c-rune(r.Lo))%10
		}
	}
	for _, r := range unicode.Nd.R32 {
		if c >= rune(r.Lo) && c <= rune(r.Hi) {
			return '0' + (c-rune(r.Lo))%10
		}
	}
	return -1
}

// withheld reports whether a number stands for a caller who does not show one.
func withheld(s string) bool {
	switch len(s) {
	case 0:
		return true
	case 6, 7, 8, 9, 10, 11:
		switch strings.ToLower(s) {
		case "hidden", "private", "unknown", "blocked", "withheld", "anonymous", "restricted", "unavailable":
			return true
		}
	}
	return false
}

package routing

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"

	"github.com/ringside-pbx/ringside"
)

const (
	// maxExtension is how many digits an extension has at most. A number without a plus sign that
	// is as short is never taken for a telephone number.
	maxExtension = 6
	// maxE164 is how many digits a telephone number has at most.
	maxE164 = 15
	// maxReceived is how many bytes of a number are looked at; SIP addresses are shorter.
	maxReceived = 1024
	// nowhere is a region that the library does not know: it reads international forms only.
	nowhere = "ZZ"
)

// Normalizer reads telephone numbers as one country writes them. It may be used by any number of
// goroutines at once.
type Normalizer struct {
	country string
	// eight: national numbers follow an 8, international ones a 7 or +7 (Russia, Kazakhstan).
	eight bool
	known numberCache
}

// NewNormalizer makes a Normalizer for a country, an ISO 3166 code. Without one, or with one that
// does not exist, only international forms are telephone numbers.
func NewNormalizer(country string) *Normalizer {
	country = strings.ToUpper(strings.TrimSpace(country))
	if phonenumbers.GetCountryCodeForRegion(country) == 0 {
		country = nowhere
	}
	return &Normalizer{country: country, eight: country == "RU" || country == "KZ"}
}

// Normalize reads a number as a PBX or a CRM gave it.
//
// Raw is the number itself: of a SIP or tel URI the user part, in ASCII digits, without control
// and direction marks, at most ringside.MaxNumber bytes long; empty when the caller is withheld.
// E164 is set when the number is a telephone number: a valid one of the country, with or without
// its trunk prefix, exit code or calling code; an international one, with a plus sign or 00, whose
// length is right; or a valid international one of 11 digits and more that lacks the plus sign.
// Whatever has letters, * or #, and what has up to six digits and no plus sign, has no E164.
// Normalizing E164 gives the same E164.
func (n *Normalizer) Normalize(raw string) ringside.Number {
	if e164, ok := n.quick(raw); ok {
		return ringside.Number{Raw: raw, E164: e164}
	}
	short := len(raw) <= 2*ringside.MaxNumber
	if short {
		if known, ok := n.known.get(raw); ok {
			return known
		}
	}
	number := ringside.Number{Raw: received(raw)}
	number.E164 = n.e164(number.Raw)
	if short {
		n.known.put(raw, number)
	}
	return number
}

// quick reads the plainest shapes without the library, with the library's result.
func (n *Normalizer) quick(raw string) (e164 string, ok bool) {
	if len(raw) < 1 || len(raw) > maxE164+1 {
		return "", false
	}
	digits := raw
	plus := raw[0] == '+'
	if plus {
		digits = raw[1:]
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return "", false
		}
	}
	switch {
	case plus:
		return raw, quickInternational(digits)
	case len(digits) <= maxExtension:
		return "", true
	case !n.eight:
		return "", false
	case len(digits) == 11 && (digits[0] == '8' || digits[0] == '7') && digits[1] == '9':
		return "+7" + digits[1:], true
	case len(digits) == 10 && digits[0] == '9':
		return "+7" + digits, true
	}
	return "", false
}

// quickInternational knows calling codes below which every number of one length is possible, and
// is written as it is: what follows them can't be taken for a trunk prefix.
func quickInternational(digits string) bool {
	if len(digits) < 11 {
		return false
	}
	switch digits[0] {
	case '1':
		return len(digits) == 11 && digits[1] >= '2'
	case '7':
		return len(digits) == 11 && digits[1] >= '3' && digits[1] != '5' && digits[1] != '6'
	}
	switch digits[:3] {
	case "998", "996", "995", "994", "992", "380", "375":
		return len(digits) == 12 && digits[3] != '0' && digits[3] != '8'
	}
	return false
}

// e164 reads a number with the library; empty when it is no telephone number.
func (n *Normalizer) e164(raw string) string {
	plus, digits, ok := compact(raw)
	if !ok || len(digits) > maxE164+5 { // an exit code is up to five digits long
		return ""
	}
	var found string
	switch {
	case plus:
		found = international(digits)
	case len(digits) <= maxExtension:
		return ""
	default:
		if n.country != nowhere {
			found = national(digits, n.country)
		}
		if abroad, ok := strings.CutPrefix(digits, "00"); found == "" && ok {
			found = international(abroad)
		}
		if found == "" && len(digits) >= 11 && digits[0] != '0' {
			if p, err := phonenumbers.Parse("+"+digits, nowhere); err == nil && phonenumbers.IsValidNumber(p) {
				// Nothing may have been taken out of a number that is only guessed to be international.
				if e := phonenumbers.Format(p, phonenumbers.E164); e == "+"+digits {
					found = e
				}
			}
		}
	}
	// The library can find one more trunk prefix in what it made itself.
	for range 3 {
		if found == "" || len(found) > maxE164+1 {
			return ""
		}
		if quickInternational(found[1:]) {
			return found
		}
		again := international(found[1:])
		if again == found {
			return found
		}
		found = again
	}
	return ""
}

// international reads what follows a plus sign.
func international(digits string) string {
	p, err := phonenumbers.Parse("+"+digits, nowhere)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(p) != phonenumbers.IS_POSSIBLE {
		return ""
	}
	return phonenumbers.Format(p, phonenumbers.E164)
}

// national reads what is dialled within a country, an exit code included.
func national(digits, country string) string {
	p, err := phonenumbers.Parse(digits, country)
	if err != nil || !phonenumbers.IsValidNumber(p) {
		return ""
	}
	return phonenumbers.Format(p, phonenumbers.E164)
}

// compact takes the punctuation out of a number; ok is false when there is more than digits and
// punctuation.
func compact(raw string) (plus bool, digits string, ok bool) {
	b := make([]byte, 0, ringside.MaxNumber)
	for _, c := range raw {
		switch {
		case c >= '0' && c <= '9':
			b = append(b, byte(c))
		case c == '+' && !plus && len(b) == 0:
			plus = true
		case c == '(' || c == ')' || c == '.' || c == '/' || unicode.IsSpace(c) || unicode.Is(unicode.Pd, c):
		default:
			return false, "", false
		}
	}
	return plus, string(b), len(b) > 0
}

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

// numberCache remembers the numbers that were read last. Its size is bounded: when the young half
// is full it becomes the old one, and the old one is forgotten.
type numberCache struct {
	mu         sync.RWMutex
	young, old map[string]ringside.Number
}

// cacheHalf is how many numbers one half of the cache holds; a full cache takes about a megabyte.
const cacheHalf = 2048

func (c *numberCache) get(raw string) (ringside.Number, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if n, ok := c.young[raw]; ok {
		return n, true
	}
	n, ok := c.old[raw]
	return n, ok
}

func (c *numberCache) put(raw string, n ringside.Number) {
	n.Raw = strings.Clone(n.Raw) // what it was cut from may be large
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= cacheHalf {
		c.young, c.old = nil, c.young
	}
	if c.young == nil {
		c.young = make(map[string]ringside.Number)
	}
	c.young[strings.Clone(raw)] = n
}

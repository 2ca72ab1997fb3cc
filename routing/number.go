package routing

import (
	"strings"
	"unicode"

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
		return len(digits) == 11
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

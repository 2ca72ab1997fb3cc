package guard

import "strings"

// What a telephone number in E.164 has of digits. The shortest that exist have a calling code of three
// digits and four more.
const (
	fewestDigits = 7
	mostDigits   = 15
)

// prefixes say which telephone numbers may be dialled.
type prefixes struct{ allow, deny []string }

// Prefix reports whether s is the beginning of telephone numbers in E.164: a plus sign and up to 15 digits
// of which the first is not 0.
func Prefix(s string) bool {
	digits, plus := strings.CutPrefix(s, "+")
	return plus && digits != "" && len(digits) <= mostDigits && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

// e164 reports whether a normaliser gave what it promises. What is dialled is worth a second look.
func e164(s string) bool { return Prefix(s) && len(s) > fewestDigits }

// check says why a number in E.164 may not be dialled; nil if it may.
func (p prefixes) check(number string) error {
	allowed, denied := longest(p.allow, number), longest(p.deny, number)
	switch {
	case allowed == "":
		return deny(number, "%s is outside outbound.allow: add its prefix there to allow it", number)
	case len(denied) >= len(allowed):
		return deny(number, "%s begins with %s of outbound.deny: a longer prefix in outbound.allow would allow it", number, denied)
	}
	return nil
}

func longest(list []string, number string) (found string) {
	for _, p := range list {
		if strings.HasPrefix(number, p) && len(p) > len(found) {
			found = p
		}
	}
	return found
}

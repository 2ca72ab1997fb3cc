package ringside

// MaxNumber is the longest telephone number or extension, in bytes, that ringside works with. A
// longer one is cut by the front end that received it: E.164 has 15 digits and RFC 3966 in
// practice fewer than 40 characters, so a longer one was made to do harm.
const MaxNumber = 64

// Number is a telephone number as it was received and, where it is one, in E.164.
type Number struct {
	// Raw is the number as the PBX or the CRM gave it; empty for a withheld caller.
	Raw string `json:"raw"`
	// E164 is the international form with its plus sign, such as +79001234567. It is empty for
	// extensions and for what is no telephone number.
	E164 string `json:"e164,omitempty"`
}

// String gives the best known form: E.164, else as received.
func (n Number) String() string {
	if n.E164 != "" {
		return n.E164
	}
	return n.Raw
}

// Dialable reports whether s may stand in a dial string: 1 to 64 of the ASCII letters and digits
// and "_", ".", "+", "-". Everything that separates, groups, expands or redirects in a dial string
// of Asterisk or FreeSWITCH (& , | ^ ( ) $ { } / @ and white space) is outside the set, because a
// caller chooses their own number.
func Dialable(s string) bool {
	if s == "" || len(s) > MaxNumber {
		return false
	}
	for i := range len(s) {
		if !dialable(s[i]) {
			return false
		}
	}
	return true
}

func dialable(c byte) bool {
	switch {
	case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return true
	}
	return c == '_' || c == '.' || c == '+' || c == '-'
}

package ami

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// number reads a whole number; what is none is 0.
func number(b []byte) int {
	n, sign := 0, 1
	for i, c := range b {
		switch {
		case i == 0 && c == '-':
			sign = -1
		case c < '0' || c > '9' || n > math.MaxInt32:
			return 0
		default:
			n = 10*n + int(c-'0')
		}
	}
	return sign * n
}

// epoch reads seconds since 1970 with a fraction, as in a ping's answer; the zero time is none.
func epoch(text string) time.Time {
	whole, fraction, _ := strings.Cut(text, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || sec <= 0 || sec > 1<<35 {
		return time.Time{}
	}
	fraction += "000000000"
	nsec, err := strconv.ParseInt(fraction[:9], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(sec, nsec)
}

// party is a caller's number or name as Asterisk writes it, empty if it is not known.
func party(b []byte) string {
	if s := string(b); s != "<unknown>" {
		return s
	}
	return ""
}

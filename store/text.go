package store

import (
	"strings"
	"unicode/utf8"
)

// maxText is how long a text that others wrote may become in a row, in bytes.
const maxText = 1000

// cut gives as much of s as limit bytes hold of whole runes, and as JSON can hold.
func cut(s string, limit int) string {
	if len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) {
			limit--
		}
		s = s[:limit]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// fit gives s, or nothing if it is too long: what leads somewhere leads elsewhere when it is cut.
func fit(s string, limit int) string {
	if len(s) > limit || !utf8.ValidString(s) {
		return ""
	}
	return s
}

package esl

import (
	"crypto/rand"
	"fmt"
)

// newUUID makes an id in the form of FreeSWITCH's own, for channels and jobs.
func newUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// IsChannel reports whether s has the form of FreeSWITCH's names of channels in requests, which are their
// uuids, such as 7d1b2c3d-0000-4000-8000-00000000002a. Ids of another form, which a dialplan may give to
// channels (origination_uuid), name no channel in a request.
func IsChannel(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return false
		}
	}
	return true
}

package dialplan

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"
)

// UniqueID makes a channel's or a bridge's id in the form of Asterisk's own: the prefix, the time, a point, and
// what makes it unique.
func UniqueID(prefix string) string {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // it never fails
	return fmt.Sprintf("%s%d.%s", prefix, time.Now().Unix(), hex.EncodeToString(b))
}

package ami

import (
	"crypto/md5" //nolint:gosec // the manager interface knows no other challenge
	"encoding/hex"

	"github.com/ringside-pbx/ringside"
)

// digest is the answer to a challenge.
func digest(challenge string, secret ringside.Secret) string {
	sum := md5.Sum([]byte(challenge + secret.Reveal())) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

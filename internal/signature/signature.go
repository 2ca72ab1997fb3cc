// Package signature signs HTTP requests with a shared secret and checks such signatures, both ways
// between ringside and a CRM (docs/openapi/crm.yaml). It owns the form of what is signed and the
// memory of what was seen; it does no I/O.
//
// A signature covers the time, the method, the path with its query and the body as it is sent. It is
// good for Window around its time, and once. Its time has nanoseconds, so that two requests that are
// alike in everything else, such as the polls of two sites or an attempt that is made again at once,
// are not taken for one that was recorded and played back. The memory of those seen is bounded: when it is full, new
// ones are refused rather than old ones forgotten.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Window is how far a signature's time may be from the clock, either way.
const Window = 5 * time.Minute

// maxSeen is how many signatures of one window are remembered.
const maxSeen = 100_000

// version marks the form of what is signed.
const version = "v1="

// The reasons why a signature is not good.
var (
	ErrMissing = errors.New("there is none")
	ErrFormat  = errors.New("its form is wrong")
	ErrTime    = errors.New("its time is more than 5 minutes away from this clock")
	ErrWrong   = errors.New("it does not fit the request")
	ErrSeen    = errors.New("it was used before")
	ErrCrowd   = errors.New("too many requests were signed lately")
)

// Sign gives a request's timestamp (Unix seconds, with nine decimals unless they are zero) and
// signature for the headers of these names. path is the path with its query as it is sent, body the
// bytes that are sent, compressed or not.
func Sign(secret ringside.Secret, at time.Time, method, path string, body []byte) (timestamp, signature string) {
	timestamp = strconv.FormatInt(at.Unix(), 10)
	if n := at.Nanosecond(); n != 0 {
		timestamp += fmt.Sprintf(".%09d", n)
	}
	return timestamp, version + hex.EncodeToString(sum(secret, timestamp, method, path, body))
}

func sum(secret ringside.Secret, timestamp, method, path string, body []byte) []byte {
	digest := sha256.Sum256(body)
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	// The timestamp is digits with at most one dot, the method letters only, and the last part has one
	// length: no two requests look alike.
	_, _ = mac.Write([]byte(timestamp + "." + method + "." + path + "." + hex.EncodeToString(digest[:])))
	return mac.Sum(nil)
}

// Verifier checks signatures and remembers those that were good. It is safe for any number of
// goroutines.
type Verifier struct {
	secret ringside.Secret

	mu sync.Mutex
	// recent and earlier hold what was seen, each over a time of two windows: what was seen before
	// that is refused by its time.
	recent, earlier map[[sha256.Size]byte]struct{}
	turned          time.Time
}

// NewVerifier makes a verifier. Nothing is good for an empty secret.
func NewVerifier(secret ringside.Secret) *Verifier {
	return &Verifier{secret: secret, recent: map[[sha256.Size]byte]struct{}{}}
}

// Verify reports why a request's signature is not good; nil if it is, and then for this once.
func (v *Verifier) Verify(now time.Time, timestamp, signature, method, path string, body []byte) error {
	if timestamp == "" || signature == "" || v.secret.IsZero() {
		return ErrMissing
	}
	at, ok := parseTimestamp(timestamp)
	text, versioned := strings.CutPrefix(signature, version)
	given, err := hex.DecodeString(text)
	if !ok || !versioned || err != nil || len(given) != sha256.Size || method == "" || strings.Trim(method, letters) != "" {
		return ErrFormat
	}
	if away := now.Sub(at); away > Window || away < -Window {
		return ErrTime
	}
	if !hmac.Equal(given, sum(v.secret, timestamp, method, path, body)) {
		return ErrWrong
	}
	return v.once(now, [sha256.Size]byte(given))
}

// letters are what methods are made of.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// parseTimestamp reads Unix seconds with up to nine decimals, in the one way in which they are written.
func parseTimestamp(text string) (time.Time, bool) {
	whole, decimals, fraction := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != whole {
		return time.Time{}, false
	}
	nanos := 0
	if fraction {
		if len(decimals) == 0 || len(decimals) > 9 || strings.Trim(decimals, "0123456789") != "" {
			return time.Time{}, false
		}
		if nanos, err = strconv.Atoi((decimals + "00000000")[:9]); err != nil {
			return time.Time{}, false
		}
	}
	return time.Unix(seconds, int64(nanos)), true
}

// once remembers a good signature.
func (v *Verifier) once(now time.Time, key [sha256.Size]byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if away := now.Sub(v.turned); away > 2*Window || away < 0 {
		v.earlier, v.recent, v.turned = v.recent, map[[sha256.Size]byte]struct{}{}, now
	}
	_, lately := v.recent[key]
	_, before := v.earlier[key]
	switch {
	case lately || before:
		return ErrSeen
	case len(v.recent) >= maxSeen:
		return ErrCrowd
	}
	v.recent[key] = struct{}{}
	return nil
}

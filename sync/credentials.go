package sync

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// maxTokenFile bounds a file that holds a token.
const maxTokenFile = 64 << 10

// Credentials are what this side shows to the CRM. A token that stands in a file is read again
// whenever the file changes: whoever renews it needs to tell nobody.
type Credentials struct {
	file   string
	secret ringside.Secret // of the signature

	mu    sync.Mutex
	token ringside.Secret
	seen  os.FileInfo
	err   error
	// renewed: the token has changed since somebody last asked for that.
	renewed bool
}

// NewCredentials keeps a token, or the file that holds it, and the secret that requests are signed
// with; each may be empty.
func NewCredentials(token ringside.Secret, file string, signing ringside.Secret) *Credentials {
	c := &Credentials{file: file, secret: signing, token: token}
	_ = c.Renewed()
	return c
}

// Token gives the token as it is now.
func (c *Credentials) Token() ringside.Secret {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read()
	return c.token
}

// Renewed reads the file again if it has changed, and reports whether the token has since Renewed was
// last called: whoever needs the token in between may be the first to see the new one.
func (c *Credentials) Renewed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read()
	was := c.renewed
	c.renewed = false
	return was
}

// read reads the file again if it has changed. Mutex held.
func (c *Credentials) read() {
	if c.file == "" {
		return
	}
	info, err := os.Stat(c.file)
	if err == nil && c.seen != nil && c.err == nil && info.ModTime().Equal(c.seen.ModTime()) &&
		info.Size() == c.seen.Size() && os.SameFile(info, c.seen) {
		return
	}
	token, err := readToken(c.file)
	c.err = err
	if err != nil {
		return // the last token may still be good
	}
	c.seen, c.renewed, c.token = info, c.renewed || token != c.token, token
}

func readToken(file string) (ringside.Secret, error) {
	f, err := os.Open(file)
	if err != nil {
		return ringside.Secret{}, err
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, maxTokenFile)
	n, err := f.Read(b)
	if err != nil || n == maxTokenFile {
		return ringside.Secret{}, fmt.Errorf("%s holds no token", file)
	}
	token := strings.TrimSpace(string(b[:n]))
	if token == "" || strings.IndexFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) >= 0 {
		return ringside.Secret{}, fmt.Errorf("%s holds no token: it is one word", file)
	}
	return ringside.NewSecret(token), nil
}

// TokenState is what can be said of a token without showing it.
type TokenState struct {
	// File is where it stands, Changed when that was last written.
	File    string    `json:"file,omitempty"`
	Changed time.Time `json:"changed,omitzero"`
	// Expires is when it says that it expires, if it is a JWT (RFC 7519) that does.
	Expires time.Time `json:"expires,omitzero"`
	// Error is why the file could not be read.
	Error string `json:"error,omitempty"`
}

// State tells about the token.
func (c *Credentials) State() TokenState {
	token := c.Token()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := TokenState{File: c.file, Expires: expiry(token)}
	if c.seen != nil {
		s.Changed = c.seen.ModTime()
	}
	if c.err != nil {
		s.Error = spoken(c.err.Error())
	}
	return s
}

// expiry reads the exp claim of a JWT. Nobody's word is taken for it but the token's own: it only
// serves to warn.
func expiry(token ringside.Secret) time.Time {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		Exp json.Number `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return time.Time{}
	}
	seconds, err := claims.Exp.Float64()
	if err != nil || seconds < 1 || seconds > 1e11 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

// soon is how long before its end a token that nobody renews is worth a warning.
const soon = time.Hour

// warning says what is wrong, or will be, with the token; empty if nothing is.
func (s TokenState) warning(now time.Time) string {
	renewed := ""
	if !s.Changed.IsZero() {
		renewed = "; " + s.renewal(now)
	}
	switch {
	case s.Error != "":
		return "the token can't be read: " + s.Error
	case s.Expires.IsZero():
		return ""
	case now.After(s.Expires):
		return "the token expired " + span(now.Sub(s.Expires)) + " ago" + renewed
	case s.Expires.Sub(now) < soon && now.Sub(s.Changed) > s.Expires.Sub(now):
		// A renewer would have been at work by now: more of the token's life is over than is left.
		return "the token expires in " + span(s.Expires.Sub(now)) + renewed
	}
	return ""
}

// renewal says for how long nobody has renewed the token's file.
func (s TokenState) renewal(now time.Time) string {
	return fmt.Sprintf("nobody has renewed %s for %s", s.File, span(now.Sub(s.Changed)))
}

// span writes a time span as people say it.
func span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
	case d >= 10*time.Hour, d >= time.Hour && d%time.Hour < time.Minute:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", int(d/time.Hour), int(d%time.Hour/time.Minute))
	case d >= time.Minute:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	}
	return fmt.Sprintf("%d s", int(d/time.Second))
}

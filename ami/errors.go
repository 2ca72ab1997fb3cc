package ami

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// AuthError is Asterisk's refusal of the user or the secret. It is not tried again quickly: Asterisk counts.
type AuthError struct{ Message string }

// Error implements error.
func (e *AuthError) Error() string {
	return "Asterisk refuses the manager user or its secret: " + e.Message
}

// ActionError is Asterisk's refusal of an action. It is (errors.Is) ringside.ErrNotPermitted,
// ringside.ErrNoChannel or ringside.ErrRefused.
type ActionError struct {
	Action string
	// Message is Asterisk's own.
	Message string
	kind    error
}

// Error implements error.
func (e *ActionError) Error() string {
	if errors.Is(e.kind, ringside.ErrNotPermitted) {
		return e.kind.Error() + ": " + lacks(e.Action)
	}
	if e.Message == "" {
		return fmt.Sprintf("%v: %s failed", e.kind, e.Action)
	}
	return fmt.Sprintf("%v: %s: %s", e.kind, e.Action, printable(e.Message))
}

// Unwrap gives the kind of refusal.
func (e *ActionError) Unwrap() error { return e.kind }

// refusal makes an error of a response; nil if it is none.
func refusal(action string, m Message) error {
	switch m.Response() {
	case "Success", "Follows", "Goodbye", "":
		return nil
	}
	e := &ActionError{Action: action, Message: m.Get("Message"), kind: ringside.ErrRefused}
	text := strings.ToLower(e.Message)
	switch {
	case strings.HasPrefix(text, "permission denied"):
		e.kind = ringside.ErrNotPermitted
	case strings.Contains(text, "no such channel"), strings.Contains(text, "channel does not exist"),
		strings.HasPrefix(text, "channel1 does not exist"), strings.HasPrefix(text, "channel2 does not exist"),
		strings.Contains(text, "channel not found"), strings.Contains(text, "could not find channel"),
		strings.Contains(text, "channel specified does not exist"), strings.Contains(text, "unable to find channel"):
		e.kind = ringside.ErrNoChannel
	}
	return e
}

// isUnknown reports whether Asterisk does not know an action, or not yet.
func isUnknown(err error) bool {
	var refused *ActionError
	return errors.As(err, &refused) && strings.HasPrefix(strings.ToLower(refused.Message), "invalid/unknown command")
}

// printable keeps what Asterisk says to one line of a sane length.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}

// refused reports whether Asterisk will not do what was asked, while the connection is sound.
func refused(err error) bool {
	return errors.Is(err, ringside.ErrNotPermitted) || errors.Is(err, ringside.ErrRefused)
}

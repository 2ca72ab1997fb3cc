package esl

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// CommandError is FreeSWITCH's refusal of a command. It is (errors.Is) ringside.ErrNotPermitted,
// ringside.ErrNoChannel or ringside.ErrRefused.
type CommandError struct {
	Command string
	// Message is FreeSWITCH's own.
	Message string
	kind    error
}

// Error implements error.
func (e *CommandError) Error() string {
	if errors.Is(e.kind, ringside.ErrNotPermitted) {
		return fmt.Sprintf("%v: the event socket's user may not use %s: add it to esl-allowed-api in the directory", e.kind, e.Command)
	}
	if e.Message == "" {
		return fmt.Sprintf("%v: %s failed", e.kind, e.Command)
	}
	return fmt.Sprintf("%v: %s: %s", e.kind, e.Command, e.Message)
}

// Unwrap gives the kind of refusal.
func (e *CommandError) Unwrap() error { return e.kind }

// problem makes an error of what a command has printed; nil if it is none.
func problem(command, printed string) error {
	words, failed := strings.CutPrefix(printed, "-ERR")
	if !failed {
		if words, failed = strings.CutPrefix(printed, "-USAGE"); !failed {
			return nil
		}
		words = "usage" + words
	}
	e := &CommandError{Command: command, Message: strings.TrimSpace(printable(words)), kind: ringside.ErrRefused}
	switch text := strings.ToLower(e.Message); {
	case text == "permission denied":
		e.kind = ringside.ErrNotPermitted
	case strings.HasPrefix(text, "no such channel"), strings.HasPrefix(text, "cannot locate session"), text == "invalid uuid":
		e.kind = ringside.ErrNoChannel
	}
	return e
}

// printable keeps what FreeSWITCH says to one line of a sane length.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}

// away makes ringside.ErrPBXAway of the end of a connection.
func away(err error) error {
	if err == nil || errors.Is(err, ringside.ErrPBXAway) {
		return err
	}
	return fmt.Errorf("%w: %w", ringside.ErrPBXAway, err)
}

package ringside

import (
	"errors"
	"fmt"
)

// What can go wrong with a request to a PBX.
var (
	// ErrNoChannel: there is no such channel, or there is none any more.
	ErrNoChannel = errors.New("there is no such channel")
	// ErrNotPermitted: the account with which ringside has logged in lacks a right; the text names it.
	ErrNotPermitted = errors.New("the PBX does not permit it")
	// ErrForbidden: this site's rules about calls that ringside places forbid it.
	ErrForbidden = errors.New("forbidden")
	// ErrPBXAway: there is no connection to the PBX.
	ErrPBXAway = errors.New("the PBX can't be reached")
)

// InvalidError is a request that can't be meant.
type InvalidError struct {
	// Field is the request's, in the words of its JSON form; Reason says what is wrong with it.
	Field, Reason string
}

// Error implements error.
func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

package directory

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// Reasons why a change is refused. Nothing has changed then.
var (
	// ErrFile: the directory comes from a file.
	ErrFile = errors.New("the directory comes from a file (directory.file): change it there")
	// ErrOlder: the CRM has given a newer document before.
	ErrOlder = errors.New("the document is older than the CRM's last one")
	// ErrNone: there is no directory yet, and so nothing to edit.
	ErrNone = errors.New("there is no directory that could be edited")
	// ErrNotHeld: no edition waits for a confirmation, or it is another one.
	ErrNotHeld = errors.New("is not held")
	// ErrNoEdition: there is no such edition, or it was not kept.
	ErrNoEdition = errors.New("there is no such edition")
	// ErrNeverInEffect: only an edition that was in effect can be gone back to.
	ErrNeverInEffect = errors.New("was never in effect")
)

// LossError says that an edit looks like an accident and wants to be confirmed.
type LossError struct{ Losses []string }

// Error names the losses.
func (e *LossError) Error() string {
	return "the edit looks like an accident: " + strings.Join(e.Losses, "; ") + " (--confirm does it all the same)"
}

// ProblemError says that an edit brings faults into the directory.
type ProblemError struct{ Problems []ringside.Problem }

// Error names the first few faults.
func (e *ProblemError) Error() string {
	const shown = 5
	var b strings.Builder
	b.WriteString("the edit would take something out of service: ")
	for i, p := range e.Problems {
		if i == shown {
			fmt.Fprintf(&b, "; and %d more", len(e.Problems)-shown)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(p.String())
	}
	return b.String()
}

// Package span keeps a leg's times inside its call's: a PBX's events and records come from clocks that are cut
// to the second, and from channels that may outlive the call. It holds nothing and never fails.
package span

import (
	"time"

	"github.com/ringside-pbx/ringside"
)

// Within is a time moved into a span.
func Within(at, from, to time.Time) time.Time {
	if at.Before(from) {
		return from
	}
	if at.After(to) {
		return to
	}
	return at
}

// Settle puts the answer and the end of a leg, whose start is settled, in their order and before the call's end.
func Settle(l *ringside.Leg, end time.Time) {
	if !l.Answer.IsZero() {
		l.Answer = Within(l.Answer, l.Start, end)
		if l.End.Before(l.Answer) {
			l.End = l.Answer
		}
	}
	l.End = Within(l.End, l.Start, end)
}

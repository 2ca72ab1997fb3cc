package guard

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// maxRefusals is how many refusals are kept.
const maxRefusals = 100

// Refusal is a request that was not passed on.
type Refusal struct {
	At     time.Time `json:"at"`
	By     string    `json:"by,omitempty"`
	Action string    `json:"action"`
	// Number is the number it was about, in E.164 where it has that form; empty if it was about none.
	Number string `json:"number,omitempty"`
	Reason string `json:"reason"`
}

// refusals are the latest ones, and how many there were.
type refusals struct {
	mu    sync.Mutex
	count uint64
	last  []Refusal // at most maxRefusals, the oldest first
}

func (r *refusals) add(one Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if len(r.last) == maxRefusals {
		r.last = append(r.last[:0], r.last[1:]...)
	}
	r.last = append(r.last, one)
}

// Refused is how many requests were refused since the guard was made.
func (g *Guard) Refused() uint64 {
	g.refusals.mu.Lock()
	defer g.refusals.mu.Unlock()
	return g.refusals.count
}

// Refusals are the latest requests that were refused, 100 at most, the newest first.
func (g *Guard) Refusals() []Refusal {
	g.refusals.mu.Lock()
	defer g.refusals.mu.Unlock()
	list := slices.Clone(g.refusals.last)
	slices.Reverse(list)
	return list
}

// denial is why something is forbidden.
type denial struct{ number, reason string }

func deny(number, format string, args ...any) error {
	return &denial{number: number, reason: fmt.Sprintf(format, args...)}
}

// Error implements error.
func (d *denial) Error() string { return ringside.ErrForbidden.Error() + ": " + d.reason }

// Unwrap makes it a ringside.ErrForbidden.
func (d *denial) Unwrap() error { return ringside.ErrForbidden }

// refuse notes a refusal and gives its error back. What can't be meant is noted too: *72 and its like
// come that way. Errors of the PBX are none of the guard's.
func (g *Guard) refuse(action, by string, err error) error {
	if checkPerson(by) != nil {
		by = ""
	}
	one := Refusal{At: g.now(), By: by, Action: action, Reason: err.Error()}
	var forbidden *denial
	var invalid *ringside.InvalidError
	switch {
	case errors.As(err, &forbidden):
		one.Number, one.Reason = forbidden.number, forbidden.reason
	case !errors.As(err, &invalid):
		return err
	}
	g.refusals.add(one)
	g.warn.Warn("refused to act on a call", "action", action, "by", by, "number", one.Number, "reason", one.Reason)
	return err
}

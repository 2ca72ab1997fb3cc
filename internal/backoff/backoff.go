// Package backoff says how long to wait before the next attempt at something that failed. It owns no
// timer and never fails.
package backoff

import (
	"math/rand/v2"
	"time"
)

// Backoff grows from First to Last by doubling. Every wait is drawn between half of that and all of
// it, so that many sites do not come back to one server at the same moment. The zero value waits from
// 1 s to 1 min.
type Backoff struct {
	First, Last time.Duration
	// Random draws from [0, 1); nil is the runtime's generator.
	Random func() float64

	failures int
}

// Next notes a failure and gives the time to wait. What the other side asks for (Retry-After) is the
// least that is waited, but never more than ten times Last.
func (b *Backoff) Next(asked time.Duration) time.Duration {
	first, last := b.First, b.Last
	if first <= 0 {
		first = time.Second
	}
	if last <= 0 {
		last = time.Minute
	}
	wait := last
	if b.failures < 30 {
		wait = min(first<<b.failures, last)
	}
	b.failures++
	random := rand.Float64
	if b.Random != nil {
		random = b.Random
	}
	wait = wait/2 + time.Duration(random()*float64(wait/2))
	return max(wait, min(asked, 10*last))
}

// Reset notes a success.
func (b *Backoff) Reset() { b.failures = 0 }

// Failures is how many have followed one another.
func (b *Backoff) Failures() int { return b.failures }

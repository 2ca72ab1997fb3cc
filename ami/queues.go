package ami

import (
	"context"
	"time"
)

// queues is the live picture of Asterisk's queues: asked for once, kept by events, compared rarely.
type queues struct {
	number func(device string) string
}

func newQueues(number func(device string) string) *queues { return &queues{number: number} }

// event takes an event, on the goroutine that reads.
func (q *queues) event(name []byte, m Message, now time.Time) {}

// resync asks for all queues on a new connection.
func (q *queues) resync(ctx context.Context, s *Session) error { return nil }

// lost marks what is known as stale.
func (q *queues) lost(now time.Time) {}

// run compares one queue after the other with Asterisk, so that each is compared once in every.
func (q *queues) run(ctx context.Context, every time.Duration, session func() *Session) { <-ctx.Done() }

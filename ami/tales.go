package ami

import (
	"context"
	"time"

	"github.com/ringside-pbx/ringside"
)

// tales are the calls in progress as Asterisk tells of them, by linked id.
type tales struct {
	number func(device string) string
}

func newTales(number func(device string) string) *tales { return &tales{number: number} }

// event takes an event, on the goroutine that reads.
func (t *tales) event(name []byte, m Message, now time.Time) {}

// resync takes up the calls that are there on a new connection.
func (t *tales) resync(ctx context.Context, s *Session) error { return nil }

// lost notes that events are missed from now on.
func (t *tales) lost(now time.Time) {}

// run hands finished calls to witness, until ctx ends.
func (t *tales) run(ctx context.Context, witness func(context.Context, ringside.Witnessed)) {
	<-ctx.Done()
}

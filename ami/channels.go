package ami

import (
	"context"
	"time"
)

// channels is the live picture of Asterisk's channels and devices.
type channels struct {
	number func(device string) string
	lines  Lines
}

func newChannels(number func(device string) string, lines Lines) *channels {
	return &channels{number: number, lines: lines}
}

func (c *channels) reset() {}

func (c *channels) event(name []byte, m Message, now time.Time) {}

func (c *channels) resync(ctx context.Context, s *Session) error { return nil }

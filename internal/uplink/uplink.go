// Package uplink keeps ringside's own connection to a PBX: it owns the goroutines that live with it, and
// connects again and again until it is stopped. It knows no protocol.
package uplink

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside/internal/backoff"
)

// FirstRetry is the longest time before the first attempt to connect again.
const FirstRetry = 500 * time.Millisecond

const (
	lastRetry = 30 * time.Second
	// authRetry is for a refused login: the PBX's administrator may watch for guessed secrets.
	authRetry = time.Minute
)

// Uplink is the life of a connection, not started while it is the zero value.
type Uplink struct {
	stop context.CancelFunc
	done sync.WaitGroup
}

// Start begins what lives with the connection, until Stop.
func (u *Uplink) Start(lives ...func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	u.stop = cancel
	for _, live := range lives {
		u.done.Go(func() { live(ctx) })
	}
}

// Stop ends it all and waits until nothing of it runs any more, or ctx ends; the error is ctx's cause then.
func (u *Uplink) Stop(ctx context.Context) error {
	if u.stop == nil {
		return nil // it was never started
	}
	u.stop()
	over := make(chan struct{})
	go func() { u.done.Wait(); close(over) }()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Keep connects until ctx ends. connected makes one connection, resets the waits when it stands, and gives why
// it is over; lost is told of that, and whether the PBX has refused the login is what it answers.
func Keep(ctx context.Context, connected func(context.Context, *backoff.Backoff) error, lost func(error) (refused bool)) {
	wait := backoff.Backoff{First: FirstRetry, Last: lastRetry}
	for ctx.Err() == nil {
		err := connected(ctx, &wait)
		if ctx.Err() != nil {
			return
		}
		asked := time.Duration(0)
		if lost(err) {
			asked = authRetry
		}
		pause := time.NewTimer(wait.Next(asked))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// WaitUp waits until there is a connection, or the first attempt at one has failed, whose error it gives.
func WaitUp(ctx context.Context, pbx string, state func() (up bool, err error)) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		switch up, err := state(); {
		case up:
			return nil
		case err != nil:
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", pbx, context.Cause(ctx))
		}
	}
}

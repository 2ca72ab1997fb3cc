package uplink

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside/internal/backoff"
)

func TestAConnectionIsMadeAgain(t *testing.T) {
	for _, c := range []struct {
		name        string
		refused     bool
		least, most time.Duration
	}{
		{"soon, when it was lost", false, FirstRetry / 2, FirstRetry},
		{"rarely, when the login was refused", true, authRetry, authRetry},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				failure := errors.New("away")
				began := time.Now()
				again := make(chan time.Duration, 1)
				first := true
				var u Uplink
				u.Start(func(ctx context.Context) {
					Keep(ctx, func(ctx context.Context, _ *backoff.Backoff) error {
						if first {
							first = false
							return failure
						}
						again <- time.Since(began)
						<-ctx.Done()
						return ctx.Err()
					}, func(err error) bool {
						if !errors.Is(err, failure) {
							t.Errorf("told of %v", err)
						}
						return c.refused
					})
				})
				if after := <-again; after < c.least || after > c.most {
					t.Errorf("after %s", after)
				}
				if err := u.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestStopDoesNotWaitLongerThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var u Uplink
		if err := u.Stop(t.Context()); err != nil {
			t.Errorf("what was never started stops with %v", err)
		}
		u.Start(func(context.Context) { time.Sleep(time.Minute) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := u.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := u.Stop(t.Context()); err != nil {
			t.Errorf("when it is over, it stops with %v", err)
		}
	})
}

func TestWaitUp(t *testing.T) {
	failure := errors.New("refused")
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := WaitUp(t.Context(), "it", func() (bool, error) { return time.Since(began) > time.Second, nil }); err != nil {
			t.Error(err)
		}
		if err := WaitUp(t.Context(), "it", func() (bool, error) { return false, failure }); !errors.Is(err, failure) {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := WaitUp(ctx, "it", func() (bool, error) { return false, nil })
		if err == nil || err.Error() != "waiting for it: context deadline exceeded" {
			t.Error(err)
		}
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// teardown is the stack of what must be ended, the last begun first.
type teardown struct{ steps []step }

type step struct {
	name string
	end  func(context.Context) error
}

// stepWithin bounds each step beyond the grace time.
const stepWithin = 10 * time.Second

func (t *teardown) push(name string, end func(context.Context) error) {
	t.steps = append(t.steps, step{name, end})
}

// unwind ends everything in reverse, each step bounded and named in the log. The grace time is
// shared by all steps: it is for the calls in progress. The error is what did not end as it should,
// such as records that could not be written.
func (t *teardown) unwind(log *slog.Logger, grace time.Duration) error {
	deadline := time.Now().Add(grace)
	var errs []error
	for i := len(t.steps) - 1; i >= 0; i-- {
		s := t.steps[i]
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		done := make(chan error, 1)
		began := time.Now()
		go func() { done <- s.end(ctx) }()
		select {
		case err := <-done:
			after := time.Since(began).Round(time.Millisecond)
			if err == nil {
				log.Debug("stopped", "part", s.name, "after", after)
				break
			}
			log.Error("a part has not stopped cleanly", "part", s.name, "after", after, "error", err)
			errs = append(errs, fmt.Errorf("stopping the %s: %w", s.name, err))
		case <-time.After(time.Until(deadline) + stepWithin):
			log.Error("a part does not stop and is left behind", "part", s.name)
			errs = append(errs, fmt.Errorf("stopping the %s: it does not answer", s.name))
		}
		cancel()
	}
	return errors.Join(errs...)
}

package esl

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/calmlog"
	"github.com/ringside-pbx/ringside/internal/condition"
)

// hearingOptions say what is made of what FreeSWITCH tells. The zero value follows it for nobody.
type hearingOptions struct {
	// known reports whether a number is an extension of ours; nil: whatever may be one.
	known func(number string) bool
	// dialled is the dial string with which extensions are called, agent how agents of queues are named that
	// are added; both have ${number} in them. Empty: user/${number} and ${number}@default.
	dialled, agent string
	// lines and witness take what is seen; nil: nobody does.
	lines   listener
	witness func(ctx context.Context, w ringside.Witnessed)
	// limits are the thresholds of the health report.
	limits condition.Limits
	// reconcile is how often the pictures are compared with FreeSWITCH; 0 is 10 min.
	reconcile time.Duration
	log       *slog.Logger
}

// hearing is all that ringside learns of a FreeSWITCH by listening: who is busy, who is registered, what became
// of calls, and how queues are doing. It is one tracker.
type hearing struct {
	presence  *presence
	tales     *tales
	queues    *queues
	limits    condition.Limits
	witness   func(ctx context.Context, w ringside.Witnessed)
	reconcile time.Duration
	calm      *calmlog.Log
}

func newHearing(opt hearingOptions) *hearing {
	numbers := numbering{known: opt.known, dialled: opt.dialled}
	return &hearing{
		presence: newPresence(numbers, opt.lines), tales: newTales(numbers), queues: newQueues(numbers, opt.agent),
		limits: opt.limits.WithDefaults(), witness: opt.witness, reconcile: cmp.Or(opt.reconcile, 10*time.Minute), calm: calmlog.New(opt.log),
	}
}

// run hands over the calls that are over until ctx ends, and then those that are left. Its owner waits for it.
func (h *hearing) run(ctx context.Context) { h.tales.run(ctx, h.witness) }

// events are those that anybody follows, each once.
func (h *hearing) events() []string {
	var names, customs []string
	for _, list := range [][]string{h.presence.events(), h.tales.events(), h.queues.events()} {
		to := &names
		for _, name := range list {
			switch {
			case name == customEvents:
				to = &customs
			case !slices.Contains(*to, name):
				*to = append(*to, name)
			}
		}
	}
	return append(append(names, customEvents), customs...)
}

func (h *hearing) digest(e event) {
	h.presence.digest(e)
	h.tales.digest(e)
	h.queues.digest(e)
}

// How the pictures are compared.
const (
	// secondLook follows the first at a login: FreeSWITCH's table of channels is behind by a moment, and what
	// was over before the subscription may still be in it.
	secondLook = 5 * time.Second
	// settle is how long a doubt waits for more of them, and doubtPause is between two looks because of doubts.
	settle     = 200 * time.Millisecond
	doubtPause = 2 * time.Second
	// greetEvery is how often those are looked at who have become extensions of ours.
	greetEvery = 15 * time.Second
	// answerWithin bounds how long one list may take.
	answerWithin = 30 * time.Second
)

// within bounds how long each command may take.
func (run api) within(limit time.Duration) api {
	return func(ctx context.Context, name string, args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return run(ctx, name, args...)
	}
}

// up asks for everything that events only change, and compares it now and then until ctx ends.
func (h *hearing) up(ctx context.Context, run api) {
	run = run.within(answerWithin)
	h.ask(ctx, "registrations", func() error { return h.presence.askRegistrations(ctx, run) })
	h.look(ctx, run)
	h.ask(ctx, "queues", func() error { return h.queues.ask(ctx, run) })
	again := time.NewTimer(secondLook)
	defer again.Stop()
	greet := time.NewTicker(greetEvery)
	defer greet.Stop()
	var doubted <-chan time.Time
	asked, second := time.Now(), true
	for {
		select {
		case <-ctx.Done():
			return
		case <-greet.C:
			h.presence.greet(time.Now())
		case <-again.C:
			h.look(ctx, run)
			if !second {
				h.ask(ctx, "registrations", func() error { return h.presence.askRegistrations(ctx, run) })
				h.ask(ctx, "queues", func() error { return h.queues.ask(ctx, run) })
				asked = time.Now()
			}
			second = false
			again.Reset(h.reconcile)
		case <-h.queues.wake:
			if doubted == nil {
				doubted = time.After(max(settle, time.Until(asked.Add(doubtPause))))
			}
		case <-doubted:
			doubted = nil
			h.ask(ctx, "queues", func() error { return h.queues.ask(ctx, run) })
			asked = time.Now()
		}
	}
}

func (h *hearing) look(ctx context.Context, run api) {
	h.ask(ctx, "channels", func() error {
		err := compare(ctx, run, h.presence, h.tales)
		if err == nil {
			h.tales.heard()
		}
		return err
	})
}

// ask asks for a part, and says so if FreeSWITCH does not tell.
func (h *hearing) ask(ctx context.Context, what string, ask func() error) {
	if err := ask(); err != nil && ctx.Err() == nil && !errors.Is(err, ringside.ErrPBXAway) && !errors.Is(err, ringside.ErrConnectionLost) {
		h.calm.Warn("FreeSWITCH does not tell everything", "about", what, "error", err)
	}
}

// down: nothing is known any more of who is busy, and what is known of queues grows stale. Calls in progress
// are looked for on the next connection.
func (h *hearing) down() {
	h.presence.silence()
	h.tales.lost(time.Now())
	h.queues.lost()
}

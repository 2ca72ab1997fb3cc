package channeltest

import (
	"context"
	"errors"
	"time"

	"github.com/ringside-pbx/ringside"
)

// operations are what may be under way, or come next, when a call ends unasked.
func operations() map[string]func(ctx context.Context, ch ringside.Channel) error {
	return map[string]func(ctx context.Context, ch ringside.Channel) error{
		"answer": func(ctx context.Context, ch ringside.Channel) error { return ch.Answer(ctx) },
		"wait":   func(ctx context.Context, ch ringside.Channel) error { return ch.Wait(ctx, "") },
		"sound": func(ctx context.Context, ch ringside.Channel) error {
			return ch.Play(ctx, ringside.Prompt{Sound: "beep"})
		},
		"place": func(ctx context.Context, ch ringside.Channel) error {
			return ch.Play(ctx, ringside.Prompt{Position: 3})
		},
		"voicemail": func(ctx context.Context, ch ringside.Channel) error { return ch.Voicemail(ctx, "101") },
		"dial": func(ctx context.Context, ch ringside.Channel) error {
			res, err := ch.Dial(ctx, Extensions("102"))
			if err == nil && res.Status == ringside.DialCancelled {
				return ringside.ErrCallerGone
			}
			return err
		},
	}
}

// goneCases are about a caller who leaves while ringside does nothing: whatever comes next says so.
func goneCases() []conformCase {
	var cases []conformCase
	for name, op := range operations() {
		cases = append(cases, conformCase{"before " + name, func(s *stage) {
			s.phone("102", &Phone{Answers: 15 * time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("the operation before", ch.Answer(ctx), nil)
				s.line.Leave()
				time.Sleep(10 * time.Second)
				s.says(name, op(ctx, ch), ringside.ErrCallerGone)
				s.left(ctx)
				for next, op := range operations() {
					s.says("then "+next, op(ctx, ch), ringside.ErrCallerGone)
				}
			})
			s.heard("answered")
			s.ended("left", "")
		}})
	}
	return cases
}

// rings makes an attempt that lasts longer than any front end waits for another connection.
func rings(ctx context.Context, ch ringside.Channel, numbers ...string) error {
	req := Extensions(numbers...)
	req.Ring = time.Hour
	_, err := ch.Dial(ctx, req)
	return err
}

// lossCases are about a connection to the PBX that breaks.
func lossCases() []conformCase {
	during := map[string]func(ctx context.Context, ch ringside.Channel) error{
		"a phone rings": func(ctx context.Context, ch ringside.Channel) error {
			return rings(ctx, ch, "101")
		},
		"several phones ring": func(ctx context.Context, ch ringside.Channel) error {
			return rings(ctx, ch, "101", "102")
		},
		"the caller talks": func(ctx context.Context, ch ringside.Channel) error {
			return rings(ctx, ch, "101", "103")
		},
		"the caller waits": func(ctx context.Context, ch ringside.Channel) error { return ch.Wait(ctx, "") },
		"the caller waits for a time": func(ctx context.Context, ch ringside.Channel) error {
			waiting, cancel := context.WithTimeoutCause(ctx, time.Hour, errReason)
			defer cancel()
			return ch.Wait(waiting, "")
		},
		"the caller speaks to a mailbox": func(ctx context.Context, ch ringside.Channel) error { return ch.Voicemail(ctx, "101") },
		"a place is told": func(ctx context.Context, ch ringside.Channel) error {
			return ch.Play(ctx, ringside.Prompt{Position: 3})
		},
	}
	var cases []conformCase
	for name, op := range during {
		cases = append(cases, conformCase{"while " + name, func(s *stage) {
			s.phone("101", &Phone{})
			s.phone("102", &Phone{Answers: 15 * time.Second})
			s.phone("103", &Phone{Answers: time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("answer", ch.Answer(ctx), nil)
				const after = SoundTakes - time.Second
				time.AfterFunc(after, s.line.Drop)
				begin := time.Now()
				s.says("the operation", op(ctx, ch), ringside.ErrConnectionLost)
				if took := time.Since(begin); took > after+s.door.LosesCallOnDrop+s.slack() {
					s.Errorf("the operation went on for %s", took)
				}
				s.lost(ctx, ch)
			})
		}})
	}
	return cases
}

// lost checks a call whose connection has broken: its ctx ends, and every operation says so at once.
func (s *stage) lost(ctx context.Context, ch ringside.Channel) {
	s.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(s.door.LosesCallOnDrop + s.slack()):
		s.Error("the call's ctx does not end with its connection")
	}
	if cause := context.Cause(ctx); !errors.Is(cause, ringside.ErrConnectionLost) {
		s.Errorf("the call's ctx has ended with %v", cause)
	}
	begin := time.Now()
	for name, op := range operations() {
		s.says(name, op(ctx, ch), ringside.ErrConnectionLost)
	}
	s.says("hangup", ch.Hangup(ctx, ringside.CauseNormal), ringside.ErrConnectionLost)
	s.says("release", ch.Release(ctx, ringside.ResultReleased), ringside.ErrConnectionLost)
	if took := time.Since(begin); took > s.slack() {
		s.Errorf("the operations after the loss took %s", took)
	}
}

package channeltest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside"
)

// endCases are about how ringside ends its part of a call.
func endCases() []conformCase {
	cases := []conformCase{
		{"hangup after the caller has left", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("answer", ch.Answer(ctx), nil)
				s.line.Leave()
				time.Sleep(time.Second)
				s.oneOf("hangup", ch.Hangup(ctx, ringside.CauseBusy), nil, ringside.ErrCallerGone)
			})
			s.ended("left", s.line.result())
		}},
		{"released to the dialplan, which is left alone", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("answer", ch.Answer(ctx), nil)
				s.waits(ctx, ch, "", 10*time.Second)
				s.release(ctx, ch)
				time.Sleep(10 * time.Second) // what was said with the release
				before := s.line.Said()
				time.Sleep(time.Minute)
				if said := s.line.Said() - before; said != 0 {
					s.Errorf("%d lines were said on the wire after the release", said)
				}
			})
			s.heard("answered")
			s.ended("dialplan", ringside.ResultReleased)
		}},
		{"released without a word before", func(s *stage) {
			s.call(s.release)
			s.ended("dialplan", ringside.ResultReleased)
		}},
		{"released after the caller has left", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("answer", ch.Answer(ctx), nil)
				s.line.Leave()
				time.Sleep(time.Second)
				s.oneOf("release", ch.Release(ctx, ringside.ResultReleased), nil, ringside.ErrCallerGone)
			})
			s.ended("left", s.line.result())
		}},
		{"serve returns without a word", func(s *stage) {
			s.call(func(context.Context, ringside.Channel) {})
			s.ended("dialplan", s.line.result())
		}},
		{"serve returns in the middle", func(s *stage) {
			s.phone("101", &Phone{})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("answer", ch.Answer(ctx), nil)
				s.waits(ctx, ch, "", 10*time.Second)
				s.dials(ctx, ch, ringside.DialNoAnswer, "101")
			})
			s.ended("dialplan", s.line.result())
		}},
		{"serve panics at once", func(s *stage) {
			s.call(func(context.Context, ringside.Channel) { panic("boom") })
			s.ended("dialplan", s.line.result())
		}},
		{"serve panics in the middle", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("answer", ch.Answer(ctx), nil)
				s.waits(ctx, ch, "", 10*time.Second)
				panic("boom")
			})
			s.ended("dialplan", s.line.result())
		}},
	}
	for _, cause := range []ringside.HangupCause{
		ringside.CauseUnallocated, ringside.CauseNormal, ringside.CauseBusy, ringside.CauseNoAnswer, ringside.CauseAbsent,
		ringside.CauseRejected, ringside.CauseCongestion,
	} {
		cases = append(cases, conformCase{fmt.Sprintf("hangup with cause %d", cause), func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("hangup", ch.Hangup(ctx, cause), nil)
			})
			s.heard()
			s.ended(fmt.Sprintf("hung up %d", cause), ringside.ResultDone)
		}})
	}
	return cases
}

// lossCases are about a connection to the PBX that breaks.
func lossCases() []conformCase {
	during := map[string]func(ctx context.Context, ch ringside.Channel) error{
		"a phone rings": func(ctx context.Context, ch ringside.Channel) error {
			_, err := ch.Dial(ctx, extensions("101"))
			return err
		},
		"several phones ring": func(ctx context.Context, ch ringside.Channel) error {
			_, err := ch.Dial(ctx, extensions("101", "102"))
			return err
		},
		"the caller talks": func(ctx context.Context, ch ringside.Channel) error {
			_, err := ch.Dial(ctx, extensions("101", "103"))
			return err
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
			s.phone("103", &Phone{Answers: 2 * time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("answer", ch.Answer(ctx), nil)
				time.AfterFunc(5*time.Second, s.line.Drop)
				begin := time.Now()
				s.says("the operation", op(ctx, ch), ringside.ErrConnectionLost)
				if took := time.Since(begin); took > 5*time.Second+s.door.LosesCallOnDrop+s.slack() {
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
	s.says("answer", ch.Answer(ctx), ringside.ErrConnectionLost)
	s.says("wait", ch.Wait(ctx, ""), ringside.ErrConnectionLost)
	s.says("play", ch.Play(ctx, ringside.Prompt{Sound: "beep"}), ringside.ErrConnectionLost)
	_, err := ch.Dial(ctx, extensions("102"))
	s.says("dial", err, ringside.ErrConnectionLost)
	s.says("voicemail", ch.Voicemail(ctx, "101"), ringside.ErrConnectionLost)
	s.says("hangup", ch.Hangup(ctx, ringside.CauseNormal), ringside.ErrConnectionLost)
	s.says("release", ch.Release(ctx, ringside.ResultReleased), ringside.ErrConnectionLost)
	if took := time.Since(begin); took > s.slack() {
		s.Errorf("the operations after the loss took %s", took)
	}
}

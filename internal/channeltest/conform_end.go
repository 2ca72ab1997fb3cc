package channeltest

import (
	"context"
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside"
)

// endCases are about how ringside ends its part of a call.
func endCases() []conformCase {
	cases := []conformCase{
		afterTheCallerHasLeft("hangup", func(ctx context.Context, ch ringside.Channel) error {
			return ch.Hangup(ctx, ringside.CauseBusy)
		}),
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
		afterTheCallerHasLeft("release", func(ctx context.Context, ch ringside.Channel) error {
			return ch.Release(ctx, ringside.ResultReleased)
		}),
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

// afterTheCallerHasLeft is the case in which ringside ends a call that has ended already.
func afterTheCallerHasLeft(what string, end func(ctx context.Context, ch ringside.Channel) error) conformCase {
	return conformCase{what + " after the caller has left", func(s *stage) {
		s.call(func(ctx context.Context, ch ringside.Channel) {
			s.says("answer", ch.Answer(ctx), nil)
			s.line.Leave()
			time.Sleep(time.Second)
			s.oneOf(what, end(ctx, ch), nil, ringside.ErrCallerGone)
		})
		s.ended("left", s.line.result())
	}}
}

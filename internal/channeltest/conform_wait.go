package channeltest

import (
	"context"
	"errors"
	"time"

	"github.com/ringside-pbx/ringside"
)

// errReason ends one operation's own ctx, while the call goes on.
var errReason = errors.New("the reason for the operation has passed")

func waitCases() []conformCase {
	cases := []conformCase{
		{"ends with its own ctx, and the music goes on while it rings", func(s *stage) {
			s.phone("101", &Phone{Answers: 15 * time.Second, Talk: 20 * time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("answer", ch.Answer(ctx), nil)
				s.hearing(30*time.Second, "jazz")
				s.waits(ctx, ch, "jazz", time.Minute)
				req := Extensions("101")
				req.Waiting, req.Music = true, "jazz"
				s.hearing(10*time.Second, "jazz")
				s.hearing(30*time.Second, "") // the talk
				res, err := ch.Dial(ctx, req)
				s.says("dial", err, nil)
				s.talked(res, "101", 20*time.Second)
				s.release(ctx, ch)
			})
		}},
		{"whose own ctx has ended before", func(s *stage) {
			s.phone("101", &Phone{Busy: true})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.waits(ctx, ch, "", 0)
				s.dials(ctx, ch, ringside.DialBusy, "101")
				s.release(ctx, ch)
			})
		}},
		{"again and again", func(s *stage) {
			s.phone("101", &Phone{})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				for range 3 {
					s.hearing(5*time.Second, "default")
					s.waits(ctx, ch, "", 10*time.Second)
					s.dials(ctx, ch, ringside.DialNoAnswer, "101")
				}
				s.release(ctx, ch)
			})
		}},
		{"until the caller leaves", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				time.AfterFunc(time.Minute, s.line.Leave)
				waiting, cancel := context.WithTimeoutCause(ctx, time.Hour, errReason)
				defer cancel()
				begin := time.Now()
				s.says("wait", ch.Wait(waiting, ""), ringside.ErrCallerGone)
				s.near("the wait", time.Since(begin), time.Minute)
				s.left(ctx)
			})
			s.ended("left", "")
		}},
		{"by the call's own ctx until the caller leaves", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				time.AfterFunc(time.Minute, s.line.Leave)
				s.says("wait", ch.Wait(ctx, ""), ringside.ErrCallerGone)
				s.left(ctx)
			})
			s.ended("left", "")
		}},
		{"that ends in the moment in which the caller leaves", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				time.AfterFunc(time.Minute, s.line.Leave)
				waiting, cancel := context.WithTimeoutCause(ctx, time.Minute, errReason)
				defer cancel()
				s.oneOf("wait", ch.Wait(waiting, ""), nil, ringside.ErrCallerGone)
				s.says("the next wait", ch.Wait(ctx, ""), ringside.ErrCallerGone)
				s.left(ctx)
			})
		}},
	}
	for name, class := range map[string]string{
		"a line break": "jazz\r\nHANGUP", "an expression": "${SHELL(id)}", "a NUL": "\x00", "a blank": "two words", "quotes": `"`,
	} {
		cases = append(cases, conformCase{"with " + name + " in the music's name", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.hearing(30*time.Second, "default")
				s.waits(ctx, ch, class, time.Minute)
				s.release(ctx, ch)
			})
		}})
	}
	return cases
}

// waits lets the caller wait for d, and checks that they have and that the call goes on.
func (s *stage) waits(ctx context.Context, ch ringside.Channel, music string, d time.Duration) {
	s.Helper()
	waiting, cancel := context.WithTimeoutCause(ctx, d, errReason)
	defer cancel()
	begin := time.Now()
	s.says("wait", ch.Wait(waiting, music), nil)
	s.near("the wait", time.Since(begin), d)
	if ctx.Err() != nil {
		s.Errorf("the end of the wait has ended the call: %v", context.Cause(ctx))
	}
}

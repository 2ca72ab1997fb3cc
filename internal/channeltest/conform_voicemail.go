package channeltest

import (
	"context"
	"time"

	"github.com/ringside-pbx/ringside"
)

func voicemailCases() []conformCase {
	cases := []conformCase{
		{"the caller leaves a message and stays", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("voicemail", ch.Voicemail(ctx, "101"), nil)
				s.says("hangup", ch.Hangup(ctx, ringside.CauseNormal), nil)
			})
			s.heard("answered", "message for 101")
			s.ended("hung up 16", ringside.ResultDone)
		}},
		{"the caller leaves a message and hangs up", func(s *stage) {
			s.line.LeavesAfterMessage = true
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("voicemail", ch.Voicemail(ctx, "101"), nil)
				s.oneOf("hangup", ch.Hangup(ctx, ringside.CauseNormal), nil, ringside.ErrCallerGone)
				s.left(ctx)
			})
			s.heard("answered", "message for 101")
			s.ended("left", s.line.result())
		}},
		{"the caller hangs up without a message", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				time.AfterFunc(5*time.Second, s.line.Leave)
				s.says("voicemail", ch.Voicemail(ctx, "101"), ringside.ErrCallerGone)
				s.left(ctx)
			})
			s.heard("answered")
		}},
		{"the mailbox can't be used", func(s *stage) {
			s.line.NoMailbox = true
			s.call(func(ctx context.Context, ch ringside.Channel) {
				begin := time.Now()
				s.says("voicemail", ch.Voicemail(ctx, "101"), ringside.ErrRefused)
				s.near("the refusal", time.Since(begin), 0)
				s.goesOn(ctx, ch)
				s.release(ctx, ch)
			})
			s.ended("dialplan", ringside.ResultReleased)
		}},
	}
	for name, mailbox := range map[string]string{
		"nothing": "", "another context": "101@other", "an option": "101,u", "an expression": "${SHELL(id)}", "a line break": "101\r\nHANGUP",
	} {
		cases = append(cases, conformCase{name + " is no mailbox", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.goesOn(ctx, ch) // what was said before is said now
				before := s.line.Said()
				s.says("voicemail", ch.Voicemail(ctx, mailbox), ringside.ErrRefused)
				if said := s.line.Said() - before; said != 0 {
					s.Errorf("%d lines were said on the wire", said)
				}
				s.goesOn(ctx, ch)
				s.release(ctx, ch)
			})
			s.heard("answered")
		}})
	}
	return cases
}

package channeltest

import (
	"context"
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// attemptCases are about several extensions at once.
func attemptCases() []conformCase {
	return []conformCase{
		{"the first to answer stops the others", func(s *stage) {
			s.phone("101", &Phone{})
			s.phone("102", &Phone{Answers: 8 * time.Second, Talk: 20 * time.Second})
			s.phone("103", &Phone{Answers: 15 * time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.talked(s.dials(ctx, ch, ringside.DialAnswered, "101", "102", "103"), "102", 20*time.Second)
				s.release(ctx, ch)
			})
			for _, other := range []string{"101", "103"} {
				// Not later than the talk begins, which a slow PBX needs some time for.
				s.near(other+"'s stopping", s.line.When(other+" stops").Sub(s.line.When("102 rings")), 8*time.Second)
			}
			s.each("101", "rings", "stops")
			s.each("102", "rings", "talks", "hangs up")
			s.each("103", "rings", "stops")
		}},
		{"two answer in the same moment", func(s *stage) {
			s.phone("101", &Phone{Answers: 8 * time.Second, Talk: 20 * time.Second})
			s.phone("102", &Phone{Answers: 8 * time.Second, Talk: 20 * time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				res := s.dials(ctx, ch, ringside.DialAnswered, "101", "102")
				s.talked(res, res.Answered.Number, 20*time.Second)
				s.each(res.Answered.Number, "rings", "talks", "hangs up")
				s.release(ctx, ch)
			})
			talks := 0
			for _, what := range s.line.Seen() {
				if what == "101 talks" || what == "102 talks" {
					talks++
				}
			}
			if talks != 1 {
				s.Errorf("%d phones talk to the caller", talks)
			}
		}},
		{"all refuse", func(s *stage) {
			s.phone("101", &Phone{Away: true})
			s.phone("102", &Phone{Busy: true})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				begin := time.Now()
				s.nobody(s.dials(ctx, ch, ringside.DialBusy, "101", "102", "103"))
				s.near("the attempt", time.Since(begin), 0)
				s.nobody(s.dials(ctx, ch, ringside.DialUnavailable, "101", "103"))
				s.goesOn(ctx, ch)
				s.release(ctx, ch)
			})
			s.seen()
		}},
		{"some refuse and the others do not answer", func(s *stage) {
			s.phone("101", &Phone{})
			s.phone("102", &Phone{Busy: true})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				begin := time.Now()
				s.nobody(s.dials(ctx, ch, ringside.DialNoAnswer, "101", "102", "103"))
				s.near("the attempt", time.Since(begin), 20*time.Second)
				s.release(ctx, ch)
			})
			s.seen("101 rings", "101 stops")
		}},
		{"some refuse and one answers", func(s *stage) {
			s.phone("102", &Phone{Busy: true})
			s.phone("103", &Phone{Answers: 8 * time.Second, Talk: 20 * time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.talked(s.dials(ctx, ch, ringside.DialAnswered, "101", "102", "103"), "103", 20*time.Second)
				s.release(ctx, ch)
			})
			s.seen("103 rings", "103 talks", "103 hangs up")
		}},
		{"the caller leaves while they ring", func(s *stage) {
			s.phone("101", &Phone{})
			s.phone("102", &Phone{Answers: 15 * time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				time.AfterFunc(10*time.Second, s.line.Leave)
				s.cancelled(ch.Dial(ctx, Extensions("101", "102")))
				s.left(ctx)
			})
			s.each("101", "rings", "stops")
			s.each("102", "rings", "stops")
			s.ended("left", "")
		}},
		{"the caller leaves in the moment of the answer", func(s *stage) {
			s.phone("101", &Phone{Answers: 8 * time.Second})
			s.phone("102", &Phone{Answers: 8 * time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.phoneAnswers("101", s.line.Leave)
				res, err := ch.Dial(ctx, Extensions("101", "102"))
				if res.Status != ringside.DialAnswered || err != nil {
					s.cancelled(res, err)
				}
				s.left(ctx)
			})
			s.ended("left", "")
		}},
		{"twice in a row", func(s *stage) {
			s.phone("101", &Phone{})
			s.phone("102", &Phone{})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.dials(ctx, ch, ringside.DialNoAnswer, "101", "102")
				s.dials(ctx, ch, ringside.DialNoAnswer, "102", "101")
				s.release(ctx, ch)
			})
			s.each("101", "rings", "stops", "rings", "stops")
			s.each("102", "rings", "stops", "rings", "stops")
			for _, n := range []string{"101", "102"} {
				if together := s.line.PBX.Phones[n].Together(); together != 1 {
					s.Errorf("%s had %d calls at one time", n, together)
				}
			}
		}},
		{"two calls at once do not touch each other", twoCalls},
	}
}

// phoneAnswers does something in the moment in which a phone that rings from now on answers.
func (s *stage) phoneAnswers(number string, do func()) {
	time.AfterFunc(s.line.PBX.Phones[number].Answers, do)
}

// each checks what one phone saw.
func (s *stage) each(number string, want ...string) {
	s.Helper()
	var got []string
	for _, what := range s.line.Seen() {
		if n := len(number); len(what) > n && what[:n+1] == number+" " {
			got = append(got, what[n+1:])
		}
	}
	if !slices.Equal(got, want) {
		s.Errorf("%s saw %q, want %q", number, got, want)
	}
}

// twoCalls: one caller leaves a queue while another is rung for and talks.
func twoCalls(s *stage) {
	other := NewLine("call-2", s.line.PBX.Phones)
	other.Slow, other.Caller = s.line.Slow, "+79007654321"
	s.phone("101", &Phone{Answers: 15 * time.Second, Talk: time.Minute})
	s.calls(func(ctx context.Context, ch ringside.Channel) {
		switch o := ch.Offer(); {
		case o.CallID == "call-1" && o.Caller == s.line.Caller:
			s.talked(s.dials(ctx, ch, ringside.DialAnswered, "101"), "101", time.Minute)
			s.says("hangup", ch.Hangup(ctx, ringside.CauseNormal), nil)
		case o.CallID == "call-2" && o.Caller == other.Caller:
			time.AfterFunc(30*time.Second, other.Leave)
			s.says("wait", ch.Wait(ctx, ""), ringside.ErrCallerGone)
			s.left(ctx)
		default:
			s.Errorf("the offer is %+v", o)
		}
	}, s.line, other)
	s.ended("hung up 16", ringside.ResultDone)
	if other.Ended() != "left" || len(other.Seen()) > 0 || len(other.Heard()) > 0 {
		s.Errorf("the other call ended as %q, with %q and %q", other.Ended(), other.Seen(), other.Heard())
	}
}

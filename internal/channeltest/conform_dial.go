package channeltest

import (
	"context"
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// dialCases are about one extension.
func dialCases() []conformCase {
	cases := []conformCase{
		{"answered, and the extension hangs up", func(s *stage) {
			s.phone("101", &Phone{Answers: 5 * time.Second, Talk: time.Minute})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				begin := time.Now()
				s.talked(s.dials(ctx, ch, ringside.DialAnswered, "101"), "101", time.Minute)
				s.near("the attempt", time.Since(begin), 65*time.Second)
				s.goesOn(ctx, ch)
				s.says("hangup", ch.Hangup(ctx, ringside.CauseNormal), nil)
			})
			s.seen("101 rings", "101 talks", "101 hangs up")
			s.heard("answered")
			s.ended("hung up 16", ringside.ResultDone)
		}},
		{"answered, and the caller hangs up", func(s *stage) {
			s.phone("101", &Phone{Answers: 5 * time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				time.AfterFunc(35*time.Second, s.line.Leave)
				s.talked(s.dials(ctx, ch, ringside.DialAnswered, "101"), "101", 30*time.Second)
				s.oneOf("hangup", ch.Hangup(ctx, ringside.CauseNormal), nil, ringside.ErrCallerGone)
				s.left(ctx)
			})
			s.seen("101 rings", "101 talks", "101 is let go")
			s.ended("left", s.line.result())
		}},
		{"no answer", func(s *stage) {
			s.phone("101", &Phone{})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				begin := time.Now()
				res := s.dials(ctx, ch, ringside.DialNoAnswer, "101")
				s.near("the attempt", time.Since(begin), 20*time.Second)
				s.nobody(res)
				s.goesOn(ctx, ch)
				s.release(ctx, ch)
			})
			s.seen("101 rings", "101 stops")
			s.near("the ringing", s.line.When("101 stops").Sub(s.line.When("101 rings")), 20*time.Second)
		}},
		{"no answer, then the next", func(s *stage) {
			s.phone("101", &Phone{})
			s.phone("102", &Phone{Busy: true})
			s.phone("104", &Phone{Answers: 5 * time.Second, Talk: 10 * time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.nobody(s.dials(ctx, ch, ringside.DialNoAnswer, "101"))
				s.nobody(s.dials(ctx, ch, ringside.DialBusy, "102"))
				s.nobody(s.dials(ctx, ch, ringside.DialUnavailable, "103"))
				s.talked(s.dials(ctx, ch, ringside.DialAnswered, "104"), "104", 10*time.Second)
				s.release(ctx, ch)
			})
			s.seen("101 rings", "101 stops", "104 rings", "104 talks", "104 hangs up")
		}},
		{"the caller leaves while it rings", func(s *stage) {
			s.phone("101", &Phone{})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				time.AfterFunc(10*time.Second, s.line.Leave)
				begin := time.Now()
				s.cancelled(ch.Dial(ctx, Extensions("101")))
				s.near("the attempt", time.Since(begin), 10*time.Second)
				s.left(ctx)
			})
			s.seen("101 rings", "101 stops")
			s.near("the ringing", s.line.When("101 stops").Sub(s.line.When("101 rings")), 10*time.Second)
			s.ended("left", "")
		}},
		{"nobody is rung for a caller who has left", func(s *stage) {
			s.phone("101", &Phone{Answers: 5 * time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				time.AfterFunc(5*time.Second, s.line.Leave)
				s.says("wait", ch.Wait(ctx, ""), ringside.ErrCallerGone)
				s.cancelled(ch.Dial(ctx, Extensions("101")))
			})
			s.seen()
		}},
		{"an outside number", func(s *stage) {
			s.phone("+74951234567", &Phone{Answers: 5 * time.Second, Talk: 10 * time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				target := ringside.Target{Kind: ringside.ToExternal, Number: "+74951234567"}
				res, err := ch.Dial(ctx, ringside.DialRequest{Targets: []ringside.Target{target}, Ring: 20 * time.Second, CallID: "test-1"})
				s.says("dial", err, nil)
				if res.Status != ringside.DialAnswered || res.Answered != target {
					s.Errorf("the result is %+v", res)
				}
				s.release(ctx, ch)
			})
		}},
	}
	return slices.Concat(cases, refusalCases(), lookCases())
}

// refusalCases are attempts that never reach the PBX or a phone.
func refusalCases() []conformCase {
	cases := []conformCase{{"nobody to dial", func(s *stage) { s.refused() }}}
	for name, p := range map[string]struct {
		phone *Phone
		want  ringside.DialStatus
	}{
		"busy":              {&Phone{Busy: true}, ringside.DialBusy},
		"not registered":    {&Phone{Away: true}, ringside.DialUnavailable},
		"no such extension": {nil, ringside.DialUnavailable},
	} {
		cases = append(cases, conformCase{name, func(s *stage) {
			if p.phone != nil {
				s.phone("101", p.phone)
			}
			s.call(func(ctx context.Context, ch ringside.Channel) {
				begin := time.Now()
				s.nobody(s.dials(ctx, ch, p.want, "101"))
				s.near("the attempt", time.Since(begin), 0)
				s.goesOn(ctx, ch)
				s.release(ctx, ch)
			})
			s.seen()
		}})
	}
	for name, number := range map[string]string{
		"an empty number": "", "two numbers in one": "101&102", "an option": "101,20,S(1)", "an expression": "${SHELL(id)}",
		"a line break": "101\r\nHANGUP", "a NUL": "101\x00", "a place": "101@internal", "a path": "../101",
	} {
		cases = append(cases, conformCase{name + " is not dialled", func(s *stage) { s.refused("101", number) }})
	}
	return cases
}

// refused checks that an attempt is refused before the PBX hears of it.
func (s *stage) refused(numbers ...string) {
	s.phone("101", &Phone{Answers: 5 * time.Second})
	s.phone("102", &Phone{Answers: 5 * time.Second})
	s.call(func(ctx context.Context, ch ringside.Channel) {
		s.says("answer", ch.Answer(ctx), nil)
		before := s.line.Said()
		req := Extensions(numbers...)
		req.CallerName = "Anna"
		res, err := ch.Dial(ctx, req)
		s.says("dial", err, ringside.ErrRefused)
		if res.Status != ringside.DialFailed {
			s.Errorf("the status is %q", res.Status)
		}
		if said := s.line.Said() - before; said != 0 {
			s.Errorf("%d lines were said on the wire", said)
		}
		s.goesOn(ctx, ch)
		s.release(ctx, ch)
	})
	s.seen()
}

// lookCases are about what the caller and the phones see and hear while it rings.
func lookCases() []conformCase {
	var cases []conformCase
	for name, c := range map[string]struct {
		waiting     bool
		music, want string
	}{
		"the ringing tone":          {false, "", ""},
		"music for ringing":         {false, "jazz", "jazz"},
		"music for who waits":       {true, "", "default"},
		"jazz for who waits":        {true, "jazz", "jazz"},
		"a class that is an attack": {true, "jazz)U(evil", "default"},
	} {
		cases = append(cases, conformCase{"the caller hears " + name, func(s *stage) {
			s.phone("101", &Phone{Answers: 15 * time.Second, Talk: 20 * time.Second})
			s.call(func(ctx context.Context, ch ringside.Channel) {
				req := Extensions("101")
				req.Waiting, req.Music = c.waiting, c.music
				s.hearing(10*time.Second, c.want)
				s.hearing(25*time.Second, "") // the talk
				res, err := ch.Dial(ctx, req)
				s.says("dial", err, nil)
				s.talked(res, "101", 20*time.Second)
				s.release(ctx, ch)
			})
		}})
	}
	for name, c := range map[string]struct{ name, want string }{
		"the caller's own name": {"", ""},
		"the CRM's name":        {"Anna Petrova", "Anna Petrova"},
		"a Cyrillic name":       {"Анна Петрова", "Анна Петрова"},
	} {
		cases = append(cases, conformCase{"the phone shows " + name, func(s *stage) {
			s.named(c.name)
			if got := s.line.Shown(); got != c.want {
				s.Errorf("the phone shows %q, want %q", got, c.want)
			}
		}})
	}
	for name, hostile := range attacks() {
		cases = append(cases, conformCase{"the phone shows a harmless form of " + name, func(s *stage) {
			s.named(hostile)
			s.harmless("the name", s.line.Shown())
			s.variables(map[string]string{"RINGSIDE_RESULT": "released"})
		}})
	}
	return cases
}

// named dials with a name for the caller.
func (s *stage) named(name string) {
	s.phone("101", &Phone{Answers: 5 * time.Second, Talk: 10 * time.Second})
	s.call(func(ctx context.Context, ch ringside.Channel) {
		req := Extensions("101")
		req.CallerName = name
		res, err := ch.Dial(ctx, req)
		s.says("dial", err, nil)
		s.talked(res, "101", 10*time.Second)
		s.release(ctx, ch)
	})
	s.seen("101 rings", "101 talks", "101 hangs up")
}

// talked checks the result of an attempt that was answered.
func (s *stage) talked(res ringside.DialResult, number string, talk time.Duration) {
	s.Helper()
	if res.Status != ringside.DialAnswered || res.Answered != (ringside.Target{Kind: ringside.ToExtension, Number: number}) {
		s.Errorf("the result is %+v, want that %s has answered", res, number)
	}
	s.near("the talk", res.Talk, talk)
	if res.Cause != ringside.CauseNormal {
		s.Errorf("the cause of a talk's end is %d", res.Cause)
	}
}

// nobody checks the result of an attempt that was not answered.
func (s *stage) nobody(res ringside.DialResult) {
	s.Helper()
	if res.Answered != (ringside.Target{}) || res.Talk != 0 {
		s.Errorf("nobody has answered, and the result is %+v", res)
	}
}

// cancelled checks an attempt that the caller's leaving has ended.
func (s *stage) cancelled(res ringside.DialResult, err error) {
	s.Helper()
	s.oneOf("dial", err, ringside.ErrCallerGone, nil)
	if err == nil && res.Status != ringside.DialCancelled {
		s.Errorf("the status is %q", res.Status)
	}
	s.nobody(res)
}

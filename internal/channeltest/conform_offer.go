package channeltest

import (
	"context"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

func offerCases() []conformCase {
	cases := []conformCase{
		{"tells who called what", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.offered(ch.Offer())
				s.offered(ch.Offer()) // as often as it is asked
				s.release(ctx, ch)
			})
		}},
		{"of a withheld number", func(s *stage) {
			s.line.Caller, s.line.CallerName = "", ""
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.offered(ch.Offer())
				s.release(ctx, ch)
			})
		}},
		{"can be answered twice", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("the first answer", ch.Answer(ctx), nil)
				s.says("the second answer", ch.Answer(ctx), nil)
				s.release(ctx, ch)
			})
			s.heard("answered")
		}},
		{"is not answered unasked", func(s *stage) {
			s.call(s.release)
			s.heard()
		}},
	}
	for name, text := range map[string]string{
		"an expression": `Anna ${SHELL(id)} $[1+1]`, "quotes": `O"Neil 'the \ boss'`, "Cyrillic": "Анна",
		"separators": "a,b;c|d&e^f(g", "a line break": "Anna\nBob", "a line of the protocol": "Anna\r\nagi_callerid: 100\r\n",
		"an end of a header": "Anna\n\nContent-Length: 0\n\n", "a long name": strings.Repeat("long ", 60),
	} {
		cases = append(cases, conformCase{"of a caller who calls themselves " + name, func(s *stage) {
			s.line.CallerName = text
			served := s.refusable(func(ctx context.Context, ch ringside.Channel) {
				s.offered(ch.Offer())
				s.release(ctx, ch)
			})
			// With a line break in it, a protocol of lines can't be trusted any more: such a call may be
			// left to the dialplan. No other may.
			if !served && !strings.ContainsAny(text, "\r\n") {
				s.Error("the call is not served")
			}
			if s.line.Ended() != "dialplan" {
				s.Errorf("the call ended as %q", s.line.Ended())
			}
		}})
	}
	return cases
}

// offered checks an offer against the line's call.
func (s *stage) offered(o ringside.Offer) {
	s.Helper()
	l := s.line
	for _, f := range [][3]string{
		{"PBX", o.PBX, s.door.PBX},
		{"CallID", o.CallID, l.ID},
		{"Endpoint", o.Endpoint, l.Endpoint},
		{"Caller", o.Caller, l.Caller},
		{"Called", o.Called, l.Called},
	} {
		if f[1] != f[2] {
			s.Errorf("the offer's %s is %q, want %q", f[0], f[1], f[2])
		}
	}
	if o.CallerName != l.CallerName && !strings.ContainsAny(l.CallerName, "\r\n") {
		s.Errorf("the offer's CallerName is %q, want %q", o.CallerName, l.CallerName)
	}
	if o.Channel == "" {
		s.Error("the offer has no Channel")
	}
	if age := time.Since(o.At); o.At.IsZero() || age < 0 || age > s.slack() {
		s.Errorf("the offer was made at %s", o.At)
	}
}

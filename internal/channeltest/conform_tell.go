package channeltest

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/ringside-pbx/ringside"
)

// attacks are names that mean something in the protocols between here and a phone.
func attacks() map[string]string {
	const expressions = "Sales\", RINGSIDE_RESULT=done, ' ${SHELL(id)} $[1] \\ ; | ^ & ( [ `id`"
	return map[string]string{
		"expressions":      expressions,
		"assignments":      "a,RINGSIDE_RESULT=done",
		"an open bracket":  "a(b[c",
		"quotes":           `"",RINGSIDE_RESULT=done,"`,
		"lines and a NUL":  expressions + "\r\nHANGUP\r\n\x00",
		"a very long name": strings.Repeat("Sales and service ", 100),
	}
}

func tellCases() []conformCase {
	cases := []conformCase{
		{"a decision", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("tell", ch.Tell(ctx, "test-1", &ringside.Decision{
					Action: ringside.Route, Target: "101", Timeout: 25 * time.Second,
					Group: &ringside.RingGroup{Name: "Sales"}, Rule: &ringside.Rule{Name: "The rule"},
				}), nil)
				s.release(ctx, ch)
			})
			s.variables(map[string]string{
				"RINGSIDE_ACTION": "route", "RINGSIDE_TARGET": "101", "RINGSIDE_TIMEOUT": "25", "RINGSIDE_GROUP": "Sales",
				"RINGSIDE_RULE": "The rule", "RINGSIDE_CALL_ID": "test-1", "RINGSIDE_RESULT": "released",
			})
			if dial := s.line.Variable("RINGSIDE_DIAL"); !strings.Contains(dial, "101") {
				s.Errorf("RINGSIDE_DIAL is %q", dial)
			}
		}},
		{"nobody to dial, but where the call is", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("tell", ch.Tell(ctx, "test-1", &ringside.Decision{
					Action: ringside.Queue, Timeout: time.Minute, Group: &ringside.RingGroup{Name: "Продажи"},
				}), nil)
				s.release(ctx, ch)
			})
			s.variables(map[string]string{"RINGSIDE_ACTION": "queue", "RINGSIDE_GROUP": "Продажи", "RINGSIDE_CALL_ID": "test-1"})
		}},
		{"one decision after the other", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				for _, target := range []string{"101", "102"} {
					s.says("tell", ch.Tell(ctx, "test-1", &ringside.Decision{Action: ringside.Route, Target: target}), nil)
				}
				s.release(ctx, ch)
			})
			s.variables(map[string]string{"RINGSIDE_TARGET": "102"})
		}},
		{"a decision that can't be dialled", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.oneOf("tell", ch.Tell(ctx, "test-1", &ringside.Decision{Action: ringside.Route, Target: "101&102"}), ringside.ErrRefused, nil)
				s.goesOn(ctx, ch)
				s.release(ctx, ch)
			})
			if dial := s.line.Variable("RINGSIDE_DIAL"); dial != "" {
				s.Errorf("RINGSIDE_DIAL is %q", dial)
			}
		}},
		{"a caller who has left", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				time.AfterFunc(5*time.Second, s.line.Leave)
				s.says("wait", ch.Wait(ctx, ""), ringside.ErrCallerGone)
				s.oneOf("tell", ch.Tell(ctx, "test-1", &ringside.Decision{Action: ringside.Queue}), nil, ringside.ErrCallerGone)
			})
		}},
	}
	for name, hostile := range attacks() {
		cases = append(cases, conformCase{"names with " + name, func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.says("tell", ch.Tell(ctx, "test-1", &ringside.Decision{
					Action: ringside.Route, Target: "101", Timeout: 25 * time.Second, CallerName: hostile,
					Group: &ringside.RingGroup{Name: hostile}, Rule: &ringside.Rule{Name: hostile},
				}), nil)
				if got := s.line.result(); got != "" {
					s.Errorf("a name has set RINGSIDE_RESULT=%s", got)
				}
				s.goesOn(ctx, ch)
				s.release(ctx, ch)
			})
			s.variables(map[string]string{
				"RINGSIDE_ACTION": "route", "RINGSIDE_TARGET": "101", "RINGSIDE_TIMEOUT": "25", "RINGSIDE_CALL_ID": "test-1",
				"RINGSIDE_RESULT": "released",
			})
			for _, variable := range s.line.Variables() {
				s.harmless(variable, s.line.Variable(variable))
			}
			s.harmless("the name", s.line.Shown())
		}})
	}
	return cases
}

// variables checks channel variables, and that there are no others than the dialplan knows.
func (s *stage) variables(want map[string]string) {
	s.Helper()
	for name, value := range want {
		if got := s.line.Variable(name); got != value {
			s.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	known := []string{
		"RINGSIDE_ACTION", "RINGSIDE_TARGET", "RINGSIDE_DIAL", "RINGSIDE_TIMEOUT", "RINGSIDE_GROUP", "RINGSIDE_RULE", "RINGSIDE_CALL_ID",
		"RINGSIDE_RESULT",
	}
	for _, name := range s.line.Variables() {
		if !slices.Contains(known, name) {
			s.Errorf("the variable %s is set to %q", name, s.line.Variable(name))
		}
	}
}

// harmless checks that a text holds nothing that a dialplan would expand or a line would end at.
func (s *stage) harmless(what, text string) {
	s.Helper()
	if strings.Contains(text, "${") || strings.Contains(text, "$[") || strings.ContainsFunc(text, unicode.IsControl) {
		s.Errorf("%s is %q", what, text)
	}
}

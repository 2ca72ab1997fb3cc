package ari

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

type habits = map[string]*channeltest.Phone

// between is a request to connect two extensions.
func between(from, to string) ringside.OriginateRequest {
	return ringside.OriginateRequest{
		From: ringside.Target{Kind: ringside.ToExtension, Number: from}, To: ringside.Target{Kind: ringside.ToExtension, Number: to}, Ring: 20 * time.Second,
	}
}

// placing is a story about calls that ringside places.
func placing(t *testing.T, phones habits, opt Options, tell func(s *site)) {
	t.Helper()
	story(t, opt, nil, func(s *site) {
		s.pbx.do(func() { s.pbx.home = channeltest.NewLine("house", phones) })
		tell(s)
		after(3 * time.Minute)
		s.pbx.do(func() {
			for _, c := range s.pbx.channels {
				t.Errorf("the channel %s is left", c.name)
			}
			if len(s.pbx.bridges) > 0 {
				t.Errorf("%d bridges are left", len(s.pbx.bridges))
			}
		})
		if n := s.app.State().Calls; n != 0 || len(s.app.owners) != 0 {
			t.Errorf("%d calls and %d ids are known", n, len(s.app.owners))
		}
	})
}

func (s *site) saw(want ...string) {
	s.t.Helper()
	if got := s.pbx.home.Seen(); !slices.Equal(got, want) {
		s.t.Errorf("the phones saw %q, want %q", got, want)
	}
}

func TestACallIsPlaced(t *testing.T) {
	for name, c := range map[string]struct {
		phones habits
		status ringside.DialStatus // of calling From
		within time.Duration
		saw    []string
		cause  int // with which From is hung up; 0 if they are not
	}{
		"both answer, and To hangs up": {
			habits{"101": {Answers: 3 * time.Second}, "102": {Answers: 5 * time.Second, Talk: 10 * time.Second}},
			ringside.DialAnswered, 3 * time.Second,
			[]string{"101 rings", "102 rings", "101 talks", "102 talks", "102 hangs up", "101 is let go"},
			16,
		},
		"both answer, and From hangs up": {
			habits{"101": {Answers: 3 * time.Second, Talk: 10 * time.Second}, "102": {Answers: 5 * time.Second}},
			ringside.DialAnswered, 3 * time.Second,
			[]string{"101 rings", "102 rings", "101 talks", "102 talks", "101 hangs up", "102 is let go"},
			0,
		},
		"From is busy":           {habits{"101": {Busy: true}, "102": {}}, ringside.DialBusy, 0, nil, 0},
		"From is not registered": {habits{"101": {Away: true}, "102": {}}, ringside.DialUnavailable, 0, nil, 0},
		"From does not answer":   {habits{"101": {}, "102": {}}, ringside.DialNoAnswer, 20 * time.Second, []string{"101 rings", "101 stops"}, 16},
		"To is busy": {
			habits{"101": {Answers: time.Second}, "102": {Busy: true}},
			ringside.DialAnswered, time.Second,
			[]string{"101 rings", "101 is let go"},
			17,
		},
		"To is not registered": {
			habits{"101": {Answers: time.Second}}, ringside.DialAnswered, time.Second, []string{"101 rings", "101 is let go"}, 20,
		},
		"To does not answer": {
			habits{"101": {Answers: time.Second}, "102": {}},
			ringside.DialAnswered, time.Second,
			[]string{"101 rings", "102 rings", "102 stops", "101 is let go"},
			19,
		},
	} {
		t.Run(name, func(t *testing.T) {
			placing(t, c.phones, Options{}, func(s *site) {
				began := time.Now()
				made, err := s.app.Originate(context.Background(), between("101", "102"))
				took := time.Since(began)
				if made.Status != c.status || err != nil || made.ID == "" || took != c.within {
					t.Errorf("%+v, %v after %s", made, err, took)
				}
				if (made.Channel != "") != (c.status == ringside.DialAnswered) {
					t.Errorf("the channel is %q", made.Channel)
				}
				after(3 * time.Minute)
				s.saw(c.saw...)
				if s.pbx.ends["101"] != c.cause {
					t.Errorf("From was hung up with %d, want %d", s.pbx.ends["101"], c.cause)
				}
				if s.app.Live(made.ID) {
					t.Error("the call is taken for one that goes on")
				}
			})
		})
	}
}

// From sees whom they are about to talk to, To who calls; a request may say otherwise.
func TestBothSidesOfAPlacedCallSeeANumber(t *testing.T) {
	outside := ringside.Target{Kind: ringside.ToExternal, Number: "+74951234567"}
	for name, c := range map[string]struct {
		change   func(r *ringside.OriginateRequest)
		from, to string
	}{
		"each the other's":  {func(*ringside.OriginateRequest) {}, " <102>", " <101>"},
		"a name":            {func(r *ringside.OriginateRequest) { r.CallerName = "Анна, ООО" }, "Анна  ООО <102>", " <101>"},
		"another for From":  {func(r *ringside.OriginateRequest) { r.CallerID = "500" }, " <500>", " <101>"},
		"another for To":    {func(r *ringside.OriginateRequest) { r.Presents = "+74950000000" }, " <102>", " <+74950000000>"},
		"an outside number": {func(r *ringside.OriginateRequest) { r.To = outside; r.Presents = "+74950000000" }, " <+74951234567>", " <+74950000000>"},
		"an outside caller": {func(r *ringside.OriginateRequest) { r.From, r.Presents = outside, "" }, " <102>", " <+74951234567>"},
	} {
		t.Run(name, func(t *testing.T) {
			phones := habits{"101": {Answers: time.Second}, "102": {Answers: time.Second, Talk: time.Second}, "+74951234567": {Answers: time.Second, Talk: time.Second}}
			placing(t, phones, Options{}, func(s *site) {
				r := between("101", "102")
				c.change(&r)
				if made, err := s.app.Originate(context.Background(), r); err != nil || made.Status != ringside.DialAnswered {
					t.Errorf("%+v, %v", made, err)
				}
				after(10 * time.Second)
				if got := s.pbx.shows[r.From.Number]; strings.TrimSpace(got) != strings.TrimSpace(c.from) {
					t.Errorf("From sees %q, want %q", got, c.from)
				}
				if got := s.pbx.shows[r.To.Number]; got != c.to {
					t.Errorf("To sees %q, want %q", got, c.to)
				}
			})
		})
	}
}

// What is wrong with a request, or forbidden, is told before anybody is rung.
func TestACallThatCanNotBePlacedIsToldOf(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(s *site, r *ringside.OriginateRequest)
		want    error
	}{
		"a user who may only read":  {func(s *site, _ *ringside.OriginateRequest) { s.pbx.readOnly = true }, ringside.ErrNotPermitted},
		"a request that is refused": {func(s *site, _ *ringside.OriginateRequest) { s.answers(400, `{"message":"Invalid"}`) }, ringside.ErrRefused},
		"an answer that is none":    {func(s *site, _ *ringside.OriginateRequest) { s.answers(502, "<html>") }, ringside.ErrRefused},
		"no connection": {func(s *site, _ *ringside.OriginateRequest) {
			s.pbx.do(func() { s.pbx.refuses = 503 })
			s.pbx.cut()
			after(time.Second)
		}, ringside.ErrPBXAway},
		"too many calls":     {func(s *site, _ *ringside.OriginateRequest) { s.app.opt.MaxCalls = 0 }, ringside.ErrRefused},
		"two numbers in one": {func(_ *site, r *ringside.OriginateRequest) { r.To.Number = "101&102" }, nil},
		"a variable's own way": {func(_ *site, r *ringside.OriginateRequest) {
			r.Variables = []ringside.Variable{{Name: "SHELL(id)", Value: "x"}}
		}, nil},
	} {
		for _, async := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				placing(t, habits{"101": {}, "102": {}}, Options{}, func(s *site) {
					r := between("101", "102")
					r.Async = async
					c.prepare(s, &r)
					_, err := s.app.Originate(context.Background(), r)
					var invalid *ringside.InvalidError
					if err == nil || c.want != nil && !errors.Is(err, c.want) || c.want == nil && !errors.As(err, &invalid) {
						t.Errorf("%v, want %v", err, c.want)
					}
					after(time.Second)
					s.saw()
				})
			})
		}
	}
}

// answers lets every request that writes be answered so.
func (s *site) answers(status int, body string) {
	s.pbx.do(func() {
		s.pbx.says = func(r fakeRequest) *fakeAnswer {
			if r.method == "GET" {
				return nil
			}
			return &fakeAnswer{status: status, body: body}
		}
	})
}

// Who does not wait for the answer is told the id at once, and the call goes its way.
func TestACallIsPlacedWithoutWaiting(t *testing.T) {
	placing(t, habits{"101": {Answers: 3 * time.Second}, "102": {Answers: time.Second, Talk: time.Second}}, Options{}, func(s *site) {
		r := between("101", "102")
		r.Async = true
		began := time.Now()
		made, err := s.app.Originate(context.Background(), r)
		if err != nil || made.ID == "" || made.Status != "" || time.Since(began) > 0 || !s.app.Live(made.ID) {
			t.Errorf("%+v, %v after %s", made, err, time.Since(began))
		}
		after(time.Minute)
		s.saw("101 rings", "102 rings", "101 talks", "102 talks", "102 hangs up", "101 is let go")
	})
}

// Nobody is rung for somebody who has gone.
func TestAPlacedCallEndsWithWhoWantedIt(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		end   func(s *site, cancel context.CancelFunc)
		saw   []string
	}{
		"who asked leaves while From rings": {
			2 * time.Second, func(_ *site, cancel context.CancelFunc) { cancel() }, []string{"101 rings", "101 stops"},
		},
		"ringside is stopped while From rings": {
			2 * time.Second, func(s *site, _ context.CancelFunc) { s.halt(0) }, []string{"101 rings", "101 stops"},
		},
		"ringside is stopped while To rings": {
			8 * time.Second, func(s *site, _ context.CancelFunc) { s.halt(0) }, []string{"101 rings", "102 rings", "102 stops", "101 is let go"},
		},
		"From is hung up while To rings": {
			8 * time.Second, func(s *site, _ context.CancelFunc) {
				s.pbx.do(func() {
					for _, ch := range s.pbx.channels {
						if ch.number == "101" {
							s.pbx.end(ch, 16, false)
						}
					}
				})
			}, []string{"101 rings", "102 rings", "101 is let go", "102 stops"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			placing(t, habits{"101": {Answers: 5 * time.Second}, "102": {}}, Options{}, func(s *site) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				time.AfterFunc(c.after, func() { c.end(s, cancel) })
				made, err := s.app.Originate(ctx, between("101", "102"))
				if made.ID == "" || c.after < 5*time.Second && err == nil {
					t.Errorf("%+v, %v", made, err)
				}
				after(30 * time.Second)
				s.saw(c.saw...)
			})
		})
	}
}

// Who asked may go away while the request is on its way.
func TestAPlacedCallThatIsOnItsWayRingsNobodyInTheEnd(t *testing.T) {
	placing(t, habits{"101": {}, "102": {}}, Options{}, func(s *site) {
		s.pbx.do(func() { s.pbx.late = func(fakeRequest) time.Duration { return 2 * time.Second } })
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if made, err := s.app.Originate(ctx, between("101", "102")); err == nil || made.ID == "" {
			t.Errorf("%+v, %v", made, err)
		}
	})
}

// The end of a phone that is busy may be told before the request for it is answered.
func TestAPlacedCallToABusyPhoneIsBusyHoweverItIsTold(t *testing.T) {
	placing(t, habits{"101": {Busy: true}, "102": {}}, Options{}, func(s *site) {
		s.pbx.do(func() { s.pbx.delays = func(fakeRequest) time.Duration { return time.Second } })
		made, err := s.app.Originate(context.Background(), between("101", "102"))
		if made.Status != ringside.DialBusy || err != nil {
			t.Errorf("%+v, %v", made, err)
		}
	})
}

// A talk that ringside has placed outlives it.
func TestAPlacedTalkOutlivesRingside(t *testing.T) {
	placing(t, habits{"101": {Answers: time.Second, Talk: time.Minute}, "102": {Answers: time.Second, Talk: 2 * time.Minute}}, Options{}, func(s *site) {
		if _, err := s.app.Originate(context.Background(), between("101", "102")); err != nil {
			t.Error(err)
		}
		after(10 * time.Second)
		s.halt(0)
		after(10 * time.Second)
		s.saw("101 rings", "102 rings", "101 talks", "102 talks")
		s.crash()
		s.start()
		after(2 * time.Minute)
	})
}

// When ringside dies while somebody is called, nobody would stop the phone: Asterisk does.
func TestNobodyIsCalledForEver(t *testing.T) {
	placing(t, habits{"101": {}}, Options{}, func(s *site) {
		limits := make(chan any, 1)
		s.pbx.do(func() {
			s.pbx.says = func(r fakeRequest) *fakeAnswer {
				if strings.HasPrefix(r.String(), "POST channels/ringside-call-") {
					limits <- r.params["timeout"]
				}
				return nil
			}
		})
		if _, err := s.app.Originate(context.Background(), between("101", "102")); err != nil {
			t.Error(err)
		}
		if got := <-limits; got != float64(30) {
			t.Errorf("Asterisk rings for %v s at the most, want 30: the ring time and 10 s", got)
		}
	})
}

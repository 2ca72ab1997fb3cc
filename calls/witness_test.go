package calls

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

// recorded joins what was recorded of a call, as the store does.
func (j *journal) recorded(_ context.Context, id string) (joined ringside.Call, known bool, err error) {
	for _, c := range j.calls() {
		switch {
		case c.ID != id:
		case known:
			joined = c.Continue(joined)
		default:
			joined, known = c, true
		}
	}
	return joined, known, nil
}

// revisions is how many records of the call were made.
func (j *journal) revisions(id string) (n int) {
	for _, c := range j.calls() {
		if c.ID == id {
			n++
		}
	}
	return n
}

// saw is call 1 as the PBX saw it: 101 answered after 2 s and talked until now.
func saw(start time.Time) ringside.Witnessed {
	now := time.Now()
	return ringside.Witnessed{
		PBX: "test", CallID: "1", Endpoint: "trunk", Caller: "+79001234567", Called: "500",
		Start: start, Answer: start.Add(2 * time.Second), End: now, Status: ringside.StatusAnswered,
		Legs: []ringside.Leg{{
			PBXKey: "u/1", Kind: "dial", Targets: []string{"101"}, Start: start, Answer: start.Add(2 * time.Second),
			End: now, Answered: "101", Result: "answered",
		}},
	}
}

func (s *site) witness(w ringside.Witnessed) {
	s.t.Helper()
	if err := s.board.Witness(s.t.Context(), w, s.journal.recorded); err != nil {
		s.t.Errorf("witness: %v", err)
	}
}

type people map[string]ringside.Contact

func (p people) Contact(n ringside.Number) (ringside.Contact, bool) {
	c, ok := p[n.Raw]
	return c, ok
}

func TestCallThatRingsideHasNotRoutedIsRecorded(t *testing.T) {
	cases := []struct {
		name, endpoint, caller, called string
		outside                        bool
		want                           ringside.Direction
	}{
		{"from outside", "trunk", "+79001234567", "500", false, ringside.Inbound},
		{"between extensions", "101", "101", "102", false, ringside.Internal},
		{"to a feature of the PBX", "101", "101", "*98", false, ringside.Internal},
		{"to the world", "101", "101", "+79001234567", true, ringside.Outbound},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, office(t, sales(nil)), nil)
				defer s.close()
				s.board.opt.Contacts = people{"+79001234567": {Name: "Anna"}}
				changes := s.board.Watch(t.Context())
				start := time.Now()
				time.Sleep(time.Minute)
				w := saw(start)
				w.Endpoint, w.Caller, w.Called, w.Outside = c.endpoint, c.caller, c.called, c.outside
				s.witness(w)
				s.witness(w) // told twice
				if n := s.journal.revisions("test-1"); n != 1 {
					t.Errorf("%d revisions", n)
				}
				r := s.record(1)
				if r.Direction != c.want || r.Status != ringside.StatusAnswered || r.Duration != 58 || len(r.Legs) != 1 {
					t.Errorf("recorded %+v", r)
				}
				if fromAnna := c.caller == "+79001234567"; (r.Contact != nil) != fromAnna || (r.CallerE164 != "") != fromAnna {
					t.Errorf("contact %v, caller %q", r.Contact, r.CallerE164)
				}
				if seen := <-changes; seen.ID != "test-1" || seen.Live() {
					t.Errorf("watchers saw %+v", seen)
				}
			})
		})
	}
	t.Run("without a directory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, nil, nil)
			defer s.close()
			s.witness(saw(time.Now().Add(-time.Minute)))
			if r := s.record(1); r.Caller != "+79001234567" || r.Direction != ringside.Inbound {
				t.Errorf("recorded %+v", r)
			}
		})
	})
}

func TestServedCallThatThePBXSaw(t *testing.T) {
	t.Run("waits for ringside's own record, which lacks nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), phones("101"))
			defer s.close()
			start := time.Now()
			s.call("a", "500")
			time.Sleep(10 * time.Second) // far longer than a dialplan's report may take
			s.witness(saw(start))
			if n := len(s.board.Live()); n != 0 {
				t.Errorf("%d calls are live when it returns", n)
			}
			if n := s.journal.revisions("test-1"); n != 1 {
				t.Errorf("%d revisions", n)
			}
		})
	})
	t.Run("is completed by what came after ringside", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), phones("101"))
			defer s.close()
			start := time.Now()
			s.call("a", "500")
			s.serving.Wait()
			transferred := time.Now()
			w := saw(start)
			time.Sleep(time.Minute)
			w.End = time.Now()
			w.Legs = append(w.Legs, ringside.Leg{PBXKey: "v/1", Kind: "dial", Targets: []string{"103"}, Start: transferred, Answer: transferred, End: w.End, Answered: "103"})
			changes := s.board.Watch(t.Context())
			s.witness(w)
			joined, _, _ := s.journal.recorded(t.Context(), "test-1")
			if joined.Revision != 2 || len(joined.Legs) != 2 || joined.Duration != 90 || joined.RoutedTo != "101" || len(joined.Trace) == 0 {
				t.Errorf("recorded %+v", joined)
			}
			if seen := <-changes; seen.Revision != 2 || len(seen.Legs) != 2 {
				t.Errorf("watchers saw %+v", seen)
			}
		})
	})
	t.Run("is given up with the context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), phones("101"))
			defer s.close()
			s.call("a", "500")
			time.Sleep(5 * time.Second)
			gone := errors.New("ringside stops")
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, gone)
			defer cancel()
			if err := s.board.Witness(ctx, saw(time.Now()), s.journal.recorded); !errors.Is(err, gone) {
				t.Errorf("witness: %v", err)
			}
			s.serving.Wait()
		})
	})
	t.Run("is not recorded when the record can't be read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), nil)
			defer s.close()
			broken := errors.New("the disk is broken")
			err := s.board.Witness(t.Context(), saw(time.Now()), func(context.Context, string) (ringside.Call, bool, error) {
				return ringside.Call{}, false, broken
			})
			if !errors.Is(err, broken) || s.journal.revisions("test-1") != 0 {
				t.Errorf("witness: %v, %d revisions", err, s.journal.revisions("test-1"))
			}
		})
	})
}

func TestCarriedOutCallThatThePBXSaw(t *testing.T) {
	cases := []struct {
		name    string
		tracked bool
		report  time.Duration // after the call's end; 0: never
		answer  bool          // the PBX reported the answer
		takes   time.Duration
	}{
		{"is told by the PBX alone", false, 0, false, 0},
		{"waits for the dialplan's report", true, time.Second, false, time.Second},
		{"ends without the report", true, 0, false, reportWithin},
		{"ends without the report, answered", true, 0, true, reportWithin},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, office(t, sales(nil)), nil)
				defer s.close()
				start := time.Now()
				s.board.Decide(s.offer(1, "500"), ringside.Handover{Tracked: c.tracked})
				time.Sleep(2 * time.Second)
				if c.answer {
					s.board.Answered("1", "101")
				}
				time.Sleep(time.Minute)
				w := saw(start)
				if c.report > 0 {
					time.AfterFunc(c.report, func() {
						s.board.Finish(s.offer(1, "500"), ringside.Facts{Status: ringside.DialAnswered, Talk: time.Minute, Answered: "101"})
					})
				}
				s.witness(w)
				if took := time.Since(w.End); took != c.takes {
					t.Errorf("it took %s, want %s", took, c.takes)
				}
				r, _, _ := s.journal.recorded(t.Context(), "test-1")
				if r.Status != ringside.StatusAnswered || r.Disposition != ringside.EndTalked || r.RoutedTo != "101" || len(r.Legs) != 1 {
					t.Errorf("recorded %+v", r)
				}
				if late := r.End.Sub(w.End); late > c.report || r.Duration < 60 || r.Duration > 61 {
					t.Errorf("it ended %s late, after %d s", late, r.Duration)
				}
				s.expectTarget("then", "101")
				s.witness(w)
				if n := s.journal.revisions("test-1"); n != 2 {
					t.Errorf("%d revisions", n)
				}
			})
		})
	}
	t.Run("and that ringside serves after all", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), phones("101"))
			defer s.close()
			s.board.Decide(s.offer(1, "500"), tracked)
			start := time.Now()
			s.call("a", "500")
			time.Sleep(5 * time.Second)
			s.witness(saw(start))
			if n := s.journal.revisions("test-1"); n != 1 {
				t.Errorf("%d revisions", n)
			}
		})
	})
}

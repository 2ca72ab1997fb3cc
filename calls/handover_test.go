package calls

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

func (s *site) offer(id int, called string) ringside.Offer {
	return ringside.Offer{PBX: "test", CallID: strconv.Itoa(id), Endpoint: "trunk", Caller: "+79001234567", Called: called, At: time.Now()}
}

var tracked = ringside.Handover{Tracked: true}

func TestDialplanThatCarriesOutDecisions(t *testing.T) {
	t.Run("is given another member for each caller, and a member is free again when the end is reported", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), nil)
			defer s.close()
			for i, want := range []string{"101", "102", "103"} {
				if d, _ := s.board.Decide(s.offer(i+1, "500"), tracked); d.Target != want {
					t.Errorf("call %d was sent to %q, want %s", i+1, d.Target, want)
				}
			}
			if d, _ := s.board.Decide(s.offer(4, "500"), tracked); d.Action != ringside.Busy {
				t.Errorf("with everybody busy: %s", d.Action)
			}
			s.board.Finish(s.offer(4, "500"), ringside.Facts{})
			time.Sleep(time.Minute)
			if !s.board.Finish(s.offer(2, "500"), ringside.Facts{Status: ringside.DialAnswered, Talk: 50 * time.Second}) {
				t.Error("the report was not known")
			}
			if d, _ := s.board.Decide(s.offer(5, "500"), tracked); d.Target != "102" {
				t.Errorf("after 102 was freed: %q", d.Target)
			}
			for _, id := range []int{1, 3, 5} {
				s.board.Finish(s.offer(id, "500"), ringside.Facts{Status: ringside.DialNoAnswer})
			}
			if r := s.record(2); r.Status != ringside.StatusAnswered || r.Duration != 50 || r.RoutedTo != "102" {
				t.Errorf("recorded %+v", r)
			}
			if r := s.record(1); r.Status != ringside.StatusNoAnswer {
				t.Errorf("recorded %+v", r)
			}
		})
	})
	t.Run("asks again about the same call and is given the next member", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), nil)
			defer s.close()
			for _, want := range []string{"101", "102", "103"} {
				if d, _ := s.board.Decide(s.offer(1, "500"), tracked); d.Target != want {
					t.Errorf("sent to %q, want %s", d.Target, want)
				}
			}
			if d, _ := s.board.Decide(s.offer(1, "500"), tracked); d.Action != ringside.Busy {
				t.Errorf("with nobody left: %s", d.Action)
			}
			s.board.Finish(s.offer(1, "500"), ringside.Facts{Status: ringside.DialNoAnswer})
			if all := s.journal.calls(); len(all) != 1 {
				t.Errorf("%d records of one call", len(all))
			}
		})
	})
	t.Run("that reports nothing holds the member for the ring time and a little more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), nil)
			defer s.close()
			target := func(id int) string {
				d, _ := s.board.Decide(s.offer(id, "500"), ringside.Handover{})
				return d.Target
			}
			if a, b := target(1), target(2); a != "101" || b != "102" {
				t.Errorf("sent to %s and %s", a, b)
			}
			time.Sleep(26 * time.Second)
			if got := target(3); got != "101" {
				t.Errorf("26 s later: %s", got)
			}
			if r := s.record(1); r.Disposition != ringside.EndDecided || r.Status != ringside.StatusRinging {
				t.Errorf("recorded %s, %s", r.Status, r.Disposition)
			}
			time.Sleep(time.Minute)
		})
	})
	t.Run("may ask without holding anybody", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), nil)
			defer s.close()
			none := time.Duration(0)
			for id := range 3 {
				if d, _ := s.board.Decide(s.offer(id, "500"), ringside.Handover{Hold: &none}); d.Target != "101" {
					t.Errorf("sent to %q", d.Target)
				}
			}
		})
	})
	t.Run("whose report is lost does not keep a member busy for ever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), nil)
			defer s.close()
			s.board.Decide(s.offer(1, "500"), tracked)
			time.Sleep(maxTracked + time.Second)
			if n := len(s.board.Live()); n != 0 {
				t.Errorf("%d calls are live", n)
			}
		})
	})
	t.Run("without a directory is told so", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, nil, nil)
			defer s.close()
			if d, _ := s.board.Decide(s.offer(1, "500"), tracked); d.Action != ringside.NotConfigured {
				t.Errorf("got %s", d.Action)
			}
		})
	})
}

func TestReleasedCallIsCompletedByTheDialplansReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, office(t, sales(nil)), nil)
		defer s.close()
		ch, _ := s.call("a", "999")
		s.serving.Wait()
		if got := heard(ch); got != "release released" {
			t.Errorf("the PBX was told %q", got)
		}
		time.Sleep(40 * time.Second)
		s.board.Finish(ch.Start, ringside.Facts{Status: ringside.DialAnswered, Talk: 30 * time.Second, Answered: "fallback"})
		all := s.journal.calls()
		if len(all) != 2 {
			t.Fatalf("%d records", len(all))
		}
		r := all[1].Continue(all[0])
		if r.Status != ringside.StatusAnswered || r.Duration != 30 || r.Revision != 2 || r.RoutedTo != "fallback" {
			t.Errorf("the second revision: %+v", r)
		}
		if s.board.Finish(ch.Start, ringside.Facts{}) {
			t.Error("a second report was known")
		}
	})
}

func TestReportOfAServedCallChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, office(t, sales(nil)), phones("101"))
		defer s.close()
		ch, _ := s.call("a", "500")
		time.Sleep(5 * time.Second)
		s.board.Finish(ch.Start, ringside.Facts{Status: ringside.DialBusy})
		s.serving.Wait()
		if r := s.record(1); r.Status != ringside.StatusAnswered || r.Duration != 30 {
			t.Errorf("recorded %+v", r)
		}
	})
}

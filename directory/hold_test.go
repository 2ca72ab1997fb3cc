package directory

import (
	"errors"
	"strings"
	"testing"
)

func TestADocumentThatLosesMuchIsHeld(t *testing.T) {
	for _, tt := range []struct {
		name   string
		opt    Options
		source string
	}{
		{"of the CRM", Options{WithCRM: true}, SourceCRM},
		{"pushed to a site without a CRM", Options{}, SourcePush},
		{"of a file", Options{File: "d.yaml"}, "d.yaml"},
		{"of the command line", Options{}, "d.yaml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, tt.opt)
			s.offer(tt.source, document("1", "101", "102", "103"))
			o := s.offer(tt.source, document("2", "101"))
			if o.Result != Held || o.Edition.Number != 2 || strings.Join(o.Edition.Losses, "") != "2 of 3 numbers are gone" {
				t.Fatalf("got %+v", o)
			}
			s.in("1: N101 N102 N103")
			if o := s.offer(tt.source, document("2", "101")); o.Result != Held || o.Edition.Number != 2 {
				t.Errorf("once more: %+v", o)
			}
			s.restart()
			if held := s.State().Held; held == nil || held.Number != 2 || len(held.Losses) != 1 {
				t.Errorf("after a restart: %+v", held)
			}
			if o := s.offer(tt.source, document("2", "101")); o.Result != Held || o.Edition.Number != 2 {
				t.Errorf("after a restart: %+v", o)
			}
			s.in("1: N101 N102 N103")

			if _, err := s.Confirm(t.Context(), 1, "anna"); !errors.Is(err, ErrNotHeld) {
				t.Errorf("another one: %v", err)
			}
			o, err := s.Confirm(t.Context(), 0, "anna")
			if err != nil || o.Result != Applied || o.Edition.Number != 2 || o.Edition.Author != "anna" {
				t.Fatalf("confirmed: %+v, %v", o, err)
			}
			s.in("2: N101")
			s.history("2 2 "+tt.source+" applied", "1 1 "+tt.source+" applied")
			if _, err := s.Confirm(t.Context(), 0, "anna"); !errors.Is(err, ErrNotHeld) {
				t.Errorf("again: %v", err)
			}
			if o := s.offer(tt.source, document("2", "101")); o.Result != Unchanged {
				t.Errorf("what was confirmed: %+v", o)
			}
			s.restart()
			s.in("2: N101")
			if s.State().Held != nil {
				t.Error("it is still held")
			}
		})
	}
}

func TestWhatBecomesOfAHeldDocument(t *testing.T) {
	for _, tt := range []struct {
		name string
		then func(*site)
		in   string
		hist []string
	}{
		{
			"a better one supersedes it", func(s *site) { s.crm(document("3", "101", "102", "103"), Applied) },
			"3: N101 N102 N103",
			[]string{"3 3 crm applied", "2 2 crm discarded", "1 1 crm applied"},
		},
		{
			"a worse one supersedes it", func(s *site) { s.crm(document("3"), Held) },
			"1: N101 N102 N103",
			[]string{"3 3 crm held", "2 2 crm discarded", "1 1 crm applied"},
		},
		{
			"the CRM takes it back", func(s *site) { s.crm(document("1", "101", "102", "103"), Unchanged) },
			"1: N101 N102 N103",
			[]string{"2 2 crm discarded", "1 1 crm applied"},
		},
		{"somebody discards it", func(s *site) {
			if o, err := s.Discard(s.Context(), 2, "anna"); err != nil || o.Edition.State != "discarded" {
				s.Errorf("got %+v, %v", o, err)
			}
			if _, err := s.Rollback(s.Context(), 2, "anna"); !errors.Is(err, ErrNeverInEffect) {
				s.Errorf("going back to it: %v", err)
			}
		}, "1: N101 N102 N103", []string{"2 2 crm discarded", "1 1 crm applied"}},
		{"it is sent again as meant", func(s *site) {
			if o, err := s.Offer(s.Context(), Document{Data: []byte(document("2", "101")), Source: SourceCRM, Confirmed: true}); err != nil || o.Result != Applied {
				s.Errorf("got %+v, %v", o, err)
			}
		}, "2: N101", []string{"2 2 crm applied", "1 1 crm applied"}},
		{"an edit comes meanwhile and lies on top of it", func(s *site) {
			s.edit(update("number", 11, `{"display_name":"Anna"}`))
			s.restart()
			if _, err := s.Confirm(s.Context(), 2, "anna"); err != nil {
				s.Error(err)
			}
		}, "2+1: Anna", []string{"3 1+1 edit applied", "2 2+1 crm applied", "1 1 crm applied"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := withCRM(t)
			s.crm(document("1", "101", "102", "103"), Applied)
			s.crm(document("2", "101"), Held)
			tt.then(s)
			s.in(tt.in)
			s.history(tt.hist...)
			held := s.State().Held
			s.restart()
			s.in(tt.in)
			if again := s.State().Held; (held == nil) != (again == nil) {
				t.Errorf("held before the restart %+v, after it %+v", held, again)
			}
		})
	}
}

func TestTheFirstDirectoryIsNeverHeld(t *testing.T) {
	s := withCRM(t)
	s.crm(document("1"), Applied)
	s.in("1: ")
}

package store

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

func TestWhatTheCRMKnowsAboutACall(t *testing.T) {
	s := start(t, Options{})
	recordCalls(t, s, 0, 1)
	s.Begin(begun(1)) // not on the disk yet
	note := ringside.Annotation{
		CallID: call(0).ID, Note: "calls back", Responsible: "101", Updated: noon,
		Contact: &ringside.Contact{ID: "7", Phone: "+79001234567", Name: "Anna"},
		Task:    &ringside.Task{ID: "1", Title: "Offer", URL: "https://crm/tasks/1", Due: noon},
	}
	older := ringside.Annotation{CallID: call(0).ID, Note: "older"}
	never := ringside.Annotation{CallID: call(0).ID, Updated: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}
	list := []ringside.Annotation{
		older,
		{CallID: "unknown"},
		{CallID: begun(1).ID, Note: "live"},
		{},
		{CallID: strings.Repeat("x", ringside.MaxCallID+1)},
		note, never,
		{CallID: call(0).ID, Note: strings.Repeat("x", MaxAnnotation)},
	}
	equal(t, "kept", must(s.ApplyAnnotations(t.Context(), list, "annotations", []byte("17")))(t), 3)
	for range 2 {
		got, ok, err := s.Annotation(t.Context(), call(0).ID)
		equal(t, "the one that came last", []any{got, ok, err}, []any{note, true, error(nil)})
		got, ok, err = s.Annotation(t.Context(), begun(1).ID)
		equal(t, "that of a call in progress", []any{got.Note, ok, err}, []any{"live", true, error(nil)})
		_, ok, err = s.Annotation(t.Context(), "unknown")
		equal(t, "that of an unknown call", []any{ok, err}, []any{false, error(nil)})
		equal(t, "cursor", string(must(s.Cursor(t.Context(), "annotations"))(t)), "17")
		s = reopen(t, s)
	}
	if _, err := s.ApplyAnnotations(t.Context(), list, "", nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("without a cursor: %v", err)
	}
}

func TestAnnotationsAndTheirCursorAreOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		var disk broken
		s := start(t, Options{Path: path, update: disk.update})
		recordCalls(t, s, 0, 1)
		disk.fails.Store(true)
		done := make(chan int, 1)
		go func() {
			kept, err := s.ApplyAnnotations(t.Context(), []ringside.Annotation{{CallID: call(0).ID}}, "annotations", []byte("1"))
			if err != nil {
				t.Error(err)
			}
			done <- kept
		}()
		synctest.Wait()
		_, ok, _ := s.Annotation(t.Context(), call(0).ID)
		equal(t, "while it fails", []any{ok, must(s.Cursor(t.Context(), "annotations"))(t)}, []any{false, []byte(nil)})
		disk.fails.Store(false)
		equal(t, "kept in the end", <-done, 1)
		_, ok, _ = s.Annotation(t.Context(), call(0).ID)
		equal(t, "in the end", []any{ok, string(must(s.Cursor(t.Context(), "annotations"))(t))}, []any{true, "1"})
		stop(t, s)
	})
}

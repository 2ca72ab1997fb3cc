package store

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

func TestRecordedCallsAreListedAndQueuedAgain(t *testing.T) {
	s := start(t, Options{CDRs: true})
	const n = 1203
	recordCalls(t, s, 0, n)
	recordCalls(t, s, 1, 1) // a second revision
	settle(t, s, callKind, ringside.Settlement{Seq: 1, CDRs: true}, refused(3))

	var refs []ringside.CallRef
	after := ""
	for pages := 0; ; pages++ {
		part, next, err := s.CallRefs(t.Context(), time.Time{}, time.Time{}, after, 401)
		if err != nil || len(part) == 0 {
			t.Fatal(err, len(part))
		}
		refs = append(refs, part...)
		if after = next; after == "" {
			equal(t, "pages", pages, 2)
			break
		}
	}
	equal(t, "calls", len(refs), n)
	equal(t, "the first ones", refs[:4], []ringside.CallRef{
		{ID: call(0).ID, Revision: 1, Start: call(0).Start},
		{ID: call(1).ID, Revision: 2, Start: call(1).Start, Waiting: true},
		{ID: call(2).ID, Revision: 1, Start: call(2).Start, Rejected: true},
		{ID: call(3).ID, Revision: 1, Start: call(3).Start, Waiting: true},
	})
	between, next, err := s.CallRefs(t.Context(), call(5).Start, call(7).Start, "", 0)
	equal(t, "between", []any{len(between), between[0].ID, next, err}, []any{2, call(5).ID, "", error(nil)})
	if _, _, err := s.CallRefs(t.Context(), noon, noon, "no hex", 0); !errors.Is(err, ErrInvalid) {
		t.Errorf("an unknown place: %v", err)
	}

	equal(t, "queued again", must(s.Requeue(t.Context(), call(0).ID, call(0).ID, call(1).ID, call(2).ID, "x", ""))(t), 1)
	last := waiting(t, s, n, 0)
	equal(t, "at the end", last[len(last)-1].CallID, call(0).ID)
	// Its CDRs wait still; they are not sent twice when the CRM takes the call once more.
	settle(t, s, callKind, ringside.Settlement{Seq: last[len(last)-1].Seq, CDRs: true})
	equal(t, "CDRs", whereabouts(t, s)["cdrs"], []string{call(0).ID})
}

func TestOldCallsGoWithAllThatBelongsToThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path, Now: time.Now, Retention: time.Hour, CDRs: true})
		base := int(time.Since(noon).Seconds())
		for i := range 4 {
			s.Finish(call(base+i), nil, nil)
		}
		flush(t, s)
		var notes []ringside.Annotation
		for i := range 4 {
			notes = append(notes, ringside.Annotation{CallID: call(base + i).ID, Note: "x"})
		}
		equal(t, "annotated", must(s.ApplyAnnotations(t.Context(), notes, "notes", []byte("1")))(t), 4)
		settle(t, s, callKind, ringside.Settlement{Seq: 1, CDRs: true}, ringside.Settlement{Seq: 2}, refused(3))
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		equal(t, "what waits stays", whereabouts(t, s), map[string][]string{"call": {call(base + 3).ID}, "cdrs": {call(base).ID}})
		r := must(s.Check(t.Context()))(t)
		equal(t, "calls and annotations", []int{r.Calls, r.Annotations, s.State().Calls}, []int{2, 2, 2})
		stop(t, s)
	})
}

package store

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ringside-pbx/ringside"
)

const (
	callKind = ringside.CallParcel
	cdrKind  = ringside.CDRParcel
)

// record appends so many calls, the first of which began n seconds after noon.
func recordCalls(t *testing.T, s *Store, from, n int) {
	t.Helper()
	for i := range n {
		s.Finish(call(from+i), nil, nil)
	}
	flush(t, s)
}

func settle(t *testing.T, s *Store, kind ringside.ParcelKind, list ...ringside.Settlement) {
	t.Helper()
	if err := s.Settle(t.Context(), kind, list); err != nil {
		t.Fatal(err)
	}
}

func refused(seq uint64) ringside.Settlement {
	return ringside.Settlement{Seq: seq, Rejection: &ringside.Rejection{Code: "422", Reason: "unknown extension", At: noon}}
}

// whereabouts tells where the parcels are: the calls in each outbox, and the rejected ones.
func whereabouts(t *testing.T, s *Store) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, kind := range []ringside.ParcelKind{callKind, cdrKind} {
		for _, p := range must(s.Outbox(t.Context(), kind, 0, 0, 0))(t) {
			found[string(kind)] = append(found[string(kind)], p.CallID)
		}
	}
	for _, r := range must(s.Rejected(t.Context(), "", 0))(t) {
		found["rejected"] = append(found["rejected"], r.ID)
	}
	return found
}

func grew(s *Store, kind ringside.ParcelKind) bool {
	select {
	case <-s.Grown(kind):
		return true
	default:
		return false
	}
}

func TestFromTheOutboxToTheCDRsAndOut(t *testing.T) {
	s := start(t, Options{CDRs: true})
	recordCalls(t, s, 0, 3)
	a, b, c := call(0).ID, call(1).ID, call(2).ID
	settle(t, s, callKind, ringside.Settlement{Seq: 1, CDRs: true}, ringside.Settlement{Seq: 2}, refused(3))
	for range 2 {
		equal(t, "after the CRM's word", whereabouts(t, s), map[string][]string{"cdrs": {a}, "rejected": {"call:" + c}})
		equal(t, "the CDRs' parcel", must(s.Outbox(t.Context(), cdrKind, 0, 0, 0))(t), []ringside.Parcel{parcelOf(t, 1, stored(call(0)))})
		equal(t, "the rejected", must(s.Rejected(t.Context(), "", 0))(t), []ringside.Rejected{{
			ID: "call:" + c, Kind: callKind, CallID: c, Revision: 1,
			Rejection: ringside.Rejection{Code: "422", Reason: "unknown extension", At: noon},
		}})
		equal(t, "backlog", must(s.Backlog(t.Context()))(t), ringside.Backlog{CDRs: 1, Oldest: noon, Rejected: 1})
		s = reopen(t, s)
	}
	settle(t, s, callKind, ringside.Settlement{Seq: 1, CDRs: true}, refused(2)) // they are gone
	settle(t, s, cdrKind, refused(1))
	equal(t, "refused CDRs", whereabouts(t, s), map[string][]string{"rejected": {"call:" + c, "cdrs:" + a}})
	equal(t, "the call of "+b+" is sent", must(s.Backlog(t.Context()))(t), ringside.Backlog{Rejected: 2})
}

func TestWithoutCDRsNoneWait(t *testing.T) {
	s := start(t, Options{})
	recordCalls(t, s, 0, 1)
	settle(t, s, callKind, ringside.Settlement{Seq: 1, CDRs: true})
	equal(t, "parcels", whereabouts(t, s), map[string][]string{})
}

// TestALaterRevisionTakesThePlaceOfAllThatIsThere: wherever the parcel of the first one has come to.
func TestALaterRevisionTakesThePlaceOfAllThatIsThere(t *testing.T) {
	id, other := call(0).ID, call(1).ID
	for name, way := range map[string]func(*testing.T, *Store){
		"it waits":      func(*testing.T, *Store) {},
		"its CDRs wait": func(t *testing.T, s *Store) { settle(t, s, callKind, ringside.Settlement{Seq: 1, CDRs: true}) },
		"it is refused": func(t *testing.T, s *Store) { settle(t, s, callKind, refused(1)) },
		"its CDRs are refused": func(t *testing.T, s *Store) {
			settle(t, s, callKind, ringside.Settlement{Seq: 1, CDRs: true})
			settle(t, s, cdrKind, refused(1))
		},
		"everything is taken": func(t *testing.T, s *Store) {
			settle(t, s, callKind, ringside.Settlement{Seq: 1, CDRs: true})
			settle(t, s, cdrKind, ringside.Settlement{Seq: 1})
		},
		"it is queued once more": func(t *testing.T, s *Store) {
			settle(t, s, callKind, ringside.Settlement{Seq: 1, CDRs: true})
			must(s.Requeue(t.Context(), id))(t)
		},
		"it was refused and retried": func(t *testing.T, s *Store) {
			settle(t, s, callKind, refused(1))
			must(s.RetryRejected(t.Context()))(t)
		},
	} {
		s := start(t, Options{CDRs: true})
		recordCalls(t, s, 0, 2)
		way(t, s)
		if err := s.Append(t.Context(), call(0), nil, nil); err != nil {
			t.Fatal(err)
		}
		equal(t, name, whereabouts(t, s), map[string][]string{"call": {other, id}})
		parcels := waiting(t, s, 0, 0)
		equal(t, name+": revision", parcels[1].Revision, 2)

		// What the CRM says of the first revision, late, does nothing to the second.
		settle(t, s, callKind, refused(1))
		settle(t, s, cdrKind, refused(1))
		equal(t, name+": after a late word", whereabouts(t, s), map[string][]string{"call": {other, id}})
		stop(t, s)
	}
}

func TestTheOutboxIsReadInPieces(t *testing.T) {
	s := start(t, Options{})
	recordCalls(t, s, 0, 1300)
	size := len(waiting(t, s, 0, 1)[0].Data)
	for _, tc := range []struct {
		name            string
		after           uint64
		limit, maxBytes int
		first, count    int
	}{
		{"the default", 0, 0, 0, 1, DefaultLimit},
		{"more than one transaction reads", 0, 1200, 0, 1, 1200},
		{"behind the last but one", 1299, 10, 0, 1300, 1},
		{"behind the last", 1300, 10, 0, 0, 0},
		{"behind all that can be", ^uint64(0), 10, 0, 0, 0},
		{"two records' bytes", 0, 10, 2*size + size/2, 1, 2},
		{"less than one record's bytes", 4, 10, 1, 5, 1},
	} {
		got := must(s.Outbox(t.Context(), callKind, tc.after, tc.limit, tc.maxBytes))(t)
		if len(got) != tc.count || tc.count > 0 && got[0].Seq != uint64(tc.first) {
			t.Errorf("%s: %d parcels, %+v", tc.name, len(got), got[:min(1, len(got))])
		}
	}
	if _, err := s.Outbox(t.Context(), "letter", 0, 0, 0); !errors.Is(err, ErrInvalid) {
		t.Errorf("an unknown kind: %v", err)
	}
	if err := s.Settle(t.Context(), "letter", nil); !errors.Is(err, ErrInvalid) || s.Grown("letter") != nil {
		t.Errorf("an unknown kind: %v", err)
	}
}

func TestWhoSendsIsTold(t *testing.T) {
	s := start(t, Options{CDRs: true})
	step := func(what string, calls, cdrs bool) {
		t.Helper()
		equal(t, what, []bool{grew(s, callKind), grew(s, cdrKind)}, []bool{calls, cdrs})
	}
	s.Begin(begun(0))
	flush(t, s)
	step("a beginning", false, false)
	recordCalls(t, s, 0, 2)
	step("finished calls", true, false)
	recordCalls(t, s, 0, 1)
	step("a second revision in the place of the first", true, false)
	settle(t, s, callKind, ringside.Settlement{Seq: 2, CDRs: true}, refused(3))
	step("CDRs", false, true)
	must(s.RetryRejected(t.Context()))(t)
	step("a retry", true, false)
	settle(t, s, cdrKind, refused(1))
	must(s.RetryRejected(t.Context()))(t)
	step("CDRs again", false, true)
	settle(t, s, callKind, ringside.Settlement{Seq: 4})
	must(s.Requeue(t.Context(), call(0).ID))(t)
	step("a call again", true, false)
}

func TestRejectedParcelsAreRetriedOrDropped(t *testing.T) {
	s := start(t, Options{CDRs: true})
	const n = 1100 // more than one transaction moves
	recordCalls(t, s, 0, n)
	var all []ringside.Settlement
	for i := range n {
		all = append(all, refused(uint64(i+1)))
	}
	all = append(all, refused(1), refused(n+1)) // twice, and one that never was
	settle(t, s, callKind, all...)
	equal(t, "rejected", must(s.Backlog(t.Context()))(t), ringside.Backlog{Rejected: n})

	page := must(s.Rejected(t.Context(), "", n+1))(t)
	equal(t, "a page", len(page), n)
	equal(t, "in order", slices.IsSortedFunc(page, func(a, b ringside.Rejected) int { return strings.Compare(a.ID, b.ID) }), true)
	equal(t, "the next page", must(s.Rejected(t.Context(), page[9].ID, 1))(t), page[10:11])

	equal(t, "retried", must(s.RetryRejected(t.Context(), page[5].ID, page[3].ID, "call:x", "x", ""))(t), 2)
	equal(t, "in the outbox", whereabouts(t, s)["call"], []string{page[5].CallID, page[3].CallID})
	equal(t, "dropped", must(s.DropRejected(t.Context(), page[0].ID, page[0].ID, page[5].ID, "x"))(t), 1)
	equal(t, "the call of what was dropped", get(t, s, page[0].CallID).ID, page[0].CallID)
	equal(t, "all others retried", must(s.RetryRejected(t.Context()))(t), n-3)
	equal(t, "backlog", must(s.Backlog(t.Context()))(t).Calls, n-1)
	equal(t, "nothing to drop", must(s.DropRejected(t.Context()))(t), 0)
	settle(t, s, callKind, refused(waiting(t, s, 0, 1)[0].Seq))
	equal(t, "all dropped", must(s.DropRejected(t.Context()))(t), 1)
}

func TestWhatTheCRMSaysOnARejectionIsBounded(t *testing.T) {
	s := start(t, Options{})
	recordCalls(t, s, 0, 1)
	settle(t, s, callKind, ringside.Settlement{Seq: 1, Rejection: &ringside.Rejection{
		Reason: strings.Repeat("я", 5000), Code: "\xff" + strings.Repeat("c", 500), At: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC),
	}})
	got := must(s.Rejected(t.Context(), "", 0))(t)[0]
	equal(t, "reason and code", []int{len(got.Reason), len(got.Code)}, []int{1000, 102})
}

// TestAParcelThatCannotBeReadHoldsUpNothing: damage to a record does not stop the ones behind it.
func TestAParcelThatCannotBeReadHoldsUpNothing(t *testing.T) {
	key := func(n int) []byte { return callKey(stamp(call(n).Start), call(n).ID) }
	for _, tc := range []struct {
		name   string
		damage func(*bolt.Tx) error
		reason string
	}{
		{"its record is gone", func(tx *bolt.Tx) error { return tx.Bucket([]byte(callsTable)).Delete(key(0)) }, "missing"},
		{"its record is no JSON", func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(callsTable)).Put(key(0), []byte(`{"session_id":"`+call(0).ID+`","schema":1,"revision":1,`))
		}, "no JSON"},
		{"its record is another call's", func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(callsTable)).Put(key(0), tx.Bucket([]byte(callsTable)).Get(key(1)))
		}, "is that of call"},
		{"its entry is malformed", func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(outboxTable)).Put(number(1), []byte("x"))
		}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var log logs
			s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "ringside.db"), Log: log.logger()})
			if err != nil {
				t.Fatal(err)
			}
			recordCalls(t, s, 0, 2)
			if err := s.file.db.Update(tc.damage); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				parcels := must(s.Outbox(t.Context(), callKind, 0, 1, 0))(t)
				equal(t, "parcels", []any{len(parcels), parcels[0].CallID}, []any{1, call(1).ID})
			}
			equal(t, "lines of log", log.count("can't be sent"), 1)
			equal(t, "backlog", must(s.Backlog(t.Context()))(t).Calls, 1)
			rejected := must(s.Rejected(t.Context(), "", 0))(t)
			if tc.reason == "" {
				equal(t, "rejected", len(rejected), 0)
			} else if len(rejected) != 1 || rejected[0].Code != Unreadable || !strings.Contains(rejected[0].Reason, tc.reason) {
				t.Errorf("rejected: %+v", rejected)
			}
			if tc.reason == "missing" {
				equal(t, "what is gone can't be retried", must(s.RetryRejected(t.Context()))(t), 0)
				equal(t, "but dropped", must(s.DropRejected(t.Context()))(t), 1)
			} else if tc.reason != "" {
				equal(t, "retried", must(s.RetryRejected(t.Context()))(t), 1)
				equal(t, "parcels after the retry", len(must(s.Outbox(t.Context(), callKind, 0, 0, 0))(t)), 1)
				equal(t, "rejected again", len(must(s.Rejected(t.Context(), "", 0))(t)), 1)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

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

// TestASettlementIsWrittenAsAWholeOrNotAtAll fails the transaction before and after it commits.
func TestASettlementIsWrittenAsAWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		var fails, after bool
		s := start(t, Options{Path: path, CDRs: true, update: func(db *bolt.DB, fn func(*bolt.Tx) error) error {
			switch {
			case fails && after:
				return errors.Join(db.Update(fn), errDisk)
			case fails:
				return errors.Join(db.Update(func(tx *bolt.Tx) error { return errors.Join(fn(tx), errDisk) }), errDisk)
			}
			return db.Update(fn)
		}})
		recordCalls(t, s, 0, 3)
		list := []ringside.Settlement{{Seq: 1, CDRs: true}, refused(2), {Seq: 3}}
		fails = true
		done := make(chan error, 1)
		go func() { done <- s.Settle(t.Context(), callKind, list) }()
		synctest.Wait()
		equal(t, "nothing is lost while it fails", len(waiting(t, s, 0, 0)), 3)
		equal(t, "backlog while it fails", must(s.Backlog(t.Context()))(t).Calls, 3)
		after = true // now it arrives, and the disk says that it has not
		time.Sleep(2 * lastBackoff)
		synctest.Wait()
		fails = false
		time.Sleep(2 * lastBackoff)
		if err := <-done; err != nil {
			t.Error(err)
		}
		equal(t, "afterwards", whereabouts(t, s), map[string][]string{"cdrs": {call(0).ID}, "rejected": {"call:" + call(1).ID}})
		equal(t, "backlog", must(s.Backlog(t.Context()))(t), ringside.Backlog{CDRs: 1, Rejected: 1, Oldest: noon})
		stop(t, s)
	})
}

func TestTheHeadingOfARecord(t *testing.T) {
	for _, id := range []string{"pbx1-1.2", "", `a"b`, `a\b`, "a<b>&", "звонок", "a,b}", `x","schema":9`} {
		c := call(1)
		c.ID, c.Revision = id, 12
		h, err := readHeading(must(json.Marshal(c))(t))
		if err != nil || h != (heading{id, 12}) {
			t.Errorf("%q: %+v, %v", id, h, err)
		}
	}
	for _, text := range []string{"", "{", "[]", `{"session_id":"a","schema":1,"revision":`, `{"session_id":"a","schema":1,"revision":x}`} {
		if _, err := readHeading([]byte(text)); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func TestTheDiskHasRoom(t *testing.T) {
	s := start(t, Options{})
	d := must(s.Disk())(t)
	if d.File <= 0 || d.Free <= 0 {
		t.Errorf("disk: %+v", d)
	}
}

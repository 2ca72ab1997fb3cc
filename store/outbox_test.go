package store

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

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

// TestASettlementIsWrittenAsAWholeOrNotAtAll fails the transaction before and after it commits.
func TestASettlementIsWrittenAsAWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		var disk broken
		s := start(t, Options{Path: path, CDRs: true, update: disk.update})
		recordCalls(t, s, 0, 3)
		list := []ringside.Settlement{{Seq: 1, CDRs: true}, refused(2), {Seq: 3}}
		disk.fails.Store(true)
		done := make(chan error, 1)
		go func() { done <- s.Settle(t.Context(), callKind, list) }()
		synctest.Wait()
		equal(t, "nothing is lost while it fails", len(waiting(t, s, 0, 0)), 3)
		equal(t, "backlog while it fails", must(s.Backlog(t.Context()))(t).Calls, 3)
		disk.after.Store(true) // now it arrives, and the disk says that it has not
		time.Sleep(2 * lastBackoff)
		synctest.Wait()
		disk.fails.Store(false)
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

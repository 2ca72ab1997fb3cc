package store

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ringside-pbx/ringside"
)

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
		{"its record is cut short", func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(callsTable)).Put(key(0), []byte(`{"session_id":"`+call(0).ID+`","schema":1,"revision":1,`))
		}, "cut short"},
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

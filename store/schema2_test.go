package store

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/ringside-pbx/ringside"
)

// schema1 gives a store that the last ringside of schema 1 wrote: 40 calls, of which call 5 has a
// second revision and the first ten are sent but for its second revision and one more; a call in
// progress, a directory, a cursor, and two contacts.
func schema1(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ringside.db")
	packed, err := os.Open(filepath.Join("testdata", "schema1.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(unpacked)
	if err := errors.Join(err, packed.Close(), os.WriteFile(path, data, fileMode)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAStoreOfSchema1IsMigrated(t *testing.T) {
	path := schema1(t)
	r := must(CheckFile(t.Context(), path))(t)
	equal(t, "before: schema, calls, outbox, begun", []int{int(r.Schema), r.Calls, r.Outbox, r.Begun}, []int{1, 40, 31, 1})

	s := start(t, Options{Path: path, CDRs: true})
	for range 2 {
		equal(t, "schema", must(s.Check(t.Context()))(t).Schema, uint64(2))
		equal(t, "calls, with the one that was in progress", s.State().Calls, 41)
		parcels := waiting(t, s, 0, 0)
		equal(t, "outbox", []any{len(parcels), parcels[0].Seq, parcels[0].CallID, parcels[30].CallID, parcels[30].Revision},
			[]any{32, uint64(11), call(10).ID, call(5).ID, 2})
		b := must(s.Backlog(t.Context()))(t)
		size := 0
		for _, p := range parcels {
			size += len(p.Data)
		}
		equal(t, "backlog", b, ringside.Backlog{Calls: 32, Bytes: int64(size), Oldest: call(10).Start})

		e, document, ok, err := s.Current(t.Context())
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		equal(t, "directory", e, ringside.Edition{
			Number: 1, Version: "41", Source: "/etc/ringside/directory.yaml", Time: noon, State: ringside.EditionApplied,
			Size: len(document), Digest: "d5f7b3be784b80bb53729688086bb3378fc463ccc61be2190bdcff6cbdfd543b",
		})
		equal(t, "its document", string(document), "{ \"version\": \"41\" }\n")
		equal(t, "cursor", string(must(s.Cursor(t.Context(), "pull"))(t)), "etag")
		c, ok := s.Contact(ringside.Number{E164: "+79001234567"})
		equal(t, "contact", []any{c, ok, must(s.Contacts(t.Context()))(t)}, []any{ringside.Contact{Phone: "+79001234567", Name: "Иван"}, true, 2})
		equal(t, "turns", must(s.Turns(t.Context()))(t), []ringside.Turn{{Group: 3, Number: "101", Count: 40}})
		s = reopen(t, s)
	}

	// A sent call of schema 1 goes on as one of schema 2.
	equal(t, "queued again", must(s.Requeue(t.Context(), call(0).ID))(t), 1)
	settle(t, s, callKind, ringside.Settlement{Seq: waiting(t, s, 0, 0)[32].Seq, CDRs: true})
	equal(t, "its CDRs", whereabouts(t, s)["cdrs"], []string{call(0).ID})
	equal(t, "the next edition", must(s.SaveEdition(t.Context(), ringside.EditionWrite{Document: []byte("{}")}))(t).Number, uint64(2))

	copies := backups(t, path)
	if len(copies) != 1 {
		t.Fatalf("backups: %q", copies)
	}
	r = must(CheckFile(t.Context(), copies[0]))(t)
	equal(t, "the backup: schema, calls, outbox", []int{int(r.Schema), r.Calls, r.Outbox}, []int{1, 40, 31})
}

func TestALargeOutboxIsMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	s := start(t, Options{Path: path})
	recordCalls(t, s, 0, 1300) // more than is rewritten at a time
	stop(t, s)
	db, err := bolt.Open(path, fileMode, nil)
	if err != nil {
		t.Fatal(err)
	}
	// What schema 1 wrote in an entry is the key of the call.
	err = db.Update(func(tx *bolt.Tx) error {
		outbox := tx.Bucket([]byte(outboxTable))
		for n := range 1300 {
			if err := outbox.Put(number(uint64(n+1)), callKey(stamp(call(n).Start), call(n).ID)); err != nil {
				return err
			}
		}
		for _, name := range []string{cdrsTable, rejectedTable, annotationsTable, editionsTable, documentsTable, editsTable, peopleTable, rivalsTable} {
			if err := tx.DeleteBucket([]byte(name)); err != nil {
				return err
			}
		}
		return tx.Bucket([]byte(metaTable)).Put([]byte("schema"), number(1))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	s = start(t, Options{Path: path})
	equal(t, "parcels", len(waiting(t, s, 0, 2000)), 1300)
	_, _, ok, err := s.Current(t.Context())
	equal(t, "a directory out of nothing", []any{ok, err}, []any{false, error(nil)})
}

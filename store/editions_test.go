package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ringside-pbx/ringside"
)

// save writes and gives the edition as it is kept.
func save(t *testing.T, s *Store, w ringside.EditionWrite) ringside.Edition {
	t.Helper()
	return must(s.SaveEdition(t.Context(), w))(t)
}

func edition(version string, state ringside.EditionState) ringside.Edition {
	return ringside.Edition{Version: version, Source: "crm", Author: "sync", Time: noon, State: state, Changes: []string{"rule 5 is new"}}
}

func edit(id string, state ringside.EditState) ringside.Edit {
	return ringside.Edit{
		ID: id, Kind: "rule", Entity: 5, Op: ringside.EditUpdate, Fields: json.RawMessage(`{"active":false}`),
		Base: "41", Author: "anna", At: noon, State: state,
	}
}

// current gives the number, the version and the document in effect.
func current(t *testing.T, s *Store) string {
	t.Helper()
	e, document, ok, err := s.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return "none"
	}
	return fmt.Sprintf("%d %s %s", e.Number, e.Version, document)
}

func TestTheDirectoryFromEditionToEdition(t *testing.T) {
	s := start(t, Options{})
	equal(t, "at first", current(t, s), "none")
	base := ringside.Snapshot{Data: []byte("of the crm"), Version: "41", Source: "crm", Time: noon, ETag: `"x"`}

	first := save(t, s, ringside.EditionWrite{Edition: edition("41", ringside.EditionApplied), Document: []byte("one"), Current: true, Base: &base})
	want := edition("41", ringside.EditionApplied)
	want.Number, want.Size = 1, 3
	want.Digest = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
	equal(t, "the first one", first, want)

	held := save(t, s, ringside.EditionWrite{Edition: edition("42", ringside.EditionHeld), Document: []byte("two")})
	equal(t, "one that is held is not in effect", current(t, s), "1 41 one")

	edited := save(t, s, ringside.EditionWrite{
		Edition: edition("41+1", ringside.EditionApplied), Document: []byte("three"), Current: true,
		Edits: []ringside.Edit{edit("b", ringside.EditPending), edit("a", ringside.EditPending)},
	})
	equal(t, "an edit", current(t, s), "3 41+1 three")

	held.State = ringside.EditionApplied
	save(t, s, ringside.EditionWrite{Edition: held, Current: true, DropEdits: []string{"a", "x"}})
	for range 2 {
		equal(t, "it is confirmed, and keeps its document", current(t, s), "2 42 two")
		equal(t, "editions, newest first", must(s.Editions(t.Context(), 0))(t), []ringside.Edition{edited, held, first})
		equal(t, "one of them", must(s.Editions(t.Context(), 1))(t), []ringside.Edition{edited})
		equal(t, "edits", must(s.Edits(t.Context()))(t), []ringside.Edit{edit("b", ringside.EditPending)})
		e, document, ok, err := s.Edition(t.Context(), 1)
		equal(t, "an older one", []any{e, string(document), ok, err}, []any{first, "one", true, error(nil)})
		got, ok, err := s.Base(t.Context())
		equal(t, "the CRM's own", []any{got, ok, err}, []any{base, true, error(nil)})
		s = reopen(t, s)
	}
	_, _, ok, err := s.Edition(t.Context(), 9)
	equal(t, "one that is not there", []any{ok, err}, []any{false, error(nil)})

	next := save(t, s, ringside.EditionWrite{Edits: []ringside.Edit{edit("c", ringside.EditAccepted)}, Base: &ringside.Snapshot{Version: "43"}})
	equal(t, "edits and base alone make no edition", []any{next.Number, len(must(s.Editions(t.Context(), 0))(t))}, []any{uint64(0), 3})
	equal(t, "edits", len(must(s.Edits(t.Context()))(t)), 2)
	got, _, err := s.Base(t.Context())
	equal(t, "the new base", []any{got.Version, len(got.Data), err}, []any{"43", 0, error(nil)})
}

func TestWhatIsNoEditionIsRefusedAsAWhole(t *testing.T) {
	s := start(t, Options{})
	bad := edit("x", ringside.EditPending)
	bad.Fields = json.RawMessage("{")
	never := edition("1", ringside.EditionApplied)
	never.Time = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	fine := []ringside.Edit{edit("a", ringside.EditPending)}
	for name, w := range map[string]ringside.EditionWrite{
		"an edition that is not there": {Edition: ringside.Edition{Number: 7}, Current: true, Edits: fine},
		"no document":                  {Edition: edition("1", ringside.EditionApplied), Edits: fine},
		"nothing to put in effect":     {Current: true, Edits: fine},
		"an edit without an ID":        {Document: []byte("x"), Edits: append(fine, ringside.Edit{})},
		"an edit with a long ID":       {Document: []byte("x"), Edits: append(fine, edit(strings.Repeat("x", MaxEditID+1), ""))},
		"an edit that is no JSON":      {Document: []byte("x"), Edits: append(fine, bad)},
		"a time that is none":          {Document: []byte("x"), Edition: never, Edits: fine},
		"a base whose time is none":    {Base: &ringside.Snapshot{Time: never.Time}, Edits: fine},
	} {
		if _, err := s.SaveEdition(t.Context(), w); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		equal(t, name, []int{len(must(s.Edits(t.Context()))(t)), len(must(s.Editions(t.Context(), 0))(t))}, []int{0, 0})
	}
}

func TestTheNewestEditionsAreKept(t *testing.T) {
	s := start(t, Options{})
	save(t, s, ringside.EditionWrite{Edition: edition("in effect", ringside.EditionApplied), Document: []byte("x"), Current: true})
	save(t, s, ringside.EditionWrite{Edition: edition("held", ringside.EditionHeld), Document: []byte("x")})
	for i := range 110 {
		save(t, s, ringside.EditionWrite{Edition: edition(fmt.Sprint(i), ringside.EditionApplied), Document: []byte("x")})
	}
	list := must(s.Editions(t.Context(), 1000))(t)
	equal(t, "editions", []any{len(list), list[99].Number, list[100].Version, list[101].Version}, []any{102, uint64(13), "held", "in effect"})

	// What is removed takes its number along, also when it was the newest.
	discarded := list[0]
	discarded.State = ringside.EditionDiscarded
	save(t, s, ringside.EditionWrite{Edition: discarded})
	equal(t, "the next number", save(t, s, ringside.EditionWrite{Document: []byte("x")}).Number, uint64(113))
}

func TestLargeDocumentsLeaveRoomForFewerEditions(t *testing.T) {
	s := start(t, Options{})
	for range 5 {
		save(t, s, ringside.EditionWrite{Edition: edition("x", ringside.EditionApplied), Document: []byte("x")})
	}
	save(t, s, ringside.EditionWrite{Edition: edition("in effect", ringside.EditionApplied), Document: []byte("x"), Current: true})
	// They are as large as if they had been compressed, which takes its time.
	err := s.file.db.Update(func(tx *bolt.Tx) (err error) {
		for n := range uint64(5) {
			err = errors.Join(err, tx.Bucket([]byte(documentsTable)).Put(number(n+1), make([]byte, 25<<20)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	save(t, s, ringside.EditionWrite{Edition: edition("x", ringside.EditionApplied), Document: []byte("x")})
	list := must(s.Editions(t.Context(), 0))(t)
	equal(t, "editions", []any{len(list), list[2].Number, list[3].Number}, []any{4, uint64(5), uint64(4)})
}

func TestTheNewestRejectedEditsAreKept(t *testing.T) {
	s := start(t, Options{})
	edits := []ringside.Edit{edit("0 pending", ringside.EditPending), edit("0 accepted", ringside.EditAccepted)}
	for i := range 600 {
		edits = append(edits, edit(fmt.Sprintf("r%04d", i), ringside.EditRejected))
	}
	save(t, s, ringside.EditionWrite{Edits: edits})
	kept := must(s.Edits(t.Context()))(t)
	equal(t, "edits", []any{len(kept), kept[0].ID, kept[1].ID, kept[2].ID, kept[501].ID}, []any{502, "0 accepted", "0 pending", "r0100", "r0599"})
}

// TestAnEditionAndItsEditsAreOne: the disk fails half-way, and then again after the commit.
func TestAnEditionAndItsEditsAreOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		attempt := 0
		s := start(t, Options{Path: path, update: func(db *bolt.DB, fn func(*bolt.Tx) error) error {
			switch attempt++; attempt {
			case 4: // after the tables, the recovery and the first edition
				return db.Update(func(tx *bolt.Tx) error { return errors.Join(fn(tx), errDisk) })
			case 5:
				return errors.Join(db.Update(fn), errDisk)
			}
			return db.Update(fn)
		}})
		save(t, s, ringside.EditionWrite{Document: []byte("one"), Current: true})
		done := make(chan ringside.Edition, 1)
		go func() {
			e, err := s.SaveEdition(t.Context(), ringside.EditionWrite{
				Document: []byte("two"), Current: true, Edits: []ringside.Edit{edit("a", ringside.EditPending)},
			})
			if err != nil {
				t.Error(err)
			}
			done <- e
		}()
		synctest.Wait()
		equal(t, "while it fails", current(t, s), "1  one")
		equal(t, "edits while it fails", len(must(s.Edits(t.Context()))(t)), 0)
		equal(t, "the number, taken once", (<-done).Number, uint64(2))
		equal(t, "afterwards", current(t, s), "2  two")
		equal(t, "edits", len(must(s.Edits(t.Context()))(t)), 1)
		stop(t, s)
	})
}

package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ringside-pbx/ringside"
)

func TestOldCallsGoOnceTheyAreSent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path, Now: time.Now, Retention: time.Hour})
		const n = 1200                          // more than one transaction removes
		base := int(time.Since(noon).Seconds()) // the test's clock has a year of its own
		for i := range n {
			s.Finish(call(base+i-n), nil, nil) // the last of them is a second old
		}
		flush(t, s)
		entries := waiting(t, s, 0, n)
		for _, e := range entries[100:] {
			if err := sent(s, e.Seq); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(35 * time.Minute)
		equal(t, "before their time", s.State().Calls, n)
		time.Sleep(26 * time.Minute)
		synctest.Wait()
		state := s.State()
		equal(t, "what the CRM has not got stays", []int{state.Calls, state.Outbox}, []int{100, 100})
		if _, ok, _ := s.Call(t.Context(), entries[500].CallID); ok {
			t.Error("a call that is gone is still found")
		}
		equal(t, "one that waits", get(t, s, entries[0].CallID), stored(call(base-n)))
		stop(t, s)
	})
}

func TestTheNewestCallsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path, Now: time.Now, MaxCalls: 10})
		for i := range 25 {
			s.Finish(call(i), nil, nil)
		}
		flush(t, s)
		for _, e := range waiting(t, s, 0, 100) {
			if err := sent(s, e.Seq); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * housekeeping)
		synctest.Wait()
		calls := must(s.Calls(t.Context(), Query{}))(t)
		equal(t, "calls", len(calls), 10)
		equal(t, "the oldest", calls[0].ID, call(15).ID)
		stop(t, s)
	})
}

func TestWithoutACRMCallsGoAlthoughNobodyHasTakenThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path, Now: time.Now, MaxCalls: 10, Standalone: true})
		for i := range 25 {
			s.Finish(call(i), nil, nil)
		}
		flush(t, s)
		time.Sleep(2 * housekeeping)
		synctest.Wait()
		state := s.State()
		equal(t, "calls, and what waits", []int{state.Calls, state.Outbox}, []int{10, 10})
		equal(t, "bytes that wait", must(s.Backlog(t.Context()))(t).Bytes > 0, true)
		stop(t, s)
	})
}

func TestALiveCallIsKnownToHaveLivedAHalfMinuteAgo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path, Now: time.Now})
		c := begun(1)
		c.Start = time.Now()
		s.Begin(c)
		time.Sleep(time.Hour)
		synctest.Wait()
		stop(t, s)
		s = start(t, Options{Path: path, Now: time.Now})
		if d := get(t, s, c.ID).Duration; d < 3570 || d > 3600 {
			t.Errorf("duration of a call that was interrupted after an hour: %d s", d)
		}
		stop(t, s)
	})
}

func TestNothingIsWrittenWhileNothingHappens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		writes := 0
		s := start(t, Options{Path: path, Retention: time.Hour, update: func(db *bolt.DB, fn func(*bolt.Tx) error) error {
			writes++
			return db.Update(fn)
		}})
		before := writes
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		equal(t, "writes", writes, before)
		stop(t, s)
	})
}

func TestAFileThatIsMostlyFreeShrinksAtTheNextOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	s := start(t, Options{Path: path})
	if err := saveDirectory(s, ringside.Edition{}, noise(20<<20)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		rewrite(s, 1, []byte("{}")), s.Append(t.Context(), call(1), nil, nil),
	); err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	before := onDisk(t, path)
	s = start(t, Options{Path: path})
	if after := onDisk(t, path); before < 20<<20 || after > 1<<20 {
		t.Errorf("before %d bytes, after %d", before, after)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != fileMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	equal(t, "call", get(t, s, call(1).ID), stored(call(1)))
	if err := s.Append(t.Context(), call(2), nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Path: path}); !errors.Is(err, ErrLocked) {
		t.Errorf("the smaller file is not locked: %v", err)
	}
	s = reopen(t, s)
	equal(t, "outbox goes on", waiting(t, s, 1, 0)[0].CallID, call(2).ID)
	left, err := filepath.Glob(path + ".*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// rewrite gives an edition another document.
func rewrite(s *Store, n uint64, document []byte) error {
	_, err := s.SaveEdition(context.Background(), ringside.EditionWrite{Edition: ringside.Edition{Number: n}, Document: document})
	return err
}

// onDisk is the room that the file takes; what bbolt reserves behind the last page takes none.
func onDisk(t *testing.T, path string) int64 {
	t.Helper()
	var stat syscall.Stat_t
	if err := syscall.Stat(path, &stat); err != nil {
		t.Fatal(err)
	}
	return stat.Blocks * 512
}

func TestABackupIsAStore(t *testing.T) {
	s := start(t, Options{})
	for i := range 500 {
		s.Finish(call(i), nil, nil)
	}
	flush(t, s)
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := s.Backup(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), call(500), nil, nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(to)
	if err != nil || info.Mode().Perm() != fileMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if r := must(CheckFile(t.Context(), to))(t); !r.OK() || r.Calls != 500 {
		t.Errorf("check: %+v", r)
	}
	copied := start(t, Options{Path: to})
	equal(t, "call", get(t, copied, call(7).ID), stored(call(7)))
	stop(t, copied)

	if err := s.Backup(t.Context(), filepath.Join(t.TempDir(), "missing", "copy.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("backup to nowhere: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Backup(ctx, to+"2"); !errors.Is(err, context.Canceled) {
		t.Errorf("backup that was called off: %v", err)
	}
	if r := must(CheckFile(t.Context(), to))(t); !r.OK() {
		t.Errorf("the backup from before: %+v", r)
	}
}

func TestABackupTakesNoFilesPlace(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "ringside.db.part") // also the names of unfinished copies are anybody's
	s := start(t, Options{Path: path})
	if err := s.Append(t.Context(), call(1), nil, nil); err != nil {
		t.Fatal(err)
	}
	symlink, hard, older := filepath.Join(folder, "symlink"), filepath.Join(folder, "hard"), filepath.Join(folder, "older")
	if err := errors.Join(os.Symlink(path, symlink), os.Link(path, hard), os.WriteFile(older, []byte("an older one"), 0o644)); err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]string{
		path: "the store itself", folder + "/./x/../ringside.db.part": "the store itself",
		symlink: "the store itself", hard: "the store itself", older: "exists already", folder: "exists already",
	} {
		if err := s.Backup(t.Context(), to); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("backup to %s: %v", to, err)
		}
	}
	if err := s.Backup(t.Context(), filepath.Join(folder, "ringside.db")); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(older); err != nil || string(text) != "an older one" {
		t.Errorf("the older file holds %q, %v", text, err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 5 {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}
	equal(t, "calls", reopen(t, s).State().Calls, 1)
}

// TestCheckFindsWhatDoesNotFit plants one fault after the other.
func TestCheckFindsWhatDoesNotFit(t *testing.T) {
	id := call(1).ID
	key := callKey(stamp(call(1).Start), id)
	put := func(table string, k, v []byte) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error { return tx.Bucket([]byte(table)).Put(k, v) }
	}
	remove := func(table string, k []byte) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error { return tx.Bucket([]byte(table)).Delete(k) }
	}
	for _, tc := range []struct {
		name  string
		plant func(*bolt.Tx) error
		want  string
	}{
		{"nothing", func(*bolt.Tx) error { return nil }, ""},
		{"a call that is no JSON", put(callsTable, key, []byte("{")), "unexpected end of JSON"},
		{"a call under another's key", put(callsTable, append(number(1), "x"...), []byte(`{"session_id":"y"}`)), "another key"},
		{"a call that the index forgot", remove(indexTable, []byte(id)), "the index does not lead to it"},
		{"a call that has not ended", put(callsTable, key, []byte(`{"session_id":"`+id+`"}`)), "has not ended"},
		{"an index entry without its call", put(indexTable, []byte("x"), make([]byte, 16)), "it leads nowhere"},
		{"an outbox entry without its call", put(outboxTable, number(9), parcel{1, 1, "x"}.encode()), "there is no such call"},
		{"an outbox entry too many", put(outboxTable, number(9), parcel{stamp(call(1).Start), 1, id}.encode()), "newer entry"},
		{"an outbox entry of another size", put(outboxTable, number(1), parcel{stamp(call(1).Start), 1, id}.encode()), "it counts 1 bytes"},
		{"CDRs of no call", put(cdrsTable, number(1), parcel{1, 1, "x"}.encode()), "outbox of cdrs"},
		{"a rejected parcel of no call", put(rejectedTable, []byte("call:x"), []byte(`{"id":"call:x","kind":"call","session_id":"x"}`)), "there is no such call"},
		{"a rejected parcel that waits", put(rejectedTable, []byte("call:"+id), []byte(`{"id":"call:`+id+`","kind":"call","session_id":"`+id+`"}`)), "the call is rejected"},
		{"a rejected parcel of no kind", put(rejectedTable, []byte("x"), []byte(`{}`)), "can't be read"},
		{"an annotation of no call", put(annotationsTable, []byte("x"), []byte(`{"session_id":"x"}`)), "there is no such call"},
		{"a number of nobody", put(contactsTable, []byte("1"), []byte(`{"id":"x","phone":"1"}`)), "x does not have the number"},
		{"a contact whose number leads nowhere", put(peopleTable, []byte("x"), []byte(`{"phones":["1"]}`)), `leads to ""`},
		{"a contact behind the sequence", put(peopleTable, []byte("x"), []byte(`{"changed":9}`)), "sequence is behind"},
		{"a rival that nobody shadows", put(rivalsTable, rivalKey("1", 0, ""), []byte(`{"phone":"1"}`)), "nobody shadows it"},
		{"an edition without a document", put(editionsTable, number(1), []byte(`{"number":1}`)), "its document is missing"},
		{"a document without an edition", put(documentsTable, number(1), nil), "no such edition"},
		{"an edition in effect that is not there", put(directoryTable, []byte(currentKey), number(7)), "in effect is missing"},
		{"an edit under another's key", put(editsTable, []byte("x"), []byte(`{"id":"y"}`)), "can't be read"},
		{"a finished call that is begun", put(begunTable, []byte(id), []byte("{}")), "it is finished"},
		{"a begun call that is no JSON", put(begunTable, []byte("x"), []byte("{")), "begun call x"},
		{"a turn without a number", put(turnsTable, number(1), number(1)), "malformed"},
		{"a talk without a time", put(talksTable, []byte("101"), []byte("x")), "malformed"},
		{"a base without its document", put(directoryTable, []byte(baseKey), []byte("{}")), "can't be read"},
	} {
		s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "ringside.db")})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Append(t.Context(), call(1), nil, nil), s.file.db.Update(tc.plant)); err != nil {
			t.Fatal(err)
		}
		r, err := s.Check(t.Context())
		text := strings.Join(r.Problems, "\n")
		if err != nil || r.OK() != (tc.want == "") || !strings.Contains(text, tc.want) {
			t.Errorf("%s: %v, %q", tc.name, err, text)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		offline, err := CheckFile(t.Context(), s.Path())
		if err != nil || strings.Join(offline.Problems, "\n") != text {
			t.Errorf("%s: offline: %v, %q", tc.name, err, offline.Problems)
		}
	}
}

func TestWhatCannotBeReadIsLeftOut(t *testing.T) {
	var log logs
	path := filepath.Join(t.TempDir(), "ringside.db")
	s, err := Open(t.Context(), Options{Path: path, Log: log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := s.Append(t.Context(), call(i), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	spoil := func(tx *bolt.Tx) error {
		return errors.Join(
			tx.Bucket([]byte(callsTable)).Put(callKey(stamp(call(1).Start), call(1).ID), []byte("{")),
			tx.Bucket([]byte(begunTable)).Put([]byte("x"), []byte("{")),
			tx.Bucket([]byte(begunTable)).Put([]byte("y"), []byte(`{"session_id":"z"}`)),
		)
	}
	if err := s.file.db.Update(spoil); err != nil {
		t.Fatal(err)
	}
	equal(t, "calls", len(must(s.Calls(t.Context(), Query{}))(t)), 2)
	equal(t, "outbox", len(waiting(t, s, 0, 0)), 2)
	if _, _, err := s.Call(t.Context(), call(1).ID); err == nil {
		t.Error("no error for a call that can't be read")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = start(t, Options{Path: path, Log: log.logger()})
	equal(t, "log lines on beginnings", log.count("is dropped"), 2)
	// Its next part takes the place of what can't be read.
	if err := s.Append(t.Context(), call(1), nil, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, "call", get(t, s, call(1).ID), stored(call(1)))
}

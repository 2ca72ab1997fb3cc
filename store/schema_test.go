package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

func later(step func(*bolt.Tx) error) *plan {
	return &plan{version: Schema + 1, steps: map[uint64]func(*bolt.Tx) error{Schema: step}}
}

func backups(t *testing.T, path string) []string {
	t.Helper()
	found, err := filepath.Glob(path + ".schema-*")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestANewerFileIsLeftAlone(t *testing.T) {
	path := filled(t, 5)
	s, err := Open(t.Context(), Options{Path: path, plan: later(func(*bolt.Tx) error { return nil })})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{Path: path, MoveAside: true})
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "its schema is 3 and this ringside knows up to 2") {
		t.Errorf("open: %v", err)
	}
	if _, err := CheckFile(t.Context(), path); !errors.Is(err, ErrNewer) {
		t.Errorf("check: %v", err)
	}
	after, err := os.ReadFile(path)
	info, statErr := os.Stat(path)
	if err := errors.Join(err, statErr); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) || !info.ModTime().Equal(old) {
		t.Error("the file was touched")
	}
}

func TestMigrationKeepsABackup(t *testing.T) {
	path := filled(t, 5)
	opt := Options{Path: path, plan: later(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(cursorsTable)).Put([]byte("migrated"), []byte("yes"))
	})}
	s := start(t, opt)
	equal(t, "what the step wrote", string(must(s.Cursor(t.Context(), "migrated"))(t)), "yes")
	equal(t, "calls", s.State().Calls, 10)
	equal(t, "schema", must(s.Check(t.Context()))(t).Schema, uint64(3))
	copies := backups(t, path)
	if len(copies) != 1 {
		t.Fatalf("backups: %q", copies)
	}
	r := must(CheckFile(t.Context(), copies[0]))(t)
	equal(t, "the backup: schema, calls, begun", []int{int(r.Schema), r.Calls, r.Begun}, []int{2, 5, 5})
	stop(t, s)
	start(t, opt)
	equal(t, "backups after another start", len(backups(t, path)), 1)
}

func TestAFailedMigrationChangesNothing(t *testing.T) {
	path := filled(t, 5)
	for name, plan := range map[string]*plan{
		"a step fails": later(func(tx *bolt.Tx) error {
			return errors.Join(tx.DeleteBucket([]byte(callsTable)), errors.New("why"))
		}),
		"a step panics":     later(func(*bolt.Tx) error { panic("why") }),
		"a step is missing": {version: Schema + 1},
	} {
		if _, err := Open(t.Context(), Options{Path: path, plan: plan}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if r, err := CheckFile(t.Context(), path); err != nil || !r.OK() || r.Calls != 5 || r.Schema != Schema {
			t.Errorf("%s: afterwards: %v %+v", name, err, r)
		}
	}
}

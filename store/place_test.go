package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestTheFileIsTakenAway: whatever becomes of the file, a restart finds the records.
func TestTheFileIsTakenAway(t *testing.T) {
	for name, take := range map[string]func(string) error{
		"deleted":     os.Remove,
		"moved":       func(path string) error { return os.Rename(path, path+".moved") },
		"with folder": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state", "ringside.db")
			synctest.Test(t, func(t *testing.T) {
				var log logs
				s := start(t, Options{Path: path, Log: log.logger()})
				add := func(n int) {
					t.Helper()
					if err := s.Append(t.Context(), call(n), nil, nil); err != nil {
						t.Fatal(err)
					}
				}
				add(1)
				if err := take(path); err != nil {
					t.Fatal(err)
				}
				add(2)
				add(3)
				if err := s.State().Err; !errors.Is(err, errGone) {
					t.Errorf("state: %v", err)
				}
				equal(t, "lines of log", log.count("was taken away"), 1)
				time.Sleep(housekeeping + time.Second)
				synctest.Wait()
				equal(t, "calls in the copy", must(CheckFile(t.Context(), path))(t).Calls, 3)
				add(4)
				time.Sleep(housekeeping + time.Second)
				synctest.Wait()
				equal(t, "calls in the newer copy", must(CheckFile(t.Context(), path))(t).Calls, 4)
				if err := s.State().Err; !errors.Is(err, errGone) || !strings.Contains(err.Error(), "restart ringside") {
					t.Errorf("state with a copy: %v", err)
				}
				add(5)
				s = reopen(t, s)
				equal(t, "calls after a restart", s.State().Calls, 5)
				equal(t, "state after a restart", s.State().Err, nil)
				left, err := filepath.Glob(path + "*.part")
				if err != nil || len(left) > 0 {
					t.Errorf("left behind: %q, %v", left, err)
				}
				stop(t, s)
			})
		})
	}
}

func TestAFileThatComesBackIsTheStoreAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path})
		if err := os.Rename(path, path+".moved"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(housekeeping + time.Second)
		synctest.Wait()
		if err := s.State().Err; !errors.Is(err, errGone) {
			t.Errorf("state without a write: %v", err)
		}
		if err := os.Rename(path+".moved", path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(housekeeping + time.Second)
		synctest.Wait()
		equal(t, "state", s.State().Err, nil)
		stop(t, s)
	})
}

func TestAForeignFileIsLeftAlone(t *testing.T) {
	for name, copied := range map[string]bool{"in the store's place": false, "in the copy's place": true} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ringside.db")
			synctest.Test(t, func(t *testing.T) {
				s, err := Open(t.Context(), Options{Path: path})
				if err != nil {
					t.Fatal(err)
				}
				wait := func() { time.Sleep(housekeeping + time.Second); synctest.Wait() }
				if copied {
					if err := os.Remove(path); err != nil {
						t.Fatal(err)
					}
					wait()
				}
				foreign := filepath.Join(filepath.Dir(path), "foreign")
				if err := errors.Join(os.WriteFile(foreign, []byte("foreign"), 0o600), os.Rename(foreign, path)); err != nil {
					t.Fatal(err)
				}
				if err := s.Append(t.Context(), call(1), nil, nil); err != nil {
					t.Fatal(err)
				}
				if err := s.State().Err; !errors.Is(err, errGone) || !strings.Contains(err.Error(), "another file") {
					t.Errorf("state: %v", err)
				}
				wait()
				if err := s.Close(); !errors.Is(err, errGone) {
					t.Errorf("close: %v", err)
				}
				if text, err := os.ReadFile(path); err != nil || string(text) != "foreign" {
					t.Errorf("the foreign file has %d bytes, %v", len(text), err)
				}
				kept, err := filepath.Glob(path + ".displaced-*")
				if err != nil || len(kept) != 1 {
					t.Fatalf("kept: %q, %v", kept, err)
				}
				equal(t, "calls", must(CheckFile(t.Context(), kept[0]))(t).Calls, 1)
			})
		})
	}
}

package store

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ringside-pbx/ringside"
)

// filled writes a store with enough in it that every table has pages of its own.
func filled(t testing.TB, calls int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ringside.db")
	s, err := Open(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	for i := range calls {
		s.Begin(begun(calls + i))
		s.Finish(call(i), nil, []Talk{{Number: call(i).ID, End: noon}})
	}
	if err := errors.Join(saveDirectory(s, ringside.Edition{}, noise(10_000)), s.Close()); err != nil {
		t.Fatal(err)
	}
	cutSlack(t, path)
	return path
}

// noise is a document that no compression makes smaller.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return b
}

// cutSlack takes away the room that bbolt has reserved behind the last page.
func cutSlack(t testing.TB, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	found, err := inspect(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(int64(found.pages)*int64(found.pageSize)), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestTheFileIsForItsOwnerAlone(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := start(t, Options{Path: filepath.Join(dir, "ringside.db")})
	modes := func() (got []fs.FileMode) {
		for _, name := range []string{filepath.Dir(dir), dir, s.Path()} {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, info.Mode().Perm())
		}
		return got
	}
	equal(t, "modes", modes(), []fs.FileMode{0o700, 0o700, 0o600})
	if err := os.Chmod(s.Path(), 0o644); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	equal(t, "modes after somebody loosened them", modes(), []fs.FileMode{0o700, 0o700, 0o600})
}

func TestASecondProcessIsRefused(t *testing.T) {
	s := start(t, Options{})
	var wg sync.WaitGroup
	for _, moveAside := range []bool{false, true} {
		wg.Go(func() {
			_, err := Open(t.Context(), Options{Path: s.Path(), MoveAside: moveAside})
			if !errors.Is(err, ErrLocked) {
				t.Errorf("open: %v", err)
			}
			want := "open store " + s.Path() + ": another ringside has it open"
			if err != nil && err.Error() != want {
				t.Errorf("error is %q, want %q", err, want)
			}
		})
	}
	wg.Go(func() {
		if _, err := CheckFile(t.Context(), s.Path()); !errors.Is(err, ErrLocked) {
			t.Errorf("check: %v", err)
		}
	})
	wg.Wait()
}

func TestDamagedFiles(t *testing.T) {
	sound, err := os.ReadFile(filled(t, 300))
	if err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(t.TempDir(), "foreign")
	db, err := bolt.Open(foreign, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("x")); return err })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(foreign)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	overwrite := func(at, n int, with byte) []byte {
		b := bytes.Clone(sound)
		for i := at; i < at+n; i++ {
			b[i] = with
		}
		return b
	}
	for _, tc := range []struct {
		name string
		data []byte
	}{
		{"a text", []byte("directory: {}\n")},
		{"a long text", bytes.Repeat([]byte("directory: {}\n"), 10_000)},
		{"another program's bbolt file", other},
		{"cut in the first page", sound[:100]},
		{"cut after the heads", sound[:2*page]},
		{"cut in half", sound[:len(sound)/2]},
		{"both heads overwritten", overwrite(0, 2*page, 0xff)},
		{"zeros behind the heads", overwrite(2*page, len(sound)-2*page, 0)},
		{"ones behind the heads", overwrite(2*page, len(sound)-2*page, 0xff)},
	} {
		path := filepath.Join(t.TempDir(), "ringside.db")
		if err := os.WriteFile(path, tc.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := CheckFile(t.Context(), path); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: check: %v", tc.name, err)
		}
		if _, err := Open(t.Context(), Options{Path: path}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: open: %v", tc.name, err)
		}
		left, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(left, tc.data) {
			t.Errorf("%s: the file was changed (%v)", tc.name, err)
		}
		var log logs
		s := start(t, Options{Path: path, MoveAside: true, Log: log.logger()})
		state := s.State()
		if !errors.Is(state.Damage, ErrDamaged) || log.count("moved aside") != 1 {
			t.Errorf("%s: state: %+v", tc.name, state)
		}
		if left, err := os.ReadFile(state.MovedAside); err != nil || !bytes.Equal(left, tc.data) {
			t.Errorf("%s: it is not in %s (%v)", tc.name, state.MovedAside, err)
		}
		if err := s.Append(t.Context(), call(1), nil, nil); err != nil {
			t.Errorf("%s: append to the fresh one: %v", tc.name, err)
		}
	}
}

// TestTheFileIsCutShortWhileItIsOpen: nothing hangs, and everybody is told.
func TestTheFileIsCutShortWhileItIsOpen(t *testing.T) {
	for _, size := range []int64{0, 2 * int64(os.Getpagesize())} {
		path := filled(t, 300)
		var log logs
		s, err := Open(t.Context(), Options{Path: path, MaxPending: 50, Log: log.logger()})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Check(t.Context()); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d: check at once: %v", size, err)
		}
		for i := range 100 {
			s.Finish(call(1000+i), nil, nil)
		}
		for range 1000 {
			if s.State().Err != nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		state := s.State()
		if !errors.Is(state.Err, ErrDamaged) || !strings.Contains(state.Err.Error(), "restart ringside") {
			t.Errorf("cut to %d: state: %v", size, state.Err)
		}
		if state.Pending == 0 || state.Pending > 50 || state.Pending+int(state.Dropped) != 100 {
			t.Errorf("cut to %d: pending %d, dropped %d", size, state.Pending, state.Dropped)
		}
		equal(t, "lines of log", log.count("can't be written"), 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := s.Check(ctx); !errors.Is(err, ErrDamaged) || ctx.Err() != nil {
			t.Errorf("cut to %d: check: %v", size, err)
		}
		if _, ok := s.Contact(ringside.Number{Raw: "1"}); ok {
			t.Error("a contact out of nothing")
		}
		if _, err := s.Calls(ctx, Query{}); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d: calls: %v", size, err)
		}
		began := time.Now()
		err = s.Close()
		if err == nil || !strings.Contains(err.Error(), "records could not be written") {
			t.Errorf("cut to %d: close: %v", size, err)
		}
		if took := time.Since(began); took >= closeTimeout {
			t.Errorf("cut to %d: close took %s", size, took)
		}
	}
}

func TestACheckWaitsNoLongerThanItMay(t *testing.T) {
	s := start(t, Options{})
	s.file.writing <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-s.file.writing
}

func TestOneHeadIsEnough(t *testing.T) {
	for head := range 2 {
		path := filled(t, 10)
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt(make([]byte, os.Getpagesize()), int64(head*os.Getpagesize()))
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		start(t, Options{Path: path})
	}
}

func TestAFileOfZerosIsANewOne(t *testing.T) {
	for _, size := range []int{0, 1, 4096, 16384} {
		path := filepath.Join(t.TempDir(), "ringside.db")
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		s := start(t, Options{Path: path})
		equal(t, "moved aside", s.State().MovedAside, "")
	}
}

// TestDamageAnywhere overwrites parts of a store at random: it is found at Open, or it is in a value
// and everything goes on.
func TestDamageAnywhere(t *testing.T) {
	sound, err := os.ReadFile(filled(t, 120))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	found, opened := 0, 0
	for range 150 {
		data := bytes.Clone(sound)
		for range 1 + random.IntN(8) {
			at := random.IntN(min(len(data), 1<<20))
			if random.IntN(2) == 0 {
				at = at/os.Getpagesize()*os.Getpagesize() + random.IntN(80) // where the structure is
			}
			for i := range min(1+random.IntN(16), len(data)-at) {
				data[at+i] = byte(random.Uint32())
			}
		}
		path := filepath.Join(t.TempDir(), "ringside.db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), Options{Path: path, CloseTimeout: time.Second})
		switch {
		case errors.Is(err, ErrDamaged) || errors.Is(err, ErrNewer):
			found++
			continue
		case err != nil:
			t.Fatal(err)
		}
		opened++
		_, errCalls := s.Calls(t.Context(), Query{Limit: MaxLimit})
		_, errOutbox := s.Outbox(t.Context(), ringside.CallParcel, 0, MaxLimit, 0)
		_, errCheck := s.Check(t.Context())
		if err := errors.Join(errCalls, errOutbox, errCheck, s.Append(t.Context(), call(1000), nil, nil), s.Close()); err != nil {
			t.Errorf("a file that was found intact: %v", err)
		}
	}
	t.Logf("%d found at open, %d opened", found, opened)
	if found == 0 || opened == 0 {
		t.Error("one of the two never happened")
	}
}

func FuzzInspect(f *testing.F) {
	sound, err := os.ReadFile(filled(f, 20))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte{})
	f.Add(uint32(16), []byte{0xda})
	f.Add(uint32(3*4096+8), []byte{1, 0, 255, 255})
	f.Add(uint32(4*4096+12), []byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, at uint32, with []byte) {
		data := bytes.Clone(sound)
		copy(data[int(at)%len(data):], with)
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = inspect(file)
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Error(err)
		}
		_ = file.Close()
	})
}

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestTheFileCannotBeWritten takes the file from under bbolt, so that its own writes fail within a
// transaction, and gives it back.
func TestTheFileCannotBeWritten(t *testing.T) {
	s := start(t, Options{})
	if err := s.Append(t.Context(), call(1), nil, nil); err != nil {
		t.Fatal(err)
	}
	fd := descriptor(t, s.Path())
	mine, err := syscall.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	readOnly, err := os.Open(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Dup3(int(readOnly.Fd()), fd, syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		s.Finish(call(2+i), nil, nil)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Append(ctx, call(7), nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("append: %v", err)
	}
	if err := s.State().Err; !errors.Is(err, syscall.EBADF) {
		t.Errorf("state: %v", err)
	}
	equal(t, "what was there is still read", get(t, s, call(1).ID), stored(call(1)))
	if err := errors.Join(syscall.Dup3(mine, fd, syscall.O_CLOEXEC), syscall.Close(mine), readOnly.Close()); err != nil {
		t.Fatal(err)
	}
	flush(t, s)
	equal(t, "calls", reopen(t, s).State().Calls, 7)
}

// descriptor finds the number under which this process has the file open.
func descriptor(t *testing.T, path string) int {
	t.Helper()
	for fd := 3; fd < 1000; fd++ {
		if name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err == nil && name == path {
			return fd
		}
	}
	t.Skip("this system does not tell what is open")
	return 0
}

func TestTheDiskIsFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("ringside-test", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("no file system of its own for the test: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, Options{Path: filepath.Join(dir, "ringside.db")})
	fillUntilItFails(t, s)
	if !errors.Is(s.State().Err, syscall.ENOSPC) {
		t.Errorf("state: %v", s.State().Err)
	}
	before := s.State()
	s.Begin(begun(5000))
	s.Finish(call(5000), nil, nil)
	if c, err := s.Calls(t.Context(), Query{Limit: 1}); err != nil || len(c) != 1 {
		t.Errorf("reading on a full disk: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	flush(t, s)
	state := s.State()
	if state.Err != nil || state.Calls != before.Calls+before.Pending+1 {
		t.Errorf("state with room again: %+v, before: %+v", state, before)
	}
	stop(t, s) // before its file system goes
}

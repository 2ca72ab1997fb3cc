package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ringside-pbx/ringside"
)

var errDisk = errors.New("input/output error")

// broken is a disk that fails when it is told to: once all has been written within the transaction,
// or after it is committed all the same.
type broken struct{ fails, after atomic.Bool }

func (b *broken) update(db *bolt.DB, fn func(*bolt.Tx) error) error {
	switch {
	case !b.fails.Load():
		return db.Update(fn)
	case b.after.Load():
		return errors.Join(db.Update(fn), errDisk)
	}
	return db.Update(func(tx *bolt.Tx) error { return errors.Join(fn(tx), errDisk) })
}

func TestTheDiskFailsAndRecovers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		var disk broken
		var log logs
		s := start(t, Options{Path: path, update: disk.update, Log: log.logger(), Now: time.Now})
		disk.fails.Store(true)
		failed := time.Now()
		s.Finish(call(0), nil, nil)
		synctest.Wait() // the writer holds it and tries again and again
		for i := 1; i < 10; i++ {
			s.Begin(begun(i))
			s.Finish(call(i), nil, nil)
		}
		s.Begin(begun(10))

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := s.Append(ctx, call(11), nil, nil)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errDisk) {
			t.Errorf("append: %v", err)
		}
		state := s.State()
		if !errors.Is(state.Err, errDisk) || !state.Since.Equal(failed) || state.Pending != 12 || state.Dropped != 0 {
			t.Errorf("state while it fails: %+v", state)
		}
		if n := log.count("can't be written"); n != 1 {
			t.Errorf("%d lines of log for one failure", n)
		}

		disk.fails.Store(false)
		time.Sleep(lastBackoff)
		synctest.Wait()
		flush(t, s)
		state = s.State()
		if state.Err != nil || !state.Since.IsZero() || state.Pending != 0 || state.Calls != 11 || state.Outbox != 11 {
			t.Errorf("state afterwards: %+v", state)
		}
		equal(t, "lines of log", log.count("written again"), 1)
		equal(t, "begun", must(s.Check(t.Context()))(t).Begun, 1)
		stop(t, s)
	})
}

func TestCloseGivesUpOnABrokenDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		var disk broken
		s, err := Open(t.Context(), Options{Path: path, update: disk.update})
		if err != nil {
			t.Fatal(err)
		}
		disk.fails.Store(true)
		for i := range 3 {
			s.Finish(call(i), nil, nil)
		}
		waiter := make(chan error, 1)
		go func() { waiter <- s.Append(t.Context(), call(3), nil, nil) }()
		synctest.Wait()
		began := time.Now()
		err = s.Close()
		if err == nil || !strings.Contains(err.Error(), "4 records could not be written") || !errors.Is(err, errDisk) {
			t.Errorf("close: %v", err)
		}
		equal(t, "close took", time.Since(began), closeTimeout)
		if err := <-waiter; !errors.Is(err, ErrClosed) {
			t.Errorf("append: %v", err)
		}
		if again := s.Close(); !errors.Is(again, errDisk) {
			t.Errorf("close again: %v", again)
		}
		equal(t, "dropped", s.State().Dropped, uint64(4))
	})
}

func TestAFullQueueDropsBeginningsFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		var disk broken
		var log logs
		s := start(t, Options{Path: path, update: disk.update, MaxPending: 10, Log: log.logger()})
		disk.fails.Store(true)
		s.Finish(call(0), nil, nil)
		synctest.Wait() // the writer holds it
		for i := 1; i <= 9; i++ {
			s.Begin(begun(i))
		}
		s.Begin(begun(10))
		equal(t, "one beginning too many", s.State().Skipped, uint64(1))
		for i := 11; i <= 19; i++ {
			s.Finish(call(i), nil, nil)
		}
		state := s.State()
		equal(t, "beginnings made room", []uint64{state.Skipped, state.Dropped, uint64(state.Pending)}, []uint64{10, 0, 10})
		s.Finish(call(20), nil, nil)
		s.Finish(call(21), nil, nil)
		if err := s.Append(t.Context(), call(22), nil, nil); !errors.Is(err, ErrFull) {
			t.Errorf("append: %v", err)
		}
		equal(t, "finished calls that were lost", s.State().Dropped, uint64(3))
		equal(t, "lines of log on them", log.count("are lost"), 1)
		disk.fails.Store(false)
		time.Sleep(lastBackoff)
		synctest.Wait()
		equal(t, "written in the end", s.State().Calls, 10)
		stop(t, s)
	})
}

func TestADiskThatIsBrokenAtTheStart(t *testing.T) {
	path := filled(t, 3) // and three calls that have begun
	synctest.Test(t, func(t *testing.T) {
		var disk broken
		disk.fails.Store(true)
		s := start(t, Options{Path: path, update: disk.update})
		s.Begin(begun(100))
		if err := s.State().Err; !errors.Is(err, errDisk) {
			t.Errorf("state: %v", err)
		}
		equal(t, "a call from before", get(t, s, call(1).ID), stored(call(1)))
		disk.fails.Store(false)
		time.Sleep(lastBackoff)
		synctest.Wait()
		state := s.State()
		equal(t, "interrupted, calls, outbox", []int{state.Interrupted, state.Calls, state.Outbox}, []int{3, 6, 6})
		equal(t, "begun", must(s.Check(t.Context()))(t).Begun, 1)
		stop(t, s)
	})
}

func TestAFullQueueIsAlsoOneOfTooManyBytes(t *testing.T) {
	var disk broken
	s := start(t, Options{update: disk.update, MaxPendingBytes: 10_000})
	disk.fails.Store(true)
	big := call(1)
	big.Notes = strings.Repeat("x", 8000)
	s.Finish(big, nil, nil)
	big.ID += "b"
	s.Finish(big, nil, nil)
	equal(t, "dropped", s.State().Dropped, uint64(1))
	disk.fails.Store(false)
	flush(t, s)
	s.Finish(big, nil, nil)
	flush(t, s)
	equal(t, "calls", s.State().Calls, 2)
}

// TestEveryWriteFailsOnce fails each of the first writes in turn, before anything is written and
// after everything is: what is found afterwards is always the same.
func TestEveryWriteFailsOnce(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 2; n < 20; n++ { // the first one makes the tables
			t.Run(fmt.Sprintf("write %d, after the commit: %v", n, after), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "ringside.db")
				synctest.Test(t, func(t *testing.T) {
					writes := 0
					s := start(t, Options{Path: path, CDRs: true, update: func(db *bolt.DB, fn func(*bolt.Tx) error) error {
						if writes++; writes == n && after {
							return errors.Join(db.Update(fn), errDisk)
						} else if writes == n {
							return errDisk
						}
						return db.Update(fn)
					}})
					story(t, s)
				})
			})
		}
	}
}

// story writes a little of everything, one transaction after the other, and checks the outcome.
func story(t *testing.T, s *Store) {
	t.Helper()
	s.Begin(begun(1))
	flush(t, s)
	for _, err := range []error{
		s.SetCursor(t.Context(), "pull", []byte("1")),
		saveDirectory(s, ringside.Edition{Version: "1"}, []byte("{}")),
		s.Append(t.Context(), call(1), []ringside.Turn{{Group: 1, Number: "101", Count: 1}}, nil),
		s.Append(t.Context(), call(2), nil, nil),
		s.Settle(t.Context(), ringside.CallParcel, []ringside.Settlement{{Seq: 1, CDRs: true}, refused(2)}),
		s.Append(t.Context(), call(1), nil, nil),
		s.ApplyContacts(t.Context(), []ringside.ContactChange{person1("a", "Anna", "1"), person1("b", "Boris", "1")}, 1, "contacts", []byte("1")),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	equal(t, "retried", must(s.RetryRejected(t.Context()))(t), 1)
	equal(t, "swept", must(s.SweepContacts(t.Context(), 2))(t), 2)
	s.Begin(begun(3))
	stop(t, s)
	s = start(t, Options{Path: s.Path()})
	equal(t, "revision: nothing was applied twice", get(t, s, call(1).ID).Revision, 2)
	equal(t, "legs", len(get(t, s, call(1).ID).Legs), 2)
	state := s.State()
	equal(t, "calls, outbox, interrupted", []int{state.Calls, state.Outbox, state.Interrupted}, []int{3, 3, 1})
	r := must(s.Check(t.Context()))(t)
	equal(t, "checked calls and outbox", []int{r.Calls, r.Outbox, r.Begun}, []int{3, 3, 0})
	stop(t, s)
}

func TestTheFileIsAsLargeAsItMayBe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	s := start(t, Options{Path: path})
	stop(t, s)
	s, err := Open(t.Context(), Options{Path: path, MaxSize: 17 << 20, CloseTimeout: time.Second / 4})
	if err != nil {
		t.Fatal(err)
	}
	fillUntilItFails(t, s)
	if !strings.Contains(s.State().Err.Error(), "maximum size") {
		t.Errorf("state: %v", s.State().Err)
	}
	acknowledged := s.State().Calls
	if err := s.Close(); err == nil {
		t.Error("close: the lost records were not reported")
	}
	s = start(t, Options{Path: path})
	equal(t, "calls", s.State().Calls, acknowledged)
}

// fillUntilItFails appends large calls until the disk takes no more.
func fillUntilItFails(t *testing.T, s *Store) {
	t.Helper()
	for i := 0; s.State().Err == nil; i++ {
		c := call(i)
		c.Notes = strings.Repeat("x", 100_000)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/4)
		err := s.Append(ctx, c, nil, nil)
		cancel()
		if err == nil && s.State().Err != nil {
			t.Error("a failed write was acknowledged")
		}
		if i > 2000 {
			t.Fatal("it never filled up")
		}
	}
}

// TestManyWritersOnAFlakyDisk: whatever fails, what was acknowledged is there, once.
func TestManyWritersOnAFlakyDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		random := rand.New(rand.NewPCG(3, 4))
		opening := true
		s := start(t, Options{Path: path, update: func(db *bolt.DB, fn func(*bolt.Tx) error) error {
			mu.Lock()
			dice := random.IntN(4)
			mu.Unlock()
			switch {
			case opening || dice > 1:
				return db.Update(fn)
			case dice == 1:
				return errors.Join(db.Update(fn), errDisk)
			}
			return errDisk
		}})
		opening = false
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := range 20 {
					s.Begin(begun(100*w + i))
					if err := s.Append(t.Context(), call(100*w+i), nil, nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		calls := must(s.Calls(t.Context(), Query{Limit: 1000}))(t)
		equal(t, "calls", len(calls), 160)
		for _, c := range calls {
			if c.Revision != 1 {
				t.Errorf("call %s was applied %d times", c.ID, c.Revision)
			}
		}
		equal(t, "counts", s.State().Outbox, 160)
		stop(t, s)
	})
}

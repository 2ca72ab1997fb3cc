package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Store is an open store. Its methods may be called from any goroutine.
type Store struct {
	opt   Options
	file  *handle
	queue *queue

	grown     [lanes]chan struct{} // each holds one token when its outbox has grown
	closing   chan struct{}        // closed: write what is left
	giveUp    chan struct{}        // closed: stop trying
	done      chan struct{}        // closed: the writer has returned
	closeOnce sync.Once
	closeErr  error

	// The writer's own.
	batches uint64
	last    time.Time // of the last write
	resume  []byte    // where the retention goes on
	standIn standIn   // what is at the path in the file's stead

	// identity tells the open file from another at its path.
	identity os.FileInfo

	// losing: finished calls are being lost, and the log says so.
	losing atomic.Bool

	mu    sync.Mutex
	state State
}

// Open opens the store, or makes a new one, and finishes the calls that an earlier process left
// unfinished. It fails with ErrLocked, ErrNewer or ErrDamaged, or because the file can't be opened
// or read. Once there is a file, a full disk is no failure: State reports it, and what is to be
// written waits.
func Open(ctx context.Context, opt Options) (*Store, error) {
	opt = opt.withDefaults()
	if opt.Path == "" {
		return nil, fmt.Errorf("open store: %w: no path", ErrInvalid)
	}
	s := &Store{
		opt:     opt,
		closing: make(chan struct{}),
		giveUp:  make(chan struct{}),
		done:    make(chan struct{}),
	}
	for l := range lanes {
		s.grown[l] = make(chan struct{}, 1)
	}
	s.file = newHandle(s.failing)
	s.queue = newQueue(opt.MaxPending, opt.MaxPendingBytes)
	if err := s.openFile(ctx); err != nil {
		return nil, fmt.Errorf("open store %s: %w", opt.Path, err)
	}
	// The first attempt is made here, so that whoever reads next finds the interrupted calls; should
	// the disk refuse it, the writer goes on with it before anything else.
	first := s.batch(&entry{apply: s.recoverBegun})
	err := s.commit(first)
	s.settle(first, err)
	if err == nil {
		first = nil
	}
	go s.run(first)
	return s, nil
}

func (s *Store) openFile(ctx context.Context) error {
	err := s.openSound(ctx)
	if !errors.Is(err, ErrDamaged) || !s.opt.MoveAside {
		return err
	}
	f, lockErr := openLocked(ctx, s.opt.Path)
	if lockErr != nil {
		return errors.Join(err, lockErr)
	}
	to, moveErr := moveAside(f, s.opt.Path, s.opt.Now())
	if moveErr != nil {
		return errors.Join(err, moveErr)
	}
	s.opt.Log.Error("store was damaged: moved aside, starting with an empty one",
		"path", s.opt.Path, "moved_to", to, "err", err)
	s.state.MovedAside, s.state.Damage = to, err
	return s.openSound(ctx)
}

// openSound locks, inspects, migrates and maps the file.
func (s *Store) openSound(ctx context.Context) error {
	f, err := openLocked(ctx, s.opt.Path)
	if err != nil {
		return err
	}
	found, err := inspect(f)
	if err == nil {
		err = s.opt.plan.accepts(found)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if found.empty {
		// What is left of a creation that a power cut ended.
		if err := f.Truncate(0); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	db, err := mount(f, s.opt.MaxSize, false)
	if err != nil {
		return err
	}
	if db, err = s.prepare(ctx, db, f, found); err != nil {
		return err
	}
	if s.identity, err = os.Stat(s.opt.Path); err != nil {
		return errors.Join(err, db.Close())
	}
	s.file.db = db
	s.state.add(found.counts())
	return nil
}

// prepare makes the mapped file ready: its schema, its size, and what the writer goes on from. It
// closes db when it fails.
func (s *Store) prepare(ctx context.Context, db *bolt.DB, f *os.File, found *anatomy) (_ *bolt.DB, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if found.empty {
		if err := syncDir(s.opt.Path); err != nil {
			return db, err
		}
	}
	if err := s.opt.plan.migrate(ctx, db, found.schema, s.opt); err != nil {
		return db, err
	}
	if found.schema != s.opt.plan.version {
		// What is counted from here on is what the migration has made of it.
		after, err := inspect(f)
		if err != nil {
			return db, err
		}
		*found = *after
	}
	if found.wasteful() {
		if smaller, err := compact(db, s.opt); err != nil {
			s.opt.Log.Warn("store was not compacted", "path", s.opt.Path, "err", err)
		} else {
			db = smaller
		}
	}
	return db, guard(func() error {
		return db.View(func(tx *bolt.Tx) error {
			t, err := open(tx)
			if err == nil {
				s.batches = readNumber(t.meta.Get([]byte("batch")))
			}
			return err
		})
	})
}

// Close writes what is pending, for as long as Options.CloseTimeout allows, and closes the file. Its
// error says how many records were lost.
func (s *Store) Close() error {
	s.closeOnce.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Store) close() error {
	s.queue.close()
	close(s.closing)
	limit := time.NewTimer(s.opt.CloseTimeout)
	defer limit.Stop()
	select {
	case <-s.done:
	case <-limit.C:
		close(s.giveUp)
		// A write that hangs in the disk can't be called off: wait as long again and leave it.
		limit.Reset(s.opt.CloseTimeout)
		select {
		case <-s.done:
		case <-limit.C:
			return fmt.Errorf("close store %s: the disk does not answer", s.opt.Path)
		}
	}
	lost := s.queue.fail(ErrClosed)
	err := errors.Join(s.leavePlace(), s.file.close())
	if lost > 0 {
		err = errors.Join(fmt.Errorf("%d records could not be written: %w", lost, s.State().Err), err)
	}
	if err != nil {
		return fmt.Errorf("close store %s: %w", s.opt.Path, err)
	}
	return nil
}

// Path is the file.
func (s *Store) Path() string { return s.opt.Path }

// remove deletes a file that is no longer wanted and may be missing.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

package store

import (
	"errors"
	"fmt"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrLocked: another process has the file open.
	ErrLocked = errors.New("another ringside has it open")
	// ErrNewer: the file was written by a newer ringside. It has not been touched.
	ErrNewer = errors.New("written by a newer ringside")
	// ErrDamaged: the file is no store, or its structure is broken.
	ErrDamaged = errors.New("not an intact ringside store")
	// ErrClosed: the store has been closed.
	ErrClosed = errors.New("the store is closed")
	// ErrFull: as much waits to be written as may wait; the record was not taken.
	ErrFull = errors.New("too much is waiting for the disk")
	// ErrInvalid: the value can't be stored, whatever the state of the disk.
	ErrInvalid = errors.New("can't be stored")
)

// errLost: what was open can't be used any more.
var errLost = errors.New("the file was damaged while it was open: restart ringside")

// panicked is the error that guard makes of a panic.
type panicked struct{ reason any }

func (p panicked) Error() string { return fmt.Sprint(p.reason) }

// guard runs fn and makes an error of a panic, and of a fault in mapped memory: bbolt panics when it
// meets a damaged page, and a file that somebody cut short faults where it is read.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %w", ErrDamaged, panicked{r})
		}
		if errors.Is(err, berrors.ErrDatabaseNotOpen) {
			err = ErrClosed
		}
	}()
	return fn()
}

// view runs fn in a short read transaction. What fn keeps it must copy.
func (s *Store) view(fn func(*tables) error) error {
	return s.file.read(func(tx *bolt.Tx) error {
		t, err := open(tx)
		if err != nil {
			return err
		}
		return fn(t)
	})
}

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

const fileMode = 0o600

// openLocked opens the file, making it if it is missing, and locks it for this process alone. The
// lock is taken before anything is read: a file that another process writes looks damaged.
func openLocked(ctx context.Context, path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(lockTimeout)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
		if err != nil {
			return nil, err
		}
		if err := lock(ctx, f, syscall.LOCK_EX, deadline); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		// Whoever had the lock may have put another file in this one's place.
		same, err := stillAt(f, path)
		if err == nil && same {
			err = tighten(f)
		}
		if err == nil && same {
			return f, nil
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
}

func stillAt(f *os.File, path string) (bool, error) {
	mine, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(mine, there), err
}

// tighten takes away what others may do with the file.
func tighten(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Mode().Perm()&^fileMode == 0 {
		return err
	}
	return f.Chmod(fileMode)
}

func lock(ctx context.Context, f *os.File, how int, deadline time.Time) error {
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("lock: %w", err)
		case !time.Now().Before(deadline):
			return ErrLocked
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(lockTimeout / 20):
		}
	}
}

// mount gives f, which is locked and sound, to bbolt. The database owns f from then on; when there
// is an error f is closed.
func mount(f *os.File, maxSize int, readOnly bool) (*bolt.DB, error) {
	var db *bolt.DB
	err := guard(func() (err error) {
		db, err = bolt.Open(f.Name(), fileMode, &bolt.Options{
			Timeout:         lockTimeout,
			ReadOnly:        readOnly,
			FreelistType:    bolt.FreelistMapType,
			InitialMmapSize: mapSize(),
			MaxSize:         maxSize,
			OpenFile:        func(string, int, os.FileMode) (*os.File, error) { return f, nil },
		})
		return err
	})
	if err != nil {
		// bbolt has closed it already unless it panicked.
		_ = f.Close()
		return nil, err
	}
	return db, nil
}

// moveAside renames the locked file to a name that says what it is and when it was found.
func moveAside(f *os.File, path string, now time.Time) (string, error) {
	to := path + ".damaged-" + now.UTC().Format("20060102T150405.000000Z")
	return to, errors.Join(os.Rename(path, to), syncDir(path), f.Close())
}

// syncDir makes a change of names in the file's directory durable.
func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

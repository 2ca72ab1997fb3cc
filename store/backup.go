package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// Backup copies the store as it is at this moment to the file to, while everything goes on. The copy
// appears under its name when it is whole and on the disk; a file that is there already, above all the
// store itself, is an error. The file that is copied grows while it lasts, for bbolt keeps what is
// being read: don't back up to slow disks.
func (s *Store) Backup(ctx context.Context, to string) error {
	err := s.vacant(to)
	if err == nil {
		err = backup(ctx, s.file.read, to)
	}
	if err != nil {
		return fmt.Errorf("back up store %s to %s: %w", s.opt.Path, to, err)
	}
	return nil
}

// vacant reports what stands where a copy is to go.
func (s *Store) vacant(to string) error {
	// By name first: the store's own place stays its own when its file has been deleted.
	own, err := filepath.Abs(s.opt.Path)
	if err != nil {
		return err
	}
	if to, err = filepath.Abs(to); err != nil {
		return err
	}
	if to == own || sameFile(to, own) {
		return errors.New("that is the store itself")
	}
	return absent(to)
}

func sameFile(a, b string) bool {
	there, err := os.Stat(a)
	if err != nil {
		return false
	}
	here, err := os.Stat(b)
	return err == nil && os.SameFile(there, here)
}

// absent reports a file, or whatever else has the name.
func absent(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return errExists
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

var errExists = fmt.Errorf("it exists already: %w", fs.ErrExist)

// reader runs a function in a read transaction.
type reader func(func(*bolt.Tx) error) error

func backup(ctx context.Context, read reader, to string) error {
	if err := absent(to); err != nil {
		return err
	}
	tmp, err := copyOut(ctx, read, to)
	if err != nil {
		return err
	}
	if err := settleAt(tmp, to); err != nil {
		return errors.Join(err, remove(tmp))
	}
	return syncDir(to)
}

// copyOut writes a copy beside its later place and gives its name.
func copyOut(ctx context.Context, read reader, to string) (tmp string, err error) {
	// The name is nobody else's: what is there, even as to.part, may be a store.
	f, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.part")
	if err != nil {
		return "", err
	}
	err = read(func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(stoppable{ctx, f})
		return err
	})
	if ctx.Err() != nil {
		err = context.Cause(ctx) // bbolt does not hand on what the writer said
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, remove(f.Name()))
	}
	return f.Name(), nil
}

// settleAt gives the file tmp its name, and takes it from no other.
func settleAt(tmp, to string) error {
	switch err := os.Link(tmp, to); {
	case err == nil:
		return remove(tmp)
	case errors.Is(err, fs.ErrExist):
		return errExists
	}
	// Not every file system has links.
	if err := absent(to); err != nil {
		return err
	}
	return os.Rename(tmp, to)
}

// stoppable is a writer that fails once ctx has ended.
type stoppable struct {
	ctx context.Context
	w   io.Writer
}

func (s stoppable) Write(b []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.w.Write(b)
}

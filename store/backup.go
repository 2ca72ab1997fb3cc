package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
)

// Backup copies the store as it is at this moment to the file to, while everything goes on. The copy
// appears under its name when it is whole and on the disk, in place of what was there. The file that
// is copied grows while it lasts, for bbolt keeps what is being read: don't back up to slow disks.
func (s *Store) Backup(ctx context.Context, to string) error {
	if err := backup(ctx, s.db, to); err != nil {
		return fmt.Errorf("back up store %s to %s: %w", s.opt.Path, to, err)
	}
	return nil
}

func backup(ctx context.Context, db *bolt.DB, to string) (err error) {
	tmp := to + ".part"
	if err := remove(tmp); err != nil {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	err = guard(func() error {
		return db.View(func(tx *bolt.Tx) error {
			_, err := tx.WriteTo(stoppable{ctx, f})
			return err
		})
	})
	if ctx.Err() != nil {
		err = context.Cause(ctx) // bbolt does not hand on what the writer said
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, to)
	}
	if err != nil {
		return errors.Join(err, remove(tmp))
	}
	return syncDir(to)
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

package store

import (
	"errors"
	"os"

	bolt "go.etcd.io/bbolt"
)

// wasteful reports whether most of the file is free and that is worth an effort: bbolt never gives
// space back.
func (a *anatomy) wasteful() bool {
	return a.free > a.pages/2 && a.free*uint64(a.pageSize) > 8<<20
}

// compact copies the database into a smaller file that takes the place of the old one, locked all
// the while. It closes the old database only when it succeeds.
func compact(db *bolt.DB, opt Options) (_ *bolt.DB, err error) {
	tmp := opt.Path + ".compact"
	if err := remove(tmp); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err
	}
	small, err := mount(f, opt.MaxSize, false)
	if err != nil {
		return nil, errors.Join(err, remove(tmp))
	}
	err = guard(func() error { return bolt.Compact(small, db, 4<<20) })
	if err == nil {
		err = os.Rename(tmp, opt.Path)
	}
	if err != nil {
		return nil, errors.Join(err, small.Close(), remove(tmp))
	}
	if err := errors.Join(syncDir(opt.Path), db.Close()); err != nil {
		opt.Log.Warn("store was compacted, the old file was not closed cleanly", "path", opt.Path, "err", err)
	}
	return small, nil
}

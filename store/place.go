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
)

// errGone: what is written goes to a file that no restart will find.
var errGone = errors.New("the file is gone or was replaced")

// standIn is the copy that was put where the open file has been taken away.
type standIn struct {
	info os.FileInfo
	// batch is the last one that is in it.
	batch uint64
}

// displaced reports that the open file is not the one at its path.
func (s *Store) displaced() error {
	there, err := os.Stat(s.opt.Path)
	another := err == nil && !os.SameFile(there, s.identity)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: nothing is at its path", errGone)
	case !another:
		return nil
	case s.standIn.is(there):
		return fmt.Errorf("%w: a copy of it is kept at its path: restart ringside", errGone)
	}
	return fmt.Errorf("%w: another file is at its path", errGone)
}

// is reports whether the file is the stand-in, as it was written.
func (c *standIn) is(there os.FileInfo) bool {
	return c.info != nil && os.SameFile(c.info, there) && c.info.Size() == there.Size() && c.info.ModTime().Equal(there.ModTime())
}

// keepPlace sees to it that a restart finds the records: where the file has been taken away it puts
// a copy, and renews that. A file of somebody else is left alone and is an error.
func (s *Store) keepPlace() error {
	if s.file.isLost() {
		return nil // nothing more can be read; the state tells
	}
	err := s.displaced()
	if err == nil {
		if errors.Is(s.State().Err, errGone) {
			s.working()
		}
		return nil
	}
	s.failing(err)
	there, statErr := os.Stat(s.opt.Path)
	switch {
	case errors.Is(statErr, fs.ErrNotExist):
		err = s.putStandIn(nil)
	case statErr != nil || !s.standIn.is(there):
		return err
	case s.standIn.batch == s.batches:
		return nil
	default:
		err = s.renewStandIn()
	}
	if err != nil {
		return fmt.Errorf("copy the store back to its path: %w", err)
	}
	s.failing(s.displaced())
	return nil
}

// renewStandIn replaces the copy by a newer one, unless somebody has opened it as their own.
func (s *Store) renewStandIn() error {
	old, err := os.Open(s.opt.Path)
	if err != nil {
		return err
	}
	if err = lock(context.Background(), old, syscall.LOCK_EX, time.Now()); err == nil {
		err = s.putStandIn(old)
	}
	return errors.Join(err, old.Close())
}

// putStandIn writes the copy. It takes the place of old alone.
func (s *Store) putStandIn(old *os.File) error {
	path := s.opt.Path
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := copyOut(context.Background(), s.file.read, path)
	if err != nil {
		return err
	}
	if old == nil {
		err = settleAt(tmp, path)
	} else if same, statErr := stillAt(old, path); statErr != nil || !same {
		err = errors.Join(statErr, errGone)
	} else {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, remove(tmp))
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	s.standIn = standIn{info: info, batch: s.batches}
	return syncDir(path)
}

// leavePlace is the last chance for the records: beside a file of somebody else, they are kept under
// another name.
func (s *Store) leavePlace() error {
	err := s.keepPlace()
	if !errors.Is(err, errGone) {
		return err
	}
	to := s.opt.Path + ".displaced-" + s.opt.Now().UTC().Format("20060102T150405.000000Z")
	if copyErr := backup(context.Background(), s.file.read, to); copyErr != nil {
		return errors.Join(err, copyErr)
	}
	s.opt.Log.Error("another file is at the store's path: the records are kept beside it", "path", s.opt.Path, "kept_in", to)
	return fmt.Errorf("%w: the records are kept in %s", err, to)
}

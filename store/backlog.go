package store

import (
	"context"
	"fmt"
	"os"
	"syscall"

	"github.com/ringside-pbx/ringside"
)

// Backlog tells what waits to be delivered. It counts nothing: the writer keeps the totals.
func (s *Store) Backlog(ctx context.Context) (ringside.Backlog, error) {
	if ctx.Err() != nil {
		return ringside.Backlog{}, context.Cause(ctx)
	}
	state := s.State()
	b := ringside.Backlog{Calls: state.Outbox, CDRs: state.CDRs, Bytes: state.OutboxBytes, Rejected: state.Rejected}
	err := s.view(func(t *tables) error {
		for _, outbox := range t.outboxes {
			_, v := outbox.Cursor().First()
			p, ok := readParcel(v)
			if at := unstamp(p.at); ok && (b.Oldest.IsZero() || at.Before(b.Oldest)) {
				b.Oldest = at
			}
		}
		return nil
	})
	if err != nil {
		return ringside.Backlog{}, fmt.Errorf("read backlog: %w", err)
	}
	return b, nil
}

// Disk tells how large the file is and how much room its file system has left for this process.
func (s *Store) Disk() (ringside.Disk, error) {
	info, err := os.Stat(s.opt.Path)
	if err != nil {
		return ringside.Disk{}, err
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(s.opt.Path, &fs); err != nil {
		return ringside.Disk{}, fmt.Errorf("read the room of %s: %w", s.opt.Path, err)
	}
	return ringside.Disk{File: info.Size(), Free: int64(fs.Bavail) * int64(fs.Bsize)}, nil //nolint:unconvert // an int32 on machines with 32 bits
}

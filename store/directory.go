package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Snapshot is a directory as it was received.
type Snapshot struct {
	// Data is the document, byte for byte.
	Data []byte `json:"-"`
	// Version is the document's own, Source says where it came from, Time when it was accepted.
	Version string    `json:"version"`
	Source  string    `json:"source"`
	Time    time.Time `json:"time"`
}

// Directory gives the last directory that was saved, and whether there is one.
func (s *Store) Directory(ctx context.Context) (Snapshot, bool, error) {
	var snap Snapshot
	if ctx.Err() != nil {
		return snap, false, context.Cause(ctx)
	}
	var header []byte
	err := s.view(func(t *tables) error {
		header = bytes.Clone(t.directory.Get([]byte("header")))
		snap.Data = bytes.Clone(t.directory.Get([]byte("data")))
		return nil
	})
	if err == nil && header != nil {
		err = json.Unmarshal(header, &snap)
	}
	if err != nil {
		return Snapshot{}, false, fmt.Errorf("read directory: %w", err)
	}
	return snap, header != nil, nil
}

// SaveDirectory replaces the directory and returns when that is on the disk.
func (s *Store) SaveDirectory(ctx context.Context, snap Snapshot) error {
	header, err := json.Marshal(snap)
	if err != nil {
		return fmt.Errorf("save directory: %w: %w", ErrInvalid, err)
	}
	data := bytes.Clone(snap.Data)
	e := &entry{size: len(data) + len(header), apply: func(t *tables) error {
		if err := t.directory.Put([]byte("header"), header); err != nil {
			return err
		}
		return t.directory.Put([]byte("data"), data)
	}}
	if err := s.await(ctx, e, ""); err != nil {
		return fmt.Errorf("save directory: %w", err)
	}
	return nil
}

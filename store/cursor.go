package store

import (
	"bytes"
	"context"
	"fmt"
)

// MaxCursorName is the longest name of a cursor, in bytes.
const MaxCursorName = 255

// Cursor gives the value that was last set under the name; nil if there is none.
func (s *Store) Cursor(ctx context.Context, name string) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var value []byte
	err := s.view(func(t *tables) error {
		value = bytes.Clone(t.cursors.Get([]byte(name)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read cursor %s: %w", name, err)
	}
	return value, nil
}

// SetCursor sets the value under the name and returns when it is on the disk; an empty value removes
// the cursor.
func (s *Store) SetCursor(ctx context.Context, name string, value []byte) error {
	e, err := cursorEntry(name, value)
	if err == nil {
		err = s.await(ctx, e, "")
	}
	if err != nil {
		return fmt.Errorf("set cursor %q: %w", name, err)
	}
	return nil
}

// cursorEntry makes what sets a cursor, by itself or together with what it stands behind.
func cursorEntry(name string, value []byte) (*entry, error) {
	if name == "" || len(name) > MaxCursorName {
		return nil, fmt.Errorf("%w: a name has 1 to %d bytes", ErrInvalid, MaxCursorName)
	}
	value = bytes.Clone(value)
	return &entry{size: 128 + len(name) + len(value), apply: func(t *tables) error {
		if len(value) == 0 {
			return t.cursors.Delete([]byte(name))
		}
		return t.cursors.Put([]byte(name), value)
	}}, nil
}

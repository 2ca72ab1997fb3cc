package store

import (
	"bytes"
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/ringside-pbx/ringside"
)

// Turns gives the last turn of every member of every group, in the order of groups and numbers.
func (s *Store) Turns(ctx context.Context) ([]ringside.Turn, error) {
	rows, err := s.all(ctx, func(t *tables) *bolt.Bucket { return t.turns })
	if err != nil {
		return nil, fmt.Errorf("read turns: %w", err)
	}
	turns := make([]ringside.Turn, 0, len(rows))
	for _, r := range rows {
		if len(r.key) > 8 {
			turns = append(turns, ringside.Turn{
				Group: int64(readNumber(r.key)), Number: string(r.key[8:]), Count: readNumber(r.value),
			})
		}
	}
	return turns, nil
}

// Talks gives the end of every extension's last talk, in the order of the numbers and in UTC.
func (s *Store) Talks(ctx context.Context) ([]Talk, error) {
	rows, err := s.all(ctx, func(t *tables) *bolt.Bucket { return t.talks })
	if err != nil {
		return nil, fmt.Errorf("read last talks: %w", err)
	}
	talks := make([]Talk, 0, len(rows))
	for _, r := range rows {
		talks = append(talks, Talk{Number: string(r.key), End: unstamp(readNumber(r.value))})
	}
	return talks, nil
}

// all copies a whole table, in several short transactions.
func (s *Store) all(ctx context.Context, table func(*tables) *bolt.Bucket) ([]row, error) {
	var rows []row
	var low []byte
	for more := true; more; {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var part []row
		err := s.view(func(t *tables) error {
			part, more = copyRows(table(t), low, nil, chunkEntries, false)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if rows = append(rows, part...); len(part) > 0 {
			low = append(bytes.Clone(part[len(part)-1].key), 0)
		}
	}
	return rows, nil
}

package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/ringside-pbx/ringside"
)

// Current gives the edition that is in effect with its document, and whether there is one.
func (s *Store) Current(ctx context.Context) (ringside.Edition, []byte, bool, error) {
	return s.edition(ctx, "current edition", func(t *tables) []byte { return t.directory.Get([]byte(currentKey)) })
}

// Edition gives the edition with the number and its document, and whether it is kept.
func (s *Store) Edition(ctx context.Context, n uint64) (ringside.Edition, []byte, bool, error) {
	return s.edition(ctx, fmt.Sprintf("edition %d", n), func(*tables) []byte { return number(n) })
}

func (s *Store) edition(ctx context.Context, what string, which func(*tables) []byte) (e ringside.Edition, document []byte, ok bool, err error) {
	if ctx.Err() != nil {
		return e, nil, false, context.Cause(ctx)
	}
	var header, packed []byte
	err = s.view(func(t *tables) error {
		key := which(t)
		header, packed = bytes.Clone(t.editions.Get(key)), bytes.Clone(t.documents.Get(key))
		return nil
	})
	if err == nil && header != nil {
		if err = json.Unmarshal(header, &e); err == nil {
			document, err = unpack(packed)
		}
	}
	if err != nil {
		return ringside.Edition{}, nil, false, fmt.Errorf("read %s: %w", what, err)
	}
	return e, document, header != nil, nil
}

// Editions gives the editions that are kept, newest first. With a limit of 0 it gives DefaultLimit of
// them. One that can't be read is left out and logged.
func (s *Store) Editions(ctx context.Context, limit int) ([]ringside.Edition, error) {
	limit = limited(limit)
	var editions []ringside.Edition
	var high []byte
	for more := true; more && len(editions) < limit; {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read editions: %w", context.Cause(ctx))
		}
		var rows []row
		err := s.view(func(t *tables) error {
			rows, more = copyRows(t.editions, nil, high, limit-len(editions), true)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read editions: %w", err)
		}
		for _, r := range rows {
			high = r.key
			var e ringside.Edition
			if err := json.Unmarshal(r.value, &e); err != nil {
				s.opt.Log.Error("edition can't be read", "number", readNumber(r.key), "err", err)
				continue
			}
			editions = append(editions, e)
		}
	}
	return editions, nil
}

// Base gives the CRM's own document that was saved last, and whether there is one.
func (s *Store) Base(ctx context.Context) (base ringside.Snapshot, ok bool, err error) {
	if ctx.Err() != nil {
		return base, false, context.Cause(ctx)
	}
	var header, packed []byte
	err = s.view(func(t *tables) error {
		header = bytes.Clone(t.directory.Get([]byte(baseKey)))
		packed = bytes.Clone(t.directory.Get([]byte(baseDataKey)))
		return nil
	})
	if err == nil && header != nil {
		if err = json.Unmarshal(header, &base); err == nil {
			base.Data, err = unpack(packed)
		}
	}
	if err != nil {
		return ringside.Snapshot{}, false, fmt.Errorf("read the CRM's directory: %w", err)
	}
	return base, header != nil, nil
}

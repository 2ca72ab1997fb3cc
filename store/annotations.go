package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/ringside-pbx/ringside"
)

// MaxAnnotation is the largest annotation as JSON, in bytes.
const MaxAnnotation = 64 << 10

// ApplyAnnotations keeps what the CRM knows about calls and sets the cursor behind it, in one
// transaction; it returns when that is on the disk. Only calls that are recorded or in progress have
// annotations; kept is how many of the list were taken. What arrives later replaces what is there. An
// empty cursor removes the cursor.
func (s *Store) ApplyAnnotations(ctx context.Context, list []ringside.Annotation, cursorName string, cursor []byte) (kept int, err error) {
	setCursor, err := cursorEntry(cursorName, cursor)
	if err != nil {
		return 0, fmt.Errorf("apply annotations: %w", err)
	}
	rows, size := make([]row, 0, len(list)), setCursor.size
	for _, a := range list {
		value, err := json.Marshal(a)
		if err != nil || len(value) > MaxAnnotation || a.CallID == "" || len(a.CallID) > ringside.MaxCallID {
			s.opt.Log.Warn("annotation can't be kept", "call", cut(a.CallID, ringside.MaxCallID), "size", len(value), "err", err)
			continue
		}
		rows = append(rows, row{[]byte(a.CallID), value})
		size += len(a.CallID) + len(value)
	}
	// A call may be so young that the disk has not heard of it.
	if s.queue.beginning(rows) {
		if err := s.Flush(ctx); err != nil {
			return 0, fmt.Errorf("apply annotations: %w", err)
		}
	}
	kept, err = s.counted(ctx, size, func(t *tables) (n int, err error) {
		for _, r := range rows {
			if t.index.Get(r.key) == nil && t.begun.Get(r.key) == nil {
				continue
			}
			if err := t.annotations.Put(r.key, r.value); err != nil {
				return n, err
			}
			n++
		}
		return n, setCursor.apply(t)
	})
	if err != nil {
		return 0, fmt.Errorf("apply %d annotations: %w", len(list), err)
	}
	return kept, nil
}

// beginning reports whether the beginning of one of the calls is still to be taken. The batch that
// takes an entry put now takes that too, unless there is very much else.
func (q *queue) beginning(calls []row) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range calls {
		if _, ok := q.begun[string(c.key)]; ok {
			return true
		}
	}
	return false
}

// Annotation gives what the CRM knows about a call, and whether it knows anything.
func (s *Store) Annotation(ctx context.Context, callID string) (a ringside.Annotation, ok bool, err error) {
	if ctx.Err() != nil {
		return a, false, context.Cause(ctx)
	}
	var value []byte
	err = s.view(func(t *tables) error {
		value = bytes.Clone(t.annotations.Get([]byte(callID)))
		return nil
	})
	if err == nil && value != nil {
		err = json.Unmarshal(value, &a)
	}
	if err != nil {
		return ringside.Annotation{}, false, fmt.Errorf("read annotation of call %s: %w", callID, err)
	}
	return a, value != nil, nil
}

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// rejectedID names a parcel of the rejected ones.
func rejectedID(l lane, id string) string { return string(l.kind()) + ":" + id }

// splitRejected reads such a name.
func splitRejected(name string) (l lane, id string, ok bool) {
	kind, id, ok := strings.Cut(name, ":")
	if !ok || id == "" {
		return 0, "", false
	}
	l, err := laneOf(ringside.ParcelKind(kind))
	return l, id, err == nil
}

// tidied bounds what a CRM says on a rejection.
func (s *Store) tidied(why ringside.Rejection) ringside.Rejection {
	if why.At.IsZero() {
		why.At = s.opt.Now()
	}
	why.At = unstamp(stamp(why.At))
	why.Code, why.Reason = cut(why.Code, 100), cut(why.Reason, maxText)
	return why
}

// reject puts a call's parcel among the rejected ones, in the place of an older one of its kind.
func (t *tables) reject(l lane, id string, revision int, why ringside.Rejection) error {
	row := ringside.Rejected{ID: rejectedID(l, id), Kind: l.kind(), CallID: id, Revision: revision, Rejection: why}
	value, err := json.Marshal(row)
	if err != nil {
		return err
	}
	if t.rejected.Get([]byte(row.ID)) == nil {
		t.gained.rejected++
	}
	return t.rejected.Put([]byte(row.ID), value)
}

// unreject takes a call's parcel of the kind from the rejected ones, if it is there.
func (t *tables) unreject(l lane, id string) error {
	key := []byte(rejectedID(l, id))
	if t.rejected.Get(key) == nil {
		return nil
	}
	t.gained.rejected--
	return t.rejected.Delete(key)
}

// Rejected gives the parcels that the CRM refuses, in the order of their IDs, behind the ID after; ""
// starts at the beginning. With a limit of 0 it gives DefaultLimit of them.
func (s *Store) Rejected(ctx context.Context, after string, limit int) ([]ringside.Rejected, error) {
	limit = limited(limit)
	var list []ringside.Rejected
	low := append([]byte(after), 0)
	for more := true; more && len(list) < limit; {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read rejected: %w", context.Cause(ctx))
		}
		var rows []row
		err := s.view(func(t *tables) error {
			rows, more = copyRows(t.rejected, low, nil, limit-len(list), false)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read rejected: %w", err)
		}
		for _, r := range rows {
			low = append(r.key, 0)
			list = append(list, readRejected(r))
		}
	}
	return list, nil
}

// readRejected reads a row. Of one that can't be read, its key tells what is needed to be rid of it.
func readRejected(r row) (list ringside.Rejected) {
	if err := json.Unmarshal(r.value, &list); err != nil {
		list = ringside.Rejected{Rejection: ringside.Rejection{Code: Unreadable, Reason: err.Error()}}
	}
	list.ID = string(r.key)
	if l, id, ok := splitRejected(list.ID); ok {
		list.Kind, list.CallID = l.kind(), id
	}
	return list
}

package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ringside-pbx/ringside"
)

// Report is what a check found.
type Report struct {
	Schema                             uint64
	Calls, Begun, Outbox, Turns, Talks int
	Contacts                           int
	Size, Free                         int64 // of the pages in use and of those that are free, in bytes
	// Problems are the first hundred things that are wrong, Total is how many there are.
	Problems []string
	Total    int
}

// OK reports whether nothing is wrong.
func (r Report) OK() bool { return r.Total == 0 }

func (r *Report) add(format string, args ...any) {
	if r.Total++; r.Total <= 100 {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Check reads all of the store and checks that it is consistent. What is to be written waits in
// memory meanwhile, and all of the file is mapped into memory: for a large one, CheckFile on a Backup
// is the better way. A file that was damaged while it was open is an error.
func (s *Store) Check(ctx context.Context) (Report, error) {
	var r Report
	err := s.file.write(ctx, func(db *bolt.DB) (err error) {
		// bbolt's check runs where no fault can be caught: a file that was cut short ends the process.
		if err := s.whole(); err != nil {
			return err
		}
		// bbolt's check of the free pages is safe only while nothing else writes.
		tx, err := db.Begin(true)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, tx.Rollback()) }()
		return r.check(ctx, tx)
	})
	if err != nil {
		return r, fmt.Errorf("check store %s: %w", s.opt.Path, err)
	}
	stats := s.file.db.Stats()
	r.Free = int64(stats.FreePageN+stats.PendingPageN) * int64(s.file.db.Info().PageSize)
	return r, nil
}

// whole reports a file that has become shorter than what is in it.
func (s *Store) whole() error {
	return s.file.read(func(tx *bolt.Tx) error {
		info, err := os.Stat(s.opt.Path)
		if err == nil && os.SameFile(info, s.identity) && info.Size() < tx.Size() {
			return fmt.Errorf("%w: it was cut short to %d bytes of %d", ErrDamaged, info.Size(), tx.Size())
		}
		return nil
	})
}

// CheckFile checks a store that no process has open, without writing to it. A file whose structure is
// broken gives ErrDamaged, one that is in use ErrLocked.
func CheckFile(ctx context.Context, path string) (Report, error) {
	r, err := checkFile(ctx, path)
	if err != nil {
		return r, fmt.Errorf("check store %s: %w", path, err)
	}
	return r, nil
}

func checkFile(ctx context.Context, path string) (Report, error) {
	var r Report
	f, err := os.Open(path)
	if err != nil {
		return r, err
	}
	if err := lock(ctx, f, syscall.LOCK_SH, time.Now().Add(lockTimeout)); err != nil {
		return r, errors.Join(err, f.Close())
	}
	found, err := inspect(f)
	switch {
	case err != nil:
	case found.empty:
		err = fmt.Errorf("%w: it is empty", ErrDamaged)
	default:
		err = (&plan{version: Schema}).accepts(found)
	}
	if err != nil {
		return r, errors.Join(err, f.Close())
	}
	db, err := mount(f, 0, true)
	if err != nil {
		return r, err
	}
	err = guard(func() error {
		return db.View(func(tx *bolt.Tx) error { return r.check(ctx, tx) })
	})
	r.Free = int64(found.free) * int64(found.pageSize)
	return r, errors.Join(err, db.Close())
}

// check runs bbolt's own check and ours.
func (r *Report) check(ctx context.Context, tx *bolt.Tx) error {
	for err := range tx.Check() {
		r.add("structure: %v", err)
	}
	if r.Total > 0 {
		return nil // what stands on broken pages means nothing
	}
	t, err := open(tx)
	if err != nil {
		return err
	}
	r.Schema, r.Size = readNumber(t.meta.Get([]byte("schema"))), tx.Size()
	for _, part := range []struct {
		b     *bolt.Bucket
		count *int
		look  func(t *tables, k, v []byte)
	}{
		{t.calls, &r.Calls, r.call},
		{t.index, new(int), r.index},
		{t.outbox, &r.Outbox, r.outbox},
		{t.begun, &r.Begun, r.begun},
		{t.turns, &r.Turns, r.turn},
		{t.talks, &r.Talks, r.talk},
		{t.contacts, &r.Contacts, r.contact},
	} {
		err := part.b.ForEach(func(k, v []byte) error {
			if *part.count++; *part.count%1000 == 0 && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			part.look(t, k, v)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if h := t.directory.Get([]byte("header")); h != nil && json.Unmarshal(h, new(Snapshot)) != nil {
		r.add("directory: its header can't be read")
	}
	return nil
}

func (r *Report) call(t *tables, k, v []byte) {
	var c ringside.Call
	if err := json.Unmarshal(v, &c); err != nil {
		r.add("call %x: %v", k, err)
		return
	}
	ref := t.index.Get([]byte(c.ID))
	switch {
	case len(k) < 8 || string(k[8:]) != c.ID:
		r.add("call %s: it has another key", c.ID)
	case ref == nil || !bytes.Equal(ref[:min(8, len(ref))], k[:8]):
		r.add("call %s: the index does not lead to it", c.ID)
	case c.Live():
		r.add("call %s: it has not ended", c.ID)
	}
}

func (r *Report) index(t *tables, k, v []byte) {
	if len(v) != 16 || t.calls.Get(callKey(readNumber(v), string(k))) == nil {
		r.add("index %s: it leads nowhere", k)
	}
}

func (r *Report) outbox(t *tables, k, v []byte) {
	switch {
	case len(k) != 8 || len(v) < 8 || t.calls.Get(v) == nil:
		r.add("outbox %x: there is no such call", k)
	case !bytes.HasSuffix(t.index.Get(v[8:]), k):
		r.add("outbox %x: the call has a newer entry", k)
	case readNumber(k) > t.outbox.Sequence():
		r.add("outbox %x: the sequence is behind it", k)
	}
}

func (r *Report) begun(t *tables, k, v []byte) {
	var c, done ringside.Call
	if err := json.Unmarshal(v, &c); err != nil {
		r.add("begun call %s: %v", k, err)
		return
	}
	if ref := t.index.Get(k); ref != nil {
		finished := t.calls.Get(callKey(readNumber(ref), string(k)))
		if json.Unmarshal(finished, &done) == nil && c.Revision < done.Revision {
			r.add("begun call %s: it is finished", k)
		}
	}
}

func (r *Report) turn(_ *tables, k, v []byte) {
	if len(k) <= 8 || len(v) != 8 {
		r.add("turn %x: malformed", k)
	}
}

func (r *Report) talk(_ *tables, k, v []byte) {
	if len(v) != 8 {
		r.add("last talk of %s: malformed", k)
	}
}

func (r *Report) contact(_ *tables, k, v []byte) {
	var c ringside.Contact
	if err := json.Unmarshal(v, &c); err != nil {
		r.add("contact %q: %v", k, err)
	} else if c.Phone != string(k) {
		r.add("contact %q is filed under %q", c.Phone, k)
	}
}

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Report is what a check found.
type Report struct {
	Schema          uint64
	Calls, Begun    int
	Outbox, CDRs    int // parcels that wait
	Rejected        int
	OutboxBytes     int64 // of the calls in the outbox
	Annotations     int
	Turns, Talks    int
	Contacts        int // telephone numbers that lead to a contact
	People, Rivals  int // contacts of the CRM, and how many are shadowed at some number
	Editions, Edits int
	Size, Free      int64 // of the pages in use and of those that are free, in bytes
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
	if found.schema < Schema {
		// Its structure is sound; what its rows mean is the older ringside's to check.
		r = found.report()
		return r, f.Close()
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
		{t.outboxes[callLane], &r.Outbox, func(t *tables, k, v []byte) { r.parcel(t, callLane, k, v) }},
		{t.outboxes[cdrLane], &r.CDRs, func(t *tables, k, v []byte) { r.parcel(t, cdrLane, k, v) }},
		{t.rejected, &r.Rejected, r.rejected},
		{t.annotations, &r.Annotations, r.annotation},
		{t.begun, &r.Begun, r.begun},
		{t.turns, &r.Turns, r.turn},
		{t.talks, &r.Talks, r.talk},
		{t.contacts, &r.Contacts, r.contact},
		{t.people, &r.People, r.person},
		{t.rivals, &r.Rivals, r.rival},
		{t.editions, &r.Editions, r.edition},
		{t.documents, new(int), r.document},
		{t.edits, &r.Edits, r.edit},
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
	r.directory(t)
	return nil
}

// report is what is known of a file whose schema is older.
func (a *anatomy) report() Report {
	return Report{
		Schema: a.schema, Calls: a.entries[callsTable], Begun: a.entries[begunTable], Outbox: a.entries[outboxTable],
		Turns: a.entries[turnsTable], Talks: a.entries[talksTable], Contacts: a.entries[contactsTable],
		Size: int64(a.pages) * int64(a.pageSize), Free: int64(a.free) * int64(a.pageSize),
	}
}

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Schema is the version of the file's layout that this package reads and writes.
const Schema = 2

// plan is a version of the layout and the way to it.
type plan struct {
	version uint64
	// steps[v] takes a file from version v to v+1.
	steps map[uint64]func(*bolt.Tx) error
}

// currentPlan is the way to this package's own layout.
func currentPlan() *plan {
	return &plan{version: Schema, steps: map[uint64]func(*bolt.Tx) error{1: toSchema2}}
}

// accepts reports whether a file can be opened, before anything in it is changed.
func (p *plan) accepts(found *anatomy) error {
	if found.schema > p.version {
		return fmt.Errorf("%w: its schema is %d and this ringside knows up to %d", ErrNewer, found.schema, p.version)
	}
	if found.schema == 0 {
		if len(found.entries) > 0 {
			return fmt.Errorf("%w: it is a bbolt file of something else", ErrDamaged)
		}
		return nil
	}
	for _, name := range tableNames() {
		if _, ok := found.entries[name]; !ok && found.schema == p.version {
			return fmt.Errorf("%w: table %s is missing", ErrDamaged, name)
		}
	}
	return nil
}

// migrate brings the file to the plan's version in one transaction. A file that holds something is
// copied first; the copy stays.
func (p *plan) migrate(ctx context.Context, db *bolt.DB, from uint64, opt Options) error {
	if from == p.version {
		return nil
	}
	if from > 0 {
		to := fmt.Sprintf("%s.schema-%d-%s", opt.Path, from, opt.Now().UTC().Format("20060102T150405Z"))
		// One that is there is of an attempt in this same second, which changed nothing.
		if err := backup(ctx, func(fn func(*bolt.Tx) error) error { return guard(func() error { return db.View(fn) }) }, to); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("back up before migrating: %w", err)
		}
		opt.Log.Info("store is migrated", "path", opt.Path, "from", from, "to", p.version, "backup", to)
	}
	return guard(func() error {
		return opt.update(db, func(tx *bolt.Tx) error { return p.run(tx, from, opt.Now()) })
	})
}

func (p *plan) run(tx *bolt.Tx, from uint64, now time.Time) error {
	if from == 0 {
		for _, name := range tableNames() {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		from = p.version
	}
	for v := from; v < p.version; v++ {
		step := p.steps[v]
		if step == nil {
			return fmt.Errorf("no way from schema %d to %d", v, v+1)
		}
		if err := step(tx); err != nil {
			return fmt.Errorf("migrate from schema %d to %d: %w", v, v+1, err)
		}
	}
	meta := tx.Bucket([]byte(metaTable))
	if err := meta.Put([]byte("alive"), number(stamp(now))); err != nil {
		return err
	}
	return meta.Put([]byte("schema"), number(p.version))
}

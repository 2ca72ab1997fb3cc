package store

import (
	"log/slog"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Options says where a store is and how it behaves. Only Path is required.
type Options struct {
	// Path is the file. Directories that are missing are made with mode 0700, the file has 0600.
	Path string
	// Node is the name of this ringside, given to records that carry none.
	Node string
	// Log receives what an operator should know; nil discards it.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// MaxPending and MaxPendingBytes bound what waits in memory for the disk; 0 means 100,000
	// records and 64 MiB.
	MaxPending      int
	MaxPendingBytes int
	// Retention is how long finished calls are kept after their start; 0 keeps them for ever.
	Retention time.Duration
	// MaxCalls is how many finished calls are kept; 0 is no limit. Neither limit removes a call
	// that is still in an outbox.
	MaxCalls int
	// MaxSize is the largest size of the file in bytes; 0 is no limit. At the limit writes fail as
	// they do on a full disk.
	MaxSize int
	// CDRs lets the CDRs of a call that the CRM has taken wait in an outbox of their own.
	CDRs bool
	// Standalone: nobody takes what is in the outboxes, and the limits above hold for it, too.
	Standalone bool
	// MoveAside lets Open rename a damaged file to *.damaged-<time> and start with a fresh one.
	MoveAside bool
	// Linger is how long records that nobody waits for may gather before they are written together;
	// 0 means 200 ms.
	Linger time.Duration
	// CloseTimeout is how long Close tries to write what is pending; 0 means 5 s.
	CloseTimeout time.Duration

	// update commits one transaction; nil is bbolt's own. Tests make it fail.
	update func(*bolt.DB, func(*bolt.Tx) error) error
	// plan is the schema; nil is the current one. Tests bring later ones.
	plan *plan
}

const (
	lockTimeout  = time.Second
	closeTimeout = 5 * time.Second
	// A batch is one transaction: large enough that fsync no longer counts, small enough that the
	// pages it touches stay a small part of the memory.
	batchEntries = 4096
	batchBytes   = 8 << 20
)

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxPending <= 0 {
		o.MaxPending = 100_000
	}
	if o.MaxPendingBytes <= 0 {
		o.MaxPendingBytes = 64 << 20
	}
	if o.Linger <= 0 {
		o.Linger = 200 * time.Millisecond
	}
	if o.CloseTimeout <= 0 {
		o.CloseTimeout = closeTimeout
	}
	if o.update == nil {
		o.update = (*bolt.DB).Update
	}
	if o.plan == nil {
		o.plan = currentPlan()
	}
	return o
}

// mapSize is the address space that the file is mapped into: while the file fits, a reader never
// makes the writer wait for a new mapping. Pages that nobody touches take no memory.
func mapSize() int {
	if strconv.IntSize == 32 {
		return 128 << 20
	}
	return 1 << 30
}

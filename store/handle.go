package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// handle is the open database. A panic within bbolt (the file was cut short or overwritten while it
// was open) may leave bbolt's own locks held, and whoever begins a transaction then waits for ever.
// The handle is lost from then on: nobody begins another one.
type handle struct {
	db *bolt.DB
	// beginning lets readers in one by one, as bbolt does, so that none waits behind one who fell.
	beginning sync.Mutex
	// writing holds a token while somebody writes.
	writing chan struct{}
	lost    atomic.Pointer[error]
	// onLoss is told once, when the handle is lost.
	onLoss func(error)
}

func newHandle(onLoss func(error)) *handle {
	return &handle{writing: make(chan struct{}, 1), onLoss: onLoss}
}

// err is why the handle is lost; nil if it is not.
func (h *handle) err() error {
	if p := h.lost.Load(); p != nil {
		return *p
	}
	return nil
}

func (h *handle) isLost() bool { return h.lost.Load() != nil }

// lose marks the handle as lost if err comes from a panic, and gives the error to hand on.
func (h *handle) lose(err error) error {
	if !errors.As(err, new(panicked)) {
		return err
	}
	err = fmt.Errorf("%w: %w", errLost, err)
	if h.lost.CompareAndSwap(nil, &err) {
		h.onLoss(err)
	}
	return h.err()
}

// read runs fn in a read transaction.
func (h *handle) read(fn func(*bolt.Tx) error) error {
	tx, err := h.begin()
	if err != nil {
		return err
	}
	// A panic of fn leaves no lock: what it met is of no concern to other readers.
	return guard(func() (err error) {
		defer func() { err = errors.Join(err, tx.Rollback()) }()
		return fn(tx)
	})
}

func (h *handle) begin() (tx *bolt.Tx, err error) {
	h.beginning.Lock()
	defer h.beginning.Unlock()
	if err := h.err(); err != nil {
		return nil, err
	}
	err = guard(func() (err error) {
		tx, err = h.db.Begin(false)
		return err
	})
	return tx, h.lose(err)
}

// write runs fn, which begins a write transaction and ends it.
func (h *handle) write(ctx context.Context, fn func(*bolt.DB) error) error {
	select {
	case h.writing <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-h.writing }()
	if err := h.err(); err != nil {
		return err
	}
	return h.lose(guard(func() error { return fn(h.db) }))
}

// close closes the database. A lost one stays open until the process ends: its locks are held.
func (h *handle) close() error {
	if h.isLost() {
		return nil
	}
	return guard(h.db.Close)
}

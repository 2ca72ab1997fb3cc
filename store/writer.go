package store

import (
	"context"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 5 * time.Second
	// housekeeping: how often the writer notes that calls are alive and looks for old ones.
	housekeeping = 30 * time.Second
)

// batch is what goes into one transaction.
type batch struct {
	// number tells batches apart, also on the disk: when a commit fails, what it wrote may be there
	// all the same, and must not be written a second time.
	number  uint64
	entries []*entry
	gained  counts
	grown   [lanes]bool
}

func (s *Store) batch(entries ...*entry) *batch {
	s.batches++
	return &batch{number: s.batches, entries: entries}
}

// run is the writer. It begins with the batch first, if there is one.
func (s *Store) run(first *batch) {
	defer close(s.done)
	if first != nil && !s.write(first) {
		return
	}
	tick := time.NewTimer(housekeeping)
	defer tick.Stop()
	for {
		if entries := s.queue.take(); len(entries) > 0 {
			if !s.write(s.batch(entries...)) {
				return
			}
			select {
			case <-tick.C:
			default:
				s.queue.gather(s.opt.Linger, s.closing)
				continue
			}
		} else {
			select {
			case <-s.queue.wake:
				s.queue.gather(s.opt.Linger, s.closing)
				continue
			case <-s.closing:
				// What came in before the queue closed is still to be written.
				if s.queue.idle() {
					return
				}
				continue
			case <-tick.C:
			}
		}
		again, ok := s.tidy()
		if !ok {
			return
		}
		tick.Reset(again)
	}
}

func (q *queue) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pending() == 0
}

// write commits b, again and again until it is on the disk. It gives false when the store was closed
// before that.
func (s *Store) write(b *batch) bool {
	for pause := firstBackoff; ; pause = min(2*pause, lastBackoff) {
		err := s.commit(b)
		s.settle(b, err)
		if err == nil {
			return true
		}
		closing := s.closing
		select {
		case <-closing:
			if s.file.isLost() {
				s.abandon(b) // no other attempt can succeed
				return false
			}
			closing, pause = nil, firstBackoff
		default:
		}
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-closing:
			pause = firstBackoff
		case <-s.giveUp:
			wait.Stop()
			s.abandon(b)
			return false
		}
		wait.Stop()
	}
}

// commit makes one attempt.
func (s *Store) commit(b *batch) error {
	return s.file.write(context.Background(), func(db *bolt.DB) error {
		return s.opt.update(db, func(tx *bolt.Tx) error {
			t, err := open(tx)
			if err != nil {
				return err
			}
			if readNumber(t.meta.Get([]byte("batch"))) != b.number {
				for _, e := range b.entries {
					if err := e.apply(t); err != nil {
						return err
					}
				}
				b.gained, b.grown = t.gained, t.grown
			}
			// The time tells, after a crash, until when the calls of that moment were certainly alive.
			if err := t.meta.Put([]byte("alive"), number(stamp(s.opt.Now()))); err != nil {
				return err
			}
			return t.meta.Put([]byte("batch"), number(b.number))
		})
	})
}

// settle notes the outcome of an attempt, and tells those who wait when it is a success.
func (s *Store) settle(b *batch, err error) {
	s.note(b, err)
	if err != nil {
		return
	}
	s.last = s.opt.Now()
	s.queue.settled()
	// Who waits for the disk finds the tokens there.
	for l := range lanes {
		if !b.grown[l] {
			continue
		}
		select {
		case s.grown[l] <- struct{}{}:
		default:
		}
	}
	for _, e := range b.entries {
		if e.done != nil {
			e.done <- nil
		}
	}
}

// abandon gives up a batch: it goes back to what Close reports as lost.
func (s *Store) abandon(b *batch) {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	s.queue.entries = append(b.entries, s.queue.entries...)
	s.queue.bytes -= s.queue.takenSize
	s.queue.taken, s.queue.takenSize = 0, 0
}

// await queues e and waits until it is on the disk or ctx ends. In the latter case it may still be
// written later.
func (s *Store) await(ctx context.Context, e *entry, id string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e.done = make(chan error, 1)
	if err := s.queue.put(e, id); err != nil {
		return err
	}
	select {
	case err := <-e.done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-e.done:
		return err
	default:
	}
	if err := s.State().Err; err != nil {
		return fmt.Errorf("%w, while the disk fails: %w", context.Cause(ctx), err)
	}
	return context.Cause(ctx)
}

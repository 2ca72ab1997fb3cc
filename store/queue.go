package store

import (
	"sync"
	"time"
)

// entry is one thing to be written.
type entry struct {
	// apply writes it. It may run more than once, in transactions of which one counts.
	apply func(*tables) error
	// size is about how much memory it holds, in bytes.
	size int
	// record: it is a finished call, whose loss is counted.
	record bool
	// done receives the outcome if somebody waits for it. It has room for it.
	done chan error
}

// beginning is the newest state of a call that has not ended; a later one takes its place as long as
// it waits.
type beginning struct {
	data []byte
	// fresh: the call has just begun, else it is known already.
	fresh bool
}

// queue is what waits for the writer. Nothing in it blocks.
type queue struct {
	wake  chan struct{} // holds one token when there is something to take
	hurry chan struct{} // holds one token when it should be taken at once

	mu        sync.Mutex
	entries   []*entry
	begun     map[string]beginning
	bytes     int // of entries, begun and what the writer has taken
	taken     int // entries that the writer has taken and not settled
	takenSize int
	closed    bool
	dropped   uint64 // finished calls that were lost
	skipped   uint64 // beginnings that were not written
	max       int
	maxBytes  int
}

func newQueue(limit, limitBytes int) *queue {
	return &queue{
		wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), begun: map[string]beginning{}, max: limit, maxBytes: limitBytes,
	}
}

// put appends e. For a finished call, id names the beginning that need not be written any more.
func (q *queue) put(e *entry, id string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.admit(e, id); err != nil {
		if e.record {
			q.dropped++
		}
		return err
	}
	q.entries = append(q.entries, e)
	q.bytes += e.size
	q.signal()
	if e.done != nil || len(q.entries) >= plenty {
		select {
		case q.hurry <- struct{}{}:
		default:
		}
	}
	return nil
}

func (q *queue) admit(e *entry, id string) error {
	if q.closed {
		return ErrClosed
	}
	q.forget(id)
	// What a beginning tells is told again by the end of the call: it goes first.
	for other := range q.begun {
		if !q.full(e.size) {
			break
		}
		q.forget(other)
		q.skipped++
	}
	if q.full(e.size) {
		return ErrFull
	}
	return nil
}

// begin sets the newest state of a call that has not ended.
func (q *queue) begin(id string, b beginning) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if old, ok := q.begun[id]; ok {
		b.fresh = b.fresh || old.fresh
		q.forget(id)
	}
	if q.closed || q.full(len(b.data)) {
		q.skipped++
		return
	}
	q.begun[id] = b
	q.bytes += len(b.data)
	q.signal()
}

func (q *queue) forget(id string) {
	if b, ok := q.begun[id]; ok {
		q.bytes -= len(b.data)
		delete(q.begun, id)
	}
}

func (q *queue) full(more int) bool {
	return q.pending() >= q.max || q.bytes+more > q.maxBytes
}

func (q *queue) pending() int { return len(q.entries) + len(q.begun) + q.taken }

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// plenty is how many entries are worth a transaction of their own.
const plenty = 512

// gather lets what nobody waits for gather for a moment: one transaction for many records spares the
// disk, and the PBX beside us, most of the work. A crash in that moment costs what a crash a moment
// earlier would have cost.
func (q *queue) gather(linger time.Duration, closing <-chan struct{}) {
	q.mu.Lock()
	enough := len(q.entries) >= plenty || q.closed
	q.mu.Unlock()
	if enough {
		return
	}
	t := time.NewTimer(linger)
	defer t.Stop()
	select {
	case <-t.C:
	case <-q.hurry:
	case <-closing:
	}
}

// take gives the writer a batch: what waits longest first, and the beginnings after everything else,
// so that the beginning of a call that is asked about again follows the end of its earlier part.
func (q *queue) take() []*entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, 0
	for n < len(q.entries) && n < batchEntries && (n == 0 || size+q.entries[n].size <= batchBytes) {
		size += q.entries[n].size
		n++
	}
	batch := make([]*entry, n, n+len(q.begun))
	copy(batch, q.entries)
	clear(q.entries[:n])
	if q.entries = q.entries[n:]; len(q.entries) == 0 {
		q.entries = nil
		for id, b := range q.begun {
			if len(batch) >= batchEntries {
				break
			}
			batch = append(batch, &entry{apply: beginApply(id, b), size: len(b.data)})
			size += len(b.data)
			delete(q.begun, id)
		}
	}
	q.taken, q.takenSize = len(batch), size
	return batch
}

// settled tells that what was taken is no longer held.
func (q *queue) settled() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= q.takenSize
	q.taken, q.takenSize = 0, 0
}

// close takes nothing more.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// fail empties the queue, tells all that wait, and counts the finished calls that are lost with it.
func (q *queue) fail(err error) (lost int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.entries {
		lost += e.fail(err)
	}
	q.skipped += uint64(len(q.begun))
	q.dropped += uint64(lost)
	q.entries, q.bytes = nil, 0
	clear(q.begun)
	return lost
}

// fail tells whoever waits, and gives 1 if a finished call is lost.
func (e *entry) fail(err error) int {
	if e.done != nil {
		e.done <- err
	}
	if e.record {
		return 1
	}
	return 0
}

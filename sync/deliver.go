package sync

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// suspicious is how many requests in a row may be refused whole before that is taken for the CRM's
// trouble and not for that of the records.
const suspicious = 20

// delivery drains one outbox.
type delivery struct {
	link *Link
	kind ringside.ParcelKind
	path string

	// refused counts the single records that were refused in a row, none accepted in between.
	refused int

	mu sync.Mutex
	// failures counts the drains that ended in one in a row, no batch answered in between; alone is the
	// item that was sent by itself in the last of them.
	failures int
	alone    uint64
	// after is up to where the outbox has been read on this way through it, begun when that began.
	after    uint64
	begun    time.Time
	deferred map[uint64]*deferral
	// size is how many items the next batch has, most how many any may have: few after a failure,
	// fewer for long after a request was too large.
	size, most int
}

// deliver drains the outbox of one kind until ctx ends.
func (l *Link) deliver(ctx context.Context, s *stream, kind ringside.ParcelKind) {
	d := &delivery{link: l, kind: kind, path: PathCalls, size: MaxBatch, most: MaxBatch, deferred: map[uint64]*deferral{}}
	if kind == ringside.CDRParcel {
		d.path = PathCDRs
	}
	tries := s.retries()
	grown, hurried := l.opt.Store.Grown(kind), s.state.hurried()
	for s.enter(ctx) {
		select {
		case <-hurried: // somebody wants to see whether it works now
			hurried = s.state.hurried()
			d.allDue()
		default:
		}
		sent, err := d.drain(ctx)
		switch {
		case err != nil:
			if hopeful := d.rewind(failureOf(err)); sent || hopeful {
				tries.soon.Reset() // it was away for a moment only, or one record is being looked for
			}
			if !tries.failed(ctx, err, nil) {
				return
			}
			continue
		case sent:
			tries.ok()
		default:
			s.idle()
		}
		due := time.NewTimer(d.nextDue())
		select {
		case <-ctx.Done():
		case <-due.C:
		case <-grown:
		case <-hurried:
		}
		due.Stop()
	}
}

// probe is how many items the first batch after a failure has: no more is made ready in vain.
const probe = 20

// rewind reads the outbox from its beginning again, carefully: if one of the records may have caused the
// failure, in smaller and smaller batches, until that one stands alone. It reports whether that is worth
// haste.
func (d *delivery) rewind(f *Failure) (hopeful bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures++
	d.after, d.begun, d.size = 0, d.link.opt.Now(), min(d.size, probe)
	switch {
	case d.refused > suspicious:
		d.size = 1
	case f.suspect():
		d.size = max(1, d.size/4)
	}
	return f.suspect() && d.failures <= suspicious/2
}

// unsettled is how many answered batches may wait for the disk: a crash sends them again, at worst.
const unsettled = 16

// drain sends everything that waits. While one batch is under way, the next is made and the one
// before is settled. It reports whether the CRM has answered for anything.
func (d *delivery) drain(ctx context.Context) (sent bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	made := make(chan *batch)
	settled := make(chan []ringside.Settlement, unsettled)
	reader, stop := context.WithCancel(ctx)
	defer stop()
	var reading, settling sync.WaitGroup
	reading.Go(func() {
		defer close(made)
		if err := d.read(reader, made, settled); err != nil {
			cancel(err)
		}
	})
	settling.Go(func() {
		for list := range settled {
			// What has come meanwhile goes into the same transaction: the disk is what takes time.
			for range len(settled) {
				list = append(list, <-settled...)
			}
			// What was sent and is not settled is sent again: nothing is lost by an error.
			if err := d.keep(ctx, list); err != nil {
				cancel(err)
			}
		}
	})
	for b := range made {
		if err != nil {
			continue // the reader is being stopped
		}
		var n int
		if n, err = d.send(ctx, b, settled); err != nil {
			stop()
		}
		sent = sent || n > 0
	}
	reading.Wait()
	close(settled)
	settling.Wait()
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return sent, err
}

// keepWithin bounds the wait for the disk when ringside stops.
const keepWithin = 5 * time.Second

// keep writes down what the CRM has said, also when ringside is being stopped.
func (d *delivery) keep(ctx context.Context, list []ringside.Settlement) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), keepWithin)
		defer cancel()
	}
	return d.link.opt.Store.Settle(ctx, d.kind, list)
}

// read gives what waits, in batches that are ready to be sent, until there is no more.
func (d *delivery) read(ctx context.Context, made chan<- *batch, settled chan<- []ringside.Settlement) error {
	for {
		d.mu.Lock()
		after, size := d.after, d.size
		d.mu.Unlock()
		if d.callsComeIn() {
			size = min(size, morsel)
		}
		begun := time.Now()
		parcels, err := d.link.opt.Store.Outbox(ctx, d.kind, after, size, MaxBatchBytes)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if len(parcels) == 0 {
			return nil
		}
		items := d.items(parcels, settled)
		if len(items) == 0 {
			continue
		}
		b, err := d.newBatch(items)
		if err != nil {
			return err
		}
		if !d.giveWay(ctx, time.Since(begun)) {
			return nil
		}
		select {
		case made <- b:
		case <-ctx.Done():
			return nil
		}
	}
}

const (
	// lately is since when a call counts as a sign that more will come.
	lately = 2 * time.Second
	// courtesy is how many times as long as it has worked a drain rests while calls come in, morsel how
	// many items it works on at a time then: about half a millisecond.
	courtesy = 8
	morsel   = 50
)

func (d *delivery) callsComeIn() bool { return time.Since(d.link.opt.Calls.LastOffer()) <= lately }

// giveWay rests after some work while calls come in: what waits for the CRM can wait a little
// longer, a caller can't. It gives false when ctx has ended.
func (d *delivery) giveWay(ctx context.Context, worked time.Duration) bool {
	return !d.callsComeIn() || rest(ctx, courtesy*worked, nil)
}

// items makes items of the parcels that are due. One that can't be sent goes to the bucket.
func (d *delivery) items(parcels []ringside.Parcel, settled chan<- []ringside.Settlement) []item {
	items := make([]item, 0, len(parcels))
	now := d.link.opt.Now()
	var broken []ringside.Settlement
	d.mu.Lock()
	d.after = parcels[len(parcels)-1].Seq
	for _, p := range parcels {
		if w := d.deferred[p.Seq]; w != nil && w.until.After(now) {
			continue
		}
		if it := newItem(d.kind, p); it.broken != "" {
			broken = append(broken, rejection(it, "unreadable", it.broken, now))
		} else {
			items = append(items, it)
		}
	}
	d.mu.Unlock()
	if len(broken) > 0 {
		settled <- broken
	}
	return items
}

// send sends a batch in one request, or in several if it is refused whole, and hands on what the CRM
// said. It returns how many items it has answered for.
func (d *delivery) send(ctx context.Context, b *batch, settled chan<- []ringside.Settlement) (int, error) {
	res, err := d.post(ctx, b.request)
	var f *Failure
	if errors.As(err, &f) && (f.Trouble == Refusal || f.Trouble == TooLarge) {
		return d.divide(ctx, b.items, f, settled)
	}
	if err != nil {
		if f != nil && f.suspect() && len(b.items) == 1 {
			d.suspect(b.items[0])
		}
		return 0, err
	}
	d.grow()
	return d.settle(b.read(*res, d.link.opt.Now()), settled)
}

// post makes the request of a batch.
func (d *delivery) post(ctx context.Context, r *request) (*Results, error) {
	a, err := d.link.client.do(ctx, r)
	if err != nil {
		return nil, err
	}
	var res Results
	if err := decode(a.body, &res); err != nil {
		return nil, err
	}
	return &res, nil
}

// settle hands on what was said of a batch, and puts off what is to be sent again.
func (d *delivery) settle(o outcome, settled chan<- []ringside.Settlement) (int, error) {
	if o.taken > 0 {
		d.refused = 0
	}
	if len(o.settled) > 0 {
		settled <- o.settled
	}
	d.putOff(o)
	if len(o.settled) == 0 && len(o.later) > 0 {
		return 0, &Failure{Trouble: Busy, Status: http.StatusOK, Reason: o.why}
	}
	return len(o.settled), nil
}

// divide sends a refused batch in two halves, until the record that is not taken stands alone and
// goes to the bucket.
func (d *delivery) divide(ctx context.Context, items []item, f *Failure, settled chan<- []ringside.Settlement) (int, error) {
	if len(items) > 1 {
		half := len(items) / 2
		if f.Trouble == TooLarge {
			d.shrink(half)
		}
		n := 0
		for _, part := range [][]item{items[:half], items[half:]} {
			b, err := d.newBatch(part)
			if err != nil {
				return n, err
			}
			more, err := d.send(ctx, b, settled)
			if n += more; err != nil {
				return n, err
			}
		}
		return n, nil
	}
	if d.refused++; d.refused > suspicious {
		// Records that are refused one after the other, and none is taken: it is not the records.
		d.putOff(outcome{later: items})
		return 0, f
	}
	code := strconv.Itoa(f.Status)
	return d.settle(outcome{settled: []ringside.Settlement{rejection(items[0], code, f.Reason, d.link.opt.Now())}}, settled)
}

func (d *delivery) shrink(to int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.most = max(1, min(d.most, to))
	d.size = min(d.size, d.most)
}

// grow lets batches become larger again. After a long row of failures it was the CRM's trouble and not
// that of the records that were put off for it.
func (d *delivery) grow() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failures > suspicious {
		d.allDueLocked()
	}
	d.failures, d.alone = 0, 0
	d.size = min(d.most, 4*d.size)
	d.most = min(MaxBatch, d.most+1)
}

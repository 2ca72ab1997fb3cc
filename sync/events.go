package sync

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

const (
	// fresh is how old an event may be: a screen pop after that is worse than none.
	fresh = 30 * time.Second
	// maxEvents is how many events wait, and how many go in one request.
	maxEvents, maxEventBatch = 1000, 100
	// maxFollowed is of how many calls it is remembered what was told.
	maxFollowed = 20_000
)

// sendEvents tells the CRM what happens on calls as it happens. Events that can't be told in time
// are dropped: the records tell the same later.
func (l *Link) sendEvents(ctx context.Context, s *stream) {
	box := &eventBox{ready: make(chan struct{}, 1)}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		told := teller{legs: map[string]int{}}
		for c := range l.opt.Calls.Watch(ctx) {
			if e, ok := told.event(&c, l.opt.Now()); ok {
				box.put(e)
			}
		}
	})
	tries := s.retries()
	for s.enter(ctx) {
		select {
		case <-ctx.Done():
			return
		case <-box.ready:
		}
		for {
			list := box.take(l.opt.Now().Add(-fresh))
			if len(list) == 0 {
				s.idle()
				break
			}
			if err := l.postEvents(ctx, list); err != nil {
				if !tries.failed(ctx, err, nil) {
					return
				}
				box.wake() // what is still fresh by now is sent, and if nothing is, nothing is amiss any more
				break
			}
			tries.ok()
		}
	}
}

func (l *Link) postEvents(ctx context.Context, list []Event) error {
	body, err := json.Marshal(EventBatch{Node: l.opt.Node, Events: list})
	if err != nil {
		return err
	}
	_, err = l.client.do(ctx, &request{method: http.MethodPost, path: PathEvents, body: body})
	return err
}

// eventBox holds the events that are to be sent: the oldest go when there are too many.
type eventBox struct {
	ready chan struct{}
	mu    sync.Mutex
	list  []Event
}

func (b *eventBox) put(e Event) {
	b.mu.Lock()
	if len(b.list) >= maxEvents {
		b.list = append(b.list[:0], b.list[len(b.list)/2:]...)
	}
	b.list = append(b.list, e)
	b.mu.Unlock()
	b.wake()
}

func (b *eventBox) wake() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take gives the next events that are not older than the given time.
func (b *eventBox) take(notBefore time.Time) []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.list) > 0 && b.list[0].At.Before(notBefore) {
		b.list = b.list[1:]
	}
	n := min(len(b.list), maxEventBatch)
	list := append([]Event(nil), b.list[:n]...)
	b.list = b.list[n:]
	return list
}

// teller makes events of the states of calls: each thing is told once.
type teller struct {
	// legs is how many legs of a call have been told, -1 after its answer.
	legs map[string]int
}

// event tells what is new about a call; false if nothing is.
func (t *teller) event(c *ringside.Call, now time.Time) (Event, bool) {
	e := Event{
		CallID: c.ID, At: now, Caller: c.Caller, CallerE164: c.CallerE164, Called: c.Called, Direction: c.Direction,
		Group: c.Group, Contact: c.Contact, Status: c.Status,
	}
	told, known := t.legs[c.ID]
	switch {
	case !c.Live():
		delete(t.legs, c.ID)
		e.Kind = "ended"
		if c.RoutedTo != "" {
			e.Targets = []string{c.RoutedTo}
		}
		return e, true
	case c.Status == ringside.StatusAnswered:
		if known && told < 0 {
			return e, false
		}
		t.remember(c.ID, -1)
		e.Kind = "answered"
		if c.RoutedTo != "" {
			e.Targets = []string{c.RoutedTo}
		}
		return e, true
	case known && len(c.Legs) <= told:
		return e, false
	}
	t.remember(c.ID, len(c.Legs))
	e.Kind = "ringing"
	if n := len(c.Legs); n > 0 {
		e.Targets = c.Legs[n-1].Targets
	}
	return e, true
}

func (t *teller) remember(id string, legs int) {
	if len(t.legs) >= maxFollowed {
		clear(t.legs) // the ends of calls were missed: some are told twice rather than never
	}
	t.legs[id] = legs
}

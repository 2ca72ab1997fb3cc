package ami

import (
	"context"
	"sync"
	"sync/atomic"
)

// maxBehind is how many events a listener may be behind before it misses some.
const maxBehind = 4096

// watchers are those who listen to events.
type watchers struct {
	mu   sync.Mutex
	all  map[*watcher]struct{}
	some atomic.Bool
	lost atomic.Uint64
}

type watcher struct {
	wanted func(Message) bool
	events chan Message
}

// publish hands an event to those who want it; who is too far behind misses it.
func (w *watchers) publish(m Message) {
	if !w.some.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for o := range w.all {
		if o.wanted != nil && !o.wanted(m) {
			continue
		}
		select {
		case o.events <- m.Clone():
		default:
			w.lost.Add(1)
		}
	}
}

// Watch gives the events that are wanted (nil: all) from now on, until ctx ends. wanted runs on the
// goroutine that reads: it may not block. A listener that is 4096 events behind misses some, which
// State().Lost counts.
func (p *PBX) Watch(ctx context.Context, wanted func(Message) bool) <-chan Message {
	w := &watcher{wanted: wanted, events: make(chan Message, maxBehind)}
	p.watchers.add(w)
	context.AfterFunc(ctx, func() { p.watchers.remove(w) })
	return w.events
}

func (w *watchers) add(o *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[*watcher]struct{}{}
	}
	w.all[o] = struct{}{}
	w.some.Store(true)
}

// remove ends a watcher, whose channel is closed.
func (w *watchers) remove(o *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.all[o]; !ok {
		return
	}
	delete(w.all, o)
	w.some.Store(len(w.all) > 0)
	close(o.events)
}

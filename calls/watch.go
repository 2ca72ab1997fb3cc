package calls

import (
	"context"
	"sync"

	"github.com/ringside-pbx/ringside"
)

// watchRoom is how many changes a watcher may be behind before it loses the next ones.
const watchRoom = 256

// watchers are those who follow what happens to calls.
type watchers struct {
	mu   sync.Mutex
	all  map[chan ringside.Call]struct{}
	done bool
}

func (w *watchers) init() { w.all = map[chan ringside.Call]struct{}{} }

// publish tells every watcher; one who does not keep up loses changes, never the caller's time.
func (w *watchers) publish(c ringside.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.all {
		select {
		case ch <- c:
		default:
		}
	}
}

func (w *watchers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.all {
		close(ch)
		delete(w.all, ch)
	}
	w.done = true
}

// Watch gives every change of a call from now on, until ctx ends or the switchboard is closed;
// then the channel is closed. A watcher who is too slow misses changes.
func (s *Switchboard) Watch(ctx context.Context) <-chan ringside.Call {
	w := &s.watch
	ch := make(chan ringside.Call, watchRoom)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		close(ch)
		return ch
	}
	w.all[ch] = struct{}{}
	context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if _, open := w.all[ch]; open {
			close(ch)
			delete(w.all, ch)
		}
	})
	return ch
}

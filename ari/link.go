package ari

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// State is what is known of the connection.
type State struct {
	// Up: events come. Since is when that began or ended, Err why it is not up.
	Up    bool
	Since time.Time
	Err   error
	// Calls are those in progress.
	Calls int
}

// link is the state of the WebSocket, as operators see it.
type link struct {
	mu    sync.Mutex
	up    bool
	since time.Time
	err   error
	// abandon ends the calls that were kept, when the connection stays away.
	abandon *time.Timer
}

// State tells about the connection.
func (a *App) State() State {
	a.mu.Lock()
	calls := len(a.calls)
	a.mu.Unlock()
	l := &a.link
	l.mu.Lock()
	defer l.mu.Unlock()
	return State{Up: l.up, Since: l.since, Err: l.err, Calls: calls}
}

// rise notes that events come and that what is known has been brought up to date.
func (l *link) rise(a *App) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.abandon != nil {
		l.abandon.Stop()
		l.abandon = nil
	}
	if !l.up {
		l.up, l.since, l.err = true, time.Now(), nil
		a.opt.Log.Info("connected with Asterisk's REST interface", "url", a.opt.URL, "application", a.opt.Name)
	}
}

// down notes that the connection has ended, or could not be made. Calls are kept for a while.
func (l *link) down(a *App, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.up:
		a.opt.Log.Warn("the connection with Asterisk's REST interface is lost: the dialplan serves new calls", "error", err)
	case l.err == nil || l.err.Error() != err.Error():
		a.log.Warn("Asterisk's REST interface can't be used", "url", a.opt.URL, "error", err)
	}
	if l.up || l.since.IsZero() {
		l.since = time.Now()
	}
	l.up, l.err = false, err
	if l.abandon == nil {
		l.abandon = time.AfterFunc(a.opt.Grace, func() { a.end(ringside.ErrConnectionLost) })
	}
}

// outage waits until the connection is back, and reports whether it has been away at all: a request that
// was lost may be the first to notice. It gives up when the request's ctx or that of its call ends.
func (a *App) outage(ctx, call context.Context) bool {
	noticed, tick := time.NewTimer(noticing), time.NewTicker(noticing/20)
	defer noticed.Stop()
	defer tick.Stop()
	for away := false; ; {
		up := a.State().Up
		if away && up {
			return true
		}
		away = away || !up
		select {
		case <-tick.C:
		case <-noticed.C:
			if !away {
				return false
			}
		case <-ctx.Done():
			return false
		case <-call.Done():
			return false
		}
	}
}

// noticing is how much later than a request the WebSocket may be found to be lost.
const noticing = time.Second

// stop ends the timer.
func (l *link) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.abandon != nil {
		l.abandon.Stop()
	}
}

// end ends all calls in progress and returns how many those were; their channels stay as they are. All of
// them know it before the first one notices: what it gives back must be of no use to the others any more.
func (a *App) end(cause error) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.calls {
		c.look(func() { c.doom = cause })
	}
	for c := range a.calls {
		c.cancel(cause)
	}
	return len(a.calls)
}

// Ready reports why calls can't be taken; nil if they can.
func (a *App) Ready() error {
	s := a.State()
	switch {
	case s.Up:
		return nil
	case s.Err != nil:
		return s.Err
	}
	return errors.New("not connected yet")
}

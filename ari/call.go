package ari

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// party is one channel of a call, as Asterisk has told of it. Each of its fields goes one way only, so
// that what is told late or twice changes nothing.
type party struct {
	id, name string
	// entered and left count how often it came into Stasis and left it.
	entered, left int
	ringing       bool
	progress      bool // it sends sound before it answers
	up, gone      bool
	cause         ringside.HangupCause // of its end
	bridged       bool                 // with the caller
	// asked: Asterisk has taken the request to call it; lost: it ended while nobody told ringside how.
	asked, lost bool
	// holds: it has put the other side on hold; this alone goes both ways.
	holds bool
	// hangup: somebody asked for its end.
	hangup bool
	// called: it is one that ringside has called, for the target; told is what was reported of it.
	called bool
	target ringside.Target
	// stands: it was put in that party's place by a transfer; replaced: another was put in its own.
	stands   *party
	replaced bool
	told     string
}

// inStasis reports whether ringside can command the channel.
func (p *party) inStasis() bool { return !p.gone && p.entered > p.left }

// over reports whether it is of no use any more for a talk: it hung up, or went elsewhere.
func (p *party) over() bool { return p.gone || p.entered > 0 && p.left >= p.entered }

// call is some channels that belong together, and what has been told of them. One goroutine drives it,
// and is woken by news; the goroutine that reads events writes to it.
type call struct {
	app    *App
	ctx    context.Context
	cancel context.CancelCauseFunc
	news   chan struct{} // has room for one
	renew  func()        // moves the caller's lease on; nil for a call without one
	ids    []string      // that it owns or has owned; under the application's lock

	mu      sync.Mutex
	parties map[string]*party
	// caller is the one whose leaving ends the call.
	caller *party
	// plays are the playbacks in progress, by id, with the state in which they ended.
	plays map[string]string
	// away: the caller is in the dialplan on ringside's behalf, and comes back.
	away bool
	// moved is when somebody transferred the call: some of its channels are about to go elsewhere then.
	moved time.Time
	// doom is why all calls are being ended.
	doom error
	// keep: they talk, and nobody is to be hung up although ringside leaves.
	keep bool
	// mail is VMSTATUS.
	mail   string
	bridge string
	// apart: somebody else has destroyed the bridge in which they talked.
	apart bool
}

func (a *App) newCall(ctx context.Context) *call {
	c := &call{app: a, news: make(chan struct{}, 1), parties: map[string]*party{}, plays: map[string]string{}}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	return c
}

// enter adds the call to those in progress; false if there is no room, or the application is being stopped.
func (a *App) enter(c *call) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing || len(a.calls) >= a.opt.MaxCalls {
		return false
	}
	a.calls[c] = struct{}{}
	a.wg.Add(1) // here, so that Stop waits for it
	return true
}

// inProgress are the calls of this moment.
func (a *App) inProgress() []*call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Collect(maps.Keys(a.calls))
}

// leave forgets the call and all its ids.
func (a *App) leave(c *call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.calls, c)
	a.wg.Done()
	for _, id := range c.ids {
		if a.owners[id] == c {
			delete(a.owners, id)
		}
	}
}

// change changes what is known of the call, and wakes its goroutine.
func (c *call) change(f func()) {
	c.mu.Lock()
	f()
	c.mu.Unlock()
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// look reads what is known of the call.
func (c *call) look(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// await waits until ok, which is asked with the call locked, or ctx ends: then it gives the cause.
func (c *call) await(ctx context.Context, ok func() bool) error {
	for {
		c.mu.Lock()
		done := ok()
		c.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-c.news:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// add makes a channel a party of the call, before or after Asterisk has told of it.
func (c *call) add(p *party) {
	c.app.claim(p.id, c)
	c.mu.Lock()
	c.parties[p.id] = p
	c.mu.Unlock()
}

// swap puts a channel in the place of another that has been transferred away. The call is locked.
func (c *call) swap(old *party, id, name string) {
	p := *old
	p.id, p.name, p.entered, p.left, p.gone, p.hangup, p.up, p.holds = id, name, 1, 0, false, false, true, false
	old.replaced = true
	p.stands, p.replaced, p.bridged = old, false, true
	if old.stands != nil {
		p.stands = old.stands
	}
	c.parties[id] = &p
	if c.caller == old {
		c.caller = &p
	}
}

// do makes a request about the call.
func (c *call) do(ctx context.Context, method string, path []string, p params) error {
	return c.insist(ctx, func() error { return c.app.rest.do(ctx, method, path, p, nil) })
}

// insist makes a request once more when the connection is back if it was lost with the connection. So it may
// be carried out twice: all that calls ask for is harmless twice, but for dial. It waits no longer than the call
// lasts, also for a request that is not broken off.
func (c *call) insist(ctx context.Context, request func() error) error {
	err := request()
	if !errors.Is(err, ringside.ErrPBXAway) || !c.app.outage(ctx, c.ctx) {
		return err
	}
	return request()
}

// made is insist for what is made under an id: that it is there already is as good.
func (c *call) made(ctx context.Context, request func() error) error {
	asked := 0
	return c.insist(ctx, func() error {
		err := request()
		var refused *RequestError
		if asked++; asked > 1 && errors.As(err, &refused) && refused.Status == http.StatusConflict {
			return nil
		}
		return err
	})
}

// dust is how long channels of a transferred call may take to go where they are sent.
const dust = time.Second

// drop hangs up everybody whom ringside has called for the call, and takes its bridge away. Who has left
// Stasis was transferred, and belongs to another call now.
func (c *call) drop() {
	var settled time.Time
	c.look(func() { settled = c.moved.Add(dust) })
	if time.Now().Before(settled) {
		ctx, cancel := context.WithDeadline(c.app.ctx, settled)
		_ = c.await(ctx, func() bool {
			for _, p := range c.parties {
				if !p.over() && !p.replaced {
					return false
				}
			}
			return true
		})
		cancel()
	}
	var chores []chore
	c.look(func() {
		if c.keep {
			return
		}
		for id, p := range c.parties {
			if p.called && p != c.caller && !p.gone && (p.entered == 0 || p.inStasis()) {
				chores = append(chores, chore{hangUp, id})
			}
		}
		if c.bridge != "" {
			chores = append(chores, chore{destroy, c.bridge})
			c.bridge = ""
		}
	})
	c.app.cleanUpAll(chores)
}

// tidyWithin bounds each request that tidies up after a call.
const tidyWithin = 5 * time.Second

package esl

import (
	"context"
	"sync"
	"time"
)

// placed are the channels that ringside has asked for or has sent elsewhere, and that have not ended, so that
// limits on calls can be kept. It is a tracker.
type placed struct {
	mu sync.Mutex
	// ids have the time from which on a channel that FreeSWITCH does not know has ended; zero while the
	// request for it is under way.
	ids map[string]time.Time
}

const (
	// maxPlaced bounds what is kept if FreeSWITCH never tells of ends.
	maxPlaced = 10_000
	// placedLook is how often FreeSWITCH is asked about what it may not have told.
	placedLook = time.Minute
)

func newPlaced() *placed { return &placed{ids: map[string]time.Time{}} }

const hangupComplete = "CHANNEL_HANGUP_COMPLETE"

func (c *placed) events() []string { return []string{hangupComplete} }

func (c *placed) digest(e event) {
	if e.plain("Event-Name") == hangupComplete {
		c.remove(e.plain("Unique-ID"))
	}
}

// up asks about each channel now and then: ends that came while there was no connection were not told.
func (c *placed) up(ctx context.Context, run api) {
	tick := time.NewTicker(placedLook)
	defer tick.Stop()
	for {
		for _, id := range c.settled(time.Now()) {
			if there, err := run(ctx, "uuid_exists", id); err == nil && there == "false" {
				c.remove(id)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (c *placed) down() {}

// add notes a channel that is being asked for.
func (c *placed) add(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ids) < maxPlaced {
		c.ids[id] = time.Time{}
	}
}

// sent notes a channel that is sent elsewhere, which is there already.
func (c *placed) sent(id string) {
	c.add(id)
	c.settle(id, time.Now())
}

// settle notes that a channel exists by that time, or never will.
func (c *placed) settle(id string, by time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.ids[id]; ok {
		c.ids[id] = by
	}
}

func (c *placed) remove(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ids, id)
}

func (c *placed) settled(now time.Time) (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, by := range c.ids {
		if !by.IsZero() && !now.Before(by) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (c *placed) live(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.ids[id]
	return ok
}

// Live reports whether a channel that ringside has asked for, or has sent elsewhere, is still there or on its
// way. It does not know other channels.
func (p *PBX) Live(id string) bool { return p.placed.live(id) }

func (c *placed) list() (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.ids {
		ids = append(ids, id)
	}
	return ids
}

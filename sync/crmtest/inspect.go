package crmtest

import (
	"maps"
	"slices"

	crmsync "github.com/ringside-pbx/ringside/sync"
)

// RejectCall lets a function refuse calls by their id; nil refuses none. It is called while the CRM
// is busy and must not call it.
func (c *CRM) RejectCall(refuse func(id string) (code, reason string, refuse bool)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reject = refuse
}

// Calls gives the newest revision of every call.
func (c *CRM) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string]int, len(c.calls.byID))
	for id, n := range c.calls.byID {
		all[id] = n.revision
	}
	return all
}

// Record gives a call's newest record as it arrived; nil if there is none.
func (c *CRM) Record(id string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.calls.byID[id]; n != nil {
		return slices.Clone(n.record)
	}
	return nil
}

// Arrivals is how often a delivery key of a call has arrived, Effects how often it had an effect.
func (c *CRM) Arrivals(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls.keys[key].arrived
}

// Effects is how often a delivery key of a call had an effect.
func (c *CRM) Effects(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls.keys[key].effects
}

// Deliveries gives both for every key that has arrived.
func (c *CRM) Deliveries() (arrivals, effects map[string]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	arrivals, effects = make(map[string]int, len(c.calls.keys)), make(map[string]int, len(c.calls.keys))
	for key, t := range c.calls.keys {
		arrivals[key], effects[key] = t.arrived, t.effects
	}
	return arrivals, effects
}

// CDRs gives how many CDRs each delivery key has.
func (c *CRM) CDRs() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string]int, len(c.cdrs))
	for key, n := range c.cdrs {
		all[key] = n.count
	}
	return all
}

// Events gives the last events, at most 1000.
func (c *CRM) Events() []crmsync.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.events)
}

// Edits gives the edits that arrived, each once, with the word on them.
func (c *CRM) Edits() []Edit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.edits)
}

// Heartbeats gives those of each node.
func (c *CRM) Heartbeats() map[string]Heartbeats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.beats)
}

// Directory gives the document of the directory as it is now.
func (c *CRM) Directory() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.directory.document)
}

// Latest gives the records of the n calls that began last, the last one first, as they arrived.
func (c *CRM) Latest(n int) [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	order := c.calls.sorted()
	records := make([][]byte, 0, min(n, len(order)))
	for _, one := range slices.Backward(order) {
		if len(records) == n {
			break
		}
		records = append(records, slices.Clone(one.record))
	}
	return records
}

package routing

import (
	"strings"
	"sync"

	"github.com/ringside-pbx/ringside"
)

// numberCache remembers the numbers that were read last. Its size is bounded: when the young half
// is full it becomes the old one, and the old one is forgotten.
type numberCache struct {
	mu         sync.RWMutex
	young, old map[string]ringside.Number
}

// cacheHalf is how many numbers one half of the cache holds; a full cache takes about a megabyte.
const cacheHalf = 2048

func (c *numberCache) get(raw string) (ringside.Number, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if n, ok := c.young[raw]; ok {
		return n, true
	}
	n, ok := c.old[raw]
	return n, ok
}

func (c *numberCache) put(raw string, n ringside.Number) {
	n.Raw = strings.Clone(n.Raw) // what it was cut from may be large
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= cacheHalf {
		c.young, c.old = nil, c.young
	}
	if c.young == nil {
		c.young = make(map[string]ringside.Number)
	}
	c.young[strings.Clone(raw)] = n
}

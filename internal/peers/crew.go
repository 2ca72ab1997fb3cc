package peers

import (
	"sync"
	"sync/atomic"
)

// Crew serves connections, each on a goroutine. Some of these wait for the next connection with the stacks
// that they have grown: growing them costs a quick decision more than all its parsing.
type Crew struct {
	serve func(*Peer)
	work  chan *Peer // to who waits
	idle  atomic.Int64
	wg    sync.WaitGroup
}

// maxIdle is how many goroutines wait for a connection.
const maxIdle = 64

// NewCrew makes one; serve serves a connection to its end.
func NewCrew(serve func(*Peer)) *Crew { return &Crew{serve: serve, work: make(chan *Peer)} }

// Take has a connection served, and does not wait.
func (c *Crew) Take(p *Peer) {
	select {
	case c.work <- p:
	default:
		c.wg.Go(func() { c.run(p) })
	}
}

func (c *Crew) run(p *Peer) {
	for {
		c.serve(p)
		if c.idle.Add(1) > maxIdle {
			c.idle.Add(-1)
			return
		}
		next, ok := <-c.work
		c.idle.Add(-1)
		if !ok {
			return
		}
		p = next
	}
}

// End says that there are no more connections.
func (c *Crew) End() { close(c.work) }

// Wait waits, after End, until all connections have been served.
func (c *Crew) Wait() { c.wg.Wait() }

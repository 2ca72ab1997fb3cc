package agi

import (
	"container/list"
	"net"
	"sync"
	"time"
)

// patience is how long a silent connection keeps its place when others need it. Asterisk sends its
// environment at once.
const patience = 250 * time.Millisecond

// peers are the open connections. When there are too many, one that has not said for a while what
// it wants makes room, so that silent ones can't keep callers out.
type peers struct {
	limit int

	mu     sync.Mutex
	open   map[*peer]struct{}
	silent list.List // of *peer, the oldest first
	// evicted are closed but have not been taken out yet.
	evicted int
}

// peer is one connection.
type peer struct {
	conn   net.Conn
	since  time.Time
	silent *list.Element // nil when its environment has been read
	// evicted: it made room for another.
	evicted bool
}

// add takes a connection in; it reports false if there is no room.
func (p *peers) add(conn net.Conn, now time.Time) (*peer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open)-p.evicted >= p.limit && !p.evict(now) {
		return nil, false
	}
	return p.enter(conn, now), true
}

func (p *peers) enter(conn net.Conn, now time.Time) *peer {
	e := &peer{conn: conn, since: now}
	e.silent = p.silent.PushBack(e)
	p.open[e] = struct{}{}
	return e
}

// evict closes the connection that has been silent longest. Mutex held.
func (p *peers) evict(now time.Time) bool {
	first := p.silent.Front()
	if first == nil {
		return false
	}
	e := first.Value.(*peer)
	if now.Sub(e.since) < patience {
		return false
	}
	p.hear(e)
	e.evicted = true
	p.evicted++
	_ = e.conn.Close()
	return true
}

// hear notes that the peer is silent no longer. Mutex held.
func (p *peers) hear(e *peer) {
	if e.silent != nil {
		p.silent.Remove(e.silent)
		e.silent = nil
	}
}

// heard notes that the peer has sent its environment, and keeps its place from now on.
func (p *peers) heard(e *peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hear(e)
}

// remove takes a connection out.
func (p *peers) remove(e *peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hear(e)
	if e.evicted {
		p.evicted--
	}
	delete(p.open, e)
}

func (p *peers) wasEvicted(e *peer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return e.evicted
}

func (p *peers) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

// interrupt ends all reads and writes that are under way.
func (p *peers) interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := range p.open {
		_ = e.conn.SetDeadline(past())
	}
}

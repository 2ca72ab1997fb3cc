// Package peers keeps the connections that a PBX has made to ringside: who may connect, and who makes room
// for whom when there are too many. It owns the list and nothing of the connections' conversations.
//
// Guarantees: silent connections can't keep callers out, and taking one in never waits.
package peers

import (
	"container/list"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Patience is how long a silent connection keeps its place when others need it. A PBX speaks at once.
const Patience = 250 * time.Millisecond

// Peers are the open connections. When there are too many, one that has not spoken for a while makes
// room. The methods may be called by several goroutines.
type Peers struct {
	limit int

	mu     sync.Mutex
	open   map[*Peer]struct{}
	silent list.List // of *Peer, the oldest first
	// evicted are closed but have not been taken out yet.
	evicted int
}

// Peer is one connection.
type Peer struct {
	Conn   net.Conn
	since  time.Time
	silent *list.Element // nil when it has spoken
	// evicted: it made room for another.
	evicted bool
}

// New makes an empty list with room for limit connections.
func New(limit int) *Peers { return &Peers{limit: limit, open: map[*Peer]struct{}{}} }

// Add takes a connection in; it reports false if there is no room.
func (p *Peers) Add(conn net.Conn, now time.Time) (*Peer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open)-p.evicted >= p.limit && !p.evict(now) {
		return nil, false
	}
	return p.enter(conn, now), true
}

// Enter takes a connection in although there is no room.
func (p *Peers) Enter(conn net.Conn, now time.Time) *Peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.enter(conn, now)
}

func (p *Peers) enter(conn net.Conn, now time.Time) *Peer {
	e := &Peer{Conn: conn, since: now}
	e.silent = p.silent.PushBack(e)
	p.open[e] = struct{}{}
	return e
}

// evict closes the connection that has been silent longest. Mutex held.
func (p *Peers) evict(now time.Time) bool {
	first := p.silent.Front()
	if first == nil {
		return false
	}
	e := first.Value.(*Peer)
	if now.Sub(e.since) < Patience {
		return false
	}
	p.hear(e)
	e.evicted = true
	p.evicted++
	_ = e.Conn.Close()
	return true
}

// hear notes that the peer is silent no longer. Mutex held.
func (p *Peers) hear(e *Peer) {
	if e.silent != nil {
		p.silent.Remove(e.silent)
		e.silent = nil
	}
}

// Heard notes that the peer has spoken, and keeps its place from now on.
func (p *Peers) Heard(e *Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hear(e)
}

// Remove takes a connection out.
func (p *Peers) Remove(e *Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hear(e)
	if e.evicted {
		p.evicted--
	}
	delete(p.open, e)
}

// WasEvicted reports whether the peer has made room for another.
func (p *Peers) WasEvicted(e *Peer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return e.evicted
}

// Count is how many connections are open, and how many of them have not spoken.
func (p *Peers) Count() (open, silent int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open), p.silent.Len()
}

// Interrupt ends all reads and writes that are under way.
func (p *Peers) Interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := range p.open {
		_ = e.Conn.SetDeadline(time.Unix(1, 0))
	}
}

// Loopback are the addresses of this machine.
func Loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// Allowed reports whether a connection comes from one of the networks.
func Allowed(from net.Addr, allow []netip.Prefix) bool {
	tcp, ok := from.(*net.TCPAddr)
	if !ok {
		return false
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	return slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(ip) })
}

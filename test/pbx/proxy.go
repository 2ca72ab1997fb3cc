package pbx

import (
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Proxy stands between ringside and a port of Asterisk, and does to the link what networks do: it cuts
// connections, refuses new ones, and is slow.
type Proxy struct {
	// Port is where it listens, on 127.0.0.1.
	Port int

	ln net.Listener
	to string
	wg sync.WaitGroup

	mu     sync.Mutex
	open   map[net.Conn]bool
	refuse bool
	delay  time.Duration
}

// StartProxy listens on a free port and forwards to another port of 127.0.0.1.
func StartProxy(to int) (*Proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the proxy: %w", err)
	}
	p := &Proxy{Port: ln.Addr().(*net.TCPAddr).Port, ln: ln, to: fmt.Sprintf("127.0.0.1:%d", to), open: map[net.Conn]bool{}}
	p.wg.Go(p.accept)
	return p, nil
}

func (p *Proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(c) })
	}
}

func (p *Proxy) serve(c net.Conn) {
	defer c.Close()
	if !p.add(c) {
		return
	}
	defer p.remove(c)
	up, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer up.Close()
	if !p.add(up) {
		return
	}
	defer p.remove(up)
	var both sync.WaitGroup
	both.Go(func() { defer up.Close(); _, _ = io.Copy(up, c) })
	both.Go(func() { defer c.Close(); p.answer(c, up) })
	both.Wait()
}

// answer forwards what Asterisk says, late if that is asked for.
func (p *Proxy) answer(to, from net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			p.mu.Lock()
			late := p.delay
			p.mu.Unlock()
			time.Sleep(late)
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// add counts a connection among the open ones; false if there are to be none.
func (p *Proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse {
		return false
	}
	p.open[c] = true
	return true
}

func (p *Proxy) remove(c net.Conn) {
	p.mu.Lock()
	delete(p.open, c)
	p.mu.Unlock()
}

// Cut ends all connections, and refuses new ones until Mend.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = true
	for c := range p.open {
		c.Close()
	}
}

// Mend lets new connections through.
func (p *Proxy) Mend() {
	p.mu.Lock()
	p.refuse = false
	p.mu.Unlock()
}

// Delay lets everything that Asterisk says come so much later.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	p.delay = d
	p.mu.Unlock()
}

// Close ends the proxy and all its connections.
func (p *Proxy) Close() error {
	err := p.ln.Close()
	p.Cut()
	p.wg.Wait()
	return err
}

package channeltest

import (
	"net"
	"strings"
	"sync"
)

// Listener is a listener whose connections are made in memory, so that time can be a test's own.
type Listener struct {
	// Conns takes the connections that Accept gives.
	Conns chan net.Conn

	port   int
	closed chan struct{}
	once   sync.Once
}

// NewListener makes one that says it listens on a port of the loopback.
func NewListener(port int) *Listener {
	return &Listener{Conns: make(chan net.Conn), port: port, closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.Conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It may be called again.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Closed is closed when nothing is accepted any more.
func (l *Listener) Closed() <-chan struct{} { return l.closed }

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return Loopback(l.port) }

// Loopback is an address of this machine.
func Loopback(port int) *net.TCPAddr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }

// Journal is a log that can be read while many goroutines write it. The zero value is empty.
type Journal struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// String is all that was written.
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

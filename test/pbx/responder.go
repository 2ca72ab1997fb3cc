package pbx

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// Responder is the smallest FastAGI server: what it does with a request is a function, so that it
// can be as minimal, as silent or as wrong as a test needs it.
type Responder struct {
	ln    net.Listener
	serve func(net.Conn, *bufio.Reader)
	wg    sync.WaitGroup
	mu    sync.Mutex
	open  map[net.Conn]bool
}

// StartResponder listens on a port of 127.0.0.1. serve gets a connection whose request has not been
// read yet; the connection is closed after it.
func StartResponder(port int, serve func(net.Conn, *bufio.Reader)) (*Responder, error) {
	var ln net.Listener
	// A listener that was just closed may live on for a moment in a child that another goroutine is
	// starting.
	if err := Until(startLimit, "start the responder", func() (ok bool, err error) {
		ln, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		return err == nil, err
	}); err != nil {
		return nil, err
	}
	r := &Responder{ln: ln, serve: serve, open: map[net.Conn]bool{}}
	r.wg.Go(r.accept)
	return r, nil
}

func (r *Responder) accept() {
	for {
		c, err := r.ln.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.open[c] = true
		r.mu.Unlock()
		r.wg.Go(func() {
			r.serve(c, bufio.NewReader(c))
			r.mu.Lock()
			delete(r.open, c)
			r.mu.Unlock()
			c.Close()
		})
	}
}

// Close ends all connections and waits for them.
func (r *Responder) Close() error {
	err := r.ln.Close()
	r.mu.Lock()
	for c := range r.open {
		c.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
	return err
}

// ReadRequest reads a request's variables up to the empty line.
func ReadRequest(r *bufio.Reader) (map[string]string, error) {
	env := map[string]string{}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("read the request: %w", err)
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return env, nil
		}
		k, v, _ := strings.Cut(line, ": ")
		env[k] = v
	}
}

// SetRoute serves a request with one SET VARIABLE: ROUTE is the extension that the request's URL
// names. It is the least that a FastAGI server can do to decide a call.
func SetRoute(c net.Conn, r *bufio.Reader) {
	env, err := ReadRequest(r)
	if err != nil {
		return
	}
	_, exten, _ := strings.Cut(env["agi_request"], "exten=")
	if _, err := io.WriteString(c, `SET VARIABLE ROUTE "PJSIP/`+exten+"\"\n"); err != nil {
		return
	}
	_, _ = r.ReadString('\n')
}

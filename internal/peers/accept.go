package peers

import (
	"errors"
	"net"
	"time"
)

// Accept takes connections until the listener is closed, and gives each to take, which may not wait. Other
// errors, such as that there are no descriptors left, pass: failed is told, and it goes on a little later.
func Accept(l net.Listener, take func(net.Conn), failed func(error)) {
	pause := time.Duration(0)
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			take(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			failed(err)
			time.Sleep(pause)
		}
	}
}

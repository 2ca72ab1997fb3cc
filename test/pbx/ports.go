package pbx

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are taken from here: below the kernel's ephemeral ports, apart from the RTP ports.
const firstPort, lastPort = 5100, 9900

// takenBySIPp reports whether SIPp takes the port by itself, counting up from its media port (6000) and
// its control port (8888): on an address with several SIPps it may be gone before it is used.
func takenBySIPp(port int) bool {
	return (port >= 6000 && port < 6300) || (port >= 8888 && port < 8988)
}

var errNoPort = errors.New("no free port")

// Ports hands out ports that nobody has. Those handed out are not handed out again, whether they
// have been bound meanwhile or not: instances that run side by side share one.
type Ports struct {
	mu    sync.Mutex
	given map[int]bool
}

// free finds a port that is free for UDP and TCP on each of the addresses.
func (p *Ports) free(addresses ...string) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if p.given[port] || takenBySIPp(port) || !allFree(port, addresses) {
			continue
		}
		if p.given == nil {
			p.given = map[int]bool{}
		}
		p.given[port] = true
		return port, nil
	}
	return 0, fmt.Errorf("%w between %d and %d on %v", errNoPort, firstPort, lastPort, addresses)
}

func allFree(port int, addresses []string) bool {
	for _, a := range addresses {
		at := net.JoinHostPort(a, strconv.Itoa(port))
		t, err := net.Listen("tcp", at)
		if err != nil {
			return false
		}
		t.Close()
		u, err := net.ListenPacket("udp", at)
		if err != nil {
			return false
		}
		u.Close()
	}
	return true
}

package bench

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

// asterisk asks a FastAGI server as Asterisk does: a new connection for every call, 22 lines of
// environment, a reply to each command, until the server closes.
type asterisk struct {
	addr string
	// eachLine writes the environment line by line, as Asterisk does, and not in one piece.
	eachLine bool
}

var placed atomic.Int64

// answer is what one call was told, and when.
type answer struct {
	// took is the time from connecting to the last command.
	took     time.Duration
	commands int
	last     []byte
}

// call places one call; buf holds what is read.
func (a *asterisk) call(buf []byte) (answer, error) {
	n := placed.Add(1)
	// Many addresses of the loopback, so that the ports of closed connections do not run out.
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(n/250%4), byte(2+n%250))}, Timeout: 10 * time.Second}
	text := environment(int(n))
	begin := time.Now()
	conn, err := d.Dial("tcp", a.addr)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.(*net.TCPConn).SetNoDelay(false) // Asterisk leaves the system's default
	if a.eachLine {
		for line := range strings.Lines(text) {
			if _, err := conn.Write([]byte(line)); err != nil {
				return answer{}, err
			}
		}
	} else if _, err := conn.Write([]byte(text)); err != nil {
		return answer{}, err
	}
	var got answer
	for have := 0; ; {
		n, err := conn.Read(buf[have:])
		if n == 0 {
			if got.commands == 0 {
				return got, fmt.Errorf("a call was not answered: %w", err)
			}
			return got, nil
		}
		have += n
		end := bytes.IndexByte(buf[:have], '\n')
		if end < 0 {
			continue
		}
		if end != have-1 {
			return got, fmt.Errorf("a second command before the reply: %q", buf[:have])
		}
		got.commands++
		got.took = time.Since(begin)
		got.last = append(got.last[:0], buf[:end]...)
		have = 0
		if _, err := conn.Write([]byte("200 result=0\n")); err != nil {
			return got, err
		}
	}
}

func environment(n int) string {
	request := fmt.Sprintf("decide?hold=0&id=bench-%d.1", n)
	return "agi_network: yes\nagi_network_script: " + request +
		"\nagi_request: agi://127.0.0.1/" + request +
		"\nagi_channel: PJSIP/trunk-" + fmt.Sprintf("%08x", n) +
		"\nagi_language: en\nagi_type: PJSIP\nagi_uniqueid: pbx-1795402265." + fmt.Sprint(n) +
		"\nagi_version: 22.10.1\nagi_callerid: " + caller(n) +
		"\nagi_calleridname: somebody\nagi_callingpres: 0\nagi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\nagi_dnid: " + called(n) +
		"\nagi_rdnis: unknown\nagi_context: from-trunk\nagi_extension: " + called(n) +
		"\nagi_priority: 1\nagi_enhanced: 0.0\nagi_accountcode: \nagi_threadid: 140066792437440\n\n"
}

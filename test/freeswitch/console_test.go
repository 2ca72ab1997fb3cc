package freeswitch

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// console gives FreeSWITCH one command, over its event socket.
func console(t *testing.T, s *Switch, command string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", s.EventSocket), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	r := bufio.NewReader(conn)
	for _, c := range []string{"auth " + s.Password, command} {
		if _, err := fmt.Fprintf(conn, "%s\n\n", c); err != nil {
			t.Fatal(err)
		}
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if reply, ok := strings.CutPrefix(line, "Reply-Text: "); ok {
				if !strings.HasPrefix(reply, "+OK") {
					t.Fatalf("%s: %s", command, reply)
				}
				break
			}
		}
	}
}

package bench

import (
	"fmt"
	"net"
	"testing"
	"time"
)

// The threats' A31: 2,000 connections that say nothing, or half of what they should, take all places
// while calls come in.
func TestBenchFlood(t *testing.T) {
	gate(t)
	const silent = 2000
	d, _, _ := ready(t)
	asker := &asterisk{addr: d.addr}
	rounds := setting("RINGSIDE_BENCH_ROUNDS", 5)
	flow(t, asker, 4, time.Second)
	var alone, among []time.Duration
	var before, during float64
	for range rounds {
		_, before = d.memory()
		l := flow(t, asker, 4, 500*time.Millisecond)
		alone = append(alone, l.at(0.99))

		conns := make([]net.Conn, 0, silent)
		for i := range silent {
			conn, err := net.Dial("tcp", d.addr)
			if err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				_, _ = conn.Write([]byte("agi_network: yes\nagi_network_scr"))
			}
			conns = append(conns, conn)
		}
		time.Sleep(300 * time.Millisecond)
		l = flow(t, asker, 4, 500*time.Millisecond)
		among = append(among, l.at(0.99))
		if _, own := d.memory(); own > during {
			during = own
		}
		for _, conn := range conns {
			_ = conn.Close()
		}
	}
	fmt.Printf("\nCalls, 4 at once, while %d half-open connections take all places; medians of %d rounds\n", silent, rounds)
	fmt.Printf("p99 alone %s, among them %s: %.2f times; the daemon's own memory %.1f MB, and at most %.1f MB\n",
		median(alone), median(among), float64(median(among))/float64(median(alone)), before, during)
}

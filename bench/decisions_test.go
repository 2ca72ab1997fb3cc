package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func gate(t *testing.T) {
	t.Helper()
	if os.Getenv("RINGSIDE_BENCH") == "" {
		t.Skip("RINGSIDE_BENCH is not set")
	}
}

// setting is a number from the environment, for those who want more rounds than the default.
func setting(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// ready gives a loaded daemon, the command that it answers, and a floor that answers the same.
func ready(t *testing.T) (d *daemon, floorAddr string, floorPID int) {
	t.Helper()
	d = newDaemon(t)
	d.start()
	d.loadContacts()
	got, err := (&asterisk{addr: d.addr}).call(make([]byte, 4096))
	if err != nil {
		t.Fatal(err)
	}
	if s := string(got.last); !strings.Contains(s, "RINGSIDE_ACTION=forward") || !strings.Contains(s, "RINGSIDE_RESULT=decided") {
		t.Fatalf("ringside does not decide: %s", s)
	}
	floorAddr, floorPID = startFloor(t, string(got.last))
	return d, floorAddr, floorPID
}

// P1 and P3: decisions per second, and commands per decision. Other work on the machine takes from
// both sides, but not alike; the processors' time of server and client together, which bounds the
// rate of a machine that has nothing else to do, is free of that.
func TestBenchDecisions(t *testing.T) {
	gate(t)
	d, floorAddr, floorPID := ready(t)
	span := time.Duration(setting("RINGSIDE_BENCH_MS", 1500)) * time.Millisecond
	rounds := setting("RINGSIDE_BENCH_ROUNDS", 5)
	fmt.Printf("\nFastAGI decisions, %d rules, %d contacts, trace on; medians of %d rounds\n", rules, contacts, rounds)
	fmt.Printf("%-38s %9s %9s %7s | %-28s %7s %9s\n", "", "floor/s", "ringside/s", "ratio", "CPU µs/call floor, ringside, client", "ratio", "commands")
	for _, shape := range []struct {
		name     string
		eachLine bool
	}{{"line by line, as Asterisk sends", true}, {"in one piece", false}} {
		for _, atOnce := range []int{16, 128} {
			sides := []side{{&asterisk{floorAddr, shape.eachLine}, floorPID, nil}, {&asterisk{d.addr, shape.eachLine}, d.cmd.Process.Pid, nil}}
			for round := range rounds + 1 {
				for i := range sides {
					sides[i].measure(t, atOnce, span, round > 0)
				}
			}
			floor, ours := &sides[0], &sides[1]
			fmt.Printf("%-38s %9.0f %9.0f %7.2f | %12.0f %12.0f %9.0f %7.2f %9.2f\n", fmt.Sprintf("%s, %d at once", shape.name, atOnce),
				floor.median(rate), ours.median(rate), ratio(ours, floor, rate), floor.median(server), ours.median(server), ours.median(client),
				ratio(floor, ours, both), ours.median(commands))
		}
	}
	var status struct {
		Store struct{ Pending, Dropped, Calls int }
	}
	if err := json.Unmarshal([]byte(d.run("status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("afterwards %d records are kept, %d wait for the disk, %d were lost\n", status.Store.Calls, status.Store.Pending, status.Store.Dropped)
	if status.Store.Dropped > 0 {
		t.Errorf("%d records were lost", status.Store.Dropped)
	}
}

// side is a server and what was measured of it, a row for each round.
type side struct {
	asks placer
	pid  int
	rows [][]float64
}

// The columns: calls per second, the processors' µs per call of server, client and both, commands
// per call, and the 99th percentile of the time to the last command in ms.
const (
	rate = iota
	server
	client
	both
	commands
	late
)

func (s *side) measure(t *testing.T, atOnce int, span time.Duration, counts bool) {
	t.Helper()
	if !counts {
		span /= 5
	}
	srv, cli := processor(t, s.pid), processor(t, os.Getpid())
	l := flow(t, s.asks, atOnce, span)
	if !counts {
		return
	}
	n := float64(l.calls)
	srvUS := float64((processor(t, s.pid) - srv).Microseconds()) / n
	cliUS := float64((processor(t, os.Getpid()) - cli).Microseconds()) / n
	s.rows = append(s.rows, []float64{l.rate, srvUS, cliUS, srvUS + cliUS, float64(l.commands) / n, float64(l.at(0.99).Microseconds()) / 1000})
}

func (s *side) median(column int) float64 {
	var all []float64
	for _, row := range s.rows {
		all = append(all, row[column])
	}
	return median(all)
}

// ratio is the median of the rounds' ratios.
func ratio(a, b *side, column int) float64 {
	var all []float64
	for i := range a.rows {
		all = append(all, a.rows[i][column]/b.rows[i][column])
	}
	return median(all)
}

// P2: how long callers wait who all come at one moment.
func TestBenchBurst(t *testing.T) {
	gate(t)
	const atOnce, bursts = 64, 60
	d, floorAddr, _ := ready(t)
	rounds := setting("RINGSIDE_BENCH_ROUNDS", 5)
	sides := []*asterisk{{addr: floorAddr}, {addr: d.addr}}
	before := overflows(t)
	var p50, p999 [2][]time.Duration
	for round := range rounds + 1 {
		for i, side := range sides {
			var all load
			for range bursts {
				b := burst(t, side, atOnce)
				all.join(&b)
			}
			if round > 0 { // the first one warms up
				p50[i], p999[i] = append(p50[i], all.at(0.5)), append(p999[i], all.at(0.999))
			}
		}
	}
	var ratios []float64
	for i := range p999[0] {
		ratios = append(ratios, float64(p999[1][i])/float64(p999[0][i]))
	}
	fmt.Printf("\n%d new connections at once, connect to last command; medians of %d rounds of %d bursts\n", atOnce, rounds, bursts)
	fmt.Printf("%-10s %12s %12s\n", "", "p50", "p99.9")
	for i, name := range []string{"floor", "ringside"} {
		fmt.Printf("%-10s %12s %12s\n", name, median(p50[i]), median(p999[i]))
	}
	fmt.Printf("ratio of the p99.9: %.2f; listen overflows: %d\n", median(ratios), overflows(t)-before)
}

// P13: what the daemon weighs, and how soon it decides.
func TestBenchFootprint(t *testing.T) {
	gate(t)
	d, _, _ := ready(t)
	flow(t, &asterisk{addr: d.addr}, 16, time.Second)
	rss, own := d.memory()
	var first []float64
	for range setting("RINGSIDE_BENCH_ROUNDS", 5) {
		d.stop()
		begin := time.Now()
		d.start()
		got, err := (&asterisk{addr: d.addr}).call(make([]byte, 4096))
		if err != nil || !strings.Contains(string(got.last), "RESULT=decided") {
			t.Fatalf("%s, %v", got.last, err)
		}
		first = append(first, float64(time.Since(begin).Microseconds())/1000)
	}
	fresh, freshOwn := d.memory()
	fmt.Printf("\nFootprint with %d rules and %d contacts\n", rules, contacts)
	fmt.Printf("%-34s %8.1f MB, of which %.1f MB are its own and not pages of its file\n", "after a second at full load", rss, own)
	fmt.Printf("%-34s %8.1f MB, of which %.1f MB\n", "after a restart and one call", fresh, freshOwn)
	fmt.Printf("%-34s %8.0f ms (median of %d)\n", "start to the first decision", median(first), len(first))
}

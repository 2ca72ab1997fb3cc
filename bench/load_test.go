package bench

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// load is what came of many calls.
type load struct {
	calls    int
	rate     float64 // calls per second
	took     []time.Duration
	commands int
	failed   int
}

// placer is a PBX that can place calls.
type placer interface {
	// call places one call; buf, of 4 KB, may hold what is read.
	call(buf []byte) (answer, error)
}

// flow places calls, so many at once, for the given time.
func flow(t *testing.T, a placer, atOnce int, span time.Duration) load {
	t.Helper()
	var mu sync.Mutex
	var all load
	var workers sync.WaitGroup
	begin := time.Now()
	for range atOnce {
		workers.Go(func() {
			buf := make([]byte, 4096)
			var mine load
			for time.Since(begin) < span {
				mine.add(t, a, buf)
			}
			mu.Lock()
			defer mu.Unlock()
			all.join(&mine)
		})
	}
	workers.Wait()
	all.rate = float64(all.calls) / time.Since(begin).Seconds()
	return all
}

// burst places calls that all begin at one moment.
func burst(t *testing.T, a placer, atOnce int) load {
	t.Helper()
	var mu sync.Mutex
	var all load
	var workers sync.WaitGroup
	start := make(chan struct{})
	for range atOnce {
		workers.Go(func() {
			buf := make([]byte, 4096)
			var mine load
			<-start
			mine.add(t, a, buf)
			mu.Lock()
			defer mu.Unlock()
			all.join(&mine)
		})
	}
	close(start)
	workers.Wait()
	return all
}

func (l *load) add(t *testing.T, a placer, buf []byte) {
	got, err := a.call(buf)
	l.calls++
	if err != nil {
		if l.failed++; l.failed == 1 {
			t.Errorf("%T: %v", a, err)
		}
		return
	}
	l.commands += got.commands
	l.took = append(l.took, got.took)
}

func (l *load) join(o *load) {
	l.calls += o.calls
	l.commands += o.commands
	l.failed += o.failed
	l.took = append(l.took, o.took...)
}

// at is the time within which that part of the calls had their last command.
func (l *load) at(part float64) time.Duration {
	if len(l.took) == 0 {
		return 0
	}
	slices.Sort(l.took)
	return l.took[min(len(l.took)-1, int(part*float64(len(l.took))))]
}

func median[T float64 | time.Duration](all []T) T {
	s := slices.Clone(all)
	slices.Sort(s)
	return s[len(s)/2]
}

// overflows is how many connections the system has dropped at full listen queues.
func overflows(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/net/netstat")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	sum := 0
	for i := 0; i+1 < len(lines); i += 2 {
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		for j, name := range names {
			if name == "ListenOverflows" || name == "ListenDrops" {
				n, _ := strconv.Atoi(values[j])
				sum += n
			}
		}
	}
	return sum
}

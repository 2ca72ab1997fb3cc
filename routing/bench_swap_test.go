package routing

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// swap measures decisions while directories of 100,000 rules are loaded and exchanged, and those
// while nothing else happens, in turns.
func swap(t *testing.T, doc []byte, queries []Query) {
	t.Helper()
	var current atomic.Pointer[Compiled]
	current.Store(load(t, doc))
	var quiet, busy []time.Duration
	lost := 0
	decide := func(until func() bool, into *[]time.Duration) {
		view := newDesk()
		for i := 0; !until(); i++ {
			// A call every now and then, as calls come: the loop must not fight for the processor.
			time.Sleep(200 * time.Microsecond)
			begin := time.Now()
			d := current.Load().Decide(queries[i%len(queries)], view)
			*into = append(*into, time.Since(begin))
			if d.Action != ringside.Route {
				lost++
			}
		}
	}
	for range 5 {
		var wg sync.WaitGroup
		var done atomic.Bool
		begin := time.Now()
		wg.Go(func() {
			current.Store(load(t, doc))
			done.Store(true)
		})
		decide(done.Load, &busy)
		wg.Wait()
		took := time.Since(begin)
		begin = time.Now()
		decide(func() bool { return time.Since(begin) > took }, &quiet)
	}
	fmt.Printf("    decisions that were lost         %9d of %d\n", lost, len(busy)+len(quiet))
	fmt.Printf("    p99 of a decision, loading       %9.1f us (nothing else going on: %.1f us)\n", p99(busy), p99(quiet))
}

func p99(of []time.Duration) float64 {
	slices.Sort(of)
	return float64(of[len(of)*99/100]) / 1000
}

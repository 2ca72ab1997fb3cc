package store

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// appendRate gives the acknowledged records per second of the given number of writers.
func appendRate(tb testing.TB, writers int, d time.Duration) float64 {
	tb.Helper()
	s, err := Open(context.Background(), Options{Path: filepath.Join(tb.TempDir(), "ringside.db")})
	if err != nil {
		tb.Fatal(err)
	}
	var next atomic.Int64
	rate := rate(writers, d, func() error {
		return s.Append(context.Background(), call(int(next.Add(1))), nil, nil)
	})
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
	return rate
}

// floorRate gives how often per second the same record can be appended to a plain file and synced.
func floorRate(tb testing.TB, d time.Duration) float64 {
	tb.Helper()
	data, err := json.Marshal(stored(call(1)))
	if err != nil {
		tb.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(tb.TempDir(), "plain"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, fileMode)
	if err != nil {
		tb.Fatal(err)
	}
	rate := rate(1, d, func() error {
		if _, err := f.Write(data); err != nil {
			return err
		}
		return f.Sync()
	})
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return rate
}

// rate runs fn in so many goroutines for so long; 0 if it ever failed.
func rate(workers int, d time.Duration, fn func() error) float64 {
	var done atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	began := time.Now()
	for range workers {
		wg.Go(func() {
			for time.Since(began) < d {
				if fn() != nil {
					failed.Store(true)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if failed.Load() {
		return 0
	}
	return float64(done.Load()) / time.Since(began).Seconds()
}

// TestBench prints the medians of interleaved rounds when RINGSIDE_BENCH is set: the machine's moods
// then fall on all of them alike.
func TestBench(t *testing.T) {
	if os.Getenv("RINGSIDE_BENCH") == "" {
		t.Skip("set RINGSIDE_BENCH=1 to measure")
	}
	const rounds, d = 7, time.Second
	var floor, one, many []float64
	for range rounds {
		floor = append(floor, floorRate(t, d))
		one = append(one, appendRate(t, 1, d))
		many = append(many, appendRate(t, 64, d))
	}
	median := func(x []float64) float64 { slices.Sort(x); return x[len(x)/2] }
	f := median(floor)
	fmt.Printf("%-32s %12s %10s\n", "", "records/s", "of floor")
	for _, row := range []struct {
		name  string
		rates []float64
	}{{"append + fsync, plain file", floor}, {"store, 1 writer", one}, {"store, 64 writers", many}} {
		m := median(row.rates)
		fmt.Printf("%-32s %12.0f %10.2f\n", row.name, m, m/f)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d writers", writers), func(b *testing.B) {
			s, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "ringside.db")})
			if err != nil {
				b.Fatal(err)
			}
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for range writers {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						if err := s.Append(b.Context(), call(int(n)), nil, nil); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkFloor(b *testing.B) {
	data, err := json.Marshal(stored(call(1)))
	if err != nil {
		b.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(b.TempDir(), "plain"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, fileMode)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := f.Write(data); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkFinish is what a call pays that does not wait for the disk.
func BenchmarkFinish(b *testing.B) {
	s, err := Open(b.Context(), Options{
		Path: filepath.Join(b.TempDir(), "ringside.db"), MaxPending: 1 << 30, MaxPendingBytes: 1 << 30,
	})
	if err != nil {
		b.Fatal(err)
	}
	c := call(1)
	b.ReportAllocs()
	for b.Loop() {
		s.Begin(c)
	}
	b.StopTimer()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// few keeps what takes a minute to set up for who asks for it.
func few(b *testing.B) {
	b.Helper()
	if os.Getenv("RINGSIDE_BENCH") == "" {
		b.Skip("set RINGSIDE_BENCH=1 to measure")
	}
}

// BenchmarkContactAmongAMillion loads a million contacts of the CRM in its pages, whose numbers come in
// no order, and looks some of them up.
func BenchmarkContactAmongAMillion(b *testing.B) {
	few(b)
	const million, size = 1_000_000, 5000
	s, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "ringside.db")})
	if err != nil {
		b.Fatal(err)
	}
	phone := func(i int) string { return fmt.Sprintf("+7%010d", uint64(i)*7919*104729%10_000_000_000) }
	load := func(generation uint64) float64 {
		began := time.Now()
		for at := 0; at < million; at += size {
			page := make([]ringside.ContactChange, size)
			for i := range page {
				page[i] = ringside.ContactChange{
					ID: strconv.Itoa(1_000_000 + at + i), Phones: []string{phone(at + i)}, Name: "Anna Petrova " + strconv.Itoa(at+i),
					Company: "Romashka LLC", URL: "https://crm.example.com/contacts/" + strconv.Itoa(at+i), Owner: "101",
				}
			}
			if err := s.ApplyContacts(b.Context(), page, generation, "contacts", []byte(strconv.Itoa(at))); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began).Seconds()
	}
	first, again := load(1), load(2)
	began := time.Now()
	if _, err := s.SweepContacts(b.Context(), 2); err != nil {
		b.Fatal(err)
	}
	sweep := time.Since(began).Seconds()
	i := 0
	for b.Loop() {
		i = (i + 611_953) % million
		if c, ok := s.Contact(ringside.Number{E164: phone(i)}); !ok || c.Owner != "101" {
			b.Fatal(phone(i), c)
		}
	}
	b.ReportMetric(first, "s/load")
	b.ReportMetric(again, "s/reload")
	b.ReportMetric(sweep, "s/sweep")
	if disk, err := s.Disk(); err == nil {
		b.ReportMetric(float64(disk.File>>20), "MiB")
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkDrainAMillion reads and settles a million parcels as who delivers them does. An operation is
// all of them.
func BenchmarkDrainAMillion(b *testing.B) {
	few(b)
	const million = 1_000_000
	s, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "ringside.db"), CDRs: true})
	if err != nil {
		b.Fatal(err)
	}
	for i := range million {
		s.Finish(call(i), nil, nil)
		if i%20_000 == 0 {
			if err := s.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := s.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	began, drained := time.Now(), 0
	for _, kind := range []ringside.ParcelKind{ringside.CallParcel, ringside.CDRParcel} {
		for {
			parcels, err := s.Outbox(b.Context(), kind, 0, 500, 1<<20)
			if err != nil {
				b.Fatal(err)
			}
			if len(parcels) == 0 {
				break
			}
			list := make([]ringside.Settlement, len(parcels))
			for i, p := range parcels {
				list[i] = ringside.Settlement{Seq: p.Seq, CDRs: i%2 == 0}
			}
			if err := s.Settle(b.Context(), kind, list); err != nil {
				b.Fatal(err)
			}
			drained += len(parcels)
		}
	}
	b.ReportMetric(float64(drained)/time.Since(began).Seconds(), "parcels/s")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

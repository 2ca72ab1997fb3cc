package store

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const childEnv = "RINGSIDE_STORE_CHILD"

// child writes to the store as fast as it can until it is killed, and prints the id of every call
// that was acknowledged.
func child(path string) int {
	s, err := Open(context.Background(), Options{Path: path})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	base := os.Getpid() * 1_000_000
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				n := base + w*100_000 + i
				s.Begin(begun(n))
				if i%5 == 4 {
					continue // never finished
				}
				if err := s.Append(context.Background(), call(n), nil, nil); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				// One write for a line: what is printed is printed whole.
				_, _ = os.Stdout.WriteString(call(n).ID + "\n")
			}
		})
	}
	wg.Wait()
	return 0
}

// TestKilledAtAnyMoment kills a process that writes, again and again, and finds every acknowledged
// call in the file and no call that has merely begun. RINGSIDE_KILLS sets the number of rounds.
func TestKilledAtAnyMoment(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 5
	}
	if n, err := strconv.Atoi(os.Getenv("RINGSIDE_KILLS")); err == nil {
		rounds = n
	}
	path := filepath.Join(t.TempDir(), "ringside.db")
	acknowledged, interrupted := 0, 0
	for range rounds {
		ids := kill(t, path)
		s, err := Open(t.Context(), Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		interrupted += s.State().Interrupted
		for _, id := range ids {
			if _, ok, err := s.Call(t.Context(), id); err != nil || !ok {
				t.Errorf("acknowledged call %s: %v, %v", id, ok, err)
			}
		}
		r, err := s.Check(t.Context())
		if err != nil || !r.OK() || r.Begun != 0 {
			t.Fatalf("check: %v %+v", err, r)
		}
		acknowledged += len(ids)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d calls acknowledged, all there; %d interrupted", rounds, acknowledged, interrupted)
	if acknowledged == 0 || interrupted == 0 {
		t.Error("nothing was written before the kills")
	}
}

// kill runs a child until it has acknowledged some calls and then for a random moment more.
func kill(t *testing.T, path string) (ids []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var timer *time.Timer
	for lines.Scan() {
		if ids = append(ids, lines.Text()); timer == nil {
			after := time.Duration(rand.IntN(60_000)) * time.Microsecond
			timer = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait() // it was killed
	if timer == nil {
		t.Fatalf("the child acknowledged nothing: %s", stderr.String())
	}
	timer.Stop()
	return ids
}

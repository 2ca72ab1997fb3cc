package crm

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside/store"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// A call is certainly on the disk when so much time has passed since its decision, and when the disk and
// the machine have taken so many writes of ours in that time: records gather for 200 ms before they are
// written, and a machine that stands still for a while lets nobody write.
const (
	settled       = 2 * time.Second
	settledWrites = 30
)

// moment is a point in time, with the writes that the disk has taken until then.
type moment struct {
	at     time.Time
	writes int64
}

// settledBy reports whether what was decided on then is certainly on the disk by now.
func (m moment) settledBy(now moment) bool {
	return now.at.Sub(m.at) >= settled && now.writes-m.writes >= settledWrites
}

// history is what a dialplan knows: when the calls that were decided on began and ended, and when
// ringside died.
type history struct {
	mu      sync.Mutex
	writes  atomic.Int64
	decided map[string]span
	kills   []moment
}

type span struct {
	begun time.Time
	ended moment
}

func (h *history) now() moment { return moment{time.Now(), h.writes.Load()} }

func (h *history) add(id string, begun time.Time) {
	ended := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.decided[id] = span{begun, ended}
}

func (h *history) kill() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kills = append(h.kills, h.now())
}

// watch writes to the disk that ringside writes to, until ctx ends.
func (h *history) watch(ctx context.Context, folder string) error {
	f, err := os.Create(filepath.Join(folder, "writes"))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for ctx.Err() == nil {
		if _, err := f.WriteString("."); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		h.writes.Add(1)
		time.Sleep(settled / settledWrites / 2)
	}
	return nil
}

// safe are the calls that were decided on long enough before the next kill.
func (h *history) safe() (ids []string) {
	for id, call := range h.decided {
		lost := false
		for _, k := range h.kills {
			lost = lost || k.at.After(call.begun) && !call.ended.settledBy(k)
		}
		if !lost {
			ids = append(ids, "site-"+id)
		}
	}
	return ids
}

// TestBothAreKilledAtAnyMoment kills ringside and the CRM at random while calls come in, and compares
// every id that went in with every id that came out. RINGSIDE_KILLS sets the number of kills.
func TestBothAreKilledAtAnyMoment(t *testing.T) {
	kills := 24
	if n, err := strconv.Atoi(os.Getenv("RINGSIDE_KILLS")); err == nil && n > 0 {
		kills = n
	}
	if testing.Short() {
		kills = 4
	}
	r := newRig(t, "")
	r.crm.start(r.web)
	r.ringside.start(r.agi)
	h := &history{decided: map[string]span{}}
	ctx, stop := context.WithCancel(t.Context())
	var traffic sync.WaitGroup
	watching, unwatch := context.WithCancel(t.Context())
	var watch sync.WaitGroup
	watch.Go(func() {
		if err := h.watch(watching, r.folder); err != nil {
			t.Error(err)
		}
	})
	for w := range 4 {
		traffic.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				// It may be in the middle of its answer when ringside dies.
				begun := time.Now()
				if id := fmt.Sprintf("%d.%d", w, i); r.call(ctx, id, "") {
					h.add(id, begun)
				}
				time.Sleep(time.Duration(5+rand.IntN(30)) * time.Millisecond)
			}
		})
	}
	for range kills {
		time.Sleep(time.Duration(200+rand.IntN(1200)) * time.Millisecond)
		if rand.IntN(2) == 0 {
			h.kill()
			r.ringside.kill()
			r.ringside.start(r.agi)
		} else {
			r.crm.kill()
			time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
			r.crm.start(r.web)
		}
	}
	stop()
	traffic.Wait()
	// What was decided on last is still gathered for the disk, and is in no backlog yet.
	for last := h.now(); !last.settledBy(h.now()); {
		time.Sleep(100 * time.Millisecond)
	}
	unwatch()
	watch.Wait()
	r.drain()
	state := r.crmState()
	r.ringside.kill()
	r.crm.kill()

	recorded := r.recorded()
	for id, revision := range recorded {
		switch got, there := state.Calls[id]; {
		case !there:
			t.Errorf("%s is missing at the CRM", id)
		case got != revision:
			t.Errorf("%s is revision %d at the CRM, and %d here", id, got, revision)
		}
	}
	for id := range state.Calls {
		if _, there := recorded[id]; !there {
			t.Errorf("%s is at the CRM and not here", id)
		}
	}
	doubled, again := 0, 0
	for key, n := range state.Effects {
		if n != 1 {
			doubled++
			t.Errorf("%s had %d effects", key, n)
		}
	}
	for _, n := range state.Arrivals {
		if n > 1 {
			again++
		}
	}
	safe := h.safe()
	for _, id := range safe {
		if _, there := recorded[id]; !there {
			t.Errorf("%s was decided on well before a kill and is nowhere", id)
		}
	}
	t.Logf("%d kills of ringside among %d; %d calls decided on, %d of them well before a kill; %d recorded, %d at the CRM, %d arrived more than once, %d had more than one effect",
		len(h.kills), kills, len(h.decided), len(safe), len(recorded), len(state.Calls), again, doubled)
	if len(recorded) == 0 || len(h.kills) == 0 {
		t.Error("nothing was tried")
	}
}

// drain waits until nothing is left to be delivered.
func (r *rig) drain() {
	r.t.Helper()
	var last string
	for range 600 {
		out, err := r.command("sync", "status", "--json")
		var s crmsync.Status
		if err == nil {
			err = json.Unmarshal([]byte(out), &s)
		}
		if err == nil && s.Backlog.Calls+s.Backlog.CDRs == 0 && s.State == crmsync.Up {
			return
		}
		last = out
		_, _ = r.command("sync", "refresh")
		time.Sleep(100 * time.Millisecond)
	}
	r.t.Fatalf("the backlog is not drained:\n%s\nringside:\n%.5000s", last, r.ringside.out)
}

// recorded gives the calls in ringside's own store, which nobody has open, with their revisions.
func (r *rig) recorded() map[string]int {
	r.t.Helper()
	s, err := store.Open(r.t.Context(), store.Options{Path: filepath.Join(r.folder, "ringside.db")})
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	all := map[string]int{}
	for after, more := "", true; more; more = after != "" {
		refs, next, err := s.CallRefs(r.t.Context(), time.Time{}, time.Now().Add(time.Hour), after, 1000)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, ref := range refs {
			all[ref.ID] = ref.Revision
		}
		after = next
	}
	return all
}

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

	"github.com/ringside-pbx/ringside"
)

const childEnv = "RINGSIDE_STORE_CHILD"

// child writes to the store as fast as it can until it is killed, and prints what was acknowledged:
// calls, what the CRM said on them, calls that were queued again, and pages of contacts.
func child(path string) int {
	s, err := Open(context.Background(), Options{Path: path, CDRs: true})
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
				if i%5 == 0 {
					continue // never finished
				}
				ensure(s.Append(context.Background(), call(n), nil, nil))
				tell("call", call(n).ID)
			}
		})
	}
	wg.Go(func() { childLink(s) })
	wg.Go(func() { childContacts(s) })
	wg.Wait()
	return 0
}

func ensure(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tell prints a line in one write: what is printed is printed whole.
func tell(what, which string) { _, _ = os.Stdout.WriteString(what + " " + which + "\n") }

// words are what the CRM says, in turn: a parcel is rejected, has CDRs, is taken, or is taken and then
// queued once more.
var words = []string{"rejected", "cdrs", "taken", "again"}

// childLink takes each parcel once.
func childLink(s *Store) {
	again, after := map[string]bool{}, uint64(0)
	for {
		parcels, err := s.Outbox(context.Background(), ringside.CallParcel, after, 40, 0)
		ensure(err)
		if len(parcels) == 0 {
			<-s.Grown(ringside.CallParcel)
			continue
		}
		var list []ringside.Settlement
		said := map[string][]string{}
		for _, p := range parcels {
			if after = p.Seq; again[p.CallID] {
				continue
			}
			settlement, word := ringside.Settlement{Seq: p.Seq}, words[p.Seq%4]
			switch word {
			case "rejected":
				settlement.Rejection = &ringside.Rejection{Reason: "no"}
			case "cdrs":
				settlement.CDRs = true
			case "again":
				again[p.CallID] = true
			}
			list, said[word] = append(list, settlement), append(said[word], p.CallID)
		}
		ensure(s.Settle(context.Background(), ringside.CallParcel, list))
		for _, word := range words[:3] {
			for _, id := range said[word] {
				tell(word, id)
			}
		}
		if len(said["again"]) == 0 {
			continue
		}
		if n, err := s.Requeue(context.Background(), said["again"]...); err != nil || n != len(said["again"]) {
			ensure(fmt.Errorf("requeued %d of %d: %w", n, len(said["again"]), err))
		}
		for _, id := range said["again"] {
			tell("again", id)
		}
	}
}

// childContacts renames ten contacts in each page; the page's number is also its cursor.
func childContacts(s *Store) {
	last, err := s.Cursor(context.Background(), "contacts")
	ensure(err)
	n, _ := strconv.Atoi(string(last))
	for {
		n++
		changes := make([]ringside.ContactChange, 10)
		for i := range changes {
			changes[i] = ringside.ContactChange{ID: strconv.Itoa(i), Name: strconv.Itoa(n), Phones: []string{strconv.Itoa(100 + i), "shared"}}
		}
		ensure(s.ApplyContacts(context.Background(), changes, 1, "contacts", []byte(strconv.Itoa(n))))
		tell("page", strconv.Itoa(n))
	}
}

// TestKilledAtAnyMoment kills a process that writes, again and again, and finds everything that was
// acknowledged in the file and no call that has merely begun. RINGSIDE_KILLS sets the number of rounds.
func TestKilledAtAnyMoment(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 5
	}
	if n, err := strconv.Atoi(os.Getenv("RINGSIDE_KILLS")); err == nil {
		rounds = n
	}
	path := filepath.Join(t.TempDir(), "ringside.db")
	acknowledged, interrupted := map[string]int{}, 0
	for range rounds {
		lines := kill(t, path)
		s, err := Open(t.Context(), Options{Path: path, CDRs: true})
		if err != nil {
			t.Fatal(err)
		}
		interrupted += s.State().Interrupted
		survived(t, s, lines)
		for what, which := range lines {
			acknowledged[what] += len(which)
		}
		if r, err := s.Check(t.Context()); err != nil || r.Begun != 0 {
			t.Fatalf("check: %v %+v", err, r)
		}
		stop(t, s)
	}
	t.Logf("%d kills, acknowledged and all there: %v; %d interrupted", rounds, acknowledged, interrupted)
	for _, what := range append([]string{"call", "page"}, words...) {
		if acknowledged[what] == 0 || interrupted == 0 {
			t.Errorf("nothing was written before the kills: %s", what)
		}
	}
}

// survived compares what a child was told with what it left.
func survived(t *testing.T, s *Store, lines map[string][]string) {
	t.Helper()
	for _, id := range lines["call"] {
		if _, ok, err := s.Call(t.Context(), id); err != nil || !ok {
			t.Errorf("acknowledged call %s: %v, %v", id, ok, err)
		}
	}
	where := map[string][]string{} // of each call, its parcels
	for _, kind := range []ringside.ParcelKind{callKind, cdrKind} {
		for after, more := uint64(0), true; more; {
			parcels := must(s.Outbox(t.Context(), kind, after, MaxLimit, 0))(t)
			for _, p := range parcels {
				after, where[p.CallID] = p.Seq, append(where[p.CallID], string(kind))
			}
			more = len(parcels) > 0
		}
	}
	for after, more := "", true; more; {
		rejected := must(s.Rejected(t.Context(), after, MaxLimit))(t)
		for _, r := range rejected {
			after, where[r.CallID] = r.ID, append(where[r.CallID], "rejected "+string(r.Kind))
		}
		more = len(rejected) > 0
	}
	for word, want := range map[string]string{"rejected": "[rejected call]", "cdrs": "[cdrs]", "taken": "[]", "again": "[call]"} {
		for _, id := range lines[word] {
			if got := fmt.Sprint(where[id]); got != want {
				t.Errorf("call %s, of which the CRM said %s: it is in %s", id, word, got)
			}
		}
	}
	cursor := string(must(s.Cursor(t.Context(), "contacts"))(t))
	if n := len(lines["page"]); n > 0 {
		at, _ := strconv.Atoi(cursor)
		if told, _ := strconv.Atoi(lines["page"][n-1]); at < told || at > told+1 {
			t.Errorf("the cursor is %s, page %d was acknowledged", cursor, told)
		}
	}
	for i := range 10 {
		if c, ok := s.Contact(ringside.Number{Raw: strconv.Itoa(100 + i)}); cursor != "" && (!ok || c.Name != cursor) {
			t.Errorf("contact %d is of page %q, the cursor of %s", i, c.Name, cursor)
		}
	}
}

// kill runs a child until it has acknowledged a call that was queued again, the last of its deeds, and
// then for a random moment more.
func kill(t *testing.T, path string) (told map[string][]string) {
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
	told = map[string][]string{}
	for lines.Scan() {
		what, which, _ := strings.Cut(lines.Text(), " ")
		if told[what] = append(told[what], which); timer == nil && what == "again" {
			after := time.Duration(rand.IntN(60_000)) * time.Microsecond
			timer = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait() // it was killed
	if timer == nil {
		t.Fatalf("the child acknowledged nothing: %s", stderr.String())
	}
	timer.Stop()
	return told
}

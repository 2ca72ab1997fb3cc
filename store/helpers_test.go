package store

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringside-pbx/ringside"
)

type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logs) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// start opens a store that is checked and closed at the end of the test.
func start(t *testing.T, opt Options) *Store {
	t.Helper()
	if opt.Path == "" {
		opt.Path = filepath.Join(t.TempDir(), "ringside.db")
	}
	if opt.Now == nil {
		opt.Now = func() time.Time { return noon.Add(time.Hour) }
	}
	s, err := Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

// stop checks the store and closes it; both are allowed to have been done.
func stop(t *testing.T, s *Store) {
	t.Helper()
	select {
	case <-s.done:
	default:
		sound(t, s)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// sound checks the store, and that the totals that the writer keeps are those of the tables.
func sound(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Flush(context.Background()); err != nil {
		t.Error(err)
	}
	r, err := s.Check(context.Background())
	if err != nil || !r.OK() {
		t.Errorf("check: %v %q", err, r.Problems)
	}
	if got := totals(s.State()); got != totals(State{
		Calls: r.Calls, Outbox: r.Outbox, CDRs: r.CDRs, Rejected: r.Rejected, OutboxBytes: r.OutboxBytes,
		Contacts: r.Contacts, People: r.People,
	}) {
		t.Errorf("totals %+v of the tables %+v", got, r)
	}
}

func totals(s State) [7]int64 {
	return [7]int64{
		int64(s.Calls), int64(s.Outbox), int64(s.CDRs), int64(s.Rejected), s.OutboxBytes, int64(s.Contacts), int64(s.People),
	}
}

// reopen ends the store and opens its file again.
func reopen(t *testing.T, s *Store) *Store {
	t.Helper()
	stop(t, s)
	opt := s.opt
	opt.update, opt.plan = nil, nil
	return start(t, opt)
}

// flush waits until everything that was queued before is on the disk.
func flush(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// sent is the word of a CRM that has taken the parcels.
func sent(s *Store, seqs ...uint64) error {
	list := make([]ringside.Settlement, len(seqs))
	for i, seq := range seqs {
		list[i].Seq = seq
	}
	return s.Settle(context.Background(), ringside.CallParcel, list)
}

// waiting gives the calls in the outbox.
func waiting(t *testing.T, s *Store, after uint64, limit int) []ringside.Parcel {
	t.Helper()
	return must(s.Outbox(t.Context(), ringside.CallParcel, after, limit, 0))(t)
}

// parcelOf is a call as it waits in an outbox.
func parcelOf(t *testing.T, seq uint64, c ringside.Call) ringside.Parcel {
	t.Helper()
	return ringside.Parcel{Seq: seq, CallID: c.ID, Revision: c.Revision, Data: must(json.Marshal(c))(t)}
}

// saveDirectory puts a document in effect.
func saveDirectory(s *Store, e ringside.Edition, document []byte) error {
	_, err := s.SaveEdition(context.Background(), ringside.EditionWrite{Edition: e, Document: document, Current: true})
	return err
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func get(t *testing.T, s *Store, id string) ringside.Call {
	t.Helper()
	c, ok, err := s.Call(t.Context(), id)
	if err != nil || !ok {
		t.Fatalf("call %s: %v, %v", id, ok, err)
	}
	return c
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

package sync

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ringside-pbx/ringside"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a store that forgets.
type memory struct {
	mu       sync.Mutex
	seq      uint64
	box      map[ringside.ParcelKind][]ringside.Parcel
	rejected []ringside.Rejection
	settled  int
	refs     []ringside.CallRef
	requeued []string
	cursors  map[string][]byte
	contacts map[string]ringside.ContactChange
	gens     map[string]uint64
	notes    []ringside.Annotation
	fail     error // of everything that writes
	looks    int   // at the outboxes

	grown map[ringside.ParcelKind]chan struct{}
}

func newMemory() *memory {
	return &memory{
		box: map[ringside.ParcelKind][]ringside.Parcel{}, cursors: map[string][]byte{},
		contacts: map[string]ringside.ContactChange{}, gens: map[string]uint64{},
		grown: map[ringside.ParcelKind]chan struct{}{
			ringside.CallParcel: make(chan struct{}, 1), ringside.CDRParcel: make(chan struct{}, 1),
		},
	}
}

// add records calls with the given ids.
func (m *memory) add(ids ...string) {
	for _, id := range ids {
		c := ringside.Call{ID: id, Schema: 1, Revision: 1, Caller: "+79001234567", Called: "100", Start: time.Now(), End: time.Now()}
		m.put(c)
	}
}

func (m *memory) put(c ringside.Call) {
	data, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	m.mu.Lock()
	m.seq++
	box := slices.DeleteFunc(m.box[ringside.CallParcel], func(p ringside.Parcel) bool { return p.CallID == c.ID })
	m.box[ringside.CallParcel] = append(box, ringside.Parcel{Seq: m.seq, CallID: c.ID, Revision: c.Revision, Data: data})
	m.mu.Unlock()
	m.wake(ringside.CallParcel)
}

func (m *memory) wake(kind ringside.ParcelKind) {
	select {
	case m.grown[kind] <- struct{}{}:
	default:
	}
}

func (m *memory) waiting(kind ringside.ParcelKind) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.box[kind])
}

func (m *memory) Outbox(_ context.Context, kind ringside.ParcelKind, after uint64, limit, maxBytes int) (list []ringside.Parcel, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looks++
	size := 0
	for _, p := range m.box[kind] {
		if p.Seq > after && len(list) < limit && (len(list) == 0 || size+len(p.Data) <= maxBytes) {
			list = append(list, p)
			size += len(p.Data)
		}
	}
	return list, nil
}

func (m *memory) Grown(kind ringside.ParcelKind) <-chan struct{} { return m.grown[kind] }

func (m *memory) Settle(_ context.Context, kind ringside.ParcelKind, list []ringside.Settlement) error {
	m.mu.Lock()
	if m.fail != nil {
		m.mu.Unlock()
		return m.fail
	}
	cdrs := false
	for _, s := range list {
		i := slices.IndexFunc(m.box[kind], func(p ringside.Parcel) bool { return p.Seq == s.Seq })
		if i < 0 {
			continue
		}
		p := m.box[kind][i]
		m.box[kind] = slices.Delete(m.box[kind], i, i+1)
		m.settled++
		if s.Rejection != nil {
			m.rejected = append(m.rejected, *s.Rejection)
		} else if s.CDRs {
			m.seq++
			p.Seq = m.seq
			m.box[ringside.CDRParcel] = append(m.box[ringside.CDRParcel], p)
			cdrs = true
		}
	}
	m.mu.Unlock()
	if cdrs {
		m.wake(ringside.CDRParcel)
	}
	return nil
}

func (m *memory) Backlog(context.Context) (b ringside.Backlog, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b.Calls, b.CDRs, b.Rejected = len(m.box[ringside.CallParcel]), len(m.box[ringside.CDRParcel]), len(m.rejected)
	return b, nil
}

func (m *memory) Disk() (ringside.Disk, error) {
	return ringside.Disk{File: 1 << 20, Free: 1 << 40}, nil
}

func (m *memory) CallRefs(_ context.Context, _, _ time.Time, after string, limit int) ([]ringside.CallRef, string, error) {
	from, _ := strconv.Atoi(after)
	to := min(from+min(limit, 2), len(m.refs))
	next := ""
	if to < len(m.refs) {
		next = strconv.Itoa(to)
	}
	return m.refs[from:to], next, nil
}

func (m *memory) Requeue(_ context.Context, ids ...string) (int, error) {
	m.requeued = append(m.requeued, ids...)
	return len(ids), nil
}

func (m *memory) ApplyContacts(_ context.Context, changes []ringside.ContactChange, generation uint64, name string, cursor []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for _, c := range changes {
		if delete(m.contacts, c.ID); !c.Deleted {
			m.contacts[c.ID], m.gens[c.ID] = c, generation
		}
	}
	m.cursors[name] = cursor
	return nil
}

func (m *memory) SweepContacts(_ context.Context, keep uint64) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.contacts {
		if m.gens[id] != keep {
			delete(m.contacts, id)
			n++
		}
	}
	return n, nil
}

func (m *memory) ids() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for id := range m.contacts {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (m *memory) ApplyAnnotations(_ context.Context, list []ringside.Annotation, name string, cursor []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notes = append(m.notes, list...)
	m.cursors[name] = cursor
	return len(list), nil
}

func (m *memory) Cursor(_ context.Context, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.cursors[name]), nil
}

func (m *memory) SetCursor(_ context.Context, name string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cursors[name] = bytes.Clone(value)
	if value == nil {
		delete(m.cursors, name)
	}
	return nil
}

// shelf takes directories and gives edits.
type shelf struct {
	mu       sync.Mutex
	base     ringside.Snapshot
	offers   []Document
	answer   error
	offered  Offered
	pending  []ringside.Edit
	verdicts []ringside.EditVerdict
	edited   chan struct{}
}

func newShelf() *shelf { return &shelf{edited: make(chan struct{}, 1)} }

func (s *shelf) OfferDirectory(_ context.Context, d Document) (Offered, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offers = append(s.offers, d)
	if s.answer == nil {
		s.base.ETag = d.ETag
	}
	return s.offered, s.answer
}

func (s *shelf) DirectoryETag() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base.ETag
}

func (s *shelf) PendingEdits(context.Context) ([]ringside.Edit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pending), nil
}

func (s *shelf) SettleEdits(_ context.Context, verdicts []ringside.EditVerdict) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verdicts = append(s.verdicts, verdicts...)
	s.pending = slices.DeleteFunc(s.pending, func(e ringside.Edit) bool {
		return slices.ContainsFunc(verdicts, func(v ringside.EditVerdict) bool { return v.ID == e.ID })
	})
	return nil
}

func (s *shelf) Edited() <-chan struct{}  { return s.edited }
func (s *shelf) DirectoryVersion() string { return "42" }

func (s *shelf) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.offers)
}

// phones is where calls happen.
type phones struct{ changes chan ringside.Call }

func (p *phones) Watch(ctx context.Context) <-chan ringside.Call {
	out := make(chan ringside.Call)
	go func() {
		defer close(out)
		for {
			select {
			case <-ctx.Done():
				return
			case c := <-p.changes:
				out <- c
			}
		}
	}()
	return out
}

func (p *phones) LastOffer() time.Time { return time.Time{} }

func (p *phones) Counts() (live, waiting int) { return 1, 2 }

// inProcess is a way to a handler without a network; it behaves as net/http does towards a request's
// context.
type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	rec, done := httptest.NewRecorder(), make(chan bool, 1)
	go func() {
		defer func() { done <- recover() == nil }()
		t.handler.ServeHTTP(rec, r.Clone(ctx))
	}()
	select {
	case <-r.Context().Done():
		<-done // handlers honour their context
		return nil, r.Context().Err()
	case whole := <-done:
		if !whole {
			return nil, io.ErrUnexpectedEOF
		}
		return rec.Result(), nil
	}
}

// site is a link with everything around it.
type site struct {
	t     *testing.T
	store *memory
	dir   *shelf
	calls *phones
	link  *Link
	log   *lines
	mux   *http.ServeMux

	mu   sync.Mutex
	hits map[string]int
}

// lines is a log that the test reads.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// count is how many lines at Warn or Info hold the text.
func (l *lines) count(text string) int { return strings.Count(l.String(), text) }

// newSite makes a link to the CRM that the routes make up; paths without a route answer 404.
func newSite(t *testing.T, routes map[string]http.HandlerFunc, set ...func(*Options)) *site {
	t.Helper()
	s := &site{
		t: t, store: newMemory(), dir: newShelf(), calls: &phones{changes: make(chan ringside.Call, 10)},
		log: &lines{}, mux: http.NewServeMux(), hits: map[string]int{},
	}
	for pattern, h := range routes {
		s.mux.HandleFunc(pattern, h)
	}
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.hits[r.Method+" "+r.URL.Path]++
		s.mu.Unlock()
		s.mux.ServeHTTP(w, r)
	})
	opt := Options{
		Node: "office", Version: "test", URL: &url.URL{Scheme: "https", Host: "crm.example", Path: "/v1/"},
		Config: true, Transport: inProcess{counted}, Store: s.store, Directory: s.dir, Calls: s.calls,
		Log: slog.New(slog.NewTextHandler(s.log, nil)),
	}
	for _, f := range set {
		f(&opt)
	}
	s.link = New(opt)
	return s
}

func (s *site) hit(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits[what]
}

func (s *site) start() {
	s.link.Start()
	s.t.Cleanup(func() { _ = s.link.Stop(context.Background()) })
}

func (s *site) status() Status {
	s.t.Helper()
	st, err := s.link.Status(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

// answerJSON answers with a value as JSON.
func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// taker is a CRM's POST calls: it decides on each item.
type taker struct {
	mu       sync.Mutex
	arrivals map[string]int
	order    []string
	requests int
	decide   func(key string) Result
	whole    func(w http.ResponseWriter, r *http.Request, b CallBatch) bool // answers for the batch
}

func newTaker() *taker { return &taker{arrivals: map[string]int{}} }

func (k *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var b CallBatch
	if err := readBatch(r, &b); err != nil {
		answerJSON(w, 400, ErrorBody{Error: err.Error()})
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.requests++
	if k.whole != nil && k.whole(w, r, b) {
		return
	}
	res := Results{Results: []Result{}}
	for _, it := range b.Items {
		one := Result{Key: it.Key, Status: Accepted}
		if k.decide != nil {
			one = k.decide(it.Key)
		}
		if one.Status == "" {
			continue
		}
		if one.Status == Accepted {
			k.arrivals[it.Key]++
			k.order = append(k.order, it.Key)
		}
		res.Results = append(res.Results, one)
	}
	answerJSON(w, 200, res)
}

func (k *taker) taken() (keys, doubled int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range k.arrivals {
		if n > 1 {
			doubled++
		}
	}
	return len(k.arrivals), doubled
}

func readBatch(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	plain, _, why := plainBody(r, body, 64<<20)
	if why != "" {
		return errors.New(why)
	}
	return json.Unmarshal(plain, into)
}

func numbered(prefix string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s-%05d", prefix, i)
	}
	return ids
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// pass lets time go by in a bubble, until everybody has done what that time brings.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

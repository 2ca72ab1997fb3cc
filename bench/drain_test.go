package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/store"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// sink is a CRM that takes everything: it decompresses, reads the keys and answers for each.
type sink struct {
	server *http.Server
	addr   string

	mu          sync.Mutex
	closed      bool // answers 503
	keep        bool
	bodies      [][]byte // as they came, if kept
	records     int
	keys        map[string]int
	first, last time.Time
}

func newSink(t *testing.T) *sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{addr: l.Addr().String(), keys: map[string]int{}}
	s.server = &http.Server{Handler: s}
	go func() { _ = s.server.Serve(l) }()
	t.Cleanup(func() { _ = s.server.Close() })
	return s
}

func (s *sink) reset(keep bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records, s.first, s.last, s.keys, s.keep = 0, time.Time{}, time.Time{}, map[string]int{}, keep
	if keep {
		s.bodies = nil
	}
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records
}

func (s *sink) gate(closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = closed
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	switch {
	case closed:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case r.URL.Path == "/calls":
		s.take(w, r)
		return
	case r.URL.Path == "/config":
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") != "" {
			select {
			case <-time.After(20 * time.Second):
			case <-r.Context().Done():
			}
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = io.WriteString(w, "{}")
}

func (s *sink) take(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	plain := body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err == nil {
			plain, err = io.ReadAll(z)
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
	}
	keys := keysOf(plain)
	s.mu.Lock()
	if s.first.IsZero() {
		s.first = begun
	}
	if s.keep {
		s.bodies = append(s.bodies, body)
	}
	for _, k := range keys {
		if strings.HasPrefix(k, "old-") {
			s.records++
		}
		s.keys[k]++
	}
	s.last = time.Now()
	s.mu.Unlock()
	res := bytes.NewBuffer(make([]byte, 0, 64*len(keys)))
	res.WriteString(`{"results":[`)
	for i, k := range keys {
		if i > 0 {
			res.WriteByte(',')
		}
		fmt.Fprintf(res, `{"key":%q,"status":"accepted"}`, k)
	}
	res.WriteString(`]}`)
	_, _ = w.Write(res.Bytes())
}

// keysOf finds the keys of a batch without reading the records.
func keysOf(body []byte) (keys []string) {
	mark := []byte(`{"key":"`)
	for {
		i := bytes.Index(body, mark)
		if i < 0 {
			return keys
		}
		body = body[i+len(mark):]
		end := bytes.IndexByte(body, '"')
		keys = append(keys, string(body[:end]))
	}
}

// backlog makes a store with finished calls that nobody has taken.
func backlog(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backlog.db")
	s, err := store.Open(t.Context(), store.Options{Path: path, Node: "old", MaxPending: 1 << 20, MaxPendingBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now().Add(-7 * 24 * time.Hour)
	for i := range n {
		at := begin.Add(time.Duration(i) * 600 * time.Millisecond)
		s.Finish(ringside.Call{
			ID: fmt.Sprintf("old-%d.%d", at.Unix(), i), Node: "old", PBX: "asterisk", Channel: fmt.Sprintf("PJSIP/trunk-%08x", i), Endpoint: "trunk",
			Caller: caller(i), CallerE164: "+" + caller(i), Called: called(i), CalledE164: "+" + called(i), Direction: ringside.Inbound,
			Status: ringside.StatusAnswered, Disposition: ringside.EndTalked, RoutedTo: "101", Start: at, Answer: at.Add(7 * time.Second),
			End: at.Add(100 * time.Second), Duration: 93, Version: "42", Rule: &ringside.Ref{ID: int64(i % rules), Name: "Mobiles to sales"},
			Group: &ringside.Ref{ID: 3, Name: "Sales"},
			Legs:  []ringside.Leg{{Kind: "dial", Targets: []string{"101"}, Group: 3, Start: at, Answer: at.Add(7 * time.Second), End: at.Add(100 * time.Second), Answered: "101", Result: "answered"}},
			Trace: []ringside.Step{
				{Step: "rule", Rule: 5, Name: "Mobiles to sales", Matched: true, Why: "called number matches"},
				{Step: "member", Group: 3, Member: "101", Matched: true, Why: "is free and next in turn"},
			},
		}, nil, nil)
		if i%50_000 == 49_999 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st := s.State(); st.Dropped > 0 {
		t.Fatalf("%d records were lost", st.Dropped)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// draining gives a daemon a copy of a backlog and a CRM.
func draining(t *testing.T, from string, s *sink) *daemon {
	t.Helper()
	d := newDaemon(t)
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(filepath.Join(filepath.Dir(d.config), "ringside.db"), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(d.config)
	if err != nil {
		t.Fatal(err)
	}
	crm := "crm: {url: 'http://" + s.addr + "/', contacts: false, annotations: false, cdrs: false, events: false}\n"
	if err := os.WriteFile(d.config, append(text, crm...), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// P11, first half: a backlog drained by ringside, beside the same bodies sent by a client that does
// nothing else.
func TestBenchDrain(t *testing.T) {
	gate(t)
	n, rounds := setting("RINGSIDE_BENCH_BACKLOG", 1_000_000), setting("RINGSIDE_BENCH_ROUNDS", 5)
	from := backlog(t, n)
	s := newSink(t)
	var ours, bare, zipping []float64
	for round := range rounds {
		s.reset(round == 0)
		d := draining(t, from, s)
		d.start()
		for deadline := time.Now().Add(10 * time.Minute); s.count() < n; {
			if time.Now().After(deadline) {
				t.Fatalf("only %d of %d records arrived", s.count(), n)
			}
			time.Sleep(10 * time.Millisecond)
		}
		ours = append(ours, float64(n)/s.last.Sub(s.first).Seconds())
		doubled := 0
		for _, times := range s.keys {
			if times > 1 {
				doubled++
			}
		}
		if len(s.keys) < n || doubled > 0 {
			t.Errorf("%d different records arrived, %d of them more than once", len(s.keys), doubled)
		}
		rss, own := d.memory()
		fmt.Printf("round %d: %.0f records/s, RSS %.0f MB (%.0f without the file's pages)\n", round+1, ours[round], rss, own)
		var status crmsync.Status
		if err := json.Unmarshal([]byte(d.run("sync", "status", "--json")), &status); err != nil {
			t.Fatal(err)
		}
		d.stop()
		s.reset(false)
		bare = append(bare, bareDrain(t, s, n))
		s.reset(false)
		zipping = append(zipping, zippingDrain(t, s, n))
	}
	var zipped int
	for _, b := range s.bodies {
		zipped += len(b)
	}
	fmt.Printf("P11: %d records in %d batches (%d MB compressed), medians of %d rounds: ringside %.0f/s; "+
		"a bare client with the bodies ready %.0f/s, ratio %.2f; one that compresses them %.0f/s, ratio %.2f\n",
		n, len(s.bodies), zipped>>20, rounds, median(ours), median(bare), median(ours)/median(bare), median(zipping), median(ours)/median(zipping))
}

// bareDrain sends the bodies of the first round again.
func bareDrain(t *testing.T, s *sink, n int) float64 {
	t.Helper()
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for _, body := range s.bodies {
		if err := bareSend(t.Context(), client, s.addr, body); err != nil {
			t.Fatal(err)
		}
	}
	return float64(n) / s.last.Sub(s.first).Seconds()
}

// zippingDrain sends as many records as bareDrain, and compresses them on the way as ringside does.
func zippingDrain(t *testing.T, s *sink, n int) float64 {
	t.Helper()
	client := &http.Client{}
	defer client.CloseIdleConnections()
	var plain [][]byte
	for _, body := range s.bodies[:min(len(s.bodies), 100)] {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		plain = append(plain, text)
	}
	z, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.bodies {
		var b bytes.Buffer
		z.Reset(&b)
		if _, err := z.Write(plain[i%len(plain)]); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := bareSend(t.Context(), client, s.addr, b.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	return float64(n) / s.last.Sub(s.first).Seconds()
}

func bareSend(ctx context.Context, client *http.Client, addr string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/calls", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if len(body) > 2 && body[0] == 0x1f {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return err
}

// P11, second half: live decisions while a backlog drains. Beside it, in the same rounds, decisions
// while a bare client sends as many of the same bodies: what the CRM on this machine takes.
func TestBenchDecisionsWhileDraining(t *testing.T) {
	gate(t)
	n, rounds := setting("RINGSIDE_BENCH_BACKLOG", 1_000_000), setting("RINGSIDE_BENCH_ROUNDS", 5)
	span := time.Duration(setting("RINGSIDE_BENCH_MS", 1500)) * time.Millisecond
	s := newSink(t)
	s.reset(true)
	s.gate(true)
	d := draining(t, backlog(t, n), s)
	d.start()
	a := &asterisk{d.addr, true}
	_ = paced(t, a, 100, time.Second)
	var quiet, busy, bare []time.Duration
	for round := range rounds {
		q := paced(t, a, 100, span)
		s.gate(false)
		d.run("sync", "refresh")
		before, begun := s.count(), time.Now()
		b := paced(t, a, 100, span)
		rate := float64(s.count()-before) / time.Since(begun).Seconds()
		s.gate(true)
		if rate == 0 || s.count() >= n {
			t.Fatalf("round %d: %d of %d records have arrived: there is no backlog to drain", round+1, s.count(), n)
		}
		stop := bareStream(t, s, rate)
		f := paced(t, a, 100, span)
		stop()
		quiet, busy, bare = append(quiet, q.at(0.99)), append(busy, b.at(0.99)), append(bare, f.at(0.99))
		fmt.Printf("round %d: p50, p99 quiet %v %v; draining %.0f records/s %v %v; bare client at that rate %v %v\n", round+1,
			q.at(0.5), q.at(0.99), rate, b.at(0.5), b.at(0.99), f.at(0.5), f.at(0.99))
	}
	fmt.Printf("P11: decisions at 100/s, medians of %d rounds: p99 %v quiet, %v draining (%.2f), %v beside a bare client (%.2f)\n", rounds,
		median(quiet), median(busy), float64(median(busy))/float64(median(quiet)), median(bare), float64(median(bare))/float64(median(quiet)))
}

// bareStream sends the kept bodies again and again at so many records a second, until stop.
func bareStream(t *testing.T, s *sink, perSecond float64) (stop func()) {
	t.Helper()
	other := newSink(t) // the first one is closed to the daemon
	s.mu.Lock()
	bodies := s.bodies
	s.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		client := &http.Client{}
		defer client.CloseIdleConnections()
		tick := time.NewTicker(time.Duration(500 / perSecond * float64(time.Second)))
		defer tick.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			_ = bareSend(ctx, client, other.addr, bodies[i%len(bodies)])
			<-tick.C
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// paced places calls at an even rate.
func paced(t *testing.T, a *asterisk, perSecond int, span time.Duration) load {
	t.Helper()
	var mu sync.Mutex
	var all load
	var wg sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for end := time.Now().Add(span); time.Now().Before(end); {
		<-tick.C
		wg.Go(func() {
			var one load
			one.add(t, a, make([]byte, 4096))
			mu.Lock()
			defer mu.Unlock()
			all.join(&one)
		})
	}
	wg.Wait()
	return all
}

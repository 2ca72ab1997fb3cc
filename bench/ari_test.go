package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// exchange is as much of an Asterisk's REST interface as it takes to hand a call over and to see the first
// thing that is asked about it. Then the caller leaves.
type exchange struct {
	addr string
	conn chan *websocket.Conn

	mu    sync.Mutex
	id    string // of the call that has been handed over
	first chan time.Time
}

func newExchange(t *testing.T) *exchange {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &exchange{addr: l.Addr().String(), conn: make(chan *websocket.Conn, 1), first: make(chan time.Time, 1)}
	s := &http.Server{Handler: x}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return x
}

// ServeHTTP takes the WebSocket and all requests.
func (x *exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/events"):
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"ari"}})
		if err == nil {
			x.conn <- conn
			_, _, _ = conn.Read(context.Background()) // until the other side ends it; answers pings meanwhile
		}
		return
	case r.Method == http.MethodGet && (strings.HasSuffix(r.URL.Path, "/channels") || strings.HasSuffix(r.URL.Path, "/bridges")):
		_, _ = io.WriteString(w, "[]")
		return
	case r.Method == http.MethodGet:
		_, _ = io.WriteString(w, "{}")
		return
	}
	at := time.Now()
	body, _ := io.ReadAll(r.Body)
	x.mu.Lock()
	mine := x.id != "" && (strings.Contains(r.URL.Path, x.id) || bytes.Contains(body, []byte(x.id)))
	if mine {
		x.id = ""
	}
	x.mu.Unlock()
	if mine {
		x.first <- at
	}
	w.WriteHeader(http.StatusNoContent)
}

func channelJSON(i int, id string) string {
	return fmt.Sprintf(`"timestamp":"2026-11-23T02:51:03.224+0000","channel":{"id":%q,"name":"PJSIP/trunk-%08x","state":"Ring","protocol_id":"1-3034@127.0.0.2",`+
		`"caller":{"name":"caller","number":%q},"connected":{"name":"","number":""},"accountcode":"","dialplan":{"context":"from-trunk","exten":%q,"priority":1,`+
		`"app_name":"Stasis","app_data":"ringside,route"},"creationtime":"2026-11-23T02:51:03.224+0000","language":"en"},"asterisk_id":"02:fc:00:00:00:01","application":"ringside"}`,
		id, i, caller(i), called(i))
}

// call hands one call over and gives the time until the first request about it.
func (x *exchange) call(t *testing.T, conn *websocket.Conn, i int) time.Duration {
	t.Helper()
	id := fmt.Sprintf("pbx-1795402263.%d", i)
	x.mu.Lock()
	x.id = id
	x.mu.Unlock()
	write := func(event string) {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(event)); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	write(fmt.Sprintf(`{"type":"StasisStart","args":["route",%q,%q],`, id, called(i)) + channelJSON(i, id))
	var took time.Duration
	select {
	case at := <-x.first:
		took = at.Sub(began)
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was asked about the call")
	}
	write(`{"type":"StasisEnd",` + channelJSON(i, id))
	// What the call leaves to be done is not the next one's: at 100 calls/s there is time for it.
	time.Sleep(pause)
	return took
}

// pause is between two calls.
const pause = 4 * time.Millisecond

// asARIFloor tells the test binary that it is the floor's process, and holds the URL.
const asARIFloor = "RINGSIDE_BENCH_ARI_FLOOR"

// ariFloor is the least that any ARI client in Go has to do: read an event, see that it is a StasisStart,
// answer the channel.
func ariFloor(base string) int {
	ctx := context.Background()
	conn, _, err := websocket.Dial(ctx, "ws://"+base+"/ari/events?app=ringside", nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	client := &http.Client{}
	for {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			return 0
		}
		var ev struct {
			Type    string
			Channel struct{ ID string }
		}
		if json.Unmarshal(frame, &ev) != nil || ev.Type != "StasisStart" {
			continue
		}
		go func() {
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+base+"/ari/channels/"+ev.Channel.ID+"/answer", nil)
			req.SetBasicAuth("ringside", "secret")
			res, err := client.Do(req)
			if err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		}()
	}
}

// P7: from StasisStart to the first request, one call at a time, with what the daemon of the other figures
// holds.
func TestBenchARI(t *testing.T) {
	gate(t)
	ours, floor := newExchange(t), newExchange(t)
	d := newDaemon(t)
	text, err := os.ReadFile(d.config)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, fmt.Sprintf("ari: {url: 'http://%s/ari', password: secret}\n", ours.addr)...)
	if err := os.WriteFile(d.config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	d.start()
	d.loadContacts()
	startProcess(t, asARIFloor, floor.addr)
	sides := []struct {
		x    *exchange
		conn *websocket.Conn
		p50  []time.Duration
		p99  []time.Duration
	}{{x: floor}, {x: ours}}
	for i := range sides {
		sides[i].conn = <-sides[i].x.conn
	}
	time.Sleep(time.Second) // ringside looks what is there first
	calls, rounds := setting("RINGSIDE_BENCH_CALLS", 1000), setting("RINGSIDE_BENCH_ROUNDS", 5)
	n := 0
	for round := range rounds + 1 {
		for i := range sides {
			s := &sides[(round+i)%2]
			all := make([]time.Duration, calls)
			for c := range all {
				n++
				all[c] = s.x.call(t, s.conn, n)
			}
			if round > 0 { // the first one warms up
				slices.Sort(all)
				s.p50, s.p99 = append(s.p50, all[calls/2]), append(s.p99, all[calls*99/100])
			}
		}
	}
	fmt.Printf("\nARI, StasisStart to the first request, %d rules, %d contacts, a pause of %s between calls; medians of %d rounds of %d calls\n", rules, contacts, pause, rounds, calls)
	fmt.Printf("p50: bare client %v, ringside %v, ratio %.2f\n", median(sides[0].p50), median(sides[1].p50),
		float64(median(sides[1].p50))/float64(median(sides[0].p50)))
	fmt.Printf("p99: bare client %v, ringside %v, ratio %.2f\n", median(sides[0].p99), median(sides[1].p99),
		float64(median(sides[1].p99))/float64(median(sides[0].p99)))
}

package ari

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// fake is an Asterisk 22 with ARI, in memory, inside a bubble of testing/synctest. It behaves as the real one
// was measured to: the order of events, the words and numbers of refusals, and what it does not tell. Callers
// and phones are those of channeltest.Line.
type fake struct {
	t      testing.TB
	srv    *http.Server
	pipes  *channeltest.Listener
	work   sync.WaitGroup // the dialplan's and the phones' goroutines, and the sockets'
	closed chan struct{}

	mu       sync.Mutex
	apps     map[string]*fakeSocket // the connected ones
	channels map[string]*fakeChannel
	bridges  map[string]*fakeBridge
	plays    map[string]*fakePlay
	allowed  map[string]bool   // the kinds of events that are sent; nil for all
	played   map[string]bool   // the ids of all playbacks that were
	made     int               // numbers channels
	shows    map[string]string // what a phone shows, by its number
	ends     map[string]int    // the causes with which phones' channels were hung up by a request
	requests []string

	// How it misbehaves. The functions are called with the lock held.
	password string
	readOnly bool
	// speech is the application that the dialplan's task "speak" runs; empty for none.
	speech string
	// home has the phones that are rung for no caller.
	home *channeltest.Line
	// lacks are the modules that are not loaded.
	lacks []string
	// delays is how long the answer to a request takes.
	delays func(r fakeRequest) time.Duration
	// late is how much later than it arrives a request is carried out, also when nobody waits for it any more.
	late func(r fakeRequest) time.Duration
	// says answers a request in Asterisk's place; nil leaves it to Asterisk.
	says func(r fakeRequest) *fakeAnswer
	// loses reports whether an event about a channel is lost.
	loses func(kind, id string) bool
	// refuses is the status with which WebSockets are refused; 0 takes them, -1 lets nobody connect at all.
	refuses int
	// lag is how much later than its answer a command to a channel is carried out, as by Asterisk 16; those that
	// wait for the channel are answered so much later. 0 is Asterisk 22.
	lag time.Duration
	// deaf: WebSockets stay open, and nobody answers on them.
	deaf bool
}

// fakeRequest is a request as it stands on the wire.
type fakeRequest struct {
	method string
	path   []string
	params map[string]any
}

func (r fakeRequest) String() string { return r.method + " " + strings.Join(r.path, "/") }

// fakeAnswer is an answer that is not Asterisk's own. With hang there never is one.
type fakeAnswer struct {
	status int
	body   string
	hang   bool
}

func newFake(t testing.TB) *fake {
	f := &fake{
		t: t, pipes: channeltest.NewListener(8088), closed: make(chan struct{}),
		apps: map[string]*fakeSocket{}, channels: map[string]*fakeChannel{}, bridges: map[string]*fakeBridge{},
		plays: map[string]*fakePlay{}, shows: map[string]string{}, played: map[string]bool{}, ends: map[string]int{}, password: "secret", home: phones(map[string]*channeltest.Phone{}),
	}
	f.srv = &http.Server{Handler: f}
	f.work.Go(func() { _ = f.srv.Serve(f.pipes) })
	return f
}

// dial is how an App reaches it.
func (f *fake) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	f.mu.Lock()
	away := f.refuses < 0
	f.mu.Unlock()
	if away {
		return nil, fmt.Errorf("connection refused")
	}
	ours, theirs := net.Pipe()
	select {
	case f.pipes.Conns <- theirs:
		return ours, nil
	case <-f.pipes.Closed():
		return nil, fmt.Errorf("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// stop ends everything and waits until nothing is left.
func (f *fake) stop() {
	time.Sleep(5 * f.lag)
	synctest.Wait() // what was asked before is carried out
	close(f.closed)
	f.cut()
	_ = f.srv.Close()
	f.work.Wait()
}

// do does something to Asterisk's state.
func (f *fake) do(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// fakeSocket is one WebSocket; events wait in its queue, as many as there are.
type fakeSocket struct {
	conn  *websocket.Conn
	mu    sync.Mutex
	queue [][]byte
	more  chan struct{}
	over  chan struct{}
	once  sync.Once
}

func (s *fakeSocket) send(frame []byte) {
	s.mu.Lock()
	s.queue = append(s.queue, frame)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (s *fakeSocket) end() { s.once.Do(func() { close(s.over); _ = s.conn.CloseNow() }) }

func (s *fakeSocket) write() {
	for {
		s.mu.Lock()
		frames := s.queue
		s.queue = nil
		s.mu.Unlock()
		for _, frame := range frames {
			if s.conn.Write(context.Background(), websocket.MessageText, frame) != nil {
				return
			}
		}
		select {
		case <-s.more:
		case <-s.over:
			return
		}
	}
}

// socket is the request for a WebSocket.
func (f *fake) socket(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	refuses := f.refuses
	f.mu.Unlock()
	if refuses < 0 {
		refuses = http.StatusServiceUnavailable // over a connection from before
	}
	if refuses != 0 {
		http.Error(w, "<html>refused</html>", refuses)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{"ari"}, OnPingReceived: func(context.Context, []byte) bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			return !f.deaf
		},
	})
	if err != nil {
		return
	}
	s := &fakeSocket{conn: conn, more: make(chan struct{}, 1), over: make(chan struct{})}
	app := r.URL.Query().Get("app")
	f.mu.Lock()
	if old := f.apps[app]; old != nil {
		old.send(frame("ApplicationReplaced", map[string]any{"application": app}))
	}
	f.apps[app] = s
	f.mu.Unlock()
	f.work.Go(s.write)
	// Only a reader notices pings and the end.
	for err == nil {
		_, _, err = conn.Read(context.Background())
	}
	s.end()
	f.mu.Lock()
	if f.apps[app] == s {
		delete(f.apps, app)
	}
	f.mu.Unlock()
}

// cut breaks all WebSockets.
func (f *fake) cut() {
	f.mu.Lock()
	sockets := f.apps
	f.apps = map[string]*fakeSocket{}
	f.mu.Unlock()
	for _, s := range sockets {
		s.end()
	}
}

// raw sends a frame to the application as it is.
func (f *fake) raw(frames ...string) {
	f.mu.Lock()
	s := f.apps[testApp]
	f.mu.Unlock()
	for _, one := range frames {
		s.send([]byte(one))
	}
}

// testApp is the application's name.
const testApp = "ringside"

// event tells the application of a channel, if it is connected. The lock is held.
func (f *fake) event(kind string, c *fakeChannel, more map[string]any) {
	fields := map[string]any{}
	key := "channel"
	if kind == "Dial" {
		key = "peer"
	}
	fields[key] = c.snapshot()
	for k, v := range more {
		fields[k] = v
	}
	c.line.Wire("  %s %s %s %v", kind, c.name, c.state, compact(more))
	if f.loses != nil && f.loses(kind, c.id) {
		return
	}
	select {
	case <-c.line.Lost(): // in the same moment
	default:
		f.tell(kind, fields)
	}
}

// tell tells the application something. The lock is held.
func (f *fake) tell(kind string, fields map[string]any) {
	if s := f.apps[testApp]; s != nil && (f.allowed == nil || f.allowed[kind]) {
		s.send(frame(kind, fields))
	}
}

// frame is an event as Asterisk writes it.
func frame(kind string, fields map[string]any) []byte {
	head := map[string]any{}
	for k, v := range fields {
		head[k] = v
	}
	head["asterisk_id"], head["application"], head["timestamp"] = "02:fc:00:00:00:01", testApp, stamp(time.Now())
	rest, err := json.Marshal(head)
	if err != nil {
		panic(err)
	}
	return append([]byte(`{"type":"`+kind+`",`), rest[1:]...)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

// compact is some fields of an event, for the report of a case that failed.
func compact(fields map[string]any) string {
	var all []string
	for k, v := range fields {
		switch v.(type) {
		case string, int, bool, []string:
			all = append(all, fmt.Sprintf("%s=%v", k, v))
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// asked are the requests so far that match all words, without those that only read unless method GET is
// among the words.
func (f *fake) asked(words ...string) (all []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		ok := !strings.HasPrefix(r, "GET") && !strings.HasPrefix(r, "PUT") || slices.Contains(words, "GET")
		for _, w := range words {
			ok = ok && strings.Contains(r, w)
		}
		if ok {
			all = append(all, r)
		}
	}
	return all
}

func (f *fake) channel(id string) *fakeChannel {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.channels[id]
}

// body reads the parameters of a request: JSON, or the query.
func body(r *http.Request) (map[string]any, error) {
	p := map[string]any{}
	for k, v := range r.URL.Query() {
		p[k] = v[len(v)-1]
	}
	text, err := io.ReadAll(r.Body)
	if err != nil || len(text) == 0 {
		return p, err
	}
	in := map[string]any{}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, err
	}
	if string(text) == "null" {
		return nil, fmt.Errorf("null")
	}
	for k, v := range in {
		p[k] = v
	}
	return p, nil
}

// phones is a line of nobody's, for phones that are rung without a caller.
func phones(numbers map[string]*channeltest.Phone) *channeltest.Line {
	return channeltest.NewLine("house", numbers)
}

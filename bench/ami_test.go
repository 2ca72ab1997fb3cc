package bench

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/ami"
)

const (
	queueCount  = 500
	memberCount = 20
)

// events are what Asterisk says of queues in a busy time, as recorded, and what is true afterwards.
type events struct {
	raw    []byte
	chunks []int // ends of pieces of about 64 KB, between two events
	n      int
	state  [queueCount][memberCount]int
	calls  [queueCount]int
	taken  [queueCount][memberCount]int
}

func queueName(q int) string    { return fmt.Sprintf("queue%03d", q) }
func member(q, m int) string    { return fmt.Sprintf("PJSIP/%d", 10000+q*memberCount+m) }
func stamp(n int) string        { return fmt.Sprintf("1795548%03d.%06d", n/1000%1000, n*997%1000000) }
func callerID(n int) (s string) { return fmt.Sprintf("pbx-1795548772.%d", n) }

func (e *events) add(kind, format string, args ...any) {
	start := len(e.raw)
	text := fmt.Sprintf("Event: %s\nPrivilege: agent,all\nTimestamp: %s\nSystemName: pbx\n", kind, stamp(e.n)) + fmt.Sprintf(format, args...) + "\n"
	e.raw = append(e.raw, bytes.ReplaceAll([]byte(text), []byte("\n"), []byte("\r\n"))...)
	e.n++
	if last := len(e.chunks) - 1; last < 0 || start-e.chunks[last] >= 64<<10 {
		e.chunks = append(e.chunks, start)
	}
}

func (e *events) status(q, m, status, inCall int) {
	e.state[q][m] = status
	e.add("QueueMemberStatus", "Queue: %s\nMemberName: Agent %d\nInterface: %s\nStateInterface: %s\nMembership: static\nPenalty: 0\n"+
		"CallsTaken: %d\nLastCall: 1795548771\nLastPause: 0\nLoginTime: 1795548760\nInCall: %d\nStatus: %d\nPaused: 0\nPausedReason: \n"+
		"Ringinuse: 0\nWrapuptime: 0\n", queueName(q), m, member(q, m), member(q, m), e.taken[q][m], inCall, status)
}

func channelOf(n int, prefix string) string {
	return fmt.Sprintf("%[1]sChannel: PJSIP/plain-%08[2]x\n%[1]sChannelState: 6\n%[1]sChannelStateDesc: Up\n%[1]sCallerIDNum: +7900555%04[2]d\n"+
		"%[1]sCallerIDName: Anna\n%[1]sConnectedLineNum: <unknown>\n%[1]sConnectedLineName: <unknown>\n%[1]sLanguage: en\n%[1]sAccountCode: \n"+
		"%[1]sContext: from-plain\n%[1]sExten: 22support\n%[1]sPriority: 2\n%[1]sUniqueid: %[3]s\n%[1]sLinkedid: %[3]s\n", prefix, n, callerID(n))
}

// makeEvents makes calls one after the other, each through another queue, and the status of members in
// other queues.
func makeEvents(n int) *events {
	e := &events{}
	for call := 0; e.n < n; call++ {
		q, m := call%queueCount, call/7%memberCount
		who := channelOf(call, "")
		e.add("QueueCallerJoin", "%sQueue: %s\nPosition: 1\nCount: 1\n", who, queueName(q))
		e.add("AgentCalled", "%s%sQueue: %s\nInterface: %s\nMemberName: Agent %d\n", who, channelOf(call+1, "Dest"), queueName(q), member(q, m), m)
		e.status(q, m, 6, 0)
		for i := range 4 {
			e.status((q+17*i+5)%queueCount, (m+i+1)%memberCount, 1+(call+i)%8, 0)
		}
		e.add("QueueCallerLeave", "%sQueue: %s\nPosition: 1\nCount: 0\n", who, queueName(q))
		e.status(q, m, 2, 1)
		e.taken[q][m]++
		e.calls[q]++
		e.add("AgentComplete", "%s%sQueue: %s\nInterface: %s\nMemberName: Agent %d\nHoldTime: 6\nTalkTime: 60\nReason: caller\n",
			who, channelOf(call+1, "Dest"), queueName(q), member(q, m), m)
		e.status(q, m, 1, 0)
	}
	e.add("QueueMemberPenalty", "Queue: end\nMemberName: End\nInterface: PJSIP/1\nStateInterface: PJSIP/1\nMembership: static\nPenalty: 7\n"+
		"CallsTaken: 0\nLastCall: 0\nLastPause: 0\nLoginTime: 0\nInCall: 0\nStatus: 1\nPaused: 0\nPausedReason: \nRinginuse: 0\nWrapuptime: 0\n")
	e.chunks = append(e.chunks[1:], len(e.raw))
	return e
}

// stream writes all events as fast as they are read.
func (e *events) stream(conn net.Conn) error {
	start := 0
	for _, end := range e.chunks {
		if _, err := conn.Write(e.raw[start:end]); err != nil {
			return err
		}
		start = end
	}
	return nil
}

// manager is a manager interface with queues, which streams events when it is told.
type manager struct {
	l    net.Listener
	conn chan net.Conn
	mu   sync.Mutex
	busy bool // streams, and answers nothing
}

func newManager(t *testing.T) *manager {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &manager{l: l, conn: make(chan net.Conn, 1)}
}

// serve speaks with one client.
func (m *manager) serve() {
	conn, err := m.l.Accept()
	if err != nil {
		return
	}
	_, _ = conn.Write([]byte("Asterisk Call Manager/11.0.0\r\n"))
	m.conn <- conn
	buf, n := make([]byte, 64<<10), 0
	for {
		more, err := conn.Read(buf[n:])
		if err != nil {
			return
		}
		n += more
		for {
			end := bytes.Index(buf[:n], []byte("\r\n\r\n"))
			if end < 0 {
				break
			}
			request := ami.ParseMessage(string(buf[:end+2])).Clone()
			n = copy(buf, buf[end+4:n])
			m.answer(conn, request)
		}
	}
}

func (m *manager) answer(conn net.Conn, request ami.Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.busy {
		return
	}
	var b bytes.Buffer
	say := func(format string, args ...any) {
		first, rest, _ := strings.Cut(fmt.Sprintf(format, args...), "\n")
		fmt.Fprintf(&b, "%s\nActionID: %s\n%s\n\n", first, request.Get("ActionID"), rest)
	}
	switch action := request.Get("Action"); action {
	case "Login":
		say("Response: Success\nMessage: Authentication accepted")
		b.WriteString("Event: FullyBooted\nPrivilege: system,all\nStatus: Fully Booted\n\n")
	case "QueueSummary":
		say("Response: Success\nEventList: start")
		for q := range queueCount {
			say("Event: QueueSummary\nQueue: %s", queueName(q))
		}
		say("Event: QueueSummary\nQueue: end")
		say("Event: QueueSummaryComplete\nEventList: Complete")
	case "QueueStatus":
		say("Response: Success\nEventList: start")
		name, q := request.Get("Queue"), -1
		_, _ = fmt.Sscanf(name, "queue%d", &q)
		say("Event: QueueParams\nQueue: %s\nMax: 0\nStrategy: rrmemory\nServiceLevel: 10", name)
		for i := range memberCount {
			if q >= 0 {
				say("Event: QueueMember\nQueue: %s\nName: Agent %d\nLocation: %s\nMembership: static\nStatus: 5", name, i, member(q, i))
			}
		}
		if q < 0 {
			say("Event: QueueMember\nQueue: end\nName: End\nLocation: PJSIP/1\nMembership: static\nStatus: 1")
		}
		say("Event: QueueStatusComplete\nEventList: Complete")
	case "CoreShowChannels", "DeviceStateList", "Status":
		say("Response: Success\nEventList: start")
		say("Event: %sComplete\nEventList: Complete", action)
	default:
		say("Response: Success\nPing: Pong")
	}
	_, _ = conn.Write(bytes.ReplaceAll(b.Bytes(), []byte("\n"), []byte("\r\n")))
}

// raw reads all events into a buffer, and no more.
func (m *manager) raw(t *testing.T, e *events) time.Duration {
	t.Helper()
	client, err := net.Dial("tcp", m.l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	conn, err := m.l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	failed := make(chan error, 1)
	began := time.Now()
	go func() { failed <- e.stream(conn) }()
	buf := make([]byte, 64<<10)
	for left := len(e.raw); left > 0; {
		n, err := client.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		left -= n
	}
	took := time.Since(began)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	return took
}

// digested has ringside keep its picture of the queues by the events.
func (m *manager) digested(t *testing.T, e *events) time.Duration {
	t.Helper()
	m.busy = false
	go m.serve()
	pbx := ami.New(ami.Options{
		Login:     ami.Login{Address: m.l.Addr().String(), Username: "ringside", Secret: ringside.NewSecret("secret"), Plain: true},
		Places:    ami.Places{Extension: "PJSIP/${number}"},
		Keepalive: time.Hour, Reconcile: 1000 * time.Hour,
	})
	pbx.Start()
	defer func() { _ = pbx.Stop(context.Background()) }()
	for !pbx.State().Up || pbx.State().Ping == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond) // what is asked at first is answered then
	conn := <-m.conn
	m.mu.Lock()
	m.busy = true
	m.mu.Unlock()
	before := pbx.QueueFigures()
	failed := make(chan error, 1)
	began := time.Now()
	go func() { failed <- e.stream(conn) }()
	for {
		if end, _ := pbx.Queue("end"); len(end.Members) == 1 && end.Members[0].Penalty == 7 {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatal("the last event has not been digested")
		}
		time.Sleep(500 * time.Microsecond)
	}
	took := time.Since(began)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	e.check(t, pbx)
	if f := pbx.QueueFigures(); f.Doubts != before.Doubts || f.Drift != 0 {
		t.Errorf("%+v after %+v", f, before)
	}
	return took
}

// check compares what ringside knows with what the events have said.
func (e *events) check(t *testing.T, pbx *ami.PBX) {
	t.Helper()
	states := []ringside.DeviceState{
		"unknown", "idle", "in_use", "busy", "invalid", "unavailable", "ringing", "ring_in_use", "on_hold",
	}
	for q := range queueCount {
		k, _ := pbx.Queue(queueName(q))
		if len(k.Members) != memberCount || len(k.Callers) != 0 || k.Completed != e.calls[q] || k.Stale {
			t.Fatalf("%s: %d members, %d callers, %d completed, want %d", k.Name, len(k.Members), len(k.Callers), k.Completed, e.calls[q])
		}
		by := map[string]ringside.PBXQueueMember{}
		for _, m := range k.Members {
			by[m.Interface] = m
		}
		for m := range memberCount {
			want := ringside.DeviceUnavailable // nothing has been said
			if e.state[q][m] != 0 {
				want = states[e.state[q][m]]
			}
			if got := by[member(q, m)]; got.State != want || got.CallsTaken != e.taken[q][m] {
				t.Fatalf("%s: %+v, want %s and %d calls", k.Name, got, want, e.taken[q][m])
			}
		}
	}
}

// P8: events of 500 queues with 20 members each, kept up to date by them, and the same bytes merely read.
func TestBenchManagerEvents(t *testing.T) {
	gate(t)
	e := makeEvents(setting("RINGSIDE_BENCH_EVENTS", 300_000))
	rounds := setting("RINGSIDE_BENCH_ROUNDS", 7)
	m := newManager(t)
	var floor, ours []float64
	for round := range rounds + 1 {
		raw, digested := m.raw(t, e), m.digested(t, e)
		if round > 0 {
			floor = append(floor, float64(e.n)/raw.Seconds())
			ours = append(ours, float64(e.n)/digested.Seconds())
		}
	}
	fmt.Printf("\nEvents of %d queues with %d members, %d of %d bytes on average; medians of %d rounds\n", queueCount, memberCount,
		e.n, len(e.raw)/e.n, rounds)
	fmt.Printf("merely read %.0f/s, digested %.0f/s: ratio %.2f\n", median(floor), median(ours), median(ours)/median(floor))
}

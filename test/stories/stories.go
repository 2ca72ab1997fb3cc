// Package stories tells what becomes of calls for the people in them and in the records, whatever PBX they
// come over: each front end's tests run the same stories through its own door and a real switchboard.
package stories

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/calls"
	"github.com/ringside-pbx/ringside/internal/channeltest"
	"github.com/ringside-pbx/ringside/routing"
)

// story is one or more calls, and what is to become of them.
type story struct {
	name   string
	called string // empty is 500
	group  func(g *ringside.RingGroup)
	rule   *ringside.Destination // in place of the group
	phones map[string]*channeltest.Phone
	// then acts after the calls have come in.
	then func(lines []*channeltest.Line)
	// also are further callers, by when they come.
	also []time.Duration
	// want is each call's record in words, then what it came to for the caller.
	want []string
	seen string
}

// Run holds a door to the stories.
func Run(t *testing.T, door channeltest.Door) {
	for _, s := range all() {
		t.Run(s.name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { s.tell(t, door) }) })
	}
}

func all() []story {
	queue := func(g *ringside.RingGroup) { g.Members = g.Members[:1] }
	to := func(d ringside.Destination) *ringside.Destination { return &d }
	return []story{
		{
			name:   "the first member answers",
			phones: phones("101", "102"),
			want:   []string{"answered/talked cause 16 routed to 101, 30 s; dial 101: answered by 101, 16 | hung up 16"},
			seen:   "101 rings, 101 talks, 101 hangs up",
		},
		{
			name:   "the next member answers",
			phones: map[string]*channeltest.Phone{"101": {}, "102": {Answers: 2 * time.Second, Talk: 30 * time.Second}},
			want:   []string{"answered/talked cause 16 routed to 102, 30 s; dial 101: no_answer, 19; dial 102: answered by 102, 16 | hung up 16"},
			seen:   "101 rings, 101 stops, 102 rings, 102 talks, 102 hangs up",
		},
		{
			name:   "a busy and an unregistered member are passed over",
			phones: map[string]*channeltest.Phone{"101": {Busy: true}, "102": {Away: true}, "103": {Answers: 2 * time.Second, Talk: 30 * time.Second}},
			want:   []string{"answered/talked cause 16 routed to 103, 30 s; dial 101: busy, 17; dial 102: unavailable, 20; dial 103: answered by 103, 16 | hung up 16"},
			seen:   "103 rings, 103 talks, 103 hangs up",
		},
		{
			name:   "all are rung, and the first who answers has the call",
			group:  func(g *ringside.RingGroup) { g.Strategy = ringside.AllRing },
			phones: map[string]*channeltest.Phone{"101": {}, "102": {Answers: 3 * time.Second, Talk: 30 * time.Second}, "103": {Busy: true}},
			want:   []string{"answered/talked cause 16 routed to 102, 30 s; dial 101,102,103: answered by 102, 16 | hung up 16"},
		},
		{
			name:   "the caller hangs up while a phone rings",
			phones: map[string]*channeltest.Phone{"101": {}},
			then:   leaveAfter(5 * time.Second),
			want:   []string{"abandoned/abandoned, 5 s; dial 101: cancelled | left"},
			seen:   "101 rings, 101 stops",
		},
		{
			name:   "the caller hangs up after a talk",
			phones: map[string]*channeltest.Phone{"101": {Answers: 2 * time.Second}},
			then:   leaveAfter(22 * time.Second),
			want:   []string{"answered/talked cause 16 routed to 101, 20 s; dial 101: answered by 101, 16 | left"},
			seen:   "101 rings, 101 talks, 101 is let go",
		},
		{
			name:   "a caller waits until the member is free",
			group:  queue,
			phones: map[string]*channeltest.Phone{"101": {Answers: 2 * time.Second, Talk: 30 * time.Second}},
			also:   []time.Duration{5 * time.Second},
			want: []string{
				"answered/talked cause 16 routed to 101, 30 s; dial 101: answered by 101, 16 | hung up 16",
				"answered/talked cause 16 routed to 101, 30 s, 29 s in queues; queue: served; dial 101: answered by 101, 16 | hung up 16",
			},
		},
		{
			name: "nobody is free in time, and the caller is sent to a mailbox",
			group: func(g *ringside.RingGroup) {
				g.Members, g.QueueTimeout = g.Members[:1], 20
				g.Overflow = to(ringside.Destination{Action: ringside.RouteToVoicemail, TargetNumber: "101"})
			},
			phones: map[string]*channeltest.Phone{"101": {Answers: 2 * time.Second, Talk: 5 * time.Minute}},
			also:   []time.Duration{5 * time.Second},
			want: []string{
				"answered/talked cause 16 routed to 101, 300 s; dial 101: answered by 101, 16 | hung up 16",
				"no_answer/voicemail, 35 s, 20 s in queues; queue: timeout; voicemail 101: done | hung up 16",
			},
		},
		{
			name:   "the caller hangs up in the queue",
			group:  queue,
			phones: map[string]*channeltest.Phone{"101": {Answers: 2 * time.Second, Talk: 5 * time.Minute}},
			also:   []time.Duration{5 * time.Second},
			then: func(lines []*channeltest.Line) {
				time.AfterFunc(35*time.Second, lines[1].Leave)
			},
			want: []string{
				"answered/talked cause 16 routed to 101, 300 s; dial 101: answered by 101, 16 | hung up 16",
				"abandoned/abandoned, 35 s, 30 s in queues; queue: left | left",
			},
		},
		{
			name:   "forwarded outside",
			rule:   to(ringside.Destination{Action: ringside.ForwardExternal, TargetExternal: "+74951234567"}),
			phones: map[string]*channeltest.Phone{"+74951234567": {Answers: 2 * time.Second, Talk: 30 * time.Second}},
			want:   []string{"answered/talked cause 16 routed to +74951234567, 30 s; forward +74951234567: answered by +74951234567, 16 | hung up 16"},
		},
		{
			name: "an announcement, and the end",
			rule: to(ringside.Destination{Action: ringside.PlayAnnouncement, AnnouncementText: "custom/closed"}),
			want: []string{"no_answer/announced, 3 s; announcement: done | hung up 16"},
		},
		{
			name: "refused",
			rule: to(ringside.Destination{Action: ringside.HangUp}),
			want: []string{"failed/hung_up cause 21, 0 s | hung up 21"},
		},
		{
			name:   "no rule matches, and the dialplan goes on",
			called: "999",
			want:   []string{"failed/released, 0 s | dialplan"},
		},
	}
}

// phones answer after two seconds and talk for thirty.
func phones(numbers ...string) map[string]*channeltest.Phone {
	m := map[string]*channeltest.Phone{}
	for _, n := range numbers {
		m[n] = &channeltest.Phone{Answers: 2 * time.Second, Talk: 30 * time.Second}
	}
	return m
}

func leaveAfter(d time.Duration) func([]*channeltest.Line) {
	return func(lines []*channeltest.Line) { time.AfterFunc(d, lines[0].Leave) }
}

func (s story) directory(t *testing.T) *routing.Compiled {
	t.Helper()
	g := ringside.RingGroup{
		ID: 1, Name: "Sales", Strategy: ringside.ByPriority, RingTimeout: 20, QueueTimeout: 120, MaxQueueSize: 5, Active: true,
		Members: []ringside.Member{{Number: "101"}, {Number: "102"}, {Number: "103"}},
	}
	if s.group != nil {
		s.group(&g)
	}
	d := ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: ringside.GroupRef{ID: 1}}
	if s.rule != nil {
		d = *s.rule
	}
	doc := ringside.Directory{Version: "1", Groups: []ringside.RingGroup{g}, Rules: []ringside.Rule{{
		ID: 7, Name: "The rule", CalledNumberPattern: "^500$", Active: true, Destination: d,
	}}}
	for i, n := range []string{"101", "102", "103"} {
		doc.Numbers = append(doc.Numbers, ringside.Extension{ID: int64(i + 1), Number: n, Active: true})
	}
	dir, problems := routing.Compile(doc)
	for _, p := range problems {
		t.Fatalf("the directory has a problem: %s", p)
	}
	return dir
}

func (s story) tell(t *testing.T, door channeltest.Door) {
	j := &journal{done: map[string]ringside.Call{}}
	board := calls.New(calls.Options{Node: "test", Log: slog.New(slog.DiscardHandler), Recorder: j})
	board.SetDirectory(s.directory(t))
	lines := []*channeltest.Line{channeltest.NewLine("call-1", s.phones)}
	if s.called != "" {
		lines[0].Called = s.called
	}
	arrives := map[string]time.Duration{}
	for i, after := range s.also {
		l := channeltest.NewLine(fmt.Sprintf("call-%d", i+2), nil)
		l.PBX = lines[0].PBX
		lines = append(lines, l)
		arrives[l.ID] = after
	}
	var serving sync.WaitGroup
	serving.Add(len(lines))
	closed := door.Open(t, func(ctx context.Context, ch ringside.Channel) {
		defer serving.Done()
		// A caller who comes later is one whom the switchboard hears of later.
		time.Sleep(arrives[ch.Offer().CallID])
		board.ServeCall(ctx, ch)
	}, lines...)
	if s.then != nil {
		s.then(lines)
	}
	serving.Wait()
	closed()
	board.Close()
	for i, l := range lines {
		if got := j.told(l.ID) + " | " + l.Ended(); !same(got, s.want[i]) {
			t.Errorf("call %d came to\n%s\nwant\n%s", i+1, got, s.want[i])
		}
	}
	if got := strings.Join(lines[0].Seen(), ", "); s.seen != "" && got != s.seen {
		t.Errorf("the phones saw %s, want %s", got, s.seen)
	}
}

// same compares two accounts, whose numbers of seconds may differ by one.
func same(got, want string) bool {
	a, b := strings.Fields(got), strings.Fields(want)
	return slices.EqualFunc(a, b, func(x, y string) bool {
		var n, m float64
		if _, err := fmt.Sscanf(x, "%f", &n); err != nil {
			return x == y
		}
		if _, err := fmt.Sscanf(y, "%f", &m); err != nil {
			return false
		}
		return x == y || math.Abs(n-m) <= 1 && strings.TrimLeft(x, "0123456789") == strings.TrimLeft(y, "0123456789")
	})
}

// journal keeps what the switchboard records.
type journal struct {
	mu   sync.Mutex
	done map[string]ringside.Call
}

// Begin implements calls.Recorder.
func (j *journal) Begin(ringside.Call) {}

// Update implements calls.Recorder.
func (j *journal) Update(ringside.Call) {}

// Finish implements calls.Recorder.
func (j *journal) Finish(c ringside.Call, _ []ringside.Turn, _ []ringside.Talk) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.done[strings.TrimPrefix(c.ID, "test-")] = c
}

// told is a call's record in words.
func (j *journal) told(id string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	c, ok := j.done[id]
	if !ok {
		return "no record"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s", c.Status, c.Disposition)
	if c.Cause != 0 {
		fmt.Fprintf(&b, " cause %d", c.Cause)
	}
	if c.RoutedTo != "" {
		fmt.Fprintf(&b, " routed to %s", c.RoutedTo)
	}
	fmt.Fprintf(&b, ", %d s", c.Duration)
	if c.QueueWait > 0 {
		fmt.Fprintf(&b, ", %d s in queues", c.QueueWait)
	}
	for _, l := range c.Legs {
		fmt.Fprintf(&b, "; %s", l.Kind)
		if len(l.Targets) > 0 {
			fmt.Fprintf(&b, " %s", strings.Join(l.Targets, ","))
		}
		fmt.Fprintf(&b, ": %s", l.Result)
		if l.Answered != "" {
			fmt.Fprintf(&b, " by %s", l.Answered)
		}
		if l.Cause != 0 && l.Result != string(ringside.DialCancelled) { // of these, each PBX has its own
			fmt.Fprintf(&b, ", %d", l.Cause)
		}
	}
	return b.String()
}

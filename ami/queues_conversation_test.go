package ami

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

const twoQueues = `
> Action: QueueSummary
< Response: Success
< EventList: start
< Message: Queue summary will follow
<
< Event: QueueSummary
< Queue: support
< LoggedIn: 2
< Available: 2
< Callers: 0
< HoldTime: 0
< TalkTime: 0
< LongestHoldTime: 0
<
< Event: QueueSummaryComplete
< EventList: Complete
< ListItems: 1
> Action: QueueStatus
> Queue: support
< Response: Success
< EventList: start
< Message: Queue status will follow
<
< Event: QueueParams
< Queue: support
< Max: 5
< Strategy: rrmemory
< Calls: 2
< Holdtime: 8
< TalkTime: 60
< Completed: 4
< Abandoned: 1
< ServiceLevel: 10
< ServicelevelPerf: 75.0
< ServicelevelPerf2: 60.0
< Weight: 2
<
< Event: QueueMember
< Queue: support
< Name: PJSIP/102
< Location: PJSIP/102
< StateInterface: PJSIP/102
< Membership: static
< Penalty: 0
< CallsTaken: 1
< LastCall: 1795548771
< LastPause: 0
< LoginTime: 1795547743
< InCall: 0
< Status: 8
< Paused: 0
< PausedReason: 
< Wrapuptime: 5
<
< Event: QueueMember
< Queue: support
< Name: Anna
< Location: PJSIP/101
< StateInterface: PJSIP/101
< Membership: dynamic
< Penalty: 2
< CallsTaken: 0
< LastCall: 0
< LastPause: 1795548761
< LoginTime: 1795547743
< InCall: 0
< Status: 7
< Paused: 1
< PausedReason: Lunch
< Wrapuptime: 0
<
< Event: QueueEntry
< Queue: support
< Position: 1
< Channel: PJSIP/plain-00000003
< Uniqueid: pbx-1795548772.5
< CallerIDNum: +79005550003
< CallerIDName: Anna
< ConnectedLineNum: unknown
< ConnectedLineName: unknown
< Wait: 42
< Priority: 0
<
< Event: QueueEntry
< Queue: support
< Position: 2
< Channel: PJSIP/plain-00000004
< Uniqueid: pbx-1795548772.6
< CallerIDNum: unknown
< CallerIDName: unknown
< ConnectedLineNum: unknown
< ConnectedLineName: unknown
< Wait: 3
< Priority: 0
<
< Event: QueueStatusComplete
< EventList: Complete
< ListItems: 5
`

const leavesAtOnce = `<
< Event: QueueCallerLeave
< Privilege: agent,all
< Channel: PJSIP/plain-00000003
< Uniqueid: pbx-1795548772.5
< Queue: support
< Position: 1
< Count: 1
< ActionID:
`

// sink gives events to a picture as PBX does.
func sink(q *queues) Sink {
	return func(m Message) { q.event(m.find("Event"), m, time.Now()) }
}

func extension(device string) string {
	if number, ok := strings.CutPrefix(device, "PJSIP/"); ok {
		return number
	}
	return ""
}

func TestQueuesAreTakenUp(t *testing.T) {
	f := newFakeManager(t)
	over := f.converse(twoQueues)
	q := newQueues(extension)
	s := f.session(sink(q))
	began := time.Now()
	if err := q.resync(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	over()
	k, ok := q.one("support")
	if !ok || k.Stale || k.Checked.Before(began) {
		t.Fatalf("queue %+v", k)
	}
	if k.Strategy != "rrmemory" || k.Max != 5 || k.Weight != 2 || k.HoldTime != 8 || k.TalkTime != 60 ||
		k.Completed != 4 || k.Abandoned != 1 || k.ServiceLevel != 10 || k.ServiceLevelPerf != 75 {
		t.Errorf("queue %+v", k)
	}
	want := []ringside.PBXQueueMember{
		{
			Name: "Anna", Interface: "PJSIP/101", Number: "101", Membership: "dynamic", Penalty: 2,
			State: ringside.DeviceRingInUse, Paused: true, PausedReason: "Lunch", PausedSince: time.Unix(1795548761, 0),
		},
		{
			Name: "PJSIP/102", Interface: "PJSIP/102", Number: "102", Membership: "static", CallsTaken: 1,
			LastCall: time.Unix(1795548771, 0), State: ringside.DeviceOnHold, WrapUp: 5,
		},
	}
	if !slices.Equal(k.Members, want) {
		t.Errorf("members\n%+v, want\n%+v", k.Members, want)
	}
	if len(k.Callers) != 2 {
		t.Fatalf("callers %+v", k.Callers)
	}
	if c := k.Callers[0]; c.Position != 1 || c.Number != "+79005550003" || c.Name != "Anna" || c.Channel != "PJSIP/plain-00000003" ||
		began.Sub(c.Since) > 43*time.Second || began.Sub(c.Since) < 41*time.Second {
		t.Errorf("first caller %+v", c)
	}
	if c := k.Callers[1]; c.Position != 2 || c.Number != "" || c.Name != "" {
		t.Errorf("second caller %+v", c)
	}
}

func TestAnEventRightAfterTheListCounts(t *testing.T) {
	for range 50 {
		f := newFakeManager(t)
		f.converse(strings.TrimRight(twoQueues, "\n") + "\n" + leavesAtOnce)
		q := newQueues(extension)
		s := f.session(sink(q))
		if err := q.resync(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		soon(t, "the caller's leaving", func() bool {
			k, _ := q.one("support")
			return len(k.Callers) == 1 && k.Callers[0].ID == "pbx-1795548772.6" && k.Callers[0].Position == 1
		})
		if q.figures.Doubts != 0 {
			t.Fatalf("%d doubts", q.figures.Doubts)
		}
		s.Close()
	}
}

func TestAQueueIsNeverSeenHalfRead(t *testing.T) {
	q := quiet()
	now := time.Now()
	m := someQueue("support", 3)
	learn(q, m, now)
	before := bareQueue(t, q, "support")
	d := &queueDraft{}
	for _, item := range m.listOf() {
		q.item(d, ParseMessage(wire(item, "x")), now)
		if got := bareQueue(t, q, "support"); len(got.Members) != len(before.Members) {
			t.Fatalf("%d of %d members", len(got.Members), len(before.Members))
		}
	}
}

func TestQueuesThatAreGoneAreForgotten(t *testing.T) {
	f := newFakeManager(t)
	models := map[string]*model{"sales": someQueue("sales", 2), "support": someQueue("support", 3)}
	f.queues(models)
	q := quiet()
	s := f.session(sink(q))
	if err := q.resync(t.Context(), s); err != nil || len(q.snapshot()) != 2 {
		t.Fatal(err, q.snapshot())
	}
	f.mu.Lock()
	delete(models, "sales")
	f.mu.Unlock()
	q.lost(time.Now())
	if k, _ := q.one("support"); !k.Stale {
		t.Error("what was known is not stale while there is no connection")
	}
	if err := q.resync(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if all := q.snapshot(); len(all) != 1 || all[0].Name != "support" || all[0].Stale {
		t.Errorf("queues %+v", all)
	}
	checkTotals(t, q)
}

func TestEventsAboutNobodyGrowNothing(t *testing.T) {
	q := quiet()
	now := time.Now()
	m := someQueue("support", 1)
	learn(q, m, now)
	for i := range 2 * maxWaiting {
		name := strings.Repeat("x", i%200) + time.Duration(i).String()
		play(q, "Event: QueueCallerJoin\nQueue: "+name+"\nUniqueid: 1\nPosition: 1\nCount: 1", now)
		play(q, "Event: QueueMemberStatus\nQueue: support\nInterface: PJSIP/"+name+"\nStatus: 1", now)
		play(q, "Event: QueueCallerJoin\nQueue: support\nUniqueid: "+name+"\nPosition: 1\nCount: 1", now)
	}
	if len(q.all) != 1 || len(q.strange) > maxStrange || q.members != 1 || q.callers > maxWaiting {
		t.Errorf("%d queues, %d strangers, %d members, %d callers", len(q.all), len(q.strange), q.members, q.callers)
	}
	learn(q, m, now)
	if q.callers != 0 {
		t.Errorf("%d callers after a comparison", q.callers)
	}
	checkTotals(t, q)
}

// someQueue is one with members.
func someQueue(name string, members int) *model {
	m := &model{name: name, level: 20}
	for i := range members {
		number := 101 + i
		m.members = append(m.members, modelMember{name: "M" + itoa(number), iface: "PJSIP/" + itoa(number), status: 1})
	}
	return m
}

func itoa(n int) string { return strconv.Itoa(n) }

// queues has the manager list models.
func (f *fakeManager) queues(all map[string]*model) {
	f.on("QueueSummary", func(Message) string {
		f.mu.Lock()
		defer f.mu.Unlock()
		var items []string
		for name := range all {
			items = append(items, "Event: QueueSummary\nQueue: "+name)
		}
		slices.Sort(items)
		return listOf("QueueSummaryComplete", items...)
	})
	f.on("QueueStatus", func(request Message) string {
		f.mu.Lock()
		defer f.mu.Unlock()
		if m := all[request.Get("Queue")]; m != nil {
			return listOf("QueueStatusComplete", m.listOf()...)
		}
		return listOf("QueueStatusComplete")
	})
}

func TestQueueMembersAreManaged(t *testing.T) {
	member := ringside.QueueMemberRequest{Queue: "support", Number: "103", Name: "Max", Penalty: 2, Paused: true, Reason: "Lunch"}
	everywhere := ringside.QueueMemberRequest{Number: "103", Penalty: 4}
	for _, c := range []struct {
		name, script string
		do           func(context.Context, *PBX) error
		is           error
		says         string
	}{
		{
			"add", `
> Action: QueueAdd
> Queue: support
> Interface: PJSIP/103
> Penalty: 2
> Paused: true
> MemberName: Max
> Reason: Lunch
< Response: Success
< Message: Added interface to queue`,
			func(ctx context.Context, p *PBX) error { return p.AddQueueMember(ctx, member) },
			nil, "",
		},
		{
			"add twice", `
> Action: QueueAdd
> Queue: support
> Interface: PJSIP/103
> Penalty: 2
> Paused: true
> MemberName: Max
> Reason: Lunch
< Response: Error
< Message: Unable to add interface: Already there`,
			func(ctx context.Context, p *PBX) error { return p.AddQueueMember(ctx, member) },
			ringside.ErrRefused, "Unable to add interface: Already there",
		},
		{
			"remove", `
> Action: QueueRemove
> Queue: support
> Interface: PJSIP/103
< Response: Success
< Message: Removed interface from queue`,
			func(ctx context.Context, p *PBX) error { return p.RemoveQueueMember(ctx, member) },
			nil, "",
		},
		{
			"remove one that is not there", `
> Action: QueueRemove
> Queue: support
> Interface: PJSIP/103
< Response: Error
< Message: Unable to remove interface: Not there`,
			func(ctx context.Context, p *PBX) error { return p.RemoveQueueMember(ctx, member) },
			ringside.ErrRefused, "Unable to remove interface: Not there",
		},
		{
			"pause", `
> Action: QueuePause
> Queue: support
> Interface: PJSIP/103
> Paused: true
> Reason: Lunch
< Response: Success
< Message: Interface paused successfully`,
			func(ctx context.Context, p *PBX) error { return p.PauseQueueMember(ctx, member) },
			nil, "",
		},
		{
			"end the pause everywhere, without the right", `
> Action: QueuePause
> Interface: PJSIP/103
> Paused: false
< Response: Error
< Message: Permission denied`,
			func(ctx context.Context, p *PBX) error { return p.PauseQueueMember(ctx, everywhere) },
			ringside.ErrNotPermitted, "`agent`",
		},
		{
			"penalty everywhere", `
> Action: QueuePenalty
> Interface: PJSIP/103
> Penalty: 4
< Response: Success
< Message: Interface penalty set successfully`,
			func(ctx context.Context, p *PBX) error { return p.SetQueuePenalty(ctx, everywhere) },
			nil, "",
		},
		{
			"reload all", `
> Action: QueueReload
< Response: Success
< Message: Queue reloaded successfully`,
			func(ctx context.Context, p *PBX) error { return p.ReloadQueue(ctx, "") },
			nil, "",
		},
		{
			"reset one", `
> Action: QueueReset
> Queue: support
< Response: Success
< Message: Queue stats reset successfully`,
			func(ctx context.Context, p *PBX) error { return p.ResetQueue(ctx, "support") },
			nil, "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFakeManager(t)
			over := f.converse(c.script)
			p := New(Options{Places: Places{Extension: "PJSIP/${number}"}})
			p.session.Store(f.session(p.event))
			err := c.do(t.Context(), p)
			over()
			if !errors.Is(err, c.is) || (err == nil) != (c.is == nil) {
				t.Fatalf("error %v, want %v", err, c.is)
			}
			if err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q lacks %q", err, c.says)
			}
		})
	}
}

func TestWhatCannotBeMeantIsNotSent(t *testing.T) {
	f := newFakeManager(t)
	p := New(Options{Places: Places{Extension: "PJSIP/${number}"}})
	p.session.Store(f.session(p.event))
	for _, r := range []ringside.QueueMemberRequest{
		{Queue: "", Number: "103"},
		{Queue: "support", Number: "103\r\nAction: Command"},
		{Queue: "support\r\n", Number: "103"},
		{Queue: "support", Number: "103", Name: "a\nb"},
		{Queue: "support", Number: "103", Penalty: -1},
	} {
		var invalid *ringside.InvalidError
		if err := p.AddQueueMember(t.Context(), r); !errors.As(err, &invalid) {
			t.Errorf("%+v: error %v", r, err)
		}
	}
	if err := p.ReloadQueue(t.Context(), "a\r\nb"); err == nil {
		t.Error("a queue of two lines was sent")
	}
	if got := f.requests(); len(got) != 0 {
		t.Errorf("sent %q", got)
	}
}

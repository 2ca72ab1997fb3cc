package esl

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// callcenterConsole answers what was recorded.
func callcenterConsole(t testing.TB) *console {
	t.Helper()
	table := func(name string) string { return recordedBody(t, "s08_callcenter_events", name) + "\n" }
	return &console{answers: map[string]string{
		"callcenter_config queue list":                       table("name|strategy"),
		"callcenter_config agent list":                       table("name|instance_id"),
		"callcenter_config tier list":                        table("queue|agent"),
		"callcenter_config queue list members sales@default": table("queue|instance_id"),
	}}
}

func shortQueue(q ringside.PBXQueue) []string {
	lines := []string{fmt.Sprintf("%s %s +%d -%d stale=%t", q.Name, q.Strategy, q.Completed, q.Abandoned, q.Stale)}
	for _, m := range q.Members {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s=%s %s level %d taken %d call=%t paused=%t %s",
			m.Name, m.Number, m.State, m.Penalty, m.CallsTaken, m.InCall, m.Paused, m.PausedReason)))
	}
	for _, c := range q.Callers {
		lines = append(lines, fmt.Sprintf("%d. %s %s in %s since %d", c.Position, c.Number, c.Name, c.Channel, c.Since.UnixMicro()))
	}
	return lines
}

// What was recorded, step by step, from before the caller came.
func TestQueuesRecorded(t *testing.T) {
	q := newQueues(numbering{}, "")
	c := callcenterConsole(t)
	c.answers["callcenter_config agent list"] = strings.NewReplacer("In a queue call", "Waiting", "|1|0|0|0\n", "|0|0|0|0\n").Replace(c.answers["callcenter_config agent list"])
	c.answers["callcenter_config queue list members sales@default"] = "+OK\n"
	if err := q.ask(t.Context(), c.run); err != nil {
		t.Fatal(err)
	}
	head := "sales@default longest-idle-agent +1 -0 stale=false"
	idle := "1001@default=1001 idle level 1 taken 0 call=false paused=false"
	rung := "1001@default=1001 ringing level 1 taken 0 call=false paused=false"
	waits := "1. +74950000001 Клиент Один in loopback/9100-b since 1795399284082433"
	talking := "1001@default=1001 in_use level 1 taken 1 call=true paused=false"
	onBreak := "1001@default=1001 in_use level 1 taken 1 call=true paused=true On Break"
	want := [][]string{
		{head, idle, waits}, // member-queue-start
		{head, idle, waits}, // members-count
		{head, rung, waits}, // agent-state-change: Receiving
		{head, rung, waits}, // agent-offering
		{head, strings.Replace(rung, "taken 0", "taken 1", 1)}, // bridge-agent-start
		{head, strings.Replace(rung, "taken 0", "taken 1", 1)}, // members-count, which is behind
		{head, talking}, // agent-state-change: In a queue call
		{head, onBreak}, // agent-status-change
		{head, onBreak}, // agent-add of one who serves no queue
		{head, onBreak}, // bridge-agent-end
		{strings.Replace(head, "+1", "+2", 1), onBreak},                                                                  // member-queue-end
		{strings.Replace(head, "+1", "+2", 1), "1001@default=1001 idle level 1 taken 1 call=false paused=true On Break"}, // agent-state-change: Waiting
	}
	for i, e := range recordedEvents(t, "s08_callcenter_events", "FS->CLI", q.events()...) {
		q.digest(e)
		k, _ := q.one("sales@default")
		if got := shortQueue(k); !slices.Equal(got, want[i]) {
			t.Errorf("step %d, %s:\ngot  %q\nwant %q", i, e.get("CC-Action"), got, want[i])
		}
	}
	if a := q.agents["1002@default"]; a == nil || a.status != agentLoggedOut {
		t.Errorf("the new agent: %+v", a)
	}
	k, _ := q.one("sales@default")
	if since := k.Members[0].PausedSince; !since.Equal(time.Unix(1795399288, 0)) {
		t.Errorf("on a break since %s", since)
	}
}

// The lists say the same as the events: in the recording they were asked for while the two talked.
func TestQueueListsRecorded(t *testing.T) {
	q := newQueues(numbering{}, "")
	c := callcenterConsole(t)
	if err := q.ask(t.Context(), c.run); err != nil {
		t.Fatal(err)
	}
	want := ringside.PBXQueue{
		Name: "sales@default", Strategy: "longest-idle-agent", Completed: 1, Checked: q.checked,
		Members: []ringside.PBXQueueMember{{
			Name: "1001@default", Interface: "[leg_timeout=10]sofia/internal/1001@127.0.0.1:5090", Number: "1001", Penalty: 1, CallsTaken: 1,
			InCall: true, State: ringside.DeviceInUse, WrapUp: 1,
		}},
		Callers: []ringside.PBXQueueCaller{},
	}
	if got := q.snapshot(); !reflect.DeepEqual(got, []ringside.PBXQueue{want}) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	// As long as somebody waits they are in the list; their name may hold whatever separates.
	row := "sales@default|single_box|u1|s1|+7495|A|b|c|1795399284|1795399284|0|0|0|%s|0||single_box|%s|4\n"
	names := strings.SplitAfterN(c.answers["callcenter_config queue list members sales@default"], "\n", 2)[0]
	c.answers["callcenter_config queue list members sales@default"] = names + fmt.Sprintf(row, "0", "Waiting") +
		strings.NewReplacer("u1", "u2", "s1", "s2").Replace(fmt.Sprintf(row, "60", "Trying")) +
		strings.NewReplacer("u1", "u3", "s1", "s3").Replace(fmt.Sprintf(row, "0", "Abandoned")) + "broken|row\n+OK\n"
	if err := q.ask(t.Context(), c.run); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1795399284, 0)
	callers := []ringside.PBXQueueCaller{
		{Position: 1, Channel: "s2", ID: "s2", Number: "+7495", Name: "A|b|c", Since: at},
		{Position: 2, Channel: "s1", ID: "s1", Number: "+7495", Name: "A|b|c", Since: at},
	}
	if k, _ := q.one("sales@default"); !reflect.DeepEqual(k.Callers, callers) {
		t.Errorf("got\n%+v\nwant\n%+v", k.Callers, callers)
	}
}

func TestQueuesWithoutTheModule(t *testing.T) {
	q := newQueues(numbering{}, "")
	c := callcenterConsole(t)
	if err := q.ask(t.Context(), c.run); err != nil || len(q.snapshot()) != 1 {
		t.Fatal(err, q.snapshot())
	}
	if _, ok := q.one("help@default"); ok {
		t.Error("there is a queue that nobody has told of")
	}
	q.lost()
	if !q.snapshot()[0].Stale {
		t.Error("what can't be asked is not stale")
	}
	if err := q.ask(t.Context(), (&console{}).run); err != nil || len(q.snapshot()) != 0 {
		t.Error(err, q.snapshot())
	}
	q.digest(told(callcenterInfo, "CC-Action", "agent-add", "CC-Agent", "1@x"))
	if len(q.agents) != 0 {
		t.Error("an event has made an agent before any list")
	}
	q.digest(told("MODULE_LOAD", "type", "api", "name", "callcenter_config", "key", "mod_callcenter"))
	select {
	case <-q.wake:
	default:
		t.Error("nobody asks after the module was loaded")
	}
	failing := func() error { _, err := (&console{}).run(t.Context(), "x"); return err }()
	if !errors.Is(failing, ringside.ErrRefused) {
		t.Fatal(failing)
	}
}

// What events tell while lists are read counts more than the lists.
func TestQueueListsLoseToEvents(t *testing.T) {
	q := newQueues(numbering{}, "")
	c := callcenterConsole(t)
	if err := q.ask(t.Context(), c.run); err != nil {
		t.Fatal(err)
	}
	joined := func(id string) event {
		return told(callcenterInfo, "CC-Action", "member-queue-start", "CC-Queue", "sales@default", "CC-Member-UUID", id, "CC-Member-Session-UUID", id,
			"CC-Member-CID-Number", id, "Event-Date-Timestamp", "1795399300000000")
	}
	q.digest(joined("u1"))
	names := strings.SplitAfterN(c.answers["callcenter_config queue list members sales@default"], "\n", 2)[0]
	c.answers["callcenter_config queue list members sales@default"] = names + "sales@default|single_box|u1|u1|1|x|1|1795399300|0|0|0|0|0||single_box|Waiting|4\n+OK\n"
	c.before = func(command string) {
		if strings.Contains(command, "members") {
			q.digest(told(callcenterInfo, "CC-Action", "member-queue-end", "CC-Queue", "sales@default", "CC-Member-UUID", "u1", "CC-Cause", "Cancel"))
			q.digest(joined("u2"))
			q.digest(told(callcenterInfo, "CC-Action", "agent-status-change", "CC-Agent", "1001@default", "CC-Agent-Status", "Logged Out"))
		}
	}
	if err := q.ask(t.Context(), c.run); err != nil {
		t.Fatal(err)
	}
	k, _ := q.one("sales@default")
	want := []string{
		"sales@default longest-idle-agent +1 -1 stale=false",
		"1001@default=1001 in_use level 1 taken 1 call=true paused=true Logged Out",
		"1. u2 in u2 since 1795399300000000",
	}
	for i, got := range shortQueue(k) {
		if got = strings.Join(strings.Fields(got), " "); i >= len(want) || got != want[i] {
			t.Errorf("line %d: %q", i, got)
		}
	}
}

func TestQueueControl(t *testing.T) {
	const agents, tiers = "callcenter_config agent list", "callcenter_config tier list"
	refused, invalid := ringside.ErrRefused, errors.New("invalid")
	for name, c := range map[string]struct {
		do   func(q *queues, run api) error
		want []string
		err  error
	}{
		"an agent is added to another queue": {
			func(q *queues, run api) error {
				return q.addMember(t.Context(), run, ringside.QueueMemberRequest{Queue: "help@default", Number: "1001", Penalty: 2})
			},
			[]string{agents, "callcenter_config tier add help@default 1001@default 2 1"},
			nil,
		},
		"an extension becomes an agent": {
			func(q *queues, run api) error {
				return q.addMember(t.Context(), run, ringside.QueueMemberRequest{Queue: "sales@default", Number: "1002", Penalty: 1})
			},
			[]string{
				agents, "callcenter_config agent add 1002@default callback", "callcenter_config agent set contact 1002@default user/1002@pbx",
				"callcenter_config tier add sales@default 1002@default 1 1", "callcenter_config agent set status 1002@default 'Available'",
			},
			nil,
		},
		"and begins with a break": {
			func(q *queues, run api) error {
				return q.addMember(t.Context(), run, ringside.QueueMemberRequest{Queue: "help@default", Number: "1001", Paused: true})
			},
			[]string{agents, "callcenter_config tier add help@default 1001@default 0 1", "callcenter_config agent set status 1001@default 'On Break'"},
			nil,
		},
		"a member already": {
			func(q *queues, run api) error {
				return q.addMember(t.Context(), run, ringside.QueueMemberRequest{Queue: "sales@default", Number: "1001"})
			},
			[]string{agents, "callcenter_config tier add sales@default 1001@default 0 1"},
			refused,
		},
		"removed": {
			func(q *queues, run api) error {
				return q.removeMember(t.Context(), run, ringside.QueueMemberRequest{Queue: "sales@default", Number: "1001"})
			},
			[]string{agents, tiers, "callcenter_config tier del sales@default 1001@default"},
			nil,
		},
		"removed from where they are not": {
			func(q *queues, run api) error {
				return q.removeMember(t.Context(), run, ringside.QueueMemberRequest{Queue: "help@default", Number: "1001"})
			},
			[]string{agents, tiers},
			refused,
		},
		"a break": {
			func(q *queues, run api) error {
				return q.pauseMember(t.Context(), run, ringside.QueueMemberRequest{Number: "1001", Paused: true, Reason: "lunch"})
			},
			[]string{agents, tiers, "callcenter_config agent set status 1001@default 'On Break'"},
			nil,
		},
		"its end": {
			func(q *queues, run api) error {
				return q.pauseMember(t.Context(), run, ringside.QueueMemberRequest{Queue: "sales@default", Number: "1001"})
			},
			[]string{agents, tiers, "callcenter_config agent set status 1001@default 'Available'"},
			nil,
		},
		"a break of nobody": {
			func(q *queues, run api) error {
				return q.pauseMember(t.Context(), run, ringside.QueueMemberRequest{Number: "1009"})
			},
			[]string{agents},
			refused,
		},
		"another level": {
			func(q *queues, run api) error {
				return q.setPenalty(t.Context(), run, ringside.QueueMemberRequest{Number: "1001", Penalty: 5})
			},
			[]string{agents, tiers, "callcenter_config tier set level sales@default 1001@default 5"},
			nil,
		},
		"a reload":         {func(q *queues, run api) error { return q.reload(t.Context(), run, "sales@default") }, []string{"callcenter_config queue reload sales@default"}, nil},
		"reload of all":    {func(q *queues, run api) error { return q.reload(t.Context(), run, "") }, []string{"callcenter_config queue reload sales@default"}, nil},
		"a name in words":  {func(q *queues, run api) error { return q.reload(t.Context(), run, "a b") }, nil, invalid},
		"a name in quotes": {func(q *queues, run api) error { return q.reload(t.Context(), run, "a'b") }, nil, invalid},
		"two lines":        {func(q *queues, run api) error { return q.reload(t.Context(), run, "a\nb") }, nil, invalid},
		"no queue": {
			func(q *queues, run api) error {
				return q.addMember(t.Context(), run, ringside.QueueMemberRequest{Number: "1001"})
			}, nil, invalid,
		},
		"no number": {
			func(q *queues, run api) error {
				return q.addMember(t.Context(), run, ringside.QueueMemberRequest{Queue: "sales@default", Number: "1 2"})
			}, nil, invalid,
		},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueues(numbering{dialled: "user/${number}@pbx"}, "")
			con := callcenterConsole(t)
			if err := q.ask(t.Context(), con.run); err != nil {
				t.Fatal(err)
			}
			con.asked = nil
			con.before = func(command string) {
				if con.answers[command] == "" {
					con.answers[command] = "+OK\n"
				}
				if strings.HasPrefix(command, "callcenter_config tier add sales@default 1001@default") {
					con.answers[command] = "-ERR Tier already exist!\n"
				}
			}
			err := c.do(q, con.run)
			var field *ringside.InvalidError
			switch {
			case errors.Is(c.err, invalid):
				if !errors.As(err, &field) {
					t.Errorf("%v is no *InvalidError", err)
				}
			case !errors.Is(err, c.err):
				t.Errorf("%v, want %v", err, c.err)
			}
			if !slices.Equal(con.asked, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(con.asked, "\n"), strings.Join(c.want, "\n"))
			}
			for _, command := range con.asked {
				words := strings.SplitN(command, " ", 2)
				if _, err := apiCommand(words[0], words[1]); err != nil {
					t.Errorf("%q can't be sent: %v", command, err)
				}
			}
		})
	}
}

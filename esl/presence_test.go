package esl

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// heard is a listener that writes down what it is told.
type heard struct {
	mu   sync.Mutex
	said []string
	last map[string]ringside.LineReport
}

func (h *heard) Report(reports ...ringside.LineReport) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last == nil {
		h.last = map[string]ringside.LineReport{}
	}
	for _, r := range reports {
		h.last[r.Number] = r
		line := r.Number + " " + string(r.State)
		for _, c := range r.Calls {
			line += " " + c.CallID
			if c.Talking {
				line += "+"
			}
		}
		h.said = append(h.said, line)
	}
}

func (h *heard) Answered(callID, number string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said = append(h.said, number+" answered "+callID)
}

func (h *heard) Silence() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said, h.last = append(h.said, "silence"), nil
}

// take gives what was said since the last time.
func (h *heard) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	said := h.said
	h.said = nil
	return said
}

// three are extensions of three digits.
func three() numbering {
	return numbering{known: func(n string) bool { return len(n) == 3 && strings.Trim(n, "0123456789") == "" }}
}

type step struct {
	e    event
	want []string
}

// a channel as events tell of it.
type line struct {
	id, call, name string
	out            bool
	vars           []string
}

func (l line) tells(name string, more ...string) event {
	direction := "inbound"
	if l.out {
		direction = "outbound"
	}
	state := "ringing"
	switch name {
	case "CHANNEL_ANSWER", "CHANNEL_HOLD", "CHANNEL_UNHOLD":
		state = "answered"
	case "CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE":
		state = "hangup"
	}
	pairs := append([]string{
		"Unique-ID", l.id, "Channel-Call-UUID", l.call, "Channel-Name", l.name, "Call-Direction", direction, "Answer-State", state,
	}, more...)
	return told(name, append(pairs, l.vars...)...)
}

func TestPresence(t *testing.T) {
	trunk := line{"A", "A", "sofia/external/+79990000000@trunk", false, nil}
	phone := line{"B", "A", "sofia/internal/101@10.0.0.5:5060", true, []string{"variable_dialed_user", "101"}}
	caller := line{"C", "C", "sofia/internal/999@10.0.0.7", false, []string{"variable_user_name", "102", "Caller-Username", "999"}}
	for name, steps := range map[string][]step{
		"a call is offered, answered, held and ends": {
			{trunk.tells("CHANNEL_CREATE"), nil},
			{phone.tells("CHANNEL_CREATE"), []string{"101 ringing A"}},
			{phone.tells("CHANNEL_ANSWER"), []string{"101 in_use A+", "101 answered A"}},
			{phone.tells("CHANNEL_ANSWER"), nil},
			{phone.tells("CHANNEL_HOLD", "Event-Sequence", "7"), []string{"101 on_hold A+"}},
			{phone.tells("CHANNEL_UNHOLD", "Event-Sequence", "6"), nil},
			{phone.tells("CHANNEL_UNHOLD", "Event-Sequence", "8"), []string{"101 in_use A+"}},
			{phone.tells("CHANNEL_HANGUP"), []string{"101 unknown"}},
			{phone.tells("CHANNEL_HANGUP_COMPLETE"), nil},
			{phone.tells("CHANNEL_ANSWER"), nil},
			{trunk.tells("CHANNEL_HANGUP"), nil},
		},
		"who calls is busy by whom they logged in as, not by what they say": {
			{caller.tells("CHANNEL_CREATE"), []string{"102 in_use C"}},
			{caller.tells("CHANNEL_ANSWER"), []string{"102 in_use C+"}},
			{caller.tells("CHANNEL_HANGUP_COMPLETE"), []string{"102 unknown"}},
		},
		"a stranger who says to be an extension is none": {
			{line{"D", "D", "sofia/internal/101@evil", false, []string{
				"Caller-Username", "101", "Caller-Caller-ID-Number", "101", "Channel-Presence-ID", "101@evil",
				"variable_presence_id", "101@evil", "variable_dialed_user", "101", "variable_sip_from_user", "101",
			}}.tells("CHANNEL_CREATE"), nil},
		},
		"two calls at once": {
			{caller.tells("CHANNEL_CREATE", "Caller-Channel-Created-Time", "1795399257602290"), []string{"102 in_use C"}},
			{
				line{"B", "A", "sofia/internal/102@10.0.0.5", true, []string{"variable_presence_id", "102@x", "Caller-Channel-Created-Time", "1795399258602290"}}.tells("CHANNEL_CREATE"),
				[]string{"102 ring_in_use C A"},
			},
		},
		"the transferred call keeps its name": {
			{trunk.tells("CHANNEL_CREATE"), nil},
			{phone.tells("CHANNEL_CREATE"), []string{"101 ringing A"}},
			{line{"B", "X", phone.name, true, phone.vars}.tells("CHANNEL_ANSWER"), []string{"101 in_use A+", "101 answered A"}},
		},
		"a channel gets another id": {
			{trunk.tells("CHANNEL_CREATE"), nil},
			{line{"A2", "A2", trunk.name, false, nil}.tells("CHANNEL_UUID", "Old-Unique-ID", "A", "Event-Sequence", "5"), nil},
			{line{"B", "A2", phone.name, true, phone.vars}.tells("CHANNEL_CREATE"), []string{"101 ringing A"}},
			{line{"A", "A", trunk.name, false, nil}.tells("CHANNEL_ANSWER"), nil},
			{phone.tells("CHANNEL_HANGUP"), []string{"101 unknown"}},
		},
		"a loopback leads on the call it was made for": {
			{trunk.tells("CHANNEL_CREATE"), nil},
			{line{"La", "A", "loopback/600-a", true, []string{"variable_dialed_user", "101"}}.tells("CHANNEL_CREATE"), nil},
			{line{"Lb", "Lb", "loopback/600-b", false, []string{"variable_other_loopback_leg_uuid", "La"}}.tells("CHANNEL_CREATE"), nil},
			{line{"B", "Lb", phone.name, true, phone.vars}.tells("CHANNEL_CREATE"), []string{"101 ringing A"}},
		},
		"who was called is sent to another": {
			{caller.tells("CHANNEL_CREATE"), []string{"102 in_use C"}},
			{line{"O", "C", "sofia/external/7900@trunk", true, nil}.tells("CHANNEL_CREATE"), nil},
			{caller.tells("CHANNEL_HANGUP"), []string{"102 unknown"}},
			{line{"B", "O", phone.name, true, phone.vars}.tells("CHANNEL_CREATE"), []string{"101 ringing O"}}, // O asks under its own id
		},
		"an agent of a queue": {
			{trunk.tells("CHANNEL_CREATE"), nil},
			{line{"G", "G", "sofia/internal/101@10.0.0.5", true, []string{
				"variable_cc_side", "agent", "variable_cc_agent", "101@default", "variable_cc_member_session_uuid", "A",
			}}.tells("CHANNEL_CREATE"), []string{"101 ringing A"}},
		},
		"an end that overtook the beginning": {
			{phone.tells("CHANNEL_HANGUP", "Event-Sequence", "20"), nil},
			{phone.tells("CHANNEL_CREATE", "Event-Sequence", "19"), nil},
			{phone.tells("CHANNEL_HANGUP_COMPLETE", "Event-Sequence", "21"), nil},
			{phone.tells("CHANNEL_CREATE", "Event-Sequence", "22"), []string{"101 ringing A"}}, // the id is used again
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := &heard{}
			p := newPresence(three(), h)
			for i, s := range steps {
				p.digest(s.e)
				if got := h.take(); !slices.Equal(got, s.want) {
					t.Fatalf("step %d: %q, want %q", i, got, s.want)
				}
			}
		})
	}
}

func TestPresenceByAddress(t *testing.T) {
	n := numbering{dialled: "sofia/internal/${number}@10.0.0.5:5060"}
	for name, want := range map[string]string{
		"sofia/internal/101@10.0.0.5:5060": "101",
		"sofia/internal/101@10.0.0.6:5060": "",
		"sofia/external/101@10.0.0.5:5060": "",
	} {
		if got := n.of(line{"B", "A", name, true, nil}.tells("CHANNEL_CREATE")); got != want {
			t.Errorf("%s belongs to %q, want %q", name, got, want)
		}
		if got := n.of(line{"B", "B", name, false, nil}.tells("CHANNEL_CREATE")); got != "" {
			t.Errorf("the inbound %s belongs to %q", name, got)
		}
	}
}

// The recorded loopback call is nobody's; the recorded agent is 1001 by the words of mod_callcenter.
func TestPresenceRecorded(t *testing.T) {
	h := &heard{}
	p := newPresence(numbering{}, h)
	for _, e := range recordedEvents(t, "i06_events_plain", "FS->CLI", p.events()...) {
		p.digest(e)
	}
	if got := h.take(); got != nil {
		t.Errorf("a call between no extensions: %q", got)
	}
	if all, _ := p.counts(); all != 0 {
		t.Errorf("%d channels are left", all)
	}
	for _, e := range recordedEvents(t, "s08_callcenter_events", "FS->CLI") {
		if e.get("CC-Action") == "bridge-agent-start" {
			if got := p.numbers.of(e); got != "1001" {
				t.Errorf("the agent is %q", got)
			}
		}
	}
}

func TestRegistrationsRecorded(t *testing.T) {
	h := &heard{}
	p := newPresence(numbering{}, h)
	for _, e := range recordedEvents(t, "s10_sofia_register_events", "FS->CLI", p.events()...) {
		p.digest(e)
	}
	if got := h.take(); !slices.Equal(got, []string{"1000 idle"}) {
		t.Errorf("%q", got)
	}
	rows := tableRegistrations(recordedBody(t, "s10_sofia_register_events", "reg_user,realm"))
	if want := []listedRegistration{{User: "1000", Token: "1-13984@127.0.0.1"}}; !reflect.DeepEqual(rows, want) {
		t.Errorf("%+v, want %+v", rows, want)
	}
	// The list says the same, so there is nothing to tell; an empty one says that the phone is gone.
	p.compareRegistrations(rows, time.Now())
	p.mouth.tell()
	if got := h.take(); got != nil {
		t.Errorf("%q", got)
	}
	p.compareRegistrations(nil, time.Now())
	p.mouth.tell()
	if got := h.take(); !slices.Equal(got, []string{"1000 unavailable"}) {
		t.Errorf("%q", got)
	}
}

func register(user, id, contact string) event {
	return told(sofiaRegister, "from-user", user, "call-id", id, "contact", contact)
}

func TestRegistrations(t *testing.T) {
	unregister := func(user, id string) event { return told(sofiaUnregister, "from-user", user, "call-id", id) }
	for name, steps := range map[string][]step{
		"two phones are one extension": {
			{register("101", "1", "a"), []string{"101 idle"}},
			{register("101", "2", "b"), nil},
			{unregister("101", "1"), nil},
			{told(sofiaExpire, "user", "101", "call-id", "2"), []string{"101 unavailable"}},
			{told(sofiaExpire, "user", "101", "call-id", "2"), nil},
		},
		"a phone that was started again": {
			{register("101", "1", "a"), []string{"101 idle"}},
			{register("101", "2", "a"), nil},
			{unregister("101", "2"), []string{"101 unavailable"}},
			{register("101", "3", "a"), []string{"101 idle"}},
		},
		"somebody else": {
			{register("alice", "1", "a"), nil},
			{unregister("102", "1"), nil},
		},
		"while it is called": {
			{register("101", "1", "a"), []string{"101 idle"}},
			{line{"B", "A", "sofia/internal/101@x", true, []string{"variable_dialed_user", "101"}}.tells("CHANNEL_CREATE"), []string{"101 ringing A"}},
			{unregister("101", "1"), []string{"101 ringing A"}},
			{line{"B", "A", "sofia/internal/101@x", true, nil}.tells("CHANNEL_HANGUP"), []string{"101 unavailable"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := &heard{}
			p := newPresence(three(), h)
			for i, s := range steps {
				p.digest(s.e)
				if got := h.take(); !slices.Equal(got, s.want) {
					t.Fatalf("step %d: %q, want %q", i, got, s.want)
				}
			}
		})
	}
}

// console answers commands as FreeSWITCH would.
type console struct {
	mu      sync.Mutex
	answers map[string]string
	asked   []string
	// before is called before each answer.
	before func(command string)
}

func (c *console) set(command, printed string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[command] = printed
}

func (c *console) run(_ context.Context, name string, args ...string) (string, error) {
	command := strings.Join(append([]string{name}, args...), " ")
	if c.before != nil {
		c.before(command)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, command)
	printed, ok := c.answers[command]
	if !ok {
		printed = "-ERR " + name + " Command not found!"
	}
	return printed, refusal(printed)
}

func channelList(rows ...string) string {
	return `{"row_count":` + strconv.Itoa(len(rows)) + `,"rows":[` + strings.Join(rows, ",") + `]}`
}

const (
	rowA = `{"uuid":"A","direction":"inbound","created_epoch":"1795399257","name":"sofia/external/7@t","callstate":"ACTIVE","presence_id":"103@evil","call_uuid":"A"}`
	rowB = `{"uuid":"B","direction":"outbound","created_epoch":"1795399258","name":"sofia/internal/101@p","callstate":"RINGING","presence_id":"","call_uuid":"A"}`
	rowC = `{"uuid":"C","direction":"inbound","created_epoch":"1795399259","name":"sofia/internal/7@p","callstate":"ACTIVE","presence_id":"","call_uuid":""}`
)

func TestCompareAtLogin(t *testing.T) {
	h := &heard{}
	p := newPresence(three(), h)
	c := &console{answers: map[string]string{
		"show channels as json":     channelList(rowA, rowB, rowC, strings.ReplaceAll(rowC, `"C"`, `"D"`)),
		"uuid_getvar A user_name":   "_undef_",
		"uuid_getvar B dialed_user": "101",
		"uuid_getvar C user_name":   "102",
		"uuid_getvar D user_name":   "-ERR No such channel!", // the table is behind
	}}
	if err := compare(t.Context(), c.run, p); err != nil {
		t.Fatal(err)
	}
	if got, want := h.take(), []string{"101 ringing A", "102 in_use C+"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// The list does not have B yet, and has C no more.
	c.answers["show channels as json"] = channelList(rowA)
	c.answers["uuid_exists B"], c.answers["uuid_exists C"] = "true", "false"
	if err := compare(t.Context(), c.run, p); err != nil {
		t.Fatal(err)
	}
	if got, want := h.take(), []string{"102 unknown"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// An empty list has no rows. Then FreeSWITCH runs without its table.
	c.answers["show channels as json"] = `{"row_count": 0}` + "\n"
	c.answers["uuid_exists A"] = "true"
	if err := compare(t.Context(), c.run, p); err != nil {
		t.Fatal(err)
	}
	c.answers["show channels as json"] = "-ERR SQL disabled, no data available!"
	c.answers["uuid_exists B"] = "false"
	if err := compare(t.Context(), c.run, p); err != nil {
		t.Fatal(err)
	}
	if got, want := h.take(), []string{"101 unknown"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What events tell while the list is read counts more than the list.
func TestCompareLosesToEvents(t *testing.T) {
	h := &heard{}
	p := newPresence(three(), h)
	phone := line{"B", "A", "sofia/internal/101@p", true, []string{"variable_dialed_user", "101"}}
	c := &console{answers: map[string]string{
		"show channels as json": channelList(rowB), "uuid_getvar B dialed_user": "101",
		"show registrations as json": `{"row_count":1,"rows":[{"reg_user":"101","token":"1"},{"reg_user":"103","token":"3"}]}`,
	}}
	c.before = func(command string) {
		switch command {
		case "uuid_getvar B dialed_user":
			p.digest(phone.tells("CHANNEL_HANGUP"))
		case "show registrations as json":
			p.digest(told(sofiaUnregister, "from-user", "101", "call-id", "1"))
			p.digest(register("102", "2", "b"))
		}
	}
	if err := compare(t.Context(), c.run, p); err != nil {
		t.Fatal(err)
	}
	if got := h.take(); got != nil {
		t.Errorf("%q", got)
	}
	if err := p.askRegistrations(t.Context(), c.run); err != nil {
		t.Fatal(err)
	}
	if got, want := h.take(), []string{"102 idle", "103 idle"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// The connection ends; on the next one 102 is not registered any more.
	p.silence()
	h.take()
	c.before = nil
	if err := p.askRegistrations(t.Context(), c.run); err != nil {
		t.Fatal(err)
	}
	got := h.take()
	slices.Sort(got)
	if want := []string{"101 idle", "102 unavailable", "103 idle"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// In whatever order events come, however often and with whatever missing: once all channels have ended, and
// the pictures were compared, nobody is busy.
func TestPresenceAnyOrder(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		h := &heard{}
		p := newPresence(three(), h)
		var events []event
		sequence := 0
		for call := range 5 {
			a := line{fmt.Sprintf("A%d", call), fmt.Sprintf("A%d", call), "sofia/internal/x", false, []string{"variable_user_name", fmt.Sprintf("10%d", r.IntN(4))}}
			b := line{fmt.Sprintf("B%d", call), a.id, "sofia/internal/y", true, []string{"variable_dialed_user", fmt.Sprintf("10%d", r.IntN(4))}}
			for _, l := range []line{a, b} {
				for _, name := range []string{
					"CHANNEL_CREATE", "CHANNEL_PROGRESS", "CHANNEL_ANSWER", "CHANNEL_BRIDGE", "CHANNEL_HOLD", "CHANNEL_UNHOLD",
					"CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE",
				} {
					sequence++
					events = append(events, l.tells(name, "Event-Sequence", strconv.Itoa(sequence)))
				}
				sequence++
				events = append(events, line{l.id + "x", l.call, l.name, l.out, l.vars}.tells("CHANNEL_UUID", "Old-Unique-ID", l.id, "Event-Sequence", strconv.Itoa(sequence)))
			}
		}
		whole := seed%2 == 0
		if whole { // without the renamings, and with every end
			events = slices.DeleteFunc(events, func(e event) bool { return e.name() == "CHANNEL_UUID" })
		}
		r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		if !whole {
			events = append(events[:len(events)/2], events[:len(events)/4]...)
		}
		for _, e := range events {
			p.digest(e)
		}
		if !whole {
			c := &console{answers: map[string]string{"show channels as json": `{"row_count": 0}`}}
			c.before = func(command string) {
				if strings.HasPrefix(command, "uuid_exists ") {
					c.answers[command] = "false"
				}
			}
			if err := compare(t.Context(), c.run, p); err != nil {
				t.Fatal(err)
			}
		}
		for number, last := range h.last {
			if len(last.Calls) > 0 || last.State.Engaged() {
				t.Fatalf("seed %d: %s is busy for ever: %+v", seed, number, last)
			}
		}
		if all, _ := p.counts(); all != 0 || len(p.on) != 0 {
			t.Fatalf("seed %d: %d channels of %d extensions are left", seed, all, len(p.on))
		}
	}
}

// Who becomes an extension while they are busy, or registered, is told of: the directory may come late.
func TestStrangersBecomeOurs(t *testing.T) {
	h := &heard{}
	ours := false
	p := newPresence(numbering{known: func(string) bool { return ours }}, h)
	p.digest(line{"B", "A", "sofia/internal/101@x", true, []string{"variable_dialed_user", "101"}}.tells("CHANNEL_CREATE"))
	p.digest(line{"C", "C", "sofia/internal/9@x", false, []string{"variable_user_name", "104"}}.tells("CHANNEL_CREATE"))
	p.digest(line{"C", "C", "sofia/internal/9@x", false, nil}.tells("CHANNEL_HANGUP"))
	p.digest(register("102", "1", "a"))
	p.greet(time.Now())
	if got := h.take(); got != nil {
		t.Errorf("%q", got)
	}
	ours = true
	p.greet(time.Now())
	got := h.take()
	slices.Sort(got)
	if want := []string{"101 ringing A", "102 idle"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	p.greet(time.Now())
	if got := h.take(); got != nil || len(p.strangers) != 0 {
		t.Errorf("%q", got)
	}
}

// A phone that calls a second one belongs to whom it was, although FreeSWITCH sets dialed_user on both.
func TestWhoWasCalledFirst(t *testing.T) {
	h := &heard{}
	p := newPresence(three(), h)
	p.digest(line{"B", "B", "sofia/internal/101@x", true, []string{"variable_dialed_user", "102", "variable_presence_id", "101@x"}}.tells("CHANNEL_ANSWER"))
	if got, want := h.take(), []string{"101 in_use B+", "101 answered B"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := p.numbers.listed(listedChannel{Name: "sofia/internal/101@x", Direction: "outbound", PresenceID: "101@x", user: "102"}); got != "101" {
		t.Errorf("listed as %q", got)
	}
}

// A listener may ask back, and no lock is held meanwhile.
type asker struct {
	heard
	p *presence
}

func (a *asker) Report(reports ...ringside.LineReport) {
	a.p.counts()
	a.heard.Report(reports...)
}

func TestNoLockIsHeldWhileTelling(t *testing.T) {
	a := &asker{}
	a.p = newPresence(three(), a)
	var all sync.WaitGroup
	for i := range 8 {
		l := line{fmt.Sprintf("B%d", i), "A", "sofia/internal/101@x", true, []string{"variable_dialed_user", "101"}}
		all.Go(func() {
			a.p.digest(l.tells("CHANNEL_CREATE"))
			a.p.digest(l.tells("CHANNEL_HANGUP"))
		})
	}
	all.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.said) != 16 || len(a.last["101"].Calls) != 0 {
		t.Errorf("%d reports, the last is %+v", len(a.said), a.last["101"])
	}
}

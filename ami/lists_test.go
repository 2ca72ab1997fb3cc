package ami

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
)

// silent answers a list with nothing: the test sends what comes.
func silent(f *fakeManager, action string) (asked <-chan string) {
	ids := make(chan string, 1)
	f.on(action, func(m Message) string {
		ids <- m.Get("ActionID")
		return "Response: Success\nEventList: start"
	})
	return ids
}

func TestAListThatIsGivenUpIsNobodys(t *testing.T) {
	f := newFakeManager(t)
	asked := silent(f, "DeviceStateList")
	s := f.session(func(m Message) {
		if m.Event() != "FullyBooted" {
			t.Errorf("the sink gets\n%s", m)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan string, 10)
	over := make(chan error)
	go func() {
		over <- s.List(ctx, NewAction("DeviceStateList"), func(m Message) { got <- m.Get("Device") })
	}()
	id := <-asked
	f.write(wire("Event: DeviceStateChange\nDevice: PJSIP/101\nState: INUSE", id))
	if device := <-got; device != "PJSIP/101" {
		t.Errorf("first comes %s", device)
	}
	cancel()
	if err := <-over; !errors.Is(err, context.Canceled) {
		t.Errorf("the list ends with %v", err)
	}
	f.write(wire("Event: DeviceStateChange\nDevice: PJSIP/102\nState: INUSE\n\nEvent: Status\nPrivilege: Call\nUniqueid: 1\n\n"+
		"Event: DeviceStateListComplete\nEventList: Complete\nListItems: 2", id))
	if _, err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(got) != 0 || s.Forged() != 0 {
		t.Errorf("%d items after the end, %d events taken for forged", len(got), s.Forged())
	}
}

// Who waits in a queue and has line breaks in their number can neither end the list nor write into it.
func TestACallerCanNotWriteIntoAList(t *testing.T) {
	entry := func(position int, id, number string) string {
		return fmt.Sprintf("Event: QueueEntry\r\nQueue: s\r\nPosition: %d\r\nChannel: PJSIP/trunk-%s\r\nUniqueid: %s\r\nCallerIDNum: %s\r\n"+
			"CallerIDName: Anna\r\nConnectedLineNum: %s\r\nConnectedLineName: \r\nWait: 1\r\nPriority: 0\r\nActionID: @\r\n\r\n", position, id, id, number, number)
	}
	for name, number := range map[string]string{
		"an honest one":             "100",
		"the end of the list":       "1\r\n\r\nEvent: X\r\nEventList: Complete\r\nY: ",
		"that Asterisk gives it up": "1\r\n\r\nEvent: X\r\nEventList: cancelled\r\nY: ",
		"another caller":            "1\r\n\r\nEvent: QueueEntry\r\nQueue: s\r\nChannel: a\r\nUniqueid: b\r\nCallerIDNum: 2",
		"another caller, tightly":   "\r\n\r\nEvent:QueueEntry\r\nQueue:s\r\nPosition:\r\nChannel:a\r\nUniqueid:b\r\nCallerIDNum:",
		"a member":                  "\r\n\r\nEvent: QueueMember\r\nQueue: s\r\nLocation: PJSIP/999\r\nStatus: 1",
	} {
		t.Run(name, func(t *testing.T) {
			if len(number) > maxForged {
				t.Fatalf("%d bytes are too many", len(number))
			}
			f := newFakeManager(t)
			asked := silent(f, "QueueStatus")
			s := f.session(nil)
			var got []string
			over := make(chan error)
			go func() {
				over <- s.List(t.Context(), NewAction("QueueStatus"), func(m Message) { got = append(got, m.Event()+" "+m.Get("Uniqueid")) })
			}()
			id := <-asked
			f.write(strings.ReplaceAll(entry(1, "1.1", "7")+entry(2, "1.2", number)+entry(3, "1.3", "8"), "@", id) +
				wire("Event: QueueStatusComplete\nEventList: Complete\nListItems: 3", id))
			err := <-over
			list := strings.Join(got, ", ")
			want := "QueueEntry 1.1, QueueEntry 1.3"
			if name == "an honest one" {
				want = "QueueEntry 1.1, QueueEntry 1.2, QueueEntry 1.3"
			}
			if err != nil || list != want {
				t.Errorf("%v: %s", err, list)
			}
		})
	}
}

func TestAListEnds(t *testing.T) {
	for _, tc := range []struct {
		name, answer string
		items        int
		want         error
	}{
		{"with its items", listOf("XComplete", "Event: A", "Event: B"), 2, nil},
		{"without any", listOf("XComplete"), 0, nil},
		{"refused", "Response: Error\nMessage: No such thing", 0, ringside.ErrRefused},
		{"without the right", "Response: Error\nMessage: Permission denied", 0, ringside.ErrNotPermitted},
		{"given up by Asterisk", "Response: Success\nEventList: start\n\nEvent: A\n\nEvent: XComplete\nEventList: cancelled", 1, ringside.ErrRefused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFakeManager(t)
			f.on("X", func(Message) string { return tc.answer })
			n := 0
			if err := f.session(nil).List(t.Context(), NewAction("X"), func(Message) { n++ }); !errors.Is(err, tc.want) || n != tc.items {
				t.Errorf("%d items, %v", n, err)
			}
		})
	}
}

func TestAConnectionThatIsLostEndsWhatWaits(t *testing.T) {
	f := newFakeManager(t)
	asked := silent(f, "X")
	s := f.session(nil)
	go func() {
		f.write(wire("Event: A", <-asked))
		f.hangUp()
	}()
	if err := s.List(t.Context(), NewAction("X"), func(Message) {}); !errors.Is(err, ringside.ErrPBXAway) {
		t.Errorf("the list ends with %v", err)
	}
	if _, err := s.Ping(t.Context()); !errors.Is(err, ringside.ErrPBXAway) {
		t.Errorf("what is asked afterwards gives %v", err)
	}
}

func TestAPanicCostsOneItem(t *testing.T) {
	f := newFakeManager(t)
	f.on("X", func(Message) string { return listOf("XComplete", "Event: A", "Event: B", "Event: C") })
	var got []string
	err := f.session(nil).List(t.Context(), NewAction("X"), func(m Message) {
		if m.Event() == "B" {
			panic("B")
		}
		got = append(got, m.Event())
	})
	if err != nil || strings.Join(got, "") != "AC" {
		t.Errorf("%q, %v", got, err)
	}
}

package ami

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

// story is a call that a test plays. Channels have ids of a letter.
type story struct {
	*tales
	names, linked map[string]string
	now           time.Time
}

func newStory() *story {
	return &story{newTales(phones), map[string]string{}, map[string]string{}, began}
}

// at moves the time on to so many seconds from the beginning.
func (s *story) at(seconds float64) *story {
	s.now = began.Add(time.Duration(seconds * float64(time.Second)))
	return s
}

func (s *story) say(event string, pairs ...string) *story {
	var b strings.Builder
	fmt.Fprintf(&b, "Event: %s\r\n", event)
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", pairs[i], pairs[i+1])
	}
	s.event([]byte(event), ParseMessage(b.String()), s.now)
	return s
}

// block is what an event says of a channel.
func (s *story) block(kind, id string) []string {
	if id == "" {
		return nil
	}
	return []string{kind + "Channel", s.names[id], kind + "Uniqueid", id, kind + "Linkedid", s.linked[id]}
}

// comes makes a channel; linked is the call's id.
func (s *story) comes(id, name, exten, linked string) *story {
	s.names[id], s.linked[id] = name, linked
	return s.say("Newchannel", append(s.block("", id), "ChannelState", "4", "CallerIDNum", "+79001234567", "CallerIDName", "Anna", "Exten", exten)...)
}

func (s *story) dials(from, to, dialled string) *story {
	return s.say("DialBegin", append(append(s.block("", from), s.block("Dest", to)...), "DialString", dialled)...)
}

func (s *story) dialEnds(from, to, status string) *story {
	return s.say("DialEnd", append(append(s.block("", from), s.block("Dest", to)...), "DialStatus", status)...)
}

func (s *story) enters(bridge string, ids ...string) *story {
	for _, id := range ids {
		s.say("BridgeEnter", append(s.block("", id), "BridgeUniqueid", bridge, "BridgeType", "basic")...)
	}
	return s
}

func (s *story) leaves(bridge string, ids ...string) *story {
	for _, id := range ids {
		s.say("BridgeLeave", append(s.block("", id), "BridgeUniqueid", bridge, "BridgeType", "basic")...)
	}
	return s
}

func (s *story) hangsUp(cause int, ids ...string) *story {
	for _, id := range ids {
		s.say("Hangup", append(s.block("", id), "Cause", fmt.Sprint(cause))...)
	}
	return s
}

func (s *story) ends(t *testing.T, want string) {
	t.Helper()
	if got := telling(drain(s.tales)); got != strings.TrimPrefix(want, "\n") {
		t.Errorf("it tells\n%s\nnot\n%s", got, want)
	}
	if n := len(s.calls) + len(s.parts) + len(s.bridges) + s.open.Len(); n > 0 {
		t.Errorf("%d things are kept of calls that are over", n)
	}
}

func TestRingGroup(t *testing.T) {
	s := newStory().comes("A", "PJSIP/trunk-1", "100", "A").
		comes("B", "PJSIP/101-2", "s", "A").comes("C", "PJSIP/102-3", "s", "A").comes("D", "PJSIP/103-4", "s", "A")
	s.dials("A", "B", "101").dials("A", "C", "102").dials("A", "D", "103")
	s.at(1).dialEnds("A", "D", "BUSY").hangsUp(17, "D")
	s.at(3).dialEnds("A", "C", "ANSWER").dialEnds("A", "B", "CANCEL").hangsUp(26, "B").enters("x", "A", "C")
	s.at(9).hangsUp(16, "C", "A")
	s.ends(t, `
PJSIP/trunk- (trunk) +79001234567 "Anna" calls 100: answered, answered 3.0, over 9.0, cause 16
  B/dial1 dial 101: cancelled, 0.0 - 3.0, cause 26
  C/dial1 dial 102: answered by 102, 0.0 3.0 9.0, cause 16
  D/dial1 dial 103: busy, 0.0 - 1.0, cause 17
`)
}

// TestPickUp: a masquerade puts the channel of who picks up in the rung one's place.
func TestPickUp(t *testing.T) {
	s := newStory().comes("A", "PJSIP/trunk-1", "100", "A").comes("B", "PJSIP/101-2", "s", "A").dials("A", "B", "101")
	s.at(2).comes("C", "PJSIP/103-3", "*8", "C")
	s.say("Rename", "Channel", "PJSIP/103-3", "Newname", "PJSIP/103-3<MASQ>", "Uniqueid", "C")
	s.say("Rename", "Channel", "PJSIP/101-2", "Newname", "PJSIP/103-3", "Uniqueid", "B")
	s.say("Rename", "Channel", "PJSIP/103-3<MASQ>", "Newname", "PJSIP/101-2<ZOMBIE>", "Uniqueid", "C")
	s.names["B"], s.names["C"], s.linked["C"] = "PJSIP/103-3", "PJSIP/101-2<ZOMBIE>", "A"
	s.hangsUp(26, "C").dialEnds("A", "B", "ANSWER").enters("x", "A", "B")
	s.at(5).hangsUp(16, "B", "A")
	s.ends(t, `
PJSIP/trunk- (trunk) +79001234567 "Anna" calls 100: answered, answered 2.0, over 5.0, cause 16
  B/dial1 dial 101: answered by 103, 0.0 2.0 5.0, cause 16
`)
}

// TestLocalChannels: what a Local channel leads to is the leg.
func TestLocalChannels(t *testing.T) {
	t.Run("it leads to a phone, and steps out of the way", func(t *testing.T) {
		s := newStory().comes("A", "PJSIP/trunk-1", "600", "A").
			comes("B", "Local/101@members-1;1", "101", "A").comes("C", "Local/101@members-1;2", "101", "A")
		s.dials("A", "B", "Local/101@members/n").comes("D", "PJSIP/101-2", "s", "A").dials("C", "D", "101")
		s.at(2).dialEnds("C", "D", "ANSWER").dialEnds("A", "B", "ANSWER").enters("x", "D", "C").enters("y", "A", "B")
		s.at(3).hangsUp(16, "B", "C")
		s.at(9).hangsUp(16, "D", "A")
		s.ends(t, `
PJSIP/trunk- (trunk) +79001234567 "Anna" calls 600: answered, answered 2.0, over 9.0, cause 16
  B/dial1 dial 101: answered by 101, 0.0 2.0 9.0, cause 16
`)
	})
	t.Run("it leads to an application", func(t *testing.T) {
		s := newStory().comes("A", "PJSIP/trunk-1", "600", "A").
			comes("B", "Local/hours@ivr-1;1", "hours", "A").comes("C", "Local/hours@ivr-1;2", "hours", "A")
		s.dials("A", "B", "hours@ivr")
		s.at(1).dialEnds("A", "B", "ANSWER").enters("y", "A", "B")
		s.at(4).hangsUp(16, "B", "C", "A")
		s.ends(t, `
PJSIP/trunk- (trunk) +79001234567 "Anna" calls 600: abandoned, answered -, over 4.0, cause 16
  B/application1 application hours: done, 0.0 - 4.0, cause 16
`)
	})
}

// TestTwoCallsAreJoined: 101 talks with A and, on a second line, with 103, and joins both. The older call
// goes on.
func TestTwoCallsAreJoined(t *testing.T) {
	s := newStory().comes("A", "PJSIP/trunk-1", "101", "A").comes("B", "PJSIP/101-2", "s", "A").dials("A", "B", "101")
	s.at(1).dialEnds("A", "B", "ANSWER").enters("x", "A", "B")
	s.at(4).comes("C", "PJSIP/101-3", "103", "C").comes("D", "PJSIP/103-4", "s", "C").dials("C", "D", "103")
	s.at(6).dialEnds("C", "D", "ANSWER").enters("y", "C", "D")
	s.at(8).say("AttendedTransfer", append(append(append(append(s.block("OrigTransferer", "B"), s.block("SecondTransferer", "C")...),
		s.block("Transferee", "A")...), s.block("TransferTarget", "D")...), "Result", "Success", "DestType", "Bridge")...)
	s.linked["C"], s.linked["D"] = "A", "A"
	s.enters("x", "D").hangsUp(16, "B", "C")
	s.at(20).hangsUp(16, "D", "A")
	s.ends(t, `
PJSIP/trunk- (trunk) +79001234567 "Anna" calls 101: answered, answered 1.0, over 20.0, cause 16
  B/dial1 dial 101: answered by 101, 0.0 1.0 8.0, cause 16
  C/dial1 dial 103: answered by 103, 4.0 6.0 20.0, cause 16
  B/transfer1 transfer 103: done, 8.0 - 8.0
`)
}

// ringside's own attended transfers: the caller hears music while 101 asks 102.
func consultation() *story {
	s := newStory().comes("A", "PJSIP/trunk-1", "101", "A").comes("B", "PJSIP/101-2", "s", "A").dials("A", "B", "101")
	s.at(1).dialEnds("A", "B", "ANSWER").enters("x", "A", "B")
	return s.at(4).leaves("x", "A", "B").comes("C", "PJSIP/102-3", "s", "A").dials("B", "C", "102")
}

func TestWhoWasConsultedTakesTheCall(t *testing.T) {
	s := consultation()
	s.at(6).dialEnds("B", "C", "ANSWER").enters("y", "B", "C")
	s.at(9).leaves("y", "B", "C").hangsUp(16, "B").enters("z", "C", "A")
	s.at(20).leaves("z", "C", "A").hangsUp(16, "C", "A")
	s.ends(t, `
PJSIP/trunk- (trunk) +79001234567 "Anna" calls 101: answered, answered 1.0, over 20.0, cause 16
  B/dial1 dial 101: answered by 101, 0.0 1.0 4.0, cause 16
  C/dial1 dial 102: answered by 102, 4.0 6.0 20.0, cause 16
`)
}

func TestWhoConsultsInVainHasTheCallBack(t *testing.T) {
	s := consultation()
	s.at(6).dialEnds("B", "C", "BUSY").hangsUp(17, "C").enters("z", "A", "B")
	s.at(20).leaves("z", "A", "B").hangsUp(16, "B", "A")
	s.ends(t, `
PJSIP/trunk- (trunk) +79001234567 "Anna" calls 101: answered, answered 1.0, over 20.0, cause 16
  B/dial1 dial 101: answered by 101, 0.0 1.0 20.0, cause 16
  C/dial1 dial 102: busy, 4.0 - 6.0, cause 17
`)
}

func TestCallsThatReachNobody(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(*story)
		want string
	}{
		{
			"it is refused at once", func(s *story) { s.hangsUp(21, "A") },
			`failed, answered -, over 0.0, cause 21`,
		},
		{
			"the caller hangs up in a menu", func(s *story) { s.at(5).hangsUp(16, "A") },
			`abandoned, answered -, over 5.0, cause 16`,
		},
		{"the queue gives up", func(s *story) {
			s.say("QueueCallerJoin", append(s.block("", "A"), "Queue", "support")...)
			s.at(30).say("QueueCallerLeave", append(s.block("", "A"), "Queue", "support")...).hangsUp(16, "A")
		}, `no_answer, answered -, over 30.0, cause 16
  A/queue1 queue : timeout, 0.0 - 30.0`},
		{"somebody's mailbox takes it", func(s *story) {
			s.comes("B", "PJSIP/101-2", "s", "A").dials("A", "B", "101").at(9).dialEnds("A", "B", "NOANSWER").hangsUp(0, "B")
			s.say("CEL", append([]string{"EventName", "APP_START", "Application", "VoiceMail", "AppData", "101@default,u"}, s.block("", "A")...)...)
			s.at(19).say("CEL", append([]string{"EventName", "APP_END", "Application", "VoiceMail"}, s.block("", "A")...)...).hangsUp(16, "A")
		}, `no_answer, answered -, over 19.0, cause 16
  B/dial1 dial 101: no_answer, 0.0 - 9.0
  A/voicemail1 voicemail 101: done, 9.0 9.0 19.0`},
		{"the trunk is congested", func(s *story) {
			s.comes("B", "PJSIP/trunk-2", "s", "A").dials("A", "B", "79001112233@trunk").dialEnds("A", "B", "CONGESTION").hangsUp(34, "B", "A")
		}, `failed, answered -, over 0.0, cause 34, outside
  B/dial1 dial 79001112233: congested, 0.0 - 0.0, cause 34`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory().comes("A", "PJSIP/101-1", "200", "A")
			c.play(s)
			s.ends(t, `PJSIP/101- (101) +79001234567 "Anna" calls 200: `+c.want+"\n")
		})
	}
}

// TestUnknownChannels: events about channels that nobody knows change nothing, and Asterisk's own channels
// are nobody's.
func TestUnknownChannels(t *testing.T) {
	s := newStory()
	s.names["X"], s.linked["X"] = "PJSIP/101-1", "X"
	s.dials("X", "X", "101").dialEnds("X", "X", "ANSWER").enters("b", "X").hangsUp(16, "X")
	s.say("Cdr", "UniqueID", "X", "LinkedID", "X", "Disposition", "ANSWERED")
	s.say("CEL", "EventName", "APP_START", "UniqueID", "X", "Application", "Dial")
	s.say("Newchannel", "Channel", "PJSIP/101-1").say("Newchannel", "Uniqueid", "Y")
	s.comes("Z", "CBAnn/55-1;1", "s", "Z").hangsUp(16, "Z")
	s.ends(t, "")
}

// TestHandedOver: a call is handed over when late rows have had their time, once, one after the other; at
// the end those that are over are not kept waiting.
func TestHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory()
		got := make(chan string, 10)
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() {
			defer close(over)
			s.run(ctx, func(_ context.Context, w ringside.Witnessed) { got <- w.CallID })
		}()
		s.now = time.Now()
		s.comes("A", "PJSIP/101-1", "102", "A").hangsUp(16, "A")
		time.Sleep(lateRows - time.Millisecond)
		s.now = time.Now()
		s.comes("B", "PJSIP/101-2", "102", "B").comes("C", "PJSIP/101-3", "102", "C").hangsUp(16, "B")
		synctest.Wait()
		if len(got) > 0 {
			t.Errorf("%s is handed over too early", <-got)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if len(got) != 1 || <-got != "A" {
			t.Error("the first is not handed over when its time has come")
		}
		cancel()
		<-over
		if len(got) != 1 || <-got != "B" {
			t.Error("what was over is not handed over in the end")
		}
	})
}

// TestJoinedWhileItWaits: a call that a channel comes back to is not over.
func TestJoinedWhileItWaits(t *testing.T) {
	s := newStory().comes("A", "PJSIP/trunk-1", "101", "A").hangsUp(16, "A").comes("B", "PJSIP/101-2", "102", "A")
	if c, _ := s.next(began.Add(time.Hour), false); c != nil {
		t.Error("it is handed over")
	}
	s.at(9).hangsUp(16, "B")
	if c, wait := s.next(s.now.Add(time.Second), false); c != nil || wait != time.Second {
		t.Errorf("it waits for %v", wait)
	}
	if c, _ := s.next(s.now.Add(lateRows), false); c == nil {
		t.Error("it is not handed over")
	}
}

// TestAfterAGap: what went on goes on, what is not there any more counts until the connection was lost, and
// what is new is taken up.
func TestAfterAGap(t *testing.T) {
	f := newFakeManager(t)
	s := newStory()
	s.now = time.Now()
	s.comes("A", "PJSIP/trunk-1", "101", "A").comes("B", "PJSIP/101-2", "s", "A").dials("A", "B", "101")
	s.comes("C", "PJSIP/trunk-3", "102", "C").comes("D", "PJSIP/102-4", "s", "C").dials("C", "D", "102")
	lost := s.now.Add(time.Second)
	s.lost(lost)
	item := func(id, linked, name, state, app, bridge string) string {
		return "Event: CoreShowChannel\nChannel: " + name + "\nChannelState: " + state + "\nCallerIDNum: +79001234567\nCallerIDName: Anna\nExten: 103\n" +
			"Uniqueid: " + id + "\nLinkedid: " + linked + "\nApplication: " + app + "\nDuration: 00:01:00\nBridgeId: " + bridge
	}
	f.on("CoreShowChannels", func(Message) string {
		return listOf("CoreShowChannelsComplete",
			item("A", "A", "PJSIP/trunk-1", "6", "Dial", "x"), item("B", "A", "PJSIP/101-2", "6", "AppDial", "x"),
			item("F", "E", "PJSIP/103-6", "6", "AppDial", "y"), item("E", "E", "PJSIP/trunk-5", "6", "Dial", "y"))
	})
	if err := s.resync(t.Context(), f.session(nil)); err != nil {
		t.Fatal(err)
	}
	gone := drain(s.tales)
	if len(gone) != 1 || gone[0].CallID != "C" || !gone[0].End.Equal(lost) || gone[0].Status != ringside.StatusFailed ||
		len(gone[0].Legs) != 1 || gone[0].Legs[0].Result != "" {
		t.Errorf("of the lost call it tells %+v", gone)
	}
	s.now = time.Now().Add(10 * time.Second)
	s.linked["E"], s.linked["F"], s.names["E"], s.names["F"] = "E", "E", "PJSIP/trunk-5", "PJSIP/103-6"
	s.hangsUp(16, "B", "A", "F", "E")
	all := drain(s.tales)
	if len(all) != 2 {
		t.Fatalf("it tells %d calls", len(all))
	}
	if w := all[0]; w.CallID != "A" || w.Status != ringside.StatusAnswered || len(w.Legs) != 1 || w.Legs[0].Answered != "101" {
		t.Errorf("of what went on it tells %+v", w)
	}
	if w := all[1]; w.CallID != "E" || w.Status != ringside.StatusAnswered || len(w.Legs) != 1 || w.Legs[0].Answered != "103" ||
		w.End.Sub(w.Start) < time.Minute || w.Called != "103" {
		t.Errorf("of what was new it tells %+v", w)
	}
}

// TestNoRightToList: who may not ask for the channels forgets, after a gap only, what was there before.
func TestNoRightToList(t *testing.T) {
	f := newFakeManager(t)
	f.on("CoreShowChannels", func(Message) string { return "Response: Error\nMessage: Permission denied" })
	session := f.session(nil)
	s := newStory().comes("A", "PJSIP/trunk-1", "101", "A")
	if err := s.resync(t.Context(), session); !refused(err) || len(drain(s.tales)) != 0 {
		t.Errorf("without a gap, it gives %v", err)
	}
	s.lost(began.Add(time.Second))
	if err := s.resync(t.Context(), session); !refused(err) || len(drain(s.tales)) != 1 {
		t.Errorf("after a gap, it gives %v", err)
	}
}

func TestBoundsOfCalls(t *testing.T) {
	s := newStory()
	for i := range maxTales + 10 {
		id := fmt.Sprint("c", i)
		s.comes(id, "PJSIP/101-1", "102", id)
	}
	all := drain(s.tales)
	if len(all) != 10 || all[0].CallID != "c0" || s.open.Len() != maxTales || s.dropped != 10 {
		t.Errorf("%d are over, %d open, %d dropped", len(all), s.open.Len(), s.dropped)
	}
	s = newStory().comes("A", "PJSIP/trunk-1", "600", "A")
	for i := range 3 * maxParts {
		id := fmt.Sprint("c", i)
		s.at(float64(i)).comes(id, "PJSIP/101-1", "s", "A").dials("A", id, "101").dialEnds("A", id, "NOANSWER").hangsUp(0, id)
	}
	s.at(1000).comes("Z", "PJSIP/102-1", "s", "A").dials("A", "Z", "102").dialEnds("A", "Z", "ANSWER").hangsUp(16, "Z", "A")
	all = drain(s.tales)
	if len(all) != 1 || len(all[0].Legs) > maxLegs || all[0].Legs[len(all[0].Legs)-1].Answered != "102" || len(s.parts) > 0 {
		t.Errorf("%d are over, %d channels kept", len(all), len(s.parts))
	}
}

// FuzzTales: whatever comes in whatever order, it never panics, every call is told once and sanely, and
// nothing is kept of calls that are over. Two bytes are an event: which, and about which channels.
func FuzzTales(f *testing.F) {
	f.Add([]byte{0, 0x01, 0, 0x12, 2, 0x12, 3, 0x12, 5, 0x11, 5, 0x22, 6, 0x11, 1, 0x21, 1, 0x11})
	f.Add([]byte{0, 0x01, 7, 0x11, 8, 0x11, 9, 0x12, 10, 0x12, 11, 0x12, 12, 0x12, 13, 0x11, 14, 0x11})
	f.Add([]byte("a caller who is very hostile, and goes on and on about it"))
	names := []string{
		"PJSIP/trunk-1", "PJSIP/101-2", "Local/101@x-3;1", "Local/101@x-3;2", "PJSIP/102-4", "AsyncGoto/PJSIP/101-2", "", "Local/101@y-4;1",
	}
	words := []string{
		"Newchannel", "Hangup", "DialBegin", "DialEnd", "Newstate", "BridgeEnter", "BridgeLeave", "QueueCallerJoin", "QueueCallerLeave",
		"QueueCallerAbandon", "AgentConnect", "ParkedCall", "UnParkedCall", "ConfbridgeJoin", "ConfbridgeLeave", "BlindTransfer",
		"AttendedTransfer", "Rename", "Cdr", "CEL", "CEL", "ParkedCallTimeOut", "ParkedCallGiveUp", "UserEvent", "VarSet",
	}
	values := []string{"ANSWER", "BUSY", "", "NOANSWER", "ANSWERED", "FAILED", "basic", "Success"}
	f.Fuzz(func(t *testing.T, program []byte) {
		s := newStory()
		for i := 0; i+1 < len(program); i += 2 {
			what, about := program[i], program[i+1]
			one, two, value := about>>4&7, about&7, values[what>>5&7]
			id, other := fmt.Sprint("u", one), fmt.Sprint("u", two)
			pairs := []string{
				"Channel", names[one], "ChannelState", fmt.Sprint(two), "CallerIDNum", value, "Exten", value, "Uniqueid", id, "Linkedid", other,
				"BridgeUniqueid", other, "BridgeType", "basic", "DialStatus", value, "Result", value, "DialString", value, "Newname", names[two],
				"DestinationChannel", names[two], "LastApplication", []string{"Dial", "Queue", "VoiceMail", "Echo"}[two&3], "Disposition", value,
				"StartTime", fmt.Sprintf("2026-11-24 19:34:%02d", what>>2), "BillableSeconds", fmt.Sprint(what), "Sequence", fmt.Sprint(about),
				"EventName", []string{"CHAN_START", "APP_START", "APP_END", ""}[what>>6], "Application", []string{"Dial", "VoiceMail"}[two&1],
				"AppData", "PJSIP/101&PJSIP/9@trunk,10", "HoldTime", fmt.Sprint(what), "Cause", fmt.Sprint(about), "UserEvent", "CRMCallData",
			}
			for j, kind := range []string{"Dest", "Parkee", "Retriever", "Transferer", "Transferee", "OrigTransferer", "SecondTransferer", "TransferTarget"} { //nolint:misspell // Asterisk's words
				pairs = append(pairs, kind+"Uniqueid", []string{other, id}[j&1], kind+"Linkedid", other)
			}
			s.at(float64(i)*0.7).say(words[int(what&31)%len(words)], pairs...)
		}
		seen := map[string]bool{}
		for _, w := range drain(s.tales) {
			if len(w.Legs) > maxLegs || w.End.Before(w.Start) || w.CallID == "" || w.Status == "" || seen[w.CallID] && len(program) < 8 {
				t.Errorf("a call is %+v", w)
			}
			seen[w.CallID] = true
			if (w.Status == ringside.StatusAnswered) == w.Answer.IsZero() || w.Answer.After(w.End) {
				t.Errorf("%s, but answered %v", w.Status, w.Answer)
			}
			keys := map[string]bool{}
			for _, l := range w.Legs {
				if l.End.Before(l.Start) || (!l.Answer.IsZero() && (l.Answer.Before(l.Start) || l.Answer.After(l.End))) || l.PBXKey == "" || keys[l.PBXKey] {
					t.Errorf("a leg is %+v", l)
				}
				keys[l.PBXKey] = true
			}
		}
		alive := map[*tale]int{}
		for id, p := range s.parts {
			if p.tale.finished || p.tale.merged || p.id != id {
				t.Errorf("%q is kept", id)
			}
			if !p.gone && !p.noise {
				alive[p.tale]++
			}
		}
		for e := s.open.Front(); e != nil; e = e.Next() {
			c := e.Value.(*tale)
			if c.alive != alive[c] || c.alive == 0 && len(c.parts) > 0 {
				t.Errorf("%d channels are counted, %d alive", c.alive, alive[c])
			}
		}
		if s.open.Len() > len(s.calls) || len(s.bridges) > len(s.parts) {
			t.Error("something is kept")
		}
	})
}

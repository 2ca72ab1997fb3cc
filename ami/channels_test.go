package ami

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// picture tells channels events in short and hears what is reported of extensions.
type picture struct {
	*channels
	h *overheard
}

// overheard notes reports in a line each: "101 ringing(A)" or "answered A 101".
type overheard struct{ lines []string }

func (s *overheard) Report(reports ...ringside.LineReport) {
	for _, r := range reports {
		text := r.Number + " " + string(r.State)
		for _, c := range r.Calls {
			how := "rings"
			if c.Talking {
				how = "talks"
			}
			text += " " + how + "(" + c.CallID + ")"
		}
		s.lines = append(s.lines, text)
	}
}

func (s *overheard) Answered(call, number string) {
	s.lines = append(s.lines, "answered "+call+" "+number)
}
func (s *overheard) Silence() { s.lines = append(s.lines, "silence") }

func newPicture() picture {
	h := &overheard{}
	return picture{newChannels(Places{Extension: "PJSIP/${number}"}, h), h}
}

// tell gives an event: its name, then pairs of headers.
func (p picture) tell(event string, pairs ...string) {
	text := "Event: " + event + "\r\n"
	for i := 0; i < len(pairs); i += 2 {
		text += pairs[i] + ": " + pairs[i+1] + "\r\n"
	}
	m := ParseMessage(text)
	p.event(m.find("Event"), m, time.Now())
}

func (p picture) begins(name, id, call, state string) {
	p.tell("Newchannel", "Channel", name, "ChannelState", state, "Uniqueid", id, "Linkedid", call)
}

func (p picture) enters(bridge string, ids ...string) {
	for _, id := range ids {
		p.tell("BridgeEnter", "BridgeUniqueid", bridge, "Uniqueid", id)
	}
}

func TestACallIsReportedFromBeginningToEnd(t *testing.T) {
	p := newPicture()
	p.tell("DeviceStateChange", "Device", "PJSIP/101", "State", "NOT_INUSE")
	p.begins("PJSIP/trunk-1", "A", "A", "4")
	p.begins("PJSIP/101-2", "B", "A", "0")
	p.tell("Newstate", "Uniqueid", "B", "Channel", "PJSIP/101-2", "ChannelState", "5")
	p.tell("DeviceStateChange", "Device", "PJSIP/101", "State", "RINGING")
	p.tell("Newstate", "Uniqueid", "B", "Channel", "PJSIP/101-2", "ChannelState", "6")
	p.tell("DialEnd", "DestUniqueid", "B", "DialStatus", "ANSWER")
	// The call is joined with another: it keeps its name.
	p.tell("NewConnectedLine", "Uniqueid", "B", "Channel", "PJSIP/101-2", "ChannelState", "6", "Linkedid", "Z")
	p.tell("Newstate", "Uniqueid", "unknown", "Channel", "PJSIP/101-9", "ChannelState", "6")
	p.tell("Hangup", "Uniqueid", "unknown", "Channel", "PJSIP/101-2")
	p.tell("DeviceStateChange", "Device", "Queue:sales", "State", "INUSE")
	p.tell("Hangup", "Uniqueid", "B", "Channel", "PJSIP/101-2", "Cause", "16")
	want := []string{
		"101 idle", "trunk unknown rings(A)", "101 idle rings(A)", "101 ringing rings(A)", "101 ringing talks(A)", "answered A 101", "101 ringing",
	}
	if got := strings.Join(p.h.lines, "; "); got != strings.Join(want, "; ") {
		t.Errorf("told\n%s, want\n%s", got, strings.Join(want, "; "))
	}
}

func TestPeers(t *testing.T) {
	for _, tc := range []struct {
		name  string
		story func(p picture)
		peer  string
	}{
		{"alone", func(picture) {}, ""},
		{"in a bridge alone", func(p picture) { p.enters("x", "A") }, ""},
		{"with one other", func(p picture) { p.enters("x", "A", "B") }, "PJSIP/101-2"},
		{"with two others", func(p picture) { p.enters("x", "A", "B", "C") }, ""},
		{"in another bridge", func(p picture) { p.enters("x", "A"); p.enters("y", "B") }, ""},
		{"after the other has left", func(p picture) {
			p.enters("x", "A", "B")
			p.tell("BridgeLeave", "BridgeUniqueid", "x", "Uniqueid", "B")
		}, ""},
		{"after the other has hung up", func(p picture) { p.enters("x", "A", "B"); p.tell("Hangup", "Uniqueid", "B") }, ""},
		{"after two bridges became one", func(p picture) {
			p.enters("x", "A")
			p.enters("y", "B")
			p.tell("BridgeMerge", "ToBridgeUniqueid", "x", "FromBridgeUniqueid", "y")
		}, "PJSIP/101-2"},
		{"under another name", func(p picture) {
			p.enters("x", "A", "B")
			p.tell("Rename", "Channel", "PJSIP/101-2", "Newname", "PJSIP/101-2<MASQ>", "Uniqueid", "B")
		}, "PJSIP/101-2<MASQ>"},
		{"a name that somebody made up", func(p picture) {
			p.enters("x", "A", "B")
			p.tell("Rename", "Channel", "", "Newname", "x", "Uniqueid", "B")
		}, "PJSIP/101-2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPicture()
			p.begins("PJSIP/trunk-1", "A", "A", "6")
			p.begins("PJSIP/101-2", "B", "A", "6")
			p.begins("Local/x@y-3;1", "C", "A", "6")
			tc.story(p)
			if peer, ok := p.peer("PJSIP/trunk-1"); peer != tc.peer || ok != (tc.peer != "") {
				t.Errorf("%q, %t", peer, ok)
			}
		})
	}
}

func TestAMissedEndIsNoticed(t *testing.T) {
	p := newPicture()
	p.begins("PJSIP/101-1", "A", "A", "6")
	p.begins("PJSIP/102-2", "B", "B", "6")
	f := newFakeManager(t)
	f.on("CoreShowChannels", func(Message) string {
		return listOf("CoreShowChannelsComplete",
			"Event: CoreShowChannel\nChannel: PJSIP/102-2\nChannelState: 6\nUniqueid: B\nLinkedid: B\nDuration: 00:00:10\nBridgeId: x",
			"Event: CoreShowChannel\nChannel: PJSIP/103-3\nChannelState: 6\nUniqueid: C\nLinkedid: C\nDuration: 01:00:00\nBridgeId: x")
	})
	s := f.session(nil)
	if err := p.resync(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if p.live("A") || !p.live("B") || !p.live("C") || !p.live("PJSIP/103-3") {
		t.Errorf("there are %v", p.all)
	}
	if peer, _ := p.peer("PJSIP/103-3"); peer != "PJSIP/102-2" {
		t.Errorf("its peer is %q", peer)
	}
	if last := p.h.lines[len(p.h.lines)-1]; last != "101 unknown" {
		t.Errorf("at last it is told %s", last)
	}
}

func TestChannelsAreBounded(t *testing.T) {
	p := newPicture()
	for i := range maxChannels + 10 {
		p.begins("Local/x", fmt.Sprint(i), "A", "0")
		p.tell("DeviceStateChange", "Device", fmt.Sprintf("SIP/%d", i), "State", "INUSE")
	}
	if n, _ := p.counts(); n != maxChannels || len(p.devices) != maxChannels {
		t.Errorf("%d channels, %d devices", n, len(p.devices))
	}
}

func TestASlowListenerMissesEventsAndHoldsNobodyUp(t *testing.T) {
	p := pbxAt("", nil)
	events := p.Watch(t.Context(), nil)
	m := ParseMessage("Event: X\r\nPrivilege: a\r\n")
	for range maxBehind + 7 {
		p.watchers.publish(m)
	}
	if len(events) != maxBehind || p.State().Lost != 7 {
		t.Errorf("%d wait, %d are lost", len(events), p.State().Lost)
	}
}

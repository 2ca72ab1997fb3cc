package ami

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recorded gives the messages of a recording without its greeting.
func recorded(t testing.TB, file string) []Message {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f := newFramer(strings.NewReader(string(raw)))
	if _, err := f.banner(); err != nil {
		t.Fatal(err)
	}
	var all []Message
	for {
		m, err := f.next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, m.Clone())
	}
}

func TestAllThatAsteriskSaysByItselfIsSound(t *testing.T) {
	files, err := filepath.Glob("testdata/recorded/*/*.txt")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		if strings.Contains(file, "hostile") {
			continue
		}
		s := seal{system: "pbx", stamped: true}
		for _, m := range recorded(t, file) {
			switch {
			case m.Event() == "":
				if m.Response() == "" {
					t.Errorf("%s: neither response nor event:\n%s", file, m)
				}
			case !m.Has("Privilege") || m.Has("ActionID"):
				if !m.whole() {
					t.Errorf("%s: an item of a list is taken for forged:\n%s", file, m)
				}
			case !m.sound(s):
				t.Errorf("%s: an event is taken for forged:\n%s", file, m)
			}
		}
	}
}

func TestWhatACallerWritesIntoTheirNumberIsNotTaken(t *testing.T) {
	for _, version := range []string{"16", "22"} {
		for _, sealed := range []struct {
			name string
			seal seal
		}{{"with timestamps and a system's name", seal{stamped: true, system: "pbx"}}, {"without", seal{}}} {
			t.Run(version+" "+sealed.name, func(t *testing.T) {
				cut, forged := 0, 0
				for _, m := range recorded(t, filepath.Join("testdata/recorded", version, "hostile-numbers.txt")) {
					if m.Has("ActionID") && m.Response() != "" {
						continue
					}
					if strings.Contains(m.String(), "forged") {
						forged++
					}
					if !m.sound(sealed.seal) {
						cut++
						continue
					}
					if m.Get("Uniqueid") == "forged" || strings.ContainsAny(m.Get("CallerIDNum")+m.Get("Exten"), "\r\n") {
						t.Errorf("taken:\n%s", m)
					}
				}
				if forged < 10 || cut < forged {
					t.Errorf("%d forged messages, %d turned away", forged, cut)
				}
			})
		}
	}
}

// attack is what a caller writes into the number they call from and into the one they call, as far as Asterisk
// keeps it.
type attack struct {
	name, from, to string
	// taken is what must not be taken: an event with this in it.
	never string
}

const victim = "1795402263.5" // another call's channel, whose id is easily guessed

func attacks() []attack {
	return []attack{
		{"another call is hung up", "1\r\n\r\nEvent: Hangup\r\nUniqueid: " + victim + "\r\n\r\nY: z", "", victim},
		{"with the class", "1\r\n\r\nEvent: Hangup\r\nPrivilege: a\r\nUniqueid: " + victim + "\r\nX: ", "", victim},
		{"with the class, as a whole", "1\r\n\r\nEvent: Hangup\r\nPrivilege: a\r\nUniqueid: " + victim + "\r\n\r\nX: ", "", victim},
		{"by its id in small letters, ahead of the true one", "1\r\nuniqueid: " + victim, "", victim},
		{"by its id in great letters, ahead of the true one", "1\r\nUNIQUEID: " + victim, "", victim},
		{"a header that comes again", "1\r\nUniqueid: " + victim + "\r\nLinkedid: " + victim, "", victim},
		{"the description ends early", "1\r\nCallerIDName: \r\nUniqueid: " + victim + "\r\nLinkedid: \r\n\r\nY: z", "", victim},
		{"the description ends early, in its order", "100", "\r\nPriority: 1\r\nUniqueid: " + victim + "\r\nLinkedid: \r\n\r\nX: ", victim},
		{"and what is left looks like an event", "100", "\r\nPriority: \r\nUniqueid: " + victim + "\r\nLinkedid: \r\n\r\nEvent: X\r\nPrivilege: ", victim},
		{"and what is left looks like an answer", "100", "\r\nPriority: \r\nUniqueid: " + victim + "\r\nLinkedid: \r\n\r\nResponse: X", victim},
		{"both numbers together", "\r\n\r\nEvent: Hangup\r\nPrivilege: \r\nChannel: \r\nChannelState: \r\nCallerIDNum: ", "\r\nUniqueid: " + victim + "\r\nLinkedid: \r\n\r\n", victim},
		{"both, without blanks", "\r\n\r\nEvent:Hangup\r\nPrivilege:\r\nTimestamp:\r\nChannel:\r\nChannelState:\r\nCallerIDNum:", "\r\nUniqueid: " + victim + "\r\nLinkedid: \r\n\r\n", victim},
		{"both, with the time", "\r\n\r\nEvent: Hangup\r\nPrivilege: \r\nTimestamp: 1795547755.304756\r\nChannel: ", "\r\nChannelState: \r\nCallerIDNum: \r\nUniqueid: " + victim + "\r\nLinkedid: \r\n\r\n", victim},
		{"a device", "1\r\n\r\nEvent: DeviceStateChange\r\nPrivilege: a\r\nDevice: SIP/9\r\nState: INUSE", "", "SIP/9"},
		{"a device, as a whole", "\r\n\r\nEvent: DeviceStateChange\r\nPrivilege: \r\nDevice: SIP/9\r\nState: INUSE\r\n\r\n", "", "SIP/9"},
		{"a device behind rubbish", "\r\n\r\nX: \r\n\r\nEvent: DeviceStateChange\r\nPrivilege: \r\nDevice: SIP/9\r\nState: BUSY\r\n", "", "SIP/9"},
		{"a device in the called number", "100", "\r\n\r\nEvent: DeviceStateChange\r\nPrivilege: \r\nDevice: SIP/9\r\nState: INUSE\r\n\r\n", "SIP/9"},
		{"a device, after both", "\r\n\r\nEvent: A\r\nPrivilege: \r\nX: ", "\r\n\r\nEvent: DeviceStateChange\r\nPrivilege: \r\nDevice: SIP/9\r\nState: INUSE\r\n\r\n", "SIP/9"},
		{"a queue's member", "\r\n\r\nEvent: QueueMemberRemoved\r\nPrivilege: \r\nQueue: s\r\nInterface: SIP/9\r\n\r\n", "", "SIP/9"},
		{"a channel under another name", "1\r\n\r\nEvent: Newchannel\r\nPrivilege: a\r\nChannel: SIP/9-1\r\nCallerIDNum: 1", "", "SIP/9"},
		{"another name for a channel", "\r\n\r\nEvent: Rename\r\nPrivilege: \r\nChannel: \r\nNewname: x\r\nUniqueid: " + victim, "", victim},
		{"a lonely line feed", "1\nEvent: Hangup\n", "", "Event: Hangup\n"},
		{"a lonely carriage return", "1\rEvent: Hangup\r", "", "\rEvent"},
		{"a line without a name", "1\r\nrubbish", "", "rubbish"},
		{"the class alone", "1\r\n\r\nEvent: QueueCallerLeave\r\nPrivilege: a\r\nQueue: s\r\nCount: 0", "", "Queue: s"},
		{"all that follows is the output of a command", "1\r\n\r\nResponse: Follows\r\nX: ", "", "Follows"},
	}
}

// blockOf describes a channel as Asterisk does.
func blockOf(prefix, name, number, connected, exten, id string) string {
	var b strings.Builder
	for i, value := range []string{name, "4", "Ring", number, "Anna", connected, "Ext", "en", "", "in", exten, "1", id, id} {
		b.WriteString(prefix + block[i] + ": " + value + "\r\n")
	}
	return b.String()
}

// eventsOf are events that Asterisk sends of a call with such numbers.
func eventsOf(from, to, seal string) []string {
	own := blockOf("", "PJSIP/trunk-1", from, "<unknown>", to, "own.1")
	return []string{
		"Event: Newchannel\r\nPrivilege: call,all\r\n" + seal + own,
		"Event: Hangup\r\nPrivilege: call,all\r\n" + seal + own + "Cause: 16\r\nCause-txt: Normal Clearing\r\n",
		"Event: NewConnectedLine\r\nPrivilege: call,all\r\n" + seal + blockOf("", "PJSIP/101-2", "101", from, to, "own.2"),
		"Event: DialBegin\r\nPrivilege: call,all\r\n" + seal + own + blockOf("Dest", "PJSIP/101-2", "101", from, to, "own.2") + "DialString: 101\r\n",
		"Event: QueueCallerJoin\r\nPrivilege: agent,all\r\n" + seal + own + "Queue: sales\r\nPosition: 1\r\nCount: 1\r\n",
		"Event: CEL\r\nPrivilege: call,all\r\n" + seal + "EventName: APP_END\r\nAccountCode: \r\nCallerIDnum: " + from +
			"\r\nCallerIDname: Anna\r\nCallerIDani: " + from + "\r\nCallerIDrdnis: \r\nCallerIDdnid: " + to + "\r\nExten: " + to +
			"\r\nContext: in\r\nChannel: PJSIP/trunk-1\r\nApplication: Dial\r\nAppData: x\r\nEventTime: 2026-11-24 19:34:02\r\n" +
			"AMAFlags: DOCUMENTATION\r\nUniqueID: own.1\r\nLinkedID: own.1\r\nUserfield: \r\nPeer: \r\nPeerAccount: \r\nExtra: \r\n",
		"Event: Cdr\r\nPrivilege: cdr,all\r\n" + seal + "AccountCode: \r\nSource: " + from + "\r\nDestination: " + to +
			"\r\nDestinationContext: in\r\nCallerID: \"Anna\" <" + from + ">\r\nChannel: PJSIP/trunk-1\r\nDestinationChannel: \r\n" +
			"LastApplication: Dial\r\nLastData: x\r\nStartTime: \r\nAnswerTime: \r\nEndTime: \r\nDuration: 1\r\nBillableSeconds: 0\r\n" +
			"Disposition: BUSY\r\nAMAFlags: DOCUMENTATION\r\nUniqueID: own.1\r\nUserField: \r\nLinkedID: own.1\r\nSequence: 4\r\n",
	}
}

// seals are what a connection's events may begin with.
func seals() map[string]string {
	return map[string]string{
		"without a seal": "", "with the time": "Timestamp: 1795547755.304756\r\n",
		"with the time and a name": "Timestamp: 1795547755.304756\r\nSystemName: pbx\r\n",
	}
}

const innocent = "Event: Reload\r\nPrivilege: system,all\r\n%sModule: innocent\r\nStatus: 0\r\n\r\n"

// Who calls with line breaks in the numbers gets nothing into our picture, whatever event of theirs it is
// written into; and honest events count again, the second at the latest.
func TestForgeries(t *testing.T) {
	for sealed, seal := range seals() {
		for _, a := range attacks() {
			t.Run(sealed+"/"+a.name, func(t *testing.T) {
				if len(a.from) > maxForged || len(a.to) > maxForged {
					t.Fatalf("Asterisk would cut this after 79 of %d and %d bytes", len(a.from), len(a.to))
				}
				f := newFakeManager(t)
				var taken []string
				seen := make(chan struct{}, 100)
				s := f.session(func(m Message) {
					if strings.Contains(m.String(), "innocent") {
						seen <- struct{}{}
						return
					}
					taken = append(taken, string(m.raw))
				})
				honest := strings.ReplaceAll(innocent, "%s", seal)
				f.write(honest)
				counts := func(n int) {
					t.Helper()
					soon(t, "that honest events count", func() bool { return len(seen) == n })
				}
				counts(1)
				for i, event := range eventsOf(a.from, a.to, seal) {
					before := s.Forged()
					f.write(event + "\r\n")
					f.write(strings.ReplaceAll(honest, "innocent", "bystander-with-a-name-of-some-length") + honest)
					counts(2 + i)
					if strings.Contains(event, a.never) && s.Forged() == before {
						t.Errorf("nobody is told of\n%s", event)
					}
				}
				s.Close()
				for _, m := range taken {
					if strings.Contains(m, a.never) {
						t.Errorf("taken:\n%s", m)
					}
				}
			})
		}
	}
}

// An honest event that comes in one piece with others is not taken for a part of them.
func TestHonestEventsBesideForgeriesCount(t *testing.T) {
	for sealed, seal := range seals() {
		t.Run(sealed, func(t *testing.T) {
			f := newFakeManager(t)
			seen := make(chan struct{}, 1000)
			s := f.session(func(m Message) {
				if strings.Contains(m.String(), "innocent") {
					seen <- struct{}{}
				}
			})
			honest := strings.ReplaceAll(innocent, "%s", seal)
			var all strings.Builder
			n := 0
			for _, event := range eventsOf("1\r\n\r\nX: ", "100", seal) {
				all.WriteString(honest + event + "\r\n")
				n++
			}
			f.write(all.String() + honest)
			if _, err := s.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(seen) != n+1 {
				t.Errorf("%d of %d count", len(seen), n+1)
			}
		})
	}
}

func TestTheSealIsChecked(t *testing.T) {
	for _, tc := range []struct {
		name, head string
		seal       seal
		want       bool
	}{
		{"nothing is known yet", "", seal{}, true},
		{"the first with the time", "Timestamp: 1795547755.304756\r\nSystemName: pbx\r\n", seal{system: "pbx"}, true},
		{"without the time among such with it", "", seal{stamped: true}, false},
		{"an empty time", "Timestamp: \r\n", seal{stamped: true}, false},
		{"a time of another form", "Timestamp: 1.0\r\n", seal{}, false},
		{"without the system's name", "Timestamp: 1795547755.304756\r\n", seal{stamped: true, system: "pbx-7f3a"}, false},
		{"with another name", "Timestamp: 1795547755.304756\r\nSystemName: pbx\r\n", seal{stamped: true, system: "pbx-7f3a"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := ParseMessage("Event: Reload\r\nPrivilege: system,all\r\n" + tc.head + "Module: x\r\n").sound(tc.seal); got != tc.want {
				t.Errorf("sound: %t", got)
			}
		})
	}
}

// What a site adds by itself is no forgery.
func TestWhatASiteAddsIsSound(t *testing.T) {
	own := blockOf("", "PJSIP/101-1", "101", "", "", "own.1")
	for name, event := range map[string]string{
		"variables of channels (channelvars)": "Event: DialEnd\r\nPrivilege: call,all\r\n" + own + "ChanVariable: A=1\r\nChanVariable: B=2\r\n" +
			blockOf("Dest", "PJSIP/102-2", "102", "", "", "own.2") + "DestChanVariable: A=1\r\nDestChanVariable: B=2\r\nDialStatus: ANSWER\r\n",
		"a dialplan's own event with the channel's id": "Event: UserEvent\r\nPrivilege: user,all\r\n" + own + "UserEvent: CRM\r\nUniqueid: own.1\r\nCallerIDNum: 1\r\nChannel: x\r\nlead_id: 5\r\nX: 1\r\n",
		"a global variable":                            "Event: VarSet\r\nPrivilege: dialplan,all\r\nChannel: none\r\nUniqueid: none\r\nVariable: x\r\nValue: \r\n",
		"a channel that is called else":                "Event: Rename\r\nPrivilege: call,all\r\nChannel: PJSIP/1-1\r\nNewname: PJSIP/1-1<MASQ>\r\nUniqueid: own.1\r\n",
		"a name that is not UTF-8":                     "Event: Newchannel\r\nPrivilege: call,all\r\n" + strings.Replace(own, "Anna", "\xff\xfe", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if !ParseMessage(event).sound(seal{}) {
				t.Error("it is taken for forged")
			}
		})
	}
}

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

func TestForgeries(t *testing.T) {
	const tail = "\r\nCallerIDName: Anna\r\nConnectedLineNum: <unknown>\r\nConnectedLineName: <unknown>\r\nLanguage: en\r\nAccountCode: \r\nContext: in\r\nExten: 100\r\nPriority: 1\r\nUniqueid: own.1\r\nLinkedid: own.1\r\n"
	const head = "Event: Newstate\r\nPrivilege: call,all\r\nChannel: PJSIP/trunk-1\r\nChannelState: 4\r\nChannelStateDesc: Ring\r\nCallerIDNum: "
	cases := []struct{ name, number string }{
		{"another call is hung up", "1\r\n\r\nEvent: Hangup\r\nUniqueid: 1795402263.5\r\n\r\nY: z"},
		{"with the class", "1\r\n\r\nEvent: Hangup\r\nPrivilege: a\r\nUniqueid: 1795402263.5\r\nX: "},
		{"a header that comes again", "1\r\nUniqueid: 1795402263.5\r\nLinkedid: 1795402263.5"},
		{"a device", "1\r\n\r\nEvent: DeviceStateChange\r\nPrivilege: a\r\nDevice: SIP/9\r\nState: INUSE"},
		{"a channel under another name", "1\r\n\r\nEvent: Newchannel\r\nPrivilege: a\r\nChannel: SIP/9-1\r\nCallerIDNum: 1"},
		{"a lonely line feed", "1\nEvent: Hangup\n"},
		{"a lonely carriage return", "1\rEvent: Hangup\r"},
		{"a line without a name", "1\r\nrubbish"},
		{"somebody's answer", "1\r\n\r\nEvent: DialEnd\r\nPrivilege: a\r\nDestUniqueid: 1.5\r\nDialStatus: BUSY\r\n\r\n"},
		{"a bridge", "1\r\n\r\nEvent: BridgeMerge\r\nPrivilege: a\r\nFromBridgeUniqueid: a\r\n\r\n"},
		{"a parked call", "1\r\n\r\nEvent: ParkedCall\r\nPrivilege: a\r\nParkeeUniqueid: 1.5\r\n\r\n"},
		{"an id of the CRM's", "1\r\n\r\nEvent: UserEvent\r\nPrivilege: a\r\nUserEvent: CRMCallData\r\nCRMID: 9"},
		{"the class alone", "1\r\n\r\nEvent: QueueCallerLeave\r\nPrivilege: a\r\nQueue: s\r\nCount: 0"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if len(tc.number) > 79 {
				t.Fatalf("Asterisk would cut this after 79 of %d bytes", len(tc.number))
			}
			f := newFramer(strings.NewReader(head + tc.number + tail + "\r\n"))
			for {
				m, err := f.next()
				if err != nil {
					return
				}
				if m.sound(seal{}) && m.Get("Uniqueid") != "own.1" {
					t.Errorf("taken:\n%s", m)
				}
			}
		})
	}
	f := newFramer(strings.NewReader(head + "100" + tail + "\r\n"))
	if m, err := f.next(); err != nil || !m.sound(seal{}) {
		t.Errorf("an honest event is turned away: %v", err)
	}
	stamped := "Event: Reload\r\nPrivilege: system,all\r\nTimestamp: 1795547755.304756\r\nSystemName: pbx\r\nModule: x\r\n"
	if !ParseMessage(stamped).sound(seal{system: "pbx"}) {
		t.Error("the first event with the time is turned away")
	}
	if ParseMessage(head + "100" + tail).sound(seal{stamped: true}) {
		t.Error("an event without the time is taken among such with it")
	}
	if ParseMessage(head + "100" + tail).sound(seal{system: "pbx-7f3a"}) {
		t.Error("an event without the system's name is taken")
	}
}

// A CDR has the caller's and the called number among headers that belong to no channel's description.
func TestForgeriesInACDR(t *testing.T) {
	const head = "Event: Cdr\r\nPrivilege: cdr,all\r\nAccountCode: \r\nSource: 1\r\nDestination: "
	const tail = "\r\nDestinationContext: in\r\nCallerID: \"A\" <1>\r\nChannel: PJSIP/trunk-1\r\nDestinationChannel: \r\nLastApplication: Dial\r\nLastData: x\r\n" +
		"StartTime: 2026-11-23 02:51:03\r\nAnswerTime: \r\nEndTime: 2026-11-23 02:51:04\r\nDuration: 1\r\nBillableSeconds: 1\r\nDisposition: ANSWERED\r\n" +
		"AMAFlags: DOCUMENTATION\r\nUniqueID: own.1\r\nUserField: \r\n"
	for _, number := range []string{
		"1\r\n\r\nEvent: DeviceStateChange\r\nPrivilege: a\r\nDevice: SIP/9\r\nState: INUSE",
		"1\r\n\r\nEvent: QueueMemberRemoved\r\nPrivilege: a\r\nQueue: q\r\nInterface: SIP/9",
		"1\r\n\r\nEvent: Hangup\r\nPrivilege: a\r\nUniqueid: 1795402263.5\r\nCause: 16",
		"1\r\n\r\nEvent: DialEnd\r\nPrivilege: a\r\nDestUniqueid: 1.5\r\nDialStatus: BUSY",
	} {
		if len(number) > 79 {
			t.Fatalf("Asterisk would cut this after 79 of %d bytes", len(number))
		}
		f := newFramer(strings.NewReader(head + number + tail + "\r\n"))
		for {
			m, err := f.next()
			if err != nil {
				break
			}
			if m.sound(seal{}) {
				t.Errorf("taken:\n%s", m)
			}
		}
	}
	if !ParseMessage(head + "100" + tail).sound(seal{}) {
		t.Error("an honest CDR is turned away")
	}
}

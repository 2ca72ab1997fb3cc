package ami

import (
	"path/filepath"
	"strings"
	"testing"
)

// What the judge remembers makes it quicker, and never makes a difference.
func TestTheJudgeSaysWhatALookAtEachHeaderSays(t *testing.T) {
	for _, version := range []string{"16", "22"} {
		files, err := filepath.Glob(filepath.Join("testdata/recorded", version, "*.txt"))
		if err != nil || len(files) < 20 {
			t.Fatalf("%d files, %v", len(files), err)
		}
		j := judge{}
		j.system("pbx")
		for range 2 { // the second time, all that is sound is known
			for _, file := range files {
				for _, m := range recorded(t, file) {
					if m.Response() != "" || m.Has("ActionID") {
						continue
					}
					want := m.sound(j.seal)
					if got := j.sound(m); got != want {
						t.Errorf("%s: judged %v, looked at %v:\n%s", file, got, want, m)
					}
				}
			}
		}
		if len(j.known) < 40 || len(j.known) > maxKnown {
			t.Errorf("%d kinds of events are known", len(j.known))
		}
	}
}

func TestAnEventLaidOutLikeASoundOneIsLookedAtForLineBreaks(t *testing.T) {
	const event = "Event: Newstate\r\nPrivilege: call,all\r\nSystemName: pbx\r\nChannel: PJSIP/1-1\r\nChannelState: 4\r\nChannelStateDesc: Ring\r\nCallerIDNum: 1\r\n" +
		"CallerIDName: A\r\nConnectedLineNum: <unknown>\r\nConnectedLineName: <unknown>\r\nLanguage: en\r\nAccountCode: \r\nContext: in\r\nExten: 1\r\nPriority: 1\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n"
	j := judge{}
	j.system("pbx")
	for range 2 { // unknown, and known
		if !j.sound(ParseMessage(event)) {
			t.Fatal("an honest event is turned away")
		}
	}
	for _, forged := range []string{
		strings.Replace(event, "CallerIDNum: 1", "CallerIDNum: 1\nX: y", 1),
		strings.Replace(event, "CallerIDNum: 1", "CallerIDNum: 1\rX: y", 1),
		strings.Replace(event, "SystemName: pbx", "SystemName: other", 1),
		strings.Replace(event, "SystemName: pbx", "SystemName: pbx2", 1),
		strings.Replace(event, "Uniqueid: 1.1\r\nLinkedid: 1.1", "Linkedid: 1.1\r\nLinkedid: 1.1", 1),
		strings.Replace(event, "Linkedid: 1.1\r\n", "", 1),
	} {
		if j.sound(ParseMessage(forged)) {
			t.Errorf("taken:\n%s", forged)
		}
	}
	j.system("another")
	if j.sound(ParseMessage(event)) {
		t.Error("what was sound under another system's name is still taken")
	}
}

func TestForgedEventsAboutMembers(t *testing.T) {
	status := "Event: QueueMemberStatus\r\nPrivilege: agent,all\r\nQueue: sales\r\nMemberName: PJSIP/101\r\nInterface: PJSIP/101\r\nStateInterface: PJSIP/101\r\n" +
		"Membership: dynamic\r\nPenalty: 0\r\nCallsTaken: 0\r\nLastCall: 0\r\nLastPause: 0\r\nLoginTime: 1795547755\r\nInCall: 0\r\nStatus: 1\r\nPaused: 0\r\n" +
		"PausedReason: \r\nRinginuse: 0\r\nWrapuptime: 0\r\n"
	head := "Event: Newstate\r\nPrivilege: call,all\r\nChannel: PJSIP/trunk-1\r\nChannelState: 4\r\nChannelStateDesc: Ring\r\nCallerIDNum: "
	middle := "\r\nCallerIDName: Anna\r\nConnectedLineNum: <unknown>\r\nConnectedLineName: <unknown>\r\nLanguage: en\r\nAccountCode: \r\nContext: in\r\nExten: "
	tail := "\r\nPriority: 1\r\nUniqueid: own.1\r\nLinkedid: own.1\r\n\r\n"
	for _, tc := range []struct{ name, number, exten string }{
		{"in the number", "1\r\n\r\nEvent: QueueMemberStatus\r\nPrivilege: a\r\nQueue: s\r\nInterface: a/1", "100"},
		{"in the called number", "100", "1\r\n\r\nEvent: QueueMemberStatus\r\nPrivilege: a\r\nQueue: s\r\nInterface: a/1"},
		{
			"in both", "1\r\n\r\nEvent: QueueMemberStatus\r\nPrivilege: a\r\nQueue: s\r\nInterface: a/1",
			"1\r\nStatus: 5\r\n\r\nEvent: QueueMemberStatus\r\nPrivilege: a\r\nQueue: s",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if len(tc.number) > 79 || len(tc.exten) > 79 {
				t.Fatalf("Asterisk would cut this after 79 of %d and %d bytes", len(tc.number), len(tc.exten))
			}
			j := judge{}
			for range 2 { // unknown, and known
				if !j.sound(ParseMessage(status)) {
					t.Fatal("an honest event is turned away")
				}
			}
			frames := newFramer(strings.NewReader(head + tc.number + middle + tc.exten + tail))
			for {
				m, err := frames.next()
				if err != nil {
					return
				}
				if j.sound(m) {
					t.Errorf("taken:\n%s", m)
				}
			}
		})
	}
}

func FuzzJudge(f *testing.F) {
	f.Add("Event: A\r\nPrivilege: b\r\nX: y\r\n", "Event: A\r\nPrivilege: c\r\nX: z\r\n")
	f.Add("Event: A\r\nPrivilege: b\r\nX: y\r\n", "Event: A\r\nPrivilege: c\r\nX: z\nY: w\r\n")
	f.Add("Event: A\r\nPrivilege: b\r\nTimestamp: 1\r\n", "Event: A\r\nPrivilege: c\r\nX: z\r\n")
	f.Fuzz(func(t *testing.T, one, two string) {
		j := judge{}
		for _, text := range []string{one, two, one, two} {
			// A message is as the framer cuts it.
			frames := newFramer(strings.NewReader(strings.Trim(text, "\r\n") + "\r\n\r\n"))
			m, err := frames.next()
			if err != nil {
				return
			}
			if strings.HasPrefix(m.Event(), "QueueMember") {
				return // these are judged by less
			}
			if want, got := m.sound(j.seal), j.sound(m); want != got {
				t.Fatalf("judged %v, looked at %v: %q", got, want, text)
			}
		}
	})
}

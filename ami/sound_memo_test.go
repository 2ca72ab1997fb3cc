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
	const event = "Event: Newstate\r\nPrivilege: call,all\r\nSystemName: pbx\r\nChannel: PJSIP/1-1\r\nChannelState: 4\r\nCallerIDNum: 1\r\n" +
		"CallerIDName: A\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n"
	j := judge{}
	j.system("pbx")
	if !j.sound(ParseMessage(event)) || !j.sound(ParseMessage(event)) {
		t.Fatal("an honest event is turned away")
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
			if want, got := m.sound(j.seal), j.sound(m); want != got {
				t.Fatalf("judged %v, looked at %v: %q", got, want, text)
			}
		}
	})
}

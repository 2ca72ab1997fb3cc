package ami

import (
	"strings"
	"testing"
)

func TestActions(t *testing.T) {
	a := NewAction("Originate", "Channel", "PJSIP/101", "Account", "", "Exten", "e102").With("Variable", "a=1").With("Variable", "b=2")
	raw, err := a.encode("x-1")
	want := "Action: Originate\r\nActionID: x-1\r\nChannel: PJSIP/101\r\nExten: e102\r\nVariable: a=1\r\nVariable: b=2\r\n\r\n"
	if err != nil || string(raw) != want {
		t.Errorf("%v\n%s", err, raw)
	}
}

func TestWhatWouldBeAnotherLineIsRefused(t *testing.T) {
	for _, tc := range []struct{ name, value string }{
		{"Channel", "PJSIP/101\r\nAction: Command"},
		{"Channel", "PJSIP/101\nAction: Command"},
		{"Channel", "PJSIP/101\rAction: Command"},
		{"Channel", "PJSIP/101\x00"},
		{"Chan\r\nnel", "x"},
		{"Chan: nel", "x"},
		{"", "x"},
		{"Channel", strings.Repeat("x", maxLine)},
	} {
		if raw, err := NewAction("Hangup").With(tc.name, tc.value).encode("1"); err == nil {
			t.Errorf("%q: %.40q became\n%s", tc.name, tc.value, raw)
		}
	}
	if _, err := NewAction("Hangup\r\nX: y").encode("1"); err == nil {
		t.Error("an action's name may hold a line break")
	}
}

// Whatever is put in, one action goes out, with the headers that were given and no others.
func FuzzActions(f *testing.F) {
	f.Add("Channel", "PJSIP/101-00000001")
	f.Add("Channel", "x\r\nAction: Command\r\nCommand: core stop now\r\n\r\n")
	f.Add("Reason", "обед")
	f.Fuzz(func(t *testing.T, name, value string) {
		raw, err := NewAction("QueuePause").With(name, value).encode("id")
		if err != nil {
			return
		}
		got, err := messagesOf(strings.NewReader(string(raw)))
		if err != nil || len(got) != 1 || strings.Count(string(raw), "\r\n") != 4 {
			t.Fatalf("%v: %q", err, raw)
		}
		m := ParseMessage(string(raw[:len(raw)-2]))
		if !strings.HasPrefix(value, " ") && m.All(name)[len(m.All(name))-1] != value {
			t.Errorf("%q became %q", value, m.All(name))
		}
	})
}

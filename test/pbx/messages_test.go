package pbx_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringside-pbx/ringside/test/pbx"
)

const conversation = `----------------------------------------------- 2026-11-23 15:21:18.254464
UDP message received [397] bytes :

INVITE sip:101@127.0.1.1:9183 SIP/2.0` + "\r" + `
From: "Anna" <sip:+79005550001@127.0.0.1>;tag=1` + "\r" + `
Subject: a` + "\r" + `
 b` + "\r" + `
CSeq: 7 INVITE` + "\r" + `
Call-ID: x` + "\r" + `
` + "\r" + `
v=0` + "\r" + `
----------------------------------------------- 2026-11-23 15:21:18.755000
UDP message received [397] bytes :

INVITE sip:101@127.0.1.1:9183 SIP/2.0` + "\r" + `
CSeq: 7 INVITE` + "\r" + `
Call-ID: x` + "\r" + `
` + "\r" + `
----------------------------------------------- 2026-11-23 15:21:19.000001
UDP message sent (100 bytes):

SIP/2.0 486 Refused` + "\r" + `
CSeq: 7 INVITE` + "\r" + `
Call-ID: x` + "\r" + `
` + "\r" + `
----------------------------------------------- 2026-11-23 15:2`

func TestMessagesOfALog(t *testing.T) {
	ms := pbx.ParseMessages(conversation)
	if len(ms) != 3 {
		t.Fatalf("%d messages, want 3: %v", len(ms), ms)
	}
	if got := ms[2].At.Sub(ms[0].At).Microseconds(); got != 745_537 {
		t.Errorf("%d µs apart", got)
	}
	for what, n := range map[string]int{"INVITE": 1, "CANCEL": 0, "486 INVITE": 0} {
		if got := len(ms.Received(what)); got != n {
			t.Errorf("received %d %s, want %d: a message that is sent again counts once", got, what, n)
		}
	}
	if len(ms.Sent("486 INVITE")) != 1 || len(ms.Sent("486 BYE")) != 0 || len(ms.Sent("200 INVITE")) != 0 {
		t.Errorf("sent: %v", ms)
	}
	if diff := cmp.Diff("a\r\n b", ms[0].Header("subject")); diff != "" {
		t.Error(diff)
	}
	if ms[0].Header("v") != "" {
		t.Error("the body is no header")
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(conversation)
	f.Add("")
	f.Add("----------------------------------------------- x\n\n\n")
	f.Fuzz(func(t *testing.T, log string) {
		ms := pbx.ParseMessages(log)
		_ = ms.String()
		for _, m := range ms {
			if m.Is("INVITE") && m.Is("200 INVITE") {
				t.Errorf("%q is a request and a response", m.First)
			}
		}
	})
}

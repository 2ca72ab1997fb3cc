package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// after gives what is done with a call that ringside has let go, or never had.
func after(t *testing.T, context *node, vars map[string]string) string {
	t.Helper()
	c := newHunter(t, "+79001234567", afterward, "", time.Now())
	for k, v := range vars {
		c.vars[k] = v
	}
	c.hunt(context)
	var done []string
	for _, a := range c.actions {
		if a.app != "set" {
			done = append(done, a.app+" "+a.data)
		}
	}
	return strings.Join(done, "; ")
}

func TestTheFallbackRingsNobodyAfterATalk(t *testing.T) {
	text, err := testDialplan().HandOver()
	if err != nil {
		t.Fatal(err)
	}
	harmless(t, text)
	context := parsed(t, text)
	const fallback = "bridge user/100"
	for name, c := range map[string]struct {
		vars map[string]string
		want string
	}{
		"ringside was away":              {nil, fallback},
		"released":                       {map[string]string{"RINGSIDE_RESULT": "released"}, fallback},
		"served":                         {map[string]string{"RINGSIDE_RESULT": "done"}, "hangup NORMAL_CLEARING"},
		"a default":                      {map[string]string{"RINGSIDE_RESULT": "default", "RINGSIDE_DIAL": "user/101"}, "bridge ${RINGSIDE_DIAL}"},
		"a default without a number":     {map[string]string{"RINGSIDE_RESULT": "default"}, fallback},
		"a default that is an expansion": {map[string]string{"RINGSIDE_RESULT": "default", "RINGSIDE_DIAL": "user/${system(id)}"}, fallback},
		"killed during a message":        {map[string]string{"voicemail_message_len": "00:00:05"}, "hangup NORMAL_CLEARING"},
		"killed in a talk":               {map[string]string{"last_bridge_to": "3a5c"}, "hangup NORMAL_CLEARING"},
		"killed in a talk, default":      {map[string]string{"last_bridge_to": "3a5c", "RINGSIDE_RESULT": "default", "RINGSIDE_DIAL": "user/101"}, "hangup NORMAL_CLEARING"},
		"a result that is none":          {map[string]string{"RINGSIDE_RESULT": "done\nx"}, fallback},
	} {
		if got := after(t, context, c.vars); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestCallsAreHandedOver(t *testing.T) {
	text, err := testDialplan().HandOver()
	if err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]bool{"100": true, "+79001234567": true, "*72#": true, "a_b.c-d": true, "": false, "1 2": false, "1&2": false, "${x}": false, strings.Repeat("1", 65): false} {
		c := newHunter(t, "", to, "", time.Now())
		c.hunt(parsed(t, text))
		if got := slices.Contains(c.actions, action{"socket", "127.0.0.1:8084 async full"}); got != want {
			t.Errorf("a call to %q is handed over: %v", to, got)
		}
		if last := len(c.actions) - 1; want && c.actions[last] != (action{"execute_extension", "ringside-after XML ringside"}) {
			t.Errorf("the last action is %v", c.actions[last])
		}
	}
}

func TestTheSocketsAddress(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8084": "127.0.0.1:8084", ":8084": "127.0.0.1:8084", "0.0.0.0:8084": "127.0.0.1:8084", "[::]:8084": "127.0.0.1:8084",
		"10.0.0.5:9": "10.0.0.5:9", "[::1]:8084": "::1:8084", "ringside.lan:8084": "ringside.lan:8084",
		"127.0.0.1": "", "": "", "a b:1": "", "x:0": "", "x:99999": "", "a|b:1": "", "$x:1": "",
	} {
		got, err := socketAddress(listen)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", listen, got, err)
		}
	}
}

func TestADialplanIsValidated(t *testing.T) {
	if errs := testDialplan().Validate(); len(errs) > 0 {
		t.Errorf("the usual one: %v", errs)
	}
	d := Dialplan{
		Context: "a b", Listen: "x", Fallback: "user/100 x", Extension: "user/", External: "sofia/${number}${number}", Voicemail: "$x", Speech: "flite",
	}
	got := fmt.Sprint(d.Validate())
	for _, field := range []string{"context", "listen", "fallback", "extension", "external", "voicemail", "speech"} {
		if !strings.Contains(got, field+": ") {
			t.Errorf("%s is not refused: %s", field, got)
		}
	}
	for s, ok := range map[string]bool{
		"user/100": true, "user/100@example.com": true, "user/1,user/2|sofia/gateway/trunk/+79001234567": true, "sofia/internal/100@10.0.0.1:5060": true,
		"": false, "100": false, "user/${x}": false, "user/1;id": false, "{a=b}user/1": false, "user/1\nx": false, "user/x-pre-process": false, "user/1,": false,
	} {
		if err := CheckFallback(s); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}

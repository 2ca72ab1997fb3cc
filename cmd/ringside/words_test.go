package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestTimeIsSaidAsPeopleSayIt(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0 s": -time.Second, "0.3 s": 300 * time.Millisecond, "2 s": 2 * time.Second, "59 s": 59 * time.Second, "1 min": time.Minute,
		"3 min 2 s": 182 * time.Second, "1 h": time.Hour, "2 h 5 min": 2*time.Hour + 5*time.Minute + 3*time.Second,
		"1 day": 24 * time.Hour, "3 days 4 h": 76 * time.Hour,
	} {
		if got := lasting(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	if got := count(1, "call", "calls") + ", " + count(2, "call", "calls") + ", " + count(0, "call", "calls"); got != "1 call, 2 calls, 0 calls" {
		t.Error(got)
	}
}

func TestEditionsSayWhereTheyComeFrom(t *testing.T) {
	for _, c := range []struct{ source, author, want string }{
		{"crm", "CRM", "from the CRM"},
		{"crm", "anna", "from the CRM, confirmed by anna"},
		{"push", "CRM", "pushed by the CRM"},
		{"edit", "anna", "from an edit by anna"},
		{"edit accepted", "", "after an edit was accepted"},
		{"edit rejected", "", "after an edit was rejected"},
		{"rollback to 2", "anna", "from a rollback to 2 by anna"},
		{"demo", "", "from demo"},
		{"/etc/d.yaml", "anna\x1b", "from /etc/d.yaml by anna?"},
	} {
		if got := origin(c.source, c.author); got != c.want {
			t.Errorf("%s by %s is %q, want %q", c.source, c.author, got, c.want)
		}
	}
}

func TestFieldsAreWrittenAsTheyAreTyped(t *testing.T) {
	for _, c := range []struct{ object, want string }{
		{`{"display_name":"Анна П.","account":{"active":true}}`, `account.active=true display_name="Анна П."`},
		{`{"members":["101", "102"],"fallback":null,"name":""}`, `fallback=null members=101,102 name=""`},
		{`{"members":[ {"number": "101"} ],"overflow":{}}`, `members=[{"number":"101"}] overflow={}`},
		{`{"name":"null","priority":5}`, `name="null" priority=5`},
		{`null`, ""},
		{``, ""},
	} {
		if got := strings.Join(fieldsInWords(json.RawMessage(c.object)), " "); got != c.want {
			t.Errorf("%s is %q, want %q", c.object, got, c.want)
		}
	}
	for _, c := range []struct{ ours, theirs, left, right string }{
		{`{"id":4,"name":"x","priority":111}`, `{"id":4,"name":"x","priority":120}`, "priority=111", "priority=120"},
		{`{"id":4,"fallback":"a"}`, `{"id":4}`, "fallback=a", "fallback=null"},
		{`{"id":4}`, `{"id":4}`, "the same", "the same"},
		{``, `{"id":4}`, "it is not there", "id=4"},
		{`{"id":4}`, `null`, "id=4", "it is not there"},
	} {
		if l, r := bothSides(json.RawMessage(c.ours), json.RawMessage(c.theirs)); l != c.left || r != c.right {
			t.Errorf("%s and %s: %q and %q", c.ours, c.theirs, l, r)
		}
	}
}

package ringside

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// wireDirectory is the document of the protocol's description, as JSON.
const wireDirectory = `{
  "version": "42", "time_zone": "Europe/Moscow", "default_country": "RU",
  "servers": [{"id": 1, "name": "Main", "host": "sip.example.com", "websocket_uri": "wss://sip.example.com:8089/ws",
    "realm": "", "proxy": "", "register_expires": 600, "active": true}],
  "numbers": [{"id": 11, "number": "101", "server": 1,
    "user": {"id": 7, "username": "anna", "full_name": "Anna Petrova", "email": "anna@example.com"},
    "display_name": "Anna Petrova", "password": "s3cret", "active": true, "auto_generated": false,
    "account": {"external_caller_id": "", "can_make_external_calls": false, "can_receive_external_calls": true,
      "call_recording_enabled": true, "voicemail_enabled": true, "voicemail_email": "", "max_concurrent_calls": 2, "active": true}}],
  "groups": [{"id": 3, "name": "Sales", "description": "", "server": 1,
    "members": ["101", {"number": "102", "priority": 2, "paused": false}],
    "distribution_strategy": "round_robin", "ring_timeout": 30, "max_queue_size": 10, "queue_timeout": 300,
    "overflow": {"action": "route_to_voicemail", "target_number": "101"}, "active": true}],
  "rules": [{"id": 5, "name": "Mobiles to sales", "priority": 100, "caller_id_pattern": "^\\+79", "called_number_pattern": "",
    "time_condition": "weekdays 09:00-18:00", "action": "route_to_group", "target_number": "101", "target_group": 3,
    "target_external": "+74951234567", "announcement_text": "",
    "fallback": {"action": "route_to_voicemail", "target_number": "101"}, "active": true}],
  "holidays": ["2027-01-01", "2027-01-07"],
  "defaults": {"action": "route_to_group", "target_group": 3}
}`

func wireDirectoryDecoded() Directory {
	return Directory{
		Version: "42", TimeZone: "Europe/Moscow", DefaultCountry: "RU",
		Servers: []Server{{ID: 1, Name: "Main", Host: "sip.example.com", WebsocketURI: "wss://sip.example.com:8089/ws", RegisterExpires: 600, Active: true}},
		Numbers: []Extension{{
			ID: 11, Number: "101", Server: 1, DisplayName: "Anna Petrova", Password: NewSecret("s3cret"), Active: true,
			User:    &User{ID: 7, Username: "anna", FullName: "Anna Petrova", Email: "anna@example.com"},
			Account: &Account{CanReceiveExternalCalls: true, CallRecordingEnabled: true, VoicemailEnabled: true, MaxConcurrentCalls: 2, Active: true},
		}},
		Groups: []RingGroup{{
			ID: 3, Name: "Sales", Server: 1, Members: []Member{{Number: "101"}, {Number: "102", Priority: 2}}, Strategy: RoundRobin,
			RingTimeout: 30, MaxQueueSize: 10, QueueTimeout: 300, Overflow: &Destination{Action: RouteToVoicemail, TargetNumber: "101"}, Active: true,
		}},
		Rules: []Rule{{
			ID: 5, Name: "Mobiles to sales", Priority: 100, CallerIDPattern: `^\+79`, TimeCondition: "weekdays 09:00-18:00", Active: true,
			Destination: Destination{Action: RouteToGroup, TargetNumber: "101", TargetGroup: GroupRef{ID: 3}, TargetExternal: "+74951234567"},
			Fallback:    &Destination{Action: RouteToVoicemail, TargetNumber: "101"},
		}},
		Holidays: []string{"2027-01-01", "2027-01-07"},
		Defaults: &Destination{Action: RouteToGroup, TargetGroup: GroupRef{ID: 3}},
	}
}

func TestTheDocumentOfTheProtocolIsDecodedWhole(t *testing.T) {
	for _, bom := range []string{"", "\xef\xbb\xbf"} {
		got, problems, err := DecodeDirectory([]byte(bom + wireDirectory))
		if err != nil || len(problems) > 0 {
			t.Fatalf("problems %v, error %v", problems, err)
		}
		if want := wireDirectoryDecoded(); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func TestWhatIsLeftOutHasItsDefault(t *testing.T) {
	doc := `{"version": 7, "time_zone": "UTC",
		"servers": [{}], "numbers": [{"number": "101"}, {"number": "102", "account": {}}, {"number": "103", "account": null}],
		"groups": [{"name": "Sales", "members": ["101", 102, {"number": 103}]}],
		"rules": [{"action": "hangup", "target_group": "Sales", "fallback": null}], "defaults": {}}`
	got, problems, err := DecodeDirectory([]byte(doc))
	if err != nil || len(problems) > 0 {
		t.Fatalf("problems %v, error %v", problems, err)
	}
	want := Directory{
		Version: "7", TimeZone: "UTC",
		Servers: []Server{{ID: 1, RegisterExpires: 600, Active: true}},
		Numbers: []Extension{
			{ID: 1, Number: "101", Active: true},
			{ID: 2, Number: "102", Active: true, Account: &Account{CallRecordingEnabled: true, VoicemailEnabled: true, MaxConcurrentCalls: 2, Active: true}},
			{ID: 3, Number: "103", Active: true},
		},
		Groups: []RingGroup{{
			ID: 1, Name: "Sales", Members: []Member{{Number: "101"}, {Number: "102", Priority: 1}, {Number: "103", Priority: 2}},
			Strategy: RoundRobin, RingTimeout: 30, MaxQueueSize: 10, QueueTimeout: 300, Active: true,
		}},
		Rules: []Rule{{ID: 1, Priority: 100, Active: true, Destination: Destination{Action: HangUp, TargetGroup: GroupRef{Name: "Sales"}}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestMissingIDs(t *testing.T) {
	for _, tt := range []struct {
		name, ids string
		want      []int64
	}{
		{"are positions, counted from 1", `{}, {}, {}`, []int64{1, 2, 3}},
		{"stay clear of ids that are given", `{}, {"id": 1}, {}, {"id": 3}`, []int64{2, 1, 4, 3}},
		{"stay clear of the largest id", `{}, {"id": 9223372036854775807}, {"id": 1}`, []int64{2, 9223372036854775807, 1}},
		{"are also those that are 0 or null", `{"id": 0}, {"id": null}`, []int64{1, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, problems, err := DecodeDirectory([]byte(`{"version": 1, "time_zone": "UTC", "servers": [` + tt.ids + `]}`))
			if err != nil || len(problems) > 0 {
				t.Fatalf("problems %v, error %v", problems, err)
			}
			var got []int64
			for _, s := range d.Servers {
				got = append(got, s.ID)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestOddThingsAreProblemsAndTheRestWorks(t *testing.T) {
	for _, tt := range []struct{ name, doc, problem string }{
		{"unknown key at the top", `"colour": {"deep": [1, {"a": "b"}]}`, `warning unknown-key colour`},
		{"unknown key of a group", `"groups": [{"name": "Sales", "id": 3, "colour": "red"}]`, `warning unknown-key groups[0].colour group 3 "Sales" colour`},
		{"unknown key of an account", `"numbers": [{"number": "101", "account": {"pin": 1}}]`, `warning unknown-key numbers[0].account.pin number 1 "101" account.pin`},
		{"keys are matched exactly", `"Rules": []`, `warning unknown-key Rules`},
		{"a strange key", `"a.b\n": 1`, `warning unknown-key ["a.b\n"]`},
		{"ring time of 0", `"groups": [{"name": "S", "ring_timeout": 0}]`, `warning out-of-range groups[0].ring_timeout group 1 "S" ring_timeout`},
		{"ring time below 0", `"groups": [{"name": "S", "ring_timeout": -5}]`, `warning out-of-range groups[0].ring_timeout group 1 "S" ring_timeout`},
		{"ring time of ages", `"groups": [{"name": "S", "ring_timeout": 1000000000000}]`, `warning out-of-range groups[0].ring_timeout group 1 "S" ring_timeout`},
		{"number too large for any machine", `"rules": [{"action": "hangup", "priority": 1e400}]`, `warning out-of-range rules[0].priority rule 1 "" priority`},
		{"id below 0", `"rules": [{"action": "hangup", "id": -3}]`, `warning out-of-range rules[0].id rule 1 "" id`},
		{"id given twice", `"rules": [{"action": "hangup", "id": 3}, {"action": "hangup", "id": 3, "name": "B"}]`, `error duplicate-id rules[1].id rule 3 "B" id`},
		{"line break in a name", `"groups": [{"name": "a\r\nb"}]`, `warning control-character groups[0].name group 1 "a  b" name`},
		{"line break in a number", `"numbers": [{"number": "101\n"}]`, `error control-character numbers[0].number number 1 "" number`},
		{"NUL in a member", `"groups": [{"name": "S", "members": ["101", "1\u00002"]}]`, `error control-character groups[0].members[1] group 1 "S" members[1]`},
		{"line break in a target", `"rules": [{"action": "route_to_number", "target_number": "1\r2"}]`, `error control-character rules[0].target_number rule 1 "" target_number`},
		{
			"line break in a fallback's target", `"rules": [{"action": "hangup", "fallback": {"action": "forward_external", "target_external": "1\n2"}}]`,
			`error control-character rules[0].fallback.target_external rule 1 "" fallback.target_external`,
		},
		{"line break in a password", `"numbers": [{"number": "101", "password": "top\nsecret"}]`, `error control-character numbers[0].password number 1 "101" password`},
		{"number of 65 characters", `"numbers": [{"number": "` + strings.Repeat("1", 65) + `"}]`, `error too-long numbers[0].number number 1 "" number`},
		{"empty number", `"numbers": [{"number": ""}]`, `error empty-number numbers[0].number number 1 "" number`},
		{"name of a megabyte", `"groups": [{"name": "S", "description": "` + strings.Repeat("ы", 1<<19) + `"}]`, `warning too-long groups[0].description group 1 "S" description`},
		{"line break in a pattern", `"rules": [{"action": "hangup", "caller_id_pattern": "1\n"}]`, `warning control-character rules[0].caller_id_pattern rule 1 "" caller_id_pattern`},
		{
			"extension that never rings", `"numbers": [{"number": "1", "account": {"max_concurrent_calls": 0}}]`,
			`warning never-called numbers[0].account.max_concurrent_calls number 1 "1" account.max_concurrent_calls`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, problems, err := DecodeDirectory([]byte(`{"version": "1", "time_zone": "UTC", ` + tt.doc + `}`))
			if err != nil {
				t.Fatal(err)
			}
			if d.Version != "1" {
				t.Errorf("the rest was not decoded: %+v", d)
			}
			if len(problems) != 1 || problemWords(problems[0]) != tt.problem {
				t.Errorf("got  %v\nwant %s", problems, tt.problem)
			}
			if s := fmt.Sprint(problems); strings.Contains(s, "secret") {
				t.Errorf("a password is printed: %s", s)
			}
		})
	}
}

// problemWords gives everything of a problem but its text.
func problemWords(p Problem) string {
	s := fmt.Sprintf("%s %s %s", p.Severity, p.Code, p.Path)
	if p.Kind != "" {
		s += fmt.Sprintf(" %s %d %q %s", p.Kind, p.ID, p.Name, p.Field)
	}
	return s
}

func TestNumbersOutsideOfTheirRangeAreReplaced(t *testing.T) {
	d, problems, err := DecodeDirectory([]byte(`{"version": "1", "time_zone": "UTC", "groups": [
		{"name": "a", "ring_timeout": 0, "queue_timeout": -1, "max_queue_size": -1},
		{"name": "b", "ring_timeout": 1e12, "queue_timeout": 1000000000000, "max_queue_size": 99999999999999999999},
		{"name": "c", "ring_timeout": 25.0, "max_queue_size": 0}]}`))
	if err != nil || len(problems) != 6 {
		t.Fatalf("problems %v, error %v", problems, err)
	}
	var got [][3]int
	for _, g := range d.Groups {
		got = append(got, [3]int{g.RingTimeout, g.QueueTimeout, g.MaxQueueSize})
	}
	if want := [][3]int{{30, 300, 10}, {3600, 86400, 10000}, {25, 300, 0}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestOfTwoEntitiesWithOneIDTheFirstStays(t *testing.T) {
	d, _, err := DecodeDirectory([]byte(`{"version": "1", "rules": [
		{"action": "hangup", "id": 2, "name": "first"}, {"action": "hangup", "id": 2, "name": "second"}, {"action": "hangup", "name": "third"}]}`))
	if err != nil || len(d.Rules) != 2 || d.Rules[0].Name != "first" || d.Rules[1].Name != "third" || d.Rules[1].ID != 3 {
		t.Errorf("got %+v, error %v", d.Rules, err)
	}
}

func TestAnEntityThatIsLeftOutTakesNoIDFromAnother(t *testing.T) {
	d, problems, err := DecodeDirectory([]byte(`{"version": 1, "time_zone": "UTC", "numbers": [
		{"id": 1, "number": ""}, {"id": 1, "number": "101"}, {"id": 1, "number": "1\n"}]}`))
	if err != nil || len(d.Numbers) != 1 || d.Numbers[0].Number != "101" || len(problems) != 2 {
		t.Errorf("got %+v, problems %v, error %v", d.Numbers, problems, err)
	}
}

func TestKeysOfDifferentObjectsDoNotClash(t *testing.T) {
	d, problems, err := DecodeDirectory([]byte(`{"version": 1, "time_zone": "UTC", "numbers": [
		{"account": {"active": false, "voicemail_email": "a@example.com"}, "user": {"id": 5}, "active": true, "id": 2, "number": " 101 "}]}`))
	if err != nil || len(problems) > 0 || !d.Numbers[0].Active || d.Numbers[0].Account.Active || d.Numbers[0].Number != "101" || d.Numbers[0].ID != 2 {
		t.Errorf("got %+v, problems %v, error %v", d.Numbers, problems, err)
	}
}

func TestNothingDecodedCarriesALineBreak(t *testing.T) {
	d, _, err := DecodeDirectory([]byte(strings.NewReplacer(`Sales"`, `Sa\r\nles"`, `Main`, `Ma\u0000in`, `Anna P`, `An\u2028na\u007fP`,
		`"announcement_text": ""`, `"announcement_text": "We are\r\nclosed\t."`, `"+74951234567"`, `"+7495\n"`, `sip.example.com"`, `sip\n"`).Replace(wireDirectory)))
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%+v", d); strings.IndexFunc(s, control) >= 0 {
		t.Errorf("got %q", s)
	}
	if got := d.Rules[0]; got.AnnouncementText != "We are  closed ." || got.TargetExternal != "" {
		t.Errorf("got %+v", got)
	}
}

func TestAnEncodedDirectoryDecodesToItself(t *testing.T) {
	want := wireDirectoryDecoded()
	want.Numbers[0].Password = Secret{} // never leaves the process
	doc, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, problems, err := DecodeDirectory(doc)
	if err != nil || len(problems) > 0 {
		t.Fatalf("problems %v, error %v", problems, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestLongNamesAreCutBetweenCharacters(t *testing.T) {
	d, problems, err := DecodeDirectory([]byte(`{"version": 1, "time_zone": "UTC", "groups": [{"name": "x` + strings.Repeat("ы", maxLabel) + `"}]}`))
	if err != nil || len(problems) != 1 || d.Groups[0].Name != "x"+strings.Repeat("ы", maxLabel/2-1) {
		t.Errorf("%d bytes, problems %.200v, error %v", len(d.Groups[0].Name), problems, err)
	}
}

func TestWithoutATimeZoneRulesAreTimedInUTC(t *testing.T) {
	_, problems, err := DecodeDirectory([]byte(`{"version": 1}`))
	if err != nil || len(problems) != 1 || problemWords(problems[0]) != "warning no-time-zone time_zone" {
		t.Errorf("problems %v, error %v", problems, err)
	}
}

func TestProblemsAreListedUpToALimit(t *testing.T) {
	doc := `{"version": 1, "time_zone": "UTC", "servers": [` + strings.Repeat(`{"x":1},`, 1500) + `{"x":1}], "numbers": [{"number": ""}]}`
	_, problems, err := DecodeDirectory([]byte(doc))
	if err != nil || len(problems) != maxProblems+2 {
		t.Fatalf("%d problems, error %v", len(problems), err)
	}
	if last := problems[len(problems)-1]; last.Code != "too-many-problems" || last.Text != "501 more problems of this severity are not listed" {
		t.Errorf("got %v", last)
	}
	if p := problems[maxProblems]; p.Severity != Faulty {
		t.Errorf("the error is hidden behind warnings: %v", p)
	}
}

func BenchmarkDecodeDirectory(b *testing.B) {
	var doc strings.Builder
	doc.WriteString(`{"version": 1, "time_zone": "UTC", "rules": [`)
	for i := range 100_000 {
		if i > 0 {
			doc.WriteByte(',')
		}
		fmt.Fprintf(&doc, `{"id": %d, "name": "Rule %d", "priority": 100, "caller_id_pattern": "^\\+79%d", "called_number_pattern": "",
			"time_condition": "weekdays 09:00-18:00", "action": "route_to_group", "target_group": 3, "active": true}`, i+1, i, i)
	}
	doc.WriteString("]}")
	b.SetBytes(int64(doc.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if d, _, err := DecodeDirectory([]byte(doc.String())); err != nil || len(d.Rules) != 100_000 {
			b.Fatal(err)
		}
	}
}

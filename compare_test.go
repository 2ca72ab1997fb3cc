package ringside_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringside-pbx/ringside"
)

const company = `{"version":"1","time_zone":"UTC",
 "servers":[{"id":1,"name":"main","host":"pbx"}],
 "numbers":[{"id":1,"number":"101","password":"hush","account":{"voicemail_enabled":true}},{"id":2,"number":"102"}],
 "groups":[{"id":3,"name":"Sales","members":["101","102","103"],"overflow":{"action":"hangup"}}],
 "rules":[{"id":5,"name":"Mobiles to sales","caller_id_pattern":"\\+79","action":"route_to_group","target_group":3}],
 "holidays":["2026-12-31"]}`

func TestCompareTellsWhatAnEditChanges(t *testing.T) {
	tests := []struct {
		name    string
		replace []string // pairs
		want    []string
	}{
		{"nothing", nil, nil},
		{
			"a rule's priority",
			[]string{`"id":5,`, `"id":5,"priority":50,`},
			[]string{`rule 5 "Mobiles to sales": priority 100 → 50`},
		},
		{
			"a rule's target",
			[]string{`"target_group":3`, `"target_group":"Sales"`},
			[]string{`rule 5 "Mobiles to sales": target_group 3 → Sales`},
		},
		{
			"a rule gains a fallback",
			[]string{`"target_group":3`, `"target_group":3,"fallback":{"action":"play_announcement","announcement_text":"call later"}`},
			[]string{`rule 5 "Mobiles to sales": fallback nothing → "play_announcement \"call later\""`},
		},
		{
			"a pattern with a backslash",
			[]string{`"\\+79"`, `"\\+7"`},
			[]string{`rule 5 "Mobiles to sales": caller_id_pattern "\\+79" → "\\+7"`},
		},
		{
			"a rule is added",
			[]string{`"rules":[`, `"rules":[{"id":9,"name":"Night","called_number_pattern":"100","time_condition":"daily 20:00-08:00","action":"hangup","active":false},`},
			[]string{`rule 9 "Night" added: priority 100, called 100, daily 20:00-08:00, hangup, inactive`},
		},
		{
			"a number is removed",
			[]string{`,{"id":2,"number":"102"}`, ``},
			[]string{`number 2 "102" removed`},
		},
		{
			"a member is removed",
			[]string{`"102","103"]`, `"102"]`},
			[]string{`group 3 "Sales": member 103 removed`},
		},
		{
			"the first member is removed and the others move up",
			[]string{`["101",`, `[`},
			[]string{`group 3 "Sales": member 101 removed`},
		},
		{
			"members change places",
			[]string{`["101","102"`, `["102","101"`},
			[]string{`group 3 "Sales": members "101, 102, 103" → "102, 101, 103"`},
		},
		{
			"a member pauses",
			[]string{`["101",`, `[{"number":"101","paused":true,"priority":0},`},
			[]string{`group 3 "Sales": members.101.paused false → true`},
		},
		{
			"an overflow goes",
			[]string{`,"overflow":{"action":"hangup"}`, ``},
			[]string{`group 3 "Sales": overflow hangup → nothing`},
		},
		{
			"an account's voicemail",
			[]string{`"voicemail_enabled":true`, `"voicemail_enabled":false`},
			[]string{`number 1 "101": account.voicemail_enabled true → false`},
		},
		{"a password", []string{`hush`, `louder`}, []string{`number 1 "101": password changed`}},
		{"a password goes", []string{`"password":"hush",`, ``}, []string{`number 1 "101": password removed`}},
		{"a hidden password", []string{`hush`, `<secret>`}, nil},
		{
			"a server is exchanged",
			[]string{`"id":1,"name":"main"`, `"id":2,"name":"other"`},
			[]string{`server 1 "main" removed: pbx`, `server 2 "other" added: pbx`},
		},
		{
			"the directory's own",
			[]string{`"version":"1","time_zone":"UTC"`, `"version":"2","time_zone":"Europe/Moscow"`},
			[]string{`directory: version 1 → 2`, `directory: time_zone UTC → Europe/Moscow`},
		},
		{
			"a holiday",
			[]string{`"2026-12-31"`, `"2026-12-31","2027-01-01"`},
			[]string{`directory: holiday 2027-01-01 added`},
		},
		{
			"a name with a line break and much more",
			[]string{`"Mobiles to sales"`, `"` + strings.Repeat("x", 300) + `"`},
			[]string{`rule 5 "` + strings.Repeat("x", 200) + `…": name "Mobiles to sales" → "` + strings.Repeat("x", 200) + `…"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old, next := decoded(t, company), decoded(t, strings.NewReplacer(tt.replace...).Replace(company))
			var got []string
			for _, change := range ringside.Compare(&old, &next) {
				got = append(got, change.String())
				if strings.Contains(change.Old+change.New, "hush") {
					t.Errorf("a password is told: %+v", change)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCompareOfAnythingWithNothingNamesAllOfIt(t *testing.T) {
	full := decoded(t, company)
	empty := ringside.Directory{Version: full.Version, TimeZone: full.TimeZone}
	for name, changes := range map[string][]ringside.Change{
		"added": ringside.Compare(&empty, &full), "removed": ringside.Compare(&full, &empty),
	} {
		if len(changes) != 6 { // a holiday, a server, two numbers, a group, a rule
			t.Errorf("%s: %v", name, changes)
		}
		for _, c := range changes {
			if c.What != name {
				t.Errorf("%v is not %s", c, name)
			}
		}
	}
}

func decoded(t *testing.T, doc string) ringside.Directory {
	t.Helper()
	d, _, err := ringside.DecodeDirectory([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

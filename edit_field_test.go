package ringside

import (
	"strings"
	"testing"
)

func TestWhatIsTypedForAField(t *testing.T) {
	for _, tt := range []struct{ kind, field, typed, want string }{
		{"number", "display_name", "Anna <x>", `"Anna <x>"`},
		{"number", "display_name", "101", `"101"`},
		{"number", "display_name", `"in quotes"`, `"in quotes"`},
		{"number", "display_name", "", `""`},
		{"number", "display_name", "null", `null`},
		{"number", "password", "true", `"true"`},
		{"number", "account.voicemail_enabled", "true", `true`},
		{"number", "account.voicemail_enabled", "maybe", `account.voicemail_enabled: must be true or false, not "maybe"`},
		{"number", "account.max_concurrent_calls", "3", `3`},
		{"number", "account.max_concurrent_calls", "", `account.max_concurrent_calls: must be a whole number, not ""`},
		{"number", "account", `{"active":true}`, `{"active":true}`},
		{"number", "account", `yes`, `account: must be an object in JSON, not "yes"`},
		{"number", "account.colour", "red", `account.colour: there is no such field`},
		{"number", "display_name.first", "Anna", `display_name.first: there is no such field`},
		{"group", "members", `["101","102"]`, `["101","102"]`},
		{"group", "members", `101, 102`, `["101","102"]`},
		{"group", "members", ``, `[]`},
		{"rule", "target_group", "3", `3`},
		{"rule", "target_group", "Sales", `"Sales"`},
		{"rule", "fallback.target_number", "101", `"101"`},
		{"rule", "caller_id_pattern", `^\+79`, `"^\\+79"`},
		{"directory", "holidays", "2027-01-01,2027-01-07", `["2027-01-01","2027-01-07"]`},
		{"directory", "version", "7", `version: there is no such field`},
		{"door", "x", "7", `the kind "door" is none of server, number, group, rule, directory`},
	} {
		t.Run(tt.kind+" "+tt.field+"="+tt.typed, func(t *testing.T) {
			v, err := FieldValue(tt.kind, tt.field, tt.typed)
			got := strings.ReplaceAll(string(v), "\n", "")
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

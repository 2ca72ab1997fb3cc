package ringside

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWhatMakesADocumentNoDirectory(t *testing.T) {
	for _, tt := range []struct {
		name, doc string
		want      []string
	}{
		{"nothing", ``, []string{"the document ends too early"}},
		{"not JSON", `<html>`, []string{"this is no JSON value"}},
		{"not an object", `[]`, []string{"must be an object, not a list"}},
		{"null", `null`, []string{"must be an object, not null"}},
		{"no version", `{}`, []string{"version: is missing"}},
		{"version of null", `{"version": null}`, []string{"version: is missing"}},
		{"version that is empty", `{"version": ""}`, []string{"version: is empty"}},
		{"version with a line break", `{"version": "1\r\nX: y"}`, []string{"version: has a control character"}},
		{"version that is a list", `{"version": [1]}`, []string{"version: must be text, not a list"}},
		{"all at once", `{"rules": [{"priority": "first"}, 5], "groups": [{"active": 1}], "numbers": {}, "holidays": [1]}`, []string{
			"rules[0].priority: must be a whole number, not text", "rules[0].action: is missing", "rules[1]: must be an object, not a number",
			"groups[0].active: must be true or false, not a number", "groups[0].name: is missing", "numbers: must be a list, not an object",
			"holidays[0]: must be text in quotes, not a number", "version: is missing",
		}},
		{"deep in an entity", `{"version": 1, "numbers": [{"number": "1", "account": {"max_concurrent_calls": true}, "user": {"id": 1.5}}]}`, []string{
			"numbers[0].account.max_concurrent_calls: must be a whole number, not true or false",
			"numbers[0].user.id: must be a whole number that fits into 64 bits, not 1.5",
		}},
		{"half a ring time", `{"version": 1, "groups": [{"name": "S", "ring_timeout": 29.5}]}`, []string{"groups[0].ring_timeout: must be a whole number, not 29.5"}},
		{"password in digits", `{"version": 1, "numbers": [{"number": "1", "password": 31337}]}`, []string{"numbers[0].password: must be text in quotes, not a number"}},
		{"number with a point", `{"version": 1, "numbers": [{"number": 1.5}]}`, []string{"numbers[0].number: must be text in quotes, not 1.5"}},
		{"member without a number", `{"version": 1, "groups": [{"name": "S", "members": [{}, null, true]}]}`, []string{
			"groups[0].members[0].number: is missing", "groups[0].members[1]: must be text, not null", "groups[0].members[2]: must be text, not true or false",
		}},
		{"destination without an action", `{"version": 1, "defaults": {"target_group": 3}}`, []string{"defaults.action: is missing"}},
		{"id that is text", `{"version": 1, "rules": [{"id": "5", "action": "hangup"}]}`, []string{"rules[0].id: must be a whole number, not text"}},
		{"key given twice", `{"version": 1, "rules": [{"action": "hangup", "name": "a", "n\u0061me": "b"}]}`, []string{"rules[0].name: the key is given twice"}},
		{"key given twice at the top", `{"version": 1, "rules": [], "version": 1}`, []string{"version: the key is given twice"}},
		{"unknown key given twice", `{"version": 1, "x": 1, "x": 2}`, []string{"x: the key is given twice"}},
		{"key of null given twice", `{"version": 1, "rules": null, "rules": []}`, []string{"rules: the key is given twice"}},
		{
			"endless pattern", `{"version": 1, "rules": [{"action": "hangup", "caller_id_pattern": "` + strings.Repeat("1", maxText+1) + `"}]}`,
			[]string{"rules[0].caller_id_pattern: has 10001 bytes, and at most 10000 are read"},
		},
		{"trailing garbage", `{"version": 1} x`, []string{"there is something after the end of the document"}},
		{"two documents", `{"version": 1}{"version": 2}`, []string{"there is something after the end of the document"}},
		{"cut off", `{"version": 1, "rules": [{"action": "han`, []string{"rules[0].action: the document ends inside of a text"}},
		{"cut off behind a backslash", `{"version": "a\`, []string{"version: the document ends inside of a text"}},
		{"raw line break in a text", "{\"version\": \"1\n\"}", []string{"version: a control character stands in a text"}},
		{"comma too many", `{"version": 1,}`, []string{"a key in double quotes is missing here"}},
		{"comma too many in a list", `{"version": 1, "rules": [{"action": "hangup"},]}`, []string{"rules[1]: a value is missing here"}},
		{"comma missing", `{"version": 1 "rules": []}`, []string{"a comma or } is missing here"}},
		{"comma missing in a list", `{"version": 1, "holidays": ["a" "b"]}`, []string{"holidays: a comma or ] is missing here"}},
		{"colon missing", `{"version" 1}`, []string{"a colon is missing here"}},
		{"number with a leading 0", `{"version": 01}`, []string{"a comma or } is missing here"}},
		{"bad escape", `{"version": "\x"}`, []string{"version: a backslash stands before a character that it can't stand before"}},
		{"bad unicode escape", `{"version": "\u12g4"}`, []string{`version: \u is not followed by four hexadecimal digits`}},
		{"not UTF-8", "{\"version\": \"\xff\"}", []string{"byte 13 is not UTF-8"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, problems, err := DecodeDirectory([]byte(tt.doc))
			var got []string
			for _, e := range DecodeErrorsOf(fmt.Errorf("reading: %w", err)) {
				got = append(got, e.Error())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if d.Version != "" || problems != nil {
				t.Errorf("a refused document leaves %+v, %v", d, problems)
			}
		})
	}
}

func TestHostileDocumentsAreRefusedSoon(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 100_000)
	keys := new(strings.Builder)
	for i := range maxKeys - 1 {
		fmt.Fprintf(keys, `"k%d": 0,`, i)
	}
	for _, tt := range []struct{ name, doc, want string }{
		{"too large", strings.Repeat(" ", MaxDocument+1), "more than 67108864 are not taken"},
		{"too deep", `{"version": 1, "x": ` + strings.Repeat("[", 100_000), "more than 64 deep"},
		{"too deep in objects", deep, "more than 64 deep"},
		{"too many errors", `{"rules": [` + strings.Repeat(`{},`, 100_000) + `{}]}`, "and 96 more"},
		{"too many entries", `{"groups": [{"members": [` + strings.Repeat(`1,`, maxEntries+1) + `1]}]}`, "more than 500000 entries"},
		{"key given twice among many", `{` + keys.String() + `"k5": 0}`, "k5: the key is given twice"},
		{"too many keys", `{` + keys.String() + `"a": 0, "b": 0, "c": 0}`, "more than 1000 keys"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := DecodeDirectory([]byte(tt.doc))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestErrorsAreFoundByTypeAndPlace(t *testing.T) {
	doc := "{\"version\": 1,\n \"rules\": 5}"
	_, _, err := DecodeDirectory([]byte(doc))
	var one *DecodeError
	if !errors.As(err, &one) || one.Path != "rules" || doc[one.Offset:] != "5}" {
		t.Errorf("got %+v of %v", one, err)
	}
	if got := DecodeErrorsOf(one); len(got) != 1 || got[0] != one {
		t.Errorf("got %v", got)
	}
	if DecodeErrorsOf(errors.New("other")) != nil || DecodeErrorsOf(nil) != nil {
		t.Error("an error of another kind has decode errors")
	}
}

// Whatever the bytes are: no panic, what is accepted is JSON, and what is decoded can't break a line.
func FuzzDecodeDirectory(f *testing.F) {
	f.Add(wireDirectory)
	f.Add(`{"version": 1, "groups": [{"name": "\ud83d\ude00\ud83d", "members": [1, {"number": "2\n"}]}]}`)
	f.Add(`{"version": -1.5e3, "rules": [{"action": null, "id": 18446744073709551616}], "x": {"y": [true, false, null]}}`)
	f.Add(`{"a":` + strings.Repeat("[", 70))
	f.Fuzz(func(t *testing.T, doc string) {
		d, problems, err := DecodeDirectory([]byte(doc))
		if err != nil {
			for _, e := range DecodeErrorsOf(err) {
				if e.Text == "" || e.Offset < 0 || e.Offset > len(doc) {
					t.Errorf("poor error %+v", e)
				}
			}
			return
		}
		if !json.Valid([]byte(strings.TrimPrefix(doc, "\xef\xbb\xbf"))) {
			t.Errorf("%q is no JSON and was taken", doc)
		}
		for i := range d.Rules {
			u := &d.Rules[i]
			u.CallerIDPattern, u.CalledNumberPattern, u.TimeCondition = "", "", "" // never leave ringside
		}
		for _, s := range []any{d, problems} {
			if s := fmt.Sprintf("%+v", s); strings.IndexFunc(s, control) >= 0 || !utf8.ValidString(s) {
				t.Errorf("%q has control characters", s)
			}
		}
		if _, err := json.Marshal(d); err != nil {
			t.Error(err)
		}
	})
}

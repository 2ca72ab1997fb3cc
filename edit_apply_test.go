package ringside

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// office is a document with a password and with keys that ringside doesn't know.
const office = `{"version":"42","colour":{"a":1.50},"numbers":[
	{"id":11,"number":"101","password":"s3cret","pin":[1,2],"account":{"voicemail_enabled":true,"max_concurrent_calls":2}},
	{"id":12,"number":"102"}],"rules":[{"id":5,"name":"All","action":"hangup"}]}`

func TestAnEditOnADocument(t *testing.T) {
	for _, tt := range []struct {
		name, doc string
		edit      Edit
		want      string // the document's lists, or the error
	}{
		{
			"changes a field and keeps the rest", office,
			Edit{Kind: "number", Op: EditUpdate, Entity: 11, Fields: json.RawMessage(`{"account":{"voicemail_enabled":false},"display_name":"Anna"}`)},
			`{"version":"42","colour":{"a":1.50},"numbers":[{"id":11,"number":"101","password":"s3cret","pin":[1,2],"account":{"voicemail_enabled":false,"max_concurrent_calls":2},"display_name":"Anna"},{"id":12,"number":"102"}],"rules":[{"id":5,"name":"All","action":"hangup"}]}`,
		},
		{
			"removes a field with null", office,
			Edit{Kind: "number", Op: EditUpdate, Entity: 11, Fields: json.RawMessage(`{"account":null,"user":null}`)},
			`{"version":"42","colour":{"a":1.50},"numbers":[{"id":11,"number":"101","password":"s3cret","pin":[1,2]},{"id":12,"number":"102"}],"rules":[{"id":5,"name":"All","action":"hangup"}]}`,
		},
		{
			"replaces a list as a whole", `{"version":1,"groups":[{"id":3,"name":"S","members":["101","102"]}]}`,
			Edit{Kind: "group", Op: EditUpdate, Entity: 3, Fields: json.RawMessage(`{"members":["103"]}`)},
			`{"version":1,"groups":[{"id":3,"name":"S","members":["103"]}]}`,
		},
		{
			"adds an entity at the end", `{"version":1,"rules":[{"id":5,"action":"hangup"}]}`,
			Edit{Kind: "rule", Op: EditCreate, Entity: 6, Fields: json.RawMessage(`{"name":"New <1>","action":"hangup","time_condition":null}`)},
			`{"version":1,"rules":[{"id":5,"action":"hangup"},{"id":6,"name":"New <1>","action":"hangup"}]}`,
		},
		{
			"adds the first of its kind", `{"version":1}`,
			Edit{Kind: "server", Op: EditCreate, Entity: 1, Fields: json.RawMessage(`{"id":1,"host":"a"}`)},
			`{"version":1,"servers":[{"id":1,"host":"a"}]}`,
		},
		{
			"removes an entity", office,
			Edit{Kind: "number", Op: EditDelete, Entity: 11},
			`{"version":"42","colour":{"a":1.50},"numbers":[{"id":12,"number":"102"}],"rules":[{"id":5,"name":"All","action":"hangup"}]}`,
		},
		{
			"removes the second one with the id, too", `{"version":1,"rules":[{"id":5,"action":"hangup"},{"id":5,"action":"x"},{"id":6,"action":"hangup"}]}`,
			Edit{Kind: "rule", Op: EditDelete, Entity: 5},
			`{"version":1,"rules":[{"id":6,"action":"hangup"}]}`,
		},
		{
			"writes the ids that were positions", `{"version":1,"rules":[{"action":"hangup"},{"id":null,"action":"hangup"},{"id":1,"action":"hangup"}]}`,
			Edit{Kind: "rule", Op: EditDelete, Entity: 2},
			`{"version":1,"rules":[{"id":3,"action":"hangup"},{"id":1,"action":"hangup"}]}`,
		},
		{
			"finds an entity by its position", `{"version":1,"numbers":[{"number":"101"},{"number":"102"}]}`,
			Edit{Kind: "number", Op: EditUpdate, Entity: 2, Fields: json.RawMessage(`{"active":false}`)},
			`{"version":1,"numbers":[{"number":"101","id":1},{"number":"102","id":2,"active":false}]}`,
		},
		{
			"passes over an entity that is left out", `{"version":1,"numbers":[{"id":1,"number":""},{"id":1,"number":"101"}]}`,
			Edit{Kind: "number", Op: EditUpdate, Entity: 1, Fields: json.RawMessage(`{"number":"102"}`)},
			`{"version":1,"numbers":[{"id":1,"number":""},{"id":1,"number":"102"}]}`,
		},
		{
			"changes the directory itself", "\xef\xbb\xbf" + `{"version":1,"holidays":["2027-01-01"],"defaults":{"action":"hangup"}}`,
			Edit{Kind: "directory", Op: EditUpdate, Fields: json.RawMessage(`{"holidays":["2027-01-07"],"defaults":null,"time_zone":"UTC"}`)},
			`{"version":1,"holidays":["2027-01-07"],"time_zone":"UTC"}`,
		},

		{"of nothing", office, Edit{Kind: "rule", Op: EditUpdate, Entity: 9, Fields: json.RawMessage(`{"name":"x"}`)}, "rule 9 is not in the directory"},
		{"that removes nothing", office, Edit{Kind: "group", Op: EditDelete, Entity: 3}, "group 3 is not in the directory"},
		{"that adds what is there", office, Edit{Kind: "rule", Op: EditCreate, Entity: 5, Fields: json.RawMessage(`{"action":"hangup"}`)}, "rule 5 is in the directory already"},
		{"of an unknown kind", office, Edit{Kind: "rules", Op: EditDelete, Entity: 5}, `the kind "rules" is none of server, number, group, rule, directory`},
		{"of an unknown operation", office, Edit{Kind: "rule", Op: "put", Entity: 5}, `the operation "put" is none of create, update, delete`},
		{"without an id", office, Edit{Kind: "rule", Op: EditDelete}, "the rule has no id above 0"},
		{"without fields", office, Edit{Kind: "rule", Op: EditUpdate, Entity: 5, Fields: json.RawMessage(`{}`)}, "the edit has no fields"},
		{"with no object for fields", office, Edit{Kind: "rule", Op: EditUpdate, Entity: 5, Fields: json.RawMessage(`[1]`)}, "the fields of the edit: must be an object, not a list"},
		{"that changes an id", office, Edit{Kind: "rule", Op: EditUpdate, Entity: 5, Fields: json.RawMessage(`{"id":6}`)}, "id: the id of rule 5 can't be changed"},
		{"that takes an id away", office, Edit{Kind: "rule", Op: EditUpdate, Entity: 5, Fields: json.RawMessage(`{"id":null}`)}, "id: the id of rule 5 can't be changed"},
		{"of an unknown field", office, Edit{Kind: "rule", Op: EditUpdate, Entity: 5, Fields: json.RawMessage(`{"colour":1}`)}, "colour: there is no such field"},
		{"of an unknown field further in", office, Edit{Kind: "rule", Op: EditUpdate, Entity: 5, Fields: json.RawMessage(`{"fallback":{"acton":"x"}}`)}, "fallback.acton: there is no such field"},
		{"of an unknown field of a member", office, Edit{Kind: "group", Op: EditUpdate, Entity: 5, Fields: json.RawMessage(`{"members":["1",{"nr":"2"}]}`)}, "members[1].nr: there is no such field"},
		{"of the version", office, Edit{Kind: "directory", Op: EditUpdate, Fields: json.RawMessage(`{"version":"7"}`)}, "version: there is no such field"},
		{"of all rules at once", office, Edit{Kind: "directory", Op: EditUpdate, Fields: json.RawMessage(`{"rules":[]}`)}, "rules: there is no such field"},
		{"that removes the directory", office, Edit{Kind: "directory", Op: EditDelete}, "the directory itself can be updated only"},
		{"that writes what stands for a password", office, Edit{Kind: "number", Op: EditUpdate, Entity: 11, Fields: json.RawMessage(`{"password":"\u003csecret>"}`)}, "password: <secret> stands where a secret is not shown, and is none"},
		{"with a field twice", office, Edit{Kind: "rule", Op: EditUpdate, Entity: 5, Fields: json.RawMessage(`{"name":"a","name":"b"}`)}, "the fields of the edit: name: the key is given twice"},
		{"of no document", `[]`, Edit{Kind: "rule", Op: EditDelete, Entity: 5}, "must be an object, not a list"},
		{"of a list that is none", `{"rules":7}`, Edit{Kind: "rule", Op: EditDelete, Entity: 5}, "rules: must be a list, not a number"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := tt.doc
			got, err := tt.edit.Apply([]byte(tt.doc))
			text := strings.ReplaceAll(string(got), "\n", "")
			if err != nil {
				text = err.Error()
			}
			if text != tt.want {
				t.Errorf("got  %s\nwant %s", text, tt.want)
			}
			if tt.doc != before {
				t.Error("the document that was edited has changed")
			}
		})
	}
}

func TestErrorsOfAnEditAreTold(t *testing.T) {
	e := Edit{Kind: "rule", Op: EditDelete, Entity: 9}
	if _, err := e.Apply([]byte(office)); !errors.Is(err, ErrNoEntity) {
		t.Errorf("got %v", err)
	}
	e = Edit{Kind: "rule", Op: EditCreate, Entity: 5, Fields: json.RawMessage(`{"action":"hangup"}`)}
	if _, err := e.Apply([]byte(office)); !errors.Is(err, ErrEntityExists) {
		t.Errorf("got %v", err)
	}
}

func TestAnEntityIsFoundAndShownWithoutItsSecrets(t *testing.T) {
	raw, ok := Entity([]byte(office), "number", 11)
	if !ok || !strings.Contains(string(raw), "s3cret") {
		t.Fatalf("got %s, %v", raw, ok)
	}
	if shown := string(WithoutSecrets(raw)); shown != `{"id":11,"number":"101","pin":[1,`+"\n"+`2],"account":{"voicemail_enabled":true,"max_concurrent_calls":2}}` {
		t.Errorf("got %s", shown)
	}
	if got, ok := Entity([]byte(`{"version":1,"time_zone":"UTC","rules":[]}`), "directory", 0); !ok || string(got) != `{"time_zone":"UTC"}` {
		t.Errorf("got %s, %v", got, ok)
	}
	for _, tt := range []struct{ kind, doc string }{{"number", "{}"}, {"door", office}, {"rule", "no JSON"}, {"rule", `{"rules":[3]}`}} {
		if got, ok := Entity([]byte(tt.doc), tt.kind, 9); ok {
			t.Errorf("%s of %s: got %s", tt.kind, tt.doc, got)
		}
	}
	for in, want := range map[string]string{
		`{"a":{"SIP_Password":"x","b":[{"secret":1,"c":2}]}}`: `{"a":{"b":[{"c":2}]}}`, `"text"`: `"text"`, `{"a"`: "", ``: "", `null`: "null",
	} {
		if got := string(WithoutSecrets(json.RawMessage(in))); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func FuzzApply(f *testing.F) {
	for _, doc := range []string{office, wireDirectory, `{"version":1,"rules":[{"action":"hangup"},{"id":null,"action":"x"}]}`, `{"rules":[[]]}`, `[`} {
		f.Add([]byte(doc), "rule", int64(5), "update", []byte(`{"name":"x","fallback":{"action":"hangup"}}`))
		f.Add([]byte(doc), "number", int64(11), "delete", []byte(``))
		f.Add([]byte(doc), "group", int64(9), "create", []byte(`{"name":"x","members":["1"]}`))
		f.Add([]byte(doc), "directory", int64(0), "update", []byte(`{"holidays":null}`))
	}
	f.Fuzz(func(t *testing.T, doc []byte, kind string, id int64, op string, fields []byte) {
		e := Edit{Kind: kind, Entity: id, Op: EditOp(op), Fields: fields}
		got, err := e.Apply(doc)
		if err != nil {
			return
		}
		if !json.Valid(got) {
			t.Fatalf("the result is no JSON: %s", got)
		}
		before, _, err := DecodeDirectory(doc)
		if err != nil {
			return // broken elsewhere
		}
		after, _, err := DecodeDirectory(got)
		if err != nil {
			return // the edit makes it none, and that is told
		}
		if before.Version != after.Version {
			t.Errorf("the version has changed from %q to %q", before.Version, after.Version)
		}
		for _, c := range Compare(&before, &after) {
			if c.Kind != kind || kind != "directory" && c.ID != id {
				t.Errorf("an edit of %s %d did this, too: %s", kind, id, fmt.Sprint(c))
			}
		}
	})
}

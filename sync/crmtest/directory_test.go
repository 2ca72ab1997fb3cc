package crmtest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func edit(id, op string, entity int, fields, base string) string {
	if fields != "" {
		fields = `,"fields":` + fields
	}
	kind := "rule"
	if entity > 10 {
		kind = "number"
	}
	return fmt.Sprintf(`{"id":%q,"kind":%q,"op":%q,"entity_id":%d%s,"base_version":%q,"author":"x","at":"2026-11-23T10:00:00Z"}`,
		id, kind, op, entity, fields, base)
}

func changes(edits ...string) string { return changesOf("office", edits...) }

func changesOf(node string, edits ...string) string {
	return `{"node":"` + node + `","changes":[` + strings.Join(edits, ",") + `]}`
}

func copyFile(t *testing.T, from, to, more string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, append(text, more...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheDirectoryIsHeldBackUntilItIsNew(t *testing.T) {
	r := start(t, Options{})
	r.want("GET", "/config", "", 404, "there is no directory")
	if err := r.crm.SetDirectory([]byte(office)); err != nil {
		t.Fatal(err)
	}
	res, text, err := r.ask("GET", "/config", "")
	if err != nil || text != office || res.Header.Get("ETag") == "" {
		t.Fatalf("%v, %s", err, text)
	}
	r.header.Set("If-None-Match", res.Header.Get("ETag"))
	r.want("GET", "/config", "", 304, "")
	r.want("GET", "/config?wait=soon", "", 400, "whole seconds")
	began := time.Now()
	r.want("GET", "/config?wait=1", "", 304, "")
	if took := time.Since(began); took < time.Second {
		t.Errorf("held back for %s", took)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.crm.SetDirectory([]byte(strings.Replace(office, "All", "Some", 1))); err != nil {
			t.Error(err)
		}
	}()
	r.want("GET", "/config?wait=60", "", 200, `"version":"8"`) // raised: it was 7 again
	<-done
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the change has come after %s", took)
	}
}

func TestEditsAreAcceptedWhereNothingElseHasChanged(t *testing.T) {
	r := start(t, Options{Directory: []byte(office)})
	const path = "/config/changes"
	first := r.want("POST", path, changes(edit("e1", "update", 11, `{"display_name":"Anna"}`, "7")), 200, `{"results":[{"id":"e1","status":"accepted","version":"8"}]}`)
	r.want("POST", path, changes(edit("e2", "update", 12, `{"display_name":"Olga"}`, "7")), 200, `"status":"accepted","version":"9"`)
	theirs := `"theirs":{"id":11,"number":"101","display_name":"Anna"}`
	r.want("POST", path, changesOf("shop", edit("e3", "update", 11, `{"display_name":"Ann"}`, "7")), 200, `"status":"conflict","reason":"it has changed here since version 7",`+theirs)
	r.want("POST", path, changes(edit("e4", "update", 11, `{"display_name":"Ann"}`, "8")), 200, `"status":"accepted","version":"10"`)
	r.want("POST", path, changes(edit("e5", "delete", 5, "", "7"), edit("e6", "update", 5, `{"name":"x"}`, "7")), 200, `{"id":"e6","status":"conflict"`)
	r.want("POST", path, changes(edit("e7", "create", 6, `{"name":"x","action":"hangup"}`, "11")), 200, `"accepted","version":"12"`)
	r.want("POST", path, changes(edit("e8", "create", 6, `{"name":"y","action":"hangup"}`, "12")), 200, `"conflict","reason":"rule 6 is in the directory already","theirs":{"id":6,`)
	r.want("POST", path, changes(edit("e9", "update", 6, `{"colour":1}`, "12")), 200, `"rejected","reason":"colour`)
	r.want("POST", path, changes(edit("e10", "update", 6, `{"time_condition":[]}`, "12")), 200, `"rejected","reason":"with it, the document is no directory`)
	r.want("POST", path, changes(edit("", "update", 6, `{"name":"z"}`, "12")), 200, `"rejected","reason":"the edit has no id"`)
	r.want("POST", path, changes(edit("e11", "update", 11, `{"display_name":"B"}`, "another life")), 200, `"conflict"`)
	r.want("POST", path, changes(edit("e12", "update", 11, `{"display_name":"B"}`, "99")), 200, `"accepted"`) // newer than any change here
	r.want("POST", path, `[]`, 422, "no batch of changes")
	if again := r.want("POST", path, changes(edit("e1", "update", 11, `{"display_name":"Anna"}`, "7")), 200, ""); again != first {
		t.Errorf("the verdict has changed to %s", again)
	}
	got := r.want("GET", "/config", "", 200, `"password":"s3cret"`)
	for _, part := range []string{`"version":"13"`, `"display_name":"B"`, `"display_name":"Olga"`, `{"id":6,`} {
		if !strings.Contains(got, part) {
			t.Errorf("%s is not in %s", part, got)
		}
	}
	if n := len(r.crm.Edits()); n != 12 {
		t.Errorf("%d edits are kept", n)
	}
}

func TestEditsOfOneSiteLieOnTopOfOneAnother(t *testing.T) {
	r := start(t, Options{Directory: []byte(office)})
	const path = "/config/changes"
	// Until the site has the next directory, all of its edits are made on the same one.
	r.want("POST", path, changes(edit("e1", "update", 5, `{"name":"A"}`, "7"), edit("e2", "update", 5, `{"name":"B"}`, "7")), 200,
		`{"results":[{"id":"e1","status":"accepted","version":"8"},{"id":"e2","status":"accepted","version":"9"}]}`)
	r.want("POST", path, changesOf("shop", edit("s1", "update", 5, `{"name":"C"}`, "9")), 200, `"accepted","version":"10"`)
	r.want("POST", path, changes(edit("e3", "update", 5, `{"name":"D"}`, "9")), 200, `"conflict"`)
	r.want("POST", path, changes(edit("e4", "delete", 5, "", "10"), edit("e5", "update", 5, `{"name":"E"}`, "10")), 200,
		`{"id":"e5","status":"conflict","reason":"rule 5 is not in the directory"`)
}

func TestAChangeMadeAtTheCRMIsInTheWay(t *testing.T) {
	r := start(t, Options{Directory: []byte(office)})
	changed := strings.NewReplacer(`"7"`, `"20"`, `"All"`, `"Every"`).Replace(office)
	if err := r.crm.SetDirectory([]byte(changed)); err != nil {
		t.Fatal(err)
	}
	r.want("POST", "/config/changes", changes(edit("e1", "update", 5, `{"name":"x"}`, "7"), edit("e2", "update", 11, `{"display_name":"x"}`, "7")), 200,
		`"theirs":{"id":5,"name":"Every","action":"hangup"}},{"id":"e2","status":"accepted","version":"21"}`)
}

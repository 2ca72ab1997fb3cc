package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/control"
)

// canary is a SIP password that no command may print.
const canary = "canary-s3cret"

const shop = `version: 7
time_zone: UTC
numbers:
  - {id: 11, number: "101", display_name: Anna, password: canary-s3cret}
  - {id: 12, number: "102", display_name: Ivan}
  - {id: 13, number: "103", display_name: Olga}
groups:
  - {id: 3, name: Sales, members: ["101", "102"]}
rules:
  - {id: 5, name: All, action: route_to_group, target_group: 3}
`

// refuse runs a command that must fail with a code and say why.
func (r *rig) refuse(code int, want string, args ...string) {
	r.t.Helper()
	out, errOut, got := r.cli(args...)
	if got != code || !strings.Contains(errOut, want) {
		r.t.Errorf("ringside %s: exit %d, want %d and %q in\n%s%s", strings.Join(args, " "), got, code, want, out, errOut)
	}
	r.hides(out + errOut)
}

func (r *rig) hides(text string) {
	r.t.Helper()
	if strings.Contains(text, canary) {
		r.t.Errorf("a password is printed:\n%s", text)
	}
}

func TestADayOfAnAdministrator(t *testing.T) {
	t.Setenv("SUDO_USER", "anna")
	r := startDaemon(t, "")
	r.want("There was no directory yet", "directory", "history")
	r.refuse(1, "there is no directory that could be edited", "directory", "set", "rule", "5", "name=x")
	file := writeFile(t, "shop.yaml", shop)
	r.want("Version 7 (edition 1) from "+file+" by anna", "directory", "load", file)
	r.want("Version 7 (edition 1)", "directory", "load", file) // once more is nothing new

	// An edit works at once and is an edition of its own.
	r.want("number 11 \"101\": display_name Anna → \"Anna P.\"", "directory", "set", "number", "11", "display_name=Anna P.", "account.voicemail_enabled=true")
	r.want("Nothing changes", "directory", "set", "number", "11", "display_name=Anna P.")
	r.want("version 9 from an edit by anna", "directory", "set", "group", "3", "members=[\"102\",\"103\"]")
	r.want("ring 102", "route", "--from", "+4930", "--to", "1")
	r.want(`added`, "directory", "add", "rule", "name=Late", "action=hangup", "time_condition=22:00-06:00", "priority=1")
	r.want("hang up", "route", "--from", "+4930", "--to", "1", "--at", "2026-11-23 23:00")
	var o control.DirectoryOutcome
	out := r.want(`"applied"`, "directory", "add", "number", "--file", writeFile(t, "n.yaml", "number: 104\npassword: "+canary+"\n"), "--json")
	r.hides(out)
	if err := json.Unmarshal([]byte(out), &o); err != nil || o.Edit == nil || o.Edit.Entity <= 1<<40 {
		t.Fatalf("%v: %s", err, out)
	}
	r.want("removed", "directory", "remove", "number", fmt.Sprint(o.Edit.Entity))
	r.want("Nobody has tried", "directory", "set", "directory", "holidays=2027-01-01", "defaults={\"action\":\"play_announcement\",\"announcement_text\":\"Nobody has tried\"}")

	// What was, and the way back.
	out = r.want("in effect  version 13 from an edit by anna", "directory", "history")
	r.hides(out)
	r.hides(r.want("display_name Anna → \"Anna P.\"", "directory", "diff", "--edition", "1", "--edition", "2"))
	r.want("member 103 removed", "directory", "diff", file, "--edition", "5")
	r.want("version 7 → 13", "directory", "diff", "--edition", "1")
	r.hides(r.want("version 9 from an edit by anna", "directory", "show", "--edition", "3"))
	r.hides(r.want(`"101"`, "directory", "show", "--edition", "3", "--json"))
	r.want("from a rollback to 1 by anna", "directory", "rollback", "1")
	r.want("ring 101", "route", "--from", "+4930", "--to", "1")
	r.want("No edits are pending", "directory", "edits")

	// An accident is held.
	broken := writeFile(t, "broken.yaml", "version: 20\ntime_zone: UTC\nnumbers: [{id: 11, number: \"101\"}]\n")
	r.refuse(1, "edition 9 is held and not in effect, because it looks like an accident: the only rule is gone; 2 of 3 numbers are gone", "directory", "load", broken)
	r.want("Edition 9 (version 20 from "+broken+") is held", "status")
	r.want("'ringside directory confirm 9'", "directory", "show")
	r.refuse(1, "edition 8 is not held", "directory", "confirm", "8")
	r.stop()
	r.log = &buffer{}
	r.start()
	r.want("Edition 9 is discarded", "directory", "discard")
	r.refuse(1, "the latest edition is not held", "directory", "discard")
	r.refuse(1, "edition 9 was never in effect", "directory", "rollback", "9")
	r.refuse(1, "is held", "directory", "load", broken)
	r.want("Version 20 (edition 10)", "directory", "confirm", "10")
	r.want("Version 7", "directory", "load", file)
	r.want("Version 20 (edition 12)", "directory", "load", broken, "--confirm")
	r.hides(r.log.String())
}

func TestWrongInputOfAnEdit(t *testing.T) {
	r := startDaemon(t, "")
	r.want("Version 7", "directory", "load", writeFile(t, "shop.yaml", shop))
	for _, c := range []struct {
		code int
		want string
		args string
	}{
		{exitUsage, `the kind "door" is none of server, number, group, rule, directory`, "set door 1 name=x"},
		{exitUsage, `"Anna" is no id of a number`, "set number Anna active=true"},
		{exitUsage, `the edit has no fields`, "set number 11"},
		{exitUsage, `"active" is no field=value`, "set number 11 active"},
		{exitUsage, `colour: there is no such field`, "set number 11 colour=red"},
		{exitUsage, `account.active: must be true or false, not "maybe"`, "set number 11 account.active=maybe"},
		{exitUsage, `priority: must be a whole number, not "high"`, "set rule 5 priority=high"},
		{exitUsage, `name: the field is given twice`, "set rule 5 name=a name=b"},
		{exitUsage, `account.active: the field is given twice`, "set number 11 account=null account.active=true"},
		{exitUsage, `id: the id of rule 5 can't be changed`, "set rule 5 id=6"},
		{exitUsage, `the directory itself can be updated only`, "remove directory 1"},
		{exitUsage, `give fields or --file, not both`, "add rule name=x --file /nonexistent"},
		{exitUsage, `no such file`, "add rule --file /nonexistent"},
		{exitUsage, `the edit has no fields`, "add rule"},
		{exitUsage, `expected`, "remove rule"},
		{exitUsage, `--limit 0 must be above 0`, "history --limit 0"},
		{exitUsage, `name a file or an --edition`, "diff"},
		{exitUsage, `two editions are compared`, "diff --edition 1 --edition 2 --edition 3"},
		{exitUsage, `--against compares two files`, "diff --against x --edition 1"},
		{exitUsage, `editions count from 1`, "rollback 0"},
		{exitUsage, `expected a valid 64 bit uint but got "first"`, "rollback first"},
		{exitNotFound, `edition 99: not found`, "rollback 99"},
		{exitNotFound, `edition 99: not found`, "show --edition 99"},
		{exitNotFound, `edition 99: not found`, "diff --edition 99"},
		{1, `rule 9 is not in the directory`, "set rule 9 name=x"},
		{1, `rule 5 is in the directory already`, "add rule id=5 action=hangup"},
		{1, `action: is missing`, "add rule name=x"},
		{1, `caller_id_pattern: the pattern "+79" can't be used`, "set rule 5 caller_id_pattern=+79"},
		{1, `target_group: there is no group 4`, "set rule 5 target_group=4"},
		{1, `group 3 "Sales" has lost all its members`, "set group 3 members="},
		{1, `the only rule is gone`, "remove rule 5"},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := *r
			r.t = t
			r.refuse(c.code, c.want, append([]string{"directory"}, strings.Fields(c.args)...)...)
		})
	}
	r.want("Version 7 (edition 1)", "status")
	r.want(`removed`, "directory", "remove", "rule", "5", "--confirm")
}

func TestReplayOfTheDay(t *testing.T) {
	r := startDaemon(t, "")
	r.want("Version 7", "directory", "load", writeFile(t, "shop.yaml", shop))
	for _, from := range []string{"+4930111", "+4930222", "+4930333"} {
		r.want("result", "call", "--from", from, "--to", "500", "--talk", "0s", "--quiet")
	}
	draft := writeFile(t, "draft.yaml", strings.Replace(shop, "rules:\n", "rules:\n  - {id: 1, name: Test, priority: 1, caller_id_pattern: '\\+4930111', action: route_to_number, target_number: \"103\"}\n", 1))
	r.want("Of 3 calls", "directory", "replay", draft)
	r.want(`+4930111 → 500: group "Sales" by rule "All" → ring 103 by rule "Test"`, "directory", "replay", draft, "--since", "1h")
	alone := writeFile(t, "alone.yaml", "version: 8\ntime_zone: UTC\n")
	out := r.want("3 would go elsewhere and 3 would reach nobody; 3 of those reach somebody now", "directory", "replay", alone, "--limit", "1")
	if !strings.Contains(out, "2 earlier ones are not listed") || strings.Contains(out, "+4930222") {
		t.Errorf("the limit: %s", out)
	}
	r.want(`"lost_now": 3`, "directory", "replay", alone, "--json")
	r.want("Of 3 calls", "directory", "replay", alone, "--since", "1d")
	r.refuse(exitUsage, "must be above 0", "directory", "replay", alone, "--since", "0s")
	r.refuse(exitUsage, `"24" is no time span, such as 50ms, 10s or 30d`, "directory", "replay", alone, "--since", "24")
	r.refuse(exitUsage, "no such file", "directory", "replay", "/nonexistent.yaml")
}

func TestAFileThatLooksLikeAnAccidentIsHeldAndConfirmed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "d.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(shop)
	r := startDaemon(t, "directory: {file: "+file+"}\n")
	for _, args := range [][]string{{"set", "rule", "5", "name=x"}, {"rollback", "1"}, {"remove", "rule", "5"}} {
		r.refuse(1, "the directory comes from a file (directory.file): change it there: "+file, append([]string{"directory"}, args...)...)
	}
	write("version: 8\ntime_zone: UTC\nnumbers: [{id: 11, number: \"101\"}]\n")
	r.poll("the file is held", func() bool { return strings.Contains(r.want("", "status"), "is held") })
	r.stop()
	r.log = &buffer{}
	r.start()
	out := r.want("Version 7", "status")
	if !strings.Contains(out, "Edition 2 (version 8 from "+file+") is held") {
		t.Errorf("after a restart: %s", out)
	}
	r.want("Version 8 (edition 2)", "directory", "confirm")
	write(shop)
	r.poll("the good file", func() bool { return strings.Contains(r.want("", "status"), "Version 7 (edition 3)") })
}

// clerk is a daemon that knows edits.
type clerk struct {
	control.Daemon
}

func (clerk) Edits(context.Context) ([]ringside.Edit, error) {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	return []ringside.Edit{
		{Kind: "number", Entity: 11, Op: ringside.EditUpdate, Fields: json.RawMessage(`{"display_name":"Anna"}`), Author: "anna", At: at, State: ringside.EditPending},
		{Kind: "rule", Entity: 5, Op: ringside.EditDelete, Author: "anna", At: at, State: ringside.EditAccepted, Version: "43"},
		{
			Kind: "group", Entity: 3, Op: ringside.EditUpdate, Author: "ivan", At: at, State: ringside.EditRejected, Reason: "somebody was faster",
			Ours: json.RawMessage(`{"name":"Sales"}`), Theirs: json.RawMessage(`{"name":"Vertrieb"}`),
		},
	}, nil
}

func (clerk) ForgetEdits(context.Context) (int, error) { return 1, nil }

func (clerk) Directory(context.Context) (control.DirectoryState, error) {
	return control.DirectoryState{Loaded: true, Version: "42+2", Pending: 1, Accepted: 1, Rejected: 1}, nil
}

func TestEditsAreListedWithBothSides(t *testing.T) {
	folder, err := os.MkdirTemp("", "rs")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	socket := filepath.Join(folder, "s")
	server, err := control.Listen(socket, clerk{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Stop(context.Background()) }()
	out, _, code := runCLI(t, "directory", "edits", "--socket", socket)
	for _, want := range []string{
		"pending   update number 11 by anna\n        display_name=Anna\n", "accepted  delete rule 5 by anna\n        the CRM's version 43 will contain it",
		"rejected: somebody was faster\n        ours:   name=Sales\n        theirs: name=Vertrieb\n",
	} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d, no %q in\n%s", code, want, out)
		}
	}
	if out, _, code := runCLI(t, "directory", "edits", "--forget", "--socket", socket); code != 0 || out != "1 rejected edit is forgotten.\n" {
		t.Errorf("exit %d, %s", code, out)
	}
	if _, _, code := runCLI(t, "directory", "edits", "--forget", "--json", "--socket", socket); code != exitUsage {
		t.Errorf("exit %d", code)
	}
	if out, _, _ := runCLI(t, "directory", "show", "--socket", socket); !strings.Contains(out, "1 waits for the CRM, 1 is accepted and not published yet, 1 is rejected") {
		t.Errorf("the state: %s", out)
	}
}

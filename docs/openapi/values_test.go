package openapi_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/docs/openapi"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// value is something that the code sends or takes.
type value struct {
	doc, schema, name string
	value             any
}

func fullCall() ringside.Call {
	at := time.Date(2026, 11, 23, 10, 0, 5, 250e6, time.FixedZone("MSK", 3*3600))
	return ringside.Call{
		ID: "office-1795417205.31", Schema: ringside.CallSchema, Revision: 2, Node: "office", PBX: "asterisk", Channel: "PJSIP/trunk-00000003", Endpoint: "trunk",
		Caller: "89001234567", CallerE164: "+79001234567", CallerName: "Ivan", Called: "100", CalledE164: "+74951000100", Direction: ringside.Inbound,
		Contact: fullContact(), Status: ringside.StatusAnswered, Disposition: ringside.EndTalked, Cause: ringside.CauseNormal, RoutedTo: "102",
		Group: &ringside.Ref{ID: 3, Name: "Sales"}, Rule: &ringside.Ref{ID: 5, Name: "Mobiles to sales"},
		Start: at, Answer: at.Add(47 * time.Second), End: at.Add(187 * time.Second), Duration: 140, QueueWait: 12,
		Legs: []ringside.Leg{
			{Kind: "queue", Group: 3, Start: at, End: at.Add(12 * time.Second), Result: "served"},
			{
				Kind: "dial", Targets: []string{"101", "102"}, Group: 3, Start: at.Add(12 * time.Second), Answer: at.Add(47 * time.Second), End: at.Add(187 * time.Second),
				Answered: "102", Result: string(ringside.DialAnswered), Cause: ringside.CauseNormal,
			},
		},
		Trace:   []ringside.Step{{Step: "rule", Rule: 5, Group: 3, Member: "102", Name: "Mobiles to sales", Matched: true, Why: "it matches"}},
		Version: "42", Notes: "a note",
	}
}

func minimalCall() ringside.Call {
	return ringside.Call{ID: "office-1", Schema: 1, Revision: 1, Direction: ringside.Inbound, Status: ringside.StatusAbandoned, Start: time.Unix(1795417205, 0)}
}

func fullContact() *ringside.Contact {
	return &ringside.Contact{ID: "c-16", Phone: "+79001234567", Name: "Ivan Sidorov", Company: "Vector LLC", URL: "https://crm.example.com/contacts/16", Owner: "101"}
}

func values(t *testing.T) []value {
	t.Helper()
	raw := func(v any) json.RawMessage {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	full, minimal := fullCall(), minimalCall()
	at := full.Start
	backlog := ringside.Backlog{Calls: 1, CDRs: 2, Bytes: 3, Oldest: at, Rejected: 4}
	bare := minimal
	bare.Legs = []ringside.Leg{{Kind: "voicemail", Start: at}}
	dir := ringside.Directory{
		Version: "42", TimeZone: "Europe/Moscow", DefaultCountry: "RU", Servers: []ringside.Server{{ID: 1}},
		Numbers:  []ringside.Extension{{ID: 11, Number: "101", User: &ringside.User{ID: 1}, Account: &ringside.Account{}}},
		Groups:   []ringside.RingGroup{{ID: 3, Name: "S", Members: []ringside.Member{{Number: "101"}}, Strategy: ringside.AllRing, RingTimeout: 30, QueueTimeout: 300}},
		Rules:    []ringside.Rule{{ID: 5, Destination: ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: ringside.GroupRef{Name: "S"}}}},
		Holidays: []string{"2027-01-01"}, Defaults: &ringside.Destination{Action: ringside.HangUp},
	}
	edit := ringside.Edit{ID: "0018a9c3f0e1d2b3-9f8e7d6c", Kind: "rule", Entity: 5, Op: ringside.EditUpdate, Fields: json.RawMessage(`{"priority":5,"fallback":null}`), Base: "42", Author: "anna", At: at}
	event := crmsync.Event{
		Kind: "ringing", CallID: full.ID, At: at, Caller: full.Caller, CallerE164: full.CallerE164, Called: "100", Direction: ringside.Inbound,
		Targets: []string{"101"}, Group: full.Group, Contact: full.Contact, Status: ringside.StatusRinging,
	}
	decision := ringside.Decision{Action: ringside.NotFound}
	several := ringside.Decision{Action: ringside.Route, TargetType: ringside.TargetGroupMember, Targets: []string{"101", "102"}, Timeout: 30 * time.Second}
	explained := ringside.Explained{
		Action: ringside.Route, TargetType: ringside.TargetGroupMember, Target: ringside.Targets{"102"}, Dial: "PJSIP/102", Timeout: 30, Text: "x", Cause: 17,
		Group: full.Group, Rule: full.Rule, CallerID: "+79001234567", CalledNumber: "100", Version: "42", Contact: full.Contact, Trace: full.Trace,
	}
	problem := ringside.Problem{
		Severity: ringside.Faulty, Code: "bad-pattern", Path: "rules[3].caller_id_pattern", Kind: "rule", ID: 9, Name: "Old", Field: "caller_id_pattern",
		Text: "is wrong", Hint: "mend it", Line: 3, Column: 4,
	}
	const crm, own = openapi.CRM, openapi.Ringside
	return []value{
		{crm, "CallBatch", "full and minimal", crmsync.CallBatch{Node: "office", Items: []crmsync.CallItem{
			{Key: ringside.DeliveryKey(full.ID, 2), Call: raw(full)}, {Key: ringside.DeliveryKey(minimal.ID, 1), Call: raw(minimal)},
		}}},
		{crm, "CDRBatch", "full and minimal", crmsync.CDRBatch{Node: "office", Items: []crmsync.CDRItem{
			{Key: ringside.DeliveryKey(full.ID, 2), CDRs: full.CDRs()}, {Key: ringside.DeliveryKey(bare.ID, 1), CDRs: bare.CDRs()},
		}}},
		{crm, "Results", "all", crmsync.Results{Results: []crmsync.Result{
			{Key: "office-1/1", Status: crmsync.Accepted},
			{Key: "office-1/2", Status: crmsync.Duplicate},
			{Key: "office-1/3", Status: crmsync.Refused, Code: "x", Reason: "y"},
			{Key: "office-1/4", Status: crmsync.Retry},
		}}},
		{crm, "Results", "none", crmsync.Results{Results: []crmsync.Result{}}},
		{crm, "EventBatch", "full and minimal", crmsync.EventBatch{Node: "office", Events: []crmsync.Event{
			event, {Kind: "ended", CallID: "office-1", At: at, Direction: ringside.Internal, Status: ringside.StatusFailed},
		}}},
		{crm, "ChangeBatch", "all operations", crmsync.ChangeBatch{Node: "office", Changes: []ringside.Edit{
			edit,
			{ID: "2", Kind: "group", Entity: 1<<40 + 1, Op: ringside.EditCreate, Fields: json.RawMessage(`{"name":"N"}`), At: at},
			{ID: "3", Kind: "number", Entity: 12, Op: ringside.EditDelete, At: at},
			{ID: "4", Kind: "directory", Op: ringside.EditUpdate, Fields: json.RawMessage(`{"holidays":[]}`), At: at},
		}}},
		{crm, "ChangeResults", "all", crmsync.ChangeResults{Results: []ringside.EditVerdict{
			{ID: "1", Status: "accepted", Version: "43"},
			{ID: "2", Status: "conflict", Reason: "x", Theirs: json.RawMessage(`{"id":5}`)},
			{ID: "3", Status: "rejected"},
			{ID: "4", Status: "retry"},
		}}},
		{crm, "ContactPage", "full", crmsync.ContactPage{Cursor: "7", More: true, Contacts: []ringside.ContactChange{
			{ID: "c-16", Phones: []string{"+79001234567"}, Name: "Ivan", Company: "V", URL: "https://crm.example.com/16", Owner: "101"}, {ID: "c-17", Deleted: true},
		}}},
		{crm, "ContactPage", "empty", crmsync.ContactPage{Cursor: "7", Contacts: []ringside.ContactChange{}}},
		{crm, "AnnotationPage", "full", crmsync.AnnotationPage{Cursor: "7", Annotations: []ringside.Annotation{
			{
				CallID: full.ID, Contact: full.Contact, Note: "n", Responsible: "Anna", Updated: at,
				Task: &ringside.Task{ID: "881", Title: "Send", URL: "https://crm.example.com/881", Due: at, Done: true},
			},
			{CallID: minimal.ID},
		}}},
		{crm, "CallIDPage", "full", crmsync.CallIDPage{Calls: []ringside.CallRef{{ID: full.ID, Revision: 2, Start: at}}, Cursor: "x", More: true}},
		{crm, "CallIDPage", "last", crmsync.CallIDPage{Calls: []ringside.CallRef{}}},
		{crm, "Heartbeat", "full", crmsync.Heartbeat{Node: "office", Version: "1", Time: at, UptimeSec: 5, Live: 1, Waiting: 1, Directory: "42", Backlog: backlog}},
		{crm, "Heartbeat", "minimal", crmsync.Heartbeat{Node: "office", Time: at}},
		{crm, "Error", "full", crmsync.ErrorBody{Error: "no"}},
		{crm, "Directory", "as it is encoded", dir},
		{own, "Error", "full", crmsync.ErrorBody{Error: "no", Details: []crmsync.ErrorDetail{{Path: "version", Text: "is missing"}, {Text: "x"}}}},
		{own, "Offered", "full", crmsync.Offered{
			Edition: 18, Version: "42", State: string(ringside.EditionHeld), Problems: []ringside.Problem{problem, {Severity: ringside.Doubtful, Code: "x", Text: "y"}},
			Changes: []string{"x"}, Losses: []string{"y"},
		}},
		{own, "Offered", "minimal", crmsync.Offered{State: "unchanged", Problems: []ringside.Problem{}, Changes: []string{}}},
		{own, "RouteQuestion", "full", crmsync.RouteQuestion{From: "+79001234567", To: "100", Endpoint: "trunk", At: at, Owner: "101"}},
		{own, "RouteQuestion", "minimal", crmsync.RouteQuestion{To: "100"}},
		{own, "Explained", "full", explained},
		{own, "Explained", "minimal", decision.Explain(ringside.Number{}, ringside.Number{Raw: "100"}, "")},
		{own, "Explained", "several", several.Explain(ringside.Number{}, ringside.Number{Raw: "100"}, "42")},
		{own, "Health", "minimal", map[string]any{
			"status": "ok", "node": "office", "version": "1", "calls": map[string]int{"live": 0, "waiting": 0}, "directory": map[string]any{"loaded": false, "problems": 0},
			"crm": map[string]any{"state": crmsync.Standalone, "backlog": ringside.Backlog{}}, "store": map[string]any{"ok": true, "pending": 0, "dropped": 0},
		}},
		{own, "HealthCRM", "full", map[string]any{
			"state": crmsync.Locked, "since": at, "reason": "x", "last_success": at, "warnings": []string{"y"}, "backlog": backlog,
		}},
	}
}

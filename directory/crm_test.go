package directory

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
)

func TestTheCRMPublishes(t *testing.T) {
	s := withCRM(t)
	if o := s.crm(document("1", "101", "102"), Applied); o.Edition.Number != 1 || o.Edition.Author != "test" || len(o.Edition.Changes) == 0 {
		t.Errorf("the first: %+v", o.Edition)
	}
	s.crm(document("1", "101", "102"), Unchanged)
	s.crm(strings.ReplaceAll(document("1", "101", "102"), ",", ", "), Unchanged) // other bytes, the same meaning
	o := s.crm(document("2", "101", "102", "103"), Applied)
	if c := strings.Join(o.Edition.Changes, "; "); c != `directory: version 1 → 2; number 13 "103" added: N103` {
		t.Errorf("changes: %s", c)
	}
	s.in("2: N101 N102 N103")
	if _, err := s.Offer(t.Context(), Document{Data: []byte(document("1", "101")), Source: SourcePush}); !errors.Is(err, ErrOlder) {
		t.Errorf("an older one: %v", err)
	}
	if o, err := s.Offer(t.Context(), Document{Data: []byte(document("1", "101", "102")), Source: SourcePush, Forced: true}); err != nil || o.Result != Applied {
		t.Errorf("a forced one: %+v, %v", o, err)
	}
	s.in("1: N101 N102")
	s.history("3 1 push applied", "2 2 crm applied", "1 1 crm applied")
	s.restart()
	s.in("1: N101 N102")
	s.history("3 1 push applied", "2 2 crm applied", "1 1 crm applied")
	if st := s.State(); st.CRMVersion != "1" || st.Edition != 3 {
		t.Errorf("after the restart: %+v", st)
	}
}

func TestADocumentThatIsNoneChangesNothing(t *testing.T) {
	s := withCRM(t)
	s.crm(document("1", "101"), Applied)
	_, err := s.Offer(t.Context(), Document{Data: []byte(`{"version":"2","rules":[{"id":1}]}`), Source: SourceCRM, ETag: `"bad"`})
	if all := ringside.DecodeErrorsOf(err); len(all) != 1 || all[0].Path != "rules[0].action" {
		t.Fatalf("got %v", err)
	}
	s.in("1: N101")
	if st := s.State(); !strings.Contains(st.Failure, "rules[0].action") || st.ETag != `"bad"` {
		t.Errorf("the state: %+v", st)
	}
	s.crm(document("1", "101"), Unchanged)
	if st := s.State(); st.Failure != "" {
		t.Errorf("the failure stays: %s", st.Failure)
	}
}

func TestAnEditIsAcceptedAndComesBackFromTheCRM(t *testing.T) {
	s := withCRM(t)
	s.crm(document("41", "101", "102"), Applied)
	o := s.edit(update("number", 11, `{"display_name":"Anna","password":"`+canary+`"}`))
	if o.Edit.Base != "41" || o.Edit.Author != "anna" || strings.Contains(string(o.Edit.Fields), canary) || o.Edition.Source != "edit" {
		t.Errorf("the outcome: %+v", o)
	}
	s.in("41+1: Anna N102")
	s.listed("number 11 pending")
	select {
	case <-s.Edited():
	default:
		t.Error("the sender is not woken")
	}
	sent := s.Pending(t.Context())
	if len(sent) != 1 || !strings.Contains(string(sent[0].Fields), canary) {
		t.Errorf("to be sent: %+v", sent)
	}

	s.settle(ringside.EditVerdict{ID: sent[0].ID, Status: "retry"})
	s.listed("number 11 pending")
	s.restart()
	s.in("41+1: Anna N102")
	s.listed("number 11 pending")

	s.settle(ringside.EditVerdict{ID: sent[0].ID, Status: "accepted", Version: "43"})
	s.listed("number 11 accepted")
	s.in("41+1: Anna N102")
	s.settle(ringside.EditVerdict{ID: sent[0].ID, Status: "rejected"}) // a late duplicate
	s.listed("number 11 accepted")

	s.crm(document("42", "101", "102", "103"), Applied) // another change came first
	s.in("42+1: Anna N102 N103")
	s.crm(strings.Replace(document("43", "101", "102", "103"), "N101", "Anna", 1), Applied)
	s.in("43: Anna N102 N103")
	s.listed()
	s.restart()
	s.in("43: Anna N102 N103")
	s.listed()
}

func TestTheAnswerComesAfterTheDirectoryThatContainsTheEdit(t *testing.T) {
	s := withCRM(t)
	s.crm(document("41", "101"), Applied)
	id := s.edit(update("number", 11, `{"display_name":"Anna"}`)).Edit.ID
	s.crm(strings.Replace(document("42", "101"), "N101", "Anna", 1), Applied)
	s.in("42+1: Anna")
	s.settle(ringside.EditVerdict{ID: id, Status: "accepted", Version: "42"})
	s.in("42: Anna")
	s.listed()
}

func TestWhatWasAddedOrRemovedHereComesBackBeforeTheAnswer(t *testing.T) {
	s := withCRM(t)
	s.crm(document("41", "101", "102", "103"), Applied)
	added := s.edit(ringside.Edit{Kind: "number", Op: ringside.EditCreate, Fields: json.RawMessage(`{"id":14,"number":"104","display_name":"N104","password":"` + canary + `"}`)}).Edit.ID
	changed := s.edit(update("number", 13, `{"display_name":"Olga"}`)).Edit.ID
	removed := s.edit(ringside.Edit{Kind: "number", Op: ringside.EditDelete, Entity: 13}).Edit.ID
	s.in("41+3: N101 N102 N104")

	contains := strings.Replace(document("44", "101", "102"), `],"groups"`, `,{"id":14,"number":"104","display_name":"N104","password":"`+canary+`"}],"groups"`, 1)
	s.crm(contains, Applied)
	s.in("44+3: N101 N102 N104")
	s.listed("number 14 pending", "number 13 pending", "number 13 pending")
	s.restart()
	s.listed("number 14 pending", "number 13 pending", "number 13 pending")
	for i, id := range []string{added, changed, removed} {
		s.settle(ringside.EditVerdict{ID: id, Status: "accepted", Version: []string{"42", "43", "44"}[i]})
	}
	s.in("44: N101 N102 N104")
	s.listed()

	// It was somebody else's: the CRM has the last word.
	s.edit(ringside.Edit{Kind: "number", Op: ringside.EditCreate, Fields: json.RawMessage(`{"id":15,"number":"105"}`)})
	s.crm(strings.Replace(strings.Replace(contains, `"44"`, `"45"`, 1), `],"groups"`, `,{"id":15,"number":"106","display_name":"N106","password":"`+canary+`"}],"groups"`, 1), Applied)
	s.in("45+1: N101 N102 N104 N106")
	s.settle(ringside.EditVerdict{ID: s.Pending(t.Context())[0].ID, Status: "conflict", Reason: "15 is another one"})
	s.in("45: N101 N102 N104 N106")
	s.listed("number 15 rejected 15 is another one")
}

func TestVersionsWithoutAnOrderEndAnAcceptedEditWithTheNextDirectory(t *testing.T) {
	s := withCRM(t)
	s.crm(document("alpha", "101"), Applied)
	id := s.edit(update("number", 11, `{"display_name":"Anna"}`)).Edit.ID
	s.settle(ringside.EditVerdict{ID: id, Status: "accepted", Version: "beta"})
	s.crm(document("alpha", "101"), Unchanged)
	s.in("alpha+1: Anna")
	s.crm(document("beta", "101"), Applied)
	s.in("beta: N101")
	s.listed()
}

func TestAConflictTakesTheEditOff(t *testing.T) {
	s := withCRM(t)
	s.crm(document("1", "101", "102"), Applied)
	first := s.edit(update("number", 11, `{"display_name":"Anna"}`)).Edit.ID
	s.edit(update("number", 12, `{"display_name":"Ivan"}`))
	s.in("1+2: Anna Ivan")
	s.restart() // the verdict comes after a restart
	s.settle(ringside.EditVerdict{ID: first, Status: "conflict", Reason: "somebody was faster", Theirs: json.RawMessage(`{"id":11,"display_name":"Olga","password":"` + canary + `"}`)})
	s.in("1+1: N101 Ivan")
	s.listed("number 11 rejected somebody was faster", "number 12 pending")
	all, _ := s.Edits(t.Context())
	if ours, theirs := string(all[0].Ours), string(all[0].Theirs); !strings.Contains(ours, `"Anna"`) || theirs != `{"id":11,"display_name":"Olga"}` {
		t.Errorf("ours %s, theirs %s", ours, theirs)
	}
	s.settle(ringside.EditVerdict{ID: first, Status: "accepted", Version: "2"}) // too late
	s.settle(ringside.EditVerdict{ID: "nobody's", Status: "accepted", Version: "2"})
	s.in("1+1: N101 Ivan")
	s.listed("number 11 rejected somebody was faster", "number 12 pending")
	s.history("4 1+1 edit rejected applied", "3 1+2 edit applied", "2 1+1 edit applied", "1 1 crm applied")
	s.restart()
	s.listed("number 11 rejected somebody was faster", "number 12 pending")
	if st := s.State(); st.Pending != 1 || st.Rejected != 1 || st.Accepted != 0 {
		t.Errorf("the state: %+v", st)
	}
}

func TestAnEditOfWhatTheCRMHasRemovedIsRejected(t *testing.T) {
	s := withCRM(t)
	s.crm(document("1", "101", "102", "103"), Applied)
	s.edit(update("number", 13, `{"display_name":"Anna"}`))
	s.crm(document("2", "101", "102"), Applied)
	s.in("2: N101 N102")
	s.listed("number 13 rejected number 13 is not in the directory")
	if len(s.Pending(t.Context())) != 0 {
		t.Error("it is still to be sent")
	}
}

func TestRejectedEditsAreForgottenWhenSomebodyHasSeenThem(t *testing.T) {
	s := withCRM(t)
	s.crm(document("1", "101", "102", "103"), Applied)
	s.edit(update("number", 13, `{"display_name":"Anna"}`))
	s.edit(update("number", 12, `{"display_name":"Ivan"}`))
	s.crm(document("2", "101", "102"), Applied)
	s.listed("number 13 rejected number 13 is not in the directory", "number 12 pending")
	for _, want := range []int{1, 0} {
		if n, err := s.ForgetRejected(t.Context()); err != nil || n != want {
			t.Errorf("forgotten: %d, %v, want %d", n, err, want)
		}
	}
	if st := s.State(); st.Rejected != 0 || st.Pending != 1 {
		t.Errorf("the state: %+v", st)
	}
	s.in("2+1: N101 Ivan")
	s.restart()
	s.in("2+1: N101 Ivan")
	s.listed("number 12 pending")
}

func TestANewEntityHasAnIDThatIsNoneOfTheCRMs(t *testing.T) {
	s := withCRM(t)
	s.crm(document("1", "101"), Applied)
	create := func(number string) int64 {
		return s.edit(ringside.Edit{Kind: "number", Op: ringside.EditCreate, Fields: json.RawMessage(`{"number":"` + number + `","display_name":"new"}`)}).Edit.Entity
	}
	first, second := create("201"), create("202")
	if first != localIDs+1 || second != localIDs+2 {
		t.Errorf("ids %d and %d", first, second)
	}
	s.in("1+2: N101 new new")
	remove := ringside.Edit{Kind: "number", Op: ringside.EditDelete, Entity: second}
	s.edit(remove)
	s.restart()
	if third := create("203"); third != localIDs+3 {
		t.Errorf("an id is given twice: %d", third)
	}
}

func TestGoingBackStaysUntilTheCRMSendsANewerDocument(t *testing.T) {
	s := withCRM(t)
	s.crm(document("1", "101", "102"), Applied)
	s.crm(document("2", "101", "102", "103"), Applied)
	s.edit(update("number", 11, `{"display_name":"Anna"}`))
	o, err := s.Rollback(t.Context(), 1, "boss")
	if err != nil || o.Edition.Number != 4 || o.Edition.Source != "rollback to 1" || o.Edition.Author != "boss" {
		t.Fatalf("rollback: %+v, %v", o, err)
	}
	s.in("1: N101 N102")
	s.listed("number 11 rejected rolled back")
	s.restart()
	s.crm(document("2", "101", "102", "103"), Unchanged)
	if _, err := s.Offer(t.Context(), Document{Data: []byte(document("1", "101")), Source: SourceCRM}); !errors.Is(err, ErrOlder) {
		t.Errorf("what came before the CRM's last one: %v", err)
	}
	if f := s.State().Failure; !strings.Contains(f, "it has the version 1, and 2 came before") {
		t.Errorf("a CRM that has gone back in time is not told: %q", f)
	}
	s.in("1: N101 N102")
	id := s.edit(update("number", 12, `{"display_name":"Ivan"}`)).Edit
	if id.Base != "2" {
		t.Errorf("the edit lies on %s", id.Base)
	}
	s.in("1+1: N101 Ivan")
	s.restart()
	s.crm(document("3", "101", "102", "103", "104"), Applied)
	s.in("3+1: N101 Ivan N103 N104")
	for n, want := range map[uint64]error{99: ErrNoEdition} {
		if _, err := s.Rollback(t.Context(), n, ""); !errors.Is(err, want) {
			t.Errorf("rollback to %d: %v", n, err)
		}
	}
}

func TestADocumentThatIsLoadedOnASiteOfACRM(t *testing.T) {
	s := withCRM(t)
	s.crm(document("7", "101"), Applied)
	if o := s.offer("emergency.yaml", document("x", "101", "102")); o.Result != Applied {
		t.Fatalf("got %+v", o)
	}
	s.crm(document("7", "101"), Unchanged)
	s.in("x: N101 N102")
	s.crm(document("8", "101", "102"), Applied)
	s.in("8: N101 N102")
}

func TestEditsLieOnAVersionOfAnyLength(t *testing.T) {
	for _, version := range []string{strings.Repeat("v", longestVersion), strings.Repeat("\u0432", longestVersion/2)} {
		s := withCRM(t)
		s.crm(document("1", "101", "102"), Applied)
		s.edit(update("number", 11, `{"display_name":"Anna"}`))
		s.crm(document(version, "101", "102", "103"), Applied)
		s.edit(update("number", 12, `{"display_name":"Ivan"}`))
		if got := s.last.Document(); got.Numbers[0].DisplayName != "Anna" || got.Numbers[1].DisplayName != "Ivan" || len(got.Numbers) != 3 {
			t.Errorf("in effect is %+v", got)
		}
	}
}

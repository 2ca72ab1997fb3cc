package directory

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
)

func TestOnASiteWithoutACRMTheEditIsTheDirectory(t *testing.T) {
	s := newSite(t, Options{})
	s.offer("d.json", document("7", "101", "102"))
	s.edit(update("number", 11, `{"display_name":"Anna"}`))
	s.in("8: Anna N102")
	s.listed()
	if o, err := s.Edit(t.Context(), update("number", 11, `{"display_name":"Anna"}`), false); err != nil || o.Result != Unchanged {
		t.Errorf("the same again: %+v, %v", o, err)
	}
	o, err := s.Rollback(t.Context(), 1, "anna")
	if err != nil || o.Edition.Number != 3 {
		t.Fatalf("rollback: %+v, %v", o, err)
	}
	s.in("7: N101 N102")
	s.edit(update("number", 12, `{"display_name":"Ivan"}`))
	s.in("9: N101 Ivan") // 8 was another one
	s.restart()
	s.in("9: N101 Ivan")
	s.offer("d.json", document("spring", "101", "102"))
	s.edit(update("number", 11, `{"display_name":"Anna"}`))
	if v := s.State().Version; !strings.HasPrefix(v, "2026-11-24T10:") {
		t.Errorf("the version after spring is %s", v)
	}
}

func TestEditsThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit ringside.Edit
		want string
	}{
		{"wrong type", update("rule", 5, `{"priority":"high"}`), "rule 5: priority: must be a whole number, not text"},
		{"what is required is taken away", update("rule", 5, `{"action":null}`), "rule 5: action: is missing"},
		{"a broken pattern", update("rule", 5, `{"caller_id_pattern":"+79"}`), `rule 5 "All", caller_id_pattern: the pattern "+79" can't be used`},
		{"a target that is not there", update("rule", 5, `{"target_group":4}`), `rule 5 "All", target_group: there is no group 4`},
		{"something that is used elsewhere", ringside.Edit{Kind: "group", Entity: 3, Op: ringside.EditDelete}, `rule 5 "All", target_group: there is no group 3`},
		{"an accident", update("group", 3, `{"members":[]}`), `looks like an accident: group 3 "Sales" has lost all its members (--confirm does it all the same)`},
		{"nothing that is there", update("number", 99, `{"active":false}`), "number 99 is not in the directory"},
		{"an unknown field", update("number", 11, `{"activ":false}`), "activ: there is no such field"},
		{"a time zone that is none", update("directory", 0, `{"time_zone":"Moon/Base"}`), `there is no time zone "Moon/Base"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, opt := range []Options{{WithCRM: true}, {}} {
				s := newSite(t, opt)
				s.offer(SourceCRM, document("1", "101", "102"))
				_, err := s.Edit(t.Context(), tt.edit, false)
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %s", err, tt.want)
				}
				s.in("1: N101 N102")
				s.listed()
				s.history("1 1 crm applied")
			}
		})
	}
}

func TestAnAccidentThatIsMeant(t *testing.T) {
	s := withCRM(t)
	s.crm(document("1", "101"), Applied)
	e := update("group", 3, `{"members":[]}`)
	var losses *LossError
	if _, err := s.Edit(t.Context(), e, false); !errors.As(err, &losses) || len(losses.Losses) != 1 {
		t.Errorf("got %v", err)
	}
	if o, err := s.Edit(t.Context(), e, true); err != nil || o.Result != Applied {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestFaultsThatAreThereAlreadyDoNotForbidAnEdit(t *testing.T) {
	s := newSite(t, Options{})
	s.offer("d", `{"version":"1","time_zone":"UTC","numbers":[{"id":11,"number":"101"}],"rules":[{"id":4,"action":"route_to_number","target_number":"999"},{"id":5,"action":"hangup"}]}`)
	s.edit(update("rule", 5, `{"name":"x"}`))
	o := s.edit(update("rule", 4, `{"target_number":"101"}`))
	if len(o.Problems) != 0 || len(s.State().Problems) != 0 {
		t.Errorf("problems %v, %v", o.Problems, s.State().Problems)
	}
	if o := s.edit(update("rule", 5, `{"priority":99999999999}`)); len(o.Problems) != 1 || o.Problems[0].Code != "out-of-range" {
		t.Errorf("what the edit brings: %v", o.Problems)
	}
}

func TestADirectoryFromAFileIsChangedThere(t *testing.T) {
	s := newSite(t, Options{File: "/etc/d.yaml"})
	if _, err := s.Edit(t.Context(), update("rule", 5, `{"name":"x"}`), false); !errors.Is(err, ErrFile) {
		t.Errorf("an edit: %v", err)
	}
	s.offer("/etc/d.yaml", document("1", "101"))
	_, loading := s.Offer(t.Context(), Document{Data: []byte(document("2", "101")), Source: "other.yaml"})
	_, going := s.Rollback(t.Context(), 1, "")
	for what, err := range map[string]error{"a load": loading, "a rollback": going} {
		if !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), "/etc/d.yaml") {
			t.Errorf("%s: %v", what, err)
		}
	}
	s.in("1: N101")
}

func TestWithoutADirectoryThereIsNothingToEdit(t *testing.T) {
	s := withCRM(t)
	if _, err := s.Edit(t.Context(), update("rule", 5, `{"name":"x"}`), false); !errors.Is(err, ErrNone) {
		t.Errorf("got %v", err)
	}
}

func TestProblemsOfAFileHaveTheirPlaces(t *testing.T) {
	s := newSite(t, Options{File: "f"})
	doc := Document{
		Data: []byte(`{"version":"1","time_zone":"UTC","rules":[{"id":1,"action":"nope"}]}`), Source: "f",
		Locate: func(p *ringside.Problem) { p.Line = 7 }, Place: func(err error) error { return errors.Join(errors.New("f:9"), err) },
	}
	for range 2 { // the second time it is in effect already, as after a restart
		if _, err := s.Offer(t.Context(), doc); err != nil || len(s.State().Problems) != 1 || s.State().Problems[0].Line != 7 {
			t.Fatalf("problems %v, error %v", s.State().Problems, err)
		}
		s.restart()
	}
	doc.Data = []byte(`{"version":"2"`)
	if _, err := s.Offer(t.Context(), doc); err == nil || !strings.HasPrefix(err.Error(), "f:9") || s.State().Failure != err.Error() {
		t.Errorf("error %v, failure %q", err, s.State().Failure)
	}
}

func TestIDsOfEditsAreInOrder(t *testing.T) {
	s := withCRM(t)
	s.crm(document("1", "101"), Applied)
	last := ""
	for _, name := range []string{"a", "b", "c"} {
		fields, _ := json.Marshal(map[string]string{"display_name": name})
		if id := s.edit(update("number", 11, string(fields))).Edit.ID; id <= last {
			t.Errorf("%s comes after %s", id, last)
		} else {
			last = id
		}
	}
}

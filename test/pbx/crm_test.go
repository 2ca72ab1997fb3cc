package pbx_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/sync/crmtest"
	"github.com/ringside-pbx/ringside/test/pbx"
)

// linked is a directory as a CRM has it: known callers go to their manager, others to 101.
const linked = `{"version":"1","time_zone":"UTC","default_country":"RU",
 "numbers":[{"id":1,"number":"101","account":{"can_receive_external_calls":true,"active":true}},
            {"id":2,"number":"102","account":{"can_receive_external_calls":true,"active":true}}],
 "groups":[{"id":3,"name":"Sales","members":["101"]}],
 "rules":[{"id":5,"name":"To the manager","called_number_pattern":"7001","action":"route_to_owner","target_group":3}]}`

// crm is a CRM that the story's ringside is linked with.
func (s *stage) crm() (*crmtest.CRM, *httptest.Server) {
	s.t.Helper()
	crm, err := crmtest.New(crmtest.Options{Directory: []byte(linked)})
	s.must(err)
	s.must(crm.PutContact(ringside.ContactChange{
		ID: "77", Phones: []string{"8 (900) 600-00-01"}, Name: "Anna Petrova", Company: "Vector", Owner: "102",
	}))
	web := httptest.NewServer(crm)
	s.t.Cleanup(func() {
		_ = s.daemon.Kill() // it waits for a newer directory as long as it lives
		web.Close()
		s.must(crm.Close())
	})
	d := s.ringsideWith(pbx.DaemonOptions{Config: "crm: {url: '" + web.URL + "/', poll: 1s}\n"})
	s.eventually("the directory and the contacts have come", func() (bool, error) {
		out, err := d.Run("route", "--from", "+79006000001", "--to", called, "--json")
		if err != nil {
			return false, nil //nolint:nilerr // it is not there yet
		}
		var e ringside.Explained
		err = json.Unmarshal(out, &e)
		return e.Contact != nil && len(e.Target) == 1 && e.Target[0] == "102", err
	})
	return crm, web
}

func TestAKnownCallerReachesTheirManagerByName(t *testing.T) {
	for _, x := range []struct {
		name string
		at   string
	}{{"ringside drives the call", pbx.FromTrunk}, {"the dialplan does", pbx.FromDecide}} {
		t.Run(x.name, func(t *testing.T) {
			throughEachDoor(t, func(t *testing.T, s *stage) {
				manager, others := s.phone("102", pbx.Answers(soon)), s.phone("101", pbx.Answers(soon))
				crm, _ := s.crm()
				c := s.dials(pbx.CallSpec{At: x.at, To: called, Number: "+79006000001", Talk: short})
				s.ends(c, 200)
				if from := s.received(manager, "INVITE").Header("From"); !strings.Contains(from, "Anna Petrova") {
					t.Errorf("the phone showed %s", from)
				}
				s.saw(others, 0, 0, 0)
				r := s.record(c)
				if r.Contact == nil || r.Contact.ID != "77" || r.RoutedTo != "102" {
					t.Errorf("ringside's record: %+v, routed to %s", r.Contact, r.RoutedTo)
				}
				s.eventually("the CRM has the record, once", func() (bool, error) {
					return crm.Effects(ringside.DeliveryKey(r.ID, r.Revision)) == 1, nil
				})
				stranger := s.dials(pbx.CallSpec{At: x.at, To: called, Talk: short})
				s.ends(stranger, 200)
				s.saw(others, 1, 0, 1)
			})
		})
	}
}

func TestCallsGoOnWhenTheCRMIsGone(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		manager := s.phone("102", pbx.Answers(soon))
		crm, web := s.crm()
		rules, err := crmtest.ParseRules("*: reset")
		s.must(err)
		crm.Misbehave(rules...)
		web.CloseClientConnections()
		c := s.dials(pbx.CallSpec{To: called, Number: "+79006000001", Talk: short})
		s.ends(c, 200)
		s.saw(manager, 1, 0, 1)
		r := s.record(c)
		out, err := s.daemon.Run("sync", "status")
		s.must(err)
		if !strings.Contains(string(out), "fails since") {
			t.Errorf("the status says:\n%s", out)
		}
		crm.Misbehave()
		_, err = s.daemon.Run("sync", "refresh")
		s.must(err)
		s.eventually("the CRM has the record, once", func() (bool, error) {
			return crm.Effects(ringside.DeliveryKey(r.ID, r.Revision)) == 1, nil
		})
	})
}

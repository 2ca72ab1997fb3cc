package routing

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// recorded is a call from outside, on a Monday at ten.
func recorded(caller, called string) ringside.Call {
	return ringside.Call{ID: "n-1", Caller: caller, Called: called, Endpoint: "trunk", Direction: ringside.Inbound, Start: monday()}
}

func TestRecordedCallsUnderADraft(t *testing.T) {
	closedAccount := staff("101", "102", "103")
	closedAccount[2].Account = &ringside.Account{Active: true, MaxConcurrentCalls: 2}
	base := func() ringside.Directory {
		return ringside.Directory{
			Version: "1", TimeZone: "UTC", Numbers: slices.Clone(closedAccount),
			Groups: []ringside.RingGroup{team(1, "Sales", "101", "102"), team(2, "Support", "102")},
			Rules: rules(
				ringside.Rule{Name: "Nuisance", CallerIDPattern: "666", Destination: hangUp()},
				ringside.Rule{Name: "Owner", CalledNumberPattern: "^7$", Destination: ringside.Destination{Action: ringside.RouteToOwner}},
				ringside.Rule{Name: "Sales", CalledNumberPattern: "^100$", Destination: toGroup(1)},
			),
		}
	}
	late := recorded("1", "100")
	late.Start = monday().Add(12 * time.Hour)
	known := recorded("1", "7")
	known.Contact = &ringside.Contact{Owner: "102"}
	inside := ringside.Call{Caller: "101", Called: "103", Direction: ringside.Internal, Start: monday()} // an old record
	outside := ringside.Call{Caller: "101", Called: "103", Direction: ringside.Inbound, Start: monday()} // somebody says that they are 101
	for _, tt := range []struct {
		name  string
		call  ringside.Call
		draft func(*ringside.Directory)
		want  string
	}{
		{"nothing changes", recorded("1", "100"), func(*ringside.Directory) {}, ""},
		{"another member of the group is next", recorded("1", "100"), func(d *ringside.Directory) { d.Groups[0] = team(1, "Sales", "102", "101") }, ""},
		{"the group has another name", recorded("1", "100"), func(d *ringside.Directory) { d.Groups[0].Name = "Vertrieb" }, ""},
		{"another group", recorded("1", "100"), func(d *ringside.Directory) { d.Rules[2].Destination = toGroup(2) }, `group "Sales" by rule "Sales" → group "Support" by rule "Sales"`},
		{"another rule, the same group", recorded("1", "100"), func(d *ringside.Directory) {
			d.Rules = append(d.Rules, ringside.Rule{ID: 9, Name: "First", Priority: -1, CalledNumberPattern: "^100$", Destination: toGroup(1), Active: true})
		}, `group "Sales" by rule "Sales" → group "Sales" by rule "First"`},
		{"a rule without a name", recorded("1", "101"), func(d *ringside.Directory) {
			d.Rules = append(d.Rules, ringside.Rule{ID: 9, CalledNumberPattern: "^101$", Destination: toNumber("102"), Active: true})
		}, "ring 101 → ring 102 by rule 9"},
		{"one number in place of another", recorded("1", "101"), func(d *ringside.Directory) {
			d.Rules = append(d.Rules, ringside.Rule{ID: 9, Name: "To 102", CalledNumberPattern: "^101$", Destination: toNumber("102"), Active: true})
		}, `ring 101 → ring 102 by rule "To 102"`},
		{
			"the rule is for the day, and the call came at night", late, func(d *ringside.Directory) { d.Rules[2].TimeCondition = "09:00-18:00" },
			`group "Sales" by rule "Sales" → nothing fits: the PBX's own dialplan goes on, lost now`,
		},
		{"the rule is for the day, and the call came at ten", recorded("1", "100"), func(d *ringside.Directory) { d.Rules[2].TimeCondition = "09:00-18:00" }, ""},
		{
			"nobody is left in the group", recorded("1", "100"), func(d *ringside.Directory) { d.Groups[0].Members = nil },
			`group "Sales" by rule "Sales" → nobody can be reached: busy by rule "Sales", lost now`,
		},
		{"nobody is left, and the overflow takes over", recorded("1", "100"), func(d *ringside.Directory) {
			d.Groups[0].Members, d.Groups[0].Overflow = nil, &ringside.Destination{Action: ringside.RouteToVoicemail, TargetNumber: "101"}
		}, `group "Sales" by rule "Sales" → leave a message for 101 by rule "Sales"`},
		{"it reached nobody before", recorded("1", "999"), func(d *ringside.Directory) {}, `lost`},
		{
			"it reaches somebody now", recorded("1", "999"), func(d *ringside.Directory) {
				d.Defaults = &ringside.Destination{Action: ringside.RouteToNumber, TargetNumber: "101"}
			},
			`nothing fits: the PBX's own dialplan goes on → ring 101`,
		},
		{"whom a rule hangs up on is not lost", recorded("666", "100"), func(d *ringside.Directory) {}, ""},
		{
			"a rule hangs up on everybody", recorded("1", "100"), func(d *ringside.Directory) { d.Rules[0].CallerIDPattern = "" },
			`group "Sales" by rule "Sales" → hang up by rule "Nuisance", lost now`,
		},
		{"the caller's manager", known, func(d *ringside.Directory) { d.Rules[1].Active = false }, `ring 102 by rule "Owner" → nothing fits: the PBX's own dialplan goes on, lost now`},
		{"a call from inside reaches who takes none from outside", inside, func(d *ringside.Directory) {}, ""},
		{"a call from outside does not", outside, func(d *ringside.Directory) {}, "lost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := base()
			tt.draft(&doc)
			draft, _ := Compile(doc)
			r := Replay(compiled(t, base()), draft, []ringside.Call{tt.call})
			got := ""
			if len(r.Moved) == 1 {
				got = fmt.Sprintf("%s → %s", r.Moved[0].Now, r.Moved[0].Draft)
			}
			switch {
			case r.LostNow == 1:
				got += ", lost now"
			case len(r.Lost) == 1:
				got += "lost"
			}
			if got != tt.want || r.Calls != 1 {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestADraftBesideNoDirectoryAtAll(t *testing.T) {
	draft := compiled(t, ringside.Directory{TimeZone: "UTC", Numbers: staff("101")})
	r := Replay(nil, draft, []ringside.Call{recorded("1", "101"), recorded("1", "9")})
	if len(r.Moved) != 2 || len(r.Lost) != 1 || r.LostNow != 0 || r.Moved[0].Now.String() != "no directory" {
		t.Errorf("got %+v", r)
	}
}

package routing

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringside-pbx/ringside"
)

func TestCompileTellsWhatIsFaultyAndKeepsTheRest(t *testing.T) {
	tests := []struct {
		name string
		edit func(*ringside.Directory)
		want []string
	}{
		{"nothing", func(*ringside.Directory) {}, nil},
		{
			"an unknown time zone", func(d *ringside.Directory) { d.TimeZone = "Mars/One" },
			[]string{`error bad-time-zone time_zone: there is no time zone "Mars/One": UTC is used (use an IANA name such as Europe/Moscow)`},
		},
		{
			"the zone of the machine", func(d *ringside.Directory) { d.TimeZone = "Local" },
			[]string{`error bad-time-zone time_zone: there is no time zone "Local": UTC is used (use an IANA name such as Europe/Moscow)`},
		},
		{
			"a holiday that is none", func(d *ringside.Directory) { d.Holidays = []string{"2027-01-01", "Friday"} },
			[]string{`error bad-holiday holidays[1]: "Friday" is no date and is left out (write it as 2027-01-08)`},
		},
		{
			"a number that can't be dialled", func(d *ringside.Directory) { d.Numbers = append(d.Numbers, ringside.Extension{ID: 9, Number: "1&2"}) },
			[]string{`error bad-number numbers[7].number: "1&2" can't be dialled: it is left out (use digits, letters, and . _ + -)`},
		},
		{
			"a number that exists twice", func(d *ringside.Directory) { d.Numbers = append(d.Numbers, ringside.Extension{ID: 9, Number: "101"}) },
			[]string{`error duplicate-number numbers[7].number: the number exists twice: the first one counts`},
		},
		{
			"an unknown strategy", func(d *ringside.Directory) { d.Groups[0].Strategy = "by_mood" },
			[]string{`warning unknown-strategy groups[0].distribution_strategy: there is no strategy "by_mood": round_robin is used (one of round_robin, random, priority, all_ring, least_recent)`},
		},
		{
			"a group that exists twice", func(d *ringside.Directory) { d.Groups[1].ID = 1 },
			[]string{`error duplicate-id groups[1].id: another group has the id too, and this one is left out`},
		},
		{"members, by their place in the document", func(d *ringside.Directory) {
			d.Groups[0].Members = []ringside.Member{{Number: "999", Priority: 2}, {Number: "101", Priority: 3}, {Number: "102", Priority: 1}, {Number: "102", Priority: 4}}
		}, []string{
			`warning unknown-member groups[0].members[0]: there is no extension "999"`,
			`warning duplicate-member groups[0].members[3]: "102" is a member twice: once counts`,
		}},
		{
			"an overflow to nowhere", func(d *ringside.Directory) { to := toGroup(9); d.Groups[0].Overflow = &to },
			[]string{`error unknown-target groups[0].overflow.target_group: there is no group 9`},
		},
		{"an overflow to a name that nobody has", func(d *ringside.Directory) {
			d.Groups[0].Overflow = &ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: ringside.GroupRef{Name: "Sails"}}
		}, []string{`error unknown-target groups[0].overflow.target_group: there is no group "Sails"`}},
		{
			"a default to nowhere", func(d *ringside.Directory) { to := toNumber("9"); d.Defaults = &to },
			[]string{`error unknown-target defaults.target_number: there is no extension "9"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, problems := Compile(office(func(d *ringside.Directory) {
				d.Rules = rules(ringside.Rule{Destination: toNumber("101")})
				tt.edit(d)
			}))
			var got []string
			for _, p := range problems {
				line := string(p.Severity) + " " + p.Code + " " + p.Path + ": " + p.Text
				if p.Hint != "" {
					line += " (" + p.Hint + ")"
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if d := c.Decide(c.asking("1", "2"), newDesk()); d.Target != "101" {
				t.Errorf("the sound rule does not work any more: %s", told(d))
			}
		})
	}
}

func TestGroupIsNamedByIDOrName(t *testing.T) {
	for _, ref := range []ringside.GroupRef{{ID: 2}, {Name: "Support"}} {
		c := compiled(t, oneRule(ringside.Destination{Action: ringside.RouteToQueue, TargetGroup: ref}, func(d *ringside.Directory) {
			d.Numbers[4].Account.CanReceiveExternalCalls = true
		}))
		if got := told(c.Decide(c.asking("1", "2"), newDesk())); got != "queue 1m0s of Support by The rule" {
			t.Errorf("%+v: %s", ref, got)
		}
	}
}

func TestExternalNumbersAreWrittenAsPeopleWriteThem(t *testing.T) {
	for in, want := range map[string]string{
		"+7 (495) 123-45-67": "+74951234567", "8 800 5553535": "88005553535", "02": "02",
		"": "", "1": "", "+": "", "7+7": "", "++7": "", "700x": "", "7&8": "", "7;8": "", "７７７": "", strings.Repeat("1", 21): "",
	} {
		if got := external(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestCompiledTellsAboutItsExtensionsAndGroups(t *testing.T) {
	c := compiled(t, office(func(d *ringside.Directory) {
		d.Numbers[0].DisplayName = "Anna"
		d.Numbers[1].User = &ringside.User{FullName: "Boris"}
		d.Groups[0].Members[2].Paused = true
		d.Numbers[3].Account = &ringside.Account{Active: true}
	}))
	if got := c.Members(1); !slices.Equal(got, []string{"101", "102", "103", "104"}) || c.Members(9) != nil {
		t.Error("members:", got)
	}
	if got := c.Staff(1); !slices.Equal(got, []string{"101", "102"}) || c.Staff(9) != nil {
		t.Error("who can be called:", got)
	}
	for number, want := range map[string]string{"101": "Anna", "102": "Boris", "103": "", "999": ""} {
		if got := c.ExtensionName(number); got != want {
			t.Errorf("%s is called %q, want %q", number, got, want)
		}
	}
	for _, tt := range []struct {
		endpoint, called string
		want             ringside.Direction
	}{{"trunk", "101", ringside.Inbound}, {"101", "102", ringside.Internal}, {"101", "89161112233", ringside.Outbound}, {"", "101", ringside.Inbound}} {
		q := c.asking("101", tt.called)
		q.Endpoint = tt.endpoint
		if got := c.Direction(q); got != tt.want {
			t.Errorf("from %q to %s: %s, want %s", tt.endpoint, tt.called, got, tt.want)
		}
	}
	if c.Version() != "1" || c.Document().Version != "1" || c.Zone().String() != "Europe/Moscow" {
		t.Error(c.Version(), c.Zone())
	}
}

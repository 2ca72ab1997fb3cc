package routing

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringside-pbx/ringside"
)

// explained gives the steps of a trace one by line; what held is marked with "+".
func explained(d ringside.Decision) string {
	var b strings.Builder
	for _, s := range d.Trace {
		mark := "-"
		if s.Matched {
			mark = "+"
		}
		who := s.Step
		switch {
		case s.Name != "":
			who += " " + s.Name
		case s.Member != "":
			who += " " + s.Member
		}
		b.WriteString(mark + " " + who + ": " + s.Why + "\n")
	}
	return b.String()
}

func TestTraceExplainsTheDecision(t *testing.T) {
	doc := office(func(d *ringside.Directory) {
		d.Groups = append(d.Groups, team(3, "Old", "101"))
		d.Groups[2].Active = false
		d.Groups[0].Members[3].Paused = true
		d.Groups[0].Members = append(d.Groups[0].Members, ringside.Member{Number: "999", Priority: 9})
		to := toNumber("106")
		d.Rules = rules(
			ringside.Rule{Name: "Nuisance", CallerIDPattern: "^8800", Destination: hangUp()},
			ringside.Rule{Name: "Off", Destination: hangUp()},
			ringside.Rule{Name: "Broken", CallerIDPattern: "(", Destination: hangUp()},
			ringside.Rule{Name: "Old", Destination: toGroup(3)},
			ringside.Rule{Name: "Other number", CalledNumberPattern: "^600$", Destination: hangUp()},
			ringside.Rule{Name: "Faulty", CalledNumberPattern: "^500$", Destination: ringside.Destination{Action: "dance"}},
			ringside.Rule{Name: "Night", CalledNumberPattern: "^500$", TimeCondition: "20:00-08:00", Destination: hangUp()},
			ringside.Rule{Name: "Sales", CallerIDPattern: `^\+79`, CalledNumberPattern: "^500$", Destination: toGroup(1), Fallback: &to},
			ringside.Rule{Name: "Never looked at", Destination: hangUp()},
		)
		d.Rules[1].Active = false
	})
	c, _ := Compile(doc)
	view := newDesk()
	view.activity["101"] = ringside.Activity{Talking: 1}
	view.activity["102"] = ringside.Activity{Ringing: 1}
	view.activity["103"] = ringside.Activity{Presence: ringside.PresenceUnreachable}
	view.waiting[1] = 0
	q := c.asking("89161112233", "500")

	tests := []struct {
		name   string
		detail Detail
		edit   func(*Query)
		want   string
	}{
		{"nothing", Silent, nil, ""},
		{"the rules that the index led to", Looked, nil, `+ rule Old: matches every call
- group Old: is inactive
- rule Old: its target can't be used: the search goes on
- rule Night: Monday 13:00 is outside 20:00-08:00
+ rule Sales: caller +79161112233 matches ^\+79, called number 500 matches ^500$
- member 101: is talking
- member 102: is being rung
- member 103: is not reachable
- member 104: is paused
- member 999: is no extension
+ group Sales: the caller waits: 0 before them
+ result: wait in the queue of "Sales" for at most 60 s
`},
		{"every rule, the faulty and inactive ones too", Full, nil, `- rule Nuisance: caller +79161112233 does not match ^8800
- rule Off: is inactive
- rule Broken: the pattern "(" can't be used: error parsing regexp: missing closing ): ` + "`(`" + `
+ rule Old: matches every call
- group Old: is inactive
- rule Old: its target can't be used: the search goes on
- rule Other number: called number 500 does not match ^600$
- rule Faulty: there is no action "dance"
- rule Night: Monday 13:00 is outside 20:00-08:00
+ rule Sales: caller +79161112233 matches ^\+79, called number 500 matches ^500$
- member 101: is talking
- member 102: is being rung
- member 103: is not reachable
- member 104: is paused
- member 999: is no extension
+ group Sales: the caller waits: 0 before them
+ result: wait in the queue of "Sales" for at most 60 s
`},
		{"the end of all destinations", Looked, func(q *Query) {
			q.Spent = []ringside.DestinationKey{{Action: ringside.RouteToQueue, Group: 1}}
			q.Tried = []string{"106"}
		}, `+ rule Old: matches every call
- group Old: is inactive
- rule Old: its target can't be used: the search goes on
- rule Night: Monday 13:00 is outside 20:00-08:00
+ rule Sales: caller +79161112233 matches ^\+79, called number 500 matches ^500$
- group Sales: the caller has waited there in vain
+ rule Sales: its fallback applies
- member 106: has been rung on this call
+ result: leave a message for 106
`},
		{
			"what comes after all rules", Full, func(q *Query) { q.Called = ringside.Number{Raw: "101"}; q.Caller = ringside.Number{} },
			`- rule Nuisance: caller (withheld) does not match ^8800
- rule Off: is inactive
- rule Broken: the pattern "(" can't be used: error parsing regexp: missing closing ): ` + "`(`" + `
+ rule Old: matches every call
- group Old: is inactive
- rule Old: its target can't be used: the search goes on
- rule Other number: called number 101 does not match ^600$
- rule Faulty: there is no action "dance"
- rule Night: called number 101 does not match ^500$
- rule Sales: called number 101 does not match ^500$
+ rule Never looked at: matches every call
+ result: hang up
`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := q
			q.Detail = tt.detail
			if tt.edit != nil {
				tt.edit(&q)
			}
			if diff := cmp.Diff(tt.want, explained(c.Decide(q, view))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTraceSaysWhyAMemberWasChosen(t *testing.T) {
	for strategy, want := range map[ringside.Strategy]string{
		ringside.RoundRobin:  "+ member 101: is free and next in turn\n",
		ringside.RandomPick:  ": was drawn among those who are free\n",
		ringside.ByPriority:  "+ member 101: is the first who is free\n",
		ringside.LeastRecent: "+ member 101: is free and talked longest ago\n",
		ringside.AllRing:     "+ group Sales: rings all who are free: 2 of 4\n",
	} {
		c := compiled(t, oneRule(toGroup(1), func(d *ringside.Directory) { d.Groups[0].Strategy = strategy }))
		view := newDesk()
		view.activity["103"] = ringside.Activity{Talking: 1}
		view.activity["104"] = ringside.Activity{Promised: true}
		q := c.asking("1", "2")
		q.Detail, q.Random = Looked, 3
		got := explained(c.Decide(q, view))
		if !strings.Contains(got, want) || !strings.Contains(got, "- member 103: is talking\n- member 104: is waited for by an earlier caller\n") {
			t.Errorf("%s:\n%s", strategy, got)
		}
	}
}

// Every rule up to the one that decides is named once, in the order in which rules are tried.
func TestFullTraceNamesEveryRuleInOrder(t *testing.T) {
	c, _ := Compile(provider(500))
	q := c.asking("89161112233", "84950000000")
	q.Detail = Full
	d := c.Decide(q, newDesk())
	var named []int64
	for _, s := range d.Trace {
		if s.Step == "rule" {
			named = append(named, s.Rule)
		}
	}
	for i, id := range named {
		if id != c.rules[i].src.ID {
			t.Fatalf("step %d names rule %d, want %d", i, id, c.rules[i].src.ID)
		}
	}
	if last := named[len(named)-1]; last != d.Rule.ID {
		t.Errorf("the last one is rule %d, and rule %d decided", last, d.Rule.ID)
	}
}

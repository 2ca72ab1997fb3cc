package routing

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringside-pbx/ringside"
)

// suspect is a directory in which there is something to find; its other numbers and groups are in
// order.
func suspect(change func(*ringside.Directory)) ringside.Directory {
	d := ringside.Directory{
		Version: "1", Numbers: staff("101", "102", "103", "104"),
		Groups: []ringside.RingGroup{team(1, "Sales", "101", "102"), team(2, "Support", "103"), team(3, "Night", "104")},
	}
	d.Numbers[2].Account = &ringside.Account{Active: true, MaxConcurrentCalls: 2, CanReceiveExternalCalls: true}
	change(&d)
	return d
}

func TestCheckFinds(t *testing.T) {
	rule := func(caller, called, when string, to ringside.Destination) ringside.Rule {
		return ringside.Rule{CallerIDPattern: caller, CalledNumberPattern: called, TimeCondition: when, Destination: to}
	}
	withRules := func(list ...ringside.Rule) func(*ringside.Directory) {
		return func(d *ringside.Directory) { d.Rules = rules(list...) }
	}
	queue := ringside.Destination{Action: ringside.RouteToQueue, TargetGroup: ringside.GroupRef{ID: 1}}
	tests := []struct {
		name string
		doc  ringside.Directory
		want []string
	}{
		{"nothing in a sound directory", suspect(withRules(
			rule(`\+79`, "^500$", "", toGroup(1)), rule("", "^500$", "weekdays 09:00-18:00", toGroup(2)), rule("", "^500$", "", hangUp()),
		)), nil},

		{
			"a rule after one that takes everything", suspect(withRules(rule("", "", "", toGroup(1)), rule("", "^500$", "", hangUp()))),
			[]string{`rules[1].priority shadowed: rule 2, priority: it gets no call: rule 1 comes first and takes all of them (give it a lower priority number, or remove it)`},
		},
		{
			"a longer beginning after a shorter one", suspect(withRules(rule(`^\+7`, "", "", toGroup(1)), rule(`\+79`, "", "", hangUp()))),
			[]string{`rules[1].priority shadowed: rule 2, priority: it gets no call: rule 1 comes first and takes all of them (give it a lower priority number, or remove it)`},
		},
		{"a shorter beginning after a longer one is in order", suspect(withRules(rule(`\+79`, "", "", toGroup(1)), rule(`\+7`, "", "", hangUp()))), nil},
		{
			"a regular expression within another", suspect(withRules(rule(`\+7\d{10}$`, "", "", toGroup(1)), rule(`\+79[0-9]{9}$`, "", "", hangUp()))),
			[]string{`rules[1].priority shadowed: rule 2, priority: it gets no call: rule 1 comes first and takes all of them (give it a lower priority number, or remove it)`},
		},
		{"an expression that is nearly within another", suspect(withRules(rule(`\+7\d{10}$`, "", "", toGroup(1)), rule(`\+79[0-9]{9}`, "", "", hangUp()))), nil},
		{
			"hours within others", suspect(withRules(rule("", "5", "weekdays 09:00-18:00", toGroup(1)), rule("", "5$", "mon 10:00-12:00", hangUp()), rule("", "", "", hangUp()))),
			[]string{`rules[1].priority shadowed: rule 2, priority: it gets no call: rule 1 comes first and takes all of them (give it a lower priority number, or remove it)`},
		},
		{
			"hours that two rules share", suspect(withRules(rule("", "5", "00:00-12:00", toGroup(1)), rule("", "5", "12:00-24:00", toGroup(2)), rule("", "5", "", hangUp()))),
			[]string{`rules[2].priority shadowed: rule 3, priority: it gets no call: rule 1 and rule 2 come first and take all of them (give it a lower priority number, or remove it)`},
		},
		{"hours that two rules share but for holidays", suspect(func(d *ringside.Directory) {
			d.Holidays = []string{"2027-01-01"}
			d.Rules = rules(rule("", "5", "!holidays 00:00-12:00", toGroup(1)), rule("", "5", "12:00-24:00", toGroup(2)), rule("", "5", "", hangUp()))
		}), nil},
		{
			"a time over midnight covers the morning of the next day", suspect(withRules(rule("", "", "mon 20:00-08:00", hangUp()), rule("", "", "tue 01:00-07:00", toGroup(1)))),
			[]string{`rules[1].priority shadowed: rule 2, priority: it gets no call: rule 1 comes first and takes all of them (give it a lower priority number, or remove it)`},
		},
		{"a rule that is passed over shadows nothing", suspect(func(d *ringside.Directory) {
			d.Groups[0].Active = false
			d.Rules = rules(rule("", "", "", toGroup(1)), rule("", "5", "", hangUp()))
		}), []string{`rules[0].target_group unusable-target: rule 1, target_group: the group "Sales" is inactive`}},
		{
			"a rule for known callers shadows nothing", suspect(withRules(rule("", "", "", ringside.Destination{Action: ringside.RouteToOwner}), rule("", "", "", hangUp()))),
			[]string{`rules[0].target_group unusable-target: rule 1, target_group: a caller who has no owner is not taken, and one whose owner does not answer finds the line busy (give a target_group for them)`},
		},
		{"a forward that colleagues may not use shadows nothing", suspect(withRules(
			rule("", "", "", ringside.Destination{Action: ringside.ForwardExternal, TargetExternal: "+74951234567"}), rule("", "", "", hangUp()))), nil},

		{
			"a pattern with one backslash too many", suspect(withRules(rule(`^\\+79`, "", "", hangUp()))),
			[]string{`rules[0].caller_id_pattern never-matches: rule 1, caller_id_pattern: no number has the characters that match the pattern "^\\\\+79" (did you mean ^\+79? In a pattern one backslash is enough)`},
		},
		{
			"a pattern that ends before it begins", suspect(withRules(rule(`$7`, "", "", hangUp()))),
			[]string{`rules[0].caller_id_pattern never-matches: rule 1, caller_id_pattern: no number matches the pattern "$7"`},
		},
		{
			"a pattern for numbers that are too long", suspect(withRules(rule(`\d{70}`, "", "", hangUp()))),
			[]string{`rules[0].caller_id_pattern never-matches: rule 1, caller_id_pattern: no number matches the pattern "\\d{70}"`},
		},
		{
			"a time that never comes", suspect(withRules(rule("", "", "mon !weekdays", hangUp()))),
			[]string{`rules[0].time_condition never-matches: rule 1, time_condition: it never holds: no day and time fits "mon !weekdays" (put a semicolon between two conditions of which either may hold)`},
		},
		{
			"holidays where there are none", suspect(withRules(rule("", "", "holidays", hangUp()))),
			[]string{`rules[0].time_condition never-matches: rule 1, time_condition: it never holds: no day and time fits "holidays" (put a semicolon between two conditions of which either may hold)`},
		},

		{"groups without anybody", suspect(func(d *ringside.Directory) {
			d.Groups[0].Members = nil
			d.Groups[1].Members = []ringside.Member{{Number: "101", Paused: true}, {Number: "999"}}
			d.Groups[2].Active, d.Groups[2].Members = false, nil
		}), []string{
			`groups[0].members empty-group: group 1 "Sales", members: it has no members (add some, or make the group inactive)`,
			`groups[1].members empty-group: group 2 "Support", members: none of its members can be called: 101 is paused, 999 is no extension`,
		}},
		{
			"a group for colleagues only", suspect(func(d *ringside.Directory) { d.Numbers[2].Account.CanReceiveExternalCalls = false }),
			[]string{`groups[1].members internal-group: group 2 "Support", members: none of its members may receive external calls (set can_receive_external_calls in their accounts)`},
		},

		{"targets that can't be used", suspect(func(d *ringside.Directory) {
			d.Numbers[0].Active = false
			d.Groups[2].MaxQueueSize = 0
			d.Groups[1].Overflow = &ringside.Destination{Action: ringside.RouteToVoicemail, TargetNumber: "103"}
			queue := queue
			queue.TargetGroup.ID = 3
			d.Rules = rules(rule("", "1", "", toNumber("101")), rule("", "2", "", queue))
			fallback := toNumber("101")
			d.Rules[1].Fallback = &fallback
			d.Defaults = &fallback
		}), []string{
			`rules[0].target_number unusable-target: rule 1, target_number: extension 101 is inactive`,
			`rules[1].target_group unusable-target: rule 2, target_group: nobody can wait in the group "Night": its max_queue_size is 0 (use route_to_group, or give the group a queue)`,
			`rules[1].fallback.target_number unusable-target: rule 2, fallback.target_number: extension 101 is inactive`,
			`groups[1].overflow.target_number unusable-target: group 2 "Support", overflow.target_number: extension 103 has no voicemail`,
			`defaults.target_number unusable-target: defaults.target_number: extension 101 is inactive`,
			`rules[0].time_condition uncovered-hours: rule 1, time_condition: no rule takes calls to 1 at any time of a usual week (add a rule without a time for the number, or a default)`,
		}},
		{"a name that two groups have", suspect(func(d *ringside.Directory) {
			d.Groups[1].Name = "Sales"
			d.Rules = rules(rule("", "", "", ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: ringside.GroupRef{Name: "Sales"}}))
		}), []string{`rules[0].target_group ambiguous-group: rule 1, target_group: several groups are called "Sales": the first one is meant (name the group by its id)`}},

		{"overflows in a circle", suspect(func(d *ringside.Directory) {
			a, b, c := toGroup(2), toGroup(3), toGroup(2)
			d.Groups[0].Overflow, d.Groups[1].Overflow, d.Groups[2].Overflow = &a, &b, &c
		}), []string{`groups[1].overflow loop: group 2 "Support", overflow: overflows lead in a circle: "Support" → "Night" → "Support" (let one of them lead to a voicemail or an announcement)`}},
		{"a circle that an inactive group breaks", suspect(func(d *ringside.Directory) {
			a, b := toGroup(2), toGroup(1)
			d.Groups[0].Overflow, d.Groups[1].Overflow = &a, &b
			d.Groups[1].Active = false
		}), []string{`groups[0].overflow.target_group unusable-target: group 1 "Sales", overflow.target_group: the group "Support" is inactive`}},
		{"a fallback to the same group", suspect(func(d *ringside.Directory) {
			d.Rules = rules(rule("", "", "", toGroup(1)))
			d.Rules[0].Fallback = &queue
		}), []string{`rules[0].fallback loop: rule 1, fallback: its fallback leads to where the call could not be taken (give another destination, or none)`}},

		{
			"hours without a rule", suspect(withRules(rule("", "^500$", "weekdays 09:00-18:00", toGroup(1)), rule(`\+79`, "^500$", "", toGroup(2)))),
			[]string{`rules[0].time_condition uncovered-hours: rule 1, time_condition: no rule takes calls to 500 on Mon-Fri 00:00-09:00 and 18:00-24:00; on Sat, Sun (add a rule without a time for the number, or a default)`},
		},
		{
			"hours of two rules with a hole", suspect(withRules(rule("", "500", "daily 08:00-20:00", toGroup(1)), rule("", "500", "fri-mon 20:00-08:00", toGroup(2)))),
			[]string{`rules[0].time_condition uncovered-hours: rule 1, time_condition: no rule takes calls to 500 on Tue 20:00-24:00; on Wed, Thu 00:00-08:00 and 20:00-24:00; on Fri 00:00-08:00 (add a rule without a time for the number, or a default)`},
		},
		{"hours of a holiday without a rule", suspect(func(d *ringside.Directory) {
			d.Holidays = []string{"2027-01-01"}
			d.Rules = rules(rule("", "^500$", "weekdays 09:00-18:00 !holidays", toGroup(1)), rule("", "^500$", "weekends; weekdays 00:00-09:00,18:00-24:00", toGroup(2)))
		}), []string{`rules[0].time_condition uncovered-hours: rule 1, time_condition: no rule takes calls to 500 on holidays such as 2027-01-01 09:00-18:00 (add a rule without a time for the number, or a default)`}},
		{"no hours of an extension", suspect(withRules(rule("", "^101$", "weekdays", toGroup(1)))), nil},
		{"no hours when there is a default", suspect(func(d *ringside.Directory) {
			to := hangUp()
			d.Defaults = &to
			d.Rules = rules(rule("", "^500$", "weekdays", toGroup(1)))
		}), nil},
		{"no hours of a number that only some callers have rules for", suspect(withRules(rule(`\+79`, "^500$", "weekdays", toGroup(1)))), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := Compile(tt.doc)
			var got []string
			for _, p := range Check(c) {
				if p.Severity != ringside.Doubtful {
					t.Errorf("%v is %s", p, p.Severity)
				}
				got = append(got, p.Path+" "+p.Code+": "+p.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckOfLargeDirectoryEndsSoonAndSaysWhatItLeftOut(t *testing.T) {
	const n = 4_000
	tests := map[string]func(i int) ringside.Rule{
		"plain":              func(i int) ringside.Rule { return ringside.Rule{CalledNumberPattern: fmt.Sprintf("^7%06d$", i)} },
		"one pattern":        func(i int) ringside.Rule { return ringside.Rule{CalledNumberPattern: "7", TimeCondition: dated(i)} },
		"all match anything": func(i int) ringside.Rule { return ringside.Rule{CallerIDPattern: fmt.Sprintf(".*%d$", i)} },
		"large expressions": func(i int) ringside.Rule {
			return ringside.Rule{CalledNumberPattern: fmt.Sprintf("^7(.{1,70}%d.{1,70}){1,2}[^a]*b", i)}
		},
		"all are the same": func(int) ringside.Rule { return ringside.Rule{} },
	}
	for name, make := range tests {
		t.Run(name, func(t *testing.T) {
			d := suspect(func(*ringside.Directory) {})
			for i := range n {
				r := make(i)
				r.ID, r.Priority, r.Active, r.Destination = int64(i+1), i, true, hangUp()
				d.Rules = append(d.Rules, r)
			}
			c := compiled(t, d)
			problems := Check(c) // that it ends at all is the point: unbounded, it takes hours
			if len(problems) > 2000 {
				t.Errorf("%d findings", len(problems))
			}
			incomplete := slices.ContainsFunc(problems, func(p ringside.Problem) bool { return p.Code == "check-incomplete" })
			if name == "large expressions" && !incomplete {
				t.Error("it does not say that it has left something out")
			}
		})
	}
}

func dated(i int) string {
	return fmt.Sprintf("%02d:%02d-24:00 %s", i%24, i%60, time.Date(2026, 1, 1+i%1000, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
}

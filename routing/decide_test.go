package routing

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringside-pbx/ringside"
)

// office is a small company: 101 to 104 in Sales, 105 in Support, whom only colleagues may call
// directly, 106 with a mailbox, 107 who has left.
func office(change func(*ringside.Directory)) ringside.Directory {
	d := ringside.Directory{
		Version: "1", TimeZone: "Europe/Moscow", DefaultCountry: "RU",
		Numbers: staff("101", "102", "103", "104", "105", "106", "107"),
		Groups:  []ringside.RingGroup{team(1, "Sales", "101", "102", "103", "104"), team(2, "Support", "105")},
	}
	d.Numbers[4].Account = &ringside.Account{Active: true, MaxConcurrentCalls: 2, CanMakeExternalCalls: true}
	d.Numbers[5].Account = &ringside.Account{Active: true, MaxConcurrentCalls: 1, CanReceiveExternalCalls: true, VoicemailEnabled: true}
	d.Numbers[6].Active = false
	if change != nil {
		change(&d)
	}
	return d
}

// oneRule is the office with a rule for every call.
func oneRule(to ringside.Destination, change func(*ringside.Directory)) ringside.Directory {
	return office(func(d *ringside.Directory) {
		d.Rules = rules(ringside.Rule{Name: "The rule", Destination: to})
		if change != nil {
			change(d)
		}
	})
}

// told is a decision in a few words.
func told(d ringside.Decision) string {
	words := []string{string(d.Action)}
	if d.TargetType != "" {
		words = append(words, string(d.TargetType))
	}
	switch {
	case d.Targets != nil:
		words = append(words, strings.Join(d.Targets, "+"))
	case d.Target != "":
		words = append(words, d.Target)
	}
	if d.Announcement != "" {
		words = append(words, d.Announcement)
	}
	if d.Timeout > 0 {
		words = append(words, d.Timeout.String())
	}
	if d.Group != nil {
		words = append(words, "of", d.Group.Name)
	}
	if d.Rule != nil {
		words = append(words, "by", d.Rule.Name)
	}
	return strings.Join(words, " ")
}

func TestDecide(t *testing.T) {
	ext := func(action ringside.Action, number string) ringside.Destination {
		return ringside.Destination{Action: action, TargetNumber: number}
	}
	group := func(action ringside.Action, id int64) ringside.Destination {
		return ringside.Destination{Action: action, TargetGroup: ringside.GroupRef{ID: id}}
	}
	forward := ringside.Destination{Action: ringside.ForwardExternal, TargetExternal: "+7 (495) 123-45-67"}
	announce := ringside.Destination{Action: ringside.PlayAnnouncement, AnnouncementText: "closed"}
	owner := ringside.Destination{Action: ringside.RouteToOwner}
	busy := func(numbers ...string) func(*desk) {
		return func(d *desk) {
			for _, n := range numbers {
				d.activity[n] = ringside.Activity{Talking: 1}
			}
		}
	}
	away := func(numbers ...string) func(*desk) {
		return func(d *desk) {
			for _, n := range numbers {
				d.activity[n] = ringside.Activity{Presence: ringside.PresenceUnreachable}
			}
		}
	}
	all := func(edits ...func(*desk)) func(*desk) {
		return func(d *desk) {
			for _, edit := range edits {
				edit(d)
			}
		}
	}
	fallback := func(to ringside.Destination) func(*ringside.Directory) {
		return func(d *ringside.Directory) { d.Rules[0].Fallback = &to }
	}
	overflow := func(to ringside.Destination) func(*ringside.Directory) {
		return func(d *ringside.Directory) { d.Groups[0].MaxQueueSize, d.Groups[0].Overflow = 0, &to }
	}
	inactive := func(d *ringside.Directory) { d.Groups[0].Active = false }
	edited := func(edits ...func(*ringside.Directory)) func(*ringside.Directory) {
		return func(d *ringside.Directory) {
			for _, edit := range edits {
				edit(d)
			}
		}
	}
	thenNext := func(d *ringside.Directory) {
		d.Rules = append(d.Rules, ringside.Rule{ID: 2, Name: "next", Active: true, Priority: 1, Destination: hangUp()})
	}
	everybody := []string{"101", "102", "103", "104"}

	tests := []struct {
		name string
		doc  ringside.Directory
		ask  func(*Query)
		desk func(*desk)
		want string
	}{
		// The seven actions of the CRM, and ours.
		{name: "route_to_number rings the extension", doc: oneRule(ext(ringside.RouteToNumber, "101"), nil), want: "route number 101 30s by The rule"},
		{name: "route_to_group rings a member", doc: oneRule(group(ringside.RouteToGroup, 1), nil), want: "route group_member 101 20s of Sales by The rule"},
		{name: "route_to_queue lets the caller wait", doc: oneRule(group(ringside.RouteToQueue, 1), nil), want: "queue 1m0s of Sales by The rule"},
		{name: "route_to_voicemail takes a message", doc: oneRule(ext(ringside.RouteToVoicemail, "106"), nil), want: "voicemail 106 by The rule"},
		{name: "play_announcement speaks", doc: oneRule(announce, nil), want: "announcement closed by The rule"},
		{name: "hangup hangs up", doc: oneRule(hangUp(), nil), want: "hangup by The rule"},
		{name: "forward_external dials out", doc: oneRule(forward, nil), want: "forward external +74951234567 1m0s by The rule"},
		{name: "route_to_owner rings the owner", doc: oneRule(owner, nil), ask: owned("102"), want: "route owner 102 30s by The rule"},

		// Nobody is there.
		{name: "a busy extension is busy", doc: oneRule(ext(ringside.RouteToNumber, "101"), nil), desk: func(d *desk) { d.activity["101"] = ringside.Activity{Talking: 2} }, want: "busy by The rule"},
		{name: "an extension takes as many calls as its account says", doc: oneRule(ext(ringside.RouteToNumber, "101"), nil), desk: busy("101"), want: "route number 101 30s by The rule"},
		{name: "an extension with a mailbox takes a message when it is busy", doc: oneRule(ext(ringside.RouteToNumber, "106"), nil), desk: busy("106"), want: "voicemail 106 by The rule"},
		{name: "and when it is away", doc: oneRule(ext(ringside.RouteToNumber, "106"), nil), desk: away("106"), want: "voicemail 106 by The rule"},
		{name: "and when it was rung in vain", doc: oneRule(ext(ringside.RouteToNumber, "106"), nil), ask: tried("106"), want: "voicemail 106 by The rule"},
		{name: "but not twice", doc: oneRule(ext(ringside.RouteToNumber, "106"), nil), ask: func(q *Query) {
			q.Tried, q.Spent = []string{"106"}, []ringside.DestinationKey{{Action: ringside.RouteToVoicemail, Target: "106"}}
		}, want: "busy by The rule"},
		{name: "the fallback takes over", doc: oneRule(ext(ringside.RouteToNumber, "101"), fallback(announce)), ask: tried("101"), want: "announcement closed by The rule"},
		{name: "a busy group lets the caller wait", doc: oneRule(toGroup(1), nil), desk: busy(everybody...), want: "queue 1m0s of Sales by The rule"},
		{name: "nobody overtakes those who wait", doc: oneRule(toGroup(1), nil), desk: waiting(1), want: "queue 1m0s of Sales by The rule"},
		{name: "a full queue overflows", doc: oneRule(toGroup(1), func(d *ringside.Directory) { d.Groups[0].Overflow = &announce }), desk: all(busy(everybody...), waiting(2)), want: "announcement closed by The rule"},
		{name: "a full queue without overflow is busy", doc: oneRule(toGroup(1), nil), desk: all(busy(everybody...), waiting(2)), want: "busy by The rule"},
		{name: "a full queue without overflow leads to the fallback", doc: oneRule(toGroup(1), fallback(announce)), desk: all(busy(everybody...), waiting(2)), want: "announcement closed by The rule"},
		{name: "a group without a queue overflows at once", doc: oneRule(toGroup(1), overflow(toNumber("106"))), desk: busy(everybody...), want: "route number 106 30s by The rule"},
		{name: "nobody waits for those who are all away", doc: oneRule(toGroup(1), func(d *ringside.Directory) { d.Groups[0].Overflow = &announce }), desk: away(everybody...), want: "announcement closed by The rule"},
		{name: "one who can come free is hope enough", doc: oneRule(toGroup(1), nil), desk: all(away("101", "102", "103"), busy("104")), want: "queue 1m0s of Sales by The rule"},
		{name: "who has waited in vain does not wait again", doc: oneRule(toGroup(1), fallback(announce)), ask: spent(ringside.RouteToQueue, 1), want: "announcement closed by The rule"},
		{name: "overflows follow one another", doc: oneRule(toGroup(1), edited(overflow(toGroup(2)), func(d *ringside.Directory) {
			d.Numbers[4].Account.CanReceiveExternalCalls = true
		})), desk: busy(everybody...), want: "route group_member 105 20s of Support by The rule"},
		{name: "overflows in a circle end", doc: oneRule(toGroup(1), func(d *ringside.Directory) {
			a, b := toGroup(2), toGroup(1)
			d.Groups[0].Overflow, d.Groups[1].Overflow = &a, &b
			d.Groups[0].MaxQueueSize, d.Groups[1].MaxQueueSize = 0, 0
		}), desk: busy("101", "102", "103", "104", "105"), want: "busy by The rule"},
		{name: "an announcement that was heard is over", doc: oneRule(announce, nil), ask: func(q *Query) {
			q.Spent = []ringside.DestinationKey{{Action: ringside.PlayAnnouncement, Target: "closed"}}
		}, want: "busy by The rule"},

		// What is switched off or not allowed is passed over.
		{name: "an inactive group is passed over", doc: oneRule(toGroup(1), edited(inactive, thenNext)), want: "hangup by next"},
		{name: "an inactive extension is passed over", doc: oneRule(toNumber("107"), thenNext), want: "hangup by next"},
		{name: "so is its mailbox", doc: oneRule(ext(ringside.RouteToVoicemail, "107"), thenNext), want: "hangup by next"},
		{name: "and one with an inactive account", doc: oneRule(toNumber("106"), edited(thenNext, func(d *ringside.Directory) { d.Numbers[5].Account.Active = false })), want: "hangup by next"},
		{name: "and one of an inactive server", doc: oneRule(toNumber("101"), edited(thenNext, func(d *ringside.Directory) {
			d.Servers, d.Numbers[0].Server = []ringside.Server{{ID: 1}}, 1
		})), want: "hangup by next"},
		{name: "a mailbox that is switched off is passed over", doc: oneRule(ext(ringside.RouteToVoicemail, "105"), thenNext), want: "hangup by next"},
		{name: "an extension for colleagues is passed over for a caller from outside", doc: oneRule(toNumber("105"), thenNext), want: "hangup by next"},
		{name: "and rung for a colleague", doc: oneRule(toNumber("105"), thenNext), ask: from("101"), want: "route number 105 30s by The rule"},
		{name: "whatever number a caller shows", doc: oneRule(toNumber("105"), thenNext), ask: func(q *Query) { q.Caller = ringside.Number{Raw: "101"} }, want: "hangup by next"},
		{name: "who may not dial out is not forwarded", doc: oneRule(forward, thenNext), ask: from("101"), want: "hangup by next"},
		{name: "who may is", doc: oneRule(forward, thenNext), ask: from("105"), want: "forward external +74951234567 1m0s by The rule"},
		{name: "the fallback of what is switched off takes over", doc: oneRule(toGroup(1), edited(inactive, thenNext, fallback(toNumber("106")))), want: "route number 106 30s by The rule"},
		{name: "a fallback that is busy does not send the call on to other rules", doc: oneRule(toGroup(1), edited(inactive, thenNext, fallback(toNumber("101")))), ask: tried("101"), want: "busy by The rule"},
		{name: "an inactive rule does nothing", doc: oneRule(announce, edited(thenNext, func(d *ringside.Directory) { d.Rules[0].Active = false })), want: "hangup by next"},

		// The owner.
		{name: "an unknown caller is not for the owner's rule", doc: oneRule(owner, thenNext), want: "hangup by next"},
		{name: "an owner who is no extension", doc: oneRule(owner, thenNext), ask: owned("999"), want: "hangup by next"},
		{name: "an owner who has left", doc: oneRule(owner, thenNext), ask: owned("107"), want: "hangup by next"},
		{name: "an owner who is busy", doc: oneRule(owner, thenNext), ask: owned("101"), desk: func(d *desk) { d.activity["101"] = ringside.Activity{Talking: 2} }, want: "busy by The rule"},
		{name: "an owner with a mailbox is not talked to by it", doc: oneRule(owner, thenNext), ask: owned("106"), desk: busy("106"), want: "busy by The rule"},
		{name: "the owner's group stands in", doc: oneRule(group(ringside.RouteToOwner, 1), nil), ask: func(q *Query) { q.Owner, q.Tried = "106", []string{"106"} }, want: "route group_member 101 20s of Sales by The rule"},
		{name: "also for an unknown caller", doc: oneRule(group(ringside.RouteToOwner, 1), nil), want: "route group_member 101 20s of Sales by The rule"},

		// No rule.
		{name: "without a rule the called extension is rung", doc: office(nil), ask: called("101"), want: "route direct 101 30s"},
		{name: "with its voicemail", doc: office(nil), ask: called("106"), desk: busy("106"), want: "voicemail 106"},
		{name: "without one it is busy", doc: office(nil), ask: func(q *Query) { q.Called.Raw, q.Tried = "101", []string{"101"} }, want: "busy"},
		{name: "one who has left is not rung", doc: office(nil), ask: called("107"), want: "not_found"},
		{name: "else the default applies", doc: office(func(d *ringside.Directory) { d.Defaults = &announce }), want: "announcement closed"},
		{name: "also for one who has left", doc: office(func(d *ringside.Directory) { d.Defaults = &announce }), ask: called("107"), want: "announcement closed"},
		{name: "a default that is exhausted is busy", doc: office(func(d *ringside.Directory) { to := toNumber("101"); d.Defaults = &to }), ask: tried("101"), want: "busy"},
		{name: "a default that can't be used is none", doc: office(func(d *ringside.Directory) { to := toNumber("107"); d.Defaults = &to }), want: "not_found"},
		{name: "nothing fits", doc: office(nil), want: "not_found"},

		// Which rule.
		{name: "lower priority first, then the lower id", doc: office(func(d *ringside.Directory) {
			d.Rules = []ringside.Rule{
				{ID: 3, Name: "third", Priority: 5, Active: true, Destination: hangUp()},
				{ID: 2, Name: "second", Priority: 5, Active: true, Destination: hangUp()},
				{ID: 9, Name: "ninth", Priority: 6, Active: true, Destination: hangUp()},
			}
		}), want: "hangup by second"},
		{name: "a pattern is anchored at its start only", doc: pattern1("", "200"), ask: called("20055"), want: "hangup by it"},
		{name: "and does not match within", doc: pattern1("", "200"), ask: called("1200"), want: "not_found"},
		{name: "a number matches as it was received", doc: pattern1("^8900", ""), ask: caller("89001234567"), want: "hangup by it"},
		{name: "and in E.164", doc: pattern1(`^\+7900`, ""), ask: caller("89001234567"), want: "hangup by it"},
		{name: "however it is written", doc: pattern1(`^\+7900`, ""), ask: caller("8 (900) 123-45-67"), want: "hangup by it"},
		{name: "an extension is never E.164", doc: pattern1(`^\+7`, ""), ask: caller("101"), want: "not_found"},
		{name: "a withheld caller has no number", doc: pattern1(`^\+79`, ""), ask: caller("anonymous"), want: "not_found"},
		{name: "a withheld caller can be meant", doc: pattern1("^$", ""), ask: caller("anonymous"), want: "hangup by it"},
		{name: "a condition that holds", doc: timed("weekdays 09:00-18:00"), want: "hangup by it"},
		{name: "a condition of another time zone", doc: timed("weekdays 12:00-13:00 tz=Asia/Yekaterinburg"), want: "not_found"},
		{name: "a condition in the directory's zone", doc: timed("mon 13:00-13:01"), want: "hangup by it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := Compile(tt.doc)
			view := newDesk()
			if tt.desk != nil {
				tt.desk(view)
			}
			q := c.asking("89161112233", "84951000000")
			if tt.ask != nil {
				tt.ask(&q)
				if q.Caller.Raw != "" {
					q.Caller = c.Number(q.Caller.Raw)
				}
			}
			for _, detail := range []Detail{Silent, Looked, Full} {
				q.Detail = detail
				if got := told(c.Decide(q, view)); got != tt.want {
					t.Errorf("with detail %d: %q, want %q", detail, got, tt.want)
				}
			}
		})
	}
}

func owned(by string) func(*Query)         { return func(q *Query) { q.Owner = by } }
func tried(numbers ...string) func(*Query) { return func(q *Query) { q.Tried = numbers } }
func from(endpoint string) func(*Query)    { return func(q *Query) { q.Endpoint = endpoint } }
func called(n string) func(*Query)         { return func(q *Query) { q.Called = ringside.Number{Raw: n} } }

func caller(n string) func(*Query) { return func(q *Query) { q.Caller = ringside.Number{Raw: n} } }
func waiting(n int) func(*desk)    { return func(d *desk) { d.waiting[1] = n } }
func spent(a ringside.Action, g int64) func(*Query) {
	return func(q *Query) { q.Spent = []ringside.DestinationKey{{Action: a, Group: g}} }
}

func pattern1(caller, called string) ringside.Directory {
	return office(func(d *ringside.Directory) {
		d.Rules = rules(ringside.Rule{Name: "it", CallerIDPattern: caller, CalledNumberPattern: called, Destination: hangUp()})
	})
}

func timed(when string) ringside.Directory {
	return office(func(d *ringside.Directory) {
		d.Rules = rules(ringside.Rule{Name: "it", TimeCondition: when, Destination: hangUp()})
	})
}

func TestFaultyRulesAreLeftOutAndTheOthersWork(t *testing.T) {
	to := func(d ringside.Destination) ringside.Rule { return ringside.Rule{Destination: d} }
	tests := []struct {
		name string
		bad  ringside.Rule
		want ringside.Problem
	}{
		{
			"look-ahead",
			ringside.Rule{CallerIDPattern: "(?!8)", Destination: hangUp()},
			ringside.Problem{Code: "bad-pattern", Field: "caller_id_pattern", Hint: "look-around is not supported (RE2): use two rules, the exception first"},
		},
		{
			"a back-reference",
			ringside.Rule{CalledNumberPattern: `(1)\1`, Destination: hangUp()},
			ringside.Problem{Code: "bad-pattern", Field: "called_number_pattern", Hint: "back-references and \\Z are not supported (RE2): use $ for the end"},
		},
		{
			"a bare plus sign",
			ringside.Rule{CallerIDPattern: "+79", Destination: hangUp()},
			ringside.Problem{Code: "bad-pattern", Field: "caller_id_pattern", Hint: `a plus sign is written \+`},
		},
		{
			"a pattern that unfolds to very much",
			ringside.Rule{CallerIDPattern: strings.Repeat(`\d{1,900}`, 20), Destination: hangUp()},
			ringside.Problem{Code: "bad-pattern", Field: "caller_id_pattern", Hint: "a number has at most 64 characters: there is no need to count further"},
		},
		{
			"a time",
			ringside.Rule{TimeCondition: "9 to 5", Destination: hangUp()},
			ringside.Problem{Code: "bad-time", Field: "time_condition", Hint: `for example "weekdays 09:00-18:00"; see docs/time-conditions.md`},
		},
		{
			"an unknown action", to(ringside.Destination{Action: "dance"}),
			ringside.Problem{Code: "unknown-action", Field: "action", Hint: "one of route_to_number, route_to_group, route_to_queue, route_to_voicemail, play_announcement, hangup, forward_external, route_to_owner"},
		},
		{"no action", to(ringside.Destination{}), ringside.Problem{Code: "unknown-action", Field: "action"}},
		{"an unknown extension", to(toNumber("999")), ringside.Problem{Code: "unknown-target", Field: "target_number"}},
		{"an unknown group", to(toGroup(9)), ringside.Problem{Code: "unknown-target", Field: "target_group"}},
		{"no target", to(ringside.Destination{Action: ringside.RouteToQueue}), ringside.Problem{Code: "missing-target", Field: "target_group"}},
		{
			"no announcement", to(ringside.Destination{Action: ringside.PlayAnnouncement}),
			ringside.Problem{Code: "missing-target", Field: "announcement_text", Hint: "a sound's name, or a text to be spoken"},
		},
		{
			"a dial string instead of a number", to(ringside.Destination{Action: ringside.ForwardExternal, TargetExternal: "500&PJSIP/1"}),
			ringside.Problem{Code: "bad-number", Field: "target_external", Hint: "digits, with or without a leading +"},
		},
		{
			"a faulty fallback",
			ringside.Rule{Destination: hangUp(), Fallback: &ringside.Destination{Action: ringside.RouteToNumber}},
			ringside.Problem{Code: "missing-target", Field: "fallback.target_number"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, problems := Compile(office(func(d *ringside.Directory) {
				tt.bad.Name = "Bad"
				d.Rules = rules(tt.bad, ringside.Rule{Name: "good", Destination: hangUp()})
			}))
			want := tt.want
			want.Severity, want.Kind, want.ID, want.Name, want.Path = ringside.Faulty, "rule", 1, "Bad", "rules[0]."+want.Field
			if len(problems) != 1 {
				t.Fatal(problems)
			}
			want.Text = problems[0].Text
			if diff := cmp.Diff(want, problems[0]); diff != "" || want.Text == "" {
				t.Error(diff)
			}
			q := c.asking("1", "2")
			q.Detail = Full
			d := c.Decide(q, newDesk())
			if got := told(d); got != "hangup by good" {
				t.Error(got)
			}
			if d.Trace[0].Rule != 1 || d.Trace[0].Matched || d.Trace[0].Why != want.Text {
				t.Errorf("the explanation of the bad rule is %+v", d.Trace[0])
			}
		})
	}
}

func TestServeGivesTheHeadOfTheQueueToWhoeverIsFree(t *testing.T) {
	c := compiled(t, office(nil))
	view := newDesk()
	q := c.asking("1", "2")
	for _, n := range []string{"101", "102", "103"} {
		view.activity[n] = ringside.Activity{Talking: 1}
	}
	view.activity["104"] = ringside.Activity{Promised: true}
	q.Tried = []string{"104"}
	if d, ok := c.Serve(1, q, view); !ok || told(d) != "route group_member 104 20s of Sales" {
		t.Errorf("%v, %s", ok, told(d))
	}
	view.activity["104"] = ringside.Activity{Resting: true}
	if d, ok := c.Serve(1, q, view); ok {
		t.Errorf("a member who rests is offered the call: %s", told(d))
	}
	if _, ok := c.Serve(99, q, view); ok {
		t.Error("a group that does not exist serves")
	}
}

func TestDecisionAllocatesNothing(t *testing.T) {
	c := compiled(t, provider(1000))
	queries, view := calls(c, 1000), newDesk()
	i := 0
	if n := testing.AllocsPerRun(2*len(queries), func() { c.Decide(queries[i%len(queries)], view); i++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A hostile rule set of rules that are all passed over must not hold up the calls.
func TestManyRulesThatArePassedOverEndSoon(t *testing.T) {
	d := office(func(d *ringside.Directory) { d.Groups[0].Active = false })
	for i := range 50_000 {
		d.Rules = append(d.Rules, ringside.Rule{ID: int64(i + 1), Active: true, Destination: toGroup(1)})
	}
	c := compiled(t, d)
	begin := time.Now()
	if got := told(c.Decide(c.asking("1", "2"), newDesk())); got != "not_found" {
		t.Error(got)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
}

package plan

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside/esl"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

func testDialplan() *Dialplan {
	return &Dialplan{
		Context: "ringside", Listen: "127.0.0.1:8084", Fallback: "user/100", Extension: "user/${number}",
		External: "sofia/gateway/trunk/${number}", Voicemail: "default ${domain} ${number}", Speech: "flite|kal",
		Now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC),
	}
}

// everybodyFree is a moment at which nobody has a call.
type everybodyFree struct{}

func (everybodyFree) Activity(string) ringside.Activity { return ringside.Activity{} }
func (everybodyFree) Turn(int64, string) uint64         { return 0 }
func (everybodyFree) Waiting(int64) int                 { return 0 }

// engineChain asks the engine again and again while nobody answers, and tells what it does.
func engineChain(c *routing.Compiled, q routing.Query, fallback string) (stages []string) {
	type ring struct {
		numbers []string
		group   int64
		seconds int
		atOnce  bool
	}
	var rings []ring
	rung := func(r ring) {
		last := len(rings) - 1
		if last >= 0 && r.group != 0 && rings[last].group == r.group && !r.atOnce {
			rings[last].numbers = append(rings[last].numbers, r.numbers...)
			return
		}
		rings = append(rings, r)
	}
	end := ""
	for range 1000 {
		d := c.Decide(q, everybodyFree{})
		r := ring{seconds: int(d.Timeout / time.Second)}
		if d.Group != nil {
			r.group, r.atOnce = d.Group.ID, d.Group.Strategy == ringside.AllRing
		}
		switch d.Action {
		case ringside.Route:
			for _, t := range d.Dialled() {
				r.numbers = append(r.numbers, t.Number)
			}
			q.Tried = append(q.Tried, r.numbers...)
			rung(r)
			continue
		case ringside.Forward:
			r.numbers = []string{d.Target}
			q.Spent = append(q.Spent, d.Key)
			rung(r)
			continue
		case ringside.Queue:
			for _, m := range c.Staff(d.Group.ID) {
				ext, _ := c.Extension(m)
				inside, _ := c.Extension(q.Endpoint)
				if slices.Contains(q.Tried, m) || inside == nil && ext.Account != nil && !ext.Account.CanReceiveExternalCalls {
					continue
				}
				r.numbers = append(r.numbers, m)
			}
			r.seconds = d.Group.RingTimeout
			if len(r.numbers) > 0 {
				rung(r)
			}
			q.Tried = append(q.Tried, r.numbers...)
			q.Spent = append(q.Spent, d.Key)
			continue
		case ringside.Voicemail:
			end = "mailbox " + d.Target
		case ringside.Announcement:
			end = "say " + said(d.Announcement)
		case ringside.Hangup, ringside.Busy:
			end = "hangup " + esl.CauseName(d.Cause)
		case ringside.NotFound:
			end = "ring [" + fallback + "] at once for "
		}
		break
	}
	for _, r := range rings {
		slices.Sort(r.numbers)
		how := "in turn"
		if r.atOnce || len(r.numbers) == 1 {
			how = "at once"
		}
		stages = append(stages, fmt.Sprintf("ring %v %s for %d", r.numbers, how, ringTime(r.seconds)))
	}
	return append(stages, end)
}

func said(text string) string {
	if !playable(text) {
		return strings.ReplaceAll(plainText(text, maxSpeech), "|", ",")
	}
	if !strings.Contains(text[strings.LastIndexByte(text, '/')+1:], ".") {
		return text + ".wav"
	}
	return text
}

// compared is a directory with its dialplan.
type compared struct {
	dir      *routing.Compiled
	context  *node
	problems []ringside.Problem
	text     []byte
	cache    *sync.Map
}

func compare(t testing.TB, dir ringside.Directory) *compared {
	t.Helper()
	c, _ := routing.Compile(dir)
	out := c.Outline()
	text, problems, err := testDialplan().Static(&out)
	if err != nil {
		t.Fatal(err)
	}
	return &compared{dir: c, context: parsed(t, text), problems: problems, text: text, cache: &sync.Map{}}
}

// call compares one call; it reports whether it could be compared.
func (c *compared) call(t testing.TB, from, to, endpoint string, at time.Time) bool {
	t.Helper()
	ch := newHunter(t, from, to, endpoint, at)
	ch.cache = c.cache
	ch.hunt(c.context)
	q := routing.Query{Caller: c.dir.Number(from), Called: c.dir.Number(to), Endpoint: endpoint, At: at}
	for _, n := range []struct {
		number   ringside.Number
		variable string
	}{{q.Caller, varCaller}, {q.Called, varCalled}} {
		if n.number.E164 != ch.vars[n.variable] {
			return false // the one thing that the document says to be about so
		}
	}
	want := engineChain(c.dir, q, "100")
	if got := ch.chain(); !slices.Equal(got, want) {
		d := c.dir.Decide(routing.Query{Caller: q.Caller, Called: q.Called, Endpoint: endpoint, At: at, Detail: routing.Full}, everybodyFree{})
		var why []string
		for _, s := range d.Trace {
			why = append(why, s.Why)
		}
		t.Errorf("from %q to %q, endpoint %q, at %s:\n FreeSWITCH (%s) %q\n the engine %q\n because %s", from, to, endpoint, at, ch.extension, got, want,
			strings.Join(why, "; "))
	}
	return true
}

// edges are moments at which times begin and end, clocks change, and holidays are.
func edges(zones ...string) (moments []time.Time) {
	for _, zone := range zones {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			continue
		}
		for _, day := range []string{
			"2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25", "2026-11-23", "2026-11-27", "2026-11-28", "2026-11-29", "2026-12-31", "2027-01-01",
			"2027-01-07", "2027-01-08", "2027-01-09", "2027-02-28", "2027-03-01", "2028-02-29", "2035-06-15",
		} {
			for _, clock := range []string{"00:00:00", "01:59:59", "02:30:00", "05:59:59", "06:00:00", "08:59:59", "09:00:00", "12:00:00", "17:59:59", "18:00:00", "22:00:00", "23:59:59"} {
				at, err := time.ParseInLocation(time.DateTime, day+" "+clock, loc)
				if err == nil {
					moments = append(moments, at)
				}
			}
		}
	}
	return moments
}

func TestTheStaticDialplanDoesWhatTheEngineDoes(t *testing.T) {
	account := func(in, out, voicemail bool) *ringside.Account {
		return &ringside.Account{
			CanReceiveExternalCalls: in, CanMakeExternalCalls: out, VoicemailEnabled: voicemail, Active: true, MaxConcurrentCalls: 2,
		}
	}
	group := func(name string) ringside.GroupRef { return ringside.GroupRef{Name: name} }
	rule := func(id int64, when, caller, called string, d ringside.Destination, fallback *ringside.Destination) ringside.Rule {
		return ringside.Rule{
			ID: id, Name: fmt.Sprintf("rule %d", id), Priority: int(id), CallerIDPattern: caller, CalledNumberPattern: called, TimeCondition: when,
			Destination: d, Fallback: fallback, Active: true,
		}
	}
	mailbox := ringside.Destination{Action: ringside.RouteToVoicemail, TargetNumber: "103"}
	dir := ringside.Directory{
		Version: "7", TimeZone: "Europe/Moscow", DefaultCountry: "RU",
		Holidays: []string{"2026-12-31", "2027-01-01", "2027-01-07", "2027-02-23"},
		Numbers: []ringside.Extension{
			{ID: 1, Number: "101", Active: true},
			{ID: 2, Number: "102", Active: true, Account: account(true, true, true)},
			{ID: 3, Number: "103", Active: true, Account: account(false, true, true)},
			{ID: 4, Number: "104", Active: true, Account: account(true, false, false)},
			{ID: 5, Number: "105"},
			{ID: 6, Number: "106", Active: true, Account: &ringside.Account{Active: true, CanReceiveExternalCalls: true}},
		},
		Groups: []ringside.RingGroup{
			{
				ID: 1, Name: "Sales", Active: true, Strategy: ringside.RoundRobin, RingTimeout: 20, MaxQueueSize: 5, Overflow: &mailbox,
				Members: []ringside.Member{{Number: "101"}, {Number: "102", Priority: -1}, {Number: "103"}, {Number: "104", Paused: true}, {Number: "105"}},
			},
			{
				ID: 2, Name: "All", Active: true, Strategy: ringside.AllRing, RingTimeout: 25,
				Members:  []ringside.Member{{Number: "104"}, {Number: "101"}, {Number: "106"}},
				Overflow: &ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: group("Sales")},
			},
			{ID: 3, Name: "Nobody", Active: true, Strategy: ringside.ByPriority},
			{ID: 4, Name: "Off", Strategy: ringside.ByPriority, Members: []ringside.Member{{Number: "101"}}},
			{ID: 5, Name: "Inside", Active: true, Strategy: ringside.ByPriority, RingTimeout: 5, Members: []ringside.Member{{Number: "103"}}},
			{
				ID: 6, Name: "Round", Active: true, Strategy: ringside.RandomPick, RingTimeout: 10, Members: []ringside.Member{{Number: "102"}},
				Overflow: &ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: group("Round")},
			},
		},
		Rules: []ringside.Rule{
			rule(1, "", `^\+7800555`, "", ringside.Destination{Action: ringside.HangUp}, nil),
			rule(2, "", `^$`, "^107$", ringside.Destination{Action: ringside.PlayAnnouncement, AnnouncementText: "no/anonymous"}, nil),
			rule(3, "", `^[a-z]`, "^107$", mailbox, nil),
			rule(4, "!weekdays; holidays; weekdays 00:00-09:00,18:00-24:00", "", "^100$", mailbox, nil),
			rule(5, "weekdays 09:00-18:00 !holidays", `^\+79`, "^100$", ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: group("Sales")}, nil),
			rule(6, "", "", "^100$", ringside.Destination{Action: ringside.RouteToQueue, TargetGroup: group("All")}, nil),
			rule(7, "mon-fri 22:00-06:00 !holidays; tz=Europe/Berlin", "", "^200$", ringside.Destination{Action: ringside.RouteToNumber, TargetNumber: "102"}, nil),
			rule(8, "sun 02:00-03:00; tz=Europe/Berlin", "", "^200$", ringside.Destination{Action: ringside.RouteToNumber, TargetNumber: "104"}, nil),
			rule(9, "2026-12-31..2027-01-08 !2027-01-07; 2028-02-29", "", "^200$", ringside.Destination{Action: ringside.RouteToNumber, TargetNumber: "103"}, nil),
			rule(10, "sat,sun,holidays 10:00-16:00; fri 18:00-02:00; tz=Asia/Kolkata", "", "^200$", ringside.Destination{Action: ringside.ForwardExternal, TargetExternal: "+7 (495) 123-45-67"}, &mailbox),
			rule(11, "", "", `^(\+7495|200)`, ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: group("Inside")}, &ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: group("Nobody")}),
			rule(12, "", "", "^300$", ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: group("Off")}, nil),
			rule(13, "", "", "^300$", ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: group("Round")}, &ringside.Destination{Action: ringside.PlayAnnouncement, AnnouncementText: "Никого нет, ${system(id)} | перезвоните"}),
			rule(14, "", "", "^301$", ringside.Destination{Action: ringside.RouteToOwner, TargetGroup: group("All")}, nil),
			rule(15, "", "", "^302$", ringside.Destination{Action: ringside.RouteToOwner}, nil),
			rule(16, "", "", "^30[23]$", ringside.Destination{Action: ringside.RouteToNumber, TargetNumber: "106"}, nil),
			rule(17, "", "", "^304$", ringside.Destination{Action: ringside.RouteToVoicemail, TargetNumber: "104"}, &ringside.Destination{Action: ringside.ForwardExternal, TargetExternal: "112"}),
			rule(18, "daily 00:00-24:00", "", "^305$", ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: group("Nobody")}, nil),
		},
		Defaults: &ringside.Destination{Action: ringside.ForwardExternal, TargetExternal: "+74957654321"},
	}
	c := compare(t, dir)
	compared, all := 0, 0
	for _, at := range edges("Europe/Moscow", "Europe/Berlin", "Asia/Kolkata") {
		for _, from := range []string{"", "89001234567", "4930123456"} {
			for _, to := range []string{"100", "200"} {
				all++
				if c.call(t, from, to, "", at) {
					compared++
				}
			}
		}
	}
	at := edges("Europe/Moscow")[3]
	for _, from := range []string{"", "Anonymous", "unknown", "+79001234567", "9001234567", "79001234567", "0049301234567", "810493012345678", "abc", "102", "Анна"} {
		for _, to := range []string{"100", "101", "102", "103", "104", "105", "106", "107", "200", "300", "301", "302", "303", "304", "305", "999", "", "+74951234567"} {
			for _, endpoint := range []string{"", "101", "102", "103", "104", "trunk"} {
				all++
				if c.call(t, from, to, endpoint, at) {
					compared++
				}
			}
		}
	}
	t.Logf("%d of %d calls were compared", compared, all)
	if compared < all*9/10 {
		t.Errorf("only %d of %d calls could be compared", compared, all)
	}
	for _, p := range c.problems {
		if p.Code == codeLeftOut {
			t.Errorf("a rule is left out: %s", p)
		}
	}
}

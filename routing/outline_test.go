package routing

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ringside-pbx/ringside"
)

// inSeason reports whether one of the seasons holds at a moment.
func inSeason(seasons []ringside.Season, at localTime) bool {
	return slices.ContainsFunc(seasons, func(s ringside.Season) bool {
		return at.day >= s.From && at.day <= s.To && s.Week>>at.weekday&1 != 0 &&
			(len(s.Times) == 0 || slices.ContainsFunc(s.Times, func(t [2]int32) bool { return at.second/60 >= t[0] && at.second/60 < t[1] }))
	})
}

func TestAnOutlinesSeasonsAreTheConditionsTimes(t *testing.T) {
	dir := ringside.Directory{
		Version: "1", TimeZone: "Europe/Moscow", Holidays: []string{"2026-12-31", "2027-01-01", "2027-01-07", "2028-02-29"},
		Numbers: []ringside.Extension{{ID: 1, Number: "101", Active: true}},
	}
	for i, condition := range []string{
		"weekdays 09:00-18:00", "!holidays", "holidays", "sat,sun,holidays 10:00-16:00", "mon-thu 22:00-06:00", "fri-mon 18:00-02:00,12:00-13:00",
		"2026-12-31..2027-01-08", "weekdays !2026-12-31..2027-01-08", "2026-12-30 22:00-06:00", "!holidays 22:00-06:00; holidays 10:00-11:00",
		"daily !sat,sun !holidays", "1960-01-01..2027-01-01 mon", "2027-01-02..9999-12-31 20:00-04:00 sat", "daily 00:00-24:00", "mon tz=Asia/Tokyo", "tz=Europe/Berlin", "sun 23:59-00:01",
	} {
		dir.Rules = append(dir.Rules, ringside.Rule{
			ID: int64(i), Name: condition, TimeCondition: condition, Active: true,
			Destination: ringside.Destination{Action: ringside.RouteToNumber, TargetNumber: "101"},
		})
	}
	c, problems := Compile(dir)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	out := c.Outline()
	if len(out.Rules) != len(dir.Rules) {
		t.Fatalf("%d rules of %d", len(out.Rules), len(dir.Rules))
	}
	first, _ := parseDate("2026-12-20")
	last, _ := parseDate("2027-01-20")
	days := []int32{0, 1, ringside.EndlessDay - 1, ringside.EndlessDay}
	for day := first; day <= last; day++ {
		days = append(days, day)
	}
	for i := range out.Rules {
		r := &out.Rules[i]
		for _, day := range days {
			for minute := int32(0); minute < dayMinutes; minute += 7 {
				at := localTime{day: day, second: minute * 60, weekday: weekdayOf(day)}
				want := c.rules[i].when.open(at, c.holidays)
				if got := r.Always || inSeason(r.Open, at); got != want {
					t.Fatalf("%q at %s %s: %v, want %v", r.Rule.Name, dateText(day), clockText(minute), got, want)
				}
			}
		}
	}
	if out.Rules[14].Zone != "Asia/Tokyo" || !out.Rules[15].Always || out.Rules[0].Zone != "Europe/Moscow" {
		t.Errorf("the zones: %+v", out.Rules[14])
	}
}

func TestAnOutlineHasWhatTheEngineHas(t *testing.T) {
	dir := ringside.Directory{
		Version: "9", DefaultCountry: "RU",
		Numbers: []ringside.Extension{
			{ID: 1, Number: "101", Active: true},
			{ID: 2, Number: "102"},
			{ID: 3, Number: "103", Active: true, Account: &ringside.Account{Active: true, CanMakeExternalCalls: true, VoicemailEnabled: true, MaxConcurrentCalls: 3}},
			{ID: 4, Number: "a b", Active: true},
			{ID: 5, Number: "101", Active: true},
		},
		Groups: []ringside.RingGroup{
			{
				ID: 7, Name: "Sales", Active: true, Members: []ringside.Member{{Number: "103", Priority: 2}, {Number: "101", Priority: 1}, {Number: "102"}, {Number: "999"}},
				Overflow: &ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: ringside.GroupRef{Name: "Off"}},
			},
			{ID: 7, Name: "Twice"},
			{ID: 8, Name: "Off"},
		},
		Rules: []ringside.Rule{
			{ID: 2, Priority: 5, CallerIDPattern: "(", Active: true, Destination: ringside.Destination{Action: ringside.HangUp}},
			{ID: 3, Priority: 4, CallerIDPattern: "^1", Active: true, Destination: ringside.Destination{Action: ringside.ForwardExternal, TargetExternal: "+7 (900) 1"}},
			{ID: 4, Priority: 3, Destination: ringside.Destination{Action: ringside.HangUp}},
			{
				ID: 5, Priority: 3, Active: true, Destination: ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: ringside.GroupRef{ID: 7}},
				Fallback: &ringside.Destination{Action: ringside.RouteToVoicemail, TargetNumber: "103"},
			},
		},
		Defaults: &ringside.Destination{Action: ringside.PlayAnnouncement, AnnouncementText: "closed"},
	}
	c, _ := Compile(dir)
	out := c.Outline()
	if got := fmt.Sprintf("%d %d %d %s %s", len(out.Rules), out.Rules[0].Rule.ID, out.Rules[1].Rule.ID, out.Rules[1].Target.Phone, out.Rules[1].Caller); got != "2 5 3 +79001 ^1" {
		t.Errorf("the rules: %s", got)
	}
	if r := out.Rules[0]; r.Target.Group != 0 || r.Fallback == nil || r.Fallback.Number != "103" || !r.Always {
		t.Errorf("the first rule: %+v", r)
	}
	if got := fmt.Sprint(out.Numbers); got != "[{101 false false false 2 false true} {102 true false false 2 false false} {103 false true true 3 true true}]" {
		t.Errorf("the numbers: %s", got)
	}
	if g := out.Groups; len(g) != 2 || fmt.Sprint(g[0].Members) != "[101 103]" || g[0].Overflow.Group != 1 || !g[1].Off {
		t.Errorf("the groups: %+v", g)
	}
	if out.Defaults == nil || out.Defaults.Text != "closed" || out.Version != "9" {
		t.Errorf("the rest: %+v", out)
	}
}

func TestHowACountryWritesNumbers(t *testing.T) {
	for country, want := range map[string]string{"RU": "7 810 8", "US": "1 011 1", "DE": "49 00 0", "BR": "55 00(?:1[245]|2[1-35]|31|4[13]|[56]5|99) 0", "": "  ", "XX": "  "} {
		c := NewNormalizer(country).calling()
		if got := c.Code + " " + c.Exit + " " + c.Trunk; got != want || (c.Code != "") != (len(c.National) > 0) {
			t.Errorf("%q: %q and %d patterns, want %q", country, got, len(c.National), want)
		}
	}
}

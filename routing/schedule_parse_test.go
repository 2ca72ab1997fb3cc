package routing

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTimeConditionsAndTheirPlainestSpelling(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"  ", ""},
		{"Weekdays 9:00-18:00", "weekdays 09:00-18:00"},
		{"mon-fri 09:00 - 18:00", "weekdays 09:00-18:00"},
		{"Monday – Friday 09:00–18:00", "weekdays 09:00-18:00"},
		{"sun, sat", "weekends"},
		{"mon wed fri 09:00-10:00 12:00-13:00", "mon,wed,fri 09:00-10:00,12:00-13:00"},
		{"fri-mon", "mon,fri-sun"},
		{"mon-sun", "daily"},
		{"mon-mon", "mon"},
		{"00:00-24:00", "daily"},
		{"20:00-00:00", "20:00-24:00"},
		{"22:00-06:00 daily", "daily 22:00-06:00"},
		{"holidays,weekends", "weekends,holidays"},
		{"! holidays", "!holidays"},
		{"!sat,sun daily", "daily !weekends"},
		{"2027-01-08 , 2026-12-31", "2026-12-31,2027-01-08"},
		{"2026-12-31 .. 2027-01-08", "2026-12-31..2027-01-08"},
		{"2026-12-31..2026-12-31", "2026-12-31"},
		{"!2026-12-31 weekdays", "weekdays !2026-12-31"},
		{"tz=Europe/Berlin", "tz=Europe/Berlin"},
		{"weekdays TZ = Europe/Berlin 09:00-18:00; sat", "weekdays 09:00-18:00; sat tz=Europe/Berlin"},
		{";weekdays;;", "weekdays"},
		{"понедельник-пятница", "weekdays"},
		{"вторник,Среда,ЧЕТВЕРГ,суббота,воскресенье", "tue-thu,sat,sun"},
		{"пн,вт,ср,чт,пт,сб,вс", "daily"},
		{"будни 09:00-18:00 !праздники; выходные,праздники 10:00-14:00", "weekdays !holidays 09:00-18:00; weekends,holidays 10:00-14:00"},
		{"tue-thursday,fri", "tue-fri"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			s := mustSchedule(t, tt.text)
			if got := s.String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if again := mustSchedule(t, s.String()).String(); again != tt.want {
				t.Errorf("reads back as %s", again)
			}
		})
	}
}

func TestTimeConditionsThatAreRefused(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"weekdays 25:00-26:00", `"25:00" is no time of day (times are written as 09:00-18:00)`},
		{"09:60-10:00", `"09:60" is no time of day (times are written as 09:00-18:00)`},
		{"09:00-24:01", `"24:01" is no time of day (times are written as 09:00-18:00)`},
		{"9:0-10:00", `"9:0" is no time of day (times are written as 09:00-18:00)`},
		{"09:00", `"09:00" is one time of day, and two are needed (times are written as 09:00-18:00)`},
		{"09:00-", `"" is no time of day (times are written as 09:00-18:00)`},
		{"24:00-06:00", `"24:00-06:00" can't begin at 24:00 (a day begins at 00:00)`},
		{"09:00-09:00", `"09:00-09:00" ends when it begins (the whole day is 00:00-24:00)`},
		{"9-18", `"9-18" is neither a time nor a date (times are written as 09:00-18:00)`},
		{"09.00-18.00", `"09.00-18.00" is neither a time nor a date (times are written as 09:00-18:00)`},
		{"9am-6pm", `"9am-6pm" is neither a time nor a date (times are written as 09:00-18:00)`},
		{"2026-02-30", `"2026-02-30" is no date (dates are written as 2026-12-31 or 2026-12-31..2027-01-08)`},
		{"31.12.2026", `"31.12.2026" is no date (dates are written as 2026-12-31 or 2026-12-31..2027-01-08)`},
		{"2027-01-08..2026-12-31", `"2027-01-08..2026-12-31" ends before it begins (the earlier date comes first)`},
		{"wekdays", `"wekdays" is no day (days are daily, weekdays, weekends, holidays, mon-fri, sat,sun)`},
		{"mon-fry", `"fry" is no day (days are daily, weekdays, weekends, holidays, mon-fri, sat,sun)`},
		{"mon-tue-wed", `"tue-wed" is no day (days are daily, weekdays, weekends, holidays, mon-fri, sat,sun)`},
		{"weekdays-sun", `"weekdays" can't be part of a range: "weekdays-sun" (a range is made of two days, as in mon-fri)`},
		{"mon,", `in "mon," a comma has nothing beside it`},
		{"mon,,tue", `in "mon,,tue" a comma has nothing beside it`},
		{"!", `"!" stands alone (write for example !holidays)`},
		{"mon,!holidays", `in "mon,!holidays" there is a "!" within a list (put what is negated into a word of its own, as in weekdays !holidays)`},
		{"!13:00-14:00", `times can't be negated: "!13:00-14:00" (write the times around it, as in 09:00-13:00,14:00-18:00)`},
		{"mon,09:00-18:00", `"mon,09:00-18:00" mixes days and times (put a space between days, times and dates)`},
		{"mon 09:00-12:00 tue 13:00-15:00", `"tue" gives days a second time (put a semicolon between two conditions)`},
		{"tz=Mars/Olympus", `"Mars/Olympus" is no time zone (a time zone is written as tz=Europe/Moscow)`},
		{"tz=../../etc/passwd", `"../../etc/passwd" is no time zone (a time zone is written as tz=Europe/Moscow)`},
		{"tz=Local", `"Local" is no time zone (a time zone is written as tz=Europe/Moscow)`},
		{"tz=", `"" is no time zone (a time zone is written as tz=Europe/Moscow)`},
		{"tz=UTC; mon tz=UTC", `tz= is given twice (a condition has one time zone)`},
		{"; ;", `the condition is nothing but semicolons (leave it blank for always)`},
		{strings.Repeat("mon ", 501), `the condition has 2004 bytes, and at most 2000 are read`},
	} {
		t.Run(tt.text, func(t *testing.T) {
			s, err := parseSchedule(tt.text)
			if err == nil {
				t.Fatalf("taken as %v", s)
			}
			if err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if said := (*scheduleError)(nil); !errors.As(err, &said) {
				t.Errorf("%T is no *scheduleError", err)
			}
		})
	}
}

// plan is a time condition as a person means it; the oracle follows it minute by minute and shares
// nothing with the code under test.
type plan struct {
	days     map[time.Weekday]bool
	holidays bool
	notDays  map[time.Weekday]bool
	notHoly  bool
	from, to string // dates, "" for none
	times    [][2]int
}

var ( // fixed tables
	englishDays = []string{"sun", "Mon", "tuesday", "wed", "THU", "friday", "sat"}
	russianDays = []string{"вс", "понедельник", "Вт", "ср", "четверг", "ПТ", "суббота"}
)

func (p plan) text(names []string) string {
	var words []string
	list := func(prefix string, days map[time.Weekday]bool, holidays bool) {
		var items []string
		for d := range time.Weekday(7) {
			if days[d] {
				items = append(items, names[d])
			}
		}
		if holidays {
			items = append(items, "holidays")
		}
		if len(items) > 0 {
			words = append(words, prefix+strings.Join(items, ","))
		}
	}
	list("", p.days, p.holidays)
	list("!", p.notDays, p.notHoly)
	var times []string
	for _, t := range p.times {
		times = append(times, fmt.Sprintf("%d:%02d-%02d:%02d", t[0]/60, t[0]%60, t[1]/60, t[1]%60))
	}
	if times != nil {
		words = append(words, strings.Join(times, ","))
	}
	if p.from != "" {
		words = append(words, p.from+".."+p.to)
	}
	return strings.Join(words, " ")
}

func (p plan) about(day time.Time, holidays map[string]bool) bool {
	date := day.Format(time.DateOnly)
	if (len(p.days) > 0 || p.holidays) && !p.days[day.Weekday()] && !(p.holidays && holidays[date]) {
		return false
	}
	if p.notDays[day.Weekday()] || p.notHoly && holidays[date] {
		return false
	}
	return p.from == "" || date >= p.from && date <= p.to
}

// minutes marks every minute of the civil days around first that the plan covers, as
// "2026-03-29 02:30".
func (p plan) minutes(first time.Time, days int, holidays map[string]bool, open map[string]bool) {
	for i := -1; i < days; i++ {
		day := time.Date(first.Year(), first.Month(), first.Day()+i, 0, 0, 0, 0, time.UTC)
		if !p.about(day, holidays) {
			continue
		}
		times := p.times
		if len(times) == 0 {
			times = [][2]int{{0, 1440}}
		}
		for _, t := range times {
			length := (t[1] - t[0] + 1440) % 1440
			if length == 0 {
				length = 1440
			}
			for m := range length {
				open[day.Add(time.Duration(t[0]+m)*time.Minute).Format("2006-01-02 15:04")] = true
			}
		}
	}
}

func drawPlan(t *rapid.T, around time.Time) plan {
	days := func(label string) map[time.Weekday]bool {
		m := map[time.Weekday]bool{}
		for _, d := range rapid.SliceOfN(rapid.IntRange(0, 6), 0, 4).Draw(t, label) {
			m[time.Weekday(d)] = true
		}
		return m
	}
	p := plan{days: days("days"), notDays: map[time.Weekday]bool{}, holidays: rapid.Bool().Draw(t, "holidays")}
	if rapid.Bool().Draw(t, "negate") {
		p.notDays, p.notHoly = days("notDays"), rapid.Bool().Draw(t, "notHoly")
	}
	for range rapid.IntRange(0, 3).Draw(t, "times") {
		from := rapid.SampledFrom([]int{0, 60, 119, 120, 150, 180, 540, 1320, 1439}).Draw(t, "from")
		to := rapid.SampledFrom([]int{1, 120, 121, 150, 180, 240, 360, 1080, 1440}).Draw(t, "to")
		if from != to {
			p.times = append(p.times, [2]int{from, to})
		}
	}
	if rapid.Bool().Draw(t, "dates") {
		from := rapid.IntRange(-2, 2).Draw(t, "first")
		p.from = around.AddDate(0, 0, from).Format(time.DateOnly)
		p.to = around.AddDate(0, 0, from+rapid.IntRange(0, 2).Draw(t, "length")).Format(time.DateOnly)
	}
	return p
}

func TestSchedulesAgreeWithAMinuteByMinuteOracle(t *testing.T) {
	zones := []*time.Location{time.UTC, mustZone(t, "Europe/Berlin"), mustZone(t, "America/New_York"), mustZone(t, "Europe/Moscow")}
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		day := rapid.SampledFrom([]string{"2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-12-31", "2028-02-29"}).Draw(t, "day")
		first, err := time.ParseInLocation(time.DateOnly, day, loc)
		if err != nil {
			t.Fatal(err)
		}
		free := map[string]bool{first.AddDate(0, 0, rapid.IntRange(-1, 1).Draw(t, "holiday")).Format(time.DateOnly): true}
		var list []string
		for d := range free {
			list = append(list, d)
		}
		holidays, _ := newHolidays(list)

		var texts []string
		open := map[string]bool{}
		for range rapid.IntRange(1, 3).Draw(t, "clauses") {
			p := drawPlan(t, first)
			text := p.text(rapid.SampledFrom([][]string{englishDays, russianDays}).Draw(t, "names"))
			if text == "" {
				continue
			}
			texts = append(texts, text)
			p.minutes(first, 2, free, open)
		}
		if len(texts) == 0 {
			return
		}
		s, err := parseSchedule(strings.Join(texts, " ; "))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := parseSchedule(s.String())
		if err != nil || plain.String() != s.String() {
			t.Fatalf("%s reads back as %v, %v", s, plain, err)
		}
		for when := first; when.Before(first.AddDate(0, 0, 2)); when = when.Add(time.Minute) {
			wall, local := when.Format("2006-01-02 15:04"), localize(when, loc)
			want := open[wall]
			if s.open(local, holidays) != want || plain.open(local, holidays) != want {
				t.Fatalf("%s (read as %s) at %s: want open %v; %s", texts, s, wall, want, s.why(local, holidays))
			}
			if strings.Contains(s.why(local, holidays), " is within ") != want {
				t.Fatal(s.why(local, holidays))
			}
		}
	})
}

// What parses is spelled plainly, and that parses to the same.
func FuzzParseSchedule(f *testing.F) {
	for _, text := range []string{
		"weekdays 09:00-18:00", "mon-fri,sun 09:00-13:00,14:00-18:00 !holidays; fri-mon 22:00-06:00 tz=Europe/Berlin",
		"будни !2026-12-31..2027-01-08 08:00–24:00", "2026-12-31", "tz=UTC;;", "! sat , sun", "24:00-25:00", "mon,!", "00:00-24:00,22:00-6:00",
	} {
		f.Add(text, uint32(1_800_000_000))
	}
	holidays, _ := newHolidays([]string{"2027-01-15"})
	f.Fuzz(func(t *testing.T, text string, unix uint32) {
		s, err := parseSchedule(text)
		if err != nil {
			if said := (*scheduleError)(nil); !errors.As(err, &said) || said.text == "" {
				t.Errorf("poor error %v", err)
			}
			return
		}
		again, err := parseSchedule(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q is plainly %q, which reads back as %v, %v", text, s, again, err)
		}
		for h := range int64(48) {
			local := localize(time.Unix(int64(unix)+h*1801, 0), s.zone)
			if s.open(local, holidays) != again.open(local, holidays) {
				t.Fatalf("%q and %q differ: %s", text, s, s.why(local, holidays))
			}
		}
	})
}

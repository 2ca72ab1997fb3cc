package routing

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A calendar is right if what it says of two conditions is what trying every hour says.
func TestCalendarSaysWhatTryingEveryHourSays(t *testing.T) {
	holidays, _ := newHolidays([]string{"2027-01-01", "2027-01-02", "2027-01-12"})
	first, _ := parseDate("2026-12-01")
	condition := rapid.Custom(drawCondition)
	rapid.Check(t, func(t *rapid.T) {
		var all []*schedule
		for range rapid.IntRange(2, 4).Draw(t, "conditions") {
			all = append(all, parsed(t, condition.Draw(t, "condition")))
		}
		if rapid.Bool().Draw(t, "nearly all") {
			// What others leave open is then seldom more than one day.
			all = append(all, parsed(t, "2026-12-01..2026-12-18,2027-01-25..2027-02-28"), parsed(t, "!2026-12-17..2027-01-26"))
		}
		cal := newCalendar(all, holidays)
		// Is the first one open only while one of the others is?
		rest := cal.open(all[0])
		for _, s := range all[1:] {
			rest.without(cal.open(s))
		}
		var missed *localTime
		for day := first; day < first+70; day++ {
			for hour := range int32(24) {
				local := localTime{day: day, second: hour * 3600, weekday: weekdayOf(day)}
				open := all[0].open(local, holidays)
				for _, s := range all[1:] {
					open = open && !s.open(local, holidays)
				}
				if open && missed == nil {
					missed = &local
				}
			}
		}
		if rest.empty() != (missed == nil) {
			t.Fatalf("%v within %v: the calendar says %v, and this moment is outside: %v", all[0], all[1:], rest.empty(), missed)
		}
	})
}

func parsed(t *rapid.T, condition string) *schedule {
	s, err := parseSchedule(condition)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drawCondition draws up to three clauses about the days around a new year.
func drawCondition(t *rapid.T) string {
	date := rapid.Custom(func(t *rapid.T) string {
		first, _ := parseDate("2026-12-20")
		from := first + int32(rapid.IntRange(0, 30).Draw(t, "from"))
		return dateText(from) + ".." + dateText(from+int32(rapid.IntRange(0, 30).Draw(t, "days")))
	})
	clause := rapid.Custom(func(t *rapid.T) string {
		days := rapid.SampledFrom([]string{"", "", "daily", "weekdays", "sat,sun", "!fri", "wed", "holidays", "!holidays", "mon-wed,holidays"}).Draw(t, "days")
		times := rapid.SampledFrom([]string{"", "", "20:00-08:00", "08:00-20:00", "00:00-08:00", "22:00-06:00,08:00-09:00"}).Draw(t, "times")
		dates := rapid.OneOf(rapid.Just(""), date, rapid.Map(date, func(s string) string { return "!" + s })).Draw(t, "dates")
		return days + " " + times + " " + dates
	})
	s := strings.Join(rapid.SliceOfN(clause, 1, 3).Draw(t, "clauses"), ";")
	if strings.Trim(s, "; ") == "" {
		return ""
	}
	return s
}

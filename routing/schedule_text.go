package routing

import (
	"strings"
	"time"
)

// asks reports whether the schedule's answer depends on holidays, and whether on dates.
func (s *schedule) asks() (holidays, dates bool) {
	for i := range s.clauses {
		c := &s.clauses[i]
		holidays = holidays || c.is.holidays || c.not.holidays
		dates = dates || len(c.onDates)+len(c.notOnDates) > 0
	}
	return holidays, dates
}

// why says in English what open reports, such as "Sunday 12:04 is outside weekdays 09:00-18:00".
func (s *schedule) why(local localTime, holidays *holidaySet) string {
	if len(s.clauses) == 0 {
		return "always"
	}
	byHoliday, byDate := s.asks()
	var b strings.Builder
	b.WriteString(time.Weekday(local.weekday).String())
	if byDate {
		b.WriteString(" " + dateText(local.day))
	}
	minute := local.second / 60
	b.WriteString(" " + clockText(minute))
	if s.zone != nil {
		b.WriteString(" in " + s.zone.String())
	}
	if byHoliday && holidays.has(local.day) {
		b.WriteString(" (a holiday)")
	}
	held, since := s.find(local, holidays)
	if held == nil {
		b.WriteString(" is outside ")
		for i := range s.clauses {
			if i > 0 {
				b.WriteString("; ")
			}
			s.clauses[i].write(&b)
		}
		return b.String()
	}
	b.WriteString(" is within ")
	held.write(&b)
	if since != local.day {
		b.WriteString(", which began on " + time.Weekday(weekdayOf(since)).String())
	}
	return b.String()
}

// String gives the condition in its plainest spelling; parseSchedule makes the same of it.
func (s *schedule) String() string {
	var b strings.Builder
	for i := range s.clauses {
		if i > 0 {
			b.WriteString("; ")
		}
		s.clauses[i].write(&b)
	}
	if s.zone != nil {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("tz=" + s.zone.String())
	}
	return b.String()
}

func (c *clause) write(b *strings.Builder) {
	var words []string
	add := func(prefix, list string) {
		if list != "" {
			words = append(words, prefix+list)
		}
	}
	add("", c.is.String())
	add("!", c.not.String())
	times := make([]string, len(c.times))
	for i, t := range c.times {
		times[i] = clockText(t.from) + "-" + clockText(t.to)
	}
	add("", strings.Join(times, ","))
	add("", datesText(c.onDates))
	add("!", datesText(c.notOnDates))
	b.WriteString(strings.Join(words, " "))
}

// String gives the days as the grammar has them.
func (d dayWords) String() string {
	var words []string
	switch d.week {
	case 0:
	case everyDay:
		words = append(words, "daily")
	case workDays:
		words = append(words, "weekdays")
	case restDays:
		words = append(words, "weekends")
	default:
		words = weekText(d.week)
	}
	if d.holidays {
		words = append(words, "holidays")
	}
	return strings.Join(words, ",")
}

// weekText gives days of the week from Monday on; three and more in a row become a range.
func weekText(week uint8) (words []string) {
	name := func(i int) string { return strings.ToLower(time.Weekday(i % 7).String()[:3]) }
	for i := 1; i <= 7; i++ {
		first := i
		for i <= 7 && week>>(i%7)&1 != 0 {
			i++
		}
		switch n := i - first; {
		case n >= 3:
			words = append(words, name(first)+"-"+name(i-1))
		case n == 2:
			words = append(words, name(first), name(i-1))
		case n == 1:
			words = append(words, name(first))
		}
	}
	return words
}

func clockText(minute int32) string {
	two := func(n int32) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }
	return two(minute/60) + ":" + two(minute%60)
}

func dateText(day int32) string {
	return time.Unix(int64(day)*daySeconds, 0).UTC().Format(time.DateOnly)
}

func datesText(spans []dateSpan) string {
	words := make([]string, len(spans))
	for i, s := range spans {
		words[i] = dateText(s.from)
		if s.to != s.from {
			words[i] += ".." + dateText(s.to)
		}
	}
	return strings.Join(words, ",")
}

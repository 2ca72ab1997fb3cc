package routing

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// schedule is a time condition, ready to be asked. It is immutable. The zero value is always open.
type schedule struct {
	// zone is the condition's own time zone; nil: the directory's.
	zone *time.Location
	// clauses: any may hold. None at all: always open.
	clauses []clause
}

// clause holds at a moment that is within one of its times on a day that fits. A time over
// midnight belongs to the day that it starts on.
type clause struct {
	is, not dayWords
	// onDates and notOnDates are sorted.
	onDates, notOnDates []dateSpan
	times               []timeSpan // none: the whole day
}

// dayWords are days of the week, Sunday in the lowest bit, and holidays.
type dayWords struct {
	week     uint8
	holidays bool
}

const (
	everyDay = 1<<7 - 1
	workDays = 1<<time.Monday | 1<<time.Tuesday | 1<<time.Wednesday | 1<<time.Thursday | 1<<time.Friday
	restDays = 1<<time.Saturday | 1<<time.Sunday
)

func (d dayWords) empty() bool { return d == dayWords{} }

// dateSpan is a range of days since 1970, both ends included.
type dateSpan struct{ from, to int32 }

// timeSpan is a range of minutes since midnight; the end is not included. A range that ends before
// it starts goes on over midnight.
type timeSpan struct{ from, to int32 }

// Minutes and seconds of a day as clocks have it: 23 and 25 hour days count the same.
const (
	dayMinutes = 24 * 60
	daySeconds = dayMinutes * 60
)

// localTime is a moment on the clock and the calendar of one time zone.
type localTime struct {
	day     int32 // since 1970-01-01
	second  int32 // of the day, as the clock on the wall has it
	weekday uint8 // Sunday is 0
}

// localize reads the clock on the wall at t in loc; nil is UTC.
func localize(t time.Time, loc *time.Location) localTime {
	if loc == nil {
		loc = time.UTC
	}
	_, offset := t.In(loc).Zone()
	wall := t.Unix() + int64(offset)
	day := wall / daySeconds
	if wall%daySeconds < 0 {
		day--
	}
	return localTime{day: int32(day), second: int32(wall - day*daySeconds), weekday: weekdayOf(int32(day))}
}

// weekdayOf gives the day of the week; 1970-01-01 was a Thursday.
func weekdayOf(day int32) uint8 { return uint8(((day+int32(time.Thursday))%7 + 7) % 7) }

// open reports whether the schedule holds at a moment.
func (s *schedule) open(local localTime, holidays *holidaySet) bool {
	if len(s.clauses) == 0 {
		return true
	}
	open, _ := s.find(local, holidays)
	return open != nil
}

// find gives the clause that holds, and the day that its time started on.
func (s *schedule) find(local localTime, holidays *holidaySet) (*clause, int32) {
	for i := range s.clauses {
		c := &s.clauses[i]
		today, overnight := c.within(local.second / 60)
		if today && c.fits(local.day, local.weekday, holidays) {
			return c, local.day
		}
		if overnight && c.fits(local.day-1, weekdayOf(local.day-1), holidays) {
			return c, local.day - 1
		}
	}
	return nil, 0
}

// within reports whether a minute is within a time that starts on the same day, and within one
// that started on the day before.
func (c *clause) within(minute int32) (today, overnight bool) {
	if len(c.times) == 0 {
		return true, false
	}
	for _, t := range c.times {
		switch {
		case t.from < t.to:
			today = today || minute >= t.from && minute < t.to
		default:
			today = today || minute >= t.from
			overnight = overnight || minute < t.to
		}
	}
	return today, overnight
}

// fits reports whether the clause is about a day.
func (c *clause) fits(day int32, weekday uint8, holidays *holidaySet) bool {
	bit := uint8(1) << weekday
	if !c.is.empty() && c.is.week&bit == 0 && (!c.is.holidays || !holidays.has(day)) {
		return false
	}
	if c.not.week&bit != 0 || c.not.holidays && holidays.has(day) {
		return false
	}
	if len(c.onDates) > 0 && !onDate(c.onDates, day) {
		return false
	}
	return !onDate(c.notOnDates, day)
}

func onDate(spans []dateSpan, day int32) bool {
	for _, s := range spans {
		if day >= s.from && day <= s.to {
			return true
		}
	}
	return false
}

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

// holidaySet is a directory's holidays; nil has none.
type holidaySet struct{ days []int32 } // sorted

// badHoliday is an entry of the list of holidays that is no date.
type badHoliday struct {
	index int
	text  string
}

// path gives the entry's place in the directory's document.
func (b badHoliday) path() string { return "holidays[" + strconv.Itoa(b.index) + "]" }

// newHolidays reads dates such as 2027-01-08 and tells which are none.
func newHolidays(days []string) (*holidaySet, []badHoliday) {
	h := new(holidaySet)
	var bad []badHoliday
	for i, text := range days {
		day, ok := parseDate(strings.TrimSpace(text))
		if !ok {
			bad = append(bad, badHoliday{index: i, text: text})
			continue
		}
		h.days = append(h.days, day)
	}
	slices.Sort(h.days)
	h.days = slices.Compact(h.days)
	return h, bad
}

func (h *holidaySet) has(day int32) bool {
	if h == nil {
		return false
	}
	_, found := slices.BinarySearch(h.days, day)
	return found
}

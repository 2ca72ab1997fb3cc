package routing

import "time"

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

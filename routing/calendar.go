package routing

import (
	"cmp"
	"math/bits"
	"slices"
)

// calendar is time as a set of schedules can tell it apart: every moment is, for each of them, like
// one of the calendar's days at one of its times.
type calendar struct {
	holidays *holidaySet
	// days are samples: the first seven are a usual week from Monday on, without dates or holidays.
	days []int32
	// times begin the stretches of a day that are told apart, in minutes.
	times []int32
}

// newCalendar makes the calendar for the schedules.
func newCalendar(schedules []*schedule, holidays *holidaySet) *calendar {
	cal := &calendar{holidays: holidays, times: []int32{0}}
	var cuts []int32 // days from which on dates or holidays are others
	byHoliday := false
	for _, s := range schedules {
		asks, _ := s.asks()
		byHoliday = byHoliday || asks
		for i := range s.clauses {
			for _, t := range s.clauses[i].times {
				cal.times = append(cal.times, t.from, t.to%dayMinutes)
			}
			for _, spans := range [][]dateSpan{s.clauses[i].onDates, s.clauses[i].notOnDates} {
				for _, d := range spans {
					cuts = append(cuts, d.from, d.to+1)
				}
			}
		}
	}
	if byHoliday {
		for _, d := range holidays.days {
			cuts = append(cuts, d, d+1)
		}
	}
	slices.Sort(cal.times)
	cal.times = slices.Compact(cal.times)
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	// Before the first cut all weeks are usual.
	first := int32(0)
	if len(cuts) > 0 {
		first = cuts[0]
	}
	for day := first - 7; day < first; day++ {
		cal.days = append(cal.days, day)
	}
	slices.SortFunc(cal.days, func(a, b int32) int { return cmp.Compare((weekdayOf(a)+6)%7, (weekdayOf(b)+6)%7) })
	// After a cut there is one day with another kind of day before it, then a week without.
	for i, cut := range cuts {
		for day := cut; day < cut+8 && (i+1 == len(cuts) || day < cuts[i+1]); day++ {
			cal.days = append(cal.days, day)
		}
	}
	return cal
}

// size is how many moments the calendar tells apart.
func (cal *calendar) size() int { return len(cal.days) * len(cal.times) }

// moments is a set of the calendar's moments, day by day.
type moments []uint64

func (m moments) has(i int) bool { return m[i/64]>>(i%64)&1 != 0 }
func (m moments) set(i int)      { m[i/64] |= 1 << (i % 64) }

// without takes moments out.
func (m moments) without(other moments) {
	for i := range m {
		m[i] &^= other[i]
	}
}

func (m moments) with(other moments) {
	for i := range m {
		m[i] |= other[i]
	}
}

// within reports whether other has all of m, and meets whether it has any.
func (m moments) within(other moments) bool {
	for i := range m {
		if m[i]&^other[i] != 0 {
			return false
		}
	}
	return true
}

func (m moments) meets(other moments) bool {
	for i := range m {
		if m[i]&other[i] != 0 {
			return true
		}
	}
	return false
}

func (m moments) empty() bool {
	return !slices.ContainsFunc(m, func(w uint64) bool { return w != 0 })
}

func (m moments) count() (n int) {
	for _, w := range m {
		n += bits.OnesCount64(w)
	}
	return n
}

func (cal *calendar) none() moments { return make(moments, (cal.size()+63)/64) }

// open gives the moments at which the schedule holds.
func (cal *calendar) open(s *schedule) moments {
	m := cal.none()
	for i, day := range cal.days {
		local := localTime{day: day, weekday: weekdayOf(day)}
		for j, minute := range cal.times {
			local.second = minute * 60
			if s == nil || s.open(local, cal.holidays) {
				m.set(i*len(cal.times) + j)
			}
		}
	}
	return m
}

package routing

import (
	"slices"
	"strconv"
	"strings"
)

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

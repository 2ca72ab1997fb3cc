package plan

import (
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// dayLast is the last day of a range that has no end.
const dayLast = ringside.EndlessDay

// month is one month's days that are meant, the first in bit 1.
type month struct {
	year, month int
	days        uint32
}

// datesOf writes ranges of dates as years, months of a year, and days of a month.
func datesOf(ranges []ringside.Season) (parts [][]xml.Attr) {
	var years []string
	var months []month
	partial := func(from, to time.Time) {
		for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
			last := len(months) - 1
			i := slices.IndexFunc(months, func(m month) bool { return m.year == day.Year() && m.month == int(day.Month()) })
			if i < 0 {
				months = append(months, month{day.Year(), int(day.Month()), 0})
				i = last + 1
			}
			months[i].days |= 1 << day.Day()
		}
	}
	for _, r := range ranges {
		if r.From <= 0 && r.To >= dayLast {
			return [][]xml.Attr{nil}
		}
		from, to := dateOf(r.From), dateOf(r.To)
		first, last := from.Year(), to.Year()
		if from.YearDay() > 1 {
			first++
		}
		if to.Month() != time.December || to.Day() != 31 {
			last--
		}
		if first > last { // no year is whole
			partial(from, to)
			continue
		}
		partial(from, dateAt(first, 1, 1).AddDate(0, 0, -1))
		partial(dateAt(last+1, 1, 1), to)
		if first == last {
			years = append(years, strconv.Itoa(first))
		} else {
			years = append(years, strconv.Itoa(first)+"-"+strconv.Itoa(last))
		}
	}
	if len(years) > 0 {
		parts = append(parts, []xml.Attr{attr("year", strings.Join(years, ","))})
	}
	return append(parts, monthsOf(months)...)
}

// monthsOf puts whole months of a year together.
func monthsOf(months []month) (parts [][]xml.Attr) {
	full := map[int]uint16{}
	var years []int
	for _, m := range months {
		all := dateAt(m.year, m.month+1, 0).Day()
		if m.days == 1<<(all+1)-2 {
			if full[m.year] == 0 {
				years = append(years, m.year)
			}
			full[m.year] |= 1 << m.month
			continue
		}
		parts = append(parts, []xml.Attr{
			attr("year", strconv.Itoa(m.year)), attr("mon", strconv.Itoa(m.month)),
			attr("mday", list(31, func(day int) bool { return m.days>>day&1 != 0 })),
		})
	}
	for _, y := range years {
		parts = append(parts, []xml.Attr{
			attr("year", strconv.Itoa(y)), attr("mon", list(12, func(m int) bool { return full[y]>>m&1 != 0 })),
		})
	}
	return parts
}

func dateAt(year, month, day int) time.Time {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}

func dateOf(day int32) time.Time { return time.Unix(int64(day)*86400, 0).UTC() }

package esl

import (
	_ "embed"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// switchZones are the time zones whose clocks change, or are not whole hours from UTC, and which FreeSWITCH's
// timezones.conf.xml (1.10.12) has with the rules that hold from 2026 on.
//
//go:embed zones.txt
var switchZones string

// maxTimes bounds the alternatives of one rule's time.
const maxTimes = 400

// dayLast is the last day of a range that has no end.
const dayLast = ringside.EndlessDay

// whenOpen gives a rule's times as attributes of conditions, any of which may hold.
func whenOpen(open []ringside.Season) (any [][]xml.Attr, err error) {
	type group struct {
		week  uint8
		times string
		days  []ringside.Season
	}
	var groups []*group
	for _, s := range open {
		times := timesOfDay(s.Times)
		i := slices.IndexFunc(groups, func(g *group) bool { return g.week == s.Week && g.times == times })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{week: s.Week, times: times})
		}
		groups[i].days = append(groups[i].days, s)
	}
	for _, g := range groups {
		for _, dates := range datesOf(g.days) {
			attrs := dates
			if g.week != 1<<7-1 {
				attrs = append(attrs, attr("wday", list(7, func(day int) bool { return g.week>>(day-1)&1 != 0 })))
			}
			if g.times != "" {
				attrs = append(attrs, attr("time-of-day", g.times))
			}
			if any = append(any, attrs); len(any) > maxTimes {
				return nil, fmt.Errorf("the time has more than %d parts", maxTimes)
			}
		}
	}
	return any, nil
}

// timesOfDay writes times with the second that is the last one: FreeSWITCH includes the end.
func timesOfDay(times [][2]int32) string {
	parts := make([]string, len(times))
	for i, t := range times {
		last := t[1]*60 - 1
		parts[i] = fmt.Sprintf("%02d:%02d:00-%02d:%02d:59", t[0]/60, t[0]%60, last/3600, last/60%60)
	}
	return strings.Join(parts, ",")
}

// list writes the numbers from 1 to most that are in a set, as FreeSWITCH reads lists.
func list(most int, in func(int) bool) string {
	var parts []string
	for i := 1; i <= most; i++ {
		first := i
		for i < most && in(first) && in(i+1) {
			i++
		}
		switch {
		case !in(first):
		case first == i:
			parts = append(parts, strconv.Itoa(i))
		default:
			parts = append(parts, strconv.Itoa(first)+"-"+strconv.Itoa(i))
		}
	}
	return strings.Join(parts, ",")
}

// month is one month's days that are meant, the first in bit 1.
type month struct {
	year, month int
	days        uint32
}

// datesOf writes ranges of dates as years, months of a year, and days of a month.
func datesOf(ranges []ringside.Season) (any [][]xml.Attr) {
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
		any = append(any, []xml.Attr{attr("year", strings.Join(years, ","))})
	}
	return append(any, monthsOf(months)...)
}

// monthsOf puts whole months of a year together.
func monthsOf(months []month) (any [][]xml.Attr) {
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
		any = append(any, []xml.Attr{
			attr("year", strconv.Itoa(m.year)), attr("mon", strconv.Itoa(m.month)),
			attr("mday", list(31, func(day int) bool { return m.days>>day&1 != 0 })),
		})
	}
	for _, y := range years {
		any = append(any, []xml.Attr{
			attr("year", strconv.Itoa(y)), attr("mon", list(12, func(m int) bool { return full[y]>>m&1 != 0 })),
		})
	}
	return any
}

func dateAt(year, month, day int) time.Time {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}

func dateOf(day int32) time.Time { return time.Unix(int64(day)*86400, 0).UTC() }

// clocks gives the variables that make FreeSWITCH read the clocks of a zone. One that is whole hours from UTC and
// stays so needs no table of FreeSWITCH's, which may be older than this machine's.
func clocks(zone string, now time.Time) (variables []ringside.Variable, err error) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	steady, offset := true, 0
	for i := range 24 {
		_, o := now.AddDate(0, i, 0).In(loc).Zone()
		steady = steady && (i == 0 || o == offset)
		offset = o
	}
	switch {
	case steady && offset%3600 == 0:
		return []ringside.Variable{{Name: "tod_tz_offset", Value: strconv.Itoa(offset / 3600)}}, nil
	case slices.Contains(strings.Fields(switchZones), zone):
		return []ringside.Variable{{Name: "tod_tz_offset"}, {Name: "timezone", Value: zone}}, nil
	}
	return nil, fmt.Errorf("FreeSWITCH's timezones.conf.xml has no zone %s with the clock changes that it has", quoted(zone))
}

func attr(name, value string) xml.Attr { return xml.Attr{Name: xml.Name{Local: name}, Value: value} }

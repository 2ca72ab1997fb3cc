package plan

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

// whenOpen gives a rule's times as attributes of conditions, any of which may hold.
func whenOpen(open []ringside.Season) (parts [][]xml.Attr, err error) {
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
			if parts = append(parts, attrs); len(parts) > maxTimes {
				return nil, fmt.Errorf("the time has more than %d parts", maxTimes)
			}
		}
	}
	return parts, nil
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

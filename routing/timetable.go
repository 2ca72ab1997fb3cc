package routing

// timetable holds what is known of the time conditions of a directory.
type timetable struct {
	cal *calendar
	// of are the conditions by what a rule has; nil is always.
	of map[*schedule]*hours
	// cut: there was no room for all of them.
	cut bool
}

// hours are a condition's moments.
type hours struct {
	// zone is the name of the time zone that the moments are in: those of different zones can't be
	// compared, unless they are all moments or none.
	zone string
	// open is nil if the directory has too many dates and conditions to tell.
	open          moments
	always, never bool
}

func newTimetable(c *Compiled) *timetable {
	t := &timetable{of: map[*schedule]*hours{nil: {always: true}}}
	var all []*schedule
	for i := range c.rules {
		s := c.rules[i].when
		if t.of[s] != nil {
			continue
		}
		h := &hours{zone: c.zone.String()}
		if s.zone != nil {
			h.zone = s.zone.String()
		}
		t.of[s] = h
		all = append(all, s)
	}
	t.cal = newCalendar(all, c.holidays)
	size := t.cal.size()
	t.of[nil].zone = c.zone.String()
	for i, s := range all {
		if (i+1)*size > maxMoments {
			t.cut = true
			break
		}
		h := t.of[s]
		h.open = t.cal.open(s)
		h.never, h.always = h.open.empty(), h.open.count() == size
	}
	if size <= maxMoments {
		t.of[nil].open = t.cal.open(nil)
	}
	return t
}

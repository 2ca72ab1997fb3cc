package routing

import (
	"slices"
	"strings"
	"time"
)

// hours finds the hours of a usual week, without holidays and dates, and those of a holiday, in which a call from outside
// to a number that has rules is taken by none of them, nor by an extension or the default. It is
// about callers whom no rule singles out, so it asks only of numbers that have a rule for them.
func (k *checker) hours() {
	if k.c.defaults != nil && k.takes(k.c.defaults, outside) {
		return
	}
	open := newOpenHours(k)
	asked := map[string]bool{}
	for i := range k.c.rules {
		r := &k.c.rules[i]
		if k.never(r) || !k.forAll(r) {
			continue
		}
		l := k.language(r.called)
		if l.kind == beginsWith && len(l.texts) > 1 {
			continue // a class of numbers such as [2-9], not some numbers
		}
		for _, number := range l.texts {
			if number == "" || asked[number] {
				continue
			}
			asked[number] = true
			if k.direct(number) {
				continue
			}
			if gaps, known := open.gaps(number); known && !gaps.none() {
				k.rule("uncovered-hours", r.src, "time_condition", "no rule takes calls to "+number+" "+gaps.String(),
					"add a rule without a time for the number, or a default")
			}
		}
	}
}

// openHours finds the rules that take all calls from outside to a number.
type openHours struct {
	k     *checker
	of    []*rule
	index index
}

func newOpenHours(k *checker) *openHours {
	o := &openHours{k: k}
	var called []rule
	for i := range k.c.rules {
		r := &k.c.rules[i]
		if k.ruleTakes(r, outside) && k.forAll(r) {
			o.of = append(o.of, r)
			called = append(called, rule{called: r.called})
		}
	}
	o.index = buildIndex(called)
	return o
}

// weekGap is a stretch of minutes of a day of the week, Monday being 0.
type weekGap struct{ day, from, to int }

// gaps are the times at which no rule takes the calls to a number.
type gaps struct {
	week []weekGap
	// holiday is the first day that has other gaps, since it is a holiday; 0 for none.
	holiday int32
	onIt    []weekGap
}

func (g gaps) none() bool { return len(g.week)+len(g.onIt) == 0 }

func (g gaps) String() string {
	var parts []string
	if len(g.week) > 0 {
		parts = append(parts, weekGaps(g.week))
	}
	if len(g.onIt) > 0 {
		parts = append(parts, "on holidays such as "+dateText(g.holiday)+" "+dayGaps(g.onIt))
	}
	return strings.Join(parts, "; ")
}

// gaps gives the times of a usual week, and of a holiday, at which no rule takes the call; known is
// false if that can't be told.
func (o *openHours) gaps(number string) (found gaps, known bool) {
	t := o.k.times
	rest := slices.Clone(t.of[nil].open)
	if rest == nil {
		return gaps{}, false
	}
	known = true
	n := o.k.c.Number(number)
	visit := func(i int32) bool {
		r := o.of[i]
		if !o.k.look() {
			o.k.cut["uncovered-hours"] = true
			known = false
			return false
		}
		h := t.of[r.when]
		switch {
		case h.never || !r.called.match(n):
		case h.always:
			clear(rest)
			return false
		case h.open == nil || h.zone != t.of[nil].zone:
			known = false
		default:
			rest.without(h.open)
		}
		return true
	}
	o.index.lead(n.Raw, "", visit)
	if n.E164 != "" && n.E164 != n.Raw && !rest.empty() {
		o.index.lead(n.E164, "", visit)
	}
	if rest.empty() {
		return gaps{}, true
	}
	for i, day := range t.cal.days {
		switch weekday := int(weekdayOf(day)+6) % 7; {
		case i < 7:
			found.week = append(found.week, o.dayGaps(weekday, i, func(m int) bool { return rest.has(m) })...)
		case found.holiday == 0 && o.k.c.holidays.has(day):
			shift := (i - weekday) * len(t.cal.times) // from the usual day of the week to this one
			found.onIt = o.dayGaps(weekday, i, func(m int) bool { return rest.has(m) && !rest.has(m-shift) })
			if len(found.onIt) > 0 {
				found.holiday = day
			}
		}
	}
	return found, known
}

// dayGaps puts the moments of a calendar's day together for which gap holds.
func (o *openHours) dayGaps(weekday, at int, gap func(moment int) bool) (out []weekGap) {
	times := o.k.times.cal.times
	for i, from := range times {
		if !gap(at*len(times) + i) {
			continue
		}
		to := dayMinutes
		if i+1 < len(times) {
			to = int(times[i+1])
		}
		if last := len(out) - 1; last >= 0 && out[last].to == int(from) {
			out[last].to = to
		} else {
			out = append(out, weekGap{weekday, int(from), to})
		}
	}
	return out
}

// weekGaps puts gaps in words, days with equal ones together:
// "on Mon-Fri 00:00-09:00 and 18:00-24:00; on Sat, Sun".
func weekGaps(gaps []weekGap) string {
	var of [7]string
	for i, g := range gaps {
		if of[g.day] == "" {
			n := i
			for n < len(gaps) && gaps[n].day == g.day {
				n++
			}
			of[g.day] = dayGaps(gaps[i:n])
		}
	}
	const whole = "00:00-24:00"
	if of == [7]string{whole, whole, whole, whole, whole, whole, whole} {
		return "at any time of a usual week"
	}
	var parts []string
	done := map[string]bool{"": true}
	for day := range of {
		if done[of[day]] {
			continue
		}
		done[of[day]] = true
		part := "on " + sameDays(of[:], of[day])
		if of[day] != whole {
			part += " " + of[day]
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func dayGaps(gaps []weekGap) string {
	words := make([]string, len(gaps))
	for i, g := range gaps {
		words[i] = clockText(int32(g.from)) + "-" + clockText(int32(g.to))
	}
	return strings.Join(words, " and ")
}

// sameDays names the days that have the given text; three and more in a row become a range.
func sameDays(of []string, text string) string {
	name := func(day int) string { return time.Weekday((day + 1) % 7).String()[:3] }
	var names []string
	for day := 0; day < len(of); day++ {
		first := day
		for day < len(of) && of[day] == text {
			day++
		}
		switch n := day - first; {
		case n >= 3:
			names = append(names, name(first)+"-"+name(day-1))
		case n == 2:
			names = append(names, name(first), name(day-1))
		case n == 1:
			names = append(names, name(first))
		}
	}
	return strings.Join(names, ", ")
}

// direct reports whether calls from outside to the number reach an extension without a rule.
func (k *checker) direct(number string) bool {
	ext := k.c.extensions[number]
	return ext != nil && k.takes(&ext.self, outside)
}

// forAll reports whether a rule is for every caller, one who is withheld included.
func (k *checker) forAll(r *rule) bool { return k.language(r.caller).covers(k.language(nil)) }

package routing

import (
	"strings"
	"time"
)

// hours finds the hours of a usual week, without holidays and dates, in which a call from outside
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
			if gaps, known := open.gaps(number); known && len(gaps) > 0 {
				k.rule("uncovered-hours", r.src, "time_condition", "no rule takes calls to "+number+" "+weekGaps(gaps),
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

// gaps gives the times of a usual week at which no rule takes the call; known is false if that
// can't be told.
func (o *openHours) gaps(number string) (gaps []weekGap, known bool) {
	t := o.k.times
	zone := t.of[nil].zone
	covered := make([]bool, 7*len(t.cal.times))
	known = true
	left := len(covered)
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
			left = 0
		case h.open == nil || h.zone != zone:
			known = false
		default:
			for m := range covered {
				if !covered[m] && h.open.has(m) {
					covered[m] = true
					left--
				}
			}
		}
		return left > 0
	}
	o.index.lead(n.Raw, "", visit)
	if left > 0 && n.E164 != "" && n.E164 != n.Raw {
		o.index.lead(n.E164, "", visit)
	}
	if left == 0 {
		return nil, true
	}
	for day := range 7 {
		for i, from := range t.cal.times {
			if covered[day*len(t.cal.times)+i] {
				continue
			}
			to := dayMinutes
			if i+1 < len(t.cal.times) {
				to = int(t.cal.times[i+1])
			}
			if last := len(gaps) - 1; last >= 0 && gaps[last].day == day && gaps[last].to == int(from) {
				gaps[last].to = to
			} else {
				gaps = append(gaps, weekGap{day, int(from), to})
			}
		}
	}
	return gaps, known
}

// weekGaps puts gaps in words, days with equal ones together:
// "on Mon-Fri 00:00-09:00 and 18:00-24:00; on Sat, Sun".
func weekGaps(gaps []weekGap) string {
	var of [7]string
	for _, g := range gaps {
		if of[g.day] != "" {
			of[g.day] += " and "
		}
		of[g.day] += clockText(int32(g.from)) + "-" + clockText(int32(g.to))
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

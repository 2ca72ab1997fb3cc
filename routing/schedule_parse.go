package routing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// maxCondition is the longest time condition, in bytes; the CRM's field has 200 characters.
const maxCondition = 2000

// scheduleError says what is wrong with a time condition.
type scheduleError struct{ text, hint string }

// Error gives what is wrong, and what to do about it.
func (e *scheduleError) Error() string {
	if e.hint == "" {
		return e.text
	}
	return e.text + " (" + e.hint + ")"
}

func wrong(hint, format string, args ...any) error {
	return &scheduleError{text: fmt.Sprintf(format, args...), hint: hint}
}

// What to do about the usual slips.
const (
	hintDays   = "days are daily, weekdays, weekends, holidays, mon-fri, sat,sun"
	hintTimes  = "times are written as 09:00-18:00"
	hintDates  = "dates are written as 2026-12-31 or 2026-12-31..2027-01-08"
	hintZone   = "a time zone is written as tz=Europe/Moscow"
	hintClause = "put a semicolon between two conditions"
)

// parseSchedule reads a time condition in the grammar of docs/time-conditions.md. Blank is always.
// The error is a *scheduleError that quotes the word at fault.
func parseSchedule(text string) (*schedule, error) {
	if len(text) > maxCondition {
		return nil, wrong("", "the condition has %d bytes, and at most %d are read", len(text), maxCondition)
	}
	s := new(schedule)
	zoned := false
	for part := range strings.SplitSeq(joined(text), ";") {
		var p clauseParser
		for _, word := range strings.Fields(part) {
			if name, ok := zoneName(word); ok {
				if zoned {
					return nil, wrong("a condition has one time zone", "tz= is given twice")
				}
				zoned = true
				var err error
				if s.zone, err = parseZone(name); err != nil {
					return nil, err
				}
				continue
			}
			if err := p.list(word); err != nil {
				return nil, err
			}
		}
		if p.last != nothing {
			s.clauses = append(s.clauses, p.done())
		}
	}
	if len(s.clauses) == 0 && !zoned && strings.Contains(text, ";") {
		return nil, wrong("leave it blank for always", "the condition is nothing but semicolons")
	}
	return s, nil
}

// joined writes dashes as hyphens and takes out white space that stands within a list or a range,
// so that white space parts words.
func joined(text string) string {
	var b strings.Builder
	space := false
	var last rune
	for _, c := range text {
		switch {
		case unicode.IsSpace(c):
			space = true
			continue
		case c >= '\u2010' && c <= '\u2015' || c == '\u2212':
			c = '-'
		}
		glued := strings.ContainsRune(",-=.", c) || strings.ContainsRune(",-=.!", last)
		if space && !glued && last != 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
		space, last = false, c
	}
	return b.String()
}

func zoneName(word string) (string, bool) {
	if len(word) >= 3 && strings.EqualFold(word[:3], "tz=") {
		return word[3:], true
	}
	return "", false
}

func parseZone(name string) (*time.Location, error) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, wrong(hintZone, "%q is no time zone", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, wrong(hintZone, "%q is no time zone", name)
	}
	return zone, nil
}

// wordKind is what the items of a list are.
type wordKind int

const (
	nothing wordKind = iota
	aDay
	aTime
	aDate
)

func (k wordKind) String() string { return [...]string{"nothing", "days", "times", "dates"}[k] }

// clauseParser builds one clause word by word.
type clauseParser struct {
	clause
	last wordKind        // of the word before
	had  [aDate + 1]bool // which kinds were given without "!"
}

// list reads one word: items with commas between them, all negated by a "!" in front.
func (p *clauseParser) list(word string) error {
	items, negated := strings.CutPrefix(word, "!")
	kind := nothing
	for item := range strings.SplitSeq(items, ",") {
		switch {
		case item == "" && items == "":
			return wrong("write for example !holidays", `"!" stands alone`)
		case item == "":
			return wrong("", "in %q a comma has nothing beside it", word)
		case item[0] == '!':
			return wrong("put what is negated into a word of its own, as in weekdays !holidays", `in %q there is a "!" within a list`, word)
		}
		k, err := p.item(item, negated)
		if err != nil {
			return err
		}
		if kind != nothing && k != kind {
			return wrong("put a space between days, times and dates", "%q mixes %v and %v", word, kind, k)
		}
		kind = k
	}
	if !negated {
		// "mon 09:00-12:00 tue 13:00-15:00" would otherwise mean both times on both days.
		if p.had[kind] && p.last != kind {
			return wrong(hintClause, "%q gives %v a second time", word, kind)
		}
		p.had[kind] = true
	}
	p.last = kind
	return nil
}

// item reads one item of a list.
func (p *clauseParser) item(item string, negated bool) (wordKind, error) {
	switch {
	case strings.Contains(item, ":"):
		if negated {
			return aTime, wrong("write the times around it, as in 09:00-13:00,14:00-18:00", "times can't be negated: %q", "!"+item)
		}
		span, err := parseTimes(item)
		p.times = append(p.times, span)
		return aTime, err
	case item[0] >= '0' && item[0] <= '9':
		span, err := parseDates(item)
		if negated {
			p.notOnDates = append(p.notOnDates, span)
		} else {
			p.onDates = append(p.onDates, span)
		}
		return aDate, err
	}
	days, err := parseDays(item)
	to := &p.is
	if negated {
		to = &p.not
	}
	to.week |= days.week
	to.holidays = to.holidays || days.holidays
	return aDay, err
}

// done gives the clause in its plainest form.
func (p *clauseParser) done() clause {
	c := p.clause
	if len(c.times) == 1 && c.times[0] == (timeSpan{0, dayMinutes}) {
		c.times = nil
		if c.is.empty() && c.not.empty() && c.onDates == nil && c.notOnDates == nil {
			c.is.week = everyDay
		}
	}
	slices.SortFunc(c.times, func(a, b timeSpan) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	c.times = slices.Compact(c.times)
	for _, dates := range []*[]dateSpan{&c.onDates, &c.notOnDates} {
		slices.SortFunc(*dates, func(a, b dateSpan) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
		*dates = slices.Compact(*dates)
	}
	return c
}

// parseTimes reads 09:00-18:00.
func parseTimes(item string) (timeSpan, error) {
	from, to, ok := strings.Cut(item, "-")
	if !ok {
		return timeSpan{}, wrong(hintTimes, "%q is one time of day, and two are needed", item)
	}
	var s timeSpan
	for _, end := range []struct {
		text string
		into *int32
	}{{from, &s.from}, {to, &s.to}} {
		if *end.into, ok = parseClock(end.text); !ok {
			return s, wrong(hintTimes, "%q is no time of day", end.text)
		}
	}
	switch {
	case s.from == dayMinutes:
		return s, wrong("a day begins at 00:00", "%q can't begin at 24:00", item)
	case s.from == s.to:
		return s, wrong("the whole day is 00:00-24:00", "%q ends when it begins", item)
	case s.to == 0:
		s.to = dayMinutes // until midnight, however it is written
	}
	return s, nil
}

// parseClock reads 9:00 or 09:00, up to 24:00.
func parseClock(text string) (int32, bool) {
	h, m, ok := strings.Cut(text, ":")
	if !ok || len(h) < 1 || len(h) > 2 || len(m) != 2 {
		return 0, false
	}
	hour, ok1 := digits(h)
	minute, ok2 := digits(m)
	total := hour*60 + minute
	return total, ok1 && ok2 && minute < 60 && total <= dayMinutes
}

func digits(s string) (n int32, ok bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int32(c-'0')
	}
	return n, true
}

// parseDates reads 2026-12-31 or 2026-12-31..2027-01-08.
func parseDates(item string) (dateSpan, error) {
	from, to, ranged := strings.Cut(item, "..")
	if !ranged {
		to = from
	}
	var s dateSpan
	for _, end := range []struct {
		text string
		into *int32
	}{{from, &s.from}, {to, &s.to}} {
		day, ok := parseDate(end.text)
		switch {
		case ok:
			*end.into = day
		case strings.Count(item, "-") == 1 && len(item) <= 11:
			return s, wrong(hintTimes, "%q is neither a time nor a date", item)
		default:
			return s, wrong(hintDates, "%q is no date", end.text)
		}
	}
	if s.to < s.from {
		return s, wrong("the earlier date comes first", "%q ends before it begins", item)
	}
	return s, nil
}

func parseDate(text string) (day int32, ok bool) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, false
	}
	return localize(t, time.UTC).day, true
}

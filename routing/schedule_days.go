package routing

import (
	"strings"
	"time"
)

// parseDays reads a day, a range of days, or a word for several days.
func parseDays(item string) (dayWords, error) {
	word := strings.ToLower(item)
	if days, ok := dayGroup(word); ok {
		return days, nil
	}
	from, to, ranged := strings.Cut(word, "-")
	first, ok := dayOfWeek(from)
	if !ok {
		return dayWords{}, unknownDay(item, from, ranged)
	}
	last := first
	if ranged {
		if last, ok = dayOfWeek(to); !ok {
			return dayWords{}, unknownDay(item, to, ranged)
		}
	}
	var d dayWords
	for day := first; ; day = (day + 1) % 7 {
		d.week |= 1 << day
		if day == last {
			return d, nil
		}
	}
}

func unknownDay(item, word string, ranged bool) error {
	if _, group := dayGroup(word); group && ranged {
		return wrong("a range is made of two days, as in mon-fri", "%q can't be part of a range: %q", word, item)
	}
	return wrong(hintDays, "%q is no day", word)
}

// dayGroup knows the words for several days.
func dayGroup(word string) (dayWords, bool) {
	switch word {
	case "daily", "everyday", "ежедневно":
		return dayWords{week: everyDay}, true
	case "weekdays", "weekday", "будни", "рабочие":
		return dayWords{week: workDays}, true
	case "weekends", "weekend", "выходные":
		return dayWords{week: restDays}, true
	case "holidays", "holiday", "праздники":
		return dayWords{holidays: true}, true
	}
	return dayWords{}, false
}

// dayOfWeek knows the names of the days.
func dayOfWeek(word string) (time.Weekday, bool) {
	switch word {
	case "mon", "monday", "пн", "понедельник":
		return time.Monday, true
	case "tue", "tues", "tuesday", "вт", "вторник":
		return time.Tuesday, true
	case "wed", "wednesday", "ср", "среда":
		return time.Wednesday, true
	case "thu", "thur", "thurs", "thursday", "чт", "четверг":
		return time.Thursday, true
	case "fri", "friday", "пт", "пятница":
		return time.Friday, true
	case "sat", "saturday", "сб", "суббота":
		return time.Saturday, true
	case "sun", "sunday", "вс", "воскресенье":
		return time.Sunday, true
	}
	return 0, false
}

package routing

import "time"

// Minutes and seconds of a day as clocks have it: 23 and 25 hour days count the same.
const (
	dayMinutes = 24 * 60
	daySeconds = dayMinutes * 60
)

// localTime is a moment on the clock and the calendar of one time zone.
type localTime struct {
	day     int32 // since 1970-01-01
	second  int32 // of the day, as the clock on the wall has it
	weekday uint8 // Sunday is 0
}

// localize reads the clock on the wall at t in loc; nil is UTC.
func localize(t time.Time, loc *time.Location) localTime {
	if loc == nil {
		loc = time.UTC
	}
	_, offset := t.In(loc).Zone()
	wall := t.Unix() + int64(offset)
	day := wall / daySeconds
	if wall%daySeconds < 0 {
		day--
	}
	return localTime{day: int32(day), second: int32(wall - day*daySeconds), weekday: weekdayOf(int32(day))}
}

// weekdayOf gives the day of the week; 1970-01-01 was a Thursday.
func weekdayOf(day int32) uint8 { return uint8(((day+int32(time.Thursday))%7 + 7) % 7) }

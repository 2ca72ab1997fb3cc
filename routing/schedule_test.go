package routing

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func mustSchedule(tb testing.TB, text string) *schedule {
	tb.Helper()
	s, err := parseSchedule(text)
	if err != nil {
		tb.Fatalf("%q: %v", text, err)
	}
	return s
}

func mustZone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return loc
}

// at reads the clock on the wall, such as "2026-11-23 12:04": a Monday.
func at(tb testing.TB, wall string) localTime {
	tb.Helper()
	t, err := time.Parse("2006-01-02 15:04", wall)
	if err != nil {
		tb.Fatal(err)
	}
	return localize(t, time.UTC)
}

func TestWhenAScheduleIsOpen(t *testing.T) {
	holidays, bad := newHolidays([]string{"2027-01-01", "2027-01-07"})
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	for _, tt := range []struct {
		condition    string
		open, closed []string
	}{
		{"", []string{"2026-11-23 00:00", "2027-01-01 23:59"}, nil},
		{" \t ", []string{"2026-11-23 00:00"}, nil},
		{
			"weekdays 09:00-18:00", // the CRM's own sample
			[]string{"2026-11-23 09:00", "2026-11-27 17:59", "2027-01-01 12:00"},
			[]string{"2026-11-23 08:59", "2026-11-23 18:00", "2026-11-22 12:00", "2026-11-28 12:00"},
		},
		{"weekdays 09:00-18:00 !holidays", []string{"2026-11-23 09:00"}, []string{"2027-01-01 12:00", "2027-01-07 12:00", "2026-11-22 12:00"}},
		{"!holidays", []string{"2026-11-22 03:00"}, []string{"2027-01-07 12:00"}},
		{"holidays", []string{"2027-01-07 00:00", "2027-01-07 23:59"}, []string{"2027-01-08 00:00", "2027-01-06 23:59"}},
		{"sat,sun,holidays 10:00-14:00", []string{"2027-01-01 10:00", "2026-11-22 13:59"}, []string{"2026-11-23 10:00", "2027-01-01 14:00"}},
		{"fri-mon", []string{"2026-11-20 12:00", "2026-11-21 12:00", "2026-11-22 12:00", "2026-11-23 12:00"}, []string{"2026-11-24 00:00", "2026-11-26 23:59"}},
		{"wed", []string{"2026-11-25 00:00", "2026-11-25 23:59"}, []string{"2026-11-24 23:59", "2026-11-26 00:00"}},
		{"daily 09:00-13:00,14:00-18:00", []string{"2026-11-23 12:59", "2026-11-23 14:00"}, []string{"2026-11-23 13:00", "2026-11-23 13:59"}},
		{"daily 00:00-24:00", []string{"2026-11-23 00:00", "2026-11-23 23:59"}, nil},
		{"weekdays 18:00-24:00", []string{"2026-11-23 23:59"}, []string{"2026-11-24 00:00"}},
		{"weekdays 18:00-00:00", []string{"2026-11-23 23:59"}, []string{"2026-11-24 00:00"}},
		{
			"mon 22:00-06:00", // belongs to Monday throughout
			[]string{"2026-11-23 22:00", "2026-11-24 00:00", "2026-11-24 05:59"},
			[]string{"2026-11-23 05:59", "2026-11-23 00:00", "2026-11-24 06:00", "2026-11-24 22:00"},
		},
		{"2026-12-31 22:00-06:00", []string{"2026-12-31 22:00", "2027-01-01 05:59"}, []string{"2026-12-31 05:00", "2027-01-01 22:00"}},
		{"!holidays 22:00-06:00", // the eve goes on into the holiday; the holiday's own night does not begin
			[]string{"2027-01-01 03:00", "2026-12-31 23:00"}, []string{"2027-01-01 23:00", "2027-01-02 03:00"}},
		{"2026-12-31..2027-01-08", []string{"2026-12-31 00:00", "2027-01-08 23:59"}, []string{"2026-12-30 23:59", "2027-01-09 00:00"}},
		{"2026-12-31,2027-01-08 10:00-11:00", []string{"2026-12-31 10:30", "2027-01-08 10:30"}, []string{"2027-01-01 10:30", "2026-12-31 11:00"}},
		{"weekdays !2026-12-31..2027-01-08", []string{"2026-12-30 12:00", "2027-01-11 12:00"}, []string{"2026-12-31 12:00", "2027-01-04 12:00"}},
		{"daily !sat,sun", []string{"2026-11-23 12:00"}, []string{"2026-11-21 12:00", "2026-11-22 12:00"}},
		{"mon 09:00-10:00; tue 11:00-12:00;", []string{"2026-11-23 09:30", "2026-11-24 11:30"}, []string{"2026-11-23 11:30", "2026-11-24 09:30"}},
		{"пн-пт 09:00-18:00", []string{"2026-11-23 09:00"}, []string{"2026-11-22 09:00"}},
		{"Будни !Праздники; выходные 10:00-12:00", []string{"2026-11-23 09:00", "2026-11-22 11:00"}, []string{"2027-01-01 11:00", "2026-11-22 12:00"}},
		{"ежедневно 8:00-9:00", []string{"2026-11-23 08:00"}, []string{"2026-11-23 09:00"}},
	} {
		t.Run(tt.condition, func(t *testing.T) {
			s := mustSchedule(t, tt.condition)
			for _, wall := range tt.open {
				if !s.open(at(t, wall), holidays) {
					t.Errorf("closed at %s: %s", wall, s.why(at(t, wall), holidays))
				}
			}
			for _, wall := range tt.closed {
				if s.open(at(t, wall), holidays) {
					t.Errorf("open at %s: %s", wall, s.why(at(t, wall), holidays))
				}
			}
		})
	}
}

func TestWhyAScheduleIsOpenOrClosed(t *testing.T) {
	holidays, _ := newHolidays([]string{"2027-01-01"})
	for _, tt := range []struct{ condition, wall, want string }{
		{"", "2026-11-22 12:04", "always"},
		{"weekdays 09:00-18:00", "2026-11-22 12:04", "Sunday 12:04 is outside weekdays 09:00-18:00"},
		{"будни 9:00-18:00", "2026-11-23 12:04", "Monday 12:04 is within weekdays 09:00-18:00"},
		{"mon 09:00-10:00; tue 09:00-10:00", "2026-11-25 09:30", "Wednesday 09:30 is outside mon 09:00-10:00; tue 09:00-10:00"},
		{"mon 09:00-10:00; tue 09:00-10:00", "2026-11-24 09:30", "Tuesday 09:30 is within tue 09:00-10:00"},
		{"mon 22:00-06:00", "2026-11-24 03:00", "Tuesday 03:00 is within mon 22:00-06:00, which began on Monday"},
		{"weekdays !holidays", "2027-01-01 12:00", "Friday 12:00 (a holiday) is outside weekdays !holidays"},
		{"2026-12-31..2027-01-08", "2027-01-01 12:00", "Friday 2027-01-01 12:00 is within 2026-12-31..2027-01-08"},
		{"tz=Asia/Tokyo weekends", "2026-11-23 12:00", "Monday 12:00 in Asia/Tokyo is outside weekends"},
	} {
		t.Run(tt.condition, func(t *testing.T) {
			if got := mustSchedule(t, tt.condition).why(at(t, tt.wall), holidays); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// On days of 23 and of 25 hours the clock on the wall rules.
func TestSchedulesOnTheDaysThatClocksChange(t *testing.T) {
	for _, tt := range []struct {
		zone, condition, utc string
		open                 bool
	}{
		// Berlin goes from 02:00 to 03:00 on 2026-03-29 at 01:00 UTC.
		{"Europe/Berlin", "sun 00:00-02:00", "2026-03-29T00:59:59Z", true},
		{"Europe/Berlin", "sun 00:00-02:00", "2026-03-29T01:00:00Z", false},
		{"Europe/Berlin", "sun 02:00-03:00", "2026-03-29T00:59:59Z", false},
		{"Europe/Berlin", "sun 02:00-03:00", "2026-03-29T01:00:00Z", false},
		{"Europe/Berlin", "sun 03:00-04:00", "2026-03-29T01:00:00Z", true},
		{"Europe/Berlin", "sat 22:00-06:00", "2026-03-29T03:59:59Z", true},
		{"Europe/Berlin", "sat 22:00-06:00", "2026-03-29T04:00:00Z", false},
		// It goes back from 03:00 to 02:00 on 2026-10-25 at 01:00 UTC: 02:30 comes twice.
		{"Europe/Berlin", "sun 02:00-03:00", "2026-10-25T00:30:00Z", true},
		{"Europe/Berlin", "sun 02:00-03:00", "2026-10-25T01:30:00Z", true},
		{"Europe/Berlin", "sun 02:00-03:00", "2026-10-25T02:00:00Z", false},
		{"Europe/Berlin", "sun", "2026-10-25T22:59:59Z", true},
		{"Europe/Berlin", "sun", "2026-10-25T23:00:00Z", false},
		{"America/New_York", "weekends 09:00-10:00", "2026-03-08T13:30:00Z", true},  // EDT, since this morning
		{"America/New_York", "weekends 09:00-10:00", "2026-03-07T14:30:00Z", true},  // EST
		{"America/New_York", "weekends 09:00-10:00", "2026-11-01T14:30:00Z", true},  // EST again
		{"America/New_York", "weekends 09:00-10:00", "2026-11-01T13:30:00Z", false}, // 08:30
		{"Europe/Moscow", "пн 00:00-01:00", "2026-11-22T21:00:00Z", true},
		{"Europe/Moscow", "пн 00:00-01:00", "2026-11-22T20:59:59Z", false},
		{"Europe/Moscow", "вс 23:00-24:00", "2026-11-22T20:59:59Z", true},
	} {
		t.Run(tt.zone+" "+tt.condition+" "+tt.utc, func(t *testing.T) {
			when, err := time.Parse(time.RFC3339, tt.utc)
			if err != nil {
				t.Fatal(err)
			}
			local := localize(when, mustZone(t, tt.zone))
			if s := mustSchedule(t, tt.condition); s.open(local, nil) != tt.open {
				t.Error(s.why(local, nil))
			}
		})
	}
}

func TestTheClockOnTheWallIsThatOfTheTimePackage(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Africa/Monrovia"} {
		loc := mustZone(t, name)
		for when := time.Date(1903, 5, 1, 0, 0, 0, 0, time.UTC); when.Year() < 2160; when = when.Add(7777*time.Minute + 13*time.Second) {
			wall, got := when.In(loc), localize(when, loc)
			if dateText(got.day) != wall.Format(time.DateOnly) || time.Weekday(got.weekday) != wall.Weekday() ||
				int(got.second) != wall.Hour()*3600+wall.Minute()*60+wall.Second() {
				t.Fatalf("%v: got %+v", wall, got)
			}
		}
	}
}

func TestHolidaysThatAreNoDatesAreTold(t *testing.T) {
	h, bad := newHolidays([]string{"2027-01-07", "new year", " 2027-01-01 ", "2027-02-30", "", "2027-01-07"})
	if got := fmt.Sprint(bad); got != "[{1 new year} {3 2027-02-30} {4 }]" {
		t.Errorf("got %s", got)
	}
	if bad[1].path() != "holidays[3]" {
		t.Errorf("got %s", bad[1].path())
	}
	for day, want := range map[string]bool{"2027-01-01": true, "2027-01-07": true, "2027-01-02": false} {
		if n, _ := parseDate(day); h.has(n) != want {
			t.Errorf("%s: %v", day, !want)
		}
	}
	if (*holidaySet)(nil).has(0) {
		t.Error("a directory without holidays has one")
	}
}

func TestAskingAScheduleAllocatesNothing(t *testing.T) {
	s := mustSchedule(t, "weekdays 09:00-13:00,14:00-18:00 !holidays; sat 22:00-06:00; 2026-12-31..2027-01-08")
	holidays, _ := newHolidays([]string{"2027-01-01"})
	loc, when := mustZone(t, "Europe/Berlin"), time.Date(2026, 11, 23, 12, 4, 0, 0, time.UTC)
	if n := testing.AllocsPerRun(100, func() { s.open(localize(when, loc), holidays) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkScheduleOpen(b *testing.B) {
	holidays, _ := newHolidays([]string{"2027-01-01", "2027-01-07"})
	local := localize(time.Date(2026, 11, 22, 12, 4, 0, 0, time.UTC), time.UTC)
	for _, text := range []string{"weekdays 09:00-18:00", "weekdays 09:00-13:00,14:00-18:00 !holidays; sat 22:00-06:00; 2026-12-31..2027-01-08"} {
		s := mustSchedule(b, text)
		b.Run(strings.Fields(text)[1], func(b *testing.B) {
			for b.Loop() {
				s.open(local, holidays)
			}
		})
	}
}

func BenchmarkLocalize(b *testing.B) {
	loc, when := mustZone(b, "Europe/Berlin"), time.Now()
	for b.Loop() {
		localize(when, loc)
	}
}

package schedule

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

var _ cron.Schedule = (*Schedule)(nil)

// Dates lie in the past, so that no government can change them.
func TestScheduleNextAcrossClockChanges(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, spec, zone, after string
		want                    []string
	}{
		{"New York spring gap", "30 2 * * 0", "America/New_York", "2025-03-08T12:00:00Z",
			[]string{"2025-03-09T03:00:00-04:00", "2025-03-16T02:30:00-04:00"}},
		{"New York autumn repeat", "30 1 * * 0", "America/New_York", "2025-11-01T12:00:00Z",
			[]string{"2025-11-02T01:30:00-04:00", "2025-11-09T01:30:00-05:00"}},
		{"New York, asked between the two 01:30s", "30 1 * * *", "America/New_York", "2025-11-02T06:10:00Z",
			[]string{"2025-11-03T01:30:00-05:00"}},
		{"Berlin spring gap", "30 2 * * 0", "Europe/Berlin", "2025-03-29T12:00:00Z",
			[]string{"2025-03-30T03:00:00+02:00", "2025-04-06T02:30:00+02:00"}},
		{"Berlin autumn repeat", "30 2 * * 0", "Europe/Berlin", "2025-10-25T12:00:00Z",
			[]string{"2025-10-26T02:30:00+02:00", "2025-11-02T02:30:00+01:00"}},
		{"Berlin, asked at the jump itself", "30 2 * * *", "Europe/Berlin", "2025-03-30T01:00:00Z",
			[]string{"2025-03-31T02:30:00+02:00"}},
		{"Berlin, slots of one gap are one", "0,30 2 * * 0", "Europe/Berlin", "2025-03-29T12:00:00Z",
			[]string{"2025-03-30T03:00:00+02:00", "2025-04-06T02:00:00+02:00"}},
		{"Berlin office hours", "0 9 * * 1", "Europe/Berlin", "2025-03-24T12:00:00Z",
			[]string{"2025-03-31T09:00:00+02:00"}},
		{"Santiago without midnight", "@weekly", "America/Santiago", "2025-09-06T12:00:00Z",
			[]string{"2025-09-07T01:00:00-03:00", "2025-09-14T00:00:00-03:00"}},
		{"Beirut without midnight", "@weekly", "Asia/Beirut", "2025-03-29T12:00:00Z",
			[]string{"2025-03-30T01:00:00+03:00", "2025-04-06T00:00:00+03:00"}},
		{"Havana without midnight", "@daily", "America/Havana", "2025-03-08T12:00:00Z",
			[]string{"2025-03-09T01:00:00-04:00", "2025-03-10T00:00:00-04:00"}},
		{"Cairo without midnight", "0 0 * * 5", "Africa/Cairo", "2025-04-24T12:00:00Z",
			[]string{"2025-04-25T01:00:00+03:00", "2025-05-02T00:00:00+03:00"}},
		{"Lord Howe half-hour gap", "15 2 * * *", "Australia/Lord_Howe", "2025-10-04T00:00:00Z",
			[]string{"2025-10-05T02:30:00+11:00", "2025-10-06T02:15:00+11:00"}},
		{"Lord Howe half-hour repeat", "45 1 * * *", "Australia/Lord_Howe", "2025-04-05T00:00:00Z",
			[]string{"2025-04-06T01:45:00+11:00", "2025-04-07T01:45:00+10:30"}},
		{"Apia's lost day", "0 9 * * *", "Pacific/Apia", "2011-12-29T18:00:00Z",
			[]string{"2011-12-29T09:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T09:00:00+14:00"}},
		{"real time over a gap", "30 * * * *", "Europe/Berlin", "2025-03-30T00:00:00Z",
			[]string{"2025-03-30T01:30:00+01:00", "2025-03-30T03:30:00+02:00"}},
		{"real time over a repeat", "@hourly", "Europe/Berlin", "2025-10-25T23:30:00Z",
			[]string{"2025-10-26T02:00:00+02:00", "2025-10-26T02:00:00+01:00", "2025-10-26T03:00:00+01:00"}},
		{"real time on a day without midnight", "0 * * * 0", "Asia/Beirut", "2025-03-29T12:00:00Z",
			[]string{"2025-03-30T01:00:00+03:00", "2025-03-30T02:00:00+03:00"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at, s := mustTime(t, tc.after), mustSchedule(t, tc.spec, tc.zone)
			for _, want := range tc.want {
				at = s.Next(at)
				if got := at.Format(time.RFC3339); got != want {
					t.Fatalf("Next = %s, want %s", got, want)
				}
			}
		})
	}
}

func TestParseScheduleRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, spec, zone, reason string }{
		{"zone without a space", "TZ=UTC", "UTC", "remove TZ="},
		{"empty zone inside", "TZ= 0 9 * * 1", "UTC", "remove TZ="},
		{"zone after a space", " TZ=UTC 0 9 * * 1", "UTC", "remove TZ="},
		{"long zone prefix", "CRON_TZ=Europe/Berlin 0 9 * * 1", "UTC", "remove TZ="},
		{"interval", "@every 168h", "UTC", "write clock times"},
		{"negative interval", "@every -1h", "UTC", "write clock times"},
		{"30 February", "0 0 30 2 *", "UTC", "never matches"},
		{"31 April", "0 0 31 4 *", "UTC", "never matches"},
		{"nothing", "", "UTC", "five fields"},
		{"blanks", " \t", "UTC", "five fields"},
		{"seconds", "0 0 9 * * 1", "UTC", "five fields"},
		{"empty field", "0 0 , * *", "UTC", "stray comma"},
		{"empty first field", ", * * * *", "UTC", "stray comma"},
		{"empty list item", "0 9 * * 1,", "UTC", "stray comma"},
		{"minute", "61 * * * *", "UTC", `the minute "61"`},
		{"hour", "0 24 * * *", "UTC", `the hour "24"`},
		{"day of month", "0 9 0 * *", "UTC", `the day of month "0"`},
		{"month", "0 9 1 13 *", "UTC", `the month "13"`},
		{"eighth day", "0 9 * * 8", "UTC", `the day of week "8"`},
		{"from 7 on", "0 9 * * 7-8", "UTC", `the day of week "7-8"`},
		{"backwards over Sunday", "0 9 * * 7-2", "UTC", `the day of week "7-2"`},
		{"step of nothing", "0 9 * * 5-7/0", "UTC", `the day of week "5-7/0"`},
		{"letters", "x 9 * * *", "UTC", `the minute "x"`},
		{"full day name", "0 9 * * Monday", "UTC", "sun-sat"},
		{"unknown name", "@fortnightly", "UTC", "@weekly"},
		{"no zone", "0 9 * * 1", "", "use a named zone"},
		{"machine's zone", "0 9 * * 1", "Local", "use a named zone"},
		{"unknown zone", "0 9 * * 1", "Europe/Bonn", "IANA"},
		{"path for a zone", "0 9 * * 1", "../../etc/localtime", "IANA"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Parse(tc.spec, tc.zone)
			if err == nil || !strings.Contains(err.Error(), tc.reason) {
				t.Errorf("error %v, want one that says %q", err, tc.reason)
			}
		})
	}
}

// TestSundayIsSeven, too, as cron(8) has it.
func TestSundayIsSeven(t *testing.T) {
	t.Parallel()
	for spec, same := range map[string]string{
		"0 9 * * 7": "0 9 * * 0", "0 9 * * 5-7": "0 9 * * 5,6,0", "0 9 * * mon-7": "0 9 * * *", "0 9 * * 1-7/3": "0 9 * * 1,4,0",
		"0 9 * * 0-7": "0 9 * * *", "0 9 * * 3,7": "0 9 * * 3,0", "0 9 * * 7/2": "0 9 * * 0", "0 9 * * 4-7/9223372036854775807": "0 9 * * 4",
		"0 9 * * 1-5": "0 9 * * 1,2,3,4,5", "7 7 7 7 *": "7 7 7 7 *",
	} {
		got, want := mustSchedule(t, spec, "UTC"), mustSchedule(t, same, "UTC")
		at := mustTime(t, "2025-03-10T08:00:00Z")
		for range 20 {
			next := want.Next(at)
			if other := got.Next(at); !other.Equal(next) {
				t.Fatalf("%s: after %s comes %s, want %s", spec, at, other, next)
			}
			at = next
		}
	}
	if got := mustSchedule(t, "0 9 * * 7", "UTC").String(); got != "0 9 * * 7 UTC" {
		t.Errorf("shown as %q", got)
	}
}

func TestScheduleLatest(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, after, until, slot string
		missed                   int
	}{
		{"none due", "2025-03-10T08:00:00Z", "2025-03-17T07:59:59Z", "", 0},
		{"until is inside", "2025-03-10T08:00:00Z", "2025-03-17T08:00:00Z", "2025-03-17T09:00:00+01:00", 0},
		{"after is outside", "2025-03-17T08:00:00Z", "2025-03-17T08:00:00Z", "", 0},
		{"two missed, over the clock change", "2025-03-10T08:00:00Z", "2025-04-01T00:00:00Z", "2025-03-31T09:00:00+02:00", 2},
		{"backwards", "2025-04-01T00:00:00Z", "2025-03-01T00:00:00Z", "", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := mustSchedule(t, "0 9 * * 1", "Europe/Berlin")
			slot, missed := s.Latest(mustTime(t, tc.after), mustTime(t, tc.until))
			if tc.slot == "" && slot.IsZero() && missed == 0 {
				return
			}
			if got := slot.Format(time.RFC3339); got != tc.slot || missed != tc.missed {
				t.Errorf("Latest = %s, %d; want %s, %d", got, missed, tc.slot, tc.missed)
			}
		})
	}
}

func TestScheduleWarnings(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]int{
		"0 9 1-7 * 1": 1, "0 9 */2 * 1": 1, "0 9 * * 1": 0, "0 9 1 * *": 0, "0 9 1 * ?": 0, "@monthly": 0,
	} {
		if got := mustSchedule(t, spec, "UTC").Warnings(); len(got) != want {
			t.Errorf("%s: warnings %q, want %d", spec, got, want)
		}
	}
}

func TestScheduleString(t *testing.T) {
	t.Parallel()
	if got, want := mustSchedule(t, " 0 9 * * 1 ", "Europe/Berlin").String(), "0 9 * * 1 Europe/Berlin"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
}

var changingZones = []string{
	"Africa/Cairo", "Africa/Casablanca", "America/Asuncion", "America/Havana", "America/New_York", "America/Santiago",
	"America/Sao_Paulo", "America/St_Johns", "Antarctica/Troll", "Asia/Amman", "Asia/Beirut", "Asia/Gaza", "Asia/Kathmandu",
	"Asia/Pyongyang", "Asia/Tehran", "Atlantic/Azores", "Australia/Lord_Howe", "Europe/Berlin", "Europe/Dublin",
	"Europe/Volgograd", "Pacific/Apia", "Pacific/Chatham", "UTC",
}

// One fire for each date of the calendar, strictly increasing, the same from
// any start.
func TestScheduleDailyFiresOncePerDate(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(541, 12))
	for range 500 {
		hour, minute := random.IntN(24), 1+random.IntN(59) // 00:00 of Apia's lost day and of the next are one instant
		s := mustSchedule(t, fmt.Sprintf("%d %d * * *", minute, hour), changingZones[random.IntN(len(changingZones))])
		date := time.Date(2005+random.IntN(20), time.January, 10, hour, minute, 0, 0, time.UTC)
		slot := s.Next(time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, -1, s.zone))
		for range 400 {
			checkFirstShown(t, s, slot, date)
			next := s.Next(slot)
			if !next.After(slot) {
				t.Fatalf("%s: %s after %s", s, next, slot)
			}
			between := slot.Add(time.Duration(random.Int64N(int64(next.Sub(slot)))))
			if again := s.Next(between); !again.Equal(next) {
				t.Fatalf("%s: Next(%s) = %s, but Next(%s) = %s", s, slot, next, between, again)
			}
			slot, date = next, date.AddDate(0, 0, 1)
		}
	}
}

// checkFirstShown wants clocks to show digits at slot and not earlier that
// day, or to jump over them at slot.
func checkFirstShown(t *testing.T, s *Schedule, slot, digits time.Time) {
	t.Helper()
	const layout = "2006-01-02T15:04:05"
	want := digits.Format(layout)
	shown, before := slot.Format(layout), slot.Add(-time.Second).Format(layout)
	if shown > want && before < want {
		return
	}
	if shown != want {
		t.Fatalf("%s: slot %s, want clocks to show %s", s, slot, want)
	}
	if change, _ := slot.ZoneBounds(); slot.Sub(change) > 24*time.Hour {
		return
	}
	for ago := 10 * time.Minute; ago <= 24*time.Hour; ago += 10 * time.Minute {
		if slot.Add(-ago).Format(layout) == want {
			t.Fatalf("%s: slot %s, but clocks showed it %s before", s, slot, ago)
		}
	}
}

// With hour *, Next agrees with a look at the clock in every minute.
func TestScheduleHourStarFollowsRealTime(t *testing.T) {
	t.Parallel()
	const from, days = "2011-12-27T00:00:00Z", 120 // Apia's lost day and the clock changes of spring
	random := rand.New(rand.NewPCG(541, 13))
	for _, zone := range changingZones {
		minute := random.IntN(60)
		for _, weekday := range []time.Weekday{time.Sunday, time.Friday} { // days without midnight, in most zones that have some
			s := mustSchedule(t, fmt.Sprintf("%d * * * %d", minute, weekday), zone)
			start := mustTime(t, from).In(s.zone)
			checkEveryMinute(t, s, start, start.AddDate(0, 0, days), func(now time.Time) bool {
				return now.Minute() == minute && now.Weekday() == weekday
			})
		}
	}
}

func checkEveryMinute(t *testing.T, s *Schedule, now, end time.Time, due func(time.Time) bool) {
	t.Helper()
	for next := s.Next(now); now.Before(end); {
		now = now.Add(time.Minute)
		if due(now) != now.Equal(next) {
			t.Fatalf("%s: at %s due is %t, but Next is %s", s, now, due(now), next)
		}
		if due(now) {
			next = s.Next(next)
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, spec := range []string{"0 9 * * 1", "TZ=UTC", "TZ=", "@every 1s", "@weekly", "* * 29 2 *", ", * * * *", "*/90 1-5,7 ? jan sun"} {
		f.Add(spec, "America/New_York", int64(1741500000))
		f.Add(spec, "Pacific/Apia", int64(1325152799))
	}
	f.Fuzz(func(t *testing.T, spec, zone string, unix int64) {
		s, err := Parse(spec, zone)
		if err != nil {
			return
		}
		at := time.Unix(unix%253402300800, 0) // years up to 9999
		if next := s.Next(at); !next.IsZero() && !next.After(at) {
			t.Errorf("%s: Next(%s) = %s", s, at, next)
		}
	})
}

func mustSchedule(t *testing.T, spec, zone string) *Schedule {
	t.Helper()
	s, err := Parse(spec, zone)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustTime(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

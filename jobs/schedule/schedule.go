// Package schedule says when a review is due: cron expressions of robfig/cron on
// the clocks of one zone, each slot exactly once, whatever the clocks do.
package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // scratch images have no zone files of their own

	"github.com/robfig/cron/v3"
)

// cronStar is the bit robfig/cron sets in a field written as * or ?.
const cronStar = 1 << 63

// Schedule is a wall-clock cron schedule in one zone. Every slot happens
// exactly once: a slot that the clocks jump over happens at the jump, and a
// slot that they show twice happens the first time only. Slots that the same
// jump skips happen together, as one.
//
// A schedule whose hour is * (or @hourly) follows real time instead: it fires
// whenever the clocks show a matching time, so once in each hour that passes.
//
// robfig/cron alone loses or repeats such slots (robfig/cron#541).
type Schedule struct {
	text string
	zone *time.Location
	spec *cron.SpecSchedule // matches clock digits written in UTC, where no clock ever changes
}

// Parse reads a cron expression of five fields (minute, hour, day of
// month, month, day of week) or a name such as @weekly, on the clocks of an
// IANA zone such as Europe/Berlin. It refuses what would not fire when its
// author thinks: a zone inside the expression, @every, an empty list item, a
// date that never comes, and a zone that is unnamed, unknown or Local. Its
// errors give the reason and what to write instead, for the key of the configuration in
// front of them. The day 7 is Sunday, as 0.
func Parse(spec, zone string) (*Schedule, error) {
	spec = strings.TrimSpace(spec)
	refuse := func(reason string, args ...any) (*Schedule, error) { return nil, fmt.Errorf(reason, args...) }
	// robfig/cron panics on a zone (robfig/cron#554) and drops empty list items.
	if strings.Contains(spec, "TZ=") {
		return refuse("contains a time zone; remove TZ= and set timezone")
	}
	for _, field := range strings.Fields(spec) {
		if slices.Contains(strings.Split(field, ","), "") {
			return refuse("has an empty list item in %q; remove the stray comma", field)
		}
	}
	parsed, err := cron.ParseStandard(withSunday(spec))
	if err != nil {
		return refuse("%s", wrongIn(spec))
	}
	fields, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return refuse(`must not be @every: it counts from the start of the process, so a restart changes it; ` +
			`write clock times, such as "0 9 * * 1"`)
	}
	fields.Location = time.UTC
	if leapYear := time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC); fields.Next(leapYear).IsZero() {
		return refuse("never matches: no such month has such a day; change the day or the month")
	}
	if zone == "" || zone == "Local" {
		return nil, fmt.Errorf("must not be %q, which depends on the machine; use a named zone, such as Europe/Berlin or UTC", zone)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("unknown time zone %.60q; use an IANA name, such as Europe/Berlin or UTC", zone)
	}
	return &Schedule{text: spec, zone: location, spec: fields}, nil
}

// Next returns the first slot after t, in the schedule's zone, or the zero
// time if there is none within five years (29 February around the year 2100).
// It implements cron.Schedule.
func (s *Schedule) Next(t time.Time) time.Time {
	if s.spec.Hour&cronStar != 0 {
		return s.nextShown(t.In(s.zone))
	}
	for digits := clockDigits(t.In(s.zone), time.UTC); ; {
		digits = s.spec.Next(digits)
		if digits.IsZero() {
			return digits
		}
		if slot := firstShown(digits, s.zone); slot.After(t) {
			return slot
		}
	}
}

// nextShown finds the next instant at which the clocks show a match. It goes
// from clock change to clock change, because robfig/cron drops the whole of a
// day that has no midnight.
func (s *Schedule) nextShown(t time.Time) time.Time {
	for after := t; ; {
		_, seconds := t.Zone()
		_, change := t.ZoneBounds()
		offset := time.Duration(seconds) * time.Second
		digits := s.spec.Next(after.UTC().Add(offset))
		if digits.IsZero() {
			return digits
		}
		slot := digits.Add(-offset).In(s.zone)
		if change.IsZero() || slot.Before(change) {
			return slot
		}
		t, after = change, change.Add(-1)
	}
}

// firstShown returns the first instant at which clocks in zone show digits, or
// the jump that leaves them out.
func firstShown(digits time.Time, zone *time.Location) time.Time {
	at := clockDigits(digits, zone)
	start, end := at.ZoneBounds()
	switch shown := clockDigits(at, time.UTC); {
	case shown.After(digits):
		return start
	case shown.Before(digits):
		return end
	case start.IsZero():
		return at
	}
	_, before := start.Add(-1).Zone()
	_, now := at.Zone()
	if earlier := at.Add(time.Duration(now-before) * time.Second); earlier.Before(start) {
		return earlier
	}
	return at
}

// clockDigits reads the clock of t, to the second, and sets a clock in zone to
// the same digits.
func clockDigits(t time.Time, zone *time.Location) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone)
}

// Latest returns the newest slot in (after, until], or the zero time if there
// is none, and how many earlier slots lie in that interval. It visits every
// slot, so the caller bounds the interval.
func (s *Schedule) Latest(after, until time.Time) (slot time.Time, missed int) {
	for next := s.Next(after); !next.IsZero() && !next.After(until); next = s.Next(next) {
		if !slot.IsZero() {
			missed++
		}
		slot = next
	}
	return slot, missed
}

// Warnings says what is legal but likely not meant; empty if all is well.
func (s *Schedule) Warnings() []string {
	if (s.spec.Dom|s.spec.Dow)&cronStar != 0 {
		return nil
	}
	return []string{fmt.Sprintf("schedule %q: day of month and day of week are both restricted, "+
		"also by a step such as */2. A review is due on days that match either one. "+
		"If this is not intended, write * for one of them", s.text)}
}

// String returns the expression and its zone.
func (s *Schedule) String() string {
	return s.text + " " + s.zone.String()
}

// Moved reports whether the clocks jump over the time that the schedule names, so
// that the slot stands at the jump.
func (s *Schedule) Moved(slot time.Time) bool {
	digits := clockDigits(slot.In(s.zone), time.UTC)
	return !s.spec.Next(digits.Add(-time.Second)).Equal(digits)
}

// Repeated reports whether the clocks show the time of the slot once more after
// it; the schedule takes the first.
func (s *Schedule) Repeated(slot time.Time) bool {
	slot = slot.In(s.zone)
	_, end := slot.ZoneBounds()
	return !end.IsZero() && !end.Add(-s.Change(slot, end)).After(slot) && s.Change(slot, end) > 0
}

// Change is by how much the clocks were set back between two times; negative if
// they were set forward.
func (s *Schedule) Change(from, to time.Time) time.Duration {
	_, before := from.In(s.zone).Zone()
	_, after := to.In(s.zone).Zone()
	return time.Duration(before-after) * time.Second
}

package jobs

import "time"

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

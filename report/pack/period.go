package pack

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"tokenaudit/jobs/audit"
)

// Period is a year, a quarter or a month, on the clocks of the job.
type Period struct {
	text                string
	year, month, months int
}

// ParsePeriod reads 2026, 2026Q3 or 2026-11.
func ParsePeriod(text string) (Period, error) {
	m := regexp.MustCompile(`^(\d{4})(?:Q([1-4])|-(0[1-9]|1[0-2]))?$`).FindStringSubmatch(text)
	if m == nil {
		return Period{}, fmt.Errorf("period %q: write a year, a quarter or a month, such as 2026, 2026Q3 or 2026-11", text)
	}
	number := func(s string) int { n, _ := strconv.Atoi(s); return n } // digits only
	p := Period{text: text, year: number(m[1]), month: 1, months: 12}
	switch {
	case m[2] != "":
		p.month, p.months = number(m[2])*3-2, 3
	case m[3] != "":
		p.month, p.months = number(m[3]), 1
	}
	return p, nil
}

// bounds are the first moment of the period and the first after it.
func (p Period) bounds(zone string) (from, to time.Time, err error) {
	place, err := time.LoadLocation(zone)
	if err != nil {
		return from, to, err
	}
	from = time.Date(p.year, time.Month(p.month), 1, 0, 0, 0, 0, place)
	return from, time.Date(p.year, time.Month(p.month+p.months), 1, 0, 0, 0, 0, place), nil
}

// Attendance holds the reviews of a period against the schedule.
type Attendance struct {
	Period string
	// From is the first moment that is looked at, where that is not the beginning of the
	// period: what is due before it, no pack can show. Why says so.
	From time.Time
	Why  string
	// Often says how often reviews were planned: weekly, or planned if that varies.
	Often string
	// Planned are the slots of the schedule, as far as they are due; Performed of
	// them have a pack; ByHand are further reviews.
	Planned, Performed, ByHand int
	Missing                    []time.Time
	// Late began after their time; NotComplete did not see everything.
	Late, NotComplete []*Checked
	// Open is set while the period is not over.
	Open bool
}

// attend says which packs are of the period, and holds them against the schedule.
func (v *verifier) attend() {
	a := &Attendance{Period: v.options.Period.text}
	performed := map[int64]bool{}
	for _, p := range v.packs {
		from, to, err := v.options.Period.bounds(p.Zone)
		if err != nil {
			v.problem(p.Folder, manifestFile, "zone %q: %v", p.Zone, err)
			continue
		}
		switch {
		case p.Slot.Before(from):
			p.when = -1
			continue
		case !p.Slot.Before(to):
			p.when = 1
			continue
		}
		performed[p.Slot.Unix()] = true
		if p.Trigger == audit.CatchUp {
			a.Late = append(a.Late, p)
		}
		if p.Trigger == audit.Manual {
			a.ByHand++
		}
		if p.Coverage.Verdict != audit.Complete {
			a.NotComplete = append(a.NotComplete, p)
		}
	}
	slots := v.plannedSlots(a)
	a.Planned, a.Often = len(slots), often(slots)
	for _, slot := range slots {
		if performed[slot.Unix()] {
			a.Performed++
		} else {
			a.Missing = append(a.Missing, slot)
		}
	}
	v.Attendance = a
}

// plannedSlots are the slots of the period that are due by now. A schedule lasts to
// the first pack that has another one: what the old one still planned until then
// counts as missing.
func (v *verifier) plannedSlots(a *Attendance) (out []time.Time) {
	packs := slices.Clone(v.packs)
	slices.SortStableFunc(packs, func(a, b *Checked) int { return a.Slot.Compare(b.Slot) })
	began, why := v.began()
	reached := began // the schedules before this one planned up to here
	for i, p := range packs {
		if i > 0 && packs[i-1].Schedule == p.Schedule && packs[i-1].Zone == p.Zone {
			continue
		}
		from, to, err := v.options.Period.bounds(p.Zone)
		if err != nil {
			continue // said by attend
		}
		if v.options.Now.Before(to) {
			to, a.Open = v.options.Now, true
		}
		if reached.After(from) {
			if from = reached; from.Equal(began) {
				a.From, a.Why = began, why
			}
		}
		next := slices.IndexFunc(packs[i:], func(q *Checked) bool { return q.Schedule != p.Schedule || q.Zone != p.Zone })
		if next > 0 {
			q := packs[i+next]
			say(&v.Remarks, "the schedule changed with %s, from %s %s to %s %s", q.Folder, p.Schedule, p.Zone, q.Schedule, q.Zone)
			reached = q.Slot
			if reached.Before(to) {
				to = reached
			}
		}
		if !from.Before(to) {
			continue
		}
		slots, err := v.options.Planned(p.Schedule, p.Zone, from, to)
		if err != nil {
			v.problem("", manifestFile, "a pack names a schedule that cannot be read: %v", err)
		}
		out = append(out, slots...)
	}
	return out
}

// began is the slot of the first pack, where nothing can be called missing that was due
// before it: it is the first of its job, or retention took those before away.
func (v *verifier) began() (slot time.Time, why string) {
	if len(v.packs) == 0 {
		return slot, ""
	}
	first := v.packs[0]
	record, err := readChain(v.path)
	switch {
	case first.Previous == nil:
		return first.Slot, "the first review of the job"
	case err == nil && record.Pruned != nil && *record.Pruned == *first.Previous:
		return first.Slot, "the oldest pack that retention left"
	}
	return slot, ""
}

// often names the distance between slots, with room for a change of the clocks.
func often(slots []time.Time) string {
	const hour, day = time.Hour, 24 * time.Hour
	kinds := []struct {
		name      string
		low, high time.Duration
	}{
		{"hourly", hour, hour}, {"daily", 23 * hour, 25 * hour}, {"weekly", 7*day - hour, 7*day + hour},
		{"monthly", 28*day - hour, 31*day + hour}, {"quarterly", 90*day - hour, 92*day + hour},
	}
	for _, k := range kinds {
		fits := len(slots) > 1
		for i := 1; i < len(slots); i++ {
			gap := slots[i].Sub(slots[i-1])
			fits = fits && gap >= k.low && gap <= k.high
		}
		if fits {
			return k.name
		}
	}
	return "planned"
}

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

// String is the period as it was written.
func (p Period) String() string { return p.text }

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
	// Often says how often reviews were planned: weekly, or planned if that varies.
	Often string
	// Planned are the slots of the schedule, as far as they are due; Performed of
	// them have a pack; ByHand are further reviews.
	Planned, Performed, ByHand int
	Missing                    []time.Time
	// Late began after their time; NotComplete did not see everything.
	Late, NotComplete []Checked
	// Open is set while the period is not over.
	Open bool
}

// attend marks the packs of the period, and counts them.
func (v *verifier) attend() {
	if v.options.Period == nil {
		return
	}
	a := &Attendance{Period: v.options.Period.text}
	performed := map[int64]bool{}
	for _, p := range v.packs {
		from, to, err := v.options.Period.bounds(p.Zone)
		if err != nil {
			v.problem(p.folder, manifestFile, "zone %q: %v", p.Zone, err)
			continue
		}
		if p.inScope = !p.Slot.Before(from) && p.Slot.Before(to); p.inScope {
			a.meet(p)
			performed[p.Slot.Unix()] = true
		}
	}
	a.compare(v.plannedSlots(a), performed)
	v.out.Attendance = a
}

func (a *Attendance) meet(p *pack) {
	c := Checked{Manifest: p.Manifest, Folder: p.folder}
	if p.Trigger == audit.CatchUp {
		a.Late = append(a.Late, c)
	}
	if p.Trigger == audit.Manual {
		a.ByHand++
	}
	if p.Coverage.Verdict != audit.Complete {
		a.NotComplete = append(a.NotComplete, c)
	}
}

func (a *Attendance) compare(slots []time.Time, performed map[int64]bool) {
	a.Planned, a.Often = len(slots), often(slots)
	for _, slot := range slots {
		if performed[slot.Unix()] {
			a.Performed++
		} else {
			a.Missing = append(a.Missing, slot)
		}
	}
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

// regime is a stretch of time with one schedule. It lasts to the first pack that
// has another one: what the old one still planned until then counts as missing.
type regime struct {
	schedule, zone string
	until          time.Time // zero for the last
}

func (v *verifier) regimes() []regime {
	packs := slices.Clone(v.packs)
	slices.SortStableFunc(packs, func(a, b *pack) int { return a.Slot.Compare(b.Slot) })
	var out []regime
	for _, p := range packs {
		last := len(out) - 1
		if last >= 0 && out[last].schedule == p.Schedule && out[last].zone == p.Zone {
			continue
		}
		if last >= 0 {
			out[last].until = p.Slot
			v.remark("the schedule changed with %s, from %s %s to %s %s", p.folder, out[last].schedule, out[last].zone, p.Schedule, p.Zone)
		}
		out = append(out, regime{schedule: p.Schedule, zone: p.Zone})
	}
	return out
}

// plannedSlots are the slots of the period that are due by now.
func (v *verifier) plannedSlots(a *Attendance) []time.Time {
	var out []time.Time
	var reached time.Time
	for _, r := range v.regimes() {
		from, to, err := v.options.Period.bounds(r.zone)
		if err != nil {
			continue // said by attend
		}
		if v.options.Now.Before(to) {
			to, a.Open = v.options.Now, true
		}
		if !r.until.IsZero() && r.until.Before(to) {
			to = r.until
		}
		from, reached = latest(from, reached), r.until
		out = append(out, v.slotsOf(r, from, to)...)
	}
	return out
}

func (v *verifier) slotsOf(r regime, from, to time.Time) []time.Time {
	if !from.Before(to) {
		return nil
	}
	slots, err := v.options.Planned(r.schedule, r.zone, from, to)
	if err != nil {
		v.problem("", manifestFile, "a pack names a schedule that cannot be read: %v", err)
	}
	return slots
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

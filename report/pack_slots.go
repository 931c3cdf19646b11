package report

import (
	"slices"
	"time"
)

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

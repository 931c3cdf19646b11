package pack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
)

func TestParsePeriod(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026":    "2026-01-01 00:00 CET 2027-01-01 00:00 CET",
		"2026Q1":  "2026-01-01 00:00 CET 2026-04-01 00:00 CEST",
		"2026Q4":  "2026-10-01 00:00 CEST 2027-01-01 00:00 CET",
		"2026-11": "2026-11-01 00:00 CET 2026-12-01 00:00 CET",
		"2026-12": "2026-12-01 00:00 CET 2027-01-01 00:00 CET",
	} {
		p, err := ParsePeriod(text)
		must(t, err)
		from, to, err := p.bounds("Europe/Berlin")
		const layout = "2006-01-02 15:04 MST"
		if got := from.Format(layout) + " " + to.Format(layout); err != nil || got != want || p.text != text {
			t.Errorf("%s: %s, want %s (%v)", text, got, want, err)
		}
	}
	for _, text := range []string{"", "26", "2026Q5", "2026Q0", "2026-13", "2026-00", "2026-1", "2026Q3x", "Q3", "2026-Q3"} {
		if _, err := ParsePeriod(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestPeriod(t *testing.T) {
	t.Parallel()
	made := newWeeks(t, 14, nil) // from 29 June to 28 September; the third quarter has 13 Mondays
	third, err := ParsePeriod("2026Q3")
	must(t, err)
	for name, c := range map[string]struct {
		change  func(w *weeks)
		want    string
		problem []string
	}{
		"all took place":                 {func(*weeks) {}, "13 of 13 weekly", nil},
		"one removed":                    {func(w *weeks) { must(t, os.RemoveAll(w.folder(5))) }, "12 of 13 weekly missing 2026-07-27T07:00Z", []string{"pack 5 is missing"}},
		"the last of the period removed": {func(w *weeks) { must(t, os.RemoveAll(w.folder(14))) }, "12 of 13 weekly missing 2026-09-28T07:00Z", []string{"pack 14 is missing at the end"}},
		"one before the period removed":  {func(w *weeks) { must(t, os.RemoveAll(w.folder(1))) }, "13 of 13 weekly", nil},
		"one before the period changed":  {func(w *weeks) { flip(t, filepath.Join(w.folder(1), "findings.csv")) }, "13 of 13 weekly", nil},
		"one inside changed":             {func(w *weeks) { flip(t, filepath.Join(w.folder(2), "findings.csv")) }, "13 of 13 weekly", []string{second, "findings.csv"}},
		"a review by hand besides": {func(w *weeks) {
			w.seal(audit.Run{Job: "weekly", Slot: firstSlot.AddDate(0, 0, 9), Trigger: audit.Manual}, audit.Complete)
		}, "13 of 13 weekly by hand 1", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := made.copied(t)
			c.change(w)
			v := w.verify(Options{Period: &third, Planned: mondays, Now: firstSlot.AddDate(1, 0, 0)})
			if got := attendance(v); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if (len(v.Problems) > 0) != (c.problem != nil) || c.problem != nil && !hasProblem(v.Problems, c.problem...) {
				t.Errorf("want %q, got%s", c.problem, problems(v.Problems))
			}
		})
	}
}

// TestOutsideOfPeriod: what is missing there is no matter of the period.
func TestOutsideOfPeriod(t *testing.T) {
	t.Parallel()
	july, err := ParsePeriod("2026-07")
	must(t, err)
	for name, n := range map[string]int{"between later ones": 8, "at the end": 10} {
		w := newWeeks(t, 10, nil)
		must(t, os.RemoveAll(w.folder(n)))
		o := Options{Period: &july, Planned: mondays, Now: firstSlot.AddDate(1, 0, 0)}
		if v := w.verify(o); !v.OK() {
			t.Errorf("%s: %s%s", name, attendance(v), problems(v.Problems))
		}
		o.Period = nil
		if v := w.verify(o); v.OK() {
			t.Errorf("%s: not missed without a period", name)
		}
	}
}

func attendance(v *Result) string {
	a := v.Attendance
	out := fmt.Sprintf("%d of %d %s", a.Performed, a.Planned, a.Often)
	for _, slot := range a.Missing {
		out += " missing " + slot.UTC().Format("2006-01-02T15:04Z")
	}
	for _, p := range a.Late {
		out += " late " + p.Folder
	}
	for _, p := range a.NotComplete {
		out += " " + string(p.Coverage.Verdict) + " " + p.Folder
	}
	if a.ByHand > 0 {
		out += fmt.Sprintf(" by hand %d", a.ByHand)
	}
	return out
}

// TestAttendance: a slot that nobody reviewed, a late one, a partial one, a period
// that is not over, and one that began before the first review.
func TestAttendance(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 2, nil) // 29 June, 6 July
	week := func(n int) time.Time { return firstSlot.AddDate(0, 0, 7*n) }
	w.seal(audit.Run{Job: "weekly", Slot: week(3), Trigger: audit.CatchUp, Missed: 1}, audit.Complete)
	w.seal(audit.Run{Job: "weekly", Slot: week(4), Trigger: audit.Scheduled}, audit.Partial)
	for text, want := range map[string]string{
		"2026-07": "3 of 4 weekly missing 2026-07-13T07:00Z late 2026-07-20T0700Z partial 2026-07-27T0700Z",
		"2026-06": "1 of 1 planned",
		"2026-05": "0 of 0 planned",
		"2026":    "4 of 6 weekly missing 2026-07-13T07:00Z missing 2026-08-03T07:00Z late 2026-07-20T0700Z partial 2026-07-27T0700Z",
		"2026-08": "0 of 1 planned missing 2026-08-03T07:00Z",
		"2026-09": "0 of 0 planned",
	} {
		p, err := ParsePeriod(text)
		must(t, err)
		v := w.verify(Options{Period: &p, Planned: mondays, Now: week(5).Add(time.Hour)})
		if got := attendance(v); got != want || len(v.Problems) > 0 || v.OK() != !strings.Contains(want, "missing") {
			t.Errorf("%s: %s, want %s%s", text, got, want, problems(v.Problems))
		}
		if open := text == "2026-08" || text == "2026-09" || text == "2026"; v.Attendance.Open != open {
			t.Errorf("%s: open %t", text, v.Attendance.Open)
		}
	}
}

// TestBeforeTheFirstPack: what was due before it is missing only where the chain says that
// there was a pack, and nobody says that retention took it.
func TestBeforeTheFirstPack(t *testing.T) {
	t.Parallel()
	third, err := ParsePeriod("2026Q3")
	must(t, err)
	second := func(w *weeks) audit.Link {
		return audit.Link{Sequence: 3, Run: manifestIn(w.t, w.folder(3)).RunID, Manifest: digest(getFile(w.t, filepath.Join(w.folder(3), manifestFile)))}
	}
	for name, c := range map[string]struct {
		change func(w *weeks)
		want   string
		from   string
	}{
		"retention took them": {func(w *weeks) { must(w.t, markPruned(w.dir, second(w))) }, "11 of 11 weekly", "2026-07-20T07:00Z the oldest pack that retention left"},
		"somebody took them":  {func(*weeks) {}, "11 of 13 weekly missing 2026-07-06T07:00Z missing 2026-07-13T07:00Z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWeeks(t, 14, nil)
			c.change(w)
			for n := range 3 {
				must(t, os.RemoveAll(w.folder(n+1)))
			}
			a := w.verify(Options{Period: &third, Planned: mondays, Now: firstSlot.AddDate(1, 0, 0)})
			from := ""
			if !a.Attendance.From.IsZero() {
				from = a.Attendance.From.UTC().Format("2006-01-02T15:04Z ") + a.Attendance.Why
			}
			if got := attendance(a); got != c.want || from != c.from {
				t.Errorf("%s, from %q; want %s, from %q", got, from, c.want, c.from)
			}
		})
	}
}

// TestScheduleChanges: each schedule counts while it was in force.
func TestScheduleChanges(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 2, nil)
	run := audit.Run{Job: "weekly", Slot: firstSlot.AddDate(0, 0, 11), Trigger: audit.Scheduled} // Friday 10 July
	run.Started = run.Slot
	dir := filepath.Join(w.dir, run.SlotName())
	w.write(dir, run)
	p := w.pack(run, audit.Complete)
	p.Schedule = "0 9 * * 5"
	_, err := Seal(t.Context(), dir, p)
	must(t, err)
	planned := func(schedule, zone string, from, to time.Time) ([]time.Time, error) {
		if schedule == "0 9 * * 1" {
			return mondays(schedule, zone, from, to)
		}
		all, err := mondays(schedule, zone, from.AddDate(0, 0, -4), to.AddDate(0, 0, -4))
		for i := range all {
			all[i] = all[i].AddDate(0, 0, 4)
		}
		return all, err
	}
	july, _ := ParsePeriod("2026-07")
	v := w.verify(Options{Period: &july, Planned: planned, Now: firstSlot.AddDate(0, 0, 20)}) // 19 July
	if got, want := attendance(v), "2 of 3 planned missing 2026-07-17T07:00Z"; got != want || !strings.Contains(strings.Join(v.Remarks, "\n"), "the schedule changed with 2026-07-10T0700Z") {
		t.Errorf("%s, want %s; %q", got, want, v.Remarks)
	}
}

// TestBadSchedule: a forged schedule or zone is a problem, no failure.
func TestBadSchedule(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 1, nil)
	july, _ := ParsePeriod("2026-07")
	refuse := func(string, string, time.Time, time.Time) ([]time.Time, error) { return nil, fmt.Errorf("five fields") }
	if v := w.verify(Options{Period: &july, Planned: refuse, Now: firstSlot.AddDate(1, 0, 0)}); !hasProblem(v.Problems, "five fields") {
		t.Error(problems(v.Problems))
	}
	reseal(t, w.folder(1), func(m *Manifest) { m.Zone = "Moon/Base" })
	if v := w.verify(Options{Period: &july, Planned: mondays, Now: firstSlot.AddDate(1, 0, 0)}); !hasProblem(v.Problems, "Moon/Base") {
		t.Error(problems(v.Problems))
	}
}

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/schedule"
)

// scheduleFlags are the flags of schedule.
type scheduleFlags struct {
	config, job, from string
	next              int
	json              bool
}

// slotJSON is a slot in the JSON of schedule.
type slotJSON struct {
	Job      string    `json:"job"`
	Campaign string    `json:"campaign,omitempty"` // that opens then; "" for a review
	Slot     time.Time `json:"slot"`               // in the zone of the job
	UTC      time.Time `json:"utc"`
	Note     string    `json:"note"`
}

func (c *cli) schedule() *cobra.Command {
	var f scheduleFlags
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Print when reviews are due",
		Long: `schedule prints the next slots of every job (the times at which reviews are due), and the
next openings of its campaigns. It prints them in the zone of the job and in UTC. Each
slot is reviewed once, also when the clocks change. If the clocks skip the time, the
review is due at the change. If they show it twice, the first one counts.`,
		Example: `  tokenaudit schedule -c tokenaudit.yaml
  tokenaudit schedule --job weekly-review --from 2027-03-01 --next 8
  tokenaudit schedule -c tokenaudit.yaml --next 1 --json`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return c.printSchedule(f) },
	}
	flags := cmd.Flags()
	configFlag(cmd, &f.config)
	jobFlag(cmd, &f.job)
	flags.StringVar(&f.from, "from", "", "day to begin with, such as 2027-03-01 (default: now)")
	flags.IntVar(&f.next, "next", 10, "how many slots of each job")
	jsonFlag(cmd, &f.json)
	return cmd
}

func (c *cli) printSchedule(f scheduleFlags) error {
	file, err := readConfig(f.config)
	if err != nil {
		return err
	}
	chosen, err := chosenJobs(file, f.job)
	if err != nil {
		return err
	}
	if f.next < 1 {
		return usagef("--next %d: needs 1 or more", f.next)
	}
	slots := []slotJSON{}
	for _, j := range chosen {
		s, err := schedule.Parse(j.Schedule, j.Timezone)
		if err != nil {
			return usageError{err}
		}
		for _, w := range s.Warnings() {
			c.warn("job %q: %s", j.Name, w)
		}
		before := time.Now()
		if f.from != "" {
			location, err := time.LoadLocation(j.Timezone)
			if err != nil {
				return usageError{err}
			}
			day, err := time.ParseInLocation(time.DateOnly, f.from, location)
			if err != nil {
				return usagef("--from %q: needs a day such as 2027-03-01", f.from)
			}
			before = day.Add(-time.Nanosecond) // so that a slot at midnight is shown
		}
		slots = append(slots, nextSlots(s, j.Name, "", before, f.next)...)
		campaigns, err := campaignsOf(file, j)
		if err != nil {
			return usageError{err}
		}
		for _, of := range campaigns {
			if of.Schedule != nil {
				slots = append(slots, nextSlots(of.Schedule, j.Name, of.Terms.Name, before, f.next)...)
			}
		}
	}
	if f.json {
		return c.encode(slots)
	}
	t := newTable(column{name: "JOB"}, column{name: "SLOT"}, column{name: "UTC", drop: 1}, column{name: "NOTE", shrink: 20})
	for _, s := range slots {
		if s.Campaign != "" {
			s.Note = strings.TrimSuffix("campaign "+s.Campaign+" opens; "+s.Note, "; ")
		}
		t.row(s.Job, s.Slot.Format("Mon 2006-01-02 15:04 MST"), s.UTC.Format("2006-01-02 15:04"), s.Note)
	}
	_, err = fmt.Fprintln(c.stdout, t.render(c.columns()))
	return err
}

// nextSlots are the next ones of a job, or of a campaign of it.
func nextSlots(s *schedule.Schedule, job, campaign string, before time.Time, most int) (slots []slotJSON) {
	for range most {
		slot := s.Next(before)
		if slot.IsZero() {
			break
		}
		slots = append(slots, slotJSON{job, campaign, slot, slot.UTC(), clockNote(s, before, slot)})
		before = slot
	}
	return slots
}

// clockNote marks a slot that a change of the clocks has to do with.
func clockNote(s *schedule.Schedule, before, slot time.Time) string {
	var notes []string
	short := func(d time.Duration) string { return strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(d.String()) }
	switch by := s.Change(before, slot); {
	case by > 0:
		notes = append(notes, "the clocks went back by "+short(by))
	case by < 0:
		notes = append(notes, "the clocks went forward by "+short(-by))
	}
	switch {
	case s.Moved(slot):
		notes = append(notes, "the scheduled time does not exist on this day: due at the clock change")
	case s.Repeated(slot):
		notes = append(notes, "the clocks show this time twice: due at the first")
	}
	return strings.Join(notes, "; ")
}

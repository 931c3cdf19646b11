package audit

import (
	"fmt"
	"slices"
	"time"
)

// Trigger says why a run began.
type Trigger string

const (
	Scheduled Trigger = "schedule" // its slot was due
	CatchUp   Trigger = "catch-up" // its slot had passed while nothing ran
	Manual    Trigger = "manual"   // somebody asked for it
	DryRun    Trigger = "dry-run"  // somebody tried it; no later review is compared with it
	Sample    Trigger = "sample"   // made up, to show what a message looks like; never in a ledger
)

// Tool is what made a report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Build   string `json:"build,omitempty"` // commit and Go version
}

// Run is one review of one job. Job and Slot together are its identity.
type Run struct {
	Job     string    `json:"job"`
	Slot    time.Time `json:"slot"` // the time it was due, not the time it began
	Trigger Trigger   `json:"trigger"`
	Missed  int       `json:"missed"` // slots before this one that nobody reviewed
	Started time.Time `json:"started"`
}

// SlotName is the slot as it stands in folder names: 2026-11-23T0800Z, with the
// seconds where there are any.
func (r Run) SlotName() string {
	if r.Slot.Second() == 0 {
		return r.Slot.UTC().Format("2006-01-02T1504Z")
	}
	return r.Slot.UTC().Format("2006-01-02T150405Z")
}

// ID names the run: weekly-review/2026-11-23T0800Z.
func (r Run) ID() string { return r.Job + "/" + r.SlotName() }

// DamagedError names a run whose record in the ledger cannot be read. What does not
// need it goes on without.
type DamagedError struct {
	Run string
	Err error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the record of run %s in the ledger is damaged: %v", e.Run, e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }

// Baseline is an earlier run that a target can be compared with.
type Baseline struct {
	Run    Run
	Source string // where its answers came from; see Coverage
}

// Item is the outcome of one target in one run.
type Item struct {
	Coverage Coverage `json:"coverage"`
	Counts   Counts   `json:"counts"`
}

// Summary is a run in numbers: the content of summary.json, the first sheet of
// the workbook and the Slack message.
type Summary struct {
	ID             string              `json:"run"`
	Job            string              `json:"job"`
	Slot           time.Time           `json:"slot"`
	Trigger        Trigger             `json:"trigger"`
	Missed         int                 `json:"missed"`
	Started        time.Time           `json:"started"`
	Finished       time.Time           `json:"finished"`
	Tool           Tool                `json:"tool"`
	Coverage       TotalCoverage       `json:"coverage"`
	Authorizations AuthorizationCounts `json:"authorizations"`
	Findings       FindingCounts       `json:"findings"`
	Previous       *Previous           `json:"previous,omitempty"`
	Policy         AppliedPolicy       `json:"policy"`
}

// Run is the run that s sums up.
func (s Summary) Run() Run {
	return Run{Job: s.Job, Slot: s.Slot, Trigger: s.Trigger, Missed: s.Missed, Started: s.Started}
}

// TotalCoverage is the coverage of a run over all its targets.
type TotalCoverage struct {
	Verdict Verdict    `json:"verdict"`
	Reasons []string   `json:"reasons"` // each names its target
	Targets []Coverage `json:"targets"`
}

// Previous is the review before this one, for the changes since.
type Previous struct {
	ID         string           `json:"run"`
	Slot       time.Time        `json:"slot"`
	BySeverity map[Severity]int `json:"by_severity"`
	Targets    []string         `json:"targets"`
}

// Lower makes the verdict no better than v, and says why.
func (c *TotalCoverage) Lower(v Verdict, reason string) {
	c.Reasons = append(c.Reasons, reason)
	if v.worseThan(c.Verdict) {
		c.Verdict = v
	}
}

// Summarize adds up the items of a run, in the order of the configuration.
func Summarize(run Run, items []Item, finished time.Time, tool Tool, policy Policy, previous *Previous) Summary {
	total := NewCounts()
	cov := TotalCoverage{Reasons: []string{}, Targets: []Coverage{}}
	for _, it := range items {
		total.add(it.Counts)
		cov.Targets = append(cov.Targets, it.Coverage)
		for _, reason := range it.Coverage.Reasons {
			cov.Reasons = append(cov.Reasons, it.Coverage.Target+": "+reason)
		}
	}
	cov.Verdict = Together(cov.Targets)
	if previous != nil {
		for _, name := range previous.Targets {
			if !slices.ContainsFunc(cov.Targets, func(t Coverage) bool { return t.Target == name }) {
				// its findings are neither open nor resolved
				cov.Lower(Partial, name+": no longer among the targets of this job; what was found there is out of sight")
			}
		}
	}
	return Summary{
		ID: run.ID(), Job: run.Job, Slot: run.Slot, Trigger: run.Trigger, Missed: run.Missed,
		Started: run.Started, Finished: finished, Tool: tool, Coverage: cov,
		Authorizations: total.Authorizations, Findings: total.Findings, Previous: previous, Policy: policy.Applied(),
	}
}

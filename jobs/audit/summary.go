package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Summary is a run in numbers: the content of summary.json, the first sheet of
// the workbook and the Slack message.
type Summary struct {
	ID             string              `json:"run"`
	Job            string              `json:"job"`
	Slot           time.Time           `json:"slot"`
	Trigger        Trigger             `json:"trigger"`
	Missed         int                 `json:"missed"`
	Started        time.Time           `json:"started"`
	LateSeconds    int                 `json:"late_seconds"` // see Run.Late
	Finished       time.Time           `json:"finished"`
	Tool           Tool                `json:"tool"`
	Coverage       TotalCoverage       `json:"coverage"`
	Authorizations AuthorizationCounts `json:"authorizations"`
	Findings       FindingCounts       `json:"findings"`
	NeedsAction    ActionCounts        `json:"needs_action"`
	Inventory      Inventory           `json:"inventory"`
	// Exceptions are those in force: they hold a finding of this review.
	Exceptions int           `json:"exceptions"`
	Previous   *Previous     `json:"previous,omitempty"`
	Policy     AppliedPolicy `json:"policy"`
	// PolicyChanges say what of the policy is not as it was at the previous run, in words,
	// a bounded number. What that run found is then counted under the policy of now.
	PolicyChanges []string `json:"policy_changes,omitempty"`
	// Schedule of the job, with its zone; Basis, why it is reviewed that often; Retention,
	// how long its packs are kept, and where. Earlier versions do not say.
	Schedule  string `json:"schedule,omitempty"`
	Basis     string `json:"basis,omitempty"`
	Retention string `json:"retention,omitempty"`
	// NotJudged are the checks that had nothing to go by. Earlier versions do not say.
	NotJudged []Unjudged `json:"not_judged,omitempty"`
	// Campaigns of the job that are open, or whose revocations are followed.
	Campaigns []CampaignStatus `json:"campaigns,omitempty"`
}

// Run is the run that s sums up.
func (s Summary) Run() Run {
	return Run{Job: s.Job, Slot: s.Slot, Trigger: s.Trigger, Missed: s.Missed, Started: s.Started}
}

// Reviewed are the targets that the run reviewed, so that there are snapshots of them.
func (s Summary) Reviewed() []string {
	names := []string{}
	for _, t := range s.Coverage.Targets {
		if !t.Dropped {
			names = append(names, t.Target)
		}
	}
	return names
}

// TotalCoverage is the coverage of a run over all its targets.
type TotalCoverage struct {
	Verdict Verdict  `json:"verdict"`
	Reasons []string `json:"reasons"` // each names its target
	// Gaps of the job as a whole, each about what its ID has behind the "/". Those of the
	// targets are with them.
	Gaps         []Gap      `json:"gaps,omitempty"`
	AcceptedGaps int        `json:"accepted_gaps"` // how many there are, of the targets too
	Targets      []Coverage `json:"targets"`
	// Retired are the targets of the review before that were retired since and are
	// configured no more. Retired sources of the targets are with them.
	Retired []RetiredSource `json:"retired,omitempty"`
}

// Previous is the review before this one, for the changes since.
type Previous struct {
	ID         string           `json:"run"`
	Slot       time.Time        `json:"slot"`
	Trigger    Trigger          `json:"trigger,omitempty"` // earlier versions do not say
	BySeverity map[Severity]int `json:"by_severity"`
	Targets    []string         `json:"targets"`
	// NeedsAction are the figures of that review, under the policy of then.
	NeedsAction ActionCounts `json:"needs_action"`
	// Exceptions and AcceptedGaps are how many were in force, -1 where that is not known.
	Exceptions   int `json:"exceptions"`
	AcceptedGaps int `json:"accepted_gaps"`
	// Coverage is that of its targets.
	Coverage []Coverage    `json:"-"`
	Policy   AppliedPolicy `json:"-"`
	// Campaigns are the IDs of those that it was compared with, or should have been.
	Campaigns []string `json:"-"`
}

// MissingCampaigns are those of the review before that are not among ids, though one that is
// over stays where it is.
func (p *Previous) MissingCampaigns(ids []string) []string {
	if p == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Campaigns), func(id string) bool { return slices.Contains(ids, id) })
}

// Gap notes what the job as a whole lacks; the ID may end in what it is about. Nobody
// can accept it unless Accept follows.
func (c *TotalCoverage) Gap(id string, v Verdict, format string, args ...any) {
	g := Gap{ID: id, Verdict: v, Reason: fmt.Sprintf(format, args...)}
	c.Gaps, c.Reasons = append(c.Gaps, g), append(c.Reasons, g.Reason)
	if v.worseThan(c.Verdict) {
		c.Verdict = v
	}
}

// Accept marks the gaps of the job as a whole that people decided may stand, and
// concludes from the others and from the targets.
func (c *TotalCoverage) Accept(accepted []AcceptedGap, now time.Time) {
	subject := func(g Gap) string { _, about, _ := strings.Cut(g.ID, "/"); return about }
	accept(c.Gaps, subject, accepted, now)
	c.Verdict, c.Reasons = VerdictOf(c.Targets), []string{}
	for _, t := range c.Targets {
		for _, reason := range t.Reasons {
			c.Reasons = append(c.Reasons, t.Target+": "+reason)
		}
	}
	verdict, reasons := conclude(c.Gaps)
	if c.Reasons = append(c.Reasons, reasons...); verdict.worseThan(c.Verdict) {
		c.Verdict = verdict
	}
	c.AcceptedGaps = len(c.Accepted())
}

// Summarize adds up the items of a run, in the order of the configuration. A target of
// the previous run that is not among them stays, as dropped, until its sources answer
// under another name, or are retired: then the previous run is given without it.
func Summarize(run Run, items []Item, finished time.Time, tool Tool, policy Policy, previous *Previous) Summary {
	total := NewCounts()
	cov := TotalCoverage{Targets: []Coverage{}}
	for _, it := range items {
		total.Merge(it.Counts)
		cov.Targets = append(cov.Targets, it.Coverage)
	}
	if previous != nil {
		for _, t := range previous.Coverage {
			if dropped, is := t.dropped(previous.ID, cov.Targets); is {
				dropped.Accept(policy.AcceptedGaps, run.Started)
				cov.Targets = append(cov.Targets, dropped)
			}
		}
	}
	cov.Accept(policy.AcceptedGaps, run.Started)
	applied, changed := policy.Applied(), []string(nil)
	if previous != nil {
		changed = PolicyChanges(previous.Policy, applied)
	}
	if len(changed) > 0 {
		previous.BySeverity = map[Severity]int{}
		for _, it := range items {
			addAll(previous.BySeverity, it.SeveritiesBefore)
		}
	}
	return Summary{
		ID: run.ID(), Job: run.Job, Slot: run.Slot, Trigger: run.Trigger, Missed: run.Missed,
		Started: run.Started, LateSeconds: int(run.Late().Seconds()), Finished: finished, Tool: tool, Coverage: cov,
		Authorizations: total.Authorizations, Findings: total.Findings, NeedsAction: total.NeedsAction, Inventory: total.Inventory, Exceptions: total.Exceptions, Previous: previous, Policy: applied, PolicyChanges: changed,
		NotJudged: unjudged(applied, cov.Targets),
	}
}

// dropped is what there is to say of a target of the run before that is not among those
// of this one. Its findings are neither open nor resolved.
func (c Coverage) dropped(run string, now []Coverage) (Coverage, bool) {
	followed := func(source string) bool {
		return slices.ContainsFunc(now, func(t Coverage) bool { return slices.Contains(t.Sources, source) })
	}
	same := slices.ContainsFunc(now, func(t Coverage) bool { return t.Target == c.Target })
	if same || len(c.Sources) > 0 && !slices.ContainsFunc(c.Sources, func(s string) bool { return !followed(s) }) {
		return Coverage{}, false
	}
	if c.Dropped {
		return c.Clone(), true
	}
	d := NewCoverage(c.Target)
	d.Source, d.Sources, d.Server, d.Dropped = c.Source, c.Sources, c.Server, true
	d.AddGap(Gap{
		ID: TargetsConfigured + "/" + c.Target, Verdict: Partial,
		Reason: fmt.Sprintf("no longer among the targets of this job; run %s saw it last: %s, %d listed, %d hidden, %d unseen. Its findings are no longer checked", run, c.StateWords(), c.Listed, c.Hidden, c.Unseen),
		Fix:    "Configure the target again, or run tokenaudit history retire -c FILE " + Line(c.Target, 120) + " --reason TEXT.",
	})
	return d, true
}

// LastSeen is when the newest review began that saw anything of a target of this one; zero
// if none is known.
func (s Summary) LastSeen(t Coverage) time.Time {
	if t.Verdict == NotKnown || t.Dropped {
		return t.LastSeen
	}
	return s.Started
}

// StateWords are the verdict on a target, and since when nothing of it was seen.
func (c Coverage) StateWords() string {
	if words := c.NotSeenWords(); words != "" {
		return string(c.Verdict) + ", " + words
	}
	return string(c.Verdict)
}

// Counts of one target or of a whole run.
type Counts struct {
	Authorizations AuthorizationCounts `json:"authorizations"`
	Findings       FindingCounts       `json:"findings"`
	NeedsAction    ActionCounts        `json:"needs_action"`
	Inventory      Inventory           `json:"inventory"`
	Exceptions     int                 `json:"exceptions"` // that hold a finding
}

// AuthorizationCounts count the population: Total is Active plus Inactive.
type AuthorizationCounts struct {
	Total    int `json:"total"`
	Active   int `json:"active"`
	Inactive int `json:"inactive"`
	Expired  int `json:"expired,omitempty"` // as are the revoked ones, neither active nor inactive
	Revoked  int `json:"revoked,omitempty"`
	New      int `json:"new"`     // seen for the first time
	Gone     int `json:"gone"`    // no longer exist; not part of the total
	Touched  int `json:"touched"` // updated since without a visible change
	Flagged  int `json:"flagged"` // have at least one current finding
	// ByWorst counts them, and those that are gone, by the worst of their current
	// findings; NoSeverity is those without one.
	ByWorst map[Severity]int `json:"by_worst,omitempty"`
}

// StatusWords are "41 active, 2 inactive, 1 expired".
func (a AuthorizationCounts) StatusWords() string {
	words := Number(a.Active) + " active, " + Number(a.Inactive) + " inactive"
	if a.Expired > 0 {
		words += ", " + Number(a.Expired) + " expired"
	}
	if a.Revoked > 0 {
		words += ", " + Number(a.Revoked) + " revoked"
	}
	return words
}

// NoSeverity stands for a severity where authorizations without a finding are counted.
const NoSeverity Severity = "none"

// FindingCounts count findings. A check is counted once per authorization, so
// every figure is a number of distinct authorizations for that check; Total is
// the sum over ByCheck, and over BySeverity, and over the states in ByState other
// than resolved and not judged. Those count what this very run saw end.
type FindingCounts struct {
	Total      int                  `json:"total"`
	ByCheck    map[string]int       `json:"by_check"`
	BySeverity map[Severity]int     `json:"by_severity"`
	ByState    map[FindingState]int `json:"by_state"`
	// Excepted are those of BySeverity that an exception allows for a while.
	Excepted map[Severity]int `json:"excepted_by_severity"`
}

// Actionable counts the findings of a severity that somebody should act on now.
func (c FindingCounts) Actionable(s Severity) int { return c.BySeverity[s] - c.Excepted[s] }

// NewCounts has every severity and state, at zero: a run without findings says so.
func NewCounts() Counts {
	c := Counts{Authorizations: AuthorizationCounts{ByWorst: map[Severity]int{}}, Findings: FindingCounts{ByCheck: map[string]int{}, BySeverity: map[Severity]int{}, ByState: map[FindingState]int{}, Excepted: map[Severity]int{}}, NeedsAction: newActionCounts()}
	for _, s := range Severities() {
		c.Findings.BySeverity[s], c.Findings.Excepted[s] = 0, 0
		if s.AtLeast(High) {
			c.NeedsAction.BySeverity[s] = 0
		}
	}
	for _, s := range FindingStates() {
		c.Findings.ByState[s] = 0
	}
	return c
}

// Add counts one record of the review that took place at the given time.
func (c *Counts) Add(r Record, at time.Time) {
	a, f := &c.Authorizations, &c.Findings
	if r.Presence == Remembered {
		return
	}
	for _, found := range r.Findings {
		if !found.Reported(at) {
			continue
		}
		f.ByState[found.State]++
		c.Inventory.count(found)
		if !found.Current() {
			continue
		}
		f.Total++
		f.ByCheck[found.Check]++
		f.BySeverity[found.Severity]++
		if found.State == Excepted {
			f.Excepted[found.Severity]++
		}
	}
	c.NeedsAction.count(&r, at)
	c.Exceptions += r.exceptions()
	if r.IsServer() {
		return
	}
	worst := r.Worst()
	a.ByWorst[cmp.Or(worst, NoSeverity)]++
	if r.Presence == Gone {
		a.Gone++
		return
	}
	a.Total++
	switch r.StatusAt(at) {
	case Inactive:
		a.Inactive++
	case Expired:
		a.Expired++
	case Revoked:
		a.Revoked++
	default:
		a.Active++
	}
	if r.FirstSeen.Equal(at) {
		a.New++
	}
	if r.Touched() {
		a.Touched++
	}
	if worst != "" {
		a.Flagged++
	}
}

// Conclude ends the counts of one target: where there was no review to compare with, nothing
// is new.
func (c *Counts) Conclude(cov Coverage) {
	if !cov.Comparable() {
		c.NeedsAction.First, c.NeedsAction.New = c.NeedsAction.First+c.NeedsAction.New, 0
		for check, a := range c.NeedsAction.ByCheck {
			a.New = 0
			c.NeedsAction.ByCheck[check] = a
		}
		c.NeedsAction.ServerNew, c.Inventory.New = 0, 0
	}
}

// Merge adds the counts of another target.
func (c *Counts) Merge(o Counts) {
	a, b := &c.Authorizations, o.Authorizations
	a.Total += b.Total
	a.Active += b.Active
	a.Inactive += b.Inactive
	a.Expired += b.Expired
	a.Revoked += b.Revoked
	a.New += b.New
	a.Gone += b.Gone
	a.Touched += b.Touched
	a.Flagged += b.Flagged
	addAll(a.ByWorst, b.ByWorst)
	c.Findings.Total += o.Findings.Total
	addAll(c.Findings.ByCheck, o.Findings.ByCheck)
	addAll(c.Findings.BySeverity, o.Findings.BySeverity)
	addAll(c.Findings.ByState, o.Findings.ByState)
	addAll(c.Findings.Excepted, o.Findings.Excepted)
	c.NeedsAction.add(o.NeedsAction)
	c.Inventory.add(o.Inventory)
	c.Exceptions += o.Exceptions
}

func addAll[K comparable](into, from map[K]int) {
	for k, n := range from {
		into[k] += n
	}
}

// TrendPoint is one earlier run in a few figures.
type TrendPoint struct {
	Run            string           `json:"run"`
	Slot           time.Time        `json:"slot"`
	Verdict        Verdict          `json:"verdict"`
	AcceptedGaps   int              `json:"accepted_gaps,omitempty"`
	Authorizations int              `json:"authorizations"`
	BySeverity     map[Severity]int `json:"by_severity"`
	New            int              `json:"new"`
	Resolved       int              `json:"resolved"`
	// NeedsAction is without the checks. Earlier versions do not know it.
	NeedsAction ActionCounts `json:"needs_action"`
}

// Point is s as a point of a trend.
func (s Summary) Point() TrendPoint {
	action := s.NeedsAction
	action.ByCheck = nil
	return TrendPoint{
		Run: s.ID, Slot: s.Slot, Verdict: s.Coverage.Verdict, AcceptedGaps: s.Coverage.AcceptedGaps, Authorizations: s.Authorizations.Total,
		BySeverity: s.Findings.BySeverity, New: s.Findings.ByState[New], Resolved: s.Findings.ByState[Resolved],
		NeedsAction: action,
	}
}

package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// AcceptedGap lets a gap of a target stand for a while, by the decision of two people.
// It no longer lowers the verdict, and is counted and listed in every report.
type AcceptedGap struct {
	Target      string    `json:"target"`
	Gap         string    `json:"gap"` // its ID, or that of its premise for all gaps in it
	Reason      string    `json:"reason"`
	RequestedBy string    `json:"requested_by"`
	ApprovedBy  string    `json:"approved_by"`
	Ticket      string    `json:"ticket,omitempty"`
	Expires     time.Time `json:"expires"` // the first moment at which it no longer holds
	// As those of an Exception.
	Granted             time.Time `json:"granted,omitzero"`
	CompensatingControl string    `json:"compensating_control,omitempty"`
}

// LastDay is the last day on which it holds, in UTC.
func (g AcceptedGap) LastDay() time.Time { return lastDay(g.Expires) }

// Until is the last day in words.
func (g AcceptedGap) Until() string { return inWords(g.LastDay()) }

// Words say who accepted it, why and until when.
func (g AcceptedGap) Words() string {
	words := "accepted until " + g.Until() + " by " + g.ApprovedBy + ", requested by " + g.RequestedBy
	if g.Ticket != "" {
		words += ", ticket " + g.Ticket
	}
	return words + ": " + g.Reason
}

// lastDay is the day before an end that is the first moment of a day in UTC.
func lastDay(end time.Time) time.Time {
	return end.Add(-time.Second).UTC().Truncate(24 * time.Hour)
}

func inWords(day time.Time) string { return day.Format("2 Jan 2006") }

// StateOf is what a review at the given time made of an accepted gap.
func (c TotalCoverage) StateOf(g AcceptedGap, at time.Time) ExceptionState {
	if !at.Before(g.Expires) {
		return ExceptionExpired
	}
	for _, gap := range c.AllGaps() {
		target := gap.Target
		if target == "" { // of the job as a whole
			_, target, _ = strings.Cut(gap.ID, "/")
		}
		switch {
		case !g.about(target, gap.Gap):
		case gap.Accepted != nil:
			return ExceptionUsed
		default:
			return ExceptionUnknown // nobody can accept it, nothing was seen
		}
	}
	for _, t := range c.Targets {
		if t.Target == g.Target && t.hasGap(TargetReviewed) {
			return ExceptionUnknown
		}
	}
	return ExceptionUnused
}

// about reports whether it names the gap.
func (g AcceptedGap) about(target string, gap Gap) bool {
	return g.Target == target && (g.Gap == gap.ID || g.Gap == gap.Premise())
}

// Acceptable reports whether people may let the gap stand. Where nothing was seen there
// is nothing that they could have accepted.
func (g Gap) Acceptable() bool {
	premise, known := PremiseOf(g.ID)
	return known && premise.Acceptable && g.Verdict != NotKnown
}

// Accept marks the gaps that people decided may stand, and concludes the verdict and its
// reasons from the others. It comes last, when nothing more is noted.
func (c *Coverage) Accept(accepted []AcceptedGap, now time.Time) {
	c.AcceptedUnused = nil
	unread := slices.ContainsFunc(c.Gaps, func(g Gap) bool { return g.Verdict == NotKnown })
	used := accept(c.Gaps, func(Gap) string { return c.Target }, accepted, now)
	for i, g := range accepted {
		if g.Target == c.Target && !used[i] && !unread && !c.hasGap(TargetReviewed) {
			c.AcceptedUnused = append(c.AcceptedUnused, g)
		}
	}
	if len(c.Gaps) > 0 { // an earlier version noted reasons alone
		c.Verdict, c.Reasons = conclude(c.Gaps)
	}
}

func (c *Coverage) hasGap(premise string) bool {
	return slices.ContainsFunc(c.Gaps, func(g Gap) bool { return g.Premise() == premise })
}

// accept marks gaps, and returns which of the decisions were about one of them.
func accept(gaps []Gap, target func(Gap) string, accepted []AcceptedGap, now time.Time) map[int]bool {
	used := map[int]bool{}
	for i := range gaps {
		g := &gaps[i]
		g.Accepted, g.Expired = nil, nil
		for j, by := range accepted {
			if !by.about(target(*g), *g) {
				continue
			}
			used[j] = true
			switch {
			case !g.Acceptable():
			case !now.Before(by.Expires):
				g.Expired = &by
			case g.Accepted == nil || g.Accepted.Expires.Before(by.Expires):
				g.Accepted = &by
			}
		}
		if g.Accepted != nil {
			g.Expired = nil
		}
	}
	return used
}

// conclude is the verdict that gaps leave, and why.
func conclude(gaps []Gap) (Verdict, []string) {
	verdict, reasons := Complete, []string{}
	for _, g := range gaps {
		if g.Accepted != nil {
			continue
		}
		reasons = append(reasons, g.Words())
		if g.Verdict.worseThan(verdict) {
			verdict = g.Verdict
		}
	}
	return verdict, reasons
}

// Words are the reason of a gap, and what became of its acceptance.
func (g Gap) Words() string {
	if g.Expired != nil {
		return g.Reason + " (accepted by " + g.Expired.ApprovedBy + " until " + g.Expired.Until() + ", which has passed)"
	}
	return g.Reason
}

// Accepted are the gaps that people decided may stand.
func (c Coverage) Accepted() []GapOf { return TotalCoverage{Targets: []Coverage{c}}.Accepted() }

// GapOf is a gap and the target that it is in; that is empty for one of the job as a whole.
type GapOf struct {
	Target string
	Gap
}

// AllGaps are the gaps of every target, and those of the job as a whole, which come last.
func (c TotalCoverage) AllGaps() []GapOf {
	var all []GapOf
	for _, t := range c.Targets {
		for _, g := range t.Gaps {
			all = append(all, GapOf{t.Target, g})
		}
	}
	for _, g := range c.Gaps {
		all = append(all, GapOf{"", g})
	}
	return all
}

// Accepted are those of all targets, and of the job as a whole.
func (c TotalCoverage) Accepted() []GapOf {
	return slices.DeleteFunc(c.AllGaps(), func(g GapOf) bool { return g.Accepted == nil })
}

// CoverageLine is one reason for which something was not seen, of every target that has it.
type CoverageLine struct {
	ID       string // of the gap
	Words    string
	Remedy   string
	Targets  []string // empty where it is about the job as a whole
	Accepted *AcceptedGap
}

// unread reports whether nothing of a target could be read.
func (c TotalCoverage) unread(target string) bool {
	return slices.ContainsFunc(c.Targets, func(t Coverage) bool { return t.Target == target && t.Verdict == NotKnown })
}

// Lines are the gaps, one for each distinct reason, however many targets share it: those
// that stand first, then those that are accepted.
func (c TotalCoverage) Lines() []CoverageLine {
	var standing, accepted []CoverageLine
	for _, g := range c.AllGaps() {
		if g.Premise() == EarlierSeen && g.Verdict != NotKnown && c.unread(g.Target) { // it follows
			continue
		}
		lines := &standing
		if g.Accepted != nil {
			lines = &accepted
		}
		at := slices.IndexFunc(*lines, func(l CoverageLine) bool { return l.ID == g.ID && l.Words == g.Words() })
		if at < 0 {
			at = len(*lines)
			*lines = append(*lines, CoverageLine{ID: g.ID, Words: g.Words(), Remedy: g.Remedy(), Accepted: g.Accepted})
		}
		if l := &(*lines)[at]; g.Target != "" {
			l.Targets = append(l.Targets, g.Target)
		}
	}
	if len(standing)+len(accepted) == 0 { // an earlier version noted reasons alone
		for _, reason := range c.Reasons {
			standing = append(standing, CoverageLine{Words: reason})
		}
	}
	return append(standing, accepted...)
}

// Words are the verdict, and what was accepted for it: complete, with 1 accepted gap
// until 31 Mar 2027.
func (c Coverage) Words() string { return verdictWords(c.Verdict, c.Accepted()) }

// Words are the verdict, and what was accepted for it.
func (c TotalCoverage) Words() string { return verdictWords(c.Verdict, c.Accepted()) }

func verdictWords(v Verdict, accepted []GapOf) string {
	if words := AcceptedWords(accepted); words != "" {
		return string(v) + ", with " + words
	}
	return string(v)
}

// AcceptedWords count gaps that were accepted, and say until when: the first day is the
// one to remember. Empty without any.
func AcceptedWords(accepted []GapOf) string {
	if len(accepted) == 0 {
		return ""
	}
	first := slices.MinFunc(accepted, func(a, b GapOf) int { return a.Accepted.Expires.Compare(b.Accepted.Expires) })
	last := slices.MaxFunc(accepted, func(a, b GapOf) int { return a.Accepted.Expires.Compare(b.Accepted.Expires) })
	words := fmt.Sprintf("%d accepted gaps", len(accepted))
	switch {
	case len(accepted) == 1:
		words = "1 accepted gap until "
	case first.Accepted.Expires.Equal(last.Accepted.Expires):
		words += " until "
	default:
		words += ", the first until "
	}
	return words + first.Accepted.Until()
}

// UnusedWords say of a decision that nothing needed it.
func (g AcceptedGap) UnusedWords() string {
	return strings.TrimSpace(g.Gap) + " was accepted until " + g.Until() + " by " + g.ApprovedBy + ", and there is no such gap: remove it from accepted_gaps"
}

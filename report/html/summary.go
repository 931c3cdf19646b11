package html

import (
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

const mostQuestions = 200 // of one target; summary.json has them all

// targetView is the coverage of one target, as far as the page shows it.
type targetView struct {
	audit.Coverage
	MoreReasons, MoreAsked int
	Counted                string // by the server itself
	Words                  string // of the verdict
	Beyond                 string // the list
	Credentials            string
	Gaps                   []table.Gap
	MoreGaps               int
	Premises               []table.Premise
	Unused                 []string // decisions about gaps that there are not
}

func targetViews(all []audit.Coverage) []targetView {
	var out []targetView
	for _, t := range all {
		v := targetView{Coverage: t}
		v.Words, v.Beyond, v.Credentials = t.Words(), t.HiddenWords("authorization"), table.CredentialWords(t.Credentials)
		v.Gaps, v.MoreGaps = table.GapsOf(t.Gaps)
		v.Premises = table.PremisesOf(t)
		for _, unused := range t.AcceptedUnused {
			v.Unused = append(v.Unused, unused.UnusedWords())
		}
		v.Reasons, v.MoreReasons = head(t.Reasons, mostQuestions)
		if len(t.Gaps) > 0 { // which say more
			v.Reasons, v.MoreReasons = nil, 0
		}
		v.Counted = strings.Join(table.StoredWords(t.Stored), "")
		// What is left out is the tail of those that were answered in full.
		var bad, good []audit.Asked
		for _, q := range t.Asked {
			if q.Verdict == audit.Complete {
				good = append(good, q)
			} else {
				bad = append(bad, q)
			}
		}
		v.Asked, v.MoreAsked = head(append(bad, good...), mostQuestions)
		out = append(out, v)
	}
	return out
}

// head is the beginning of a list, and how much it leaves out.
func head[T any](all []T, most int) ([]T, int) {
	n := min(len(all), most)
	return all[:n], len(all) - n
}

// todoView is a check that found something, and what to do about it.
type todoView struct {
	audit.Check
	Severity audit.Severity // as the policy has it
	Count    int
	Fresh    int // new since the previous review
	Back     int // reopened
	Excepted int // not part of Count
	Controls []audit.Control
}

// todos are the checks with findings that stand, worst first.
func todos(fs table.FindingCounts, controls audit.Controls) []todoView {
	var out []todoView
	for _, g := range fs.Groups() {
		states := fs[g]
		n := states[audit.New] + states[audit.Open] + states[audit.Reopened] + states[audit.ByPolicy]
		if n+states[audit.Excepted] == 0 {
			continue
		}
		out = append(out, todoView{
			Check: audit.CheckOf(g.Check), Severity: g.Severity, Count: n,
			Fresh: states[audit.New], Back: states[audit.Reopened], Excepted: states[audit.Excepted], Controls: controls[g.Check],
		})
	}
	return out
}

func controlName(c audit.Control) string {
	return strings.Join(strings.Fields(c.Framework+" "+c.Version+" "+c.ID), " ")
}

// unjudgedView is a check that could not be judged.
type unjudgedView struct {
	audit.Check
	NotJudged string // why
}

// quietChecks are those that found nothing, those that could not be judged, and those that
// are off: nothing found is a result, not judged is none.
func quietChecks(s audit.Summary) (passed []audit.Check, unjudged []unjudgedView, off []audit.Check) {
	for _, c := range s.Policy.Checks {
		switch {
		case c.Severity == audit.Off:
			off = append(off, audit.CheckOf(c.Check))
		case s.WhyNotJudged(c.Check) != "":
			unjudged = append(unjudged, unjudgedView{audit.CheckOf(c.Check), s.WhyNotJudged(c.Check)})
		case s.Findings.ByCheck[c.Check] == 0:
			passed = append(passed, audit.CheckOf(c.Check))
		}
	}
	return passed, unjudged, off
}

package report

import (
	"strings"

	"tokenaudit/jobs/audit"
)

// tileView is a figure. State is what the table of findings shows when the
// figure is followed.
type tileView struct {
	Figure, Label, Note string
	State               string
}

func tiles(s audit.Summary) []tileView {
	a, listed, hidden, unseen := s.Authorizations, 0, 0, 0
	for _, t := range s.Coverage.Targets {
		listed, hidden, unseen = listed+t.Listed, hidden+t.Hidden, unseen+t.Unseen
	}
	return []tileView{
		{Figure: grouped(a.Total), Label: "authorizations", Note: grouped(a.Active) + " active, " + grouped(a.Inactive) + " inactive"},
		{Figure: grouped(a.Flagged), Label: "flagged", Note: "have at least one finding"},
		{Figure: grouped(s.Findings.Total), Label: "findings", Note: severityWords(s)},
		{Figure: grouped(listed), Label: "listed", Note: "shown by the list of authorizations"},
		{Figure: grouped(hidden), Label: "hidden", Note: "exist, though the list left them out"},
		{Figure: grouped(unseen), Label: "unseen", Note: "could not be asked for; their findings stand"},
	}
}

func changeTiles(s audit.Summary) []tileView {
	by := s.Findings.ByState
	state := func(st audit.FindingState, note string) tileView {
		return tileView{Figure: grouped(by[st]), Label: string(st) + " findings", Note: note, State: string(st)}
	}
	return []tileView{
		state(audit.New, "not there before"),
		state(audit.Reopened, "resolved before, back again"),
		state(audit.Open, "there before and still there"),
		state(audit.Excepted, "allowed for a while by an exception"),
		state(audit.Resolved, "there before, gone now"),
		{Figure: grouped(s.Authorizations.New), Label: "new tokens", Note: "seen for the first time"},
		{Figure: grouped(s.Authorizations.Gone), Label: "gone tokens", Note: "the server says they no longer exist"},
	}
}

// todoView is a check that found something, and what to do about it.
type todoView struct {
	audit.Check
	Severity audit.Severity // as the policy has it
	Count    int
	Fresh    int // new since the previous review
	Back     int // reopened
	Excepted int // not part of Count
	Controls []controlView
}

type controlView struct {
	Name, Title, Strength, Source string
	Link                          bool
}

// todos are the checks with findings that stand, worst first.
func todos(fs *findings, controls audit.Controls) []todoView {
	var out []todoView
	for _, g := range fs.groups {
		states := fs.states(g)
		n := states[audit.New] + states[audit.Open] + states[audit.Reopened]
		if n+states[audit.Excepted] == 0 {
			continue
		}
		out = append(out, todoView{
			Check: audit.CheckOf(g.check), Severity: g.severity, Count: n,
			Fresh: states[audit.New], Back: states[audit.Reopened], Excepted: states[audit.Excepted], Controls: controlViews(controls[g.check]),
		})
	}
	return out
}

func controlViews(cs []audit.Control) []controlView {
	var out []controlView
	for _, c := range cs {
		name := strings.Join(strings.Fields(c.Framework+" "+c.Version+" "+c.ID), " ")
		out = append(out, controlView{oneLine(name), long(c.Title), oneLine(c.Strength), oneLine(c.Source), strings.HasPrefix(c.Source, "https://")})
	}
	return out
}

// quietChecks are those that found nothing, and those that were not judged at all:
// nothing found is a result, not judged is none.
func quietChecks(s audit.Summary) (passed, off []audit.Check) {
	for _, c := range s.Policy.Checks {
		switch {
		case c.Severity == audit.Off:
			off = append(off, audit.CheckOf(c.Check))
		case s.Findings.ByCheck[c.Check] == 0:
			passed = append(passed, audit.CheckOf(c.Check))
		}
	}
	return passed, off
}

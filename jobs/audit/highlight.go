package audit

import (
	"iter"
	"slices"
	"strings"
)

// Highlight is an authorization with what is new about it.
type Highlight struct {
	Record   Record
	Findings []Finding // new or reopened, worst first; never empty
}

// News is what a review found that the one before did not.
type News struct {
	Worst          []Highlight // worst first, at most as many as were asked for
	Authorizations int         // how many have something new
	Findings       int         // how many new or reopened findings there are
}

// NewsOf walks the records of a review and keeps the worst news, at most max.
func NewsOf(rows iter.Seq2[Record, error], max int) (News, error) {
	var n News
	for r, err := range rows {
		if err != nil {
			return News{}, err
		}
		if h := highlight(r); len(h.Findings) > 0 {
			if !r.IsServer() {
				n.Authorizations++
			}
			n.Findings += len(h.Findings)
			n.Worst = insert(n.Worst, h, max)
		}
	}
	return n, nil
}

func highlight(r Record) Highlight {
	h := Highlight{Record: r}
	for _, f := range r.Findings {
		if f.State == New || f.State == Reopened {
			h.Findings = append(h.Findings, f)
		}
	}
	slices.SortStableFunc(h.Findings, func(a, b Finding) int { return rank(a) - rank(b) })
	return h
}

func insert(worst []Highlight, h Highlight, max int) []Highlight {
	at, _ := slices.BinarySearchFunc(worst, h, compareHighlights)
	if at == max {
		return worst
	}
	worst = slices.Insert(worst, at, h)
	return worst[:min(len(worst), max)]
}

// compareHighlights orders by the worst finding, then by how many there are, then
// by target and ID, so that the same review always reads the same.
func compareHighlights(a, b Highlight) int {
	if c := rank(a.Findings[0]) - rank(b.Findings[0]); c != 0 {
		return c
	}
	if c := len(b.Findings) - len(a.Findings); c != 0 {
		return c
	}
	return strings.Compare(a.Record.Target+a.Record.ID, b.Record.Target+b.Record.ID)
}

// rank orders findings by severity, then by the order of the checks.
func rank(f Finding) int {
	at := slices.IndexFunc(Checks(), func(c Check) bool { return c.ID == f.Check })
	return slices.Index(Severities(), f.Severity)*1000 + at
}

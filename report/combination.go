package report

import (
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

// combination is what the current findings of an authorization come to in words.
// There are few different ones, however many authorizations.
type combination struct {
	worst         audit.Severity
	first         string // the check to act on first; "" where nothing is found
	firstSeverity audit.Severity
	checks        string
	titles        string
	controls      string // that they relate to, each once
}

// combinations are those met so far.
type combinations struct {
	controls audit.Controls
	met      map[string]combination
	key      []byte
}

// mostCombinations bounds memory, whatever the snapshots hold.
const mostCombinations = 10_000

func newCombinations(controls audit.Controls) *combinations {
	return &combinations{controls: controls, met: map[string]combination{}}
}

func (cs *combinations) of(r *audit.Record) combination {
	cs.key = cs.key[:0]
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Current() {
			cs.key = append(append(append(append(cs.key, f.Check...), 0), f.Severity...), 0)
		}
	}
	if c, ok := cs.met[string(cs.key)]; ok {
		return c
	}
	c := combined(r, cs.controls)
	if len(cs.met) < mostCombinations {
		cs.met[string(cs.key)] = c
	}
	return c
}

func combined(r *audit.Record, controls audit.Controls) combination {
	c := combination{worst: r.Worst()}
	var checks, titles, names []string
	for _, f := range r.Findings {
		if f.Current() {
			checks = append(checks, f.Check)
		}
	}
	for i, f := range standing(*r) {
		if i == 0 {
			c.first, c.firstSeverity = f.Check, f.Severity
		}
		titles = append(titles, audit.CheckOf(f.Check).Title)
		for _, control := range controls[f.Check] {
			if name := control.Framework + " " + control.ID; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	c.checks, c.titles, c.controls = strings.Join(checks, ", "), strings.Join(titles, "; "), strings.Join(names, ", ")
	return c
}

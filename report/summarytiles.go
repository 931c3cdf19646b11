package report

import (
	"fmt"
	"strings"

	"tokenaudit/jobs/audit"
)

// tile is a figure with a word above it and one below.
type tile struct {
	caption string
	value   any
	note    string
	word    string // that colours it
}

func (o *overview) tiles() {
	tiles := o.eight()
	o.line(6)
	o.tileLine(16, tiles, func(t tile) cell { return cell{value: t.caption, look: look{role: caption, word: t.word}} })
	o.tileLine(30, tiles, func(t tile) cell {
		return cell{value: t.value, look: look{role: figure, kind: integer, word: t.word}}
	})
	o.tileLine(15, tiles, func(t tile) cell { return cell{value: t.note, look: look{role: note, word: t.word}} })
}

// tileLine gives each tile three columns; the gap between the halves stays free.
func (o *overview) tileLine(height float64, tiles []tile, part func(tile) cell) {
	var cells []cell
	for i, t := range tiles {
		if i == len(tiles)/2 {
			cells = append(cells, cell{look: look{role: title}})
		}
		cells = append(cells, across(3, part(t)))
	}
	o.line(height, cells...)
}

func (o *overview) eight() []tile {
	a, counted := o.sum.Authorizations, o.survey.counts
	authorizations, found := o.authorizationTable(), o.findingTable()
	tiles := []tile{
		{caption: "Authorizations", value: authorizations.count(counted.Authorizations.Total, notGone), note: fmt.Sprintf("%s active, %s inactive", grouped(a.Active), grouped(a.Inactive))},
		{caption: "With findings", value: authorizations.count(counted.Authorizations.Flagged, notGone, flagged), note: share(a.Flagged, a.Total)},
	}
	for _, sev := range audit.Severities() {
		tiles = append(tiles, o.severityTile(found, sev))
	}
	return append(tiles,
		tile{caption: "New findings", value: found.count(counted.Findings.ByState[audit.New], is("State", "new")), note: grouped(o.sum.Findings.ByState[audit.Reopened]) + " reopened"},
		tile{caption: "Resolved findings", value: found.count(counted.Findings.ByState[audit.Resolved], is("State", "resolved")), note: "not part of the total"},
	)
}

// Conditions that formulas share.
var (
	notGone = test{"Presence", `"<>gone"`}
	flagged = test{"Worst severity", `"?*"`}
	current = test{"State", `"<>resolved"`}
)

func (o *overview) severityTile(found dataTable, sev audit.Severity) tile {
	n := o.survey.counts.Findings.BySeverity[sev]
	t := tile{caption: capital(string(sev)), value: found.count(n, is("Severity", string(sev)), current), note: o.since(sev)}
	if n > 0 {
		t.word = string(sev)
	}
	return t
}

func (o *overview) since(sev audit.Severity) string {
	if o.sum.Previous == nil {
		return "first review"
	}
	before := previously(o.sum.Previous, sev)
	if by := o.sum.Findings.BySeverity[sev] - before; by != 0 {
		return strings.Replace("+"+grouped(by), "+-", "-", 1) + ", previously " + grouped(before)
	}
	return "as before"
}

func previously(p *audit.Previous, sev audit.Severity) int {
	if p == nil {
		return 0
	}
	return p.BySeverity[sev]
}

func share(n, of int) string {
	if of == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %% of all", 100*float64(n)/float64(of))
}

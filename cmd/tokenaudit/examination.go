package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"tokenaudit/configs/remedy"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// examination prints what was tried, place by place, as soon as it is known.
type examination struct {
	out     io.Writer
	secrets *secret.Redactor // before a text is cut and wrapped
	width   int
	paint   paint
	where   string // of the line before
	bad     int    // lines
	lines   []doctorLine
}

// doctorLine is what was tried, in the JSON of doctor.
type doctorLine struct {
	Where  string `json:"where"`
	What   string `json:"what"`
	State  string `json:"state"` // ok, bad, note
	Result string `json:"result"`
	Fix    string `json:"fix"`
}

// States of a line.
const (
	fine = "ok"
	bad  = "BAD"
	note = "note" // nothing to mend
)

func (e *examination) add(where string, d target.Diagnosis) {
	state := fine
	if !d.OK {
		state = bad
		e.bad++
	}
	e.line(where, state, d.What, d.Result, d.Fix)
}

// line wraps what was found, and what to do about it, beside what was tried.
func (e *examination) line(where, state, what, result, fix string) {
	const whatWidth, longest = 20, 2000
	result, fix = audit.Line(e.secrets.Clean(result), longest), audit.Line(e.secrets.Clean(fix), longest)
	e.lines = append(e.lines, doctorLine{audit.Line(where, longest), audit.Line(what, longest), strings.ToLower(state), result, fix})
	if where != e.where {
		if e.where != "" {
			fmt.Fprintln(e.out)
		}
		fmt.Fprintln(e.out, e.paint.bold(audit.Line(where, e.width)))
		e.where = where
	}
	mark := e.paint.good(state)
	switch state {
	case bad:
		mark = e.paint.bad(state)
	case note:
		mark = state
	}
	head := fmt.Sprintf("  %s%s %-*s  ", mark, strings.Repeat(" ", 4-len(state)), whatWidth, audit.Line(what, 60))
	indent := strings.Repeat(" ", 4+3+whatWidth+2)
	if text.StringWidthWithoutEscSequences(head) > len(indent) { // a long name has a line of its own
		fmt.Fprintln(e.out, strings.TrimRight(head, " "))
		head = indent
	}
	var lines []string
	for i, part := range []string{result, fix} {
		if part == "" {
			continue
		}
		if i == 1 {
			part = "→ " + part
		}
		lines = append(lines, strings.Split(text.WrapSoft(part, e.width-len(indent)), "\n")...)
	}
	for _, l := range lines {
		fmt.Fprintln(e.out, strings.TrimRight(head+strings.TrimSpace(l), " "))
		head = indent
	}
}

// conclude says in one line whether something is to be mended.
func (e *examination) conclude() error {
	if e.bad == 0 {
		_, err := fmt.Fprintf(e.out, "\n%s\n", e.paint.good("Nothing to fix."))
		return err
	}
	fmt.Fprintf(e.out, "\n%s\n", e.paint.bad("To fix: "+audit.Plural(e.bad, "line")+" marked BAD."))
	return quietError{exitIncomplete}
}

// tried adds what was found or, with the way to mend it, what went wrong.
func (e *examination) tried(where, what, found string, err error) {
	if err != nil {
		e.add(where, target.Diagnosis{What: what, Result: err.Error(), Fix: remedy.Of(err)})
		return
	}
	e.add(where, target.Diagnosis{What: what, OK: true, Result: found})
}

// gaps says what does not hold, in the order of the premises, and each remedy once.
func (e *examination) gaps(where string, gaps []audit.Gap) {
	const most = 10 // of one premise
	said := ""
	for _, p := range append(audit.Premises(), audit.KnownPremise{}) {
		n := 0
		for _, g := range gaps {
			if known, _ := audit.PremiseOf(g.ID); known.ID != p.ID {
				continue
			}
			n++
			fix := g.Remedy()
			if fix == said || strings.Contains(g.Reason, fix) {
				fix = ""
			}
			switch {
			case n > most:
			case g.Accepted != nil:
				e.line(where, note, g.ID, g.Words()+"; "+g.Accepted.Words(), "")
			default:
				e.add(where, target.Diagnosis{What: g.ID, Result: g.Words(), Fix: fix})
				said = cmp.Or(fix, said)
			}
		}
		if n > most {
			e.line(where, note, p.ID, fmt.Sprintf("and %d more", n-most), "")
		}
	}
}

// acceptable names the gaps that people may let stand.
func (e *examination) acceptable(where string, gaps []audit.Gap) {
	var ids []string
	for _, g := range gaps {
		if g.Accepted == nil && g.Acceptable() && !slices.Contains(ids, g.ID) {
			ids = append(ids, g.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	e.line(where, note, "accepted_gaps", "two people may accept "+audit.Line(strings.Join(ids, ", "), 300)+" until a date (tokenaudit help exceptions)", "")
}

package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"tokenaudit/jobs/audit"
)

// newTable is a plain table: columns aligned, no lines.
func newTable(header ...string) table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	row := table.Row{}
	for _, h := range header {
		row = append(row, h)
	}
	t.AppendHeader(row)
	return t
}

// width of the terminal, or what COLUMNS says, else 80. Lines of more than 160 are hard
// to read.
func (c *cli) width() int {
	width := cmp.Or(columnsOf(c.stdout), 80)
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil {
		width = n
	}
	return min(max(width, 60), 160)
}

// progress counts authorizations on a terminal; elsewhere it is silent.
type progress struct {
	mu  sync.Mutex
	bar *progressbar.ProgressBar
}

func (c *cli) newProgress() *progress {
	if !isTerminal(c.stderr) {
		return &progress{}
	}
	p := &progress{bar: progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(c.stderr),
		progressbar.OptionSetDescription("reading authorizations"),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond),
	)}
	p.bar.RenderBlank() // a server may take minutes before it shows the first one
	return p
}

func (p *progress) add(string) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bar.Add(1)
}

// done clears the line, so that the report starts on a clean one.
func (p *progress) done() {
	if p.bar != nil {
		p.bar.Finish()
	}
}

const mostRetired = 10 // lines; summary.json has all

// printSummary says what a run found, for a person at a terminal of that many columns; 0
// is for a file or a program, where nothing is broken into lines.
func printSummary(w io.Writer, s audit.Summary, folder string, columns int) {
	for _, words := range s.Coverage.RetiredWords(mostRetired) {
		fmt.Fprintln(w, hanging("", "retired: "+words, columns))
	}
	if s.Previous != nil && len(s.PolicyChanges) > 0 {
		fmt.Fprintf(w, "Policy changed since %s:\n", s.Previous.ID)
		for _, change := range s.PolicyChanges {
			fmt.Fprintln(w, hanging("  ", audit.Line(change, 300), columns))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s: coverage %s\n", s.ID, s.Coverage.Words())
	printCoverage(w, s.Coverage, columns)
	a := s.Authorizations
	touched := ""
	if a.Touched > 0 {
		touched = fmt.Sprintf(", %d touched (updated without a visible change)", a.Touched)
	}
	fmt.Fprintf(w, "\n%s\n\n", hanging("", fmt.Sprintf("%s in %s: %d active, %d inactive; %d with findings; %d new, %d gone since the last review%s",
		audit.Plural(a.Total, "token"), audit.Plural(len(s.Coverage.Targets), "target"), a.Active, a.Inactive, a.Flagged, a.New, a.Gone, touched), columns))
	fmt.Fprintln(w, checkTable(s))
	for _, unjudged := range s.NotJudgedWords() {
		fmt.Fprintln(w, hanging("  ", "not judged: "+audit.Line(unjudged, 500), columns))
	}
	st := s.Findings.ByState
	byPolicy := ""
	if st[audit.ByPolicy]+st[audit.NotJudged] > 0 {
		byPolicy = fmt.Sprintf("; by the change of policy %d found and %d not judged any more", st[audit.ByPolicy], st[audit.NotJudged])
	}
	fmt.Fprintf(w, "\n%s\n\nReports in %s\n", hanging("", fmt.Sprintf("%d new, %d open, %d reopened, %d excepted, %d resolved%s",
		st[audit.New], st[audit.Open], st[audit.Reopened], st[audit.Excepted], st[audit.Resolved], byPolicy), columns), folder)
	for _, file := range evidenceFiles(folder) {
		fmt.Fprintf(w, "  %s\n", file)
	}
}

// printCoverage says what was not seen, and what else is to know of that.
func printCoverage(w io.Writer, c audit.TotalCoverage, columns int) {
	note := func(kind, target, text string) {
		if target != "" {
			text = target + ": " + text
		}
		fmt.Fprintln(w, hanging("  ", kind+": "+audit.Line(text, 500), columns))
	}
	gaps := c.AllGaps()
	for _, g := range gaps {
		if g.Accepted == nil {
			note("not seen", g.Target, g.Words()+" ["+g.ID+"]")
			printRemedy(w, g.Gap, columns)
		}
	}
	if len(gaps) == 0 { // an earlier version noted reasons alone
		for _, reason := range c.Reasons {
			note("not seen", "", reason)
		}
	}
	for _, g := range c.Accepted() {
		note("accepted", g.Target, fmt.Sprintf("%s, until %s by %s: %s", g.ID, g.Accepted.Until(), g.Accepted.ApprovedBy, g.Reason))
	}
	for _, t := range c.Targets {
		for _, unused := range t.AcceptedUnused {
			note("remark", t.Target, unused.UnusedWords())
		}
	}
	for _, t := range c.Targets {
		for _, spot := range t.BlindSpots {
			note("blind spot", t.Target, spot)
		}
	}
	for _, t := range c.Targets {
		if words := t.HiddenWords("token"); words != "" {
			note("beyond the list", t.Target, words)
		}
	}
}

// printRemedy says what to do about a gap, unless its reason does.
func printRemedy(w io.Writer, g audit.Gap, columns int) {
	if fix := g.Remedy(); fix != "" && !strings.Contains(g.Reason, fix) {
		fmt.Fprintln(w, hanging("    ", "→ "+audit.Line(fix, 500), columns))
	}
}

// hanging breaks a line where a terminal ends, and indents it: all but the first line by
// two more.
func hanging(indent, line string, columns int) string {
	if width := columns - len(indent) - 2; width > 10 {
		line = text.WrapSoft(line, width)
	}
	var lines []string
	for part := range strings.SplitSeq(line, "\n") {
		lines = append(lines, indent+strings.TrimRight(part, " "))
	}
	return strings.Join(lines, "\n  ")
}

// columnsOf is the width of a terminal, 0 for what is none.
func columnsOf(w io.Writer) int {
	f, ok := fileBehind(w)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// checkTable counts per check, worst first as the policy rates them, leaving out
// those that found nothing.
func checkTable(s audit.Summary) string {
	t := newTable("SEVERITY", "CHECK", "TOKENS", "WHAT IT MEANS")
	t.SetColumnConfigs([]table.ColumnConfig{{Name: "TOKENS", Align: text.AlignRight, AlignHeader: text.AlignRight}})
	for _, c := range s.Policy.Checks {
		if n := s.Findings.ByCheck[c.Check]; n > 0 {
			t.AppendRow(table.Row{c.Severity, c.Check, n, audit.CheckOf(c.Check).Title})
		}
	}
	switch {
	case t.Length() > 0:
		return t.Render()
	case s.Coverage.Verdict != audit.Complete:
		return "No findings in what was seen, which proves nothing."
	}
	return "No findings."
}

func evidenceFiles(folder string) []string {
	paths, _ := filepath.Glob(filepath.Join(folder, "*"))
	var names []string
	for _, p := range paths {
		if name := filepath.Base(p); !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names
}

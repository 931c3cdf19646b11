package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// What a terminal shows of a review, in the order of the first page of the report. The
// rest is in the evidence.
const (
	mostRetired  = 10
	mostProducts = 10
	mostChanges  = 10 // of the policy
	mostWho      = 5
	textWidth    = 120
)

// summaryPrinter prints a review for a person.
type summaryPrinter struct {
	io.Writer
	m       notify.Message
	columns int // of the terminal; 0 is a file or a program, where nothing is broken into lines
	paint   paint
}

// printSummary says what a run found: the headline first, then what to decide and who.
// unread is why the highlights could not be read, if so.
func printSummary(w io.Writer, m notify.Message, unread error, columns int, paint paint) {
	p, s, page := summaryPrinter{w, m, columns, paint}, m.Summary, notify.NewPage(m, mostWho)
	p.line("", paint.bold(page.Headline))
	p.line("", fmt.Sprintf("%s: coverage %s", s.ID, s.Coverage.Words()))
	p.campaigns(page.Campaigns, page.MoreCampaigns)
	p.about()
	p.policy()
	p.figures(page)
	p.decide(page.Decide, page.DecideNote)
	p.servers()
	p.coverage()
	p.who(page.Who, page.MoreWho)
	if unread != nil {
		p.line("", "The owners are not listed: "+audit.Line(unread.Error(), 500))
	}
	p.others(page.Others)
	if m.Location == "" {
		fmt.Fprintln(p, "\nThis was a dry run: no report is kept, and later reviews do not know of it.")
		return
	}
	fmt.Fprintf(p, "\nReports in %s\n", audit.Visible(m.Location, false))
	for _, file := range evidenceFiles(m.Location) {
		fmt.Fprintf(p, "  %s\n", audit.Visible(file, false))
	}
	if url := m.EvidenceURL(); url != "" {
		fmt.Fprintf(p, "Readers of messages open the evidence at %s\n", url)
	}
}

func (p summaryPrinter) line(indent, words string) {
	fmt.Fprintln(p, hanging(indent, words, min(p.columns, textWidth)))
}

// campaigns say how each of them stands, with what is overdue and what is proven.
func (p summaryPrinter) campaigns(all []notify.Campaign, more string) {
	for _, c := range all {
		p.line("", c.Words)
		for _, note := range c.Notes {
			label := strings.ToLower(note.Label)
			if note.Alarm {
				label = p.paint.bad(label)
			}
			p.line("  ", label+": "+note.Text)
		}
	}
	if more != "" {
		p.line("", more)
	}
}

// about says what was reviewed, how late, and what it is compared with.
func (p summaryPrinter) about() {
	s := p.m.Summary
	words := fmt.Sprintf("Review %s %s: %s in %s (%s)", s.Trigger.When(), p.m.Time(s.Slot),
		audit.Plural(s.Authorizations.Total, "token"), audit.Plural(len(s.Coverage.Targets), "target"), s.Authorizations.StatusWords())
	if late := s.Run().LateWords(); late != "" {
		words += ", " + late
	}
	if s.Missed > 0 {
		words += ", " + audit.Plural(s.Missed, "earlier review") + " missed"
	}
	p.line("", words+".")
	if words := s.Coverage.ProductsWords(mostProducts); words != "" {
		p.line("", "Products: "+words+".")
	}
	switch {
	case s.Previous == nil:
		p.line("", "This is the first review of this job: there is nothing to compare with.")
	case s.Unread(s.Authorizations.New + s.Authorizations.Gone):
		p.line("", fmt.Sprintf("Compared with %s: which tokens are new or gone is not known.", s.Previous.ID))
	default:
		p.line("", fmt.Sprintf("Compared with %s: %s seen for the first time, %s gone.", s.Previous.ID, audit.Plural(s.Authorizations.New, "token"), audit.Number(s.Authorizations.Gone)))
	}
	for _, words := range s.Coverage.RetiredWords(mostRetired) {
		p.line("", "retired: "+words)
	}
}

// figures are the numbers that every output has, each with its change.
func (p summaryPrinter) figures(page notify.Page) {
	t := newTable(column{}, column{right: true}, column{shrink: 20})
	for _, f := range page.Figures {
		t.row(f.Name, f.String(), f.Change)
	}
	fmt.Fprintf(p, "\n%s\n", t.render(p.columns))
	for _, words := range []string{page.Inventory, page.Replaced} {
		if words != "" {
			p.line("", words)
		}
	}
}

// policy says whether the figures rest on the policy of the review before.
func (p summaryPrinter) policy() {
	s := p.m.Summary
	if s.Previous == nil {
		return
	}
	if len(s.PolicyChanges) == 0 {
		fmt.Fprintln(p, "Policy unchanged.")
		return
	}
	fmt.Fprintf(p, "Policy changed since %s:\n", s.Previous.ID)
	for _, change := range s.PolicyChanges[:min(len(s.PolicyChanges), mostChanges)] {
		p.line("  ", audit.Line(change, 300))
	}
	if more := len(s.PolicyChanges) - mostChanges; more > 0 {
		fmt.Fprintf(p, "  and %s, see summary.json\n", audit.Plural(more, "more change"))
	}
}

// coverage says what was not seen, one entry for each distinct reason, with its remedy
// whole, and what else is to know of what was seen.
func (p summaryPrinter) coverage() {
	c := p.m.Summary.Coverage
	lines := c.Lines()
	var remarks, spots, limits, hidden byWords
	for _, t := range c.Targets {
		for _, unused := range t.AcceptedUnused {
			remarks.add(unused.UnusedWords(), t.Target)
		}
		limited, others := t.LimitIDs()
		for _, spot := range others {
			spots.add(spot, t.Target)
		}
		if len(limited) > 0 {
			limits.add(limitWords(limited), t.Target)
		}
		hidden.add(t.HiddenWords("token"), t.Target)
	}
	if len(lines)+len(remarks.words)+len(spots.words)+len(limits.words)+len(hidden.words) > 0 {
		fmt.Fprintln(p, "\nCoverage")
	}
	for _, l := range lines {
		words, id := audit.Line(l.Words, 400), audit.Line(l.ID, 120)
		if l.Accepted != nil {
			p.note("accepted", l.Targets, fmt.Sprintf("%s, until %s by %s: %s", id, l.Accepted.Until(), audit.Line(l.Accepted.ApprovedBy, 100), words))
			continue
		}
		if id != "" {
			words += " [" + id + "]"
		}
		p.note("not seen", l.Targets, words)
		printRemedy(p, l.Words, l.Remedy, p.columns)
	}
	for _, kind := range []struct {
		name string
		all  byWords
	}{{"remark", remarks}, {"blind spot", spots}, {"limits", limits}, {"beyond the list", hidden}} {
		for _, words := range kind.all.words {
			p.note(kind.name, kind.all.targets[words], audit.Line(words, 500))
		}
	}
}

// limitWords name limits: they stand in every review, and the manual has the rest.
func limitWords(ids []string) string { return strings.Join(ids, ", ") + " (tokenaudit help products)" }

// printRemedy says what to do about a gap, in whole, unless its reason does.
func printRemedy(w io.Writer, reason, remedy string, columns int) {
	if remedy != "" && !strings.Contains(reason, remedy) {
		fmt.Fprintln(w, hanging("    ", "→ "+audit.Visible(strings.Join(strings.Fields(remedy), " "), false), min(columns, textWidth)))
	}
}

func (p summaryPrinter) note(kind string, targets []string, words string) {
	if len(targets) > 0 {
		words = audit.Names(targets, 3) + ": " + words
	}
	p.line("  ", kind+": "+words)
}

// byWords are the targets by what there is to say of them, in the order in which it came.
type byWords struct {
	words   []string
	targets map[string][]string
}

func (b *byWords) add(words, target string) {
	if words == "" {
		return
	}
	if len(b.targets[words]) == 0 {
		b.words = append(b.words, words)
	}
	if b.targets == nil {
		b.targets = map[string][]string{}
	}
	b.targets[words] = append(b.targets[words], target)
}

// decide lists the checks by which something needs action.
func (p summaryPrinter) decide(decisions []notify.Decision, note string) {
	if len(decisions) == 0 {
		return
	}
	t := newTable(column{name: "SEVERITY"}, column{name: "CHECK"}, column{name: "TOKENS", right: true}, column{name: "NEW", right: true},
		column{name: "OVERDUE", right: true}, column{name: "OLDEST", drop: 2}, column{name: "DUE", drop: 3}, column{name: "WHAT IT MEANS", drop: 1})
	for _, d := range decisions {
		t.row(p.paint.severity(audit.Severity(d.Severity)), d.Check, audit.Number(d.Tokens), p.news(d.New), p.m.Summary.Figure(d.Overdue), p.day(d.Oldest), p.day(d.Due), d.Title)
	}
	fmt.Fprintf(p, "\nDecide\n%s\n", t.render(p.columns))
	if note != "" {
		p.line("", note)
	}
}

// servers say what was found that is about no token, with how to fix it.
func (p summaryPrinter) servers() {
	all, more := notify.NewServerFindings(p.m)
	if len(all) > 0 {
		fmt.Fprintln(p, "\nServers")
	}
	for _, f := range all {
		p.line("  ", p.paint.severity(audit.Severity(f.Severity))+": "+f.Words())
		printRemedy(p, f.Detail, f.Fix, p.columns)
	}
	if more != "" {
		p.line("  ", more)
	}
}

// who lists the people with most to do.
func (p summaryPrinter) who(people []notify.Person, more string) {
	if len(people) == 0 {
		return
	}
	t := newTable(column{name: "OWNER", shrink: 20}, column{name: "TOKENS", right: true}, column{name: "NEW", right: true}, column{name: "OVERDUE", right: true}, column{name: "OLDEST"})
	for _, o := range people {
		t.row(strings.TrimRight(o.Name+" "+o.About, " "), audit.Number(o.Tokens), p.news(o.New), p.m.Summary.Figure(o.Overdue), p.day(o.Oldest))
	}
	fmt.Fprintf(p, "\nWho\n%s\n", t.render(p.columns))
	if more != "" {
		fmt.Fprintln(p, more)
	}
}

// others say in few words what was found besides, and what could not be judged.
func (p summaryPrinter) others(words string) {
	s := p.m.Summary
	fmt.Fprintln(p)
	if words != "" {
		p.line("", words)
	}
	st := s.Findings.ByState
	words = fmt.Sprintf("%s: %s new, %s open, %s reopened, %s excepted; %s resolved", audit.Plural(s.Findings.Total, "finding"),
		audit.Number(st[audit.New]), audit.Number(st[audit.Open]), audit.Number(st[audit.Reopened]), audit.Number(st[audit.Excepted]), audit.Number(st[audit.Resolved]))
	if st[audit.ByPolicy]+st[audit.NotJudged] > 0 {
		words += fmt.Sprintf("; by the change of policy %s found and %s not judged any more", audit.Number(st[audit.ByPolicy]), audit.Number(st[audit.NotJudged]))
	}
	p.line("", words)
	if n := s.Authorizations.Touched; n > 0 {
		p.line("", audit.Plural(n, "token")+" touched: updated without a visible change")
	}
	for _, unjudged := range s.NotJudgedWords() {
		p.line("", "not judged: "+audit.Line(unjudged, 2000)) // the reason comes last
	}
}

// news is empty at the first review, which has nothing to compare with.
func (p summaryPrinter) news(n int) string {
	if p.m.Summary.Previous == nil {
		return ""
	}
	return p.m.Summary.Figure(n)
}

func (p summaryPrinter) day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(cmp.Or(p.m.Zone, time.UTC)).Format(time.DateOnly)
}

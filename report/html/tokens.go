package html

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// rank of a token: by the worst of the findings that decide where it stands.
type rank struct {
	part  int // see the constants below
	group table.Group
}

const (
	needsAction = iota
	stands
	excepted
	ended // resolved, or not judged
	noFinding
)

func rankOf(f audit.Finding, now time.Time) rank {
	r := rank{part: ended, group: table.GroupOf(f)}
	switch {
	case f.NeedsAction(now):
		r.part = needsAction
	case f.State == audit.Excepted:
		r.part = excepted
	case f.Current():
		r.part = stands
	}
	return r
}

func compareRanks(a, b rank) int {
	return cmp.Or(cmp.Compare(a.part, b.part), table.CompareGroups(a.group, b.group))
}

// reported are the findings of a row that belong in the report, in the order in which
// people see them.
func reported(r *table.Row) []audit.Finding {
	var out []audit.Finding
	for _, f := range r.Findings {
		if f.Reported(r.Now) {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b audit.Finding) int { return compareRanks(rankOf(a, r.Now), rankOf(b, r.Now)) })
	return out
}

// rowView is one token with its findings together. The script filters by the codes.
type rowView struct {
	Token    int    // its line in the data of the page
	Flags    string // a: needs action, n: newly, o: overdue, f: fixed
	Findings string // of each: check.state.severity.flags, by their places among the filters
	Target   string // its place among the filters
	Owner    string // what names the owner exactly, one a line
	Past     bool

	Name, ID, About string
	HexID           bool
	Who             string
	WhoIsLong       bool
	WhoAbout        string
	Groups          []groupView
	Since, Due      string
	Overdue         bool
	TargetName, Org string
	Created, Age    string
	Expires         string // empty where the product has no such date
}

// groupView is what the findings of one severity are called.
type groupView struct {
	Severity, Class string
	Titles          []titleView
}

type titleView struct {
	Title, Mark string // mark: new, excepted …
	Quiet       bool   // nobody has to act on it
}

// rows are the tokens of the page, worst first. The view of every token goes down to
// the disk, in the order of the records.
func (p *Page) rows(ctx context.Context, data *pageData, filters filters) ([]rowView, error) {
	kept := p.worst.Take()
	order := slices.SortedFunc(slices.Values(kept), func(a, b table.Place) int { return cmp.Compare(a.From, b.From) })
	byPlace := map[table.Place]rowView{}
	err := p.staging.File(tokensFile, func(w io.Writer) error {
		out, at := json.NewEncoder(w), 0
		for r, err := range table.NewRowMaker(p.in).Rows(ctx, p.spool.Records(slices.Values(order))) {
			if err != nil {
				return err
			}
			byPlace[order[at]] = p.row(r, at, filters)
			if err := out.Encode(data.token(r)); err != nil {
				return err
			}
			at++
		}
		return nil
	})
	rows := make([]rowView, 0, len(kept))
	for _, place := range kept {
		rows = append(rows, byPlace[place])
	}
	return rows, err
}

func (p *Page) row(r *table.Row, at int, filters filters) rowView {
	findings := reported(r)
	v := rowView{
		Token: at, Flags: tokenFlags(r, findings), Target: filters.target(r.Target), Past: len(findings) > 0 && !findings[0].Current() || !r.Exists() && !r.IsServer(),
		Name: audit.Line(r.Description, nameRunes), ID: table.OneLine(r.ID), HexID: isHexID(r.ID), About: aboutToken(r),
		TargetName: table.OneLine(r.Target), Org: table.OneLine(r.Org),
	}
	if !r.Product.V2() { // without orgs
		v.Org = r.ProductName
	}
	if !r.IsServer() {
		v.Owner = strings.Join([]string{exactName(r.OwnerName()), exactName(r.UserID), exactName(r.Contact.Responsible)}, "\n")
		v.Who, v.WhoAbout = audit.Line(cmp.Or(r.OwnerWords(), r.UserID), ownerRunes), aboutOwner(r)
		v.WhoIsLong = longestWord(v.Who) > wideWord
		v.Created, v.Age, v.Expires = cmp.Or(table.DayOf(r.CreatedAt), table.Unknown), ageWords(r.Age()), table.DayOf(r.ExpiresAt)
	}
	var since, due time.Time
	codes := make([]string, 0, len(findings))
	for _, f := range findings {
		codes = append(codes, filters.code(f, r.Now))
		v.add(f, audit.CheckOf(f.Check).On(r.Product).Title)
		if f.Actionable() && rankOf(f, r.Now).part == rankOf(findings[0], r.Now).part {
			since, due = audit.Earlier(since, f.Since), audit.Earlier(due, f.Due)
			v.Overdue = v.Overdue || f.Overdue(r.Now)
		}
	}
	v.Findings, v.Since, v.Due = strings.Join(codes, " "), table.DayOf(since), table.DayOf(due)
	return v
}

// add puts a finding with those of its severity; those that no longer stand are apart.
func (v *rowView) add(f audit.Finding, name string) {
	g := groupView{Severity: table.OneLine(string(f.Severity)), Class: "plain"}
	switch {
	case !f.Current():
		g.Class = "ended"
	case slices.Contains(audit.Severities(), f.Severity):
		g.Class = g.Severity
	}
	at := slices.IndexFunc(v.Groups, func(o groupView) bool { return o.Severity == g.Severity && o.Class == g.Class })
	if at < 0 {
		at, v.Groups = len(v.Groups), append(v.Groups, g)
	}
	title := titleView{Title: table.OneLine(name), Mark: string(f.State), Quiet: !f.Actionable() || f.Severity == audit.Info}
	switch {
	case f.State == audit.Open:
		title.Mark = ""
	case f.Approval != nil:
		title.Mark = "excepted until " + table.DayOf(f.Approval.LastDay())
	}
	v.Groups[at].Titles = append(v.Groups[at].Titles, title)
}

func tokenFlags(r *table.Row, findings []audit.Finding) string {
	needs := slices.ContainsFunc(findings, func(f audit.Finding) bool { return f.NeedsAction(r.Now) })
	flags := ""
	switch {
	case needs && (r.IsServer() || r.NeededAction):
		flags = "a"
	case needs:
		flags = "an"
	case r.NeededAction && !slices.ContainsFunc(findings, func(f audit.Finding) bool { return f.State == audit.Excepted && f.Severity.AtLeast(audit.High) }):
		flags = "f"
	}
	if slices.ContainsFunc(findings, func(f audit.Finding) bool { return f.Overdue(r.Now) }) {
		flags += "o"
	}
	return flags
}

// filters are the values that the table is filtered by, in the order of the page.
type filters struct {
	Targets []string
	Checks  []checkOption
	places  map[string]int // of the checks
}

type checkOption struct{ ID, Title string }

func newFilters(s audit.Summary, groups []table.Group) filters {
	f := filters{places: map[string]int{}}
	for _, t := range s.Coverage.Targets {
		f.Targets = append(f.Targets, t.Target)
	}
	add := func(id string) {
		if _, known := f.places[id]; !known {
			f.places[id] = len(f.Checks)
			f.Checks = append(f.Checks, checkOption{table.OneLine(id), table.OneLine(audit.CheckOf(id).Title)})
		}
	}
	for _, c := range s.Policy.Checks {
		if c.Severity != audit.Off {
			add(c.Check)
		}
	}
	for _, g := range groups { // of another version, or of a check that is off
		add(g.Check)
	}
	return f
}

// States and Severities are values of filters too.
func (filters) States() []audit.FindingState { return audit.FindingStates() }
func (filters) Severities() []audit.Severity { return audit.Severities() }

func (f filters) target(name string) string { return place(slices.Index(f.Targets, name)) }

func (f filters) code(found audit.Finding, now time.Time) string {
	flags := ""
	if found.NeedsAction(now) {
		flags = "a"
	}
	if found.Overdue(now) {
		flags += "o"
	}
	at, known := f.places[found.Check]
	if !known {
		at = -1
	}
	return place(at) + "." + place(slices.Index(audit.FindingStates(), found.State)) + "." + place(slices.Index(audit.Severities(), found.Severity)) + "." + flags
}

// place is x for what no filter has.
func place(at int) string {
	if at < 0 {
		return "x"
	}
	return fmt.Sprint(at)
}

const (
	nameRunes  = 140 // of a description
	ownerRunes = 254 // an e-mail address is no longer
	exactRunes = 100 // of a name that a filter compares
	wideWord   = 60  // runes of a word that a column can hold without a break
	longRunes  = 2000
)

// exactName is a name as the filter by owner compares it.
func exactName(s string) string { return audit.Line(s, exactRunes) }

// breaks are the parts between which a name may go on in the next line.
func breaks(name string) []string { return strings.SplitAfter(name, "@") }

func longestWord(s string) int {
	longest := 0
	for word := range strings.FieldsSeq(s) {
		longest = max(longest, utf8.RuneCountInString(word))
	}
	return longest
}

// isHexID: an ID as InfluxDB makes them, which is never broken across lines.
func isHexID(id string) bool {
	return len(id) == 16 && strings.Trim(id, "0123456789abcdef") == ""
}

// long makes text from outside safe to show in full, up to a bound. What is cut
// says so, and how long it was.
func long(s string) string {
	all := utf8.RuneCountInString(s)
	if all <= longRunes {
		return audit.Visible(s, true)
	}
	runes := 0
	for at := range s {
		if runes == longRunes {
			s = s[:at]
			break
		}
		runes++
	}
	return audit.Visible(s, true) + cutWords(all)
}

// display is the value of a column as a person reads it.
func display(v any) string {
	switch v := v.(type) {
	case nil:
		return table.Unknown
	case int:
		return audit.Number(v)
	case time.Time:
		return table.Moment(v)
	}
	return fmt.Sprint(v)
}

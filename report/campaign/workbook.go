package campaign

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/table"
	"tokenaudit/report/xlsx"
)

// workbook is report.xlsx.
func (v *view) workbook() ([]byte, error) {
	b := xlsx.NewPages("Access review of InfluxDB tokens", v.ID(), v.Made.At, v.Made.Tool)
	v.summarySheet(b)
	v.itemsSheet(b)
	v.reviewersSheet(b)
	v.revocationsSheet(b)
	v.refusedSheet(b)
	v.aboutSheet(b)
	return b.Bytes()
}

func words(s string) xlsx.Cell { return xlsx.Cell{Value: s} }

// wide is a text over some columns.
func wide(over int, s string) xlsx.Cell { return xlsx.Cell{Value: s, Over: over} }

func number(n int) xlsx.Cell { return xlsx.Cell{Value: n, Kind: table.Integer} }

// numbers is a text over or among them.
func numbers(s string) xlsx.Cell { return xlsx.Cell{Value: s, Kind: table.Integer} }

func date(t time.Time) xlsx.Cell {
	if t.IsZero() {
		return xlsx.Cell{}
	}
	return xlsx.Cell{Value: t.UTC(), Kind: table.Day}
}

func coloured(text, word string) xlsx.Cell { return xlsx.Cell{Value: text, Word: word} }

func severity(s audit.Severity) xlsx.Cell { return coloured(string(s), string(s)) }

func yes(is bool) xlsx.Cell { return words(table.YesNo(is)) }

// summarySheet is what the campaign came to, on one page.
func (v *view) summarySheet(b *xlsx.Pages) {
	s := b.Sheet("Summary", 0, 26, 12, 34, 30, 30, 14)
	f, r := v.Figures, v.Figures.Revocations
	s.Title("Access review of InfluxDB tokens")
	s.Note(v.ID() + ", opened " + table.Moment(v.Opened) + ", due " + table.Moment(v.Due) + ", as of " + table.Moment(v.Made.At))
	s.Headline(v.Headline(), v.Alarm())
	figure := func(name string, value xlsx.Cell, about string) { s.Row(words(name), value, wide(4, about)) }
	s.Section("Decisions")
	figure("Items", number(f.Items), fmt.Sprintf("scope %s, of the review %s", v.Scope, v.Run))
	figure("Decided and signed", numbers(v.Percent(f.Signed)), fmt.Sprintf("%s of %s; %s", audit.Number(f.Signed), audit.Number(v.toDecide()), v.DecisionWords()))
	figure("On time", numbers(v.Percent(f.OnTime)), fmt.Sprintf("%s signed by %s", audit.Number(f.OnTime), day(v.Due)))
	figure("Open", number(f.Open), v.OpenWords())
	figure("Gone before a decision", number(f.Gone), "by the answer of the server, before anybody decided")
	figure("Reassignments", number(f.Reassigned), "who, to whom and why: the sheet Items")
	figure("Self-reviews", number(f.SelfReviews), v.SelfWords()+", compared with the owner and the responsible person")
	figure("Refused rows", number(v.Figures.RefusedRows()), v.refusedWords())
	s.Section("Revocations")
	figure("Decided", number(r.Decided), "revoke or modify, signed")
	figure("Proven done", number(r.Done), fmt.Sprintf("by a later review; %s late", audit.Number(r.Late)))
	figure("Not proven yet", number(r.Outstanding), fmt.Sprintf("of these %s overdue, %s not seen by the newest review", audit.Number(r.Overdue), audit.Number(r.Unproven)))
	if r.Done > 0 {
		figure("Days to proof", number(r.DaysMedian), fmt.Sprintf("median, from the decision; the worst %s", audit.Number(r.DaysWorst)))
	}
	s.Section("Overdue revocations")
	s.Labels(words("Token"), words("Severity"), words("Owner, responsible"), words("Decided by"), words("What the newest review saw"), words("Due"))
	v.brief(s, v.Overdue(), func(r row) {
		s.Row(words(r.Token()+"\n"+r.Item.Authorization), severity(r.Item.Severity), words(joined(", ", r.Item.OwnerName(), r.Item.Responsible)),
			words(fmt.Sprintf("%s, %s on %s", r.Decision.By, r.Decision.Decision, day(r.Decision.At))), words(r.SeenWords()), date(r.GoneBy()))
	})
	s.Section("Not decided")
	s.Labels(words("Token"), words("Severity"), words("Owner, responsible"), words("What it waits for"), words("State"), words("Due"))
	v.brief(s, v.Undecided(), func(r row) {
		s.Row(words(r.Token()+"\n"+r.Item.Authorization), severity(r.Item.Severity), words(joined(", ", r.Item.OwnerName(), r.Item.Responsible)),
			words(r.Waits()), coloured(r.StateWords(), r.StateChip()), date(v.Due))
	})
	s.Section("End of the campaign")
	s.Fact("Closing", v.ClosingWords())
	s.Fact("Signature", v.SignatureWords())
	s.Fact("Basis", cmp.Or(v.Basis, "none is configured"))
}

// brief writes the beginning of a list, and says how much more there is.
func (v *view) brief(s *xlsx.Sheet, rows []row, write func(row)) {
	for _, r := range rows[:min(len(rows), mostBrief)] {
		write(r)
	}
	switch more := len(rows) - mostBrief; {
	case len(rows) == 0:
		s.Row(wide(6, "none"))
	case more > 0:
		s.Row(wide(6, audit.Number(more)+" more on the sheet Items"))
	}
}

func (v *view) refusedWords() string {
	var parts []string
	for _, c := range v.RefusedCodes() {
		parts = append(parts, fmt.Sprintf("%s: %s", c.Code, audit.Number(c.Rows)))
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}

// itemColumn is a column of the sheet Items.
type itemColumn struct {
	head  string
	width float64
	kind  table.Kind
	cell  func(row) xlsx.Cell
}

// printedItems is how many of them are on paper: the review record itself.
const printedItems = 11

func itemColumns() []itemColumn {
	text := func(of func(row) string) func(row) xlsx.Cell { return func(r row) xlsx.Cell { return words(of(r)) } }
	// decided is a cell of the decision, empty without one.
	decided := func(of func(row, campaign.Decision) xlsx.Cell) func(row) xlsx.Cell {
		return func(r row) xlsx.Cell {
			if r.Decision == nil {
				return xlsx.Cell{}
			}
			return of(r, *r.Decision)
		}
	}
	seen := func(of func(row, campaign.Remediation) xlsx.Cell) func(row) xlsx.Cell {
		return func(r row) xlsx.Cell {
			if r.Seen == nil {
				return xlsx.Cell{}
			}
			return of(r, *r.Seen)
		}
	}
	return []itemColumn{
		{"Token", 30, table.Text, text(row.Token)},
		{"Authorization ID", 18, table.Text, text(func(r row) string { return r.Item.Authorization })},
		{"Owner", 18, table.Text, text(func(r row) string { return r.Item.OwnerName() })},
		{"Severity", 10, table.Text, func(r row) xlsx.Cell { return severity(r.Item.Severity) }},
		{"State", 10, table.Text, func(r row) xlsx.Cell { return coloured(r.StateWords(), r.StateChip()) }},
		{"Decision", 10, table.Text, decided(func(_ row, d campaign.Decision) xlsx.Cell { return words(string(d.Decision)) })},
		{"Decided by", 23, table.Text, decided(func(_ row, d campaign.Decision) xlsx.Cell { return words(d.By) })},
		{"Decided on", 12, table.Day, decided(func(_ row, d campaign.Decision) xlsx.Cell { return date(d.At) })},
		{"Justification", 34, table.Text, decided(func(_ row, d campaign.Decision) xlsx.Cell { return words(d.Justification) })},
		{"Due", 12, table.Day, func(r row) xlsx.Cell {
			switch {
			case r.Goes():
				return date(r.GoneBy())
			case r.State.Open():
				return date(r.book.Due)
			}
			return xlsx.Cell{}
		}},
		{"Since then", 26, table.Text, func(r row) xlsx.Cell { return coloured(r.SeenWords(), r.SeenChip()) }},
		{"Responsible", 22, table.Text, text(func(r row) string { return r.Item.Responsible })},
		{"Ticket", 12, table.Text, decided(func(_ row, d campaign.Decision) xlsx.Cell { return words(d.Ticket) })},
		{"Proven by", 30, table.Text, seen(func(_ row, m campaign.Remediation) xlsx.Cell { return words(m.Evidence) })},
		{"Review", 28, table.Text, seen(func(_ row, m campaign.Remediation) xlsx.Cell { return words(m.Run) })},
		{"Reviewer", 22, table.Text, text(func(r row) string { return r.Reviewer })},
		{"Signed", 9, table.Text, decided(func(_ row, d campaign.Decision) xlsx.Cell { return yes(d.Signed) })},
		{"On time", 9, table.Text, decided(func(r row, _ campaign.Decision) xlsx.Cell { return yes(!r.Late()) })},
		{"Until or scope", 22, table.Text, decided(func(_ row, d campaign.Decision) xlsx.Cell { return words(d.UntilOrScope) })},
		{"Against it", 26, table.Text, text(row.Against)},
		{"Assigned", 30, table.Text, text(row.Moved)},
		{"Last decision", 26, table.Text, text(func(r row) string {
			if l := r.Item.Last; l != nil {
				return fmt.Sprintf("%s by %s on %s", l.Decision, l.By, day(l.At))
			}
			return ""
		})},
		{"Why", 44, table.Text, text(func(r row) string { return strings.Join(r.Item.Why, "\n") })},
		{"Class", 14, table.Text, text(func(r row) string { return r.Item.Class })},
		{"May write", 20, table.Text, text(func(r row) string { return r.Item.Writes })},
		{"Owner state", 11, table.Text, text(func(r row) string { return string(r.Item.OwnerState) })},
		{"Team", 12, table.Text, text(func(r row) string { return r.Item.Team })},
		{"Purpose", 22, table.Text, text(func(r row) string { return r.Item.Purpose })},
		{"Status", 10, table.Text, text(func(r row) string { return r.Item.StatusWords(r.book.Opened) })},
		{"Presence", 10, table.Text, text(func(r row) string { return string(r.Item.Presence) })},
		{"Created", 12, table.Day, func(r row) xlsx.Cell { return date(r.Item.Created) }},
		{"Target", 14, table.Text, text(func(r row) string { return r.Item.Target })},
		{"Org", 16, table.Text, text(func(r row) string { return cmp.Or(r.Item.Org, r.Item.OrgID) })},
		{"Fingerprint", 19, table.Text, text(func(r row) string { return r.Item.Fingerprint })},
	}
}

func (v *view) itemsSheet(b *xlsx.Pages) {
	columns := itemColumns()
	var widths []float64
	var heads []xlsx.Cell
	for _, c := range columns {
		widths, heads = append(widths, c.width), append(heads, xlsx.Cell{Value: c.head, Kind: c.kind})
	}
	s := b.Sheet("Items", 1, widths...)
	s.List(printedItems, heads...)
	for _, r := range v.Rows {
		cells := make([]xlsx.Cell, len(columns))
		for i, c := range columns {
			cells[i] = c.cell(r)
		}
		s.Entry(cells...)
	}
	if len(v.Rows) == 0 {
		s.Row(wide(len(columns), "No token was in the scope."))
	}
}

func (v *view) reviewersSheet(b *xlsx.Pages) {
	s := b.Sheet("Reviewers", 1, 32, 10, 10, 10, 14, 10, 16, 16, 50)
	s.List(9, words("Reviewer"), numbers("Items"), numbers("Open"), numbers("Signed"), words("Last signed"), numbers("Kept, %"), numbers("Same justification"), numbers("Rows a minute"), words("Reasons to ask"))
	for _, f := range v.Figures.Reviewers {
		kept := words(table.Unknown)
		if f.Signed > 0 {
			kept = number(f.KeepRate)
		}
		signs, word := strings.Join(v.Signs(f), "; "), ""
		if signs != "" {
			word = string(audit.Partial)
		}
		s.Entry(words(f.Reviewer), number(f.Items), number(f.Open), number(f.Signed), date(f.LastAt), kept, numbers(v.SameReasonWords(f)), numbers(PaceWords(f)), coloured(signs, word))
	}
}

// revocationsSheet has each token that has to go, and what each review saw of it.
func (v *view) revocationsSheet(b *xlsx.Pages) {
	s := b.Sheet("Revocations", 1, 28, 18, 18, 10, 23, 12, 12, 12, 26, 7, 10, 32, 22, 28, 19)
	s.List(12, words("Token"), words("Authorization ID"), words("Owner"), words("Decision"), words("Decided by"), words("Decided on"), words("Due"),
		words("Review began"), words("What it saw"), numbers("Days"), words("Overdue"), words("Proven by"), words("Responsible"), words("Review"), words("In its place"))
	lines := map[string][]campaign.Remediation{}
	for _, m := range v.Remediation {
		if m.Decision != "" {
			lines[m.Item] = append(lines[m.Item], m)
		}
	}
	all := v.Revocations()
	for _, r := range all {
		d := r.Decision
		about := []xlsx.Cell{words(r.Token()), words(r.Item.Authorization), words(r.Item.OwnerName()), words(string(d.Decision)), words(d.By), date(d.At), date(r.GoneBy())}
		if len(lines[r.Item.ID]) == 0 {
			s.Entry(append(about, xlsx.Cell{}, coloured(r.SeenWords(), r.SeenChip()), xlsx.Cell{}, yes(r.Overdue()), xlsx.Cell{}, words(r.Item.Responsible), words(table.Unknown), xlsx.Cell{})...)
		}
		for _, m := range lines[r.Item.ID] {
			word := string(audit.Partial)
			switch {
			case m.Settled:
				word = string(audit.Complete)
			case m.Overdue:
				word = string(audit.High)
			}
			s.Entry(append(about[:7:7], date(m.At), coloured(seenWords(m), word), number(m.Days), yes(m.Overdue), words(m.Evidence), words(r.Item.Responsible), words(m.Run), words(m.By))...)
		}
	}
	if len(all) == 0 {
		s.Row(wide(15, "No signed decision says revoke or modify."))
	}
}

func (v *view) refusedSheet(b *xlsx.Pages) {
	s := b.Sheet("Refused", 1, 10, 22, 36, 8, 56, 22, 60)
	s.List(7, numbers("Import"), words("Imported"), words("File"), numbers("Line"), words("Item"), words("Code"), words("Reason"))
	for _, r := range v.Refused {
		s.Entry(number(r.Import), xlsx.Cell{Value: r.At, Kind: table.Date}, words(r.File), number(r.Line), words(r.Item), words(string(r.Code)), words(r.Reason))
	}
	if len(v.Refused) == 0 {
		s.Row(wide(7, "No row was refused."))
	}
}

// aboutSheet says how the campaign came to be, and how to check that nobody changed it.
func (v *view) aboutSheet(b *xlsx.Pages) {
	s := b.Sheet("About", 0, 26, 20, 30, 52, 10, 10, 10)
	s.Title("About this report")
	s.Section("Campaign")
	for _, f := range [][2]string{
		{"Campaign", v.ID()}, {"Job", v.Job}, {"Review", v.Run + ", the items are of its records"}, {"SHA-256 of its manifest", v.Manifest},
		{"Scope", string(v.Scope) + ": " + audit.Plural(v.Figures.Items, "token")}, {"Not seen at the opening", audit.Plural(v.Unseen, "token") + ", as an earlier review saw them"},
		{"Basis of the frequency", cmp.Or(v.Basis, "none is configured")}, {"Opened", table.Moment(v.Opened)}, {"Due", table.Moment(v.Due)},
		{"Gone after the decision within", v.WithinWords()}, {"Inactive counts as done", table.YesNo(v.InactiveCountsAsDone)},
		{"Manager", cmp.Or(v.Manager, "none")}, {"SHA-256 of items.jsonl", v.ItemsSHA256}, {"Made by", joined(" ", v.Made.Tool.Name, v.Made.Tool.Version, v.Made.Tool.Build)}, {"Made at", table.Moment(v.Made.At)},
	} {
		s.Fact(f[0], f[1])
	}
	s.Section("Imported files")
	s.Labels(words("File"), words("Imported"), words("Reviewer"), words("Signed with"), numbers("Rows"), numbers("Taken"), numbers("Refused"))
	for _, in := range v.Imports {
		s.Row(words(in.File), xlsx.Cell{Value: in.At, Kind: table.Date}, words(in.Reviewer), words(cmp.Or(in.Key, "draft, not signed")), number(in.Rows), number(in.Taken), number(in.Refused))
	}
	if len(v.Imports) == 0 {
		s.Row(wide(7, "none"))
	}
	s.Section("How to verify")
	s.Fact("Everything", "tokenaudit verify FOLDER, where FOLDER holds this file: hashes, signatures, and the decisions made again from the imported files")
	s.Fact("Hashes alone", "sha256sum -c "+SumsFile)
	s.Fact("Signature of a reviewer", "ssh-keygen -Y verify -f SIGNERS -I ADDRESS -n "+campaign.Namespace+" -s FILE.sig < FILE")
	s.Fact("Figures", "count the lines of items.jsonl, decisions.jsonl and remediation.jsonl, for example with jq")
}

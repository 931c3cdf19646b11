package campaign

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
)

const day24 = 24 * time.Hour

var opened = time.Date(2026, 10, 1, 7, 0, 0, 0, time.UTC)

// memory is a folder.
type memory map[string]string

func (m memory) Read(_ context.Context, name string) ([]byte, error) {
	text, ok := m[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

func (m memory) Write(_ context.Context, name string, content []byte) error {
	m[name] = string(content)
	return nil
}

func write(bucket string) audit.Permission {
	return audit.Permission{Action: "write", Resource: audit.Resource{Type: "buckets", ID: bucket, Name: bucket, OrgID: "o1"}}
}

func read(bucket string) audit.Permission {
	return audit.Permission{Action: "read", Resource: audit.Resource{Type: "buckets", ID: bucket, Name: bucket, OrgID: "o1"}}
}

// seen is the record of an active token of a user, as a review has it.
func seen(id, user string, permissions ...audit.Permission) audit.Record {
	return audit.Record{
		Target: "prod", Presence: audit.Listed, Owner: audit.Owner{ID: "u-" + user, Name: user, State: audit.OwnerPresent}, FirstSeen: opened.Add(-100 * day24), LastSeen: opened,
		Authorization: audit.Authorization{ID: id, OrgID: "o1", UserID: "u-" + user, User: user, Description: "token " + id, Status: audit.Active, Permissions: permissions, CreatedAt: opened.Add(-200 * day24)},
	}
}

func flagged(r audit.Record, s audit.Severity) audit.Record {
	r.Findings = append(r.Findings, audit.Finding{Check: "not-rotated", Severity: s, State: audit.Open, Since: opened.Add(-21 * day24)})
	return r
}

func with(r audit.Record, change func(*audit.Record)) audit.Record {
	change(&r)
	return r
}

func rows(all ...audit.Record) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

var terms = Terms{
	Name: "quarterly", Job: "weekly", Zone: "UTC", Scope: ScopeAll, Due: 14 * day24, Reviewer: "secops@example.com", Manager: "ciso@example.com",
	Remind:       []Span{{"7d", 7 * day24}, {"1d", day24}},
	RevokeWithin: map[audit.Severity]time.Duration{audit.Critical: 3 * day24}, DefaultWithin: 30 * day24,
	Escalate: Escalation{After: day24, To: "C0123456789"},
}

var people = People{
	Contacts: audit.Contacts{"telegraf": {Responsible: "anna@example.com", Reviewer: "ben@example.com"}},
	Targets:  map[string]string{"staging": "carla@example.com"},
}

// population has one token of each kind: a is critical, b and c are a group of anna's, d is
// of the campaign's own reviewer.
func population() []audit.Record {
	return []audit.Record{
		flagged(seen("a", "telegraf", write("b1"), read("b1")), audit.Critical),
		seen("b", "grafana", read("b1")),
		seen("c", "grafana", read("b2")),
		seen("d", "secops@example.com", write("b3")),
	}
}

// open opens a campaign on records in a folder.
func open(t *testing.T, terms Terms, before *Book, records ...audit.Record) (*Book, memory) {
	t.Helper()
	at, earlier := opened, Earlier{}
	if before != nil {
		at = before.Opened.Add(90 * day24)
		earlier.Add(before)
	}
	c, items, err := Open(terms, at, audit.Scheduled, audit.Link{Run: "weekly/2026-09-28T0700Z", Manifest: strings.Repeat("ab", 32)}, rows(records...), people, earlier)
	if err != nil {
		t.Fatal(err)
	}
	folder := memory{}
	if _, err := Create(t.Context(), folder, c, items); err != nil {
		t.Fatal(err)
	}
	return load(t, folder), folder
}

func load(t *testing.T, folder memory) *Book {
	t.Helper()
	b, err := Load(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fileOf is the file of a reviewer as it is exported, with a decision for each token.
func fileOf(b *Book, reviewer string, decisions map[string]string) []Row {
	var out []Row
	for i, l := range b.Lines(b.ItemsOf(reviewer)) {
		r := Row{Line: i + 2, Campaign: b.ID(), Item: l.ID, Fingerprint: l.Fingerprint, FactsSHA256: l.FactsSHA256, Reviewer: reviewer, Facts: map[string]string{}}
		for _, f := range l.Facts {
			r.Facts[f.Name] = f.Text
		}
		for _, it := range l.Items {
			decision, rest, _ := strings.Cut(decisions[it.Authorization], ";")
			r.Decision = decision
			r.Justification, r.UntilOrScope, _ = strings.Cut(rest, ";")
		}
		out = append(out, r)
	}
	return out
}

// imports imports rows as the file of a reviewer, signed or as a draft.
func imports(t *testing.T, folder memory, reviewer string, signed bool, at time.Time, rows ...Row) Outcome {
	t.Helper()
	b := load(t, folder)
	r := Received{Name: "a.csv", Content: fmt.Append(nil, reviewer, signed, at, rows), Reviewer: reviewer}
	if signed {
		r.Key, r.Signature = "SHA256:key", []byte("signature")
	}
	in := b.NewImport(r, ".csv", at)
	o := b.Judge(in, rows)
	if err := b.Take(t.Context(), folder, in, r, o); err != nil {
		t.Fatal(err)
	}
	return o
}

// states are those of the items, by authorization.
func states(b *Book) map[string]State {
	out := map[string]State{}
	for _, s := range b.Status() {
		out[s.Item.Authorization] = s.State
	}
	return out
}

func TestOpen(t *testing.T) {
	all := population()
	for name, test := range map[string]struct {
		scope     Scope
		want      string
		reviewers string
	}{
		"all":        {ScopeAll, "a b c d", "ben secops secops ciso"},
		"flagged":    {ScopeFlagged, "a", "ben"},
		"privileged": {ScopePrivileged, "", ""},
		"changed":    {ScopeChanged, "a b c d", "ben secops secops ciso"},
	} {
		t.Run(name, func(t *testing.T) {
			terms := terms
			terms.Scope = test.scope
			gone := with(seen("e", "x", read("b1")), func(r *audit.Record) { r.Presence = audit.Gone })
			b, _ := open(t, terms, nil, append(all, gone, with(seen("f", "x"), func(r *audit.Record) { r.ID = audit.ServerID }))...)
			var ids, who []string
			for _, it := range b.Items {
				ids = append(ids, it.Authorization)
				name, _, _ := strings.Cut(it.Reviewer, "@")
				who = append(who, name)
			}
			if got := strings.Join(ids, " "); got != test.want {
				t.Errorf("the items are %q, want %q", got, test.want)
			}
			if got := strings.Join(who, " "); got != test.reviewers {
				t.Errorf("their reviewers are %q, want %q", got, test.reviewers)
			}
		})
	}
}

// TestReviewer: nobody gets a token of their own, and nobody who has left gets one.
func TestReviewer(t *testing.T) {
	c := terms.new(opened, audit.Scheduled)
	left := func(who string) bool { return who == "ben@example.com" }
	for name, test := range map[string]struct {
		target, user, responsible string
		left                      func(string) bool
		want                      string
	}{
		"of the owner":            {"prod", "telegraf", "anna@example.com", nil, "ben@example.com"},
		"of the owner, who left":  {"prod", "telegraf", "anna@example.com", left, "secops@example.com"},
		"of the target":           {"staging", "x", "", nil, "carla@example.com"},
		"of the campaign":         {"prod", "x", "", nil, "secops@example.com"},
		"responsible themselves":  {"prod", "telegraf", "Ben@Example.com", nil, "secops@example.com"},
		"an owner themselves":     {"prod", "SecOps@example.com", "", nil, "ciso@example.com"},
		"nobody is left":          {"prod", "x", "", func(string) bool { return true }, ""},
		"owner of a named target": {"staging", "carla@example.com", "", nil, "secops@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			p := people
			p.Left = test.left
			it := Item{Target: test.target, User: test.user, Responsible: test.responsible}
			if got := p.reviewer(c, it, &audit.Record{Target: test.target, Owner: audit.Owner{Name: test.user}}); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestGroup: tokens of one owner, one class and low risk stand as one row.
func TestGroup(t *testing.T) {
	b, _ := open(t, terms, nil, population()...)
	lines := b.Lines(b.ItemsOf("secops@example.com"))
	if len(lines) != 1 || len(lines[0].Items) != 2 || !strings.HasPrefix(lines[0].Facts[0].Text, "2 tokens: token b (b); token c (c)") {
		t.Fatalf("got %+v", lines)
	}
	risky, _ := open(t, terms, nil, population()[1], flagged(population()[2], audit.Medium))
	if lines := risky.Lines(risky.ItemsOf("secops@example.com")); len(lines) != 2 {
		t.Errorf("a token with a finding stands with others: %+v", lines)
	}
}

func TestJudge(t *testing.T) {
	ben, secops := "ben@example.com", "secops@example.com"
	for name, test := range map[string]struct {
		by       string
		terms    func(*Terms)
		decision string
		edit     func(*Row)
		before   func(t *testing.T, b *Book, f memory)
		want     Code
	}{
		"kept with a reason":       {by: ben, decision: "keep;needed"},
		"in capitals":              {by: ben, decision: " Revoke "},
		"keep a critical one":      {by: ben, decision: "keep", want: NeedsJustification},
		"keep one without finding": {by: secops, decision: "keep"},
		"modify without a reason":  {by: ben, decision: "modify;;read b1", want: NeedsJustification},
		"kept until yesterday":     {by: ben, decision: "keep;needed;2026-10-01", want: PastDate},
		"kept until today":         {by: ben, decision: "keep;needed;2026-10-02"},
		"kept until words":         {by: ben, decision: "keep;needed;end of year"},
		"modify without a scope":   {by: ben, decision: "modify;too wide", want: NeedsScope},
		"modify":                   {by: ben, decision: "modify;too wide;read b1"},
		"no ticket":                {by: ben, decision: "revoke", terms: func(t *Terms) { t.TicketRequired = true }, want: NeedsTicket},
		"a ticket":                 {by: ben, decision: "revoke", terms: func(t *Terms) { t.TicketRequired = true }, edit: func(r *Row) { r.Ticket = "SEC-1" }},
		"no ticket for keep":       {by: ben, decision: "keep;x", terms: func(t *Terms) { t.TicketRequired = true }},
		"an unknown decision":      {by: ben, decision: "mabye", want: UnknownDecision},
		"a formula":                {by: ben, decision: `=IF(1,"keep","")`, want: UnknownDecision},
		"another campaign":         {by: ben, decision: "revoke", edit: func(r *Row) { r.Campaign = "quarterly/2026-07-01T0700Z" }, want: OtherCampaign},
		"an unknown item":          {by: ben, decision: "revoke", edit: func(r *Row) { r.Item = "prod/o1/zz" }, want: UnknownItem},
		"no item":                  {by: ben, decision: "revoke", edit: func(r *Row) { r.Item = "" }, want: UnknownItem},
		"a number for an ID":       {by: ben, decision: "revoke", edit: func(r *Row) { r.Item = "1.1E+15" }, want: IDIsNumber},
		"another fingerprint":      {by: ben, decision: "revoke", edit: func(r *Row) { r.Fingerprint = "0" }, want: Stale},
		"a fact edited":            {by: ben, decision: "revoke", edit: func(r *Row) { r.Facts[FactSeverity] = "low" }, want: FactsEdited},
		"its hash edited, too":     {by: ben, decision: "revoke", edit: func(r *Row) { r.Facts[FactSeverity], r.FactsSHA256 = "low", "0" }, want: FactsEdited},
		"columns removed":          {by: ben, decision: "revoke", edit: func(r *Row) { r.Facts = nil }},
		"of somebody else":         {by: ben, decision: "revoke", edit: func(r *Row) { r.Item = "prod/o1/d" }, want: NotYours},
		"a group of somebody else": {by: ben, decision: "revoke", edit: func(r *Row) { r.Item = "group/prod/o1/b" }, want: NotYours},
		"after the end": {by: ben, decision: "revoke", want: Closed, before: func(t *testing.T, b *Book, f memory) {
			if err := b.Close(t.Context(), f, "late", "root", nil, opened); err != nil {
				t.Fatal(err)
			}
		}},
		"a token of their own": {by: ben, decision: "revoke", want: SelfReview, before: func(t *testing.T, b *Book, f memory) {
			b.Items[0].Responsible = ben
			if err := writeLines(t.Context(), f, ItemsFile, b.Items); err != nil {
				t.Fatal(err)
			}
		}, edit: func(r *Row) { r.FactsSHA256 = "" }},
		"the token changed since": {by: ben, decision: "revoke", want: Stale, before: func(t *testing.T, b *Book, f memory) {
			review(t, f, 7, seen("a", "telegraf", write("b1")))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			terms := terms
			if test.terms != nil {
				test.terms(&terms)
			}
			b, folder := open(t, terms, nil, population()...)
			row := fileOf(b, test.by, map[string]string{"a": test.decision, "b": test.decision, "c": test.decision})[0]
			if test.edit != nil {
				test.edit(&row)
			}
			if test.before != nil {
				test.before(t, b, folder)
			}
			o := imports(t, folder, test.by, true, opened.Add(day24), row)
			var got Code
			if len(o.Refused) > 0 {
				got = o.Refused[0].Code
			}
			if got != test.want || (got == "") != (len(o.Decisions) > 0) {
				t.Errorf("refused with %q (%+v), want %q; taken %+v", got, o.Refused, test.want, o.Decisions)
			}
			if reloaded := load(t, folder); len(reloaded.Refused) != len(o.Refused) || len(reloaded.Decisions) != len(o.Decisions) {
				t.Errorf("the folder has %d decisions and %d refused rows", len(reloaded.Decisions), len(reloaded.Refused))
			}
		})
	}
}

// review compares the book with a review so many days after the opening, and writes down
// what that saw.
func review(t *testing.T, folder memory, days int, records ...audit.Record) map[string]Remediation {
	t.Helper()
	b := load(t, folder)
	at := opened.Add(time.Duration(days) * day24)
	saw := func(b *Book) *Sighting {
		s := NewSighting(audit.Run{Job: "weekly", Slot: at, Started: at}, people.Contacts, b)
		for i := range records {
			s.Add(&records[i])
		}
		return s
	}
	lines := b.Compare(saw(b))
	if err := b.Remember(t.Context(), folder, lines); err != nil {
		t.Fatal(err)
	}
	if again := load(t, folder); len(again.Compare(saw(again))) > 0 && len(lines) > 0 {
		t.Error("a review that is compared twice says something twice")
	}
	out := map[string]Remediation{}
	for _, m := range lines {
		out[m.Item[strings.LastIndex(m.Item, "/")+1:]] = m
	}
	return out
}

func TestDoubledRows(t *testing.T) {
	b, folder := open(t, terms, nil, population()...)
	row := fileOf(b, "ben@example.com", map[string]string{"a": "revoke"})[0]
	same, other := row, row
	same.Line, other.Line, other.Decision, other.Justification = 9, 9, "keep", "needed"
	if o := imports(t, folder, "ben@example.com", false, opened, row, other); len(o.Decisions) != 0 || len(o.Refused) != 2 {
		t.Errorf("of two that differ, taken %d, refused %d", len(o.Decisions), len(o.Refused))
	}
	if o := imports(t, folder, "ben@example.com", false, opened, row, same); len(o.Decisions) != 1 || len(o.Refused) != 1 || o.Refused[0].Line != 9 {
		t.Errorf("of two that are equal, taken %d, refused %+v", len(o.Decisions), o.Refused)
	}
}

// TestDraftIsOfOnePerson: a file decides the items of whom it is of, and rows of others in it
// nothing.
func TestDraftIsOfOnePerson(t *testing.T) {
	b, folder := open(t, terms, nil, population()...)
	all := map[string]string{"a": "revoke", "b": "revoke", "c": "revoke"}
	rows := append(fileOf(b, "ben@example.com", all), fileOf(b, "secops@example.com", all)...)
	o := imports(t, folder, "ben@example.com", false, opened, rows...)
	if len(o.Decisions) != 1 || len(o.Refused) != 1 || o.Refused[0].Code != NotYours {
		t.Errorf("taken %+v, refused %+v", o.Decisions, o.Refused)
	}
}

// TestRowsCountOnce: a row is taken, refused, as before or empty, of however many tokens.
func TestRowsCountOnce(t *testing.T) {
	b, folder := open(t, terms, nil, population()...)
	send := func(decision string) Outcome {
		return imports(t, folder, "secops@example.com", true, opened.Add(time.Hour), fileOf(b, "secops@example.com", map[string]string{"c": decision})...)
	}
	for _, step := range []struct {
		decision                                 string
		tokens, taken, refused, unchanged, empty int
	}{{"keep", 2, 1, 0, 0, 0}, {"keep", 0, 0, 0, 1, 0}, {"revoke", 0, 0, 1, 0, 0}, {"", 0, 0, 0, 0, 1}} {
		o := send(step.decision)
		if len(o.Decisions) != step.tokens || o.Taken != step.taken || len(o.Refused) != step.refused || o.Unchanged != step.unchanged || o.Empty != step.empty {
			t.Errorf("%q: %+v", step.decision, o)
		}
	}
	if in := load(t, folder).Imports[2]; in.Rows != 1 || in.Refused != 1 {
		t.Errorf("%+v", in)
	}
}

// TestRefusedFigures: a refused row counts until its reviewer sends the item again.
func TestRefusedFigures(t *testing.T) {
	b, folder := open(t, terms, nil, population()...)
	for i, step := range []struct {
		who, decision string
		signed        bool
		want          map[Code]int
	}{
		{"ben@example.com", "maybe", false, map[Code]int{UnknownDecision: 1}},
		{"ben@example.com", "maybe", true, map[Code]int{UnknownDecision: 1}},
		{"secops@example.com", "maybe", false, map[Code]int{UnknownDecision: 2}},
		{"ben@example.com", "revoke", true, map[Code]int{UnknownDecision: 1}},
		{"secops@example.com", "keep", true, map[Code]int{}},
		{"ben@example.com", "keep;x", true, map[Code]int{Final: 1}},
	} {
		imports(t, folder, step.who, step.signed, opened.Add(time.Duration(i)*time.Hour), fileOf(b, step.who, map[string]string{"a": step.decision, "c": step.decision})...)
		if got := load(t, folder).Figures(opened); !maps.Equal(got.Refused, step.want) || got.RefusedRows() > 2 {
			t.Errorf("after step %d: %v, want %v", i, got.Refused, step.want)
		}
	}
}

// TestStateWords: one word for each state.
func TestStateWords(t *testing.T) {
	for want, s := range map[string]Status{
		"open": {State: Pending, Reviewer: "x"}, "without a reviewer": {State: Pending}, "not theirs": {State: Reassigned, Reviewer: "x", NotMine: true},
		"in conflict": {State: InConflict, Reviewer: "x", NotMine: true}, "draft, not signed": {State: Decided, Reviewer: "x"}, "token changed": {State: Changed, Reviewer: "x"},
		"gone": {State: Gone}, "signed": {State: Signed, NotMine: true},
	} {
		if got := s.StateWords(); got != want {
			t.Errorf("%+v is %q, want %q", s, got, want)
		}
	}
}

// TestManyDoubledRows: a file of one row, copied down the sheet, is judged in one walk.
func TestManyDoubledRows(t *testing.T) {
	b, _ := open(t, terms, nil, population()...)
	rows := slices.Repeat(fileOf(b, "ben@example.com", map[string]string{"a": "revoke"})[:1], 200_000)
	for i := range rows {
		rows[i].Line = i + 2
	}
	if o := b.Judge(Import{Import: 1, At: opened, Reviewer: "ben@example.com"}, rows); len(o.Decisions) != 1 || len(o.Refused) != len(rows)-1 {
		t.Errorf("taken %d, refused %d", len(o.Decisions), len(o.Refused))
	}
}

// TestNotToBeRevoked: what cannot go, and what reviews ask with, is marked in the file and
// refused with what to decide instead, in a row of its own.
func TestNotToBeRevoked(t *testing.T) {
	own := with(seen("b", "grafana", read("b1")), func(r *audit.Record) { r.OfReview = true })
	operator := with(seen("o", "", write("b1")), func(r *audit.Record) {
		r.Owner, r.UserID, r.User, r.Product, r.Description = audit.Owner{State: audit.OwnerNone}, "", "", audit.ProductCore, "_admin"
	})
	b, _ := open(t, terms, nil, own, seen("c", "grafana", read("b2")), operator)
	for name, test := range map[string]struct {
		token, decision, marked string
		want                    Code
	}{
		"revoke the operator token":     {"o", "revoke", "the operator token", CannotGo},
		"modify the operator token":     {"o", "modify;needed;read only", "the operator token", CannotGo},
		"keep the operator token":       {"o", "keep;needed", "the operator token", ""},
		"revoke that of the reviews":    {"b", "revoke", "the credential of the reviews", OfReviews},
		"replace that of the reviews":   {"b", "modify;needed;read only", "the credential of the reviews", ""},
		"revoke another of its owner":   {"c", "revoke", "token c (c)", ""},
		"keep the one of the reviews":   {"b", "keep", "the credential of the reviews", ""},
		"not mine, that of the reviews": {"b", "not mine", "the credential of the reviews", ""},
	} {
		rows := fileOf(b, "secops@example.com", map[string]string{test.token: test.decision})
		o := b.Judge(Import{Import: 1, At: opened, Reviewer: "secops@example.com"}, rows)
		var got Code
		if len(o.Refused) > 0 {
			got = o.Refused[0].Code
		}
		if at := slices.IndexFunc(rows, func(r Row) bool { return r.Decision != "" }); got != test.want || len(o.Refused)+o.Taken != 1 || at < 0 || !strings.Contains(rows[at].Facts[FactToken], test.marked) {
			t.Errorf("%s: refused with %q, want %q; %+v", name, got, test.want, rows)
		}
	}
}

// TestRefusedText: what a file has in place of an ID is short, visible and no formula.
func TestRefusedText(t *testing.T) {
	for text, want := range map[string]string{
		"prod/o1/a": "prod/o1/a", "group/prod/o1/b": "group/prod/o1/b", "": "", "=cmd|' /C calc'!A0": `"=cmd|' /C calc'!A0"`, "-1+1": `"-1+1"`, "1.1E+15": `"1.1E+15"`,
		"a\nb\u202e": `"a\nb\u202e"`, strings.Repeat("x", 40_000): `"` + strings.Repeat("x", 298) + "…",
	} {
		b, _ := open(t, terms, nil, population()...)
		row := fileOf(b, "ben@example.com", map[string]string{"a": "revoke"})[0]
		row.Item, row.Campaign = text, "=1"+strings.Repeat("y", 40_000)
		o := b.Judge(Import{Import: 1, At: opened, Reviewer: "ben@example.com"}, []Row{row})
		if len(o.Refused) != 1 || o.Refused[0].Item != want || len(o.Refused[0].Reason) > 200 {
			t.Errorf("%.40q: %.600v", text, o.Refused)
		}
	}
}

// TestDecisions plays what people send, in order, and says how the item ends.
func TestDecisions(t *testing.T) {
	ben, carla := "ben@example.com", "carla@example.com"
	type step func(t *testing.T, folder memory, at time.Time)
	send := func(who, decision string, signed bool, want Code) step {
		return func(t *testing.T, folder memory, at time.Time) {
			o := imports(t, folder, who, signed, at, fileOf(load(t, folder), who, map[string]string{"a": decision})...)
			var got Code
			if len(o.Refused) > 0 {
				got = o.Refused[0].Code
			}
			if got != want {
				t.Errorf("%s of %s: refused with %q, want %q", decision, who, got, want)
			}
		}
	}
	assign := func(to string) step {
		return func(t *testing.T, folder memory, at time.Time) {
			b := load(t, folder)
			a, err := b.Assign("a", to, "holiday", "root", at)
			if err == nil {
				err = b.Reassign(t.Context(), folder, a)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
	for name, test := range map[string]struct {
		steps []step
		state State
		by    string
	}{
		"a draft":                         {[]step{send(ben, "revoke", false, "")}, Decided, ben},
		"the newest draft wins":           {[]step{send(ben, "keep;x", false, ""), send(ben, "revoke", false, "")}, Decided, ben},
		"a draft, then signed":            {[]step{send(ben, "revoke", false, ""), send(ben, "revoke", true, "")}, Signed, ben},
		"signed is final":                 {[]step{send(ben, "revoke", true, ""), send(ben, "keep;x", true, Final)}, Signed, ben},
		"signed, and the same again":      {[]step{send(ben, "revoke", true, ""), send(ben, "revoke", false, "")}, Signed, ben},
		"not mine, and decided after all": {[]step{send(ben, "not mine", true, ""), send(ben, "revoke", true, "")}, Signed, ben},
		"not mine":                        {[]step{send(ben, "not mine", true, "")}, Pending, ""},
		"reassigned":                      {[]step{assign(carla)}, Reassigned, ""},
		"signed, and given to another":    {[]step{send(ben, "revoke", true, ""), assign(carla)}, Reassigned, ""},
		"a draft is kept when one leaves": {[]step{send(ben, "revoke", false, ""), assign(carla)}, Decided, ben},
		"both agree":                      {[]step{send(ben, "revoke", false, ""), assign(carla), send(carla, "revoke", false, "")}, Decided, carla},
		"both differ":                     {[]step{send(ben, "revoke", false, ""), assign(carla), send(carla, "keep;x", false, Conflict)}, InConflict, carla},
		"signed beats a draft":            {[]step{send(ben, "keep;x", false, ""), assign(carla), send(carla, "revoke", true, "")}, Signed, carla},
		"a conflict, assigned to a third": {[]step{send(ben, "revoke", false, ""), assign(carla), send(carla, "keep;x", false, Conflict), assign("dora@example.com"),
			send("dora@example.com", "keep;y", true, "")}, Signed, "dora@example.com"},
		"a conflict, assigned to one of them": {[]step{send(ben, "revoke", false, ""), assign(carla), send(carla, "keep;x", false, Conflict), assign(ben)}, Decided, ben},
	} {
		t.Run(name, func(t *testing.T) {
			_, folder := open(t, terms, nil, population()...)
			for i, s := range test.steps {
				s(t, folder, opened.Add(time.Duration(i+1)*time.Hour))
			}
			s := load(t, folder).Status()[0]
			by := ""
			if s.Decision != nil {
				by = s.Decision.By
			}
			if s.State != test.state || by != test.by {
				t.Errorf("it is %s by %q, want %s by %q", s.State, by, test.state, test.by)
			}
		})
	}
}

func TestAssignRefused(t *testing.T) {
	b, _ := open(t, terms, nil, append(population(), with(seen("b", "grafana"), func(r *audit.Record) { r.Target = "staging" }))...)
	if a, err := b.Assign("staging/o1/b", "dora@example.com", "r", "root", opened); err != nil || a.Item != "staging/o1/b" {
		t.Errorf("an item is assigned as %+v: %v", a, err)
	}
	for name, test := range map[string]struct {
		item, to string
		want     Code
	}{
		"the responsible person": {"a", "Anna@example.com", SelfReview},
		"the owner":              {"d", "SECOPS@example.com", SelfReview},
		"an unknown item":        {"zz", "carla@example.com", UnknownItem},
		"an ID of two servers":   {"b", "carla@example.com", UnknownItem},
	} {
		_, err := b.Assign(test.item, test.to, "r", "root", opened)
		refused, is := errors.AsType[*AssignError](err)
		if !is || refused.Code != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

// TestStatusOfOne: an item stands as it does among the others.
func TestStatusOfOne(t *testing.T) {
	all := population()
	b, folder := open(t, terms, nil, all...)
	imports(t, folder, "secops@example.com", true, opened.Add(day24), fileOf(b, "secops@example.com", map[string]string{"b": "keep", "c": "revoke"})...)
	b = load(t, folder)
	a, err := b.Assign("a", "carla@example.com", "holiday", "root", opened.Add(day24))
	if err == nil {
		err = b.Reassign(t.Context(), folder, a)
	}
	if err != nil {
		t.Fatal(err)
	}
	all[0].Permissions = all[0].Permissions[:1]
	if review(t, folder, 2, all...)["a"].State != TokenChanged {
		t.Fatal("the token did not change")
	}
	b = load(t, folder)
	for i, want := range b.Status() {
		if got := b.statusOf(i); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// TestCompare: what the reviews after a decision say of it, one a week.
func TestCompare(t *testing.T) {
	a := population()[0]
	away := func(p audit.Presence, evidence string) audit.Record {
		return with(a, func(r *audit.Record) { r.Presence, r.Evidence = p, evidence })
	}
	inactive := with(a, func(r *audit.Record) { r.Status = audit.Inactive })
	twin := func(permissions ...audit.Permission) audit.Record {
		return with(seen("n", "telegraf", permissions...), func(r *audit.Record) { r.FirstSeen = opened.Add(5 * day24) })
	}
	gone := away(audit.Gone, "404: authorization not found")
	expired := with(a, func(r *audit.Record) { r.ExpiresAt = opened.Add(2 * day24) })
	revoked := with(a, func(r *audit.Record) { r.RevokedAt = opened.Add(2 * day24) })
	later := with(a, func(r *audit.Record) { r.ExpiresAt = opened.Add(20 * day24) })
	for name, test := range map[string]struct {
		decision string
		inactive bool             // counts as done
		weeks    [][]audit.Record // what each review has
		want     string           // states; ! is overdue, + is settled, ~ is late
		by       string
	}{
		"done in time":               {"revoke", false, [][]audit.Record{{gone}, {away(audit.Remembered, "")}}, "done+ .", ""},
		"late":                       {"revoke", false, [][]audit.Record{{a}, {gone}}, "still-there! done+~", ""},
		"undone":                     {"revoke", false, [][]audit.Record{{gone}, {a}, {a}}, "done+ undone! undone!", ""},
		"undone, whatever is unseen": {"revoke", false, [][]audit.Record{{gone}, {}, {a}, {}, {a}}, "done+ . undone! unproven! undone!", ""},
		"inactive is not done":       {"revoke", false, [][]audit.Record{{inactive}, {inactive}}, "deactivated! deactivated!", ""},
		"inactive is done":           {"revoke", true, [][]audit.Record{{inactive}, {inactive}, {a}}, "deactivated+ . undone!", ""},
		"hidden is not done":         {"revoke", false, [][]audit.Record{{away(audit.Hidden, "404: user not found")}}, "hidden!", ""},
		"unseen":                     {"revoke", false, [][]audit.Record{{away(audit.Unseen, "503")}, {}}, "unproven! unproven!", ""},
		"unseen after it was done":   {"revoke", false, [][]audit.Record{{gone}, {}}, "done+ .", ""},
		"expired since":              {"revoke", false, [][]audit.Record{{expired}, {expired}}, "ended+ .", ""},
		"revoked since":              {"revoke", false, [][]audit.Record{{revoked}, {gone}}, "ended+ done+", ""},
		"expires later":              {"revoke", false, [][]audit.Record{{later}, {later}, {later}}, "still-there! still-there! ended+~", ""},
		"expired, and replaced":      {"revoke", false, [][]audit.Record{{expired, twin(read("b1"), write("b1"))}}, "replaced!", "n"},
		"an expired twin is none":    {"revoke", false, [][]audit.Record{{gone, with(twin(read("b1"), write("b1")), func(r *audit.Record) { r.ExpiresAt = opened })}}, "done+", ""},
		"kept, and expired":          {"keep;x", false, [][]audit.Record{{expired}}, ".", ""},
		"replaced by an equal one":   {"revoke", false, [][]audit.Record{{gone, twin(read("b1"), write("b1"))}}, "replaced!", "n"},
		"replaced later":             {"revoke", false, [][]audit.Record{{gone}, {away(audit.Remembered, ""), twin(write("b1"), read("b1"))}}, "done+ replaced!", "n"},
		"replaced, then unseen":      {"revoke", false, [][]audit.Record{{gone, twin(read("b1"), write("b1"))}, {away(audit.Remembered, "")}, {away(audit.Remembered, ""), with(twin(read("b1"), write("b1")), func(r *audit.Record) { r.Presence = audit.Unseen })}}, "replaced! unproven! unproven!", "n"},
		"the twin goes, too":         {"revoke", false, [][]audit.Record{{gone, twin(read("b1"), write("b1"))}, {away(audit.Remembered, ""), with(twin(read("b1"), write("b1")), func(r *audit.Record) { r.Presence = audit.Gone })}}, "replaced! done+~", ""},
		"a wider one is another":     {"revoke", false, [][]audit.Record{{gone, twin(read("b1"), write("b1"), write("b9"))}}, "done+", ""},
		"an inactive twin is none":   {"revoke", false, [][]audit.Record{{gone, with(twin(read("b1"), write("b1")), func(r *audit.Record) { r.Status = audit.Inactive })}}, "done+", ""},
		"an old twin is none":        {"revoke", false, [][]audit.Record{{gone, seen("n", "telegraf", read("b1"), write("b1"))}}, "done+", ""},
		"a twin of another user":     {"revoke", false, [][]audit.Record{{gone, with(twin(read("b1"), write("b1")), func(r *audit.Record) { r.UserID = "u2" })}}, "done+", ""},
		"modify, narrower":           {"modify;x;read b1", false, [][]audit.Record{{gone, twin(read("b1"))}}, "done+", "n"},
		"modify, nothing instead":    {"modify;x;read b1", false, [][]audit.Record{{gone}}, "done+", ""},
		"modify, the same again":     {"modify;x;read b1", false, [][]audit.Record{{gone, twin(read("b1"), write("b1"))}}, "replaced!", "n"},
		"kept, nothing to say":       {"keep;x", false, [][]audit.Record{{a}, {a}}, ". .", ""},
		"kept, and changed":          {"keep;x", false, [][]audit.Record{{inactive}, {inactive}}, "changed .", ""},
		"kept, and gone":             {"keep;x", false, [][]audit.Record{{gone}, {away(audit.Remembered, "")}, {}, {a}, {a}}, "gone+ . . still-there .", ""},
		"kept, and hidden":           {"keep;x", false, [][]audit.Record{{away(audit.Hidden, "404: user not found")}}, ".", ""},
		"kept, unreadable":           {"keep;x", false, [][]audit.Record{{with(a, func(r *audit.Record) { r.Permissions = nil })}}, ".", ""},
		"revoke stands on a change":  {"revoke", false, [][]audit.Record{{with(a, func(r *audit.Record) { r.UserID = "u9" })}}, "still-there!", ""},
	} {
		t.Run(name, func(t *testing.T) {
			terms := terms
			terms.InactiveCountsAsDone = test.inactive
			_, folder := open(t, terms, nil, population()...)
			imports(t, folder, "ben@example.com", true, opened.Add(day24), fileOf(load(t, folder), "ben@example.com", map[string]string{"a": test.decision})...)
			var got []string
			by := ""
			for i, records := range test.weeks {
				m, ok := review(t, folder, 3+7*i+map[bool]int{true: 4}[strings.Contains(test.want, "!") || test.inactive], records...)["a"]
				word := "."
				if ok {
					word, by = string(m.State), m.By
				}
				if m.Settled && m.Decision != "" {
					word += "+"
				}
				if m.Overdue {
					word += "!"
				}
				if m.Late {
					word += "~"
				}
				got = append(got, word)
			}
			want := strings.Fields(test.want)
			if !slices.Equal(got, want) || by != test.by {
				t.Errorf("the reviews say %v by %q, want %v by %q", got, by, want, test.by)
			}
		})
	}
}

// TestCompareWithoutOwners: of a product without owners, no token is said to take the place of
// another one, and none stand together.
func TestCompareWithoutOwners(t *testing.T) {
	admin := func(id string, firstSeen time.Time) audit.Record {
		return with(seen(id, "", read("b1")), func(r *audit.Record) {
			r.Owner, r.UserID, r.User, r.Product, r.FirstSeen = audit.Owner{State: audit.OwnerNone}, "", "", audit.ProductCore, firstSeen
		})
	}
	_, folder := open(t, terms, nil, admin("1", opened), admin("2", opened))
	b := load(t, folder)
	if lines := b.Lines(b.ItemsOf("secops@example.com")); len(lines) != 2 {
		t.Errorf("%d lines of tokens without an owner", len(lines))
	}
	imports(t, folder, "secops@example.com", true, opened.Add(day24), fileOf(b, "secops@example.com", map[string]string{"1": "revoke"})...)
	gone := with(admin("1", opened), func(r *audit.Record) { r.Presence, r.Evidence = audit.Gone, "not in the list" })
	if got := review(t, folder, 7, gone, admin("3", opened.Add(5*day24)))["1"]; got.State != Done || got.By != "" {
		t.Errorf("it is %s by %q", got.State, got.By)
	}
}

// adminOf is the record of an admin token of InfluxDB 3 on a server.
func adminOf(server string, changes ...func(*audit.Record)) audit.Record {
	r := with(seen("0000000000000001", "", audit.Permission{Action: "write", Resource: audit.Resource{Type: "instance"}}), func(r *audit.Record) {
		r.Owner, r.UserID, r.User, r.Product, r.OrgID = audit.Owner{State: audit.OwnerNone}, "", "", audit.ProductEnterprise, server
	})
	for _, change := range changes {
		change(&r)
	}
	return r
}

// TestServerHasAnotherID: after InfluxDB 2, a token stays the same one where its server has
// another ID since an upgrade, or another address; IDs and names that several servers have
// are not taken for it.
func TestServerHasAnotherID(t *testing.T) {
	const address, cluster = "url-0011223344556677", "7a1c6ad5-7b0e-4c5e-9c53-1e4f5c1d2b3a"
	of := func(p audit.Product, server string, changes ...func(*audit.Record)) audit.Record {
		return adminOf(server, append([]func(*audit.Record){func(r *audit.Record) { r.Product = p }}, changes...)...)
	}
	other := func(r *audit.Record) { r.CreatedAt = opened.Add(-day24) }
	ended := func(r *audit.Record) { r.ExpiresAt = opened.Add(2 * day24) }
	gone := func(r *audit.Record) { r.Presence = audit.Gone }
	elsewhere := func(r *audit.Record) { r.Presence, r.Elsewhere = audit.Unseen, "server/"+address }
	undated := func(r *audit.Record) { r.CreatedAt = time.Time{} }
	for name, test := range map[string]struct {
		before, now audit.Record
		more        []audit.Record // of the same target
		want        Seen
		kept        string // what the next campaign says of a decision to keep it
	}{
		"the same":                      {of(audit.ProductCore, address), of(audit.ProductCore, address), nil, StillThere, "keep"},
		"upgraded to 3.7":               {of(audit.ProductEnterprise, address), of(audit.ProductEnterprise, cluster), nil, StillThere, "keep"},
		"upgraded and gone":             {of(audit.ProductEnterprise, address), of(audit.ProductEnterprise, cluster, gone), nil, Done, ""},
		"back to 3.6":                   {of(audit.ProductCore, cluster), of(audit.ProductCore, address), nil, StillThere, "keep"},
		"another server":                {of(audit.ProductCore, address), of(audit.ProductCore, cluster, other, ended), nil, Unproven, ""},
		"a server without dates":        {of(audit.ProductCore, address, undated), of(audit.ProductCore, cluster, undated), nil, Unproven, ""},
		"two servers, the other is met": {of(audit.ProductCore, address), of(audit.ProductCore, address, elsewhere), []audit.Record{of(audit.ProductCore, cluster, other, ended)}, Unproven, "keep"},
		"restored: another token":       {of(audit.ProductEnterprise, cluster), of(audit.ProductEnterprise, cluster, other), nil, Unproven, ""},
		"restored: it has expired":      {of(audit.ProductEnterprise, cluster), of(audit.ProductEnterprise, cluster, other, ended), nil, Unproven, ""},
		"restored, and none left":       {of(audit.ProductEnterprise, cluster), of(audit.ProductEnterprise, cluster, other, gone), nil, Done, ""},
		"Clustered, another address":    {of(audit.ProductClustered, address), of(audit.ProductClustered, "url-8899aabbccddeeff"), nil, StillThere, "keep"},
		"1.x, another address":          {of(audit.ProductV1, address, undated), of(audit.ProductV1, "url-8899aabbccddeeff", undated), nil, Unproven, ""},
		"1.x, the same":                 {of(audit.ProductV1, address, undated), of(audit.ProductV1, address, undated), nil, StillThere, "keep"},
		"1.x, the name is used again":   {of(audit.ProductV1, address, undated), of(audit.ProductV1, address, undated, func(r *audit.Record) { r.FirstSeen = opened.Add(5 * day24) }), nil, StillThere, ""},
		"InfluxDB 2, another org":       {of("", "o1"), of("", "o2"), nil, Unproven, ""},
	} {
		t.Run(name, func(t *testing.T) {
			decided := func(decision string) memory {
				b, folder := open(t, terms, nil, test.before)
				imports(t, folder, "secops@example.com", true, opened.Add(day24), fileOf(b, "secops@example.com", map[string]string{test.before.ID: decision})...)
				return folder
			}
			folder, records := decided("revoke"), append([]audit.Record{test.now}, test.more...)
			if got := review(t, folder, 7, records...)[test.before.ID]; got.State != test.want || got.Settled != (test.want == Done) {
				t.Errorf("the review says %+v, want %s", got, test.want)
			}
			kept := ""
			next, _ := open(t, terms, load(t, decided("keep;x")), records...)
			for _, it := range next.Items {
				if it.Last != nil {
					kept += string(it.Last.Decision)
				}
			}
			if kept != test.kept {
				t.Errorf("the next campaign has the decision %q, want %q", kept, test.kept)
			}
		})
	}
}

// TestAnotherTokenToDecideOn: where an ID is of another token of InfluxDB 3, what was decided
// on the first does not hold for it, and the item keeps its ID through an upgrade.
func TestAnotherTokenToDecideOn(t *testing.T) {
	b, folder := open(t, terms, nil, adminOf("url-0011223344556677"))
	imports(t, folder, "secops@example.com", true, opened.Add(day24), fileOf(b, "secops@example.com", map[string]string{"0000000000000001": "keep;x"})...)
	upgraded := adminOf("7a1c6ad5-7b0e-4c5e-9c53-1e4f5c1d2b3a")
	if got := review(t, folder, 3, upgraded); len(got) > 0 {
		t.Errorf("after an upgrade, a token that was kept is %v", got)
	}
	upgraded.Status = audit.Inactive
	if got := review(t, folder, 4, upgraded)["0000000000000001"]; got.State != TokenChanged || got.Facts == nil || got.Facts.ID != b.Items[0].ID {
		t.Errorf("a change after an upgrade is %+v", got)
	}
	if got := states(load(t, folder))["0000000000000001"]; got != Changed {
		t.Errorf("the item is %s after the token changed", got)
	}
	upgraded.Status, upgraded.CreatedAt = audit.Active, opened.Add(2*day24)
	if got := review(t, folder, 5, upgraded)["0000000000000001"]; got.State != TokenChanged || got.Evidence != "another token has its ID, created on 2026-10-03" {
		t.Errorf("another token is %+v", got)
	}
	if got := states(load(t, folder))["0000000000000001"]; got != Changed {
		t.Errorf("the item is %s, though another token has its ID", got)
	}
}

// TestStatusFact: the fact says what became of a token at the opening, and does not change.
func TestStatusFact(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*audit.Record)
		want   string
	}{
		"active":      {func(*audit.Record) {}, "active"},
		"inactive":    {func(r *audit.Record) { r.Status = audit.Inactive }, "inactive"},
		"expires":     {func(r *audit.Record) { r.ExpiresAt = opened.Add(10 * day24) }, "active, expires 2026-10-11"},
		"has expired": {func(r *audit.Record) { r.ExpiresAt = opened.Add(-day24) }, "expired 2026-09-30"},
		"is revoked":  {func(r *audit.Record) { r.RevokedAt, r.ExpiresAt = opened.Add(-day24), opened.Add(-2*day24) }, "revoked 2026-09-30"},
	} {
		b, _ := open(t, terms, nil, with(population()[0], test.change))
		facts := b.Lines(b.ItemsOf("ben@example.com"))[0].Facts
		if got := facts[slices.IndexFunc(facts, func(f Fact) bool { return f.Name == FactStatus })].Text; got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestOpenItemsAreWatched: what is still to be decided follows the token.
func TestOpenItemsAreWatched(t *testing.T) {
	_, folder := open(t, terms, nil, population()...)
	gone := with(population()[0], func(r *audit.Record) { r.Presence, r.Evidence = audit.Gone, "404: authorization not found" })
	review(t, folder, 7, append(population()[1:2:2], gone, with(population()[2], func(r *audit.Record) { r.Permissions = append(r.Permissions, write("b2")) }))...)
	b := load(t, folder)
	if got := states(b); got["a"] != Gone || got["b"] != Pending || got["c"] != Changed || got["d"] != Pending {
		t.Errorf("the states are %v", got)
	}
	lines := b.Lines(b.ItemsOf("secops@example.com"))
	if len(lines) != 2 || b.Status()[2].Item.Writes == "" {
		t.Errorf("a token that changed still stands with others, or as it was: %+v", lines)
	}
	review(t, folder, 14, population()[0])
	if got := states(load(t, folder))["a"]; got != Changed {
		t.Errorf("a token that came back is %s", got)
	}
}

// TestNextCampaign: what was kept is shown, and left out only where nothing changed.
func TestNextCampaign(t *testing.T) {
	wide := seen("w", "x", audit.Permission{Action: "write", Resource: audit.Resource{Type: "buckets"}})
	all := append(population(), wide)
	first, folder := open(t, terms, nil, all...)
	for _, who := range first.ReviewersNow() {
		imports(t, folder, who, true, opened.Add(day24), fileOf(first, who, map[string]string{"a": "keep;x", "b": "keep", "c": "keep", "d": "revoke", "w": "keep"})...)
	}
	terms := terms
	terms.Scope = ScopeChanged
	all[0].Permissions = all[0].Permissions[:1]
	second, _ := open(t, terms, load(t, folder), all...)
	var got []string
	for _, it := range second.Items {
		got = append(got, fmt.Sprint(it.Authorization, " ", it.Last.Decision, " ", it.Last.Changed))
	}
	if want := []string{"a keep true", "d revoke false", "w keep false"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEarlierCampaigns: the newest decision is shown, also where a campaign lies between that
// did not have the item, or ended without a decision.
func TestEarlierCampaigns(t *testing.T) {
	all := population()
	first, folder := open(t, terms, nil, all...)
	imports(t, folder, "ben@example.com", true, opened.Add(day24), fileOf(first, "ben@example.com", map[string]string{"a": "keep;x"})...)
	imports(t, folder, "secops@example.com", true, opened.Add(day24), fileOf(first, "secops@example.com", map[string]string{"c": "revoke"})...)
	first = load(t, folder)
	all[0].Permissions = all[0].Permissions[:1]
	second, folder := open(t, terms, first, all[0], all[1])
	imports(t, folder, "secops@example.com", true, opened.Add(91*day24), fileOf(second, "secops@example.com", map[string]string{"b": "keep"})...)
	earlier := Earlier{}
	earlier.Add(first)
	earlier.Add(load(t, folder))
	_, items, err := Open(terms, opened.Add(180*day24), audit.Scheduled, audit.Link{}, rows(all...), people, earlier)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, it := range items {
		if it.Last != nil {
			got = append(got, fmt.Sprint(it.Authorization, " ", it.Last.Decision, " ", it.Last.Changed))
		}
	}
	if want := []string{"a keep true", "b keep false", "c revoke false"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestUndecidedChange: a token that changed after it was kept is reviewed until somebody
// decides on it, also where a campaign between has it as it is now.
func TestUndecidedChange(t *testing.T) {
	all, changed := population(), terms
	changed.Scope = ScopeChanged
	first, folder := open(t, terms, nil, all...)
	imports(t, folder, "ben@example.com", true, opened.Add(day24), fileOf(first, "ben@example.com", map[string]string{"a": "keep;x"})...)
	all[0].Permissions = all[0].Permissions[:1]
	earlier := Earlier{}
	earlier.Add(load(t, folder))
	for after := range 2 {
		c, items, err := Open(changed, opened.Add(time.Duration(after+1)*90*day24), audit.Scheduled, audit.Link{}, rows(all[0]), people, earlier)
		if err != nil {
			t.Fatal(err)
		}
		if len(items) != 1 || !items[0].Last.Changed {
			t.Errorf("%d campaigns after it was kept: %+v", after+1, items)
		}
		earlier.Add(&Book{Campaign: c, Items: items})
	}
}

func TestNotices(t *testing.T) {
	for name, test := range map[string]struct {
		days float64
		want string
	}{
		"at the opening":   {0, "open/ben@example.com open/ciso@example.com open/secops@example.com"},
		"between":          {8, "7d/ben@example.com 7d/ciso@example.com 7d/secops@example.com"},
		"the last day":     {13.5, "1d/ben@example.com 1d/ciso@example.com 1d/secops@example.com"},
		"due":              {14.5, "overdue/ben@example.com overdue/ciso@example.com overdue/secops@example.com"},
		"a day after that": {15, "overdue/ben@example.com overdue/ciso@example.com overdue/secops@example.com escalation/C0123456789"},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := open(t, terms, nil, population()...)
			var got []string
			for _, n := range b.Notices(opened.Add(time.Duration(test.days * float64(day24)))) {
				got = append(got, strings.TrimPrefix(n.Name, b.ID()+"/"))
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
	b, folder := open(t, terms, nil, population()...)
	imports(t, folder, "ben@example.com", true, opened, fileOf(b, "ben@example.com", map[string]string{"a": "revoke"})...)
	if got := load(t, folder).Notices(opened.Add(8 * day24)); len(got) != 2 {
		t.Errorf("who has nothing left to decide is told: %+v", got)
	}
}

// TestCutOff: an import that was cut off at any write counts whole or not at all, and the
// next one goes on as if it had not been.
func TestCutOff(t *testing.T) {
	for writes := range 6 {
		_, folder := open(t, terms, nil, population()...)
		b := load(t, folder)
		file := fileOf(b, "ben@example.com", map[string]string{"a": "revoke"})
		bad := file[0]
		bad.Item, bad.Line = "prod/o1/zz", 9
		file = append(file, bad)
		r := Received{Name: "a.csv", Content: []byte("a"), Signature: []byte("s"), Key: "k", Reviewer: "ben@example.com"}
		in := b.NewImport(r, ".csv", opened)
		err := b.Take(t.Context(), &failing{folder, writes}, in, r, b.Judge(in, file))
		after := load(t, folder)
		whole := err == nil
		if got := len(after.Imports) == 1; got != whole || len(after.Decisions) != len(after.Imports) || len(after.Refused) != len(after.Imports) {
			t.Errorf("after %d writes (%v): %d imports, %d decisions, %d refused", writes, err, len(after.Imports), len(after.Decisions), len(after.Refused))
		}
		if whole {
			continue
		}
		imports(t, folder, "ben@example.com", true, opened, file...)
		if after := load(t, folder); len(after.Decisions) != 1 || len(after.Refused) != 1 || after.Decisions[0].Import != 1 {
			t.Errorf("after %d writes and once more: %+v", writes, after.Decisions)
		}
	}
}

// failing fails after so many writes.
type failing struct {
	memory
	left int
}

func (f *failing) Write(ctx context.Context, name string, content []byte) error {
	if f.left == 0 {
		return errors.New("the disk is full")
	}
	f.left--
	return f.memory.Write(ctx, name, content)
}

func TestFigures(t *testing.T) {
	b, folder := open(t, terms, nil, population()...)
	if err := b.Note(t.Context(), folder, Export{At: opened, Reviewer: "secops@example.com", Items: 2}); err != nil {
		t.Fatal(err)
	}
	imports(t, folder, "ben@example.com", true, opened.Add(day24), fileOf(b, "ben@example.com", map[string]string{"a": "revoke"})...)
	imports(t, folder, "secops@example.com", true, opened.Add(15*day24), fileOf(b, "secops@example.com", map[string]string{"b": "keep;fine", "c": "keep;fine"})...)
	review(t, folder, 7, population()...)
	f := load(t, folder).Figures(opened.Add(16 * day24))
	if f.Items != 4 || f.Signed != 3 || f.OnTime != 1 || f.Open != 1 || f.SelfReviews != 0 || f.ByDecision[Keep] != 2 || f.ByDecision[Revoke] != 1 {
		t.Errorf("got %+v", f)
	}
	if r := f.Revocations; r.Decided != 1 || r.Outstanding != 1 || r.Overdue != 1 || r.Done != 0 {
		t.Errorf("revocations: %+v", r)
	}
	i := slices.IndexFunc(f.Reviewers, func(r ReviewerFigure) bool { return r.Reviewer == "secops@example.com" })
	if r := f.Reviewers[i]; r.Signed != 2 || r.KeepRate != 100 || r.SameReason != 100 || r.Open != 0 {
		t.Errorf("a reviewer: %+v", r)
	}
	review(t, folder, 21, with(population()[0], func(r *audit.Record) { r.Presence = audit.Gone }))
	if r := load(t, folder).Figures(opened.Add(22 * day24)).Revocations; r.Done != 1 || r.Late != 1 || r.DaysMedian != 20 || r.Outstanding != 0 {
		t.Errorf("revocations after it is gone: %+v", r)
	}
}

// TestFollows: an old campaign is followed until all that has to go is gone.
func TestFollows(t *testing.T) {
	b, folder := open(t, terms, nil, population()...)
	imports(t, folder, "ben@example.com", true, opened.Add(day24), fileOf(b, "ben@example.com", map[string]string{"a": "revoke"})...)
	b = load(t, folder)
	if err := b.Close(t.Context(), folder, "the rest is decided next time", "root", nil, opened.Add(14*day24)); err != nil {
		t.Fatal(err)
	}
	if got := load(t, folder); !got.Follows(false) || len(got.Closing.Open) != 3 {
		t.Errorf("followed: %v; open at the end: %v", got.Follows(false), got.Closing.Open)
	}
	review(t, folder, 21, with(population()[0], func(r *audit.Record) { r.Presence = audit.Gone }))
	if got := load(t, folder); got.Follows(false) || !got.Follows(true) {
		t.Error("it is followed though nothing is left, or the newest one is not")
	}
}

func TestLoadRefuses(t *testing.T) {
	_, folder := open(t, terms, nil, population()...)
	for name, change := range map[string]func(memory){
		"another format":          func(m memory) { m[CampaignFile] = strings.Replace(m[CampaignFile], Format, "tokenaudit-campaign/9", 1) },
		"a cut line":              func(m memory) { m[ItemsFile] = m[ItemsFile][:len(m[ItemsFile])-20] },
		"a cut decision":          func(m memory) { m[DecisionsFile] = `{"import":1,` },
		"a bad refusal":           func(m memory) { m[RefusedFile] = "import,at,file,line,item,code,reason\nx,y,z,1,2,3,4\n" },
		"a refusal that is short": func(m memory) { m[RefusedFile] = "x\n1\n" },
		"an import before all":    func(m memory) { m[ImportsFile] = `{"import":1,"assigned":-1}` },
		"an import of its number": func(m memory) { m[ImportsFile] = `{"import":7}` },
		"a cut statement":         func(m memory) { m[ClosedFile] = "{" },
	} {
		changed := maps.Clone(folder)
		change(changed)
		if _, err := Load(t.Context(), changed); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	if _, err := Load(t.Context(), memory{ItemsFile: ""}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that was cut off while it opened: %v", err)
	}
}

// TestOneSuccessor: a new token takes the place of one token, of the one that went last.
func TestOneSuccessor(t *testing.T) {
	first, second := population()[0], seen("z", "telegraf", read("b1"), write("b1"))
	_, folder := open(t, terms, nil, first, second)
	imports(t, folder, "ben@example.com", true, opened.Add(day24), fileOf(load(t, folder), "ben@example.com", map[string]string{"a": "revoke", "z": "revoke"})...)
	gone := func(r audit.Record) audit.Record {
		return with(r, func(r *audit.Record) { r.Presence = audit.Gone })
	}
	twin := with(seen("n", "telegraf", read("b1"), write("b1")), func(r *audit.Record) { r.FirstSeen = opened.Add(9 * day24) })
	review(t, folder, 3, gone(first), second)
	got := review(t, folder, 10, with(first, func(r *audit.Record) { r.Presence = audit.Remembered }), gone(second), twin)
	if _, said := got["a"]; said || got["z"].State != Replaced || got["z"].By != "n" {
		t.Errorf("the reviews say %+v", got)
	}
	review(t, folder, 17) // sees nothing
	away := func(r audit.Record) audit.Record {
		return with(r, func(r *audit.Record) { r.Presence = audit.Remembered })
	}
	if got := review(t, folder, 24, away(first), away(second), twin); got["z"].By != "n" || got["a"].State != "" {
		t.Errorf("after a review that saw nothing: %+v", got)
	}
}

// TestBeforeTheEnd: an import and the end of a campaign may be of one second.
func TestBeforeTheEnd(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 15, 9, 0, 0, 0, time.UTC)
	open, closed := &Book{}, &Book{Closing: &Closing{At: at}}
	for name, tt := range map[string]struct {
		from   *Book // as it was when the file was imported
		at     time.Time
		closed bool
	}{
		"a second before":          {open, at.Add(-time.Second), false},
		"in the second, before it": {open, at, false},
		"in the second, after it":  {closed, at, true},
		"a second after":           {closed, at.Add(time.Second), true},
		"a line that was added":    {open, at.Add(time.Second), true},
	} {
		in := tt.from.NewImport(Received{Reviewer: "ben@example.com"}, ".csv", tt.at)
		if got := closed.Before(in).Closing != nil; got != tt.closed {
			t.Errorf("%s: the campaign was closed: %t", name, got)
		}
	}
}

package table

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// Row is what a line of a table speaks of: an authorization, and in the table of
// findings one of its findings.
type Row struct {
	audit.Record
	Finding audit.Finding
	Check   audit.Check // of Finding
	Access  audit.Access
	Now     time.Time // the time of the review
	Scope   string    // what it may write, in words
	Reach   string    // how many permissions it has
	// ProductName is that of the target; "" where it is not known.
	ProductName string
	Contact     audit.Contact     // who answers for the owner
	Related     map[string]string // the controls that each check relates to; shared by all rows
	FindingWords
	granted string // its permissions
}

// Of is the row of one finding of r.
func (r *Row) Of(f audit.Finding) *Row {
	of := *r
	of.Finding, of.Check = f, audit.CheckOf(f.Check).On(r.Product)
	return &of
}

// Due is when the first of its findings that somebody should act on has to be fixed;
// zero for no date.
func (r *Row) Due() time.Time {
	var first time.Time
	for _, f := range r.Findings {
		first = audit.Earlier(first, dueOf(f))
	}
	return first
}

// Overdue reports whether one of its findings is.
func (r *Row) Overdue() bool {
	return slices.ContainsFunc(r.Findings, func(f audit.Finding) bool { return f.Overdue(r.Now) })
}

// dueOf is the due date of a finding that somebody should act on.
func dueOf(f audit.Finding) time.Time {
	if !f.Actionable() {
		return time.Time{}
	}
	return f.Due
}

func (r *Row) OwnerName() string {
	if r.Owner.Name != "" {
		return r.Owner.Name
	}
	return r.User
}

// OwnerWords are OwnerName, or that the product has no owners.
func (r *Row) OwnerWords() string {
	if r.Owner.State == audit.OwnerNone && !r.IsServer() {
		return cmp.Or(r.OwnerName(), r.UserID, NoOwner)
	}
	return r.OwnerName()
}

// SecretReplaced is when the secret got a new value, zero for never and where the product does
// not tell.
func (r *Row) SecretReplaced() time.Time {
	if !r.Product.V3() {
		return time.Time{}
	}
	return r.UpdatedAt
}

// Age counts to the time of the review, as the checks do.
func (r *Row) Age() any {
	if r.CreatedAt.IsZero() {
		return nil
	}
	return max(0, int(r.Now.Sub(r.CreatedAt).Hours()/24))
}

// Past: no finding that stands, or of an authorization that no longer exists. A server does.
func (r *Row) Past() bool {
	return !r.Exists() && !r.IsServer() || !r.Finding.Current()
}

// statusCell is nil for a server, which has no status.
func (r *Row) statusCell(s audit.Status) any {
	if r.IsServer() {
		return nil
	}
	return string(s)
}

// ownerStateCell is nil for a server, which has no owner.
func (r *Row) ownerStateCell() any {
	if r.IsServer() {
		return nil
	}
	return string(r.Owner.State)
}

// IsService reports whether the policy lists the owner as a service user.
func (r *Row) IsService(policy audit.AppliedPolicy) bool {
	return slices.Contains(policy.ServiceUsers, r.UserID) || r.OwnerName() != "" && slices.Contains(policy.ServiceUsers, r.OwnerName())
}

// FindingWords are what the current findings of an authorization come to in words.
type FindingWords struct {
	WorstSeverity audit.Severity
	First         Group // the check to act on first; empty where nothing is found
	CheckIDs      string
	Titles        string
	ControlNames  string // of the controls that they relate to, each once
}

// RowMaker makes rows of records. There are few different finding words and
// permission counts, however many authorizations: it makes each once.
type RowMaker struct {
	related  map[string]string // controls, by check
	names    map[string][]string
	products map[string]string // of the targets
	contacts audit.Contacts
	now      time.Time // of the review
	words    map[string]FindingWords
	reaches  map[[2]int]string
	key      []byte
	text     []byte
}

// mostWords bounds what a RowMaker remembers, whatever the snapshots hold.
const mostWords = 10_000

func NewRowMaker(in Input) *RowMaker {
	m := &RowMaker{related: map[string]string{}, names: map[string][]string{}, products: map[string]string{}, contacts: in.Contacts, now: in.Summary.Started, words: map[string]FindingWords{}, reaches: map[[2]int]string{}}
	for _, t := range in.Summary.Coverage.Targets {
		if t.Product != audit.ProductUnknown { // as an earlier version reviewed it
			m.products[t.Target] = t.Product.Name()
		}
	}
	for check, controls := range in.Controls {
		for _, c := range controls {
			m.names[check] = append(m.names[check], c.Framework+" "+c.ID)
		}
		m.related[check] = strings.Join(m.names[check], ", ")
	}
	return m
}

// Rows are those of all records, until the context ends. Each is only there until
// the next one.
func (m *RowMaker) Rows(ctx context.Context, records iter.Seq2[audit.Record, error]) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		r := new(Row)
		for rec, err := range records {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if m.Fill(r, &rec); !yield(r, nil) {
				return
			}
		}
	}
}

// Fill makes r the row of a record.
func (m *RowMaker) Fill(r *Row, rec *audit.Record) {
	access := audit.AccessOf(rec.Authorization)
	m.text = m.text[:0]
	for i, p := range rec.Permissions {
		if i > 0 {
			m.text = append(m.text, ", "...)
		}
		m.text = p.Append(m.text)
	}
	*r = Row{
		Record: *rec, Access: access, Now: m.now, Scope: access.WriteScope(), ProductName: m.products[rec.Target], granted: string(m.text),
		Reach: m.reach(access, len(rec.Permissions)), FindingWords: m.wordsOf(rec), Related: m.related,
	}
	r.Contact = m.contacts.Of(rec)
}

func (m *RowMaker) reach(a audit.Access, permissions int) string {
	if permissions == 0 {
		return "none"
	}
	key := [2]int{a.Reads, a.Writes}
	s, ok := m.reaches[key]
	if !ok {
		s = strconv.Itoa(a.Reads) + " read, " + strconv.Itoa(a.Writes) + " write"
	}
	if !ok && len(m.reaches) < mostWords {
		m.reaches[key] = s
	}
	return s
}

func (m *RowMaker) wordsOf(r *audit.Record) FindingWords {
	m.key = m.key[:0]
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Current() {
			m.key = append(append(append(append(m.key, f.Check...), 0), f.Severity...), 0)
		}
	}
	if w, ok := m.words[string(m.key)]; ok {
		return w
	}
	w := FindingWords{WorstSeverity: r.Worst()}
	var checks, titles, names []string
	for _, f := range r.Findings {
		if f.Current() {
			checks = append(checks, f.Check)
		}
	}
	for i, f := range WorstFirst(r.Findings) {
		if i == 0 {
			w.First = GroupOf(f)
		}
		titles = append(titles, audit.CheckOf(f.Check).On(r.Product).Title)
		for _, name := range m.names[f.Check] {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	w.CheckIDs, w.Titles, w.ControlNames = strings.Join(checks, ", "), strings.Join(titles, "; "), strings.Join(names, ", ")
	if len(m.words) < mostWords {
		m.words[string(m.key)] = w
	}
	return w
}

// WorstFirst are the current ones of some findings.
func WorstFirst(all []audit.Finding) []audit.Finding {
	fs := slices.DeleteFunc(slices.Clone(all), func(f audit.Finding) bool { return !f.Current() })
	slices.SortStableFunc(fs, func(x, y audit.Finding) int { return CompareGroups(GroupOf(x), GroupOf(y)) })
	return fs
}

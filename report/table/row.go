package table

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// Changed is one line of the changes: Field is a field or a check.
type Changed struct {
	What            string
	Field, From, To string
	Severity        audit.Severity
}

// Row is what a line of a table speaks of: an authorization, and in the table of
// findings one of its findings.
type Row struct {
	audit.Record
	Finding audit.Finding
	Check   audit.Check
	Access  audit.Access
	Now     time.Time // the time of the review
	Scope   string    // what it may write, in words
	granted string    // its permissions
	Reach   string    // how many they are
	FindingWords
	// For the sheets of the workbook that are about something else:
	Place   int // among the authorizations
	Changed Changed
	Holder  *Holder
}

func (r *Row) OwnerName() string {
	if r.Owner.Name != "" {
		return r.Owner.Name
	}
	return r.User
}

// Age counts to the time of the review, as the checks do.
func (r *Row) Age() Value {
	if r.CreatedAt.IsZero() {
		return Value{}
	}
	return Num(max(0, int(r.Now.Sub(r.CreatedAt).Hours()/24)))
}

// past: resolved, or of an authorization that no longer exists.
func (r *Row) Past() bool {
	return !r.Exists() || r.Finding.State == audit.Resolved
}

// FindingWords is what the current findings of an authorization come to in words.
// There are few different ones, however many authorizations.
type FindingWords struct {
	WorstSeverity audit.Severity
	FirstCheck    string // the check to act on first; "" where nothing is found
	FirstSeverity audit.Severity
	CheckIDs      string
	Titles        string
	ControlNames  string // that they relate to, each once
}

// wordsOfFindings are those met so far.
type wordsOfFindings struct {
	controls audit.Controls
	met      map[string]FindingWords
	key      []byte
}

// mostFindingWords bounds memory, whatever the snapshots hold.
const mostFindingWords = 10_000

func newWordsOfFindings(controls audit.Controls) *wordsOfFindings {
	return &wordsOfFindings{controls: controls, met: map[string]FindingWords{}}
}

func (cs *wordsOfFindings) of(r *audit.Record) FindingWords {
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
	if len(cs.met) < mostFindingWords {
		cs.met[string(cs.key)] = c
	}
	return c
}

func combined(r *audit.Record, controls audit.Controls) FindingWords {
	c := FindingWords{WorstSeverity: r.Worst()}
	var checks, titles, names []string
	for _, f := range r.Findings {
		if f.Current() {
			checks = append(checks, f.Check)
		}
	}
	for i, f := range standing(*r) {
		if i == 0 {
			c.FirstCheck, c.FirstSeverity = f.Check, f.Severity
		}
		titles = append(titles, audit.CheckOf(f.Check).Title)
		for _, control := range controls[f.Check] {
			if name := control.Framework + " " + control.ID; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	c.CheckIDs, c.Titles, c.ControlNames = strings.Join(checks, ", "), strings.Join(titles, "; "), strings.Join(names, ", ")
	return c
}

// Records walks the records until the context ends.
func (d *Draft) Records(ctx context.Context) iter.Seq2[audit.Record, error] {
	return UntilDone(ctx, d.In.Rows())
}

func UntilDone[T any](ctx context.Context, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

type HolderKey struct{ Target, ID string }

// Holder is a user with the figures of its tokens.
type Holder struct {
	HolderKey
	Name                  string
	State                 audit.OwnerState
	Tokens, Active, Write int
	Findings              map[audit.Severity]int
	Oldest                time.Time
}

func (h *Holder) Add(r *Row) {
	h.Tokens++
	if r.Status != audit.Inactive {
		h.Active++
	}
	if r.Access.Writes > 0 {
		h.Write++
	}
	for _, f := range r.Findings {
		if f.Current() {
			h.Findings[f.Severity]++
		}
	}
	if !r.CreatedAt.IsZero() && (h.Oldest.IsZero() || r.CreatedAt.Before(h.Oldest)) {
		h.Oldest = r.CreatedAt
	}
	if r.Owner.State != h.State && stateRank(r.Owner.State) < stateRank(h.State) { // it may be a member of one org and not of another
		h.State = r.Owner.State
	}
}

func (h *Holder) Total() int {
	n := 0
	for _, c := range h.Findings {
		n += c
	}
	return n
}

// RowMaker makes rows of records.
type RowMaker struct {
	*wordsOfFindings
	now     time.Time // of the review
	text    []byte
	reaches map[[2]int]string
}

func NewRowMaker(in Input) *RowMaker {
	return &RowMaker{wordsOfFindings: newWordsOfFindings(in.Controls), now: in.Summary.Started, reaches: map[[2]int]string{}}
}

// Fill makes r the row of a record; of what r was, only the room is used again.
func (m *RowMaker) Fill(r *Row, rec *audit.Record) {
	access := r.Access
	access.Fold(&rec.Authorization)
	scope, granted := m.words(&access, rec.Permissions)
	*r = Row{
		Record: *rec, Access: access, Scope: scope, FindingWords: m.wordsOfFindings.of(rec), Now: m.now,
		granted: granted, Reach: m.reach(access, len(rec.Permissions)),
	}
}

// words are what an authorization may write and its permissions, in one allocation.
func (m *RowMaker) words(access *audit.Access, ps []audit.Permission) (scope, granted string) {
	m.text = access.AppendWriteScope(m.text[:0])
	at := len(m.text)
	for i, p := range ps {
		if i > 0 {
			m.text = append(m.text, ", "...)
		}
		m.text = p.Append(m.text)
	}
	both := string(m.text)
	return both[:at], both[at:]
}

// reach counts the permissions. Most authorizations have as many as others.
func (m *RowMaker) reach(a audit.Access, permissions int) string {
	if permissions == 0 {
		return "none"
	}
	key := [2]int{a.Reads, a.Writes}
	s, ok := m.reaches[key]
	if !ok {
		s = strconv.Itoa(a.Reads) + " read, " + strconv.Itoa(a.Writes) + " write"
	}
	if !ok && len(m.reaches) < mostFindingWords {
		m.reaches[key] = s
	}
	return s
}

// rowsTogether is how many rows the outputs meet before they wait for each other.
const rowsTogether = 256

// Batches are the rows of all records, some at a time. They are only there until the
// next batch.
func (d *Draft) Batches(ctx context.Context) iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		m, n, rows := NewRowMaker(d.In), 0, make([]Row, rowsTogether)
		for rec, err := range d.Records(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			m.Fill(&rows[n], &rec)
			if n++; n < rowsTogether {
				continue
			}
			if n = 0; !yield(rows, nil) {
				return
			}
		}
		yield(rows[:n], nil)
	}
}

// Rows are those of all records, the server's included. Each is only there until
// the next one.
func (d *Draft) Rows(ctx context.Context) iter.Seq2[*Row, error] {
	m, r := NewRowMaker(d.In), new(Row)
	return Mapped(d.Records(ctx), func(rec audit.Record) *Row {
		m.Fill(r, &rec)
		return r
	})
}

// AuthorizationRows are the rows of the whole population, those included that are
// gone since the previous review.
func (d *Draft) AuthorizationRows(ctx context.Context) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		for r, err := range d.Rows(ctx) {
			if err == nil && r.IsServer() {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// FindingRows are the rows of the findings, worst first.
func (d *Draft) FindingRows(ctx context.Context) iter.Seq2[*Row, error] {
	return UntilDone(ctx, d.Findings.all())
}

func Mapped[T, U any](seq iter.Seq2[T, error], f func(T) U) iter.Seq2[U, error] {
	return func(yield func(U, error) bool) {
		for v, err := range seq {
			if err != nil {
				var none U
				yield(none, err)
				return
			}
			if !yield(f(v), nil) {
				return
			}
		}
	}
}

// Label names a user that may have no name any more.
func (h *Holder) Label() string {
	switch {
	case h.Name != "":
		return h.Name
	case h.ID != "":
		return "ID " + h.ID
	}
	return "nobody"
}

// standing are the current findings of a record, worst first.
func standing(r audit.Record) []audit.Finding {
	fs := slices.DeleteFunc(slices.Clone(r.Findings), func(f audit.Finding) bool { return !f.Current() })
	slices.SortStableFunc(fs, func(x, y audit.Finding) int {
		return CompareGroups(Group{x.Severity, x.Check}, Group{y.Severity, y.Check})
	})
	return fs
}

// IsService reports whether the policy lists the owner as a service user.
func (r *Row) IsService(policy audit.AppliedPolicy) bool {
	return slices.Contains(policy.ServiceUsers, r.UserID) || r.OwnerName() != "" && slices.Contains(policy.ServiceUsers, r.OwnerName())
}

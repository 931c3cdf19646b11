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
	FindingWords
	granted string // its permissions
}

// Of is the row of one finding of r.
func (r *Row) Of(f audit.Finding) *Row {
	of := *r
	of.Finding, of.Check = f, audit.CheckOf(f.Check)
	return &of
}

// Brief is r without what grows with its permissions and its past: many of these may
// wait in memory.
func (r *Row) Brief() *Row {
	b := *r
	b.Permissions, b.Changes, b.Findings, b.granted = nil, nil, nil, ""
	b.Scope = strings.Clone(r.Scope) // it shares the memory of all permissions
	return &b
}

func (r *Row) OwnerName() string {
	if r.Owner.Name != "" {
		return r.Owner.Name
	}
	return r.User
}

// Age counts to the time of the review, as the checks do.
func (r *Row) Age() any {
	if r.CreatedAt.IsZero() {
		return nil
	}
	return max(0, int(r.Now.Sub(r.CreatedAt).Hours()/24))
}

// Past: resolved, or of an authorization that no longer exists.
func (r *Row) Past() bool {
	return !r.Exists() || r.Finding.State == audit.Resolved
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

// RowsOf are the rows of records, until the context ends. Each is only there until
// the next one.
func (in *Input) RowsOf(ctx context.Context, records iter.Seq2[audit.Record, error]) iter.Seq2[*Row, error] {
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
			if r.Fill(in, &rec); !yield(r, nil) {
				return
			}
		}
	}
}

// Fill makes r the row of a record.
func (r *Row) Fill(in *Input, rec *audit.Record) {
	access := audit.AccessOf(rec.Authorization)
	reach := "none"
	if len(rec.Permissions) > 0 {
		reach = strconv.Itoa(access.Reads) + " read, " + strconv.Itoa(access.Writes) + " write"
	}
	granted := []byte(nil)
	for i, p := range rec.Permissions {
		if i > 0 {
			granted = append(granted, ", "...)
		}
		granted = p.Append(granted)
	}
	*r = Row{
		Record: *rec, Access: access, Now: in.Summary.Started, Scope: access.WriteScope(), granted: string(granted),
		Reach: reach, FindingWords: in.wordsOf(rec),
	}
}

func (in *Input) wordsOf(r *audit.Record) FindingWords {
	w := FindingWords{WorstSeverity: r.Worst()}
	found := slices.DeleteFunc(slices.Clone(r.Findings), func(f audit.Finding) bool { return !f.Current() })
	if len(found) == 0 {
		return w
	}
	var checks, titles, names []string
	for _, f := range found {
		checks = append(checks, f.Check)
	}
	slices.SortStableFunc(found, func(x, y audit.Finding) int { return CompareGroups(GroupOf(x), GroupOf(y)) })
	for _, f := range found {
		titles = append(titles, audit.CheckOf(f.Check).Title)
		for _, control := range in.Controls[f.Check] {
			if name := control.Framework + " " + control.ID; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	w.First = GroupOf(found[0])
	w.CheckIDs, w.Titles, w.ControlNames = strings.Join(checks, ", "), strings.Join(titles, "; "), strings.Join(names, ", ")
	return w
}

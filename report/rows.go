package report

import (
	"context"
	"iter"
	"strconv"

	"tokenaudit/jobs/audit"
)

// meeting makes rows of records, one after the other: the row is used again.
type meeting struct {
	*combinations
	row     row
	text    []byte
	reaches map[[2]int]string
}

func newMeeting(in Input) *meeting {
	return &meeting{combinations: newCombinations(in.Controls), row: row{now: in.Summary.Started}, reaches: map[[2]int]string{}}
}

// of is the row of a record. It is only there until the next one.
func (m *meeting) of(r audit.Record) *row {
	access := audit.AccessOf(r.Authorization)
	m.row = row{
		Record: r, access: access, scope: access.WriteScope(), combination: m.combinations.of(&r), now: m.row.now,
		granted: m.granted(r.Permissions), reach: m.reach(access, len(r.Permissions)),
	}
	return &m.row
}

func (m *meeting) granted(ps []audit.Permission) string {
	m.text = m.text[:0]
	for i, p := range ps {
		if i > 0 {
			m.text = append(m.text, ", "...)
		}
		m.text = p.Append(m.text)
	}
	return string(m.text)
}

// reach counts the permissions. Most authorizations have as many as others.
func (m *meeting) reach(a audit.Access, permissions int) string {
	if permissions == 0 {
		return "none"
	}
	key := [2]int{a.Reads, a.Writes}
	s, ok := m.reaches[key]
	if !ok {
		s = strconv.Itoa(a.Reads) + " read, " + strconv.Itoa(a.Writes) + " write"
	}
	if !ok && len(m.reaches) < mostCombinations {
		m.reaches[key] = s
	}
	return s
}

// rowsTogether is how many rows the outputs meet before they wait for each other.
const rowsTogether = 64

// batches are the rows of all records, some at a time. They are only there until the
// next batch.
func (d *draft) batches(ctx context.Context) iter.Seq2[[]row, error] {
	return func(yield func([]row, error) bool) {
		rows := make([]row, 0, rowsTogether)
		for r, err := range d.rows(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			if rows = append(rows, *r); len(rows) < rowsTogether {
				continue
			}
			if !yield(rows, nil) {
				return
			}
			rows = rows[:0]
		}
		yield(rows, nil)
	}
}

// rows are those of all records, the server's included. Each is only there until
// the next one.
func (d *draft) rows(ctx context.Context) iter.Seq2[*row, error] {
	m := newMeeting(d.in)
	return mapped(d.records(ctx), m.of)
}

// authorizationRows are the rows of the whole population, those included that are
// gone since the previous review.
func (d *draft) authorizationRows(ctx context.Context) iter.Seq2[*row, error] {
	return func(yield func(*row, error) bool) {
		for r, err := range d.rows(ctx) {
			if err == nil && r.IsServer() {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// findingRows are the rows of the findings, worst first.
func (d *draft) findingRows(ctx context.Context) iter.Seq2[*row, error] {
	return untilDone(ctx, d.findings.all())
}

func mapped[T, U any](seq iter.Seq2[T, error], f func(T) U) iter.Seq2[U, error] {
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

package report

import (
	"context"
	"iter"
	"strconv"
	"time"

	"tokenaudit/jobs/audit"
)

// meeting makes rows of records.
type meeting struct {
	*combinations
	now     time.Time // of the review
	text    []byte
	reaches map[[2]int]string
}

func newMeeting(in Input) *meeting {
	return &meeting{combinations: newCombinations(in.Controls), now: in.Summary.Started, reaches: map[[2]int]string{}}
}

// fill makes r the row of a record; of what r was, only the room is used again.
func (m *meeting) fill(r *row, rec *audit.Record) {
	access := r.access
	access.Fold(&rec.Authorization)
	scope, granted := m.words(&access, rec.Permissions)
	*r = row{
		Record: *rec, access: access, scope: scope, combination: m.combinations.of(rec), now: m.now,
		granted: granted, reach: m.reach(access, len(rec.Permissions)),
	}
}

// words are what an authorization may write and its permissions, in one allocation.
func (m *meeting) words(access *audit.Access, ps []audit.Permission) (scope, granted string) {
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
const rowsTogether = 256

// batches are the rows of all records, some at a time. They are only there until the
// next batch.
func (d *draft) batches(ctx context.Context) iter.Seq2[[]row, error] {
	return func(yield func([]row, error) bool) {
		m, n, rows := newMeeting(d.in), 0, make([]row, rowsTogether)
		for rec, err := range d.records(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			m.fill(&rows[n], &rec)
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

// rows are those of all records, the server's included. Each is only there until
// the next one.
func (d *draft) rows(ctx context.Context) iter.Seq2[*row, error] {
	m, r := newMeeting(d.in), new(row)
	return mapped(d.records(ctx), func(rec audit.Record) *row {
		m.fill(r, &rec)
		return r
	})
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

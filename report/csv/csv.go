// Package csv writes the tables of a review for other programs: findings.csv and
// authorizations.csv, whole and in the same columns as the workbook, and the Vanta
// Access File. Rows of the population are written as they come; the findings are
// put aside by severity and check, and follow at the end, worst first.
package csv

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// Tables are the CSV files in the making.
type Tables struct {
	staging        *table.Staging
	style          table.CSVStyle
	now            time.Time // of the review
	authorizations *writer
	findings       map[table.Group]*writer
}

func New(s *table.Staging, in table.Input) (*Tables, error) {
	t := &Tables{staging: s, style: in.CSV, now: in.Summary.Started, findings: map[table.Group]*writer{}}
	var err error
	if t.authorizations, err = newWriter(s, table.AuthorizationsFile, in.CSV, table.AuthorizationColumns()); err != nil {
		return nil, err
	}
	if err := t.authorizations.header(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func (t *Tables) Add(r *table.Row) error {
	for i := range r.Findings {
		f := &r.Findings[i]
		if !f.Reported(t.now) {
			continue
		}
		if err := t.addFinding(r.Of(*f)); err != nil {
			return err
		}
	}
	if r.IsServer() {
		return nil
	}
	return t.authorizations.add(r)
}

// addFinding puts a finding where its equals are: rows come in order, so each group
// is in its final order, and one group after the other is a sort of any number.
func (t *Tables) addFinding(r *table.Row) (err error) {
	g := table.GroupOf(r.Finding)
	w := t.findings[g]
	if w == nil {
		if w, err = newWriter(t.staging, fmt.Sprintf("findings-%d.csv", len(t.findings)), t.style, table.FindingColumns()); err != nil {
			return err
		}
		t.findings[g] = w
	}
	return w.add(r)
}

func (t *Tables) Finish(context.Context, *audit.Highlights) ([]table.Shown, error) {
	if err := t.authorizations.end(); err != nil {
		return nil, err
	}
	whole, err := newWriter(t.staging, table.FindingsFile, t.style, table.FindingColumns())
	if err != nil {
		return nil, err
	}
	err = whole.header()
	for _, g := range slices.SortedFunc(maps.Keys(t.findings), table.CompareGroups) {
		if err == nil {
			err = whole.append(t.findings[g])
		}
	}
	return nil, errors.Join(err, whole.end(), whole.file.Close())
}

func (t *Tables) Close() error {
	err := t.authorizations.file.Close()
	for _, w := range t.findings {
		err = errors.Join(err, w.file.Close())
	}
	return err
}

// writer writes a CSV file as RFC 4180 has it: commas, CRLF, and a header even when
// there are no rows.
type writer struct {
	file    *os.File
	csv     *csv.Writer
	bom     bool
	columns []table.Column
	last    []any // most cells say what the one above them says
	line    []string
}

func newWriter(s *table.Staging, name string, style table.CSVStyle, columns []table.Column) (*writer, error) {
	f, err := s.Create(name)
	if err != nil {
		return nil, err
	}
	w := &writer{file: f, csv: csv.NewWriter(bufio.NewWriterSize(f, 64<<10)), bom: style.BOM, columns: columns, last: make([]any, len(columns)), line: make([]string, len(columns))}
	if w.csv.UseCRLF = true; style.Delimiter != 0 {
		w.csv.Comma = style.Delimiter
	}
	return w, nil
}

func (w *writer) header() error {
	if w.bom {
		if _, err := w.file.WriteString("\ufeff"); err != nil {
			return err
		}
	}
	var names []string
	for _, c := range w.columns {
		names = append(names, c.Name)
	}
	return w.csv.Write(names)
}

func (w *writer) add(r *table.Row) error {
	for i := range w.columns {
		if v := w.columns[i].Value(r); v != w.last[i] {
			w.last[i], w.line[i] = v, cell(v)
		}
	}
	return w.csv.Write(w.line)
}

// append copies the lines of another file to the end of this one.
func (w *writer) append(o *writer) error {
	w.csv.Flush()
	o.csv.Flush()
	if err := errors.Join(w.csv.Error(), o.csv.Error()); err != nil {
		return err
	}
	if _, err := o.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w.file, o.file)
	return err
}

// end writes the file down to the disk.
func (w *writer) end() error {
	w.csv.Flush()
	return errors.Join(w.csv.Error(), w.file.Sync())
}

// cell is a value as it reads, never as a formula.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case int:
		return strconv.Itoa(v)
	case time.Time:
		return v.Format(time.RFC3339)
	}
	return table.FormulaSafe(audit.Visible(fmt.Sprint(v), true))
}

package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/xuri/excelize/v2"
)

// excelize makes all of a sheet but its rows: twice beforehand in a workbook of its
// own, for what goes before the rows and for what goes behind them, and once in the
// real one, for what the rest of the workbook says of it. The archive compares.

// beginPart begins the sheet in the file, and gives what stands before its rows.
func (b *book) beginPart(p *part) ([]byte, error) {
	head, _, err := b.frame(p)
	if err != nil {
		return nil, err
	}
	b.parts = append(b.parts, p)
	return head, b.archive.stream(partFile(len(b.parts)))
}

// endPart writes what stands behind the rows.
func (b *book) endPart(p *part) error {
	head, tail, err := b.frame(p)
	if err != nil {
		return err
	}
	b.archive.written[partFile(len(b.parts))] = slices.Concat(head, tail)
	_, err = b.archive.Write(tail)
	return err
}

// partFile is how excelize names the sheet that it is given n-th.
func partFile(n int) string { return fmt.Sprintf("xl/worksheets/sheet%d.xml", n) }

// frame is the sheet as excelize writes it, parted where the rows go.
func (b *book) frame(p *part) (head, tail []byte, err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.NewSheet(p.name); err != nil {
		return nil, nil, err
	}
	spare := &book{File: f, draft: b.draft, maxRows: b.maxRows}
	if err := errors.Join(spare.settle(p), spare.properties(context.Background())); err != nil {
		return nil, nil, err
	}
	made := &archive{given: map[string]*bytes.Buffer{}}
	f.SetZipWriter(func(io.Writer) excelize.ZipWriter { return unsaved{made} })
	if err := f.Write(io.Discard); err != nil {
		return nil, nil, err
	}
	if err := b.preamble(made); err != nil {
		return nil, nil, err
	}
	return halves(made.given[partFile(2)].Bytes())
}

// unsaved keeps what excelize gives.
type unsaved struct{ *archive }

func (unsaved) Close() error { return nil }

func halves(sheet []byte) (head, tail []byte, err error) {
	const end = "</sheetData>"
	at := bytes.Index(sheet, []byte(end))
	if at < 0 {
		return nil, nil, errors.New("excelize writes a sheet without " + end)
	}
	return sheet[:at], sheet[at:], nil
}

// settle makes all of the sheet of a list but its rows.
func (b *book) settle(p *part) error {
	s, err := b.open(p.layout)
	if err != nil {
		return err
	}
	s.rows = max(p.rows, 1) // the header, though it is yet to come
	if p.wide {
		last, err := excelize.CoordinatesToCellName(p.columns, 2)
		if err := errors.Join(err, s.MergeCell("A2", last)); err != nil {
			return err
		}
	}
	if err := b.repeatHeader(s, p.columns, p.frozenCols); err != nil {
		return err
	}
	if p.finish != nil {
		if err := p.finish(b, s); err != nil {
			return err
		}
	}
	return s.Flush()
}

// settleAll does so for every part of the lists.
func (b *book) settleAll(context.Context) error {
	for _, p := range b.parts {
		if err := b.settle(p); err != nil {
			return err
		}
	}
	return nil
}

// preamble begins the file with parts that tell programs which look no further that
// it is a workbook: a list is there before [Content_Types].xml is known.
func (b *book) preamble(made *archive) error {
	for _, name := range []string{"_rels/.rels", "docProps/app.xml"} {
		if b.archive.written[name] != nil {
			continue
		}
		if err := b.archive.put(name, made.given[name].Bytes()); err != nil {
			return err
		}
	}
	return nil
}

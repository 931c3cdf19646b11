package report

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
)

// compareWorkbooks compares all that is in two workbooks, but not how it is packed, and
// names the first cell that differs.
func compareWorkbooks(ctx context.Context, have, want string) (string, error) {
	part, err := compareParts(ctx, have, want)
	if err != nil || part == "" {
		return "", err
	}
	cell := ""
	err = audit.Guard(func() (err error) { cell, err = compareCells(ctx, have, want); return })
	switch {
	case errors.As(err, new(*audit.PanicError)): // whoever made it, it was not this program
		return "cannot be read as a workbook", nil
	case err != nil:
		return "", err
	case cell != "":
		return cell, nil
	}
	return "differs in " + shown(part) + ", though no cell has another value: formulas, links or looks", nil
}

// compareParts names a part of two workbooks that is not in both, or differs.
func compareParts(ctx context.Context, have, want string) (string, error) {
	a, err := zip.OpenReader(have)
	if err != nil {
		return "the file, which is not a workbook", nil
	}
	defer a.Close()
	b, err := zip.OpenReader(want)
	if err != nil {
		return "", err
	}
	defer b.Close()
	parts := map[string]*zip.File{}
	for _, f := range b.File {
		parts[f.Name] = f
	}
	for _, f := range a.File {
		other := parts[f.Name]
		if other == nil { // or it is there twice
			return f.Name, nil
		}
		delete(parts, f.Name)
		x, err := f.Open()
		if err != nil {
			return f.Name, nil
		}
		y, err := other.Open()
		if err != nil {
			return "", errors.Join(err, x.Close())
		}
		at, err := firstDifferenceIn(ctx, x, y)
		x.Close()
		y.Close()
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err != nil || at.offset >= 0 {
			return f.Name, nil
		}
	}
	for name := range parts {
		return name, nil
	}
	return "", nil
}

// compareCells names the first cell of two workbooks that differs, "" if none does.
// Large sheets are read from temporary files.
func compareCells(ctx context.Context, have, want string) (string, error) {
	limit, err := unpackedSize(want)
	if err != nil {
		return "", err
	}
	o := excelize.Options{UnzipSizeLimit: limit + 64<<20, RawCellValue: true, UnzipXMLSizeLimit: 4 << 20, TmpDir: filepath.Dir(want)}
	a, err := excelize.OpenFile(have, o)
	if err != nil {
		return "cannot be read as a workbook", nil
	}
	defer a.Close()
	b, err := excelize.OpenFile(want, o)
	if err != nil {
		return "", err
	}
	defer b.Close()
	if !slices.Equal(a.GetSheetList(), b.GetSheetList()) {
		return "does not have the sheets that the review wrote", nil
	}
	for _, sheet := range b.GetSheetList() {
		x, err := a.Rows(sheet)
		if err != nil {
			return fmt.Sprintf("the sheet %s cannot be read", sheet), nil
		}
		y, err := b.Rows(sheet)
		if err != nil {
			return "", errors.Join(err, x.Close())
		}
		text, err := compareSheet(ctx, sheet, x, y)
		if err := errors.Join(err, x.Close(), y.Close()); err != nil || text != "" {
			return text, err
		}
	}
	return "", nil
}

// unpackedSize is how much a workbook holds.
func unpackedSize(path string) (n int64, err error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return 0, err
	}
	defer z.Close()
	for _, f := range z.File {
		n += int64(f.UncompressedSize64)
	}
	return n, nil
}

func compareSheet(ctx context.Context, sheet string, x, y *excelize.Rows) (string, error) {
	for line := 1; ; line++ {
		moreX, moreY := x.Next(), y.Next()
		if !moreX && !moreY {
			return "", ctx.Err()
		}
		var a, b []string
		var errA, errB error
		if moreX {
			a, errA = x.Columns()
		}
		if moreY {
			b, errB = y.Columns()
		}
		if errA != nil {
			return fmt.Sprintf("%s: line %d cannot be read", sheet, line), nil
		}
		if err := errors.Join(errB, ctx.Err()); err != nil {
			return "", err
		}
		for i := range max(len(a), len(b)) {
			var v, w string
			if i < len(a) {
				v = a[i]
			}
			if i < len(b) {
				w = b[i]
			}
			if v != w {
				name, err := excelize.CoordinatesToCellName(i+1, line)
				return fmt.Sprintf("%s!%s is %s, the snapshots give %s", sheet, name, shown(v), shown(w)), err
			}
		}
	}
}

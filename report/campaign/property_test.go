package campaign

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
)

var pieces = []string{
	"=", "+", "-", "@", "'", "''", "\\", "_", "_x0041_", "_x005F_", "x0042_", "_\\x0041_", "\\x0041_", "_xD83D_", "\"", ",", ";", "\t", "\n", "\r", " ", "\u00a0", "＝", "#", "a", "ü", "鍵", "🔑",
	"1", "1e5", "TRUE", "2026-12-31", "<b>", "&amp;", "]]>", "\u202e", "\u200b", "\ufeff", "\x00", "\xff", "\uFFFD", "\uFFFF", "\uFFFE", "\uFDD0", "\uE000", "\u0378", "\U0010FFFF", "e\u0301", "\u0085", "\u2028", "$A$1", "sep=", "Decision",
}

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(8) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

// TestReadUndoesWriting: whatever the texts are, and in whatever order columns and rows
// come back.
func TestReadUndoesWriting(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 15))
		var lines []campaign.Line
		decided := map[string]campaign.Decision{}
		for i := range 1 + r.IntN(20) {
			l := campaign.Line{ID: fmt.Sprintf("plant/00000000000000aa/%016x", i), Fingerprint: fmt.Sprintf("%016x", r.Uint64()), FactsSHA256: fmt.Sprintf("%032x", r.Uint64())}
			for _, c := range columns() {
				switch {
				case c.field != nil:
				case c.number:
					l.Facts = append(l.Facts, campaign.Fact{Name: c.name, Text: []string{"", fmt.Sprint(r.IntN(5000))}[r.IntN(2)], Number: true})
				default:
					l.Facts = append(l.Facts, campaign.Fact{Name: c.name, Text: audit.Line(randomText(r), 8000)})
				}
			}
			words := func() string {
				return strings.ReplaceAll(audit.Visible(strings.ReplaceAll(randomText(r), "\r", "\n"), true), "\r", "\n")
			}
			lines, decided[l.ID] = append(lines, l), campaign.Decision{Decision: campaign.Kind(campaign.Kinds()[r.IntN(4)]), Justification: words(), UntilOrScope: words(), Ticket: words()}
		}
		want := rowsOf(lines, decided)
		for name, content := range map[string][]byte{"workbook": shuffledWorkbook(t, r, workbookOf(t, lines, decided)), "CSV": shuffledCSV(t, r, csvOf(t, lines, decided))} {
			got := read(t, content)
			slices.SortFunc(got, byItem)
			for i := range got {
				got[i].Line = i + 2
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, %s: %.3000s", seed, name, diff)
			}
		}
	}
}

// shuffled has the columns and the rows below the first in another order.
func shuffled(r *rand.Rand, rows [][]string) [][]string {
	order := r.Perm(len(rows[0]))
	out := make([][]string, len(rows))
	for i, row := range rows {
		for _, from := range order {
			text := ""
			if from < len(row) { // excelize leaves out what is empty at the end
				text = row[from]
			}
			out[i] = append(out[i], text)
		}
	}
	r.Shuffle(len(rows)-1, func(i, j int) { out[i+1], out[j+1] = out[j+1], out[i+1] })
	return out
}

func shuffledWorkbook(t *testing.T, r *rand.Rand, content []byte) []byte {
	return edited(t, content, func(f *excelize.File) error {
		rows, err := f.GetRows(sheetReview)
		if err != nil {
			return err
		}
		for i, row := range shuffled(r, rows) {
			for j, text := range row {
				at, _ := excelize.CoordinatesToCellName(j+1, i+1)
				if err := f.SetCellStr(sheetReview, at, text); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func shuffledCSV(t *testing.T, r *rand.Rand, content []byte) []byte {
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
	rows, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	out.Comma = []rune{',', ';', '\t'}[r.IntN(3)]
	if err := out.WriteAll(shuffled(r, rows)); err != nil {
		t.Fatal(err)
	}
	switch r.IntN(3) {
	case 0:
		return utf16Of(b.String(), true)
	case 1:
		return append([]byte("\ufeff"), b.Bytes()...)
	}
	return b.Bytes()
}

// TestNoCellIsAFormula: not in a workbook, and not in CSV that was made of it.
func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	f, err := excelize.OpenReader(bytes.NewReader(workbookOf(t, hostile(), decisions(hostile()))))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := f.GetRows(sheetReview)
	if err != nil {
		t.Fatal(err)
	}
	written, err := csv.NewReader(bytes.NewReader(csvOf(t, hostile(), decisions(hostile())))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range slices.Concat(rows, written) {
		for j, text := range row {
			if strings.ContainsAny(firstOf(strings.TrimSpace(text)), "=+-@") {
				t.Errorf("row %d: %.100q", i, text)
			}
			at, _ := excelize.CoordinatesToCellName(j+1, i+1)
			if formula, _ := f.GetCellFormula(sheetReview, at); formula != "" {
				t.Errorf("%s has the formula %s", at, formula)
			}
		}
	}
}

func firstOf(s string) string { return s[:min(len(s), 1)] }

// checkRead holds what Read promises for any file.
func checkRead(t *testing.T, content []byte) {
	rows, ext, err := Read(content)
	if err != nil {
		if rows != nil || ext != "" || len(err.Error()) > 3000 || !utf8.ValidString(err.Error()) || audit.Visible(err.Error(), false) != err.Error() {
			t.Errorf("%d rows of %q, %q", len(rows), ext, err)
		}
		return
	}
	line := 0
	for _, row := range rows {
		if row.Line <= line {
			t.Errorf("line %d follows line %d", row.Line, line)
		}
		line = row.Line
		if (row.Decision == "") != (row.Facts == nil) {
			t.Errorf("line %d has the decision %q, and the facts %v", line, row.Decision, row.Facts)
		}
		for _, c := range columns() {
			if c.field == nil {
				continue
			}
			if text := *c.field(&row); !utf8.ValidString(text) || utf8.RuneCountInString(text) > longestText || strings.Contains(text, "\r") {
				t.Errorf("line %d, %s: %.200q", line, c.name, text)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	lines := plain()
	text := csvOf(f, lines, kept(lines))
	for _, content := range [][]byte{
		nil, text, text[:len(text)/2], workbookOf(f, lines, kept(lines)), workbookOf(f, hostile(), nil), []byte(withDelimiter(text, ";")), utf16Of(string(text), true), utf16Of(string(text), false)[1:],
		compoundFile, []byte("PK\x03\x04"), []byte("sep=\t\nDecision\tItem"), []byte("Decision,Decision,Item\r\n\"a\"b"), archive(f, map[string]string{"content.xml": ""}),
	} {
		f.Add(content)
	}
	f.Fuzz(checkRead)
}

// FuzzReadSheet: the XML of the rows of a sheet that has all columns.
func FuzzReadSheet(f *testing.F) {
	for _, rows := range []string{
		"", cellsOf("keep", "a"), `<row r="7"><c r="C7" t="s"><v>0</v></c></row>`, `<row><c s="1"><v>46387</v></c><c><f>1+1</f><v>2</v></c></row>`,
		`<row><c t="b"><v>1</v></c><c t="d"><v>2026</v></c><c t="e"><v>#N/A</v></c></row>`, `<row r="-1"/>`, `<row><c><v>1E400</v></c><c><v>NaN</v></c></row>`, `<v>1</v><t>2</t></row>`, `</sheetData>`,
		`<row r="2"><c r="A2"><row r="3"></row></c></row>`,
	} {
		f.Add(rows)
	}
	f.Fuzz(func(t *testing.T, rows string) {
		checkRead(t, sheetOf(t, headRow()+rows))
	})
}

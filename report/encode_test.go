package report

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// streamed is the cell as excelize's StreamWriter writes it, from behind its style.
func streamed(t testing.TB, v value, limit int) string {
	f := excelize.NewFile()
	defer f.Close()
	sw, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	made := excelize.Cell{StyleID: 1, Value: content(cell{value: v.boxed(), limit: limit}), Formula: v.formula}
	if err := sw.SetRow("A1", []any{made}); err != nil {
		t.Fatal(err)
	}
	if err := sw.Flush(); err != nil {
		t.Fatal(err)
	}
	a := &archive{given: map[string]*bytes.Buffer{}}
	f.SetZipWriter(func(io.Writer) excelize.ZipWriter { return unsaved{a} })
	if err := f.Write(io.Discard); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(a.given[partFile(1)].String(), ` s="1"`)
	cell, _, _ := strings.Cut(rest, "</row>")
	return cell
}

func FuzzCellIsExcelizes(f *testing.F) {
	for _, s := range hostile() {
		f.Add(s[:min(len(s), 100)], int64(0), 0)
	}
	f.Add(strings.Repeat("🔑", 20), int64(-1), 33)
	f.Add("_x0041_ _x005F_x0041_ _x005f_ _xD83D_ _x005F_", int64(46349*86400+1), 40)
	f.Add(strings.Repeat("é", 40000), int64(math.MaxInt32), 0)
	f.Add("a\r\nb\ufffe\uffff\xff", int64(-2208988800), 5)
	f.Fuzz(func(t *testing.T, s string, n int64, limit int) {
		if limit < 0 || limit > 0 && limit < 40 || limit > excelize.TotalCellChars {
			limit = 0
		}
		if n < -1e11 || n > 2e11 { // years that neither has
			n = 0
		}
		for _, v := range []value{{}, str(s), num(int(n)), when(time.Unix(n, n&0xFFFFFF).UTC()), {is: aFormula, text: "row 1", formula: `HYPERLINK("#'A B'!A1","row 1")`}} {
			if got, want := string(appendContent(nil, v, limit)), streamed(t, v, limit); got != want {
				t.Errorf("%v: %.300q, excelize has %.300q", v, got, want)
			}
		}
	})
}

// Every second of a day reads as itself, and as excelize would write it.
func TestTimesAreExcelizes(t *testing.T) {
	for s := range 86400 {
		at := thisWeek.Add(time.Duration(s) * time.Second)
		got, want := string(appendContent(nil, when(at), 0)), "><v>"+strconv.FormatFloat(serial(at).(float64), 'f', -1, 64)+"</v></c>"
		if got != want {
			t.Fatalf("%v: %s, want %s", at, got, want)
		}
	}
}

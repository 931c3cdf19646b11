package xlsx

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	rand "math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
	excelize "github.com/xuri/excelize/v2"

	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

// What is inflated is what was written, however it was cut, and by any inflater.
func TestPackerRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 3*blockSize+17)
	for i := range noise {
		noise[i] = byte(random.IntN(256) & random.IntN(256))
	}
	tests := []struct {
		name string
		in   []byte
	}{
		{"nothing", nil},
		{"a byte", noise[:1]},
		{"one block less a byte", noise[:blockSize-1]},
		{"one block", noise[:blockSize]},
		{"a block and a byte", noise[:blockSize+1]},
		{"many blocks", bytes.Repeat(noise, 3)},
	}
	p, err := newPacker()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests { // the same packer, one part after the other
		t.Run(tt.name, func(t *testing.T) {
			var packed bytes.Buffer
			p.out = &packed
			for rest := tt.in; len(rest) > 0; {
				n := 1 + random.IntN(min(len(rest), 100_000))
				if _, err := p.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(flate.NewReader(&packed))
			if err != nil || !bytes.Equal(got, tt.in) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

type fullDisk struct{ left int }

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.left -= len(b); d.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestPackerTellsOfAFullDisk(t *testing.T) {
	for _, room := range []int{0, 100, 1000} {
		p, err := newPacker()
		if err != nil {
			t.Fatal(err)
		}
		p.out = &fullDisk{room}
		for range 20 * blockSize / 64 {
			if _, err = p.Write(make([]byte, 64)); err != nil {
				break
			}
		}
		if err == nil {
			err = p.Close()
		}
		if !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
}

// discarding stands for deflate, which would take a minute here.
type discarding struct{ io.Writer }

func (discarding) Close() error { return nil }

// A sheet of more than 4 GiB: the archive is read back to its end, and says in front
// of the sheet, too, that it needs ZIP64.
func TestArchiveOver4GiB(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), File))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a, err := newArchive(f)
	if err != nil {
		t.Fatal(err)
	}
	a.zip.RegisterCompressor(zip.Deflate, func(io.Writer) (io.WriteCloser, error) { return discarding{io.Discard}, nil })
	if err := errors.Join(a.put("before", []byte("small")), a.stream("large")); err != nil {
		t.Fatal(err)
	}
	const size = 4<<30 + 5
	for left, zeros := size, make([]byte, 8<<20); left > 0; left -= len(zeros) {
		if _, err := a.Write(zeros[:min(left, len(zeros))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(a.put("after", []byte("small")), a.Close()); err != nil {
		t.Fatal(err)
	}
	checkLarge(t, f, size)
}

func checkLarge(t *testing.T, f *os.File, size uint64) {
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		name    string
		size    uint64
		version uint16
	}{{"before", 5, 20}, {"large", size, 45}, {"after", 5, 20}} {
		e := r.File[i]
		at, err := e.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		header := make([]byte, 6)
		if _, err := f.ReadAt(header, at-30-int64(len(e.Name))); err != nil {
			t.Fatal(err)
		}
		version := binary.LittleEndian.Uint16(header[4:])
		if e.Name != want.name || e.UncompressedSize64 != want.size || version != want.version || string(header[:4]) != "PK\x03\x04" {
			t.Errorf("%s has %d bytes, version %d, %q", e.Name, e.UncompressedSize64, version, header[:4])
		}
	}
}

// streamed is the cell as excelize's StreamWriter writes it, from behind its style.
func streamed(t testing.TB, v table.Value, limit int) string {
	f := excelize.NewFile()
	defer f.Close()
	sw, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	made := excelize.Cell{StyleID: 1, Value: content(cell{value: v.Boxed(), limit: limit}), Formula: v.Formula}
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
	for _, s := range reporttest.Hostile() {
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
		for _, v := range []table.Value{{}, table.Str(s), table.Num(int(n)), table.When(time.Unix(n, n&0xFFFFFF).UTC()), {Type: table.FormulaValue, Text: "row 1", Formula: `HYPERLINK("#'A B'!A1","row 1")`}} {
			if got, want := string(appendContent(nil, v, limit)), streamed(t, v, limit); got != want {
				t.Errorf("%v: %.300q, excelize has %.300q", v, got, want)
			}
		}
	})
}

// Every second of a day reads as itself, and as excelize would write it.
func TestTimesAreExcelizes(t *testing.T) {
	for s := range 86400 {
		at := reporttest.ThisWeek.Add(time.Duration(s) * time.Second)
		got, want := string(appendContent(nil, table.When(at), 0)), "><v>"+strconv.FormatFloat(serial(at).(float64), 'f', -1, 64)+"</v></c>"
		if got != want {
			t.Fatalf("%v: %s, want %s", at, got, want)
		}
	}
}

package xlsx

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
	excelize "github.com/xuri/excelize/v2"

	"tokenaudit/report/table"
)

const blockSize = 256 << 10

// packer deflates what is written to it in blocks, each on a goroutine of its own,
// and writes them down in order. A block ends with a sync flush (RFC 1951 knows
// blocks that need nothing before them), so together they are one stream. Memory is
// that of a few blocks. It may be used again after Close, for another out.
type packer struct {
	out  io.Writer
	ring []*block
	at   int // of the block that is being filled
}

type block struct {
	in      []byte
	packed  bytes.Buffer
	deflate *flate.Writer
	busy    bool
	done    chan error
}

func newPacker() (*packer, error) {
	p := &packer{}
	for range runtime.GOMAXPROCS(0) + 1 {
		deflate, err := flate.NewWriter(nil, flate.BestSpeed)
		if err != nil {
			return nil, err
		}
		p.ring = append(p.ring, &block{in: make([]byte, 0, blockSize), deflate: deflate, done: make(chan error, 1)})
	}
	return p, nil
}

func (p *packer) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		into := p.ring[p.at]
		room := min(len(b), blockSize-len(into.in))
		into.in, b = append(into.in, b[:room]...), b[room:]
		if len(into.in) < blockSize {
			break
		}
		if err := p.turn(false); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// Close ends the stream.
func (p *packer) Close() error {
	if err := p.turn(true); err != nil {
		return err
	}
	for range p.ring {
		p.at = (p.at + 1) % len(p.ring)
		if err := p.collect(); err != nil {
			return err
		}
	}
	return nil
}

// turn hands the block that is full over and makes room in the oldest.
func (p *packer) turn(last bool) error {
	b := p.ring[p.at]
	b.busy = true
	go func() { b.done <- b.pack(last) }()
	p.at = (p.at + 1) % len(p.ring)
	return p.collect()
}

func (b *block) pack(last bool) error {
	b.packed.Reset()
	b.deflate.Reset(&b.packed)
	if _, err := b.deflate.Write(b.in); err != nil {
		return err
	}
	if last {
		return b.deflate.Close()
	}
	return b.deflate.Flush()
}

// collect waits for the block whose turn it is and writes it down.
func (p *packer) collect() error {
	b := p.ring[p.at]
	if !b.busy {
		return nil
	}
	err := <-b.done
	b.busy, b.in = false, b.in[:0]
	if err == nil {
		_, err = p.out.Write(b.packed.Bytes())
	}
	return err
}

// appendContent appends a cell from behind its style to its end.
func appendContent(b []byte, v table.Value, limit int) []byte {
	switch v.Type {
	case table.TextValue:
		return appendInline(b, v.Text, limit)
	case table.NumberValue:
		return append(strconv.AppendInt(append(b, "><v>"...), v.Number, 10), "</v></c>"...)
	case table.TimeValue:
		return appendTime(b, v.Number)
	case table.FormulaValue:
		b = append(appendEscaped(append(b, ` t="str"><f>`...), v.Formula), "</f><v>"...)
		return append(appendEscaped(b, v.Text), "</v></c>"...)
	}
	return append(b, "></c>"...)
}

func appendInline(b []byte, s string, limit int) []byte {
	if s == "" {
		return append(b, "></c>"...)
	}
	if limit == 0 {
		limit = excelize.TotalCellChars
	}
	b = append(b, ` t="inlineStr"><is><t`...)
	plain := plainASCII(s) && len(s) <= limit
	if !plain {
		s = xlsxText(s, limit)
	}
	if isSpace(s[0]) || isSpace(s[len(s)-1]) {
		b = append(b, ` xml:space="preserve"`...)
	}
	b = append(b, '>')
	if plain {
		b = append(b, s...)
	} else {
		b = appendText(b, s)
	}
	return append(b, "</t></is></c>"...)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// special are the bytes that make a text more than itself: what XML escapes, what
// is not visible, and the underscore, with which Excel escapes.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < ' ' || c > '~' || strings.ContainsRune(`&<>"'_`, rune(c))
	}
	return t
}()

func plainASCII(s string) bool {
	for i := range len(s) {
		if special[s[i]] {
			return false
		}
	}
	return true
}

// appendText escapes the text of a cell: line breaks stay, and what Excel would
// take for an escaped character has its underscore escaped (ECMA-376, 22.4.2.4).
func appendText(b []byte, s string) []byte {
	if strings.Contains(s, "_x") {
		s = escapedCharacter.ReplaceAllString(s, "_x005F$0")
	}
	for {
		line, rest, more := strings.Cut(s, "\n")
		b = appendEscaped(b, line)
		if !more {
			return b
		}
		b, s = append(b, '\n'), rest
	}
}

var escapedCharacter = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// appendEscaped escapes as encoding/xml does; the text is visible already.
func appendEscaped(b []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		if !special[s[i]] {
			continue
		}
		if e := entity(s[i]); e != "" {
			b = append(append(b, s[from:i]...), e...)
			from = i + 1
		}
	}
	return append(b, s[from:]...)
}

func entity(c byte) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '"':
		return "&#34;"
	case '\'':
		return "&#39;"
	case '\t':
		return "&#x9;"
	case '\n':
		return "&#xA;"
	}
	return ""
}

// appendTime appends a date as serial counts it.
func appendTime(b []byte, seconds int64) []byte {
	days, billionths := serialParts(seconds)
	if days < firstSerial {
		return appendInline(b, time.Unix(seconds, 0).UTC().Format(time.RFC3339), 0)
	}
	b = append(b, "><v>"...)
	if days > lastExact {
		b = strconv.AppendFloat(b, float64(days)+float64(billionths)/1e9, 'f', -1, 64)
	} else {
		b = appendDecimal(b, days, billionths)
	}
	return append(b, "</v></c>"...)
}

// appendDecimal appends whole.billionths without zeros at the end.
func appendDecimal(b []byte, whole, billionths int64) []byte {
	b = strconv.AppendInt(b, whole, 10)
	if billionths == 0 {
		return b
	}
	at := len(b)
	b = strconv.AppendInt(b, 1e9+billionths, 10)
	b[at] = '.' // in place of the 1
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// beginPart begins the sheet in the file, and gives what stands before its rows.
func (b *Workbook) beginPart(p *part) ([]byte, error) {
	head, _, err := b.frame(p)
	if err != nil {
		return nil, err
	}
	b.parts = append(b.parts, p)
	return head, b.archive.stream(partFile(len(b.parts)))
}

// endPart writes what stands behind the rows.
func (b *Workbook) endPart(p *part) error {
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
func (b *Workbook) frame(p *part) (head, tail []byte, err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.NewSheet(p.name); err != nil {
		return nil, nil, err
	}
	spare := &Workbook{File: f, draft: b.draft, maxRows: b.maxRows}
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
func (b *Workbook) settle(p *part) error {
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
func (b *Workbook) settleAll(context.Context) error {
	for _, p := range b.parts {
		if err := b.settle(p); err != nil {
			return err
		}
	}
	return nil
}

// preamble begins the file with parts that tell programs which look no further that
// it is a workbook: a list is there before [Content_Types].xml is known.
func (b *Workbook) preamble(made *archive) error {
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

// archive is the zip file of a workbook. The large sheets are streamed into it, one
// after the other; the other parts, which excelize hands over in the order of a map
// and which are small, follow in the order of their names, without times. So the
// same workbook is the same bytes, and memory stays flat.
type archive struct {
	out     *os.File
	zip     *zip.Writer
	part    io.Writer                // that is being streamed
	size    int64                    // of it
	largest int64                    // of those before
	given   map[string]*bytes.Buffer // by excelize
	written map[string][]byte        // what is in the file; of a streamed sheet the two halves around its rows
}

func newArchive(out *os.File) (*archive, error) {
	pack, err := newPacker()
	a := &archive{out: out, zip: zip.NewWriter(out), given: map[string]*bytes.Buffer{}, written: map[string][]byte{}}
	a.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		pack.out = w
		return pack, nil
	})
	return a, err
}

// stream begins a part, and so ends the one before.
func (a *archive) stream(name string) (err error) {
	a.part, err = a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	a.size = 0
	return err
}

func (a *archive) Write(b []byte) (int, error) {
	n, err := a.part.Write(b)
	a.size += int64(n)
	a.largest = max(a.largest, a.size)
	return n, err
}

// put writes a part at once.
func (a *archive) put(name string, content []byte) error {
	if err := a.stream(name); err != nil {
		return err
	}
	a.written[name] = content
	_, err := a.Write(content)
	return err
}

// Create takes a part from excelize.
func (a *archive) Create(name string) (io.Writer, error) {
	a.given[name] = new(bytes.Buffer)
	return a.given[name], nil
}

// AddFS is part of excelize's interface; excelize does not call it.
func (a *archive) AddFS(fs.FS) error { return errors.ErrUnsupported }

// Close writes the parts that excelize gave. What is in the file already must be
// what it gave, but for the rows.
func (a *archive) Close() error {
	for _, name := range slices.Sorted(maps.Keys(a.given)) {
		content := a.given[name].Bytes()
		before, ok := a.written[name]
		if ok && !bytes.Equal(before, content) {
			return fmt.Errorf("%s was begun in another way than excelize ends it", name)
		}
		if ok {
			continue
		}
		if err := a.put(name, content); err != nil {
			return err
		}
	}
	if err := a.zip.Close(); err != nil || a.largest <= math.MaxUint32 {
		return err
	}
	return a.markLarge()
}

// markLarge says in the headers of parts over 4 GiB that they need version 4.5 of
// the format (APPNOTE.TXT, 4.4.3.2), without which Excel does not open them. The
// headers were written before the sizes were known.
func (a *archive) markLarge() error {
	info, err := a.out.Stat()
	if err != nil {
		return err
	}
	r, err := zip.NewReader(a.out, info.Size())
	if err != nil {
		return err
	}
	for _, f := range r.File {
		if max(f.UncompressedSize64, f.CompressedSize64) <= math.MaxUint32 {
			continue
		}
		data, err := f.DataOffset()
		if err != nil {
			return err
		}
		const header, version = 30, 4 // its length, and where the version is in it
		if _, err := a.out.WriteAt([]byte{45, 0}, data-int64(len(f.Name))-header+version); err != nil {
			return err
		}
	}
	return nil
}

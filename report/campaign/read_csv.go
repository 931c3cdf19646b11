package campaign

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// readCSV gives the file as it reads with each delimiter that spreadsheets write. The
// number of a row is the line on which it begins.
func readCSV(content []byte) ([]sheet, error) {
	text, err := decode(content)
	if err != nil {
		return nil, err
	}
	var sheets []sheet
	for _, delimiter := range []rune{',', ';', '\t'} {
		sheets = append(sheets, sheet{rows: func(yield func(int, []string) bool) error {
			r := csv.NewReader(strings.NewReader(text))
			r.Comma, r.FieldsPerRecord, r.ReuseRecord = delimiter, -1, true
			for {
				cells, err := r.Read()
				if errors.Is(err, io.EOF) {
					return nil
				}
				if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
					return fmt.Errorf("line %d is not CSV: %w; save the file again, as .xlsx or CSV", parse.Line, parse.Err)
				}
				if err != nil {
					return err
				}
				if line, _ := r.FieldPos(0); !yield(line, cells) {
					return nil
				}
			}
		}})
	}
	return sheets, nil
}

// decode gives the text of a file: UTF-8, or UTF-16 with its mark, or else the Windows
// encoding that Excel writes in western Europe. Of one in another encoding, the facts do
// not read as they were written.
func decode(content []byte) (string, error) {
	var err error
	switch {
	case bytes.HasPrefix(content, []byte{0xFE, 0xFF}), bytes.HasPrefix(content, []byte{0xFF, 0xFE}):
		content, err = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(content)
	case !utf8.Valid(content):
		content, err = charmap.Windows1252.NewDecoder().Bytes(content)
	}
	if err == nil && bytes.IndexByte(content, 0) >= 0 {
		err = errors.New("it has bytes that are no text")
	}
	if err != nil {
		return "", fmt.Errorf("the file is neither a workbook nor CSV: %w; save it as .xlsx, or as CSV in UTF-8", err)
	}
	text := strings.TrimPrefix(string(content), "\ufeff")
	if !strings.Contains(text, "\n") { // lines of old Macs
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	return text, nil
}

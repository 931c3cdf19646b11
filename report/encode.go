package report

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// What follows appends cells as excelize's StreamWriter writes them, to the byte;
// a test holds it to that.

// appendContent appends a cell from behind its style to its end.
func appendContent(b []byte, v value, limit int) []byte {
	switch v.is {
	case aText:
		return appendInline(b, v.text, limit)
	case aNumber:
		return append(strconv.AppendInt(append(b, "><v>"...), v.number, 10), "</v></c>"...)
	case aTime:
		return appendTime(b, v.number)
	case aFormula:
		b = append(appendEscaped(append(b, ` t="str"><f>`...), v.formula), "</f><v>"...)
		return append(appendEscaped(b, v.text), "</v></c>"...)
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
		return appendInline(b, csvCell(time.Unix(seconds, 0)), 0)
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

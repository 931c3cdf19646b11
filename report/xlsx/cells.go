package xlsx

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
)

// content is what excelize is given, with at most limit characters of text, if there
// is a limit: text is always a string, never a formula.
func content(v any, limit int) any {
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil
		}
		return xlsxText(v, limit)
	case time.Time:
		return serial(v)
	case formula:
		return v.now
	}
	return v
}

// serial is a time as Excel counts it: days since 1899-12-30, in UTC, to the
// second. It is rounded up at nine digits, since LibreOffice cuts the fraction of
// a second off and would show the second before. Excel has no dates before 1900
// and is wrong about its first two months; those are text.
func serial(t time.Time) any {
	const epoch, first = -2209161600, 61 // 1899-12-30 in Unix time, and the day of 1900-03-01
	if t.IsZero() {
		return nil
	}
	seconds := t.Unix() - epoch
	days, billionths := seconds/86400, (seconds%86400*1e9+86399)/86400
	if days < first {
		return t.UTC().Format(time.RFC3339)
	}
	return float64(days) + float64(billionths)/1e9
}

// dayOf is the day of a moment in UTC, of which serial has no fraction.
func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// xlsxText makes text fit into a cell: visible, and at most limit UTF-16 units,
// which is how Excel counts. What is cut says so.
func xlsxText(s string, limit int) string {
	if limit == 0 {
		limit = excelize.TotalCellChars
	}
	s = faithful(audit.Visible(s, true))
	units := utf16Len(s)
	if units <= limit {
		return s
	}
	mark := "… (cut, " + strconv.Itoa(units) + " characters in all)"
	return cutUTF16(s, limit-utf16Len(mark)) + mark
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

func cutUTF16(s string, units int) string {
	for i, r := range s {
		if units -= utf16.RuneLen(r); units < 0 {
			return s[:i]
		}
	}
	return s
}

// faithful makes visible what excelize would not escape as Excel reads it: _xHHHH_
// stands for a character there, and excelize does not see two that share an
// underscore, nor half of a surrogate pair.
func faithful(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	s = sharedUnderscore.ReplaceAllString(s, `$1\u005f$2`)
	return surrogateHalf.ReplaceAllString(s, `\u005f$1`)
}

var (
	sharedUnderscore = regexp.MustCompile(`(_x[0-9A-Fa-f]{4})_(x[0-9A-Fa-f]{4}_)`)
	surrogateHalf    = regexp.MustCompile(`_(x[dD][89A-Fa-f][0-9A-Fa-f]{2}_)`)
)

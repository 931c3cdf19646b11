package xlsx

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	excelize "github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// content is what excelize is given: text is always a string, never a formula.
func content(c cell) any {
	switch v := c.value.(type) {
	case string:
		if v == "" {
			return nil
		}
		return xlsxText(v, c.limit)
	case time.Time:
		return serial(v)
	case table.Formula:
		return v.Now
	}
	return c.value
}

// serial is a time as Excel counts it: days since 1899-12-30, in UTC, to the
// second. It is rounded up at nine digits, since LibreOffice cuts the fraction of
// a second off and would show the second before. Excel has no dates before 1900
// and is wrong about its first two months; those are text.
func serial(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	days, billionths := serialParts(t.Unix())
	if days < firstSerial {
		return t.UTC().Format(time.RFC3339)
	}
	return float64(days) + float64(billionths)/1e9
}

const (
	firstSerial = 61      // 1900-03-01
	lastExact   = 999_999 // 4637-11-25; up to there a float64 tells all billionths apart
)

// serialParts are the days of a serial, and the billionths of the last one.
func serialParts(unix int64) (days, billionths int64) {
	const epoch = -2209161600 // 1899-12-30 in Unix time
	seconds := unix - epoch
	return seconds / 86400, (seconds%86400*1e9 + 86399) / 86400
}

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
		n += utf16Units(r)
	}
	return n
}

func utf16Units(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

func cutUTF16(s string, units int) string {
	for i, r := range s {
		if units -= utf16Units(r); units < 0 {
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

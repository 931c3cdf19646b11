package setting

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Duration is a time span such as 90d, 2w, 36h, 30m or 1d12h; a day has 24
// hours. 0 and off are no time at all.
type Duration time.Duration

// Day has 24 hours.
const (
	Day         = 24 * time.Hour
	longestSpan = 100 * 365 * Day
)

// units from the longest that MarshalText writes; weeks are only read.
var units = []struct {
	letter string
	length time.Duration
}{{"d", Day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"w", 7 * Day}}

var (
	spanPattern = regexp.MustCompile(`^([0-9]+[wdhms])+$`)
	spanPart    = regexp.MustCompile(`([0-9]+)([wdhms])`)

	bareNumber = regexp.MustCompile(`^[0-9]+$`)

	errSpan     = errors.New("needs a time span such as 90d, 2w, 36h, 30m or 1d12h")
	errNoUnit   = errors.New("needs a unit behind the number: w, d, h, m or s, such as 90d")
	errNegative = errors.New("must not be negative; write a time span such as 90d")
	errLongSpan = errors.New("is longer than 100 years; write a shorter one")
)

// UnmarshalText reads a time span. Its errors do not repeat the text.
func (d *Duration) UnmarshalText(text []byte) error {
	*d = 0
	if s := string(text); s == "0" || s == "off" {
		return nil
	}
	switch {
	case strings.HasPrefix(string(text), "-"):
		return errNegative
	case bareNumber.Match(text):
		return errNoUnit
	case !spanPattern.Match(text):
		return errSpan
	}
	for _, part := range spanPart.FindAllStringSubmatch(string(text), -1) {
		var unit time.Duration
		for _, u := range units {
			if u.letter == part[2] {
				unit = u.length
			}
		}
		n, err := strconv.ParseInt(part[1], 10, 64)
		if err != nil || n > int64(longestSpan/unit) {
			return errLongSpan
		}
		*d += Duration(n) * Duration(unit)
		if *d > Duration(longestSpan) {
			return errLongSpan
		}
	}
	return nil
}

// MarshalText writes a time span as a person would.
func (d Duration) MarshalText() ([]byte, error) {
	for _, u := range units {
		if span := time.Duration(d); span != 0 && span%u.length == 0 {
			return fmt.Appendf(nil, "%d%s", span/u.length, u.letter), nil
		}
	}
	return []byte("off"), nil
}

// Limit is a Duration after which something happens, or off for never. It refuses 0, which
// may be meant as at once.
type Limit Duration

var errZero = errors.New("must not be 0; write off for no limit, or a time span such as 90d")

// UnmarshalText reads a limit. Its errors do not repeat the text.
func (l *Limit) UnmarshalText(text []byte) error {
	if err := (*Duration)(l).UnmarshalText(text); err != nil {
		return fmt.Errorf("%w, or off", err)
	}
	if *l == 0 && string(text) != "off" {
		return errZero
	}
	return nil
}

// MarshalText writes a limit as a person would.
func (l Limit) MarshalText() ([]byte, error) { return Duration(l).MarshalText() }

package configs

import (
	"errors"
	"regexp"
	"strconv"
	"time"
)

// Duration is a time span such as 90d, 2w, 36h, 30m or 1d12h; a day has 24
// hours. 0 and off are no time at all.
type Duration time.Duration

const (
	day         = 24 * time.Hour
	longestSpan = 100 * 365 * day
)

var (
	spanPattern = regexp.MustCompile(`^([0-9]+[wdhms])+$`)
	spanPart    = regexp.MustCompile(`([0-9]+)([wdhms])`)

	errSpan     = errors.New("needs a time span such as 90d, 2w, 36h, 30m or 1d12h, or off")
	errLongSpan = errors.New("is longer than 100 years")
)

// UnmarshalText reads a time span. Its errors do not repeat the text.
func (d *Duration) UnmarshalText(text []byte) error {
	*d = 0
	if s := string(text); s == "0" || s == "off" {
		return nil
	}
	if !spanPattern.Match(text) {
		return errSpan
	}
	for _, part := range spanPart.FindAllStringSubmatch(string(text), -1) {
		n, err := strconv.ParseInt(part[1], 10, 64)
		if err != nil || n > int64(longestSpan/unit(part[2])) {
			return errLongSpan
		}
		*d += Duration(n) * Duration(unit(part[2]))
		if *d > Duration(longestSpan) {
			return errLongSpan
		}
	}
	return nil
}

func unit(letter string) time.Duration {
	switch letter {
	case "w":
		return 7 * day
	case "d":
		return day
	case "h":
		return time.Hour
	case "m":
		return time.Minute
	}
	return time.Second
}

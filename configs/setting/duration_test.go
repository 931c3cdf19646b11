package setting

import (
	"errors"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90d": 90 * Day, "2w": 14 * Day, "36h": 36 * time.Hour, "30m": 30 * time.Minute, "45s": 45 * time.Second,
		"1d12h": 36 * time.Hour, "1w2d3h4m5s": 9*Day + 3*time.Hour + 4*time.Minute + 5*time.Second,
		"0": 0, "off": 0, "0d": 0, "36500d": 36500 * Day,
	} {
		var got Duration
		if err := got.UnmarshalText([]byte(text)); err != nil || time.Duration(got) != want {
			t.Errorf("%s: %s, %v; want %s", text, time.Duration(got), err, want)
		}
	}
}

func TestDurationRefuses(t *testing.T) {
	for text, want := range map[string]error{
		"": errSpan, "90": errNoUnit, "d": errSpan, "-1d": errNegative, "+1d": errSpan, "1.5h": errSpan, "90 d": errSpan, "1d ": errSpan,
		"1D": errSpan, "1y": errSpan, "1ms": errSpan, "Off": errSpan, "٣d": errSpan,
		"36501d": errLongSpan, "20000d20000d": errLongSpan, "99999999999999999999d": errLongSpan, "9223372036854775807w": errLongSpan,
	} {
		var got Duration
		if err := got.UnmarshalText([]byte(text)); err != want {
			t.Errorf("%q: %s, %v; want %v", text, time.Duration(got), err, want)
		}
	}
}

func TestLimit(t *testing.T) {
	for text, want := range map[string]error{"off": nil, "90d": nil, "0": errZero, "0d": errZero, "0h0m": errZero, "-1d": errNegative, "1.5h": errSpan} {
		var got Limit
		if err := got.UnmarshalText([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	for limit, want := range map[Limit]string{0: "off", Limit(36 * time.Hour): "36h"} {
		if got, _ := limit.MarshalText(); string(got) != want {
			t.Errorf("%d: %s, want %s", limit, got, want)
		}
	}
}

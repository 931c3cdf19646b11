package main

import (
	"bytes"
	"log/slog"
	"testing"
)

func TestLevelOfTheLog(t *testing.T) {
	for name, tt := range map[string]struct {
		flags logFlags
		want  slog.Level
	}{
		"that of the command":          {logFlags{}, slog.LevelWarn},
		"each step":                    {logFlags{verbose: true}, slog.LevelDebug},
		"nothing but errors":           {logFlags{quiet: true}, slog.LevelError},
		"each step of a quiet command": {logFlags{verbose: true, quiet: true}, slog.LevelDebug},
		"what is asked for":            {logFlags{level: "info", verbose: true, quiet: true}, slog.LevelInfo},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tt.flags.least(slog.LevelWarn); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// TestQuietWarnsOfNothing: a warning is no error.
func TestQuietWarnsOfNothing(t *testing.T) {
	for quiet, want := range map[bool]string{false: "warning: day 31\n", true: ""} {
		var stderr bytes.Buffer
		c := &cli{stderr: &stderr, logFlags: logFlags{quiet: quiet}}
		c.warn("day %d", 31)
		if stderr.String() != want {
			t.Errorf("quiet %v: %q", quiet, &stderr)
		}
	}
}

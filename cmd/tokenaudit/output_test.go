package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHangingFitsTheTerminal(t *testing.T) {
	t.Parallel()
	const line = "not seen: prod: the server may hide tokens of deleted users: its own counts are of 2 orgs and cannot be compared with this one [stored-listed]"
	for _, columns := range []int{0, 5, 40, 80, 200} {
		got := hanging("  ", line, columns)
		if strings.Join(strings.Fields(got), " ") != line {
			t.Errorf("%d columns change the words: %q", columns, got)
		}
		lines := strings.Split(got, "\n")
		if whole := columns == 0 || columns == 5 || columns == 200; whole != (len(lines) == 1) {
			t.Errorf("%d columns: %d lines", columns, len(lines))
		}
		for i, l := range lines {
			if !strings.HasPrefix(l, "  ") || strings.HasPrefix(l, "    ") != (i > 0) || len(lines) > 1 && utf8.RuneCountInString(l) > columns {
				t.Errorf("%d columns: line %d is %q", columns, i, l)
			}
		}
	}
}

// TestColumns: a pipe has the width that COLUMNS says, or else none.
func TestColumns(t *testing.T) {
	for env, want := range map[string]int{"72": 72, "": 0, "wide": 0, "-1": 0} {
		t.Setenv("COLUMNS", env)
		if got := (&cli{stdout: &bytes.Buffer{}}).columns(); got != want {
			t.Errorf("COLUMNS=%q: %d columns, want %d", env, got, want)
		}
	}
}

package main

import (
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

package main

import (
	"strings"
	"testing"
)

func TestTableFits(t *testing.T) {
	table := func() *textTable {
		t := newTable(column{name: "ID"}, column{name: "TOKENS", right: true}, column{name: "OLDEST", drop: 2}, column{name: "MEANING", shrink: 12, drop: 1}, column{name: "LATE"})
		t.row("operator", 12, "2026-11-16", "Writes to every org (operator token)", "")
		t.row("all-access", 3, "2026-11-23", "All-access token", "")
		return t
	}
	for name, tt := range map[string]struct {
		width int
		want  string
	}{
		"without a limit": {0, `
ID          TOKENS  OLDEST      MEANING
operator        12  2026-11-16  Writes to every org (operator token)
all-access       3  2026-11-23  All-access token`},
		"shortened": {60, `
ID          TOKENS  OLDEST      MEANING
operator        12  2026-11-16  Writes to every org
                                (operator token)
all-access       3  2026-11-23  All-access token`},
		"one left out": {40, `
ID          TOKENS  OLDEST
operator        12  2026-11-16
all-access       3  2026-11-23
Left out for lack of width: MEANING.
  68 columns show all.`},
		"two left out": {24, `
ID          TOKENS
operator        12
all-access       3
Left out for lack of
  width: MEANING,
  OLDEST. 68 columns
  show all.`},
		"too narrow for what stays": {8, `
ID          TOKENS
operator        12
all-access       3
Left out for lack of width: MEANING, OLDEST. 68 columns show all.`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := table().render(tt.width); got != tt.want[1:] {
				t.Errorf("\n%s\nwant%s", got, tt.want)
			}
		})
	}
}

// TestTableKeepsWords: IDs and words stay whole as long as there is a column to leave out.
func TestTableKeepsWords(t *testing.T) {
	t.Parallel()
	table := newTable(column{name: "USER", shrink: 8}, column{name: "CREATED", drop: 1}, column{name: "MAY WRITE", shrink: 9})
	table.row("carol@example.com", "2026-11-16", "one bucket: 0d0fb00000000016")
	for width, want := range map[int]string{
		50: `
USER               CREATED     MAY WRITE
carol@example.com  2026-11-16  one bucket:
                               0d0fb00000000016`,
		44: `
USER               MAY WRITE
carol@example.com  one bucket:
                   0d0fb00000000016
Left out for lack of width: CREATED. 59
  columns show all.`,
		24: `
USER         MAY WRITE
carol@examp  one bucket:
le.com       0d0fb000000
             00016
Left out for lack of
  width: CREATED. 59
  columns show all.`,
	} {
		if got := table.render(width); got != want[1:] {
			t.Errorf("%d:\n%s\nwant%s", width, got, want)
		}
	}
}

// TestWidestIsShortened: of two texts, the one that takes most room gives some.
func TestWidestIsShortened(t *testing.T) {
	table := newTable(column{name: "OWNER", shrink: 5}, column{name: "MEANING", shrink: 5})
	table.row("alice", "Writes to every org of it")
	want := "OWNER  MEANING\nalice  Writes to every\n       org of it"
	if got := table.render(22); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

// TestColours: nothing is coloured that is no terminal, unless it is asked for, and
// NO_COLOR is stronger than that.
func TestColours(t *testing.T) {
	for name, tt := range map[string]struct {
		env  map[string]string
		want bool
	}{
		"no terminal":           {nil, false},
		"forced":                {map[string]string{"CLICOLOR_FORCE": "1"}, true},
		"forced off":            {map[string]string{"CLICOLOR_FORCE": "0"}, false},
		"NO_COLOR against that": {map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, name := range []string{"NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "TERM"} {
				t.Setenv(name, tt.env[name])
			}
			if got := colours(&strings.Builder{}); got != tt.want {
				t.Errorf("colours: %v", got)
			}
		})
	}
}

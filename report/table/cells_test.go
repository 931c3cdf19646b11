package table

import (
	"strings"
	"testing"
)

func TestFormulaSafe(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"word", "telegraf", "telegraf"},
		{"equals", "=1", "'=1"},
		{"plus", "+1", "'+1"},
		{"minus", "-1", "'-1"},
		{"at", "@A1", "'@A1"},
		{"tab", "\tx", "'\tx"},
		{"return", "\rx", "'\rx"},
		{"after spaces", " \u00a0=1", "' \u00a0=1"},
		{"after a line", "\n=1", "'\n=1"},
		{"after a control character", "\x01=1", "'\x01=1"},
		{"full width", "＝1", "'＝1"},
		{"an apostrophe of its own", "'=1", "''=1"},
		{"inside", "a=1", "a=1"},
		{"spaces only", "  ", "  "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := FormulaSafe(tt.in); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if got := FromFormulaSafe(tt.want); got != tt.in {
				t.Errorf("comes back as %q", got)
			}
		})
	}
}

// TestFromFormulaSafe: what another program wrote without apostrophes stays as it is.
func TestFromFormulaSafe(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"=1", "'quoted'", "a'b"} {
		if got := FromFormulaSafe(s); got != s {
			t.Errorf("%q comes back as %q", s, got)
		}
	}
}

// TestLinesIn: a row is as high as programs need it, which break lines at spaces, hyphens
// and slashes, and in the middle of what is longer than a line.
func TestLinesIn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		width      float64
		want       int
	}{
		{"empty", "", 20, 1},
		{"one word", "telegraf", 20, 1},
		{"lines", "a\nb\nc", 20, 3},
		{"words", "owner was deleted and left", 20, 2},
		{"an address", "firstname10.lastname-hyphenated@manufacturing.plant-eu.example.com (deleted)", 40, 3},
		{"longer than a line", strings.Repeat("a", 50), 22, 3},
		{"a slash before a digit", "GET /api/v2/authorizations/11adece381a52009: 404 user not found", 34, 3},
		{"a slash before a word", "GET /api/v2/authorizations/users", 22, 2},
		{"at most", strings.Repeat("word ", 100), 20, 9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := LinesIn(tt.text, tt.width, 9); got != tt.want {
				t.Errorf("%d lines, want %d", got, tt.want)
			}
		})
	}
}

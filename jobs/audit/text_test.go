package audit

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	for name, test := range map[string]struct {
		in, line, lines string
	}{
		"plain":        {"écran 画面 🙂", "écran 画面 🙂", "écran 画面 🙂"},
		"newline":      {"a\nb\tc", `a\nb\tc`, "a\nb\tc"},
		"return":       {"a\r\nb", `a\r\nb`, "a\\r\nb"},
		"bidi":         {"a\u202eb", `a\u202eb`, `a\u202eb`},
		"escape":       {"\x1b[31mred", `\u001b[31mred`, `\u001b[31mred`},
		"zero width":   {"a\u200bb\ufeff", `a\u200bb\ufeff`, `a\u200bb\ufeff`},
		"invalid byte": {"a\xffb", `a\xffb`, `a\xffb`},
		"empty":        {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Visible(test.in, false); got != test.line {
				t.Errorf("Visible(%q, false) = %q, want %q", test.in, got, test.line)
			}
			if got := Visible(test.in, true); got != test.lines {
				t.Errorf("Visible(%q, true) = %q, want %q", test.in, got, test.lines)
			}
		})
	}
}

func TestLine(t *testing.T) {
	for name, test := range map[string]struct {
		in   string
		max  int
		want string
	}{
		"short":           {"abc", 3, "abc"},
		"cut":             {"abcd", 3, "ab…"},
		"no space before": {"ab cd", 4, "ab…"},
		"huge":            {strings.Repeat("画", 300_000), 5, "画画画画…"},
		"newline":         {"a\nb", 10, `a\nb`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Line(test.in, test.max); got != test.want {
				t.Errorf("Line(…, %d) = %q, want %q", test.max, got, test.want)
			}
		})
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\u202e\x1b\xff\n", 5)
	f.Fuzz(func(t *testing.T, s string, max int) {
		max = 1 + (max&0x7fffffff)%200
		got := Line(s, max)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > max {
			t.Errorf("Line(%q, %d) = %q", s, max, got)
		}
		if strings.ContainsFunc(got, hides) {
			t.Errorf("Line(%q, %d) = %q: something hides in it", s, max, got)
		}
	})
}

// TestSafeID: no two names have one ID, also where a name is chosen so that they might.
func TestSafeID(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	names := []string{
		"alice", "Alice", " ", "", "a b", "a+b", "a%20b", "a/b", "a%2Fb", "%", "~", "%7E", "\n", "\"", "'", "=1+1", "日本", "\xff", "\ufffd", "\u202e",
		long, long + "x", strings.Repeat("日", 1000), SafeID(long), SafeID(strings.Repeat("日", 1000)), strings.Repeat("~", 300),
	}
	seen := map[string]string{}
	for _, name := range names {
		id := SafeID(name)
		if other, twice := seen[id]; twice {
			t.Errorf("%.40q and %.40q have the ID %s", name, other, id)
		}
		seen[id] = name
		if len(id) > longestSafeID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'/\=`, r) }) {
			t.Errorf("%.40q has the ID %q", name, id)
		}
	}
	if got := SafeID("iot_user-1.a"); got != "iot_user-1.a" {
		t.Errorf("a plain name is %q", got)
	}
}

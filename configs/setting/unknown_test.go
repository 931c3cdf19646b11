package setting

import (
	"strings"
	"testing"
)

func TestUnknown(t *testing.T) {
	for name, tt := range map[string]struct {
		given string
		known []string
		want  string
	}{
		"a letter is missing":     {"weekl", []string{"daily", "weekly"}, `unknown job "weekl", did you mean "weekly"?`},
		"letters are exchanged":   {"weelky", []string{"daily", "weekly"}, `unknown job "weelky", did you mean "weekly"?`},
		"nothing like it":         {"nightly-review", []string{"daily", "weekly"}, `unknown job "nightly-review", known: daily, weekly`},
		"forty of more are named": {"zzzzzz", strings.Split(strings.Repeat("a ", 40)+"last", " "), `unknown job "zzzzzz", known: ` + strings.Repeat("a, ", 40) + "…"},
		"a long name is cut":      {strings.Repeat("z", 100), []string{"a"}, `unknown job "` + strings.Repeat("z", 60) + `", known: a`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Unknown("job", tt.given, tt.known); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

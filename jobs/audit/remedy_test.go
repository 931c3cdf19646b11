package audit_test

import (
	"errors"
	"fmt"
	"testing"

	"tokenaudit/jobs/audit"
)

// knowing is an error that knows its remedy, or has none.
type knowing string

func (knowing) Error() string { return "refused" }

func (k knowing) Remedy() string { return string(k) }

// TestRemediesOfGaps: what is known of a gap goes before what its premise says.
func TestRemediesOfGaps(t *testing.T) {
	t.Parallel()
	premise, _ := audit.PremiseOf(audit.ListWhole)
	tests := []struct {
		name string
		args []any
		want string
	}{
		{"an error that knows", []any{"the list", knowing("Start it.")}, "Start it."},
		{"an error because of one", []any{"the list", fmt.Errorf("asking: %w", knowing("Start it."))}, "Start it."},
		{"the first that knows", []any{knowing(""), fmt.Errorf("asking: %w", knowing("Start it."))}, "Start it."},
		{"none knows", []any{"the list", errors.New("refused")}, premise.Fix},
		{"no error", []any{"the list", nil}, premise.Fix},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cov := audit.NewCoverage("prod")
			cov.Gap(audit.ListWhole, audit.Partial, "%s: %v", test.args...)
			if got := cov.Gaps[0].Remedy(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

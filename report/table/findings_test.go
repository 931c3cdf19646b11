package table

import (
	"slices"
	"testing"

	"tokenaudit/jobs/audit"
)

func TestCompareGroups(t *testing.T) {
	t.Parallel()
	sorted := []Group{
		{audit.Critical, "deleted-owner"}, {audit.Critical, "operator"}, {audit.Critical, "not-rotated"},
		{audit.High, "deleted-owner"}, {audit.Low, "no-description"}, {audit.Low, "a-check-of-later"}, {audit.Low, "the-next"}, {"severe", "operator"},
	}
	got := slices.Clone(sorted)
	slices.Reverse(got)
	slices.SortFunc(got, CompareGroups)
	if !slices.Equal(got, sorted) {
		t.Errorf("got %v", got)
	}
}

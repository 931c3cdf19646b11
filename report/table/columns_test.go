package table

import (
	"strings"
	"testing"
)

// TestColumnsAreOnlyAdded: readers of the CSV files of earlier versions go by the place of
// a column, or by its name. New ones come at the end; this list only grows.
func TestColumnsAreOnlyAdded(t *testing.T) {
	t.Parallel()
	for want, columns := range map[string][]Column{
		"target org org_id authorization_id description status owner owner_id owner_state owner_evidence class may_write permissions created updated age_days first_seen last_seen presence presence_evidence worst_severity findings " +
			"needs_action due responsible team purpose overdue product status_now expires revoked secret_replaced": AuthorizationColumns(),
		"severity check title state since target org authorization_id description status owner owner_id owner_state detail why what_to_do created age_days " +
			"controls due needs_action command responsible team purpose overdue product status_now expires revoked": FindingColumns(),
	} {
		var names []string
		for _, c := range columns {
			names = append(names, c.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("columns %s\nwant    %s", got, want)
		}
	}
}

package contract

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/bolt"
	"tokenaudit/jobs/influx/contract/realinflux"
	"tokenaudit/jobs/influx/influxtest/conformance"
	"tokenaudit/jobs/target"
)

// TestBolt reads the database file that the real handlers write: the population of
// the online review and, besides, everything that the server hides.
func TestBolt(t *testing.T) {
	server := realinflux.New(t, true)
	w := conformance.NewWorld(server)
	online := newReviewer(t, w, "operator", "").review(t)
	source, err := bolt.New(target.Config{Name: "prod", Bolt: setting.Path(server.Backup(t))})
	if err != nil {
		t.Fatal(err)
	}
	offline := newReviewerOf(t, w, "bolt", source).review(t)
	if c := offline.Coverage; c.Verdict != audit.Complete || c.Listed != 21 || c.Hidden != 0 || c.Legacy != 2 || len(c.BlindSpots) != 0 {
		t.Errorf("%s, %d listed, %d hidden, %d of 1.x, reasons %q, blind spots %q", c.Verdict, c.Listed, c.Hidden, c.Legacy, c.Reasons, c.BlindSpots)
	}
	for name, want := range online.Rows {
		if d := cmp.Diff(want, offline.Rows[name]); d != "" {
			t.Errorf("%s (-online +offline):\n%s", name, d)
		}
		delete(offline.Rows, name)
	}
	orphans := map[string]audit.OwnerState{}
	for name, r := range offline.Rows {
		orphans[name] = r.Owner
		if r.OrgDeleted {
			orphans[name] = "org deleted"
		}
	}
	want := map[string]audit.OwnerState{
		"deletedUserWrite": audit.OwnerDeleted, "deletedUserOperator": audit.OwnerDeleted, "v1Orphan": audit.OwnerDeleted, "goneOrgWrite": "org deleted",
	}
	if d := cmp.Diff(want, orphans); d != "" {
		t.Errorf("what only the file shows (-want +got):\n%s", d)
	}
}

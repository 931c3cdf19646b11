package influx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
)

func TestKnownFromAnImportedList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auths.txt")
	const first, second, owner = "0000000000000001", "0000000000000002", "00000000000000aa"
	table := "ID\t\t\tUser Name\tUser ID\t\t\tDescription\tToken\t\tPermissions\n" +
		second + "\t\t\t" + owner + "\tlater\t\tCANARY-c0ffee==\t[]\n" +
		first + "\talice\t\t" + owner + "\tsensor\t\tCANARY-c0ffee==\t[write:orgs/00000000000000c1/tasks]\n"
	if err := os.WriteFile(path, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	known, free, err := Config{Name: "prod", Import: setting.Path(path)}.known()
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	const source = "in the output of influxd recovery auth list"
	want := audit.Record{
		Target: "prod",
		Authorization: audit.Authorization{
			ID: first, UserID: owner, User: "alice", Description: "sensor", OrgID: "00000000000000c1",
			Permissions: []audit.Permission{{Action: "write", Resource: audit.Resource{Type: "tasks", OrgID: "00000000000000c1"}}},
		},
		Presence: audit.Unseen, Evidence: source,
		Owner: audit.Owner{ID: owner, Name: "alice", State: audit.OwnerUnknown, Evidence: source},
	}
	var got []audit.Record
	for r, err := range known {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	later := audit.Record{
		Target:        "prod",
		Authorization: audit.Authorization{ID: second, UserID: owner, Description: "later", Permissions: []audit.Permission{}},
		Presence:      audit.Unseen, Evidence: source,
		Owner: audit.Owner{ID: owner, State: audit.OwnerUnknown, Evidence: source},
	}
	if diff := cmp.Diff([]audit.Record{want, later}, got); diff != "" { // in ascending order, whatever the table has
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestKnownWithoutAList(t *testing.T) {
	known, free, err := Config{}.known()
	if known != nil || err != nil {
		t.Errorf("%v, %v", known != nil, err)
	}
	free()
	path := filepath.Join(t.TempDir(), "auths.txt")
	if _, _, err := (Config{Import: setting.Path(path)}).known(); err == nil {
		t.Error("a missing file is no error")
	}
	if err := os.WriteFile(path, []byte("CANARY"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := (Config{Import: setting.Path(path)}).known(); err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("err = %v", err)
	}
}

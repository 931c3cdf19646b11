package influx_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

const recoveryHeader = "ID\t\t\tUser Name\tUser ID\t\t\tDescription\tToken\t\tPermissions\n"

// recoveryRow is a row of influxd recovery auth list, with the value of a token in it.
func recoveryRow(id, permissions string) string {
	return id + "\t\t\t00000000000000aa\tsensor\t\tCANARY-c0ffee==\t" + permissions + "\n"
}

// listedIDs are the authorizations that a review of acme lists, ascending.
func listedIDs(t *testing.T, p *plant, token string) []string {
	t.Helper()
	col := p.collection(t, token)
	defer col.Close()
	var ids []string
	for a, err := range col.Authorizations {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.ID)
	}
	return ids
}

// TestImport: an imported list is a baseline if it is of this server and whole as of some
// moment, and what may be of this org is known by it.
func TestImport(t *testing.T) {
	p := newPlant(t)
	globex, _ := p.addGlobex()
	token := p.auditor()
	ids := listedIDs(t, p, token)
	ours := "[write:orgs/" + p.acme + "/buckets]"
	const ghost, operator, foreign = "0000000000000001", "0000000000000002", "0000000000000003"
	rows := map[string]string{
		ghost: ours, operator: "[write:buckets]", foreign: "[write:orgs/" + globex + "/buckets read:users/00000000000000aa]",
		ids[0]: ours, ids[1]: ours, ids[2]: ours,
	}
	text := func(leave ...string) string {
		out := recoveryHeader
		for _, id := range slices.Backward(slices.Sorted(maps.Keys(rows))) { // in any order
			if !slices.Contains(leave, id) {
				out += recoveryRow(id, rows[id])
			}
		}
		return out
	}
	for name, tc := range map[string]struct {
		text  string
		old   bool
		state audit.PremiseState
		says  string
		known []string
	}{
		"whole":              {text(), false, audit.Holds, "5 tokens from the list of", []string{ghost, operator, ids[0], ids[1], ids[2]}},
		"of some weeks ago":  {text(ids[2]), false, audit.Holds, "2 of them listed", []string{ghost, operator, ids[0], ids[1]}},
		"lacks an older one": {text(ids[0]), false, audit.Fails, "lacks 1 listed token,", []string{ghost, operator, ids[1], ids[2]}},
		"without rows":       {recoveryHeader, false, audit.Fails, "none of them is listed by the server", nil},
		"of another server":  {recoveryHeader + recoveryRow(ghost, "[read:orgs/0ccccccccccccccc/buckets]"), false, audit.Fails, "has 0 tokens of this target", nil},
		"years old":          {text(), true, audit.Fails, "Make a new one", []string{ghost, operator, ids[0], ids[1], ids[2]}},
		"another file":       {"CANARY", false, audit.Fails, "auths.txt", nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "auths.txt")
			if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if at := time.Now().AddDate(-3, 0, 0); tc.old {
				if err := os.Chtimes(path, at, at); err != nil {
					t.Fatal(err)
				}
			}
			col := p.configured(t, token, func(c *target.Config) { c.Import = setting.Path(path) })
			defer col.Close()
			var known []string
			if col.Known != nil {
				for r, err := range col.Known {
					if err != nil || r.Presence != audit.Unseen || r.Status != "" || strings.Contains(r.Description, "CANARY") {
						t.Errorf("known %+v, %v", r, err)
					}
					known = append(known, r.ID)
				}
			}
			if diff := cmp.Diff(tc.known, known); diff != "" {
				t.Errorf("known (-want +got):\n%s", diff)
			}
			if foreign := tc.known == nil; col.Known != nil && col.KnownElsewhere != foreign {
				t.Errorf("of another server: %t", col.KnownElsewhere)
			}
			state, said := premise(col.Coverage, audit.ImportCurrent)
			if state != tc.state || !strings.Contains(said, tc.says) || strings.Contains(said, "CANARY") {
				t.Errorf("%s: %s", state, said)
			}
		})
	}
	col := p.collection(t, token)
	defer col.Close()
	if state, _ := premise(col.Coverage, audit.ImportCurrent); state != audit.NotNeeded || col.Known != nil {
		t.Errorf("without an import: %s", state)
	}
}

// premise is the state of a premise, and its evidence.
func premise(c audit.Coverage, id string) (audit.PremiseState, string) {
	for _, p := range c.Premises {
		if p.ID == id {
			return p.State, strings.Join(p.Evidence, "; ")
		}
	}
	return "", ""
}

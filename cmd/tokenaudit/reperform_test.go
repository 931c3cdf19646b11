package main

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/target"
)

// TestReperformOfAReview: the script of a pack asks the server of the review again. One
// org of two is reviewed, with the list of both.
func TestReperformOfAReview(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"curl", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	db := influxtest.New(influxtest.OSS)
	acme, globex := db.AddOrg("acme"), db.AddOrg("globex")
	admin, iot := db.AddUser("admin"), db.AddUser("iot")
	add := func(org, user string, permissions []influxtest.Permission) (id, token string) {
		return db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: user, Permissions: permissions})
	}
	operatorID, operator := add(acme, admin, influxtest.Operator())
	sensor, _ := add(acme, iot, influxtest.WriteBuckets(acme))
	add(globex, iot, influxtest.WriteBuckets(globex))
	server := httptest.NewServer(db)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	file := &configs.File{
		Store: "sqlite:" + filepath.Join(dir, "tokenaudit.db"), Evidence: dir,
		Targets: []target.Config{{Name: "plant", URL: server.URL, Org: "acme", Token: secret.InMemory(operator)}},
		Jobs:    []configs.Job{{Name: "weekly", Schedule: "0 9 * * 1", Timezone: "UTC", Reports: []string{"csv"}, Deadline: setting.Duration(time.Hour)}},
	}
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	a, err := wire(t.Context(), file, func(context.Context) (time.Time, error) { return at, nil }, slog.New(slog.DiscardHandler), nil)
	must(t, err)
	t.Cleanup(func() { a.close() })
	s, err := a.runner.ReviewNow(t.Context(), a.jobs[0])
	must(t, err)

	reperform := func(token string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", filepath.Join(a.snapshots.Folder(s.Run()), "reperform.sh"))
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "INFLUX_TOKEN=" + token}
		out, _ := cmd.CombinedOutput() // the exit code is 1 where it finds something
		return string(out)
	}
	expect := func(out string, want ...string) {
		t.Helper()
		for _, want := range want {
			if !strings.Contains(out, want) {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
	}
	expect(reperform(operator), "ok       1. plant: ", ": 2 authorizations (review: 2), 2 active write tokens (review: 2)")
	add(globex, iot, influxtest.WriteBuckets(globex)) // no part of the review
	expect(reperform(operator), "ok       1. plant: ")
	_, narrow := add(acme, iot, influxtest.AllAccess(acme, iot))
	expect(reperform(narrow), "unseen   "+operatorID, "The review asked with "+operatorID+" of user "+admin+": read:/authorizations, ")
	db.DeleteAuthorization(sensor)
	expect(reperform(operator), "DIFFERS  1. plant: ", "missing  "+sensor, "extra    ")
}

package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/influxdb3/influxdb3test"
)

// TestTokensByID: an ID is never the token that has it as its name, and on a target that had
// another server before, it is the token of the one that answers.
func TestTokensByID(t *testing.T) {
	o := office{t, t.TempDir()}
	now := time.Now().UTC().Truncate(time.Second)
	const id, named = "0000000000000001", "0000000000000002"
	serve := func(cluster string, tokens ...string) string {
		db, _ := influxdb3test.New(influxdb3test.Enterprise, "3.8.4")
		db.ClusterUUID = cluster
		db.Now = func() time.Time { return now.AddDate(0, 0, -30) }
		db.AddDatabase("lines")
		_, token := db.AddToken(influxdb3test.Token{Name: tokens[0], Expiry: now.AddDate(1, 0, 0)})
		for _, name := range tokens[1:] {
			db.AddToken(influxdb3test.Token{Name: name, Grants: []influxdb3test.Grant{influxdb3test.On("lines", "write")}})
		}
		s := httptest.NewServer(db)
		t.Cleanup(s.Close)
		o.write("token", token)
		return s.URL
	}
	configure := func(url string) {
		o.write("tokenaudit.yaml", fmt.Sprintf(`store: sqlite:./tokenaudit.db
evidence: ./evidence
targets: [{name: e, kind: enterprise, url: %q, token: {file: token}}]
jobs: [{name: weekly, schedule: "0 9 1 1 *", reports: [csv]}]
`, url))
		if code, _, errs := o.run("run", "--now"); code != exitDone && code != exitIncomplete {
			t.Fatalf("run: exit %d, %s", code, errs)
		}
	}
	show := func() (d tokenDetails) {
		code, out, errs := o.run("tokens", "show", id, "--json")
		if err := json.Unmarshal([]byte(out), &d); err != nil || code != exitDone {
			t.Fatalf("show: exit %d, %v, %s", code, err, errs)
		}
		return d
	}
	has := func(d tokenDetails, check string) bool {
		for _, f := range d.Findings {
			if f.Check == check {
				return true
			}
		}
		return false
	}

	configure(serve("7a1c6ad5-7b0e-4c5e-9c53-1e4f5c1d2b3a", "audit", id))
	if d := show(); d.ID != id || d.Description != "audit" || !has(d, "auditor-expires") || has(d, "never-expires") {
		t.Errorf("%s is %s %q with %+v", id, d.ID, d.Description, d.Findings)
	}
	if _, out, _ := o.run("tokens", "list", "--id", id); !strings.Contains(out, "audit") || strings.Contains(out, named) {
		t.Errorf("tokens list --id %s prints\n%s", id, out)
	}
	if code, _, errs := o.run("rotate", id); code != exitUsage || !strings.Contains(errs, "--token-name audit") {
		t.Errorf("rotate of %s: exit %d, %s", id, code, errs)
	}

	configure(serve("00000000-7b0e-4c5e-9c53-1e4f5c1d2b3a", "of the second server"))
	if d := show(); d.Description != "of the second server" || d.Presence != "listed" {
		t.Errorf("with another server, %s is %q, %s, with %+v", id, d.Description, d.Presence, d.Findings)
	}
}

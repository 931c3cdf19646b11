package influxtest_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/influx/influxtest"
)

type demoRow struct {
	ID, User, Status, Description string
	CreatedAt, UpdatedAt          time.Time
}

// review lists what the auditor of the demo sees, by id.
func review(t *testing.T, d *influxtest.Demo) map[string]demoRow {
	t.Helper()
	var list struct{ Authorizations []demoRow }
	if err := json.Unmarshal(askDemo(d, "/api/v2/authorizations?org="+d.Org).Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	rows := map[string]demoRow{}
	for _, row := range list.Authorizations {
		rows[row.ID] = row
	}
	return rows
}

func askDemo(d *influxtest.Demo, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Authorization", "Token "+d.Token)
	answer := httptest.NewRecorder()
	d.Server.ServeHTTP(answer, r)
	return answer
}

func TestDemo(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	d := influxtest.NewDemo(now)
	rows := review(t, d)
	if len(rows) < 40 {
		t.Errorf("%d authorizations", len(rows))
	}
	last := demoRow{}
	for _, row := range rows {
		if row.CreatedAt.After(now) || row.UpdatedAt.Before(row.CreatedAt) {
			t.Errorf("%+v at %s", row, now)
		}
		if row.ID > last.ID {
			last = row
		}
	}
	if last.Description != "forecast hand-over" {
		t.Errorf("the youngest is %q", last.Description)
	}
	for _, path := range []string{"/api/v2/me", "/api/v2/users", "/api/v2/orgs/" + d.OrgID + "/members"} {
		if answer := askDemo(d, path); answer.Code != 200 {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
}

func TestDemoNextWeek(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	d := influxtest.NewDemo(now)
	before := review(t, d)
	d.NextWeek(now.AddDate(0, 0, 7))
	after := review(t, d)
	var changed []string
	for id, row := range before {
		switch now, listed := after[id]; {
		case !listed && row.User == "carol":
			changed = append(changed, "orphaned")
			if body := askDemo(d, "/api/v2/authorizations/"+id).Body.String(); !strings.Contains(body, "user not found") {
				t.Errorf("carol's: %s", body)
			}
		case !listed:
			changed = append(changed, "revoked "+row.Description)
		case now != row:
			changed = append(changed, now.Status+" "+row.Description)
		}
	}
	for id, row := range after {
		if _, known := before[id]; !known {
			changed = append(changed, "new "+row.Description)
		}
	}
	want := map[string]int{
		"orphaned": 3, "revoked edge gateway hall 2": 1, "inactive release smoke test": 1,
		"new temporary debugging": 1, "new telegraf packaging line": 1,
	}
	for _, c := range changed {
		want[c]--
	}
	for c, n := range want {
		if n != 0 {
			t.Errorf("%q: off by %d", c, -n)
		}
	}
}

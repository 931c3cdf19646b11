package reporttest

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/report/table"
)

// Thousands is a review of as many authorizations as a large server has, with one a
// week before, in which part of them were missing, and others not missing yet.
func Thousands(t testing.TB, n int) table.Input {
	t.Helper()
	all := generated(t, n)
	var then, now []audit.Authorization
	for i, a := range all {
		if i%97 != 0 {
			then = append(then, changedSince(a, i))
		}
		if i%89 != 0 {
			now = append(now, a)
		}
	}
	records := merge(t, "prod", Began, now, merge(t, "prod", LastWeek, then, nil))
	run := audit.Run{Job: "weekly-review", Slot: ThisWeek, Trigger: audit.Scheduled, Started: Began}
	previous := &audit.Previous{ID: "weekly-review/2026-11-16T0800Z", Slot: LastWeek}
	in := Input(t)
	in.Summary = audit.Summarize(run, []audit.Item{item("prod", records)}, ThisWeek, in.Summary.Tool, audit.Policy{}, previous)
	in.Rows = Values(records)
	return in
}

func changedSince(a audit.Authorization, i int) audit.Authorization {
	if i%31 == 0 {
		a.Description = "before " + a.Description
	}
	if i%53 == 0 {
		a.Status = audit.Inactive
	}
	return a
}

func generated(t testing.TB, n int) []audit.Authorization {
	db := influxtest.New(influxtest.OSS)
	org, auditor := db.AddOrg("acme"), db.AddUser("auditor")
	_, token := db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: auditor, Description: "audit", Permissions: influxtest.AuditorPermissions(org)})
	db.Generate(org, n)
	r, answer := httptest.NewRequest("GET", "/api/v2/authorizations?org=acme", nil), httptest.NewRecorder()
	r.Header.Set("Authorization", "Token "+token)
	db.ServeHTTP(answer, r)
	var list struct{ Authorizations []audit.Authorization }
	if err := json.Unmarshal(answer.Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	for i := range list.Authorizations { // the time of the fake is the present
		list.Authorizations[i].CreatedAt = LastWeek.AddDate(0, 0, -i%700)
		list.Authorizations[i].UpdatedAt = list.Authorizations[i].CreatedAt
	}
	return list.Authorizations
}

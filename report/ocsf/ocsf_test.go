package ocsf

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	jsonschema "github.com/santhosh-tekuri/jsonschema/v6"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

func ocsfLines(t *testing.T, in table.Input) []string {
	t.Helper()
	return slices.Collect(strings.Lines(eventFiles(t, in)[File]))
}

func ocsfEvents(t *testing.T, in table.Input) []event {
	t.Helper()
	var events []event
	for _, line := range ocsfLines(t, in) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

func ocsfSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile("testdata/iam_analysis_finding.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validateLine(t *testing.T, s *jsonschema.Schema, line string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestOCSFFitsTheSchema(t *testing.T) {
	t.Parallel()
	in, schema := reporttest.EveryState(t), ocsfSchema(t)
	want := 0
	for r := range in.Rows {
		for _, f := range r.Findings {
			if f.Reported(in.Summary.Started) {
				want++
			}
		}
	}
	lines := ocsfLines(t, in)
	if len(lines) != want || want == 0 {
		t.Errorf("%d lines for %d findings", len(lines), want)
	}
	for i, line := range lines {
		if err := validateLine(t, schema, line); err != nil {
			t.Errorf("line %d: %v\n%.400s", i+1, err, line)
		}
	}
}

// The schema is worth as much as what it refuses.
func TestOCSFSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema, line := ocsfSchema(t), ocsfLines(t, reporttest.Input(t))[0]
	tests := []struct{ name, old, new string }{
		{"unknown attribute", `"time":`, `"colour":"red","time":`},
		{"unknown attribute inside", `"product":{`, `"product":{"colour":"red",`},
		{"attribute of a profile", `"time":`, `"time_dt":"2026-11-23T08:00:00Z","time":`},
		{"required missing", `"finding_info":`, `"unmapped":`},
		{"required missing inside", `"finding_info":{"uid":`, `"finding_info":{"uid_alt":`},
		{"wrong class", `"class_uid":2008`, `"class_uid":2004`},
		{"wrong type", `"type_uid":2008`, `"type_uid":3008`},
		{"no such severity", `"severity_id":`, `"severity_id":4`},
		{"caption of another severity", `"severity":"`, `"severity":"Not `},
		{"caption of another status", `"status":"`, `"status":"Not `},
		{"text for a number", `"time":`, `"time":"x","start_time":`},
	}
	if err := validateLine(t, schema, line); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changed := strings.Replace(line, tt.old, tt.new, 1)
			if changed == line {
				t.Fatalf("nothing to change in %s", line)
			}
			if err := validateLine(t, schema, changed); err == nil {
				t.Errorf("accepted: %s", changed)
			}
		})
	}
}

func TestOCSFStates(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, e := range ocsfEvents(t, reporttest.EveryState(t)) {
		seen[fmt.Sprintf("%s: %d %s, %d %s, %d", e.Unmapped.State, e.StatusID, e.Status, e.ActivityID, e.ActivityName, e.TypeUID)] = true
		seen[fmt.Sprintf("%s: %d %s", e.FindingInfo.Types[0], e.SeverityID, e.Severity)] = true
	}
	for _, want := range []string{
		"new: 1 New, 1 Create, 200801",
		"open: 2 In Progress, 2 Update, 200802",
		"reopened: 1 New, 2 Update, 200802",
		"resolved: 4 Resolved, 3 Close, 200803",
		"excepted: 3 Suppressed, 2 Update, 200802",
		"excused: 0 Unknown, 0 Unknown, 200800",
		"operator: 5 Critical",
		"token-value-readable: 4 High",
		"active-write: 1 Informational",
		"no-description: 2 Low",
		reporttest.Later + ": 0 Unknown",
	} {
		if !seen[want] {
			t.Errorf("no event is %q", want)
		}
	}
}

func TestOCSFEvent(t *testing.T) {
	t.Parallel()
	events := ocsfEvents(t, reporttest.EveryState(t))
	tests := []struct {
		name, uid string
		get       func(event) any
		want      any
	}{
		{"an event of the run", "office/00000000000000aa/000000000000a028/operator", func(e event) any { return e.Metadata }, metadata{
			Version: "1.8.0", Product: product{Name: "tokenaudit", Vendor: "tokenaudit", Version: "1.0.0"},
			UID:         "weekly-review/2026-11-23T0800Z/office/00000000000000aa/000000000000a028/operator",
			Correlation: "weekly-review/2026-11-23T0800Z",
		}},
		{"the time of the review", "office/00000000000000aa/000000000000a028/operator", func(e event) any { return e.Time }, reporttest.Began.UnixMilli()},
		{"permissions", "office/00000000000000aa/000000000000a028/operator", func(e event) any { return e.Permissions }, []permissions{{
			Policy:  policy{UID: "000000000000a028", Name: "operator", Desc: "all orgs: buckets"},
			Granted: []string{"write:/buckets"}, Count: 1,
		}}},
		{"first and last seen", "office/00000000000000aa/000000000000a028/operator", func(e event) any { return e.FindingInfo.FirstSeen - e.FindingInfo.LastSeen },
			reporttest.LastWeek.UnixMilli() - reporttest.Began.UnixMilli()},
		{"resolved", "office/00000000000000aa/000000000000a02b/active-write", func(e event) any {
			return []int64{e.FindingInfo.FirstSeen, e.FindingInfo.LastSeen, e.FindingInfo.Modified}
		}, []int64{0, 0, reporttest.Began.UnixMilli()}},
		{"controls", "office/00000000000000aa/000000000000a02b/active-write", func(e event) any { return e.FindingInfo.Tags }, []tag{
			{"relates to CIS Controls 8.1 (direct)", []string{"5.5"}},
			{"relates to CIS Controls 8.1 (supporting)", []string{"3.3", "6.8"}},
		}},
		{"a service user", "plant/00000000000000aa/000000000000a001/active-write", func(e event) any { return *e.User }, user{
			UID: "00000000000000b1", Name: "user-1", TypeID: 4, Type: "Service", Org: &entity{UID: "00000000000000aa", Name: "acme"},
		}},
		{"a deleted user", "office/00000000000000aa/000000000000a030/deleted-owner", func(e event) any { return e.Message + "; " + e.Unmapped.OwnerState },
			"Owner was deleted: GET /api/v2/users/00000000000000dd: 404 user not found; deleted"},
		{"the server", "plant//server/token-value-readable", func(e event) any { return e.identity }, identity{}},
		{"an exception", "plant//server/operator", func(e event) any { return e.Comment },
			`Excepted until 2026-11-23T08:00:00Z: bidi\u202e (requested by ann, approved by bob, ticket SEC-1)`},
		{"a resource that is the server", "plant//server/token-value-readable", func(e event) any { return e.Resources }, []resource{
			{UID: "server", Name: "values are shown", Namespace: "plant", Type: "InfluxDB server", RoleID: 1, Role: "Target"},
		}},
		{"a check that is not known", "plant//~00000000000000e1/" + reporttest.Later, func(e event) any { return e.Remediation }, (*remediation)(nil)},
		{"a legacy authorization", "plant//~00000000000000e1/no-description", func(e event) any { return e.Resources[0].Type }, "InfluxDB 1.x authorization"},
		{"too many permissions", "plant/00000000000000aa/00000000000000e2/no-description", func(e event) any {
			return []any{len(e.Permissions[0].Granted), e.Permissions[0].Count, e.Metadata.Truncated}
		}, []any{1000, 1200, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at := slices.IndexFunc(events, func(e event) bool { return e.FindingInfo.UID == tt.uid })
			if at < 0 {
				t.Fatalf("no event %s", tt.uid)
			}
			if diff := cmp.Diff(tt.want, tt.get(events[at]), cmp.AllowUnexported(identity{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOCSFUIDs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, e := range ocsfEvents(t, reporttest.EveryState(t)) {
		if seen[e.FindingInfo.UID] || seen[e.Metadata.UID] {
			t.Errorf("%s is there twice", e.FindingInfo.UID)
		}
		seen[e.FindingInfo.UID], seen[e.Metadata.UID] = true, true
	}
}

func TestOCSFHostileText(t *testing.T) {
	t.Parallel()
	in, names := reporttest.Nothing(), map[string]bool{}
	for i, name := range slices.Sorted(maps.Keys(reporttest.Hostile())) {
		a := reporttest.Authorization(i, reporttest.Describe(name))
		a.User, a.Org, a.Permissions[0].Resource.ID = a.Description, a.Description, a.Description
		found := audit.Finding{Check: "active-write", Severity: audit.Medium, Detail: a.Description, State: audit.New, Since: reporttest.Began}
		in = reporttest.With(in, audit.Record{Target: "plant", Authorization: a, Evidence: a.Description, Presence: audit.Hidden, Findings: []audit.Finding{found}})
	}
	for _, line := range ocsfLines(t, in) {
		body := strings.TrimSuffix(line, "\n")
		if strings.ContainsFunc(body, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '<' }) || len(line) > 20_000 {
			t.Errorf("%d bytes: %.300q", len(line), line)
		}
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		names[e.Resources[0].Name] = true
		if long := utf8.RuneCountInString(e.Resources[0].Name) == longestText; long != e.Metadata.Truncated {
			t.Errorf("%.40s: truncated is %v", e.Resources[0].Name, e.Metadata.Truncated)
		}
	}
	for name, description := range reporttest.Hostile() {
		if !names[audit.Line(description, longestText)] {
			t.Errorf("no event shows %s", name)
		}
	}
}

func TestOCSFWithoutFindings(t *testing.T) {
	t.Parallel()
	if got := eventFiles(t, reporttest.Nothing())[File]; got != "" {
		t.Errorf("%q", got)
	}
}

func eventFiles(t *testing.T, in table.Input) map[string]string {
	t.Helper()
	files, _ := reporttest.Files(t, in, New)
	return files
}

// TestProducts: events say the product of the target, and what became of a token.
func TestProducts(t *testing.T) {
	t.Parallel()
	schema, found := ocsfSchema(t), map[string]bool{}
	in := reporttest.Family(t)
	for _, line := range ocsfLines(t, in) {
		if err := validateLine(t, schema, line); err != nil {
			t.Error(err)
		}
	}
	for _, e := range ocsfEvents(t, in) {
		found[e.Unmapped.Product+", "+e.Resources[0].Type+", "+e.Unmapped.StatusNow] = true
	}
	for _, want := range []string{"InfluxDB 3 Core, InfluxDB 3 Core token, active", "InfluxDB Cloud Dedicated, InfluxDB Cloud Dedicated token, active", "InfluxDB 1.x, InfluxDB 1.x user, active", "InfluxDB OSS, InfluxDB authorization, "} {
		if !found[want] {
			t.Errorf("no event is of %q: %v", want, found)
		}
	}
}

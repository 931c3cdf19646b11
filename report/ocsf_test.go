package report

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"tokenaudit/jobs/audit"
)

const later = "later-check" // of a later version of the program

// ocsfInput has, beside the fixture, what no list of authorizations has.
func ocsfInput(t testing.TB) Input {
	in := input(t)
	in.Controls = audit.Controls{"active-write": {
		{Framework: "CIS Controls", Version: "8.1", ID: "5.5", Strength: "direct"},
		{Framework: "CIS Controls", Version: "8.1", ID: "3.3", Strength: "supporting"},
		{Framework: "CIS Controls", Version: "8.1", ID: "6.8", Strength: "supporting"},
	}}
	in.Summary.Policy.ServiceUsers = []string{"user-1"}
	server := audit.Record{Target: "plant", Authorization: audit.Server("values are shown"), Presence: audit.Listed}
	server.Findings = []audit.Finding{{Check: "token-value-readable", Severity: audit.High, State: audit.New, Since: began}}
	server.Findings = append(server.Findings, audit.Finding{Check: "operator", Severity: audit.Critical, State: audit.Excepted, Since: lastWeek, Approval: &audit.Approval{
		Reason: "bidi\u202e", Requested: "ann", ApprovedBy: "bob", Ticket: "SEC-1", Expires: thisWeek,
	}})
	odd := audit.Record{Target: "plant", Authorization: audit.Authorization{ID: "00000000000000e1", Legacy: true, Status: "dormant"}, Presence: audit.Hidden}
	odd.Findings = []audit.Finding{
		{Check: later, Severity: "dire", State: "excused", Since: began},
		{Check: "no-description", Severity: audit.Low, State: audit.Reopened, Since: began},
		{Check: "active-write", Severity: audit.Medium, State: audit.Resolved, Since: lastWeek},
	}
	wide := audit.Record{Target: "plant", Authorization: authorization(1, "wide"), Presence: audit.Listed, Findings: odd.Findings[1:2]}
	wide.ID, wide.Permissions = "00000000000000e2", slices.Repeat(wide.Permissions, 600)
	return with(in, server, odd, wide)
}

// with adds records at the end.
func with(in Input, more ...audit.Record) Input {
	var all []audit.Record
	for r := range in.Rows() {
		all = append(all, r)
	}
	all = append(all, more...)
	in.Rows = func() iter.Seq2[audit.Record, error] { return values(all) }
	return in
}

func ocsfLines(t *testing.T, in Input) []string {
	t.Helper()
	return slices.Collect(strings.Lines(written(t, in)[ocsfFile]))
}

func ocsfEvents(t *testing.T, in Input) []ocsfEvent {
	t.Helper()
	var events []ocsfEvent
	for _, line := range ocsfLines(t, in) {
		var e ocsfEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

func ocsfSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile("testdata/ocsf/iam_analysis_finding.schema.json")
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
	in, schema := ocsfInput(t), ocsfSchema(t)
	want := 0
	for r := range in.Rows() {
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
	schema, line := ocsfSchema(t), ocsfLines(t, input(t))[0]
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
	seen := map[string]bool{}
	for _, e := range ocsfEvents(t, ocsfInput(t)) {
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
		"active-write: 3 Medium",
		"no-description: 2 Low",
		later + ": 0 Unknown",
	} {
		if !seen[want] {
			t.Errorf("no event is %q", want)
		}
	}
}

func TestOCSFEvent(t *testing.T) {
	events := ocsfEvents(t, ocsfInput(t))
	tests := []struct {
		name, uid string
		get       func(ocsfEvent) any
		want      any
	}{
		{"an event of the run", "office/00000000000000aa/000000000000a028/operator", func(e ocsfEvent) any { return e.Metadata }, ocsfMetadata{
			Version: "1.8.0", Product: ocsfProduct{Name: "tokenaudit", Vendor: "tokenaudit", Version: "1.0.0"},
			UID:         "weekly-review/2026-11-23T0800Z/office/00000000000000aa/000000000000a028/operator",
			Correlation: "weekly-review/2026-11-23T0800Z",
		}},
		{"the time of the review", "office/00000000000000aa/000000000000a028/operator", func(e ocsfEvent) any { return e.Time }, began.UnixMilli()},
		{"permissions", "office/00000000000000aa/000000000000a028/operator", func(e ocsfEvent) any { return e.Permissions }, []ocsfPermissions{{
			Policy:  ocsfPolicy{UID: "000000000000a028", Name: "operator", Desc: "all orgs: buckets"},
			Granted: []string{"write:/buckets"}, Count: 1,
		}}},
		{"first and last seen", "office/00000000000000aa/000000000000a028/operator", func(e ocsfEvent) any { return e.FindingInfo.FirstSeen - e.FindingInfo.LastSeen },
			lastWeek.UnixMilli() - began.UnixMilli()},
		{"resolved", "office/00000000000000aa/000000000000a02b/active-write", func(e ocsfEvent) any {
			return []int64{e.FindingInfo.FirstSeen, e.FindingInfo.LastSeen, e.FindingInfo.Modified}
		}, []int64{0, 0, began.UnixMilli()}},
		{"controls", "office/00000000000000aa/000000000000a02b/active-write", func(e ocsfEvent) any { return e.FindingInfo.Tags }, []ocsfTag{
			{"relates to CIS Controls 8.1 (direct)", []string{"5.5"}},
			{"relates to CIS Controls 8.1 (supporting)", []string{"3.3", "6.8"}},
		}},
		{"a service user", "plant/00000000000000aa/000000000000a001/active-write", func(e ocsfEvent) any { return *e.User }, ocsfUser{
			UID: "00000000000000b1", Name: "user-1", TypeID: 4, Type: "Service", Org: &ocsfEntity{UID: "00000000000000aa", Name: "acme"},
		}},
		{"a deleted user", "office/00000000000000aa/000000000000a030/deleted-owner", func(e ocsfEvent) any { return e.Message + "; " + e.Unmapped.OwnerState },
			"Owner was deleted: GET /api/v2/users/00000000000000dd: 404 user not found; deleted"},
		{"the server", "plant//server/token-value-readable", func(e ocsfEvent) any { return e.ocsfIdentity }, ocsfIdentity{}},
		{"an exception", "plant//server/operator", func(e ocsfEvent) any { return e.Comment },
			`Excepted until 2026-11-23T08:00:00Z: bidi\u202e (requested by ann, approved by bob, ticket SEC-1)`},
		{"a resource that is the server", "plant//server/token-value-readable", func(e ocsfEvent) any { return e.Resources }, []ocsfResource{
			{UID: "server", Name: "values are shown", Namespace: "plant", Type: "InfluxDB server", RoleID: 1, Role: "Target"},
		}},
		{"a check that is not known", "plant//~00000000000000e1/" + later, func(e ocsfEvent) any { return e.Remediation }, (*ocsfRemediation)(nil)},
		{"a legacy authorization", "plant//~00000000000000e1/no-description", func(e ocsfEvent) any { return e.Resources[0].Type }, "InfluxDB 1.x authorization"},
		{"too many permissions", "plant/00000000000000aa/00000000000000e2/no-description", func(e ocsfEvent) any {
			return []any{len(e.Permissions[0].Granted), e.Permissions[0].Count, e.Metadata.Truncated}
		}, []any{1000, 1200, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at := slices.IndexFunc(events, func(e ocsfEvent) bool { return e.FindingInfo.UID == tt.uid })
			if at < 0 {
				t.Fatalf("no event %s", tt.uid)
			}
			if diff := cmp.Diff(tt.want, tt.get(events[at]), cmp.AllowUnexported(ocsfIdentity{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOCSFUIDs(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range ocsfEvents(t, ocsfInput(t)) {
		if seen[e.FindingInfo.UID] || seen[e.Metadata.UID] {
			t.Errorf("%s is there twice", e.FindingInfo.UID)
		}
		seen[e.FindingInfo.UID], seen[e.Metadata.UID] = true, true
	}
}

func TestOCSFHostileText(t *testing.T) {
	in, names := nothing(), map[string]bool{}
	for i, name := range slices.Sorted(maps.Keys(hostile())) {
		a := authorization(i, describe(name))
		a.User, a.Org, a.Permissions[0].Resource.ID = a.Description, a.Description, a.Description
		found := audit.Finding{Check: "active-write", Severity: audit.Medium, Detail: a.Description, State: audit.New, Since: began}
		in = with(in, audit.Record{Target: "plant", Authorization: a, Evidence: a.Description, Presence: audit.Hidden, Findings: []audit.Finding{found}})
	}
	for _, line := range ocsfLines(t, in) {
		body := strings.TrimSuffix(line, "\n")
		if strings.ContainsFunc(body, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '<' }) || len(line) > 20_000 {
			t.Errorf("%d bytes: %.300q", len(line), line)
		}
		var e ocsfEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		names[e.Resources[0].Name] = true
		if long := utf8.RuneCountInString(e.Resources[0].Name) == longestText; long != e.Metadata.Truncated {
			t.Errorf("%.40s: truncated is %v", e.Resources[0].Name, e.Metadata.Truncated)
		}
	}
	for name, description := range hostile() {
		if !names[audit.Line(description, longestText)] {
			t.Errorf("no event shows %s", name)
		}
	}
}

func TestOCSFWithoutFindings(t *testing.T) {
	if got := written(t, nothing())[ocsfFile]; got != "" {
		t.Errorf("%q", got)
	}
}

package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// TestNeedsAction follows one token over two reviews: what needs action is a token, and
// what became of it since the review before is said of the token, too.
func TestNeedsAction(t *testing.T) {
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	policy := Policy{FixWithin: map[Severity]time.Duration{Critical: 3 * 24 * time.Hour, High: 14 * 24 * time.Hour, Low: 30 * 24 * time.Hour}}
	orgWide := []Permission{{Action: "write", Resource: Resource{Type: "buckets", OrgID: "0000000000000001"}}}
	narrow := []Permission{{Action: "read", Resource: Resource{Type: "buckets", OrgID: "0000000000000001", ID: "0000000000000002"}}}
	token := func(p []Permission, description string) *Authorization {
		return &Authorization{ID: "0000000000000010", UserID: "0000000000000020", OrgID: "0000000000000001", Status: Active, Description: description, Permissions: p}
	}
	inactive := token(orgWide, "x")
	inactive.Status = Inactive
	excepted := policy
	excepted.Exceptions = []Exception{{Target: "prod", Authorization: "0000000000000010", Check: AllChecks, Fingerprint: token(orgWide, "").Fingerprint(), Expires: at.AddDate(1, 0, 0)}}
	off := policy
	off.Severity = map[string]Severity{"org-wide-write": Off}
	old := token(narrow, "x")
	old.CreatedAt = at.AddDate(-2, 0, 0)
	rotated := policy
	rotated.RotateAfter = time.Hour
	tests := []struct {
		name          string
		before, now   *Authorization
		earlier       Policy   // of the review before
		policy        Policy   // of this one
		probe         Presence // of what is not listed
		days          int      // between the reviews
		want          ActionCounts
		wantInventory Inventory
	}{
		{name: "new token", now: token(orgWide, "x"), want: ActionCounts{Tokens: 1, New: 1}, wantInventory: Inventory{ActiveWrite: 1, New: 1}},
		{name: "still there", before: token(orgWide, "x"), now: token(orgWide, "x"), days: 7, want: ActionCounts{Tokens: 1}, wantInventory: Inventory{ActiveWrite: 1}},
		{name: "overdue", before: token(orgWide, "x"), now: token(orgWide, "x"), days: 21, want: ActionCounts{Tokens: 1, Overdue: 1}, wantInventory: Inventory{ActiveWrite: 1}},
		{name: "set inactive", before: token(orgWide, "x"), now: inactive, days: 7, want: ActionCounts{Fixed: 1}, wantInventory: Inventory{Gone: 1}},
		{name: "gone", before: token(orgWide, "x"), days: 7, want: ActionCounts{Fixed: 1}, wantInventory: Inventory{Gone: 1}},
		{name: "excepted", before: token(orgWide, "x"), now: token(orgWide, "x"), policy: excepted, days: 7, want: ActionCounts{Excepted: 1}, wantInventory: Inventory{ActiveWrite: 1}},
		{name: "check switched off", before: token(orgWide, "x"), now: token(orgWide, "x"), policy: off, days: 7, want: ActionCounts{}, wantInventory: Inventory{ActiveWrite: 1}},
		{name: "hygiene", before: token(narrow, ""), now: token(narrow, ""), days: 7, want: ActionCounts{}},
		{name: "medium", before: old, now: old, policy: rotated, days: 7, want: ActionCounts{}},
		{name: "excepted and past its due date", before: token(orgWide, "x"), now: token(orgWide, "x"), earlier: excepted, policy: excepted, days: 21, want: ActionCounts{}, wantInventory: Inventory{ActiveWrite: 1}},
		{name: "out of sight and overdue", before: token(orgWide, "x"), probe: Unseen, days: 21, want: ActionCounts{Tokens: 1, Overdue: 1}, wantInventory: Inventory{ActiveWrite: 1}},
		{name: "hygiene, overdue for the first time", before: token(narrow, ""), now: token(narrow, ""), days: 31, want: ActionCounts{Tokens: 1, New: 1, Overdue: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			review := func(a *Authorization, p Policy, at time.Time, before []Record) []Record {
				rv := Review{
					Collection: Collection{Authorizations: seqOf[Authorization](), Owner: func(_ context.Context, a Authorization) Owner {
						return Owner{ID: a.UserID, Name: "telegraf", State: OwnerPresent, MembershipKnown: true}
					}, Probe: func(context.Context, Authorization) Probe { return Probe{Presence: cmp.Or(tt.probe, Gone)} }},
					Target: "prod", Now: at, Policy: p,
				}
				if a != nil {
					rv.Authorizations = seqOf(*a)
				}
				var out []Record
				for r, err := range rv.Merge(t.Context(), t.Context(), seqOf(before...)) {
					if err != nil {
						t.Fatal(err)
					}
					out = append(out, r)
				}
				return out
			}
			if tt.policy.FixWithin == nil {
				tt.policy = policy
			}
			if tt.earlier.FixWithin == nil {
				tt.earlier = policy
			}
			var before []Record
			if tt.before != nil {
				before = review(tt.before, tt.earlier, at.AddDate(0, 0, -tt.days), nil)
				for i := range before {
					before[i].Judged = JudgedUnder(tt.earlier.Applied(), tt.policy.Applied())
				}
			}
			counts := NewCounts()
			for _, r := range review(tt.now, tt.policy, at, before) {
				counts.Add(r, at)
			}
			got := counts.NeedsAction
			got.BySeverity, got.ByCheck = nil, nil
			if diff := gocmp.Diff(tt.want, got); diff != "" {
				t.Errorf("needs action (-want +got):\n%s", diff)
			}
			if diff := gocmp.Diff(tt.wantInventory, counts.Inventory); diff != "" {
				t.Errorf("inventory (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNeedsActionOverWeeks: a token that was gone and is back is new again, and one that is
// only remembered counts nowhere.
func TestNeedsActionOverWeeks(t *testing.T) {
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	high := []Finding{{Check: "org-wide-write", Severity: High, State: Open, Since: at.AddDate(0, 0, -30)}}
	record := func(p Presence, needed bool, findings ...Finding) Record {
		return Record{Authorization: Authorization{ID: "0000000000000010"}, Presence: p, NeededAction: needed, Findings: findings}
	}
	server := Record{Authorization: Server("hashes"), Presence: Listed, Findings: []Finding{{Check: "token-value-readable", Severity: High, State: New, Since: at}}}
	counts, other := NewCounts(), NewCounts()
	counts.Add(record(Gone, true, high...), at)
	counts.Add(record(Remembered, true, high...), at)
	counts.Add(server, at)
	counts.Add(record(Listed, false, Finding{Check: "org-wide-write", Severity: High, State: New, Since: at, Due: at.AddDate(0, 0, 14)}), at)
	other.Add(record(Listed, true, Finding{Check: "org-wide-write", Severity: High, State: Open, Since: at.AddDate(0, 0, -30), Due: at.AddDate(0, 0, -16)}), at)
	other.Add(record(Listed, true, Finding{Check: "active-write", Severity: Info, State: New, Since: at}), at)
	counts.Merge(other)
	want := ActionCounts{
		Tokens: 2, New: 1, Fixed: 2, Overdue: 1, Server: 1, ServerNew: 1, BySeverity: map[Severity]int{Critical: 0, High: 2},
		ByCheck: map[string]CheckAction{
			"org-wide-write":       {Tokens: 2, New: 1, Overdue: 1, Oldest: at.AddDate(0, 0, -30), Due: at.AddDate(0, 0, -16)},
			"token-value-readable": {Tokens: 1, New: 1, Oldest: at},
		},
	}
	if diff := gocmp.Diff(want, counts.NeedsAction); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if counts.Inventory != (Inventory{ActiveWrite: 1, New: 1}) {
		t.Errorf("%+v", counts.Inventory)
	}
	back := Review{Target: "prod", Now: at}
	r := Record{Target: "prod", Authorization: Authorization{ID: "0000000000000010"}, Presence: Gone, LastSeen: at.AddDate(0, 0, -7), NeededAction: true}
	if r, _ := back.missing(t.Context(), &r); r.NeededAction || neededAction(high, &r) {
		t.Errorf("what is remembered needed action: %+v", r)
	}
}

// TestCoverageLines: one line for each distinct reason, with the targets that share it.
func TestCoverageLines(t *testing.T) {
	gap := func(id, reason string) Gap { return Gap{ID: id, Reason: reason} }
	accepted := gap(InstanceSeen, "another org")
	accepted.Accepted = &AcceptedGap{ApprovedBy: "bob"}
	c := TotalCoverage{
		Targets: []Coverage{
			{Target: "a", Gaps: []Gap{accepted, gap(OwnersKnown, "401")}}, {Target: "b", Gaps: []Gap{gap(OwnersKnown, "401"), gap(InstanceSeen, "another org")}},
			{Target: "c", Gaps: []Gap{gap(OwnersKnown, "timeout")}},
		},
		Gaps: []Gap{gap(BaselineRead, "damaged")},
	}
	var got []string
	for _, l := range c.Lines() {
		got = append(got, fmt.Sprint(l.ID, " ", l.Words, " ", l.Targets, " ", l.Accepted != nil))
	}
	want := []string{"owners-known 401 [a b] false", "instance-seen another org [b] false", "owners-known timeout [c] false", "baseline-read damaged [] false", "instance-seen another org [a] true"}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	down := TotalCoverage{Targets: []Coverage{{Target: "a", Verdict: NotKnown, Gaps: []Gap{{ID: TargetReviewed, Verdict: NotKnown, Reason: "refused"}, {ID: EarlierSeen, Verdict: Partial, Reason: "could not be looked up"}}}}}
	if lines := down.Lines(); len(lines) != 1 || lines[0].Words != "refused" {
		t.Errorf("one cause has the lines %+v", lines)
	}
	if lines := (TotalCoverage{Reasons: []string{"of an earlier version"}}).Lines(); len(lines) != 1 || lines[0].Words != "of an earlier version" {
		t.Errorf("%+v", lines)
	}
}

// TestHeadline: it says how many tokens need action, whether that is better, and first of
// all when not everything was seen.
func TestHeadline(t *testing.T) {
	known := map[Severity]int{}
	tests := []struct {
		name    string
		summary Summary
		want    string
	}{
		{"first review", Summary{Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Tokens: 27, New: 27, BySeverity: known}}, "27 tokens need action"},
		{"worse", Summary{Previous: &Previous{}, Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Tokens: 1027, New: 8, Fixed: 3, BySeverity: known}}, "1,027 tokens need action (worse: 8 new, 3 fixed)"},
		{"better", Summary{Previous: &Previous{}, Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Tokens: 1, Fixed: 1, Excepted: 1, BySeverity: known}}, "1 token needs action (better: 1 fixed, 1 excepted)"},
		{"a little better", Summary{Previous: &Previous{}, Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Tokens: 2, Fixed: 1, BySeverity: known}}, "2 tokens need action (better: 1 fixed)"},
		{"unchanged", Summary{Previous: &Previous{}, Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{BySeverity: known}}, "No token needs action (unchanged)"},
		{"as many others", Summary{Previous: &Previous{}, Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Tokens: 5, New: 2, Fixed: 2, BySeverity: known}}, "5 tokens need action (unchanged: 2 new, 2 fixed)"},
		{"the server", Summary{Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Server: 1, BySeverity: known}}, "1 server finding needs action"},
		{"a new server finding", Summary{Previous: &Previous{}, Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Tokens: 1, Server: 1, ServerNew: 1, BySeverity: known}}, "1 token and 1 server finding need action (worse: 1 new server finding)"},
		{"an exception is no progress", Summary{Previous: &Previous{}, Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Tokens: 6, New: 1, Fixed: 1, Excepted: 1, BySeverity: known}}, "6 tokens need action (unchanged: 1 new, 1 fixed, 1 excepted)"},
		{"token and server", Summary{Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Tokens: 1, Server: 2, BySeverity: known}}, "1 token and 2 server findings need action"},
		{"partial", Summary{Coverage: TotalCoverage{Verdict: Partial}, NeedsAction: ActionCounts{BySeverity: known}}, "INCOMPLETE: No token needs action, as far as the review could see"},
		{"unknown", Summary{Coverage: TotalCoverage{Verdict: NotKnown}, NeedsAction: ActionCounts{BySeverity: known}}, "INCOMPLETE: Nothing could be read. This is not a pass"},
		{"of an earlier version", Summary{Coverage: TotalCoverage{Verdict: Complete}, Previous: &Previous{}}, "Tokens that need action were not counted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.summary.Headline(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestInventoryWords(t *testing.T) {
	tests := []struct {
		name    string
		summary Summary
		want    string
	}{
		{"first review", Summary{Coverage: TotalCoverage{Verdict: Complete}, Inventory: Inventory{ActiveWrite: 3, New: 3}}, "Active write tokens 3"},
		{"later", Summary{Previous: &Previous{}, Coverage: TotalCoverage{Verdict: Complete}, Inventory: Inventory{ActiveWrite: 1117, New: 3, Gone: 1}}, "Active write tokens 1,117: 3 new, 1 gone"},
		{"the check is off", Summary{Policy: Policy{Severity: map[string]Severity{InventoryCheck: Off}}.Applied()}, ""},
		{"nothing was read", Summary{Coverage: TotalCoverage{Verdict: NotKnown}}, "Active write tokens: not known"},
		{"of an earlier review", Summary{Coverage: TotalCoverage{Verdict: NotKnown}, Inventory: Inventory{ActiveWrite: 2}}, "Active write tokens 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.summary.InventoryWords(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestCommandOfProducts: each product has the command that it understands, and none where it
// cannot be said safely or does not exist.
func TestCommandOfProducts(t *testing.T) {
	const uuid = "0198f4a2-0000-7000-8000-00000000000a"
	token := func(p Product, id, name string) Authorization {
		return Authorization{ID: id, Product: p, Description: name, Status: Active}
	}
	user := func(name string) Authorization {
		return Authorization{ID: "user/x", Product: ProductV1, User: name, Status: Active}
	}
	const replacement, switched = "After the replacement works", "When what uses it can get the new secret at once"
	for name, test := range map[string]struct {
		a                     Authorization
		check, before, wanted string
	}{
		"a named admin":                     {token(ProductCore, "0000000000000001", "ci"), "never-expires", replacement, "influxdb3 delete token --token-name ci"},
		"the operator token":                {token(ProductEnterprise, "0000000000000000", "_admin"), "not-rotated", switched, "influxdb3 create token --admin --regenerate"},
		"what is as it is there":            {token(ProductCore, "0000000000000000", "_admin"), "never-expires", switched, ""},
		"a token like it on Dedicated":      {token(ProductDedicated, uuid, "_admin"), "not-rotated", replacement, "influxctl token delete " + uuid},
		"quotes and a variable":             {token(ProductCore, "0000000000000001", `it's $HOME "x"`), "active-write", replacement, `influxdb3 delete token --token-name 'it'\''s $HOME "x"'`},
		"an option":                         {token(ProductCore, "0000000000000001", "--help"), "active-write", replacement, "influxdb3 delete token --token-name=--help"},
		"a home folder":                     {token(ProductCore, "0000000000000001", "~root"), "active-write", replacement, "influxdb3 delete token --token-name '~root'"},
		"a line break":                      {token(ProductCore, "0000000000000001", "a\nrm -rf x"), "active-write", replacement, ""},
		"what hides":                        {token(ProductCore, "0000000000000001", "a\u202eb"), "active-write", replacement, ""},
		"a name that may be cut":            {token(ProductCore, "0000000000000001", strings.Repeat("n", 300)), "active-write", replacement, ""},
		"a name with the value of a token":  {token(ProductCore, "0000000000000001", "ci "+Redacted), "active-write", replacement, ""},
		"no name":                           {token(ProductCore, "0000000000000001", ""), "active-write", replacement, ""},
		"it ends by itself":                 {token(ProductCore, "0000000000000001", "ci"), "expires-soon", replacement, ""},
		"has ended":                         {token(ProductCore, "0000000000000001", "ci"), "back-again", "", "influxdb3 delete token --token-name ci"},
		"Clustered":                         {token(ProductClustered, uuid, "x"), "dangling-grant", replacement, "influxctl token delete " + uuid},
		"an ID that is none":                {token(ProductClustered, "$(touch pwned)", "x"), "dangling-grant", replacement, ""},
		"an ID of InfluxDB 2":               {token(ProductClustered, "0000000000000001", "x"), "dangling-grant", replacement, ""},
		"a user":                            {user("alice"), "active-write", replacement, `influx -execute 'DROP USER "alice"'`},
		"a user with quotes":                {user(`a"b\c'd`), "active-write", replacement, `influx -execute 'DROP USER "a\"b\\c'\''d"'`},
		"an admin":                          {user("root"), "too-many-admins", replacement, `influx -execute 'REVOKE ALL PRIVILEGES FROM "root"'`},
		"a user with a line break":          {user("a\nb"), "active-write", replacement, ""},
		"a product of a later version":      {token("edge", "0000000000000001", "x"), "active-write", replacement, ""},
		"InfluxDB 2, as it was":             {Authorization{ID: "0000000000000001", Status: Active}, "operator", replacement, "influx auth inactive --id 0000000000000001"},
		"an ID of another form, InfluxDB 2": {Authorization{ID: uuid, Status: Active}, "operator", replacement, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, f := Record{Presence: Listed, Authorization: test.a}, Finding{Check: test.check, Severity: High, State: Open}
			if got := Command(&r, f); got != test.wanted {
				t.Errorf("%q, want %q", got, test.wanted)
			}
			if got := BeforeCommand(&r, f); got != test.before {
				t.Errorf("%q, want %q", got, test.before)
			}
			if test.a.Product != "" && InactiveCommand(test.a)+APIDeleteCommand(test.a) != "" {
				t.Errorf("it cannot be set inactive, nor deleted as on InfluxDB 2: %q, %q", InactiveCommand(test.a), APIDeleteCommand(test.a))
			}
			if test.wanted == "" {
				return
			}
			words, err := exec.Command("sh", "-c", `printf '%s\n' `+test.wanted).Output()
			if errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") != "true" {
				t.Skip("no sh on the PATH, which reads the command")
			}
			if err != nil {
				t.Fatalf("a shell does not read %s: %v", test.wanted, err)
			}
			name := cmp.Or(test.a.User, test.a.Description)
			if last := strings.Split(string(words), "\n"); test.a.Product.V3() && !test.a.IsOperator() && strings.TrimPrefix(last[len(last)-2], "--token-name=") != name {
				t.Errorf("a shell makes %q of the name %q", last, name)
			}
		})
	}
}

// TestNoCommandForTheReview: nobody is told to delete what the reviews ask with.
func TestNoCommandForTheReview(t *testing.T) {
	r := Record{Presence: Listed, OfReview: true, Authorization: Authorization{ID: "0000000000000001", Product: ProductCore, Description: "audit", Status: Active}}
	for _, check := range []string{"active-write", "auditor-expires", "not-rotated"} {
		if got := Command(&r, Finding{Check: check, Severity: High, State: Open}); got != "" {
			t.Errorf("%s: %s", check, got)
		}
	}
}

// TestQuotedIdent: what InfluxQL reads as one name.
func TestQuotedIdent(t *testing.T) {
	for name, want := range map[string]string{`alice`: `"alice"`, `a"; DROP DATABASE "x`: `"a\"; DROP DATABASE \"x"`, `back\`: `"back\\"`, "two\nlines": `"two\nlines"`} {
		if got := QuotedIdent(name); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestAccessWordsOfProducts: what may be written, in the words of the product.
func TestAccessWordsOfProducts(t *testing.T) {
	database := func(action, name string) Permission {
		return Permission{Action: action, Resource: Resource{Type: "buckets", ID: name, Name: name, OrgID: "o"}}
	}
	everything := []Permission{{Action: "read", Resource: Resource{Type: "instance"}}, {Action: "write", Resource: Resource{Type: "instance"}}}
	for name, test := range map[string]struct {
		product      Product
		permissions  []Permission
		class, scope string
	}{
		"admin":         {ProductCore, everything, "admin", "the whole server: all databases and tokens"},
		"1.x admin":     {ProductV1, everything, "admin", "the whole server: all databases and tokens"},
		"one database":  {ProductEnterprise, []Permission{database("write", "x")}, "write", "one database: x"},
		"two":           {ProductDedicated, []Permission{database("write", "x"), database("write", "y")}, "write", "2 databases: x, y"},
		"all":           {ProductEnterprise, []Permission{database("write", "")}, "server-wide write", "the whole server: all databases"},
		"all, cluster":  {ProductClustered, []Permission{database("write", "")}, "cluster-wide write", "the whole cluster: all databases"},
		"reads":         {ProductClustered, []Permission{database("read", "x")}, "read", ""},
		"unreadable":    {ProductEnterprise, []Permission{{Action: "db:x:dance"}}, "unknown", "not known: not all permissions could be read"},
		"partly so":     {ProductEnterprise, []Permission{{Action: "db:x:dance"}, database("write", "x")}, "unknown", "one database: x; also unknown"},
		"none":          {ProductV1, []Permission{}, "no permissions", ""},
		"InfluxDB 2":    {"", []Permission{database("write", "x")}, "write", "one bucket: x"},
		"2, every org":  {"", everything, "operator", "all orgs: instance"},
		"2, unreadable": {"", []Permission{{Action: "db:x:dance"}}, "unknown", ""},
	} {
		acc := AccessOf(Authorization{Product: test.product, Permissions: test.permissions})
		if acc.Class() != test.class || acc.WriteScope() != test.scope {
			t.Errorf("%s: %q, %q, want %q, %q", name, acc.Class(), acc.WriteScope(), test.class, test.scope)
		}
	}
}

// TestStatusAt: what does not work any more is not counted as active, though its status says so.
func TestStatusAt(t *testing.T) {
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		a     Authorization
		want  Status
		words string
	}{
		"active":              {Authorization{Status: Active}, Active, "1 active, 0 inactive"},
		"expires later":       {Authorization{Status: Active, ExpiresAt: at.Add(time.Second)}, Active, "1 active, 0 inactive"},
		"expires now":         {Authorization{Status: Active, ExpiresAt: at}, Expired, "0 active, 0 inactive, 1 expired"},
		"revoked and expired": {Authorization{Status: Active, ExpiresAt: at, RevokedAt: at}, Revoked, "0 active, 0 inactive, 1 revoked"},
		"inactive":            {Authorization{Status: Inactive, ExpiresAt: at}, Inactive, "0 active, 1 inactive"},
		"not known":           {Authorization{Status: "dormant"}, "dormant", "1 active, 0 inactive"},
	} {
		counts := NewCounts()
		counts.Add(Record{Presence: Listed, Authorization: test.a}, at)
		all := NewCounts()
		all.Merge(counts)
		if got := test.a.StatusAt(at); got != test.want || all.Authorizations.StatusWords() != test.words {
			t.Errorf("%s: %s, %s", name, got, all.Authorizations.StatusWords())
		}
	}
}

// TestTokenIDOf: IDs of every product are known in the form that records have, and names are
// taken where the product tells tokens apart by them.
func TestTokenIDOf(t *testing.T) {
	const uuid = "0198f4a2-0000-7000-8000-00000000000a"
	for text, want := range map[string]string{
		"11ADECE381A52000": "11adece381a52000", strings.ToUpper(uuid): uuid, "user/Al%20ice": "user/Al%20ice",
		"": "", "ci": "", "11adece381a5200": "", "user/": "", "user/a b": "", "user/$(x)": "", "../etc": "",
	} {
		id, ok := TokenIDOf(text)
		if ok != (want != "") || ok && id != want {
			t.Errorf("%q is %q, %t", text, id, ok)
		}
	}
	v3, v1, v2 := Authorization{Product: ProductCore, ID: "0000000000000001", Description: "ci"}, Authorization{Product: ProductV1, ID: "user/Ann", User: "Ann"}, Authorization{ID: "000000000000000a", Description: "ci", User: "Ann"}
	named := Authorization{Product: ProductCore, ID: "000000000000000b", Description: "000000000000000a"}
	dropped, digits := Authorization{Product: ProductV1, ID: "user/user%2FAnn", User: "user/Ann"}, Authorization{Product: ProductV1, ID: "user/deadbeefdeadbeef", User: "deadbeefdeadbeef"}
	for _, test := range []struct {
		a    Authorization
		text string
		want bool
	}{{dropped, "user/Ann", false}, {v3, "ci", true}, {v3, "CI", false}, {v3, "0000000000000001", true}, {v3, "1", false}, {named, "000000000000000b", true}, {named, "000000000000000A", false}, {named, "000000000000000a", false}, {dropped, "user/user%2FAnn", true}, {digits, "deadbeefdeadbeef", true}, {v1, "Ann", true}, {v1, "user/Ann", true}, {v1, "user/ann", false}, {v2, "000000000000000A", true}, {v2, "ci", false}, {v2, "Ann", false}} {
		if got := test.a.IsCalled(test.text); got != test.want {
			t.Errorf("%s called %q: %t", test.a.ID, test.text, got)
		}
	}
}

// TestDecideByProduct: a check is named in the words of the products that have it, and one
// about a server without authentication leads.
func TestDecideByProduct(t *testing.T) {
	at := highlightsAt
	summary := func(products ...Product) Summary {
		total := NewCounts()
		for _, p := range products {
			each := NewCounts()
			each.Add(Record{Presence: Listed, Authorization: Authorization{ID: "1", Product: p, Status: Active}, Findings: []Finding{{Check: "operator", Severity: Critical, State: New, Since: at}}}, at)
			s := Server("asks for nothing")
			s.Product = p
			each.Add(Record{Presence: Listed, Authorization: s, Findings: []Finding{{Check: "auth-off", Severity: Critical, State: Open}}}, at)
			total.Merge(each)
		}
		return Summary{NeedsAction: total.NeedsAction, Policy: Policy{}.Applied()}
	}
	for name, test := range map[string]struct {
		products []Product
		want     [2]string
	}{
		"v2":       {[]Product{"", ""}, [2]string{CheckOf("auth-off").Title, CheckOf("operator").Title}},
		"1.x":      {[]Product{ProductV1, ProductV1}, [2]string{"The server asks for no password", "Admin user"}},
		"a family": {[]Product{"", ProductV1, ProductEnterprise}, [2]string{CheckOf("auth-off").Title, "Admin or operator token"}},
		"two":      {[]Product{ProductV1, ProductEnterprise}, [2]string{CheckOf("auth-off").Title, "Admin or operator token"}},
	} {
		var got [2]string
		for i, d := range summary(test.products...).Decide() {
			if got[i] = d.Check.Title; d.Tokens != len(test.products) {
				t.Errorf("%s: %+v", name, d)
			}
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

package audit

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"
)

var highlightsAt = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// owned gives each of n owners as many tokens that need action; the last owner's are
// critical.
func owned(owners, tokens int, id func(owner int) string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for o := range owners {
			for i := range tokens {
				f := Finding{Check: "all-access", Severity: High, State: New}
				if o == owners-1 {
					f = Finding{Check: "operator", Severity: Critical, State: New}
				}
				a := Authorization{ID: fmt.Sprintf("%08d-%08d", o, i), UserID: id(o), Description: strings.Repeat("x", 1000)}
				if !yield(Record{Target: "prod", Authorization: a, Presence: Listed, Findings: []Finding{f}}, nil) {
					return
				}
			}
		}
	}
}

// TestHighlightsAreBounded: whatever was found, they are small, count everything, and
// name the worst first.
func TestHighlightsAreBounded(t *testing.T) {
	const owners, tokens = 600, 40
	n, err := HighlightsOf(owned(owners, tokens, func(o int) string { return fmt.Sprint("user-", o) }), Summary{Started: highlightsAt}, nil)
	if err != nil {
		t.Fatal(err)
	}
	held := 0
	for _, o := range n.Owners {
		held += len(o.Worst)
		if o.Tokens != tokens || len(o.Worst) == 0 {
			t.Fatalf("%s has %d tokens, %d of them named", o.Key, o.Tokens, len(o.Worst))
		}
	}
	if len(n.New) != MaxWorst || len(n.Owners) != owners || n.MoreOwners != 0 || held > mostHeld {
		t.Errorf("%d new, %d owners and %d more, %d tokens of owners", len(n.New), len(n.Owners), n.MoreOwners, held)
	}
	if n.Owners[0].Owner.ID != "user-599" || n.New[0].Record.UserID != "user-599" {
		t.Errorf("first is %s", n.Owners[0].Owner.ID)
	}
	if got := len(n.New[0].Record.Description); got != longest {
		t.Errorf("a description of %d bytes", got)
	}
	n, err = HighlightsOf(owned(MaxOwners+3, 1, func(o int) string { return fmt.Sprint("user-", o) }), Summary{Started: highlightsAt}, nil)
	if err != nil || len(n.Owners) != MaxOwners || n.MoreOwners != 3 {
		t.Errorf("%d owners and %d more, %v", len(n.Owners), n.MoreOwners, err)
	}
}

// TestPeople: what one person answers for is taken together; users of one ID in two
// targets, and users whose long IDs begin alike, are told apart.
func TestPeople(t *testing.T) {
	long := strings.Repeat("é", 1000)
	token := func(target, id, user, name string, findings ...Finding) Record {
		return Record{
			Target: target, Presence: Listed, Owner: Owner{ID: user, Name: name, State: OwnerPresent}, Findings: findings,
			Authorization: Authorization{ID: id, UserID: user},
		}
	}
	nobodys := func(id, name string, finding Finding) Record {
		r := token("edge", id, "", "", finding)
		r.Owner.State, r.Description = OwnerNone, name
		return r
	}
	high := Finding{Check: "all-access", Severity: High, State: Open, Since: highlightsAt.AddDate(0, 0, -21), Due: highlightsAt.AddDate(0, 0, -7)}
	critical := Finding{Check: "operator", Severity: Critical, State: New, Since: highlightsAt, Due: highlightsAt.AddDate(0, 0, 3)}
	info := Finding{Check: "active-write", Severity: Info, State: New, Since: highlightsAt}
	old := token("prod", "3", "u1", "telegraf", high)
	old.NeededAction = true
	records := []Record{
		token("prod", "1", "u1", "telegraf", critical, info), token("lab", "2", "u1", "other", high), old,
		token("prod", "4", "u2", "grafana", high), token("prod", "5", "u3", "anna@example.com", high),
		nobodys("9", "etl", critical), nobodys("a", "grafana", high), nobodys("b", "telegraf", high), nobodys("c", "line4", high), nobodys("d", "line5", high),
		token("prod", "6", long+"a", "", high), token("prod", "7", long+"b", "", high), token("prod", "8", "u9", "quiet", info),
	}
	contacts := Contacts{"grafana": {Responsible: "Anna@example.com", Team: "plant"}, "lab/u1": {Slack: "U0123456789"},
		"edge/etl": {Responsible: "anna@example.com"}, "edge/line4": {Slack: "C0123456789"}, "edge/line5": {Slack: "C0123456789"}}
	n, err := HighlightsOf(func(yield func(Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}, Summary{Started: highlightsAt}, contacts)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range n.Owners {
		if len(o.Key) > 100 {
			t.Errorf("a key of %d bytes", len(o.Key))
		}
		got = append(got, fmt.Sprintf("%.20s users %d tokens %d new %d overdue %d first %s slack %s", o.Key, o.Users, o.Tokens, o.New, o.Overdue, o.Worst[0].Record.ID, o.Contact.Slack))
	}
	want := []string{
		"person/anna@example. users 3 tokens 3 new 3 overdue 2 first 9 slack ",
		"prod/u1 users 1 tokens 2 new 1 overdue 1 first 1 slack ",
		"edge/ users 1 tokens 2 new 2 overdue 2 first a slack ",
		"edge/C0123456789  users 1 tokens 2 new 2 overdue 2 first c slack C0123456789",
		"lab/u1 users 1 tokens 1 new 1 overdue 1 first 2 slack U0123456789",
	}
	if len(got) != 7 || strings.Join(got[:5], "\n") != strings.Join(want, "\n") || n.Owners[5].Key == n.Owners[6].Key {
		t.Errorf("owners are\n%s\nwant first\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(n.NewWrites) != 2 || len(n.New) != 11 {
		t.Errorf("%d new write tokens, %d new", len(n.NewWrites), len(n.New))
	}
}

// TestNewInTheFirstReviewOfATarget: what an added target brings is told to its owners, and is
// nothing new of the population.
func TestNewInTheFirstReviewOfATarget(t *testing.T) {
	added := NewCoverage("prod")
	added.NoNeed(BaselineRead, "no earlier review had these tokens")
	s := Summary{Started: highlightsAt, Coverage: TotalCoverage{Targets: []Coverage{added}}}
	for previous, want := range map[*Previous]int{nil: 2, {}: 0} {
		s.Previous = previous
		n, err := HighlightsOf(owned(1, 2, func(int) string { return "user" }), s, nil)
		if err != nil || len(n.New) != want || n.Owners[0].New != 0 || !n.Owners[0].Worst[0].New {
			t.Errorf("%d new, of them %d of the owner, %v; want %d and 0", len(n.New), n.Owners[0].New, err, want)
		}
	}
	counts := NewCounts()
	counts.NeedsAction = ActionCounts{Tokens: 5, New: 4, Overdue: 1}
	counts.Conclude(added)
	if a := counts.NeedsAction; a.New != 0 || a.First != 4 || a.Before() != 1 || a.Change() != 0 {
		t.Errorf("%+v", a)
	}
}

// TestContacts: an entry for one target comes before one for all; a user whose name is an
// address is responsible itself while it can be. A token without an owner has its own.
func TestContacts(t *testing.T) {
	contacts := Contacts{"lab/u1": {Responsible: "lab"}, "u1": {Responsible: "id"}, "telegraf": {Responsible: "name"}, "anna@example.com": {Team: "plant"},
		"edge/etl": {Responsible: "by name"}, "edge/0000000000000003": {Responsible: "by ID"}, "edge/*": {Responsible: "everything"}, "etl": {Responsible: "a user"}, "0000000000000004": {Responsible: "a user"}}
	tests := []struct {
		name, target string
		owner        Owner
		token        Authorization
		want         Contact
	}{
		{"of the target", "lab", Owner{ID: "u1", Name: "telegraf"}, Authorization{}, Contact{Responsible: "lab"}},
		{"by ID", "prod", Owner{ID: "u1", Name: "telegraf"}, Authorization{}, Contact{Responsible: "id"}},
		{"by name", "prod", Owner{ID: "u2", Name: "telegraf"}, Authorization{}, Contact{Responsible: "name"}},
		{"nobody", "prod", Owner{ID: "u3", Name: "grafana"}, Authorization{}, Contact{}},
		{"an address", "prod", Owner{ID: "u4", Name: "anna@example.com", State: OwnerPresent}, Authorization{}, Contact{Responsible: "anna@example.com", Team: "plant"}},
		{"an address of somebody who left", "prod", Owner{ID: "u4", Name: "anna@example.com", State: OwnerDeleted}, Authorization{}, Contact{Team: "plant"}},
		{"a token by its name", "edge", Owner{State: OwnerNone}, Authorization{ID: "0000000000000002", Description: "etl"}, Contact{Responsible: "by name"}},
		{"a token by its ID", "edge", Owner{State: OwnerNone}, Authorization{ID: "0000000000000003", Description: "x"}, Contact{Responsible: "by ID"}},
		{"any token", "edge", Owner{State: OwnerNone}, Authorization{ID: "0000000000000004"}, Contact{Responsible: "everything"}},
		{"a token that is called as a user", "prod", Owner{State: OwnerNone}, Authorization{ID: "0000000000000004", Description: "etl"}, Contact{}},
		{"a token of a user that is called as a token", "edge", Owner{ID: "u5", Name: "grafana", State: OwnerPresent}, Authorization{Description: "etl"}, Contact{Responsible: "everything"}},
		{"an address before any token", "edge", Owner{ID: "u4", Name: "bob@example.com", State: OwnerPresent}, Authorization{}, Contact{Responsible: "bob@example.com"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := contacts.Of(&Record{Target: tt.target, Owner: tt.owner, Authorization: tt.token}); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestCommand: nothing but an ID of InfluxDB gets into a command that people run.
func TestCommand(t *testing.T) {
	const id = "0772396d1f411000"
	const byAPI = `printf 'Authorization: Token %s\n' "$INFLUX_TOKEN" | curl -fsS -X DELETE -H @- "$INFLUX_HOST`
	tests := []struct {
		name    string
		record  Record
		finding Finding
		want    string
	}{
		{"a token without use", Record{Authorization: Authorization{ID: id}}, Finding{Check: "inactive-owner"}, "influx auth delete --id " + id},
		{"its owner was deleted", Record{Authorization: Authorization{ID: id}}, Finding{Check: "deleted-owner"}, byAPI + `/api/v2/authorizations/` + id + `"`},
		{"its org was deleted", Record{Authorization: Authorization{ID: id}, OrgDeleted: true}, Finding{Check: "deleted-org"}, byAPI + `/api/v2/authorizations/` + id + `"`},
		{"its owner was deleted, and it may do much", Record{Authorization: Authorization{ID: id}, Owner: Owner{State: OwnerDeleted}}, Finding{Check: "all-access"}, byAPI + `/api/v2/authorizations/` + id + `"`},
		{"its owner was deleted, of 1.x", Record{Authorization: Authorization{ID: id, Legacy: true}}, Finding{Check: "deleted-owner"}, byAPI + `/private/legacy/authorizations/` + id + `"`},
		{"a token that works", Record{Authorization: Authorization{ID: id, Status: Active}}, Finding{Check: "all-access"}, "influx auth inactive --id " + id},
		{"of 1.x, without use", Record{Authorization: Authorization{ID: id, Legacy: true}}, Finding{Check: "inactive-owner"}, "influx v1 auth delete --id " + id},
		{"of 1.x, works", Record{Authorization: Authorization{ID: id, Legacy: true}}, Finding{Check: "org-wide-write"}, "influx v1 auth set-inactive --id " + id},
		{"inactive already", Record{Authorization: Authorization{ID: id, Status: Inactive}}, Finding{Check: "permission-drift"}, ""},
		{"excepted", Record{Authorization: Authorization{ID: id}}, Finding{Check: "all-access", State: Excepted}, ""},
		{"no command helps", Record{Authorization: Authorization{ID: id}}, Finding{Check: "no-description"}, ""},
		{"a hostile ID", Record{Authorization: Authorization{ID: "0772396d1f41100$(reboot)"}}, Finding{Check: "deleted-owner"}, ""},
		{"the server", Record{Authorization: Server("hashes")}, Finding{Check: "token-value-readable"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Command(&tt.record, tt.finding); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if before := BeforeCommand(&tt.record, tt.finding); before != "" && tt.record.orphaned() {
				t.Errorf("%q is said of what does not work", before)
			}
		})
	}
}

// TestReplaced: an ended token is paired with a newer active one that may do the same, of the
// same owner or of a service user, and with no other. The order of their IDs does not matter.
func TestReplaced(t *testing.T) {
	t.Parallel()
	before := highlightsAt.AddDate(0, 0, -7)
	permissions := func(id string) []Permission {
		return []Permission{{"write", Resource{Type: "buckets", ID: id, OrgID: "o"}}, {"read", Resource{Type: "buckets", ID: id, OrgID: "o"}}}
	}
	gone := func() Record {
		return Record{
			Target: "prod", Presence: Gone, Owner: Owner{ID: "alice", Name: "Alice", State: OwnerPresent}, FirstSeen: before.AddDate(0, 0, -7), LastSeen: before,
			Authorization: Authorization{ID: "old", OrgID: "o", UserID: "alice", User: "Alice", Description: "sensor", Status: Active, Permissions: permissions("b"), CreatedAt: before.AddDate(0, -1, 0)},
		}
	}
	next := func() Record {
		r := gone()
		r.ID, r.Presence, r.Description, r.FirstSeen, r.LastSeen, r.CreatedAt = "new", Listed, "sensor, new", before, highlightsAt, before.AddDate(0, 0, -1)
		return r
	}
	inactive := func(old, _ *Record) {
		old.Presence, old.Status, old.Changes = Listed, Inactive, []Change{{"status", "active", "inactive"}}
	}
	of := func(user string) func(_, next *Record) {
		return func(_, next *Record) { next.UserID, next.User, next.Owner.ID, next.Owner.Name = user, user, user, user }
	}
	for name, test := range map[string]struct {
		change func(old, next *Record)
		first  bool
		found  bool
	}{
		"gone, same owner":   {func(_, _ *Record) {}, false, true},
		"set inactive":       {inactive, false, true},
		"of a service user":  {of("telegraf"), false, true},
		"in another order":   {func(_, next *Record) { slices.Reverse(next.Permissions) }, false, true},
		"seen first at once": {func(_, next *Record) { next.FirstSeen = before.AddDate(0, 0, -7) }, false, true},
		"both worked for long": {func(old, next *Record) {
			old.CreatedAt, next.CreatedAt = next.CreatedAt.AddDate(-2, 0, 0), next.CreatedAt.AddDate(-1, 0, 0)
		}, false, false},
		"created at a time unknown": {func(_, next *Record) { next.CreatedAt = time.Time{} }, false, true},
		"of somebody else":          {of("bob"), false, false},
		"without owners": {func(old, next *Record) {
			for _, r := range []*Record{old, next} {
				r.UserID, r.User, r.Owner, r.Product = "", "", Owner{State: OwnerNone}, ProductCore
			}
		}, false, false},
		"the next one has expired": {func(_, next *Record) { next.ExpiresAt = highlightsAt }, false, false},
		"other permissions":        {func(_, next *Record) { next.Permissions = permissions("c") }, false, false},
		"one permission less":      {func(_, next *Record) { next.Permissions = next.Permissions[:1] }, false, false},
		"permissions unknown":      {func(old, next *Record) { old.Permissions, next.Permissions = nil, nil }, false, false},
		"the new one is inactive":  {func(_, next *Record) { next.Status = Inactive }, false, false},
		"the new one is hidden":    {func(_, next *Record) { next.Presence = Hidden }, false, false},
		"the new one is not seen":  {func(_, next *Record) { next.Presence = Unseen }, false, false},
		"its owner was deleted":    {func(_, next *Record) { next.Owner.State = OwnerDeleted }, false, false},
		"in another target":        {func(_, next *Record) { next.Target = "lab" }, false, false},
		"in another org":           {func(_, next *Record) { next.OrgID = "p" }, false, false},
		"of the 1.x API":           {func(_, next *Record) { next.Legacy = true }, false, false},
		"older": {func(old, next *Record) {
			next.CreatedAt, next.FirstSeen = old.CreatedAt.AddDate(0, 0, -1), old.FirstSeen
		}, false, false},
		"as old":                         {func(old, next *Record) { next.CreatedAt, next.FirstSeen = old.CreatedAt, old.FirstSeen }, false, false},
		"the old one works on":           {func(old, _ *Record) { old.Presence = Listed }, false, false},
		"inactive for long":              {func(old, _ *Record) { old.Presence, old.Status = Listed, Inactive }, false, false},
		"the old one is not seen":        {func(old, _ *Record) { old.Presence = Unseen }, false, false},
		"the old one went long ago":      {func(old, _ *Record) { old.Presence = Remembered }, false, false},
		"the first review of the target": {func(_, _ *Record) {}, true, false},
	} {
		for _, ids := range [][2]string{{"1", "2"}, {"2", "1"}} {
			t.Run(name+", "+ids[0]+" by "+ids[1], func(t *testing.T) {
				old, next := gone(), next()
				old.ID, next.ID = ids[0], ids[1]
				test.change(&old, &next)
				s := Summary{Started: highlightsAt, Policy: AppliedPolicy{ServiceUsers: []string{"telegraf"}}}
				if test.first {
					s.Coverage.Targets = []Coverage{{Target: "prod", Premises: []Premise{{ID: BaselineRead, State: NotNeeded}}}}
				}
				b := NewHighlightsBuilder(s, nil)
				records := []Record{old, next}
				if ids[0] > ids[1] {
					slices.Reverse(records)
				}
				for i := range records {
					b.Add(&records[i])
				}
				got := b.Highlights().Replaced
				if !test.found {
					if len(got) > 0 {
						t.Errorf("%+v", got)
					}
					return
				}
				want := Replacement{"prod", old.ID, "sensor", "Alice", old.Presence == Gone, next.ID, cmp.Or(next.User, "Alice")}
				if len(got) != 1 || got[0] != want {
					t.Errorf("got %+v\nwant %+v", got, want)
				}
			})
		}
	}
}

// TestReplacedIsBounded: the newest tokens are kept, and what is left out is counted.
func TestReplacedIsBounded(t *testing.T) {
	t.Parallel()
	const ended = MaxReplaced + 5
	b := NewHighlightsBuilder(Summary{Started: highlightsAt}, nil)
	add := func(id, bucket string, presence Presence, age int) {
		b.Add(&Record{
			Target: "prod", Presence: presence, FirstSeen: highlightsAt.Add(-time.Duration(age) * time.Minute), Owner: Owner{ID: "alice"},
			Authorization: Authorization{ID: id, UserID: "alice", Status: Active, Permissions: []Permission{{"read", Resource{Type: "buckets", ID: bucket}}}},
		})
	}
	for i := range ended {
		add(fmt.Sprint("old", i), fmt.Sprint("b", i), Gone, 1e6)
	}
	for i := range ended {
		add(fmt.Sprint("new", i), fmt.Sprint("b", i), Listed, i)
	}
	for i := range 5 * mostActive {
		add(fmt.Sprint("other", i), fmt.Sprint("c", i), Listed, 1000+i)
	}
	h := b.Highlights()
	if len(h.Replaced) != MaxReplaced || h.MoreReplaced != ended-MaxReplaced {
		t.Errorf("%d replaced and %d more", len(h.Replaced), h.MoreReplaced)
	}
	if held := len(b.pairs.active); held > 2*mostActive {
		t.Errorf("%d tokens are held", held)
	}
	for i := range 2 * mostEnded {
		add(fmt.Sprint("gone", i), "d", Gone, 1e6)
	}
	if held := len(b.pairs.ended); held != mostEnded {
		t.Errorf("%d ended tokens are held", held)
	}
}

// TestReplacedOneToOne: no token takes the place of two. A copy is meant before another one, a
// token of the same owner before that of a service user, and the newest before older ones.
func TestReplacedOneToOne(t *testing.T) {
	t.Parallel()
	type token struct {
		id, user, description string
		ended                 bool
		days                  int // since it was created
	}
	for name, test := range map[string]struct {
		tokens []token
		want   string
	}{
		"one for two": {[]token{{"a", "alice", "", true, 300}, {"b", "alice", "", true, 200}, {"n", "alice", "", false, 3}}, "b by n"},
		"as old":      {[]token{{"b", "alice", "", true, 200}, {"a", "alice", "", true, 200}, {"n", "alice", "", false, 3}}, "a by n"},
		"in order":    {[]token{{"a", "alice", "", true, 300}, {"b", "alice", "", true, 200}, {"m", "alice", "", false, 4}, {"n", "alice", "", false, 3}}, "b by n, a by m"},
		"copies": {[]token{
			{"a", "alice", "etl", true, 300}, {"b", "alice", "sensor", true, 200}, {"m", "telegraf", "sensor", false, 4}, {"n", "telegraf", "etl", false, 3},
		}, "b by m, a by n"},
		"a copy for the older one": {[]token{{"a", "alice", "etl", true, 300}, {"b", "alice", "sensor", true, 200}, {"n", "alice", "etl", false, 3}}, "a by n"},
		"of the owner first": {[]token{
			{"a", "alice", "", true, 300}, {"b", "bob", "", true, 200}, {"m", "bob", "", false, 4}, {"n", "telegraf", "", false, 3},
		}, "b by m, a by n"},
		"too old for one of them": {[]token{{"a", "alice", "", true, 300}, {"b", "alice", "", true, 200}, {"m", "alice", "", false, 100}, {"n", "alice", "", false, 3}}, "b by n"},
	} {
		for _, order := range []string{"", ", reversed"} {
			t.Run(name+order, func(t *testing.T) {
				tokens := slices.Clone(test.tokens)
				if order != "" {
					slices.Reverse(tokens)
				}
				b := NewHighlightsBuilder(Summary{Started: highlightsAt, Policy: AppliedPolicy{ServiceUsers: []string{"telegraf"}}}, nil)
				for _, k := range tokens {
					r := Record{Target: "prod", Presence: Listed, FirstSeen: highlightsAt, Owner: Owner{ID: k.user, Name: k.user}, Authorization: Authorization{
						ID: k.id, UserID: k.user, Description: k.description, Status: Active, CreatedAt: highlightsAt.AddDate(0, 0, -k.days),
						Permissions: []Permission{{"read", Resource{Type: "buckets", ID: "b"}}},
					}}
					if k.ended {
						r.Presence = Gone
					}
					b.Add(&r)
				}
				var got []string
				for _, r := range b.Highlights().Replaced {
					got = append(got, r.Authorization+" by "+r.By)
				}
				if words := strings.Join(got, ", "); words != test.want {
					t.Errorf("%s, want %s", words, test.want)
				}
			})
		}
	}
}

// TestRenewed: a secret that was replaced by plan is named in the review that sees it, and one
// that needs action is not among them.
func TestRenewed(t *testing.T) {
	b := NewHighlightsBuilder(Summary{Started: highlightsAt, Previous: &Previous{}}, nil)
	for i, f := range []Finding{
		{Severity: Info, State: New, Since: highlightsAt},
		{Severity: High, State: Excepted, Since: highlightsAt},
		{Severity: Info, State: Open, Since: highlightsAt.AddDate(0, 0, -7)},
		{Severity: High, State: Excepted, Since: highlightsAt.AddDate(0, 0, -7)},
		{Severity: High, State: New, Since: highlightsAt},
	} {
		f.Check = SecretReplaced
		b.Add(&Record{Target: fmt.Sprint("edge-", i), Authorization: Authorization{ID: "0000000000000000", Product: ProductCore, Description: "_admin"}, Presence: Listed, Findings: []Finding{f}})
	}
	want := "2 secrets replaced: _admin in edge-0 (due, or approved); _admin in edge-1 (allowed by an exception). Make sure that somebody did so by plan"
	if got := b.Highlights().ReplacedWords(5); got != want {
		t.Errorf("%q", got)
	}
	for range MaxReplaced {
		b.Add(&Record{Target: "plant", Authorization: Authorization{Description: "_admin"}, Presence: Listed, Findings: []Finding{{Check: SecretReplaced, Severity: Info, State: New}}})
	}
	h := b.Highlights()
	h.Replaced = []Replacement{{Authorization: "1", User: "ann", By: "2", ByUser: "ann"}}
	if got := h.ReplacedWords(1); got != "1 token replaced: 1 of ann (set inactive) by 2 of ann. 22 secrets replaced: _admin in edge-0 (due, or approved); and 21 more. Make sure that somebody did so by plan" {
		t.Errorf("%q", got)
	}
}

// TestWhere names the targets of a decision about servers.
func TestWhere(t *testing.T) {
	var h Highlights
	for _, target := range []string{"a", "b", "c", "d"} {
		h.Server = append(h.Server, Highlight{Record: Record{Target: target}, Findings: []Finding{{Check: "auth-off"}, {Check: "too-many-admins"}}})
	}
	for want, d := range map[string]Decision{
		"a, b, c and 1 more": {Check: CheckOf("auth-off"), CheckAction: CheckAction{Tokens: 4}},
		"a, b, c and others": {Check: CheckOf("auth-off"), CheckAction: CheckAction{Tokens: 40}},
		"":                   {Check: CheckOf("operator"), CheckAction: CheckAction{Tokens: 4}},
	} {
		if got := h.Where(d); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

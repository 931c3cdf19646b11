package audit

import (
	"fmt"
	"iter"
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
	high := Finding{Check: "all-access", Severity: High, State: Open, Since: highlightsAt.AddDate(0, 0, -21), Due: highlightsAt.AddDate(0, 0, -7)}
	critical := Finding{Check: "operator", Severity: Critical, State: New, Since: highlightsAt, Due: highlightsAt.AddDate(0, 0, 3)}
	info := Finding{Check: "active-write", Severity: Info, State: New, Since: highlightsAt}
	old := token("prod", "3", "u1", "telegraf", high)
	old.NeededAction = true
	records := []Record{
		token("prod", "1", "u1", "telegraf", critical, info), token("lab", "2", "u1", "other", high), old,
		token("prod", "4", "u2", "grafana", high), token("prod", "5", "u3", "anna@example.com", high),
		token("prod", "6", long+"a", "", high), token("prod", "7", long+"b", "", high), token("prod", "8", "u9", "quiet", info),
	}
	contacts := Contacts{"grafana": {Responsible: "Anna@example.com", Team: "plant"}, "lab/u1": {Slack: "U0123456789"}}
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
		"prod/u1 users 1 tokens 2 new 1 overdue 1 first 1 slack ",
		"person/anna@example. users 2 tokens 2 new 2 overdue 2 first 4 slack ",
		"lab/u1 users 1 tokens 1 new 1 overdue 1 first 2 slack U0123456789",
	}
	if len(got) != 5 || strings.Join(got[:3], "\n") != strings.Join(want, "\n") || n.Owners[3].Key == n.Owners[4].Key {
		t.Errorf("owners are\n%s\nwant first\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(n.NewWrites) != 2 || len(n.New) != 6 {
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
// address is responsible itself while it can be.
func TestContacts(t *testing.T) {
	contacts := Contacts{"lab/u1": {Responsible: "lab"}, "u1": {Responsible: "id"}, "telegraf": {Responsible: "name"}, "anna@example.com": {Team: "plant"}}
	tests := []struct {
		name, target string
		owner        Owner
		want         Contact
	}{
		{"of the target", "lab", Owner{ID: "u1", Name: "telegraf"}, Contact{Responsible: "lab"}},
		{"by ID", "prod", Owner{ID: "u1", Name: "telegraf"}, Contact{Responsible: "id"}},
		{"by name", "prod", Owner{ID: "u2", Name: "telegraf"}, Contact{Responsible: "name"}},
		{"nobody", "prod", Owner{ID: "u3", Name: "grafana"}, Contact{}},
		{"an address", "prod", Owner{ID: "u4", Name: "anna@example.com", State: OwnerPresent}, Contact{Responsible: "anna@example.com", Team: "plant"}},
		{"an address of somebody who left", "prod", Owner{ID: "u4", Name: "anna@example.com", State: OwnerDeleted}, Contact{Team: "plant"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := contacts.Of(tt.target, tt.owner); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestCommand: nothing but an ID of InfluxDB gets into a command that people run.
func TestCommand(t *testing.T) {
	const id = "0772396d1f411000"
	tests := []struct {
		name    string
		record  Record
		finding Finding
		want    string
	}{
		{"a token without use", Record{Authorization: Authorization{ID: id}}, Finding{Check: "deleted-owner"}, "influx auth delete --id " + id},
		{"a token that works", Record{Authorization: Authorization{ID: id, Status: Active}}, Finding{Check: "all-access"}, "influx auth inactive --id " + id},
		{"of 1.x, without use", Record{Authorization: Authorization{ID: id, Legacy: true}}, Finding{Check: "deleted-owner"}, "influx v1 auth delete --id " + id},
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
		})
	}
}

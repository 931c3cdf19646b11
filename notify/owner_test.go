package notify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
)

// TestToken: each finding has its own remedy, and a command stands with the finding that it
// ends, with when and where to run it.
func TestToken(t *testing.T) {
	t.Parallel()
	type command struct{ check, before, command string }
	const deleteByAPI = `printf 'Authorization: Token %s\n' "$INFLUX_TOKEN" | curl -fsS -X DELETE -H @- "$INFLUX_HOST/api/v2/authorizations/0d3f1c0a9b8e7d01"`
	for name, test := range map[string]struct {
		checks  []string
		targets int
		want    []command
	}{
		"in use":                    {[]string{"all-access"}, 1, []command{{"All-access token", "After the replacement works", "influx auth inactive --id 0d3f1c0a9b8e7d01"}}},
		"of no use":                 {[]string{"deleted-owner"}, 1, []command{{"Owner was deleted", "", deleteByAPI}}},
		"in use, several targets":   {[]string{"all-access"}, 2, []command{{"All-access token", "After the replacement works, on eu/acme", "influx auth inactive --id 0d3f1c0a9b8e7d01"}}},
		"of no use, several":        {[]string{"deleted-owner"}, 2, []command{{"Owner was deleted", "On eu/acme", deleteByAPI}}},
		"the command comes once":    {[]string{"deleted-owner", "all-access"}, 1, []command{{"Owner was deleted", "", deleteByAPI}, {"All-access token", "", ""}}},
		"not of the first, but its": {[]string{"exception-void", "all-access"}, 1, []command{{audit.CheckOf("exception-void").Title, "", ""}, {"All-access token", "After the replacement works", "influx auth inactive --id 0d3f1c0a9b8e7d01"}}},
	} {
		m := notifytest.Typical()
		m.Summary.Coverage.Targets = m.Summary.Coverage.Targets[:test.targets]
		h := notifytest.NewFindings()[0]
		h.Record.Status, h.Record.Owner.State, h.Findings = audit.Active, audit.OwnerPresent, nil
		for _, check := range test.checks {
			h.Findings = append(h.Findings, audit.Finding{Check: check, Severity: audit.High, State: audit.Open, Since: m.Summary.Slot})
		}
		token := notify.NewTokens(m, []audit.Highlight{h})[0]
		if len(token.Found) != len(test.want) {
			t.Fatalf("%s: %+v", name, token.Found)
		}
		for i, want := range test.want {
			f := token.Found[i]
			if got := (command{f.Title, f.Before, f.Command}); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
			if f.Fix != audit.CheckOf(test.checks[i]).Fix {
				t.Errorf("%s: %s has the remedy %q", name, f.Title, f.Fix)
			}
		}
	}
}

// TestOpen: what an earlier review of the day found is open since today.
func TestOpen(t *testing.T) {
	t.Parallel()
	m := notifytest.Typical()
	h := notifytest.NewFindings()[0]
	h.New = false
	for hours, want := range map[int]string{3: "open since today", 25: "open for 1 day", 24 * 20: "open for 2 weeks"} {
		h.Findings[0].Since = m.Summary.Started.Add(-time.Duration(hours) * time.Hour)
		if got := notify.NewTokens(m, []audit.Highlight{h})[0].Open; got != want {
			t.Errorf("after %d hours: %q, want %q", hours, got, want)
		}
	}
}

// TestPersonName: a user who answers for itself is named once, with its state.
func TestPersonName(t *testing.T) {
	t.Parallel()
	m := notifytest.Typical()
	zoe := audit.OwnerHighlights{Owner: audit.Owner{Name: "Zoe@example.com", State: audit.OwnerUnknown}, Target: "eu/acme", Contact: audit.Contact{Responsible: "zoe@example.com"}, Users: 1, Tokens: 1}
	two, of := zoe, zoe
	two.Users = 2
	of.Owner.Name = "gateway"
	for want, o := range map[string]audit.OwnerHighlights{
		"Zoe@example.com (state unknown)| in eu/acme":             zoe,
		"zoe@example.com| for 2 InfluxDB users":                   two,
		"zoe@example.com| for gateway (state unknown) in eu/acme": of,
	} {
		m.Highlights.Owners = []audit.OwnerHighlights{o}
		if who := notify.NewPage(m, 5).Who[0]; who.Name+"| "+who.About != want {
			t.Errorf("got %q, want %q", who.Name+"| "+who.About, want)
		}
		if owner := notify.NewOwner(m, o); !strings.HasPrefix(want, owner.Name+"|") {
			t.Errorf("a reply to %q, want %q", owner.Name, want)
		}
	}
}

// TestEqualUsers: users of one name in two targets are two.
func TestEqualUsers(t *testing.T) {
	t.Parallel()
	m := notifytest.Typical()
	eu, us := notifytest.NewFindings()[1], notifytest.NewFindings()[1]
	eu.Record.Target, us.Record.Target = "eu/acme", "us/acme"
	m.Highlights.New = []audit.Highlight{eu, us}
	for _, l := range notify.NewContent(m, 8).Lines {
		if l.Label == "New" && (!strings.Contains(l.Text, "of ops-root in eu/acme: ") || !strings.Contains(l.Text, "of ops-root in us/acme: ")) {
			t.Error(l.Text)
		}
	}
}

// TestWhoFits: the last owner stands where a line would count one.
func TestWhoFits(t *testing.T) {
	t.Parallel()
	m := notifytest.Typical()
	for owners, want := range map[int]string{5: "", 6: "", 7: "and 2 more owners, see the evidence"} {
		m.Highlights.Owners = make([]audit.OwnerHighlights, owners)
		if got := notify.NewPage(m, 5).MoreWho; got != want {
			t.Errorf("of %d owners: %q, want %q", owners, got, want)
		}
	}
	m.Evidence, m.Highlights.Owners = "", make([]audit.OwnerHighlights, 7) // as in a dry run
	if got := notify.NewPage(m, 5).MoreWho; got != "and 2 more owners" {
		t.Errorf("without evidence: %q", got)
	}
}

// TestServerFindings: what is about no token is told with how to fix it, also where it shares a
// line.
func TestServerFindings(t *testing.T) {
	t.Parallel()
	m := notifytest.Typical()
	a := &m.Summary.NeedsAction
	a.Server, a.ByCheck["token-value-readable"] = 1, audit.CheckAction{Tokens: 1}
	m.Highlights.Server = []audit.Highlight{{Record: audit.Record{Target: "eu/acme"}, Findings: []audit.Finding{{Check: "token-value-readable", Severity: audit.High, Detail: "seen"}}}}
	fix := audit.CheckOf("token-value-readable").Fix
	for _, most := range []int{12, 6} {
		var fixes []string
		for _, l := range notify.NewContent(m, most).Lines {
			fixes = append(fixes, l.Fix)
		}
		if !strings.Contains(strings.Join(fixes, "|"), fix) {
			t.Errorf("of %d lines none says how to fix it: %q", most, fixes)
		}
	}
	if got, _ := notify.NewServerFindings(m); len(got) != 1 || got[0].Target != "eu/acme" || got[0].Fix != fix {
		t.Errorf("%+v", got)
	}
}

// withServers is a review of several products with authentication off on two servers, which an
// earlier review knew of, and too many admins on one of them.
func withServers() notify.Message {
	m := notifytest.Typical()
	a := &m.Summary.NeedsAction
	a.Server = 4
	a.ByCheck["too-many-admins"] = audit.CheckAction{Tokens: 1, New: 1, ByProduct: map[audit.Product]int{audit.ProductV1: 1}}
	a.ByCheck["auth-off"] = audit.CheckAction{Tokens: 2, ByProduct: map[audit.Product]int{audit.ProductCore: 1, audit.ProductV1: 1}}
	server := func(target string, p audit.Product, f audit.Finding) audit.Highlight {
		return audit.Highlight{Record: audit.Record{Target: target, Authorization: audit.Authorization{ID: audit.ServerID, Product: p}}, Findings: []audit.Finding{f}}
	}
	m.Highlights.Server = []audit.Highlight{
		server("historian", audit.ProductV1, audit.Finding{Check: "too-many-admins", Severity: audit.High, State: audit.New, Detail: "root, ann, bob"}),
		server("edge", audit.ProductCore, audit.Finding{Check: "auth-off", Severity: audit.Critical, State: audit.Open}),
		server("historian", audit.ProductV1, audit.Finding{Check: "auth-off", Severity: audit.Critical, State: audit.Open}),
	}
	return m
}

// TestServersLead: what is critical about servers comes first, with the targets by name.
func TestServersLead(t *testing.T) {
	t.Parallel()
	m := withServers()
	lines := func() (decide []string) {
		for _, l := range notify.NewContent(m, 12).Lines {
			if l.Label == "Decide" || len(decide) > 0 && l.Label == "" {
				decide = append(decide, l.Text+l.More)
			}
		}
		return decide
	}
	got := lines()
	if !strings.HasPrefix(got[0], "critical, The server asks for no credential: 2 findings in edge, historian") {
		t.Errorf("first of Decide: %q", got)
	}
	for _, line := range got[1:] {
		if !strings.Contains(line, " new") {
			t.Errorf("what is new is not next: %q", got)
		}
	}
	if page := notify.NewPage(m, 5); page.Decide[0].Where != "edge, historian" {
		t.Errorf("%+v", page.Decide[0])
	}
	all, more := notify.NewServerFindings(m)
	if len(all) != 3 || all[0].Words() != "edge: The server asks for no credential" || all[2].Words() != "historian: More admin users than allowed: root, ann, bob (new)" || more != "and 1 more server finding, see the evidence" {
		t.Errorf("%+v, %q", all, more)
	}
}

// TestDecideIsNoWall: five checks are named, and the others are counted.
func TestDecideIsNoWall(t *testing.T) {
	t.Parallel()
	m := notifytest.Typical()
	m.Summary.Policy = audit.Policy{}.Applied()
	m.Summary.NeedsAction.ByCheck = map[string]audit.CheckAction{}
	for _, c := range audit.Checks() {
		m.Summary.NeedsAction.ByCheck[c.ID] = audit.CheckAction{Tokens: 3}
	}
	all := m.Summary.Decide()
	for _, most := range []int{6, 8, 20} {
		var text string
		for _, l := range notify.NewContent(m, most).Lines {
			text += l.Text + l.More + "\n"
		}
		named := 0
		for _, d := range all {
			if strings.Contains(text, d.Check.Title+": 3 ") {
				named++
			}
		}
		if want := fmt.Sprintf("and %d more checks", len(all)-5); named != 5 || !strings.Contains(text, want) {
			t.Errorf("of %d lines %d checks are named, and %q:\n%s", most, named, want, text)
		}
	}
}

// TestWordsOfTheProduct: a message speaks of what the product of a token has.
func TestWordsOfTheProduct(t *testing.T) {
	t.Parallel()
	m := notifytest.Typical()
	h := notifytest.NewFindings()[0]
	h.Record.Product = audit.ProductEnterprise
	h.Findings = []audit.Finding{{Check: "operator", Severity: audit.Critical, State: audit.New}}
	want := audit.CheckOf("operator").On(audit.ProductEnterprise)
	if f := notify.NewTokens(m, []audit.Highlight{h})[0].Found[0]; f.Title != want.Title || f.Why != want.Why || f.Fix != want.Fix {
		t.Errorf("%+v", f)
	}
	m.Highlights.Server = []audit.Highlight{{
		Record:   audit.Record{Target: "plant", Authorization: audit.Authorization{ID: audit.ServerID, Product: audit.ProductV1}},
		Findings: []audit.Finding{{Check: "auth-off", Severity: audit.Critical, State: audit.New}},
	}}
	if got, _ := notify.NewServerFindings(m); len(got) != 1 || got[0].Title != "The server asks for no password" || !strings.Contains(got[0].Fix, "influxdb.conf") {
		t.Errorf("%+v", got)
	}
}

// TestConfigured: exceptions in force are told from those that are configured.
func TestConfigured(t *testing.T) {
	t.Parallel()
	m := notifytest.Typical()
	m.Summary.Exceptions, m.Summary.Previous.Exceptions, m.Summary.Policy.Exceptions = 3, 1, make([]audit.Exception, 4)
	figures := notify.NewPage(m, 5).Figures
	if f := figures[len(figures)-2]; f.Name != "Exceptions" || f.N != 3 || f.Change != "+2, was 1, of 4 configured" {
		t.Errorf("%+v", f)
	}
}

// TestTokenOfOtherProducts: a token without orgs and owners is placed by its target, and its
// command is that of its product, whatever its name.
func TestTokenOfOtherProducts(t *testing.T) {
	t.Parallel()
	name := "*ci* <!channel> `x`"
	h := audit.Highlight{
		Record:   audit.Record{Target: "factory", Presence: audit.Listed, Owner: audit.Owner{State: audit.OwnerNone}, Authorization: audit.Authorization{ID: "0000000000000001", Product: audit.ProductCore, Description: name, OrgID: "url-1", Org: "factory", Status: audit.Active}},
		Findings: []audit.Finding{{Check: "never-expires", Severity: audit.High, State: audit.New}},
	}
	var m notify.Message
	got := notify.NewTokens(m, []audit.Highlight{h})[0]
	if got.Where != "factory" || got.Owner != "no owner" || got.Name != name {
		t.Errorf("%+v", got)
	}
	if f := got.Worst(); f.Command != "influxdb3 delete token --token-name '*ci* <!channel> `x`'" || f.Before != "After the replacement works" {
		t.Errorf("%+v", f)
	}
	h.Record.Owner.State, h.Record.Product, h.Record.User = audit.OwnerPresent, audit.ProductV1, "al\"ice"
	if got := notify.NewTokens(m, []audit.Highlight{h})[0]; got.Owner != `al"ice` || got.Worst().Command != `influx -execute 'DROP USER "al\"ice"'` {
		t.Errorf("%+v", got)
	}
}

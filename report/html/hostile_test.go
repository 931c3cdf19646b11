package html

import (
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// breakouts are texts that would leave the place they stand in.
func breakouts() []string {
	return []string{
		`</script><script>alert(1)</script>`, `<!--<script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`,
		`</td></tr></table><h1>all is well</h1>`, `{{.Config}} ${alert(1)} ]]>`, "a\u202eb\u2066c\u200d\x00\x1b[31m\u2028", strings.Repeat("<b>", 100_000),
	}
}

// attacked has a breakout in every text that comes from outside.
func attacked(t testing.TB) table.Input {
	var records []audit.Record
	for i, s := range breakouts() {
		r := member(4*i + 1)
		r.Description, r.Org, r.OrgID, r.UserID, r.Owner.Name, r.Owner.Evidence, r.Evidence = s, s, s, s, s, s, s
		r.Status, r.Target = audit.Status(s), s
		r.Findings[0].Detail, r.Findings[0].State = s, audit.Open
		r.Changes = []audit.Change{{Field: "description", From: s, To: s}}
		r.Permissions = append(r.Permissions, audit.Permission{Action: s, Resource: audit.Resource{Type: s, ID: s, Name: s, OrgID: s, Org: s}})
		records = append(records, r)
	}
	in := of(t, records)
	for _, s := range breakouts() {
		in.Summary.Coverage.Reasons = append(in.Summary.Coverage.Reasons, s)
		in.Summary.Coverage.Targets = append(in.Summary.Coverage.Targets, audit.Coverage{
			Target: s, Source: s, Server: s, Verdict: audit.Partial, Reasons: []string{s}, BlindSpots: []string{s},
			Asked: []audit.Asked{{What: s, Request: s, Reason: s, Verdict: audit.NotKnown}},
		})
		in.Controls["active-write"] = append(in.Controls["active-write"], audit.Control{Framework: s, ID: s, Title: s, Source: "https://" + s})
		late := []audit.Revocation{{Target: s, Authorization: s, Description: s, User: s, Responsible: s + " ", Reviewer: s, Decision: s, State: s, Evidence: s}}
		in.Summary.Campaigns = append(in.Summary.Campaigns, audit.CampaignStatus{Name: s, ID: s, Revocations: audit.RevocationCounts{Decided: 1, Overdue: 1}, Overdue: late, Proven: late})
		in.Summary.Policy.ServiceUsers = append(in.Summary.Policy.ServiceUsers, s)
	}
	in.Config = strings.Join(breakouts(), "\n")
	return in
}

func TestPageHostileTextStaysText(t *testing.T) {
	t.Parallel()
	got := pageOf(t, attacked(t))
	for what, want := range map[string]int{"<script": 2, "</script": 2, "<!--": 0, "<img": 0, "<b>alert": 0, "<h1>": 1, "\u202e": 0, "\x00": 0, "\x1b": 0, "\u2028": 0} {
		if n := strings.Count(got, what); n != want {
			t.Errorf("%q stands there %d times, want %d", what, n, want)
		}
	}
	if len(got) > 1_500_000 { // of which the configuration, never cut, is 900,000
		t.Errorf("%d bytes: long text is not cut", len(got))
	}
	if !strings.Contains(got, "… (cut, 300,000 characters in all)") {
		t.Error("the cut is not marked")
	}
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
)

func printed(m notify.Message, columns int) string {
	var out bytes.Buffer
	printSummary(&out, m, nil, columns, false)
	return out.String()
}

// manyTargets lack the same things.
func manyTargets() notify.Message {
	m := notifytest.Incomplete(notifytest.Typical())
	c := &m.Summary.Coverage
	c.Targets = nil
	for i := range 30 {
		t := audit.NewCoverage(fmt.Sprintf("plant-%02d-with-a-name-that-is-rather-long/telemetry-of-the-hall", i))
		t.Gap(audit.CredentialSeesAll, audit.Partial, "the list left out authorizations that exist and whose owner was not deleted")
		t.AddBlindSpot("no date of creation is known of 3 tokens")
		c.Targets = append(c.Targets, t)
	}
	c.Accept(nil, m.Summary.Started)
	long := "firstname.lastname-hyphenated@manufacturing.plant-eu.example.com"
	for i := range m.Highlights.Owners {
		m.Highlights.Owners[i].Contact.Responsible = long
	}
	return m
}

// manyDecisions has something to decide of every check, with large numbers.
func manyDecisions() notify.Message {
	m := notifytest.Typical()
	a := &m.Summary.NeedsAction
	a.ByCheck = map[string]audit.CheckAction{}
	for _, c := range audit.Checks() {
		a.ByCheck[c.ID] = audit.CheckAction{Tokens: 123_456, New: 12_345, Overdue: 12_345, Oldest: m.Summary.Slot.AddDate(-1, 0, 0), Due: m.Summary.Slot}
	}
	return m
}

// TestSummaryFits: no line is longer than the terminal, and none where there is room is
// broken; names and remedies are whole.
func TestSummaryFits(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]notify.Message{
		"typical": notifytest.Typical(), "many targets": manyTargets(), "many decisions": manyDecisions(), "policy": notifytest.PolicyChanged(notifytest.Typical()), "accepted": notifytest.Accepted(notifytest.Typical()),
	} {
		for _, columns := range []int{60, 80, 200} {
			for line := range strings.Lines(printed(m, columns)) {
				if line = strings.TrimRight(line, "\n"); utf8.RuneCountInString(line) > columns && !strings.HasPrefix(line, "Reports in ") {
					t.Errorf("%s: %d runes at %d columns: %s", name, utf8.RuneCountInString(line), columns, line)
				}
			}
		}
	}
}

// TestSummaryCoverage: what many targets lack alike is said once, with its remedy whole.
func TestSummaryCoverage(t *testing.T) {
	t.Parallel()
	m := manyTargets()
	remedy := m.Summary.Coverage.Lines()[0].Remedy
	for _, columns := range []int{0, 80} {
		text := strings.Join(strings.Fields(printed(m, columns)), " ")
		for want, times := range map[string]int{
			"not seen: ": 1, "→ " + strings.Join(strings.Fields(remedy), " "): 1, "blind spot: ": 1, "and 27 more: ": 2,
		} {
			if got := strings.Count(text, want); got != times {
				t.Errorf("%d columns: %q stands %d times, not %d:\n%s", columns, want, got, times, text)
			}
		}
		_, who, _ := strings.Cut(text, " Who ")
		if strings.Contains(who, "…") || columns == 0 && strings.Count(who, m.Highlights.Owners[0].Contact.Responsible) != 3 {
			t.Errorf("%d columns: a name is cut:\n%s", columns, who)
		}
	}
}

// TestSummaryRetireOnce: the command that retires a target stands there once, with its name.
func TestSummaryRetireOnce(t *testing.T) {
	t.Parallel()
	m := notifytest.Typical()
	old := audit.NewCoverage("plant-old")
	m.Summary = audit.Summarize(m.Summary.Run(), nil, m.Summary.Finished, audit.Tool{}, audit.Policy{}, &audit.Previous{ID: "weekly/1", Coverage: []audit.Coverage{old}})
	text := strings.Join(strings.Fields(printed(m, 80)), " ")
	if strings.Count(text, "history retire") != 1 || !strings.Contains(text, "run tokenaudit history retire -c FILE plant-old --reason TEXT.") {
		t.Error(text)
	}
}

// TestSummaryOfEarlierVersions: what they did not count is no zero.
func TestSummaryOfEarlierVersions(t *testing.T) {
	t.Parallel()
	m := notifytest.Typical()
	m.Summary.NeedsAction = audit.ActionCounts{}
	text := printed(m, 0)
	for _, no := range []string{"\nNeeds action", "\nOverdue", "No token needs action"} {
		if strings.Contains(text, no) {
			t.Errorf("says %q:\n%s", no, text)
		}
	}
	if !strings.HasPrefix(text, "Tokens that need action were not counted\n") {
		t.Error(text)
	}
}

// TestSummaryOfNothing: where nothing could be read, a zero is not shown as a result.
func TestSummaryOfNothing(t *testing.T) {
	t.Parallel()
	m := notifytest.Quiet()
	for i := range m.Summary.Coverage.Targets {
		m.Summary.Coverage.Targets[i].Gap(audit.CredentialActive, audit.NotKnown, "401 unauthorized access")
	}
	m.Summary.Coverage.Accept(nil, m.Summary.Started)
	text := strings.Join(strings.Fields(printed(m, 80)), " ")
	for _, want := range []string{"Nothing could be read. This is not a pass", "Needs action ? New ? Fixed ? Overdue ? Exceptions 0", "Active write tokens: not known", "No findings in what was seen. This is not a pass."} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
}

// TestSummaryWithoutOwners: why they are not listed is said.
func TestSummaryWithoutOwners(t *testing.T) {
	t.Parallel()
	m := notifytest.Typical()
	m.Highlights = audit.Highlights{}
	var out bytes.Buffer
	printSummary(&out, m, errors.New("no such snapshot"), 80, false)
	if !strings.Contains(out.String(), "The owners are not listed: no such snapshot\n") {
		t.Error(out.String())
	}
}

// TestSummaryNames: nothing from outside acts on the terminal.
func TestSummaryNames(t *testing.T) {
	t.Parallel()
	for _, name := range notifytest.Hostile() {
		if text := printed(notifytest.Named(name), 80); strings.ContainsAny(text, "\x1b\x07\u202e\u200b\u2066\r") {
			t.Errorf("%q: %q", name, text)
		}
	}
}

// TestSummaryServers: what was found in servers names them, the worst first, with how to fix it.
func TestSummaryServers(t *testing.T) {
	t.Parallel()
	m := notifytest.Typical()
	m.Summary.NeedsAction.ByCheck["auth-off"] = audit.CheckAction{Tokens: 1}
	m.Summary.NeedsAction.Server = 2
	for check, s := range map[string]audit.Severity{"too-many-admins": audit.High, "auth-off": audit.Critical} {
		m.Highlights.Server = append(m.Highlights.Server, audit.Highlight{
			Record:   audit.Record{Target: "edge", Authorization: audit.Authorization{ID: audit.ServerID, Product: audit.ProductCore}},
			Findings: []audit.Finding{{Check: check, Severity: s, State: audit.New, Detail: "seen"}},
		})
	}
	_, text, _ := strings.Cut(printed(m, 0), "\nDecide\n")
	if lines := strings.Split(text, "\n"); !strings.Contains(lines[1], "auth-off") {
		t.Errorf("it does not lead:\n%s", text)
	}
	if want := "\nServers\n  critical: edge: The server asks for no credential: seen (new)\n    → Start InfluxDB without --without-auth."; !strings.Contains(text, want) {
		t.Errorf("%q is missing:\n%s", want, text)
	}
}

package audit

import (
	"fmt"
	"iter"
	"strings"
	"testing"
)

// owned gives each of n owners as many tokens with a new finding; the last owner's
// are critical.
func owned(owners, tokens int, id func(owner int) string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for o := range owners {
			for i := range tokens {
				f := Finding{Check: "active-write", Severity: Medium, State: New}
				if o == owners-1 {
					f = Finding{Check: "operator", Severity: Critical, State: New}
				}
				a := Authorization{ID: fmt.Sprintf("%08d-%08d", o, i), UserID: id(o), Description: strings.Repeat("x", 1000)}
				if !yield(Record{Target: "prod", Authorization: a, Findings: []Finding{f}}, nil) {
					return
				}
			}
		}
	}
}

// TestHighlightsAreBounded: whatever was found, they are small, count everything, and
// names the worst first.
func TestHighlightsAreBounded(t *testing.T) {
	const owners, tokens = 400, 40
	n, err := HighlightsOf(owned(owners, tokens, func(o int) string { return fmt.Sprint("user-", o) }))
	if err != nil {
		t.Fatal(err)
	}
	if n.Authorizations != owners*tokens || n.Findings != owners*tokens || len(n.Worst) != MaxWorst || len(n.Owners) != MaxOwners || n.MoreOwners != owners-MaxOwners {
		t.Errorf("%d tokens, %d findings, %d worst, %d owners and %d more", n.Authorizations, n.Findings, len(n.Worst), len(n.Owners), n.MoreOwners)
	}
	first := n.Owners[0]
	if first.Owner.ID != "user-399" || first.Tokens != tokens || len(first.Worst) != MaxOwnerTokens || n.Worst[0].Record.UserID != "user-399" {
		t.Errorf("first is %s with %d tokens, %d of them named", first.Owner.ID, first.Tokens, len(first.Worst))
	}
	if got := len(n.Worst[0].Record.Description); got != longest {
		t.Errorf("a description of %d bytes", got)
	}
}

// TestOwnerIDIsBounded: it names a part of the message.
func TestOwnerIDIsBounded(t *testing.T) {
	n, err := HighlightsOf(owned(1, 1, func(int) string { return strings.Repeat("é", 1000) }))
	if err != nil || len(n.Owners[0].Owner.ID) > longestID+len("�") {
		t.Errorf("%v, %+v", err, n.Owners)
	}
}

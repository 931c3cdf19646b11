package campaign

import (
	"context"
	"io/fs"
	"maps"
	"slices"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
)

// folder is a folder in memory.
type folder map[string]string

func (f folder) Read(_ context.Context, name string) ([]byte, error) {
	text, ok := f[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

func (f folder) Write(_ context.Context, name string, content []byte) error {
	f[name] = string(content)
	return nil
}

// TestImportCutOff kills an import after each of its files: until the line in
// imports.jsonl is there, nothing of it counts.
func TestImportCutOff(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	before := folder{}
	terms := Terms{Name: "quarterly", Job: "weekly", Zone: "UTC", Scope: ScopeAll, Due: 14 * 24 * time.Hour, DefaultWithin: time.Hour}
	items := []Item{{ID: "plant/o/1", Authorization: "1", Fingerprint: "f1", Reviewer: "ben@example.com"}}
	book, err := Create(t.Context(), before, terms.new(at, audit.Scheduled), items)
	if err != nil {
		t.Fatal(err)
	}
	whole := maps.Clone(before)
	received := Received{Name: "ben.csv", Content: []byte("rows"), Signature: []byte("sig"), Reviewer: "ben@example.com", Key: "SHA256:k"}
	in := book.NewImport(received, ".csv", at.Add(time.Hour))
	outcome := Outcome{
		Decisions: []Decision{{Import: 1, At: in.At, By: "ben@example.com", Signed: true, Item: "plant/o/1", Decision: Revoke, Fingerprint: "f1"}},
		Refused:   []Refusal{{Import: 1, At: in.At, File: in.File, Line: 3, Item: "x", Code: UnknownItem, Reason: "the campaign has no such item"}},
	}
	if err := book.Take(t.Context(), whole, in, received, outcome); err != nil {
		t.Fatal(err)
	}
	cut := maps.Clone(before)
	for _, name := range []string{in.File, in.File + SignatureSuffix, RefusedFile, DecisionsFile} {
		cut[name] = whole[name]
		got, err := Load(t.Context(), cut)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Imports)+len(got.Decisions)+len(got.Refused) > 0 || got.Status()[0].State != Pending {
			t.Errorf("after %s: %+v", name, got)
		}
	}
	cut[ImportsFile] = whole[ImportsFile]
	got, err := Load(t.Context(), cut)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Imports) != 1 || !slices.Equal(got.Decisions, outcome.Decisions) || !slices.Equal(got.Refused, outcome.Refused) || got.Status()[0].State != Signed {
		t.Errorf("got %+v", got)
	}
}

// TestOverdueWithoutReview counts a revocation as overdue also where no review looked
// since the decision.
func TestOverdueWithoutReview(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	b := Book{Campaign: Terms{Name: "quarterly", Due: 24 * time.Hour, DefaultWithin: time.Hour}.new(at, audit.Scheduled), Items: []Item{{ID: "plant/o/1", Fingerprint: "f1"}}}
	b.Decisions = []Decision{{At: at, By: "ben@example.com", Signed: true, Item: "plant/o/1", Decision: Revoke, Fingerprint: "f1"}}
	for after, overdue := range map[time.Duration]int{time.Hour: 0, time.Hour + 1: 1} {
		if r := b.Figures(at.Add(after)).Revocations; r.Overdue != overdue || r.Unproven != 1 || r.Outstanding != 1 || r.Decided != 1 {
			t.Errorf("after %v: %+v", after, r)
		}
	}
}

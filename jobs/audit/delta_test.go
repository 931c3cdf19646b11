package audit

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// weekly is one review of a made-up server: what it found, and under which policy.
type weekly struct {
	Summary
	records []Record
}

// weeks are reviews of a server whose tokens come, change, hide and go, under a policy that
// changes, too.
func weeks(t *testing.T, random *rand.Rand, n int) []weekly {
	t.Helper()
	var out []weekly
	tokens := map[string]Authorization{}
	policy := Policy{RotateAfter: 30 * day, Severity: map[string]Severity{}}
	for week := range n {
		at := reviewed.AddDate(0, 0, 7*week)
		answers, now := map[string]Probe{}, []Authorization{}
		for i := range 14 {
			id := fmt.Sprintf("%016x", 0xa0+i)
			a, there := tokens[id]
			switch change := random.IntN(12); {
			case !there && change > 5, there && change == 0:
				delete(tokens, id)
				answers[id] = Probe{Presence: Gone, Evidence: "404 authorization not found"}
				continue
			case !there:
				a = token(id, "")
				a.CreatedAt = at.AddDate(0, 0, -random.IntN(60))
				a.UpdatedAt = a.CreatedAt
			case change == 1:
				a.Description, a.UpdatedAt = []string{"", "gateway", "backup"}[random.IntN(3)], at
			case change == 2:
				a.Status, a.UpdatedAt = []Status{Active, Inactive}[random.IntN(2)], at
			case change == 3:
				a.Permissions = [][]Permission{{read("buckets")}, {write("buckets")}, {writeBucket("b1", "one")}}[random.IntN(3)]
			case change == 4:
				a.UserID = []string{user, "00000000000000ff"}[random.IntN(2)]
			case change == 5:
				a.UpdatedAt = at
			}
			tokens[id] = a
			switch random.IntN(8) {
			case 0:
				answers[id] = Probe{Presence: Hidden, Owner: &Owner{State: OwnerDeleted, Evidence: "404 user not found"}}
			case 1:
				answers[id] = Probe{Presence: Unseen, Evidence: "500"}
			default:
				now = append(now, a)
			}
		}
		check := []string{"no-description", "not-rotated", "deleted-owner", "active-write", "permission-drift"}[random.IntN(5)]
		policy.Severity = map[string]Severity{}
		if random.IntN(2) == 0 {
			policy.Severity[check] = []Severity{Off, Critical}[random.IntN(2)]
		}
		rv := reviewAt(at, answers)
		rv.Policy = policy
		var before []Record
		if week > 0 {
			last := out[week-1]
			for _, r := range last.records {
				r.JudgedIn = last.ID
				r.Judged = JudgedUnder(last.Policy, policy.Applied())
				before = append(before, r)
			}
		}
		s := Summary{ID: fmt.Sprint(week), Started: at, Policy: policy.Applied()}
		out = append(out, weekly{s, merged(t, rv, now, before)})
	}
	return out
}

// deltas are those of records in words, by token.
func deltas(t *testing.T, records iter.Seq2[Record, error], at time.Time) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for r, err := range records {
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range r.Deltas(at) {
			out[r.ID] = append(out[r.ID], strings.TrimSpace(fmt.Sprintf("%s %s %s %s>%s", d.Kind.ID(), d.Field, d.Check, d.From, d.To)))
		}
	}
	return out
}

// TestSinceTheReviewBefore: two reviews in a row differ by what the second one says itself.
func TestSinceTheReviewBefore(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(25) {
		all := weeks(t, rand.New(rand.NewPCG(seed, 1)), 7)
		for i := 1; i < len(all); i++ {
			before, now := all[i-1], all[i]
			want := deltas(t, seqOf(now.records...), now.Started)
			got := deltas(t, now.Since(before.Summary, seqOf(before.records...), seqOf(now.records...), func(r Record) { t.Errorf("lost: %s", r.ID) }), now.Started)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, week %d (-review +comparison):\n%s", seed, i, diff)
			}
			for _, ds := range want {
				for _, d := range ds {
					kind, _, _ := strings.Cut(d, " ")
					seen[kind] = true
				}
			}
		}
	}
	for _, k := range deltaKinds { // so that the test means something
		if !seen[k.id] {
			t.Errorf("no review had %q", k.id)
		}
	}
}

// TestSinceAnEarlierReview: of two reviews with others between, a token is new, gone or has
// a new finding by what the two of them have, whatever came and went in between.
func TestSinceAnEarlierReview(t *testing.T) {
	for seed := range uint64(25) {
		all := weeks(t, rand.New(rand.NewPCG(seed, 2)), 7)
		for i := range all {
			for j := i + 2; j < len(all); j++ {
				before, now := all[i], all[j]
				got := deltas(t, now.Since(before.Summary, seqOf(before.records...), seqOf(now.records...), func(r Record) { t.Errorf("lost: %s", r.ID) }), now.Started)
				if diff := cmp.Diff(apart(before.records, now.records), ends(got)); diff != "" {
					t.Fatalf("seed %d, weeks %d and %d (-records +comparison):\n%s", seed, i, j, diff)
				}
			}
		}
	}
}

// apart are the ends of the differences that can be read off the two snapshots alone.
func apart(before, now []Record) map[string][]string {
	since := func(r Record, check string) time.Time { // zero where it does not stand
		for _, f := range r.Findings {
			if f.Check == check && f.Current() {
				return f.Since
			}
		}
		return time.Time{}
	}
	was := map[string]Record{}
	for _, r := range before {
		was[r.ID] = r
	}
	out := map[string][]string{}
	for _, n := range now {
		b, there := was[n.ID]
		var ds []string
		switch {
		case there && b.Exists() && !n.Exists():
			ds = append(ds, "gone")
		case !there && n.Exists() && n.Presence == Listed:
			ds = append(ds, "new")
		}
		if !there && !n.Exists() || there && !b.Exists() && !n.Exists() {
			continue
		}
		if there && n.Exists() && b.Description != n.Description {
			ds = append(ds, "changed description "+b.Description+">"+n.Description)
		}
		for _, c := range checks {
			was, is := since(b, c.ID), since(n, c.ID)
			if again := c.Event && is.After(was); was.IsZero() != is.IsZero() || again {
				ds = append(ds, fmt.Sprintf("%s %t", c.ID, !is.IsZero()))
			}
		}
		if len(ds) > 0 {
			slices.Sort(ds)
			out[n.ID] = ds
		}
	}
	return out
}

// ends are what differences say of the two reviews, without how it came to that.
func ends(all map[string][]string) map[string][]string {
	out := map[string][]string{}
	for id, ds := range all {
		var kept []string
		for _, d := range ds {
			kind, rest, _ := strings.Cut(d, " ")
			rest, _, _ = strings.Cut(strings.TrimSpace(rest)+" ", " ")
			switch {
			case kind == "gone", kind == "new":
				kept = append(kept, kind)
			case strings.HasPrefix(d, "changed description"):
				kept = append(kept, strings.Join(strings.Fields(d)[:2], " ")+" "+strings.TrimSpace(strings.TrimPrefix(d, "changed description")))
			case kind == "finding-resolved", kind == "finding-not-judged":
				kept = append(kept, rest+" false")
			case strings.HasPrefix(kind, "finding"):
				kept = append(kept, rest+" true")
			}
		}
		if len(kept) > 0 {
			slices.Sort(kept)
			out[id] = kept
		}
	}
	return out
}

// TestSinceAnEarlierPolicy: what only a change of policy shows is no news, also where the
// change is not between the last two reviews.
func TestSinceAnEarlierPolicy(t *testing.T) {
	off := Policy{Severity: map[string]Severity{"no-description": Off}}
	var all []weekly
	var before []Record
	for i, policy := range []Policy{off, {}, {}} {
		rv := reviewAt(reviewed.AddDate(0, 0, 7*i), map[string]Probe{})
		rv.Policy = policy
		tokens := []Authorization{token("a1", "")}
		if i > 0 { // it lost its description, too, but after the policy changed
			tokens = append(tokens, token("b2", ""))
		} else {
			tokens = append(tokens, token("b2", "gateway"))
		}
		records := merged(t, rv, tokens, before)
		all = append(all, weekly{Summary{Started: rv.Now, Policy: policy.Applied()}, records})
		before = slices.Clone(records)
		for j := range before {
			before[j].JudgedIn, before[j].Judged = "last", JudgedUnder(policy.Applied(), Policy{}.Applied())
		}
	}
	now := all[2]
	got := deltas(t, now.Since(all[0].Summary, seqOf(all[0].records...), seqOf(now.records...), func(Record) {}), now.Started)
	want := map[string][]string{"a1": {"finding-by-policy  no-description >description is empty"}, "b2": {"changed description  gateway>", "finding-new  no-description >description is empty"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

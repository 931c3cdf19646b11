package runner_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/runner"
)

// both are a ledger and an evidence folder, by the packs that each knows.
type both struct {
	known, sealed []audit.Pack
	chain         *audit.Link
}

func (b both) Packs(context.Context, string) ([]audit.Pack, error) { return b.known, nil }

func (b both) Newest(_ context.Context, _ string, most int) ([]audit.Pack, *audit.Link, error) {
	return b.sealed[:min(most, len(b.sealed))], b.chain, nil
}

func (b both) Pack(_ context.Context, run audit.Run) (audit.Pack, error) {
	if i := slices.IndexFunc(b.sealed, func(p audit.Pack) bool { return p.Run.ID() == run.ID() }); i >= 0 {
		return b.sealed[i], nil
	}
	return audit.Pack{}, fs.ErrNotExist
}

// weekly is the pack of that number, of the slot of that week.
func weekly(number, week int) audit.Pack {
	slot := at("2026-01-05 09:00").AddDate(0, 0, 7*week)
	run := audit.Run{Job: "weekly", Slot: slot, Trigger: audit.Scheduled, Started: slot.Add(time.Second)}
	return audit.Pack{Run: run, Link: audit.Link{Sequence: number, Run: run.ID(), Manifest: fmt.Sprint("hash of ", number)}}
}

// weeks are packs in descending order.
func weeks(from, to int) (out []audit.Pack) {
	for n := from; n >= to; n-- {
		out = append(out, weekly(n, n))
	}
	return out
}

func TestAgree(t *testing.T) {
	t.Parallel()
	with := func(p audit.Pack, change func(*audit.Pack)) audit.Pack {
		change(&p)
		return p
	}
	running := func(p *audit.Pack) { p.Running, p.Link.Sequence, p.Link.Manifest = true, 0, "" }
	lost := func(p *audit.Pack) { p.Run.Trigger = audit.Lost }
	changed := func(p *audit.Pack) { p.Link.Manifest = "another" }
	link := func(n int) *audit.Link { l := weekly(n, n).Link; return &l }
	// The slot of week 1 was caught up after six reviews by hand.
	behind := append(weeks(9, 3), weekly(10, 1))
	for _, tc := range []struct {
		name string
		both both
		want string // "" if they agree
	}{
		{"nothing", both{}, ""},
		{"the same", both{weeks(9, 1), weeks(9, 1), link(9)}, ""},
		{"no chain.json", both{weeks(9, 1), weeks(9, 1), nil}, ""},
		{"retention took old ones", both{weeks(9, 1), weeks(9, 5), link(9)}, ""},
		{"the newest number is of an old slot", both{append(behind[7:], behind[:7]...), behind, nil}, ""},
		{"the first run is under way", both{[]audit.Pack{with(weekly(1, 1), running)}, nil, nil}, ""},
		{"cut off after the pack", both{append([]audit.Pack{with(weekly(4, 4), running)}, weeks(3, 1)...), weeks(4, 1), link(4)}, ""},
		{"cut off before the chain", both{append([]audit.Pack{with(weekly(4, 4), running)}, weeks(3, 1)...), weeks(4, 1), link(3)}, ""},
		{"a loss that is known", both{append([]audit.Pack{with(weekly(5, 5), lost)}, weeks(3, 1)...), weeks(3, 1), link(5)}, ""},
		{"a damaged pack that is known", both{append([]audit.Pack{with(weekly(4, 4), lost)}, weeks(3, 1)...), append([]audit.Pack{with(weekly(4, 4), changed)}, weeks(3, 1)...), link(4)}, ""},

		{"lost", both{nil, weeks(3, 1), link(3)}, "the evidence has pack 3 (run weekly/2026-01-26T0900Z), but the ledger knows no review of the job"},
		{"lost, and a run begun since", both{[]audit.Pack{with(weekly(1, 9), running)}, weeks(3, 1), link(3)}, "knows no review of the job"},
		{"lost, and the packs too", both{nil, nil, link(3)}, "ends with pack 3"},
		{"older", both{weeks(7, 1), weeks(9, 1), link(9)}, "ends with pack 7 (run weekly/2026-02-23T0900Z), but the evidence also has pack 9"},
		{"older, by the chain alone", both{behind[:7], behind[:7], link(10)}, "ends with pack 10"},
		{"older, with a run under way that ended", both{append([]audit.Pack{with(weekly(8, 8), running)}, weeks(7, 1)...), weeks(9, 1), link(9)}, "also has pack 9"},
		{"another review under way in a slot", both{append([]audit.Pack{with(weekly(4, 4), func(p *audit.Pack) { running(p); p.Run.Started = p.Run.Started.Add(time.Hour) })}, weeks(3, 1)...), weeks(4, 1), link(4)}, "another review of that slot"},
		{"went on without some packs", both{[]audit.Pack{weekly(2, 9), weekly(1, 8)}, append([]audit.Pack{weekly(2, 9), weekly(1, 8)}, weeks(3, 1)...), nil}, "also has pack 3"},
		{"changed", both{weeks(3, 1), append([]audit.Pack{with(weekly(3, 3), changed)}, weeks(2, 1)...), nil}, "differs from the ledger"},
		{"damaged", both{weeks(3, 1), append([]audit.Pack{with(weekly(3, 3), func(p *audit.Pack) { changed(p); p.Damaged, p.Link.Sequence = "cut", 0 })}, weeks(2, 1)...), link(3)}, "a pack of run weekly/2026-01-26T0900Z in the evidence differs"},
		{"chain of another", both{weeks(3, 1), weeks(3, 1), &audit.Link{Sequence: 3, Run: weekly(3, 3).Run.ID(), Manifest: "another"}}, "the chain of the evidence"},
		{"another folder", both{weeks(3, 1), nil, nil}, "the evidence lacks pack 3"},
		{"the newest packs are gone", both{weeks(3, 1), weeks(2, 1), link(3)}, "the evidence lacks pack 3"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := runner.Agree(t.Context(), tc.both, tc.both, "weekly")
			if tc.want == "" && err != nil || tc.want != "" && (!errors.As(err, new(*runner.DisagreementError)) || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			if no, ok := errors.AsType[*runner.DisagreementError](err); ok && no.Lacking != strings.Contains(tc.want, "the evidence lacks") {
				t.Errorf("lacking: %t, in %v", no.Lacking, err)
			}
		})
	}
}

// busy is a ledger and evidence to which another process adds a pack each time that one
// of them is asked.
type busy struct{ packs int }

func (b *busy) now() []audit.Pack {
	b.packs++
	return weeks(b.packs, 1)
}

func (b *busy) Packs(context.Context, string) ([]audit.Pack, error) { return b.now(), nil }

func (b *busy) Newest(_ context.Context, _ string, most int) ([]audit.Pack, *audit.Link, error) {
	packs := b.now()
	return packs[:min(most, len(packs))], &packs[0].Link, nil
}

func (b *busy) Pack(_ context.Context, run audit.Run) (audit.Pack, error) {
	return both{sealed: b.now()}.Pack(context.Background(), run)
}

// TestAgreeWhileAnotherReviews: what another process finishes in between is no
// disagreement.
func TestAgreeWhileAnotherReviews(t *testing.T) {
	t.Parallel()
	b := &busy{packs: 3}
	if err := runner.Agree(t.Context(), b, b, "weekly"); err != nil {
		t.Error(err)
	}
}

// TestDisagreementWritesNothing: a run neither begins nor goes on, and nothing is
// delivered, while the ledger is not the one of the evidence.
func TestDisagreementWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	w.now, w.refuse = at("2026-11-23 09:00"), errors.New("Slack is away")
	if _, err := w.runner.Tick(t.Context(), w.job); err == nil {
		t.Fatal("delivered")
	}
	before, err := w.ledger.Status(t.Context(), w.job.Name)
	if err != nil {
		t.Fatal(err)
	}
	no := &runner.DisagreementError{Job: "weekly", Text: "an older copy"}
	w.runner.Agree = func(context.Context, string) error { return no }
	w.refuse = nil
	for _, now := range []string{"2026-11-23 09:01", "2026-11-30 09:00"} {
		w.now = at(now)
		if _, err := w.runner.Tick(t.Context(), w.job); !errors.Is(err, no) {
			t.Errorf("%s: error %v", now, err)
		}
		if _, err := w.runner.ReviewNow(t.Context(), w.job); !errors.Is(err, no) {
			t.Errorf("%s, by hand: error %v", now, err)
		}
	}
	after, err := w.ledger.Status(t.Context(), w.job.Name)
	if err != nil || len(w.sent) > 0 || after.Running != nil || !after.Reached.Equal(before.Reached) {
		t.Errorf("sent %v, status %+v, %v", w.sent, after, err)
	}
}

// TestSealedSlot: a slot with a pack is not reviewed again, whatever the ledger knows.
func TestSealedSlot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	sealed := map[string]bool{"weekly/2026-11-23T0900Z": true, "weekly/2026-11-25T1200Z": true}
	w.runner.Snapshots = sealedSlots{w.runner.Snapshots.(evidence.Archive), sealed}
	w.now = at("2026-11-23 09:00")
	if s := w.tick(); s != nil || w.prod.calls.Load() > 0 {
		t.Errorf("reviewed %s", s.ID)
	}
	status, err := w.ledger.Status(t.Context(), w.job.Name)
	if err != nil || !status.Reached.Equal(w.now) || status.Running != nil {
		t.Errorf("status %+v, %v", status, err)
	}
	w.now = at("2026-11-25 12:00").Add(30 * time.Second)
	if s, err := w.runner.ReviewNow(t.Context(), w.job); err != nil || s.ID != "weekly/2026-11-25T120030Z" {
		t.Errorf("%+v, %v", s, err)
	}
	w.now = at("2026-11-30 09:00")
	if s := w.tick(); s == nil || s.Missed != 0 {
		t.Errorf("the next slot: %+v", s)
	}
}

type sealedSlots struct {
	evidence.Archive
	runs map[string]bool
}

func (s sealedSlots) Sealed(_ context.Context, run audit.Run) (bool, error) {
	return s.runs[run.ID()], nil
}

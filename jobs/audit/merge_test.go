package audit

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seqOf walks values without an error.
func seqOf[T any](vs ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range vs {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func token(id, description string) Authorization {
	a := clean().Authorization
	a.ID, a.Description = id, description
	return a
}

// reviewAt is a review by a credential that sees everybody; answers are what a
// probe says, by ID.
func reviewAt(at time.Time, answers map[string]Probe) Review {
	return Review{Target: "prod", Now: at, Collection: Collection{
		Owner: func(_ context.Context, a Authorization) Owner {
			return Owner{ID: a.UserID, Name: a.User, State: OwnerPresent, MembershipKnown: true}
		},
		Probe: func(_ context.Context, a Authorization) Probe {
			if p, ok := answers[a.ID]; ok {
				return p
			}
			return Probe{Presence: Unseen}
		},
	}}
}

func merged(t *testing.T, rv Review, now []Authorization, before []Record) []Record {
	t.Helper()
	var out []Record
	rv.Authorizations = seqOf(now...)
	for r, err := range rv.Merge(t.Context(), t.Context(), seqOf(before...)) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// line says what matters of a record in one line.
func line(r Record) string {
	var b strings.Builder
	b.WriteString(r.ID + " " + string(r.Presence) + " " + string(r.Owner.State) + " first " + r.FirstSeen.Format("01-02") + " last " + r.LastSeen.Format("01-02"))
	for _, f := range r.Findings {
		b.WriteString(" " + f.Check + "=" + string(f.State) + "@" + f.Since.Format("01-02"))
	}
	return b.String()
}

func lines(rs []Record) []string {
	var out []string
	for _, r := range rs {
		out = append(out, line(r))
	}
	return out
}

func TestMergeOverWeeks(t *testing.T) {
	week := func(n int) time.Time { return reviewed.AddDate(0, 0, 7*n) }
	var history []Record
	step := func(n int, answers map[string]Probe, now []Authorization, want ...string) {
		t.Helper()
		history = merged(t, reviewAt(week(n), answers), now, history)
		if diff := cmp.Diff(want, lines(history)); diff != "" {
			t.Fatalf("week %d (-want +got):\n%s", n, diff)
		}
	}
	deleted := Probe{Presence: Hidden, Owner: &Owner{State: OwnerDeleted, Evidence: "404 user not found"}}
	gone := Probe{Presence: Gone}

	step(0, nil, []Authorization{token("a1", ""), token("b2", "fine"), token("c3", "")},
		"a1 listed present first 11-23 last 11-23 no-description=new@11-23",
		"b2 listed present first 11-23 last 11-23",
		"c3 listed present first 11-23 last 11-23 no-description=new@11-23")
	step(1, map[string]Probe{"b2": deleted, "c3": gone}, []Authorization{token("a1", "now described")},
		"a1 listed present first 11-23 last 11-30 no-description=resolved@11-30",
		"b2 hidden deleted first 11-23 last 11-30 deleted-owner=new@11-30",
		"c3 gone present first 11-23 last 11-23 no-description=resolved@11-30")
	step(2, map[string]Probe{"b2": deleted}, []Authorization{token("a1", ""), token("d4", "fine")},
		"a1 listed present first 11-23 last 12-07 no-description=reopened@12-07",
		"b2 hidden deleted first 11-23 last 12-07 deleted-owner=open@11-30",
		"c3 remembered present first 11-23 last 11-23 no-description=resolved@11-30",
		"d4 listed present first 12-07 last 12-07")
	step(3, nil, nil, // the server lists nothing and says nothing about single ones
		"a1 unseen unknown first 11-23 last 12-07 no-description=open@12-07",
		"b2 unseen deleted first 11-23 last 12-07 deleted-owner=open@11-30",
		"c3 remembered present first 11-23 last 11-23 no-description=resolved@11-30",
		"d4 unseen unknown first 12-07 last 12-07")
	step(4, map[string]Probe{"b2": gone, "d4": gone}, []Authorization{token("a1", "")},
		"a1 listed present first 11-23 last 12-21 no-description=open@12-07",
		"b2 gone deleted first 11-23 last 12-07 deleted-owner=resolved@12-21",
		"c3 remembered present first 11-23 last 11-23 no-description=resolved@11-30",
		"d4 gone unknown first 12-07 last 12-07")
	step(5, nil, []Authorization{token("a1", ""), token("c3", "")}, // one is back, long after it was gone
		"a1 listed present first 11-23 last 12-28 no-description=open@12-07",
		"b2 remembered deleted first 11-23 last 12-07 deleted-owner=resolved@12-21",
		"c3 listed present first 11-23 last 12-28 back-again=new@12-28 no-description=reopened@12-28",
		"d4 remembered unknown first 12-07 last 12-07")
	for r, err := range Population(seqOf(history...)) {
		if err != nil || r.Presence == Remembered {
			t.Errorf("the population has %s, %v", line(r), err)
		}
	}
	var counts Counts = NewCounts()
	for _, r := range history {
		counts.Add(r, week(5))
	}
	if a := counts.Authorizations; a.Total != 2 || a.New != 0 || a.Gone != 0 {
		t.Errorf("counts %+v", a)
	}
	step(65, nil, []Authorization{token("a1", "")}, // what was gone for more than a year is forgotten
		"a1 listed present first 11-23 last 02-21 no-description=open@12-07",
		"c3 unseen unknown first 11-23 last 12-28 back-again=open@12-28 no-description=open@12-28")
}

// TestOtherSources: of an authorization whose source did not answer nothing is known,
// whatever its ID answers here.
func TestOtherSources(t *testing.T) {
	in := func(id, org string, p Presence, deleted bool) Record {
		a := token(id, "")
		a.OrgID = org
		return Record{Authorization: a, Presence: p, OrgDeleted: deleted, FirstSeen: reviewed, LastSeen: reviewed, Findings: []Finding{{Check: "no-description", State: New, Since: reviewed}}}
	}
	before := []Record{in("a1", "here", Listed, false), in("b2", "there", Listed, false), in("c3", "retired", Listed, false), in("d4", "was", Hidden, true)}
	answers := map[string]Probe{}
	for _, r := range before {
		answers[r.ID] = Probe{Presence: Gone, Request: "GET /{id}"}
	}
	for name, tc := range map[string]struct {
		deletedOrgs bool
		want        []string
	}{
		"by their sources":        {false, []string{"a1 gone resolved", "b2 unseen open", "d4 unseen open"}},
		"after a version without": {true, []string{"a1 gone resolved", "b2 unseen open", "d4 gone resolved"}},
	} {
		rv := reviewAt(reviewed.Add(7*day), answers)
		rv.Sources, rv.Store, rv.Elsewhere, rv.DeletedOrgs = map[string]bool{"server/here": true}, ServerStore, map[string]int{}, tc.deletedOrgs
		rv.Retired = map[string]Retirement{"server/retired": {}}
		rv.Probed = map[string]map[Presence]int{}
		var got []string
		for _, r := range merged(t, rv, nil, before) {
			got = append(got, r.ID+" "+string(r.Presence)+" "+string(r.Findings[0].State))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if asked := map[string]map[Presence]int{"GET /{id}": {Gone: strings.Count(strings.Join(tc.want, ","), "gone")}}; !cmp.Equal(asked, rv.Probed) { // not what is elsewhere
			t.Errorf("%s: asked for were %v, want %v", name, rv.Probed, asked)
		}
		if rv.Elsewhere["server/there"] != 1 || rv.Elsewhere["server/retired"] != 1 {
			t.Errorf("%s: elsewhere %v", name, rv.Elsewhere)
		}
	}
}

// TestUnion: of one ID the first review that has it counts.
func TestUnion(t *testing.T) {
	of := func(target string, ids ...string) iter.Seq2[Record, error] {
		var rs []Record
		for _, id := range ids {
			r := Record{Target: target, Authorization: token(id, "")}
			if target != "import" && id != "e5" { // which nobody saw yet
				r.LastSeen = reviewed
			}
			rs = append(rs, r)
		}
		return seqOf(rs...)
	}
	var got []string
	for r, err := range Union(of("own", "b2", "d4"), of("other", "a1", "b2", "e5"), of("import", "a1", "c3", "d4", "e5")) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.ID+" "+r.Target)
	}
	if diff := cmp.Diff([]string{"a1 other", "b2 own", "c3 import", "d4 own", "e5 import"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	bad := func(yield func(Record, error) bool) { yield(Record{}, errors.New("cut")) }
	for _, err := range Union(of("own", "a1"), bad) {
		if err == nil || err.Error() != "cut" {
			t.Errorf("error %v", err)
		}
		break
	}
}

// TestImported: an imported list has no status and no dates, and what it knows of was
// never seen by a review.
func TestImported(t *testing.T) {
	known := func(id string) Record {
		a := token(id, "fine")
		a.Status, a.OrgID, a.CreatedAt, a.UpdatedAt = "", "", time.Time{}, time.Time{}
		return Record{Authorization: a, Presence: Unseen}
	}
	found := token("c3", "fine")
	rv := reviewAt(reviewed, map[string]Probe{"b2": {Presence: Gone}, "c3": {Presence: Hidden, Authorization: &found, Owner: &Owner{State: OwnerDeleted}}})
	rv.Policy.InactiveAfter = day
	want := []string{"a1 listed present first 11-23 last 11-23", "b2 remembered  first 11-23 last 11-23", "c3 hidden deleted first 11-23 last 11-23 deleted-owner=new@11-23"}
	got := merged(t, rv, []Authorization{token("a1", "fine")}, []Record{known("a1"), known("b2"), known("c3")})
	if diff := cmp.Diff(want, lines(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, r := range got {
		if len(r.Changes) > 0 {
			t.Errorf("%s has changed since it was imported, without a status and an org: %+v", r.ID, r.Changes)
		}
	}
}

// TestImportedOfAnotherServer: what the imported list has stands until the server of that
// list answers, also when the list is imported no more.
func TestImportedOfAnotherServer(t *testing.T) {
	imported := token("b2", "fine")
	imported.Status = ""
	before := []Record{{Authorization: imported, Presence: Unseen}}
	gone := map[string]Probe{"b2": {Presence: Gone}}
	rv := reviewAt(reviewed, gone)
	rv.Known, rv.KnownElsewhere = func(func(Record, error) bool) {}, true
	week := func(want string) {
		t.Helper()
		before = merged(t, rv, nil, before)
		if diff := cmp.Diff([]string{want}, lines(before)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	const stands = "b2 unseen  first 01-01 last 01-01"
	week(stands)
	rv.Known, rv.KnownElsewhere = nil, false
	before[0].JudgedIn = "weekly/2026-11-23T0900Z"
	rv.Store, rv.Sources, rv.Elsewhere = ServerStore, map[string]bool{SourceOf(ServerStore, "other"): true}, map[string]int{}
	week(stands)
	org := before[0].OrgID
	before[0].OrgID = "" // which the list does not always say
	week(stands)
	before[0].OrgID = org
	rv.Sources[SourceOf(ServerStore, org)] = true
	week("b2 remembered  first 11-23 last 11-23")
}

func TestUnknownResolvesNothing(t *testing.T) {
	before := Record{Authorization: token("a1", "fine"), Presence: Listed, FirstSeen: reviewed,
		Findings: []Finding{{Check: "deleted-owner", Severity: Critical, State: New, Since: reviewed}, {Check: "owner-not-member", Severity: Medium, State: Open, Since: reviewed}}}
	rv := reviewAt(reviewed.Add(7*day), nil)
	rv.Owner = func(context.Context, Authorization) Owner { return Owner{State: OwnerUnknown} }
	got := merged(t, rv, []Authorization{token("a1", "fine")}, []Record{before})
	want := []string{"a1 listed unknown first 11-23 last 11-30 deleted-owner=open@11-23 owner-not-member=open@11-23"}
	if diff := cmp.Diff(want, lines(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCheckSwitchedOffIsNotResolved(t *testing.T) {
	before := merged(t, reviewAt(reviewed, nil), []Authorization{token("a1", "")}, nil)
	rv := reviewAt(reviewed.Add(7*day), nil)
	rv.Policy.Severity = map[string]Severity{"no-description": Off}
	for week, want := range []string{" no-description=not judged@11-30", ""} {
		rv.Now = reviewed.Add(time.Duration(week+1) * 7 * day)
		before = merged(t, rv, []Authorization{token("a1", "")}, before)
		if got := line(before[0]); !strings.HasSuffix(got, rv.Now.Format("last 01-02")+want) {
			t.Errorf("week %d: %s, want %q at its end", week, got, want)
		}
	}
}

func TestHiddenWithoutAReasonLowersCoverage(t *testing.T) {
	before := merged(t, reviewAt(reviewed, nil), []Authorization{token("a1", "fine")}, nil)
	a := token("a1", "")
	got := merged(t, reviewAt(reviewed.Add(7*day), map[string]Probe{"a1": {Presence: Hidden, Authorization: &a}}), nil, before)
	if diff := cmp.Diff([]string{"a1 hidden present first 11-23 last 11-30 no-description=new@11-30"}, lines(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	cov := NewCoverage("prod")
	cov.Count(got[0])
	if cov.Verdict != Partial || cov.Hidden != 1 {
		t.Errorf("coverage %+v, want partial with one hidden", cov)
	}
}

// TestDriftStands: the alarm stays until the token is gone, and the next change is another one.
func TestDriftStands(t *testing.T) {
	a := token("a1", "fine")
	history := merged(t, reviewAt(reviewed, nil), []Authorization{a}, nil)
	for week, want := range []string{"new@11-30", "open@11-30", "open@11-30", "new@12-21", "open@12-21"} {
		a.Permissions = []Permission{read("tasks")}
		if week >= 3 {
			a.Permissions = []Permission{read("tasks"), read("buckets")}
		}
		history = merged(t, reviewAt(reviewed.AddDate(0, 0, 7*(week+1)), nil), []Authorization{a}, history)
		if got := line(history[0]); !strings.HasSuffix(got, "permission-drift="+want) {
			t.Errorf("week %d: %s, want %s", week+1, got, want)
		}
	}
	renamed := a
	renamed.Permissions = slices.Clone(a.Permissions)
	renamed.Permissions[0].Resource.Org, renamed.User = "a new name", "another name"
	if got := changes(a, renamed); got != nil {
		t.Errorf("names are looked up, not stored: %v", got)
	}
}

// TestLegacyAndTokenOfOneID: IDs are unique per kind only.
func TestLegacyAndTokenOfOneID(t *testing.T) {
	legacy := token("a1", "legacy")
	legacy.Legacy = true
	got := merged(t, reviewAt(reviewed, nil), []Authorization{token("a1", "token"), token("b2", "token"), legacy}, nil)
	if len(got) != 3 || !got[2].Legacy {
		t.Errorf("%v", lines(got))
	}
}

func TestSettle(t *testing.T) {
	for name, test := range map[string]struct {
		stored         *Stored
		listed, hidden int
		verdict        Verdict
		wantHidden     int
	}{
		"no counts":              {nil, 5, 0, Complete, 0},
		"all listed":             {&Stored{Authorizations: 5}, 5, 0, Complete, 0},
		"hidden ones are known":  {&Stored{Authorizations: 7}, 5, 2, Complete, 2},
		"one more than is known": {&Stored{Authorizations: 8}, 5, 2, Partial, 3},
		"fewer than are listed":  {&Stored{Authorizations: 4}, 5, 0, Partial, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := Coverage{Verdict: Complete, Stored: test.stored, Listed: test.listed, Hidden: test.hidden}
			c.Reconcile()
			if c.Verdict != test.verdict || c.Hidden != test.wantHidden || (test.stored == nil) != (len(c.BlindSpots) == 1) {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestMergeErrors(t *testing.T) {
	broken := errors.New("line cut")
	failing := func(yield func(Authorization, error) bool) {
		_ = yield(token("a1", "x"), nil) && yield(Authorization{}, broken)
	}
	tests := map[string]struct {
		now    iter.Seq2[Authorization, error]
		before iter.Seq2[Record, error]
		want   string
	}{
		"the list fails":           {failing, seqOf[Record](), "line cut"},
		"the list does not ascend": {seqOf(token("b2", ""), token("a1", "")), seqOf[Record](), `"a1" after "b2"`},
		"an ID repeats":            {seqOf(token("a1", ""), token("a1", "")), seqOf[Record](), `"a1" after "a1"`},
		"the snapshot fails": {seqOf(token("z9", "")), func(yield func(Record, error) bool) { yield(Record{}, broken) },
			"line cut"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var last error
			rv := reviewAt(reviewed, nil)
			rv.Authorizations = test.now
			for _, err := range rv.Merge(t.Context(), t.Context(), test.before) {
				last = err
			}
			if last == nil || !strings.Contains(last.Error(), test.want) {
				t.Errorf("error %v, want one with %q", last, test.want)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	first := merged(t, reviewAt(reviewed, nil), []Authorization{token("a1", ""), token("b2", ""), token("c3", "x")}, nil)
	second := merged(t, reviewAt(reviewed.Add(7*day), map[string]Probe{"c3": {Presence: Gone}}), []Authorization{token("a1", ""), token("b2", "x"), token("d4", "")}, first)
	counts := NewCounts()
	for _, r := range second {
		counts.Add(r, reviewed.Add(7*day))
	}
	want := NewCounts()
	want.Authorizations = AuthorizationCounts{Total: 3, Active: 3, New: 1, Gone: 1, Flagged: 2, ByWorst: map[Severity]int{Low: 2, NoSeverity: 2}}
	want.Findings.Total = 2
	want.Findings.ByCheck["no-description"] = 2
	want.Findings.BySeverity[Low] = 2
	want.Findings.ByState[New], want.Findings.ByState[Open], want.Findings.ByState[Resolved] = 1, 1, 1
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTogether(t *testing.T) {
	for name, test := range map[string]struct {
		verdicts []Verdict
		want     Verdict
	}{
		"no target":           {nil, NotKnown},
		"all complete":        {[]Verdict{Complete, Complete}, Complete},
		"one partial":         {[]Verdict{Complete, Partial}, Partial},
		"one unknown of two":  {[]Verdict{Complete, NotKnown}, Partial},
		"nothing seen at all": {[]Verdict{NotKnown, NotKnown}, NotKnown},
	} {
		t.Run(name, func(t *testing.T) {
			var cs []Coverage
			for _, v := range test.verdicts {
				cs = append(cs, Coverage{Verdict: v})
			}
			if got := VerdictOf(cs); got != test.want {
				t.Errorf("VerdictOf(%v) = %s, want %s", test.verdicts, got, test.want)
			}
		})
	}
}

func TestReplay(t *testing.T) {
	write := clean()
	write.Permissions, write.Description = []Permission{writeBucket("1", "telemetry")}, ""
	history := merged(t, reviewAt(reviewed, nil), []Authorization{write.Authorization}, nil)
	r := history[0]
	r.Findings = append(r.Findings, Finding{Check: "permission-drift", Severity: Critical, State: New, Since: reviewed})
	policy := Policy{ServiceUsers: []string{"telegraf"}, Severity: map[string]Severity{"no-description": Off, "active-write": Critical}}
	got := map[string]string{}
	for _, f := range Replay(r, policy, reviewed) {
		got[f.Check] = string(f.State) + " " + string(f.Severity)
	}
	want := map[string]string{
		"active-write": "open critical", "personal-write": "new medium",
		"permission-drift": "open critical", "no-description": "not judged low",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

package audit

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// excepted is a review under one exception.
func excepted(at time.Time, answers map[string]Probe, e Exception) Review {
	rv := reviewAt(at, answers)
	e.Target, e.Reason, e.RequestedBy, e.ApprovedBy = "prod", "migration", "alice", "bob"
	rv.Policy.Exceptions = []Exception{e}
	return rv
}

func TestExceptions(t *testing.T) {
	blank := token("a1", "")
	good := Exception{Authorization: "a1", Check: "no-description", Fingerprint: blank.Fingerprint(), Expires: reviewed.Add(100 * day)}
	with := func(change func(*Exception)) Exception {
		e := good
		change(&e)
		return e
	}
	tests := map[string]struct {
		exception Exception
		now       []Authorization
		want      []string
		state     ExceptionState
	}{
		"holds":            {good, []Authorization{blank}, []string{"a1 no-description=excepted"}, ExceptionUsed},
		"for every check":  {with(func(e *Exception) { e.Check = AllChecks }), []Authorization{blank}, []string{"a1 no-description=excepted"}, ExceptionUsed},
		"of another token": {with(func(e *Exception) { e.Authorization = "b2" }), []Authorization{blank}, []string{"a1 no-description=new", "unused-exceptions exception-unused=new"}, ""},
		"of another check": {with(func(e *Exception) { e.Check = "active-write" }), []Authorization{blank}, []string{"a1 no-description=new", "unused-exceptions exception-unused=new"}, ExceptionUnused},
		"expired":          {with(func(e *Exception) { e.Expires = reviewed }), []Authorization{blank}, []string{"a1 exception-expired=new no-description=new"}, ExceptionExpired},
		"expires tomorrow": {with(func(e *Exception) { e.Expires = reviewed.Add(day) }), []Authorization{blank}, []string{"a1 exception-expiring=new no-description=excepted"}, ExceptionUsed},
		"void":             {with(func(e *Exception) { e.Fingerprint = "0123456789abcdef" }), []Authorization{blank}, []string{"a1 exception-void=new no-description=new"}, ExceptionVoid},
		"nothing to allow": {good, []Authorization{token("a1", "described")}, []string{"a1", "unused-exceptions exception-unused=new"}, ExceptionUnused},
		"void for itself": {with(func(e *Exception) { e.Check, e.Fingerprint = AllChecks, "0123456789abcdef" }), []Authorization{blank},
			[]string{"a1 exception-void=new no-description=new"}, ExceptionVoid},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			rv := excepted(reviewed, nil, test.exception)
			records := merged(t, rv, test.now, nil)
			if diff := cmp.Diff(test.want, states(records)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := rv.Policy.Exceptions[0].StateOn(&records[0], reviewed); got != test.state {
				t.Errorf("state %q, want %q", got, test.state)
			}
		})
	}
}

// states are the findings of each record, in the order of the alphabet.
func states(rs []Record) []string {
	var out []string
	for _, r := range rs {
		words := []string{r.ID}
		for _, f := range r.Findings {
			words = append(words, f.Check+"="+string(f.State))
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

func TestExceptionOverWeeks(t *testing.T) {
	blank := token("a1", "")
	e := Exception{Authorization: "a1", Check: "no-description", Fingerprint: blank.Fingerprint(), Expires: reviewed.Add(100 * day)}
	var history []Record
	step := func(week int, rv func(time.Time) Review, now []Authorization, want ...string) {
		t.Helper()
		history = merged(t, rv(reviewed.AddDate(0, 0, 7*week)), now, history)
		if diff := cmp.Diff(want, states(history)); diff != "" {
			t.Fatalf("week %d (-want +got):\n%s", week, diff)
		}
	}
	under := func(at time.Time) Review { return excepted(at, map[string]Probe{"a1": {Presence: Gone}}, e) }
	without := func(at time.Time) Review { return reviewAt(at, nil) }
	away := func(at time.Time) Review {
		rv := under(at)
		rv.Probe = nil
		return rv
	}
	step(0, under, []Authorization{blank}, "a1 no-description=excepted")
	step(1, under, []Authorization{blank}, "a1 no-description=excepted")
	step(2, away, nil, "a1 no-description=open")
	step(3, without, []Authorization{blank}, "a1 no-description=open")
	step(4, under, []Authorization{blank}, "a1 no-description=excepted")
	step(5, under, nil, "a1 no-description=resolved", "unused-exceptions exception-unused=new")
	const remembered = "a1 no-description=resolved"
	step(6, away, nil, remembered, "unused-exceptions exception-unused=open")
	step(7, without, nil, remembered, "unused-exceptions exception-unused=resolved")
	step(8, without, nil, remembered)
}

func TestExceptedFindingsAreCounted(t *testing.T) {
	blank := token("a1", "")
	e := Exception{Authorization: "a1", Check: AllChecks, Fingerprint: blank.Fingerprint(), Expires: reviewed.Add(100 * day)}
	counts := NewCounts()
	for _, r := range merged(t, excepted(reviewed, nil, e), []Authorization{blank, token("b2", "")}, nil) {
		counts.Add(r, reviewed)
	}
	f := counts.Findings
	if f.Total != 2 || f.ByCheck["no-description"] != 2 || f.ByState[Excepted] != 1 || f.ByState[New] != 1 || f.Actionable(Low) != 1 {
		t.Errorf("%+v", f)
	}
}

func TestFingerprint(t *testing.T) {
	a := token("a1", "one")
	for name, test := range map[string]struct {
		change func(*Authorization)
		same   bool
	}{
		"description":        {func(a *Authorization) { a.Description = "two" }, true},
		"name of the owner":  {func(a *Authorization) { a.User = "renamed" }, true},
		"name of the org":    {func(a *Authorization) { a.Permissions[0].Resource.Org = "renamed" }, true},
		"owner":              {func(a *Authorization) { a.UserID = "11adece381a52099" }, false},
		"status":             {func(a *Authorization) { a.Status = Inactive }, false},
		"another permission": {func(a *Authorization) { a.Permissions = append(a.Permissions, write("tasks")) }, false},
		"another action":     {func(a *Authorization) { a.Permissions[0].Action = "write" }, false},
	} {
		b := a
		b.Permissions = append([]Permission(nil), a.Permissions...)
		test.change(&b)
		if (a.Fingerprint() == b.Fingerprint()) != test.same {
			t.Errorf("%s: same is %t, want %t", name, !test.same, test.same)
		}
	}
	for product, same := range map[Product]bool{ProductUnknown: true, ProductEnterprise: false} { // whose IDs are used again
		b := a
		b.Product = product
		c := b
		c.CreatedAt = c.CreatedAt.Add(time.Hour)
		if (b.Fingerprint() == c.Fingerprint()) != same {
			t.Errorf("%q, created anew: same is %t, want %t", product, !same, same)
		}
	}
}

// TestExceptionOfATokenNotListed: nothing needs an exception for what no longer exists,
// and what could not be seen or read tells nothing.
func TestExceptionOfATokenNotListed(t *testing.T) {
	t.Parallel()
	a := token("a1", "")
	e := Exception{Target: "prod", Authorization: "a1", Check: AllChecks, Fingerprint: "0123456789abcdef", Expires: reviewed.Add(day)}
	tests := map[string]struct {
		presence Presence
		change   func(*Authorization)
		want     ExceptionState
	}{
		"gone":                       {Gone, nil, ExceptionUnused},
		"unseen":                     {Unseen, nil, ExceptionUnknown},
		"permissions cannot be read": {Listed, func(a *Authorization) { a.Permissions = nil }, ExceptionUnknown},
		"status cannot be read":      {Listed, func(a *Authorization) { a.Status = "dormant" }, ExceptionUnknown},
		"listed":                     {Listed, nil, ExceptionVoid},
		"of another target":          {Listed, func(a *Authorization) { a.ID = "b2" }, ""},
		"of the 1.x API":             {Listed, func(a *Authorization) { a.Legacy = true }, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := Record{Target: "prod", Authorization: a, Presence: test.presence}
			if r.Permissions = []Permission{writeBucket("1", "telemetry")}; test.change != nil {
				test.change(&r.Authorization)
			}
			if got := e.StateOn(&r, reviewed); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

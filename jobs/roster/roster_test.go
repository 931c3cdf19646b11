package roster_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/roster"
)

var now = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

// written is a roster with that text, in a file of that age.
func written(t *testing.T, text string, age time.Duration) (*roster.File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "roster")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, now.Add(-age)); err != nil {
		t.Fatal(err)
	}
	return &roster.File{Path: path, MaxAge: 31 * 24 * time.Hour}, path
}

// stateOf is what a review makes of an owner by the roster.
func stateOf(t *testing.T, r *audit.Roster, o audit.Owner) audit.Owner {
	t.Helper()
	rv := audit.Review{Target: "prod", Now: now, Roster: r, Collection: audit.Collection{
		Authorizations: func(yield func(audit.Authorization, error) bool) {
			yield(audit.Authorization{ID: "0000000000000001", UserID: o.ID, User: o.Name}, nil)
		},
	}}
	return ownerOf(t, rv, o)
}

func TestRosterIsRead(t *testing.T) {
	const day = 24 * time.Hour
	tests := map[string]struct {
		text string
		age  time.Duration // of the file
		// want are states by name or ID; date, when not the file's.
		want     map[string]audit.RosterState
		date     string
		unusable string
		unclear  string
	}{
		"CSV":                    {"userName,email,status,lastModified\nalice,alice@example.com,Active,2026-11-20T08:00:00Z\nbob,bob@example.com,TERMINATED,2026-11-25\n", 300 * day, map[string]audit.RosterState{"Alice": "active", "ALICE@example.com": "active", "bob": "inactive", "eve": "absent"}, "2026-11-25", "", ""},
		"CSV by ID":              {"Influx User ID,name\n0A1B2C3D4E5F6071,Alice\n", day, map[string]audit.RosterState{"0a1b2c3d4e5f6071": "active", "alice": "active", "0a1b2c3d4e5f6072": "absent"}, "", "", ""},
		"semicolons and a mark":  {"\ufeffuser;enabled\nalice;yes\n\"bob; jr\";no\n", day, map[string]audit.RosterState{"alice": "active", "bob; jr": "inactive"}, "", "", ""},
		"tabs":                   {"login\tstate\nalice\tSUSPENDED\n", day, map[string]audit.RosterState{"alice": "inactive"}, "", "", ""},
		"no status":              {"name\nalice\n", day, map[string]audit.RosterState{"alice": "active", "bob": "absent"}, "", "", ""},
		"two of one name":        {"name,status\nbob,left\nbob,active\neve,active\neve,left\n", day, map[string]audit.RosterState{"bob": "active", "eve": "active"}, "", "", ""},
		"status and active":      {"name,status,active\nbob,active,false\n", day, map[string]audit.RosterState{"bob": "inactive"}, "", "", ""},
		"a day to come":          {"name,date\nbob,2027-03-31\nalice,2026-11-01\n", 300 * day, map[string]audit.RosterState{"bob": "active"}, "2026-11-01", "", ""},
		"a strange status":       {"name,status\nalice,active\nbob,purple\n", day, map[string]audit.RosterState{"alice": "active", "bob": "unclear"}, "", "", "unknown status of 1 user, the first in line 3"},
		"a status left empty":    {"name,status\nalice,\n", day, map[string]audit.RosterState{"alice": "unclear"}, "", "", "line 2"},
		"JSON":                   {`[{"id":"0a1b2c3d4e5f6071","name":"Alice","active":true},{"userName":"bob","status":"left","date":"2026-11-20"},{"name":{"givenName":"Eve"},"email":"eve@example.com","active":null}]`, 90 * day, map[string]audit.RosterState{"0a1b2c3d4e5f6071": "active", "bob": "inactive", "eve@example.com": "active", "eve": "absent"}, "2026-11-20", "", ""},
		"SCIM":                   {`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":2,"Resources":[{"userName":"alice","active":true,"meta":{"resourceType":"User","lastModified":"2026-11-21T00:00:00Z"},"emails":[{"value":"a@example.com","primary":true}]},{"userName":"bob","active":false}],"itemsPerPage":2}`, 90 * day, map[string]audit.RosterState{"alice": "active", "a@example.com": "active", "bob": "inactive"}, "2026-11-21", "", ""},
		"JSON, a strange status": {`[{"name":"a"},{"name":"b","status":"purple"}]`, day, map[string]audit.RosterState{"b": "unclear"}, "", "", "the first in entry 2"},

		"a page of SCIM":        {`{"totalResults":120,"Resources":[{"userName":"canary"}]}`, day, nil, "", "a SCIM page with 1 of 120 users", ""},
		"another object":        {`{"users":[{"userName":"canary"}]}`, day, nil, "", "neither an array of users", ""},
		"JSON, cut":             {"[{\"name\":\"canary\"},\n{\"name\":\"b", day, nil, "", "line 2: not valid JSON, or cut", ""},
		"JSON, more":            {"[{\"name\":\"canary\"}]\n[]", day, nil, "", "there is more data after the end", ""},
		"JSON, no objects":      {`["canary"]`, day, nil, "", "line 1: a user is not an object", ""},
		"empty":                 {"", day, nil, "", "it is empty", ""},
		"a header alone":        {"name,status\n", day, nil, "", "has no user", ""},
		"nothing of users":      {"canary,b\nc,d\n", day, nil, "", "line 1: no column identifies users", ""},
		"ragged":                {"name,status\nalice,active\ncanary\n", day, nil, "", "line 3: the number of columns differs", ""},
		"quotes":                {"name\nal\"ice canary\n", day, nil, "", "line 2: the quotes are not valid CSV", ""},
		"UTF-16":                {"n\x00a\x00m\x00e\x00\n\x00", day, nil, "", "it is not UTF-8 text", ""},
		"Latin-1":               {"name\ncanary J\xf6rg\n", day, nil, "", "line 2: column 1 is not UTF-8", ""},
		"a cell without an end": {"name\n" + strings.Repeat("canary", 1000) + "\n", day, nil, "", "line 2: column 1", ""},
		"old by its dates":      {"name,date\nalice,2026-10-01\n", 0, nil, "", "was made on 2026-10-01 and is older than roster_max_age (31 days)", ""},
		"old by the file":       {"name\nalice\n", 40 * day, nil, "", "was made on 2026-10-19 and is older", ""},
		"dates of another form": {"name,date\nalice,11/28/canary\n", day, nil, "", "the dates cannot be read, the first in line 2", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, path := written(t, test.text, test.age)
			r := f.At(now)
			if (r.Unusable == "") != (test.unusable == "") || !strings.Contains(r.Unusable, test.unusable) {
				t.Fatalf("unusable: %q, want %q", r.Unusable, test.unusable)
			}
			if strings.Contains(r.Unusable+r.Unclear, "canary") || r.Unusable != "" && !strings.Contains(r.Unusable, path) {
				t.Errorf("it repeats what is in the file, or does not name it: %q", r.Unusable)
			}
			if !strings.Contains(r.Unclear, test.unclear) || (r.Unclear == "") != (test.unclear == "") {
				t.Errorf("unclear: %q, want %q", r.Unclear, test.unclear)
			}
			if test.unusable != "" {
				if o := stateOf(t, r, audit.Owner{Name: "alice", State: audit.OwnerPresent}); o.Roster != "" {
					t.Errorf("somebody is judged by it: %+v", o)
				}
				return
			}
			got := map[string]audit.RosterState{}
			for who := range test.want {
				o := audit.Owner{ID: who, Name: who, State: audit.OwnerPresent}
				got[who] = stateOf(t, r, o).Roster
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if date := r.Of.UTC().Format(time.DateOnly); test.date != "" && date != test.date || r.OfFile != (test.date == "") {
				t.Errorf("of %s, by the file: %v; want %q", date, r.OfFile, test.date)
			}
			if sum := sha256.Sum256([]byte(test.text)); r.SHA256 != hex.EncodeToString(sum[:]) {
				t.Errorf("SHA-256 %s", r.SHA256)
			}
		})
	}
}

// TestRosterIsReadOnceForAReview, and anew for the next one.
func TestRosterIsReadOnceForAReview(t *testing.T) {
	f, path := written(t, "name\nalice\n", 0)
	first := f.At(now)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if f.At(now) != first {
		t.Error("another one for the same review")
	}
	if r := f.At(now.Add(time.Hour)); r.Unusable == "" || !strings.Contains(r.Unusable, path) {
		t.Errorf("the file is gone: %+v", r)
	}
}

func ownerOf(t *testing.T, rv audit.Review, o audit.Owner) audit.Owner {
	t.Helper()
	rv.Owner = func(context.Context, audit.Authorization) audit.Owner { return o }
	for r, err := range rv.Merge(t.Context(), t.Context(), func(func(audit.Record, error) bool) {}) {
		if err != nil {
			t.Fatal(err)
		}
		return r.Owner
	}
	t.Fatal("no record")
	return audit.Owner{}
}

// TestTheManualNamesWordsThatAreKnown: each status in the manual says what it says there.
func TestTheManualNamesWordsThatAreKnown(t *testing.T) {
	manual, err := os.ReadFile(filepath.FromSlash("../../cmd/tokenaudit/help/roster.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range []audit.RosterState{audit.RosterActive, audit.RosterInactive} {
		_, list, found := strings.Cut(string(manual), "\n- "+string(state)+":")
		list, _, _ = strings.Cut(list, "\n\n")
		list, _, _ = strings.Cut(list, "\n-")
		words := strings.Split(list, "`")
		if !found || len(words) < 20 {
			t.Fatalf("words for %s: %q", state, list)
		}
		for i := 1; i < len(words); i += 2 {
			f, _ := written(t, "name,status\nalice,"+words[i]+"\n", time.Hour)
			if got := stateOf(t, f.At(now), audit.Owner{ID: "00000000000000b1", Name: "alice"}).Roster; got != state {
				t.Errorf("%q: %s, want %s", words[i], got, state)
			}
		}
	}
}

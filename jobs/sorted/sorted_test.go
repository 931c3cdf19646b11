package sorted

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

func TestSortedSorts(t *testing.T) {
	const n = 5_000
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%016x", i)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	s := &List{}
	defer s.Close()
	for round := range 2 { // every one twice, the second time with more to see
		for i, id := range ids {
			a := audit.Authorization{ID: id, Legacy: i%7 == 0}
			if round == 1 {
				a.User = "named"
			}
			if err := s.Add(a); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 { // it may be walked again
		rows, last := 0, ""
		for a, err := range s.All() {
			if err != nil {
				t.Fatal(err)
			}
			if a.Key() <= last || a.User != "named" {
				t.Fatalf("%q of user %q after %q, want its fullest view", a.Key(), a.User, last)
			}
			rows, last = rows+1, a.Key()
		}
		if rows != n {
			t.Errorf("%d authorizations, want %d", rows, n)
		}
	}
}

// TestSortedGivesBackWhatItWasGiven, in order or not.
func TestSortedGivesBackWhatItWasGiven(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.UTC)
	want := []audit.Authorization{
		{ID: "1", OrgID: "o", Org: "acme", UserID: "u", User: "bob", Description: "a\x00\n\u2028<é>\ufffd", Status: audit.Inactive, CreatedAt: at, UpdatedAt: at.Add(1)},
		{ID: "2", Permissions: []audit.Permission{}},
		{ID: "3", Permissions: []audit.Permission{{Action: "write", Resource: audit.Resource{Type: "buckets", ID: "b", Name: "n", OrgID: "o", Org: "acme"}}, {}}},
		{ID: "4", Legacy: true},
	}
	for name, order := range map[string][]int{"ascending": {0, 1, 2, 3}, "descending": {3, 2, 1, 0}} {
		t.Run(name, func(t *testing.T) {
			s := &List{}
			defer s.Close()
			for _, i := range order {
				if err := s.Add(want[i]); err != nil {
					t.Fatal(err)
				}
			}
			var got []audit.Authorization
			for a, err := range s.All() {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, a)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestSortedIsBoundedInMemory(t *testing.T) {
	for name, sign := range map[string]int{"ascending": 1, "descending": -1} {
		t.Run(name, func(t *testing.T) {
			s := &List{}
			defer s.Close()
			long := strings.Repeat("x", 1<<20)
			for i := range 100 {
				if err := s.Add(audit.Authorization{ID: fmt.Sprint(500 + sign*i), Description: long}); err != nil {
					t.Fatal(err)
				}
			}
			var m runtime.MemStats
			runtime.GC()
			if runtime.ReadMemStats(&m); m.HeapAlloc > 48<<20 {
				t.Errorf("%d MiB in memory", m.HeapAlloc>>20)
			}
		})
	}
}

// TestTemporaryFolderIsNamed: what fails on this machine is not put on the server.
func TestTemporaryFolderIsNamed(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("TMPDIR", missing)
	s := &List{}
	defer s.Close()
	var err error
	for i := 0; i < 100 && err == nil; i++ {
		err = s.Add(audit.Authorization{ID: fmt.Sprint(100 + i), Description: strings.Repeat("x", 1<<20)})
	}
	if !errors.As(err, new(*TempError)) || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "temporary folder of this machine, "+missing) || !strings.Contains(err.Error(), "set TMPDIR") {
		t.Errorf("err = %v", err)
	}
}

// TestContradictions: two views of one authorization may differ in what they name or leave
// out, and in nothing else.
func TestContradictions(t *testing.T) {
	at := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	base := audit.Authorization{ID: "a1", Status: audit.Active, CreatedAt: at, SecretSum: "012345678"}
	for name, test := range map[string]struct {
		change func(*audit.Authorization)
		want   string
	}{
		"nothing":                {func(*audit.Authorization) {}, ""},
		"a name":                 {func(a *audit.Authorization) { a.User = "named" }, ""},
		"status":                 {func(a *audit.Authorization) { a.Status = audit.Inactive }, "a1 in status"},
		"owner":                  {func(a *audit.Authorization) { a.UserID = "u" }, "a1 in owner"},
		"creation":               {func(a *audit.Authorization) { a.CreatedAt = at.Add(1) }, "a1 in date of creation"},
		"creation is left out":   {func(a *audit.Authorization) { a.CreatedAt = time.Time{} }, ""},
		"secret":                 {func(a *audit.Authorization) { a.SecretSum = "012345679" }, "a1 in secret"},
		"the secret is left out": {func(a *audit.Authorization) { a.SecretSum = "" }, ""},
	} {
		other, s := base, &List{}
		test.change(&other)
		for _, a := range []audit.Authorization{base, other} {
			if err := s.Add(a); err != nil {
				t.Fatal(err)
			}
		}
		for range s.All() {
		}
		if got := strings.Join(s.Contradictions().First, "; "); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		s.Close()
	}
}

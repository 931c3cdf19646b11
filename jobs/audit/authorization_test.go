package audit

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// granting gives a token n permissions on buckets, each of which is there twice, and
// n on buckets that are gone.
func granting(n int) Authorization {
	a := Authorization{ID: "a1"}
	for i := range 2 * n {
		a.Permissions = append(a.Permissions,
			Permission{"write", Resource{Type: "buckets", ID: fmt.Sprint("id", i%n), Name: fmt.Sprint("bucket ", i%n), OrgID: "o"}},
			Permission{"write", Resource{Type: "buckets", ID: fmt.Sprint("gone", i%n), OrgID: "o"}})
	}
	return a
}

// TestAccessNamesEachOnce: in the order of the permissions, few or many.
func TestAccessNamesEachOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3, 100} {
		acc := AccessOf(granting(n))
		var buckets []string
		var dangling []Resource
		for i := range n {
			buckets = append(buckets, fmt.Sprint("bucket ", i), fmt.Sprint("gone", i))
			dangling = append(dangling, Resource{Type: "buckets", ID: fmt.Sprint("gone", i), OrgID: "o"})
		}
		if !slices.Equal(acc.Buckets, buckets) || !slices.Equal(acc.Dangling, dangling) || !slices.Equal(acc.WriteTypes, []string{"buckets"}) {
			t.Errorf("%d: buckets %q, dangling %v, types %q", n, acc.Buckets, acc.Dangling, acc.WriteTypes)
		}
	}
}

// TestAccessIsLinear: to add up 80,000 permissions takes about as long as to make
// them up, and not a hundred times as long.
func TestAccessIsLinear(t *testing.T) {
	began := time.Now()
	a := granting(20_000)
	making := time.Since(began)
	began = time.Now()
	AccessOf(a)
	if ratio := float64(time.Since(began)) / float64(making); ratio > 15 {
		t.Errorf("it takes %.0f times as long", ratio)
	}
}

// TestAccessKey: two tokens have the same key if they may do the same in the same org.
func TestAccessKey(t *testing.T) {
	t.Parallel()
	bucket := func(action, id string) Permission {
		return Permission{action, Resource{Type: "buckets", ID: id, OrgID: "o"}}
	}
	of := func(user string, permissions ...Permission) Authorization {
		return Authorization{ID: "t-" + user, OrgID: "o", UserID: user, Permissions: permissions}
	}
	allAccess := func(user string, more ...string) Authorization {
		a := of(user, Permission{"read", Resource{Type: "orgs", ID: "o"}}, Permission{"write", Resource{Type: "users", ID: user}})
		for _, kind := range append(more, allAccessTypes[:]...) {
			for _, action := range []string{"read", "write"} {
				a.Permissions = append(a.Permissions, Permission{action, Resource{Type: kind, OrgID: "o"}})
			}
		}
		return a
	}
	elsewhere, old, cut := of("a", bucket("read", "1")), of("a", bucket("read", "1")), of("a", bucket("read", "1"), Permission{})
	elsewhere.OrgID, old.Legacy = "p", true
	for name, test := range map[string]struct {
		a, b Authorization
		same bool
	}{
		"the same":                   {of("a", bucket("read", "1")), of("b", bucket("read", "1")), true},
		"in another order":           {of("a", bucket("read", "1"), bucket("write", "1")), of("b", bucket("write", "1"), bucket("read", "1")), true},
		"another action":             {of("a", bucket("read", "1")), of("b", bucket("write", "1")), false},
		"another bucket":             {of("a", bucket("read", "1")), of("b", bucket("read", "2")), false},
		"one more":                   {of("a", bucket("read", "1")), of("b", bucket("read", "1"), bucket("write", "1")), false},
		"of another org":             {of("a", bucket("read", "1")), elsewhere, false},
		"of 1.x":                     {of("a", bucket("read", "1")), old, false},
		"each on its own user":       {of("a", Permission{"read", Resource{Type: "users", ID: "a"}}), of("b", Permission{"read", Resource{Type: "users", ID: "b"}}), true},
		"on another user":            {of("a", Permission{"read", Resource{Type: "users", ID: "a"}}), of("b", Permission{"read", Resource{Type: "users", ID: "a"}}), false},
		"all access":                 {allAccess("a"), allAccess("b"), true},
		"all access, a later server": {allAccess("a"), allAccess("b", "notebooks"), true},
		"all access, and more": {allAccess("a"), func() Authorization {
			a := allAccess("b")
			a.Permissions = append(a.Permissions, bucket("write", "of p"))
			return a
		}(), false},
		"none":             {of("a"), of("b"), false},
		"not all readable": {cut, cut, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, okA := AccessKeyOf(test.a)
			b, okB := AccessKeyOf(test.b)
			if same := okA && okB && a == b; same != test.same {
				t.Errorf("same: %t, want %t", same, test.same)
			}
		})
	}
}

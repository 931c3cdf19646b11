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

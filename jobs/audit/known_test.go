package audit

import (
	"strconv"
	"strings"
	"testing"
)

// TestKnownPermissions gives back what was kept, and keeps no more than it may.
func TestKnownPermissions(t *testing.T) {
	k := NewKnownPermissions()
	for i := range 3 * MostKnown {
		raw, p := []byte("write "+strconv.Itoa(i)), Permission{Action: "write", Resource: Resource{ID: strconv.Itoa(i)}}
		if got, ok := k.Of(raw); ok {
			t.Fatalf("%q is %v before it was kept", raw, got)
		}
		k.Keep(raw, p)
		if got, ok := k.Of(raw); !ok || got != p {
			t.Fatalf("%q is %v", raw, got)
		}
		raw[0] = 'x' // the bytes are the caller's
	}
	n := 0
	for raw, p := range k.All() {
		if n++; raw != "write "+p.Resource.ID {
			t.Fatalf("%q is %v", raw, p)
		}
	}
	if n > MostKnown {
		t.Errorf("%d are kept", n)
	}
	long := []byte(strings.Repeat("a", LongestKnown+1))
	k.Keep(long, Permission{})
	if _, ok := k.Of(long); ok {
		t.Errorf("%d bytes are kept", len(long))
	}
}

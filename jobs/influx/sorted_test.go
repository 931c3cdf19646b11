package influx

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
)

func TestSortedSpillsAndMerges(t *testing.T) {
	const n = 3*bufferedRows + 17
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%016x", i)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	s := newSorted()
	defer s.Close()
	for round := range 2 { // every one twice, the second time with more to see
		for _, id := range ids {
			a := audit.Authorization{ID: id}
			if round == 1 {
				a.User = "named"
			}
			if err := s.add(a); err != nil {
				t.Fatal(err)
			}
		}
	}
	next := 0
	for a, err := range s.All() {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%016x", next); a.ID != want || a.User != "named" {
			t.Fatalf("number %d is %q of user %q, want %q with its fullest view", next, a.ID, a.User, want)
		}
		next++
	}
	if next != n {
		t.Errorf("%d authorizations, want %d", next, n)
	}
	if len(s.runs) < 6 {
		t.Errorf("%d files for %d authorizations; the buffer is not bounded", len(s.runs), 2*n)
	}
}

// TestSortedKeepsOneFileForAnAscendingList: the list of OSS ascends.
func TestSortedKeepsOneFileForAnAscendingList(t *testing.T) {
	s := newSorted()
	defer s.Close()
	const n = 5*bufferedRows + 3
	for i := range n {
		if err := s.add(audit.Authorization{ID: fmt.Sprintf("%016x", i)}); err != nil {
			t.Fatal(err)
		}
	}
	rows := 0
	for _, err := range s.All() {
		if err != nil {
			t.Fatal(err)
		}
		rows++
	}
	if len(s.runs) != 1 || rows != n {
		t.Errorf("%d files, %d rows; want 1, %d", len(s.runs), rows, n)
	}
}

func TestSortedIsBoundedInBytes(t *testing.T) {
	s := newSorted()
	defer s.Close()
	for i := range 100 {
		if err := s.add(audit.Authorization{ID: fmt.Sprint(i), Description: strings.Repeat("x", 1<<20)}); err != nil {
			t.Fatal(err)
		}
		if s.size > bufferedBytes {
			t.Fatalf("%d bytes in memory", s.size)
		}
	}
}

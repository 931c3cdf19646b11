package audit

import (
	"fmt"
	"strings"
	"testing"
)

// TestTexts gives back what it is given, also beyond what it keeps.
func TestTexts(t *testing.T) {
	texts := NewTexts()
	for round := range 2 {
		for i := range mostTexts + 1000 {
			if want := fmt.Sprint("bucket ", i); texts.Of([]byte(want)) != want {
				t.Fatalf("round %d: %q came back as another", round, want)
			}
		}
	}
	for _, want := range []string{"", "a", "12345678", "123456789", strings.Repeat("x", longestText+1)} {
		if got := texts.Of([]byte(want)); got != want {
			t.Errorf("%q came back as %q", want, got)
		}
	}
	if len(texts.known) > mostTexts {
		t.Errorf("%d texts are kept", len(texts.known))
	}
}

func TestTextsAllocateOnce(t *testing.T) {
	texts, b := NewTexts(), []byte("plant-007-telemetry")
	texts.Of(b)
	if n := testing.AllocsPerRun(100, func() { texts.Of(b) }); n > 0 {
		t.Errorf("%v allocations for a text that is known", n)
	}
}

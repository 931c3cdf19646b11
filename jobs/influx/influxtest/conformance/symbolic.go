package conformance

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Alike holds what one server gave to what the first one gave.
func Alike(t *testing.T, about string, first, other any) {
	t.Helper()
	if d := cmp.Diff(first, other); d != "" {
		t.Errorf("%s (-the first +this one):\n%s", about, d)
	}
}

var (
	hexID = regexp.MustCompile(`\b[0-9a-f]{16}\b`)
	clock = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
)

// Symbolic replaces ids and token values by names and times by a mark. An id that
// the test did not see given out, such as that of a system bucket, has no name.
func (w *World) Symbolic(s string) string {
	named := map[string]string{"00000000000000c0": "carrots"}
	for name, id := range w.IDs {
		named[id] = name
	}
	for name, value := range w.Tokens {
		s = strings.ReplaceAll(s, value, "<token of "+name+">")
	}
	s = clock.ReplaceAllString(s, "<time>")
	return hexID.ReplaceAllStringFunc(s, func(id string) string { return "{" + named[id] + "}" })
}

// sorted brings the elements of lists into the order of their text.
func sorted(body string) string {
	var lists map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &lists) != nil {
		return body
	}
	for key, list := range lists {
		var elements []json.RawMessage
		if json.Unmarshal(list, &elements) != nil {
			continue
		}
		slices.SortFunc(elements, func(a, b json.RawMessage) int { return strings.Compare(string(a), string(b)) })
		lists[key], _ = json.Marshal(elements)
	}
	b, _ := json.MarshalIndent(lists, "", "\t")
	return string(b)
}

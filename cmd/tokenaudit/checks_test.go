package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
)

// TestChecksOfAProduct: the list of a product has what applies there, then what does not and
// why, as the table of the domain has it.
func TestChecksOfAProduct(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	for _, p := range audit.Products() {
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"checks", "--product", string(p)}, &out, &errs); code != 0 {
			t.Fatalf("%s: exit code %d: %s", p, code, errs.String())
		}
		applying, others, ok := strings.Cut(out.String(), "\nNOT THERE")
		if !ok || !strings.HasPrefix(applying, p.Name()+"\n") {
			t.Fatalf("%s: %s", p, out.String())
		}
		for _, c := range audit.Checks() {
			_, applies := p.Judges(c.ID)
			if in, out := strings.Contains(applying, "\n"+c.ID+" "), strings.Contains(others, "\n"+c.ID+" "); in != applies || out == applies {
				t.Errorf("%s: %s is listed as one that applies: %t, that does not: %t", p, c.ID, in, out)
			}
		}
		for line := range strings.Lines(out.String()) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("%s: longer than 80: %s", p, line)
			}
		}
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"checks", "--product", "coer"}, &out, &errs); code != 2 || !strings.Contains(errs.String(), `did you mean "core"?`) {
		t.Errorf("an unknown product: exit code %d: %s", code, errs.String())
	}
	out.Reset()
	var got checkJSON
	if code := run(t.Context(), []string{"checks", "operator", "--product", "core", "--json"}, &out, &errs); code != 0 || json.Unmarshal(out.Bytes(), &got) != nil {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
	if len(got.Products) != 1 || got.Products[0].Applies || got.Products[0].Reason == "" {
		t.Errorf("%+v", got.Products)
	}
}

package table

import (
	"testing"

	"tokenaudit/jobs/audit"
)

// TestRowSpeaksOfTheProduct: a finding is in the words of the product of its token.
func TestRowSpeaksOfTheProduct(t *testing.T) {
	t.Parallel()
	f := audit.Finding{Check: "operator"}
	for product, want := range map[audit.Product]string{audit.ProductUnknown: "Writes to every org (operator token)", audit.ProductV1: "Admin user"} {
		r := Row{Record: audit.Record{Authorization: audit.Authorization{Product: product}}}
		if got := r.Of(f).Check.Title; got != want {
			t.Errorf("%q: %q, want %q", product, got, want)
		}
	}
}

package runner_test

import (
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
)

// product makes the source of the target one of a product whose servers all have the same
// IDs. The last of the places is the ID that it tells now.
func (w sources) product(p audit.Product, places []string, ids ...string) {
	w.answer(places[len(places)-1], ids...)
	for i := range w.prod.tokens {
		w.prod.tokens[i].Product = p
	}
	w.prod.cover = func() audit.Coverage {
		c := audit.NewCoverage("prod")
		c.Product = p
		for _, place := range places {
			c.Sources = append(c.Sources, audit.SourceOf(audit.ServerStore, place))
		}
		return c
	}
}

// TestSameIDsOnAnotherServer: another server behind the target has the same IDs, and not the
// same tokens. Those of the first are neither gone nor fixed.
func TestSameIDsOnAnotherServer(t *testing.T) {
	t.Parallel()
	for _, p := range []audit.Product{audit.ProductCore, audit.ProductEnterprise, audit.ProductV1} {
		w := newSources(t)
		w.product(p, []string{"aaaa"}, "0", "1")
		w.expect("complete 2 token 2 new 0 gone 0 resolved 0 reopened")
		w.product(p, []string{"bbbb"}, "0", "1")
		for _, fresh := range []string{"2", "0"} {
			w.expect("partial 4 token " + fresh + " new 0 gone 0 resolved 0 reopened source-same/server/aaaa")
		}
		w.product(p, []string{"aaaa"}, "0")
		w.expect("partial 3 token 0 new 1 gone 0 resolved 0 reopened source-same/server/bbbb")
	}
}

// TestServerThatTellsItsID: InfluxDB 3 does since 3.7. Its tokens are those that it had.
func TestServerThatTellsItsID(t *testing.T) {
	t.Parallel()
	w := newSources(t)
	const former = audit.URLSource + "0123456789abcdef"
	w.product(audit.ProductCore, []string{former}, "0", "1", "2")
	w.expect("complete 3 token 3 new 0 gone 0 resolved 0 reopened")
	w.product(audit.ProductCore, []string{former, "aaaa"}, "0", "2")
	w.expect("complete 2 token 0 new 1 gone 0 resolved 0 reopened")
	w.product(audit.ProductCore, []string{former, "aaaa"}, "0", "2")
	w.expect("complete 2 token 0 new 0 gone 0 resolved 0 reopened")
	w.product(audit.ProductCore, []string{"bbbb"}, "0")
	if got := figures(w.review()); !strings.HasPrefix(got, "partial 3 token 1 new 0 gone") {
		t.Errorf("another server: %s", got)
	}
}

package audit

import (
	"regexp"
	"slices"
	"testing"
)

// TestExemptionsAreOfChecks: the table names what there is, once, and says why.
func TestExemptionsAreOfChecks(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, e := range exemptions {
		if e.why == "" {
			t.Errorf("%v: no reason", e.checks)
		}
		for _, check := range e.checks {
			if CheckPlace(check) < 0 {
				t.Errorf("there is no check %s", check)
			}
			for _, p := range e.products {
				if seen[string(p)+check] {
					t.Errorf("%s on %q: twice in the table", check, p)
				}
				seen[string(p)+check] = true
			}
		}
	}
	for _, p := range Products() {
		for _, check := range []string{InventoryCheck, "credential-refused", "exception-void", "exception-expired", "exception-expiring", "exception-unused"} {
			if why, applies := p.Judges(check); !applies {
				t.Errorf("%s does not apply to %s: %s", check, p, why)
			}
		}
		_, judged := p.Judges("auditor-can-write")
		if needed := slices.ContainsFunc(p.Limits(), func(l Limit) bool {
			return slices.Contains([]string{"every-token-is-admin", "audit-needs-admin", "management-tokens"}, l.ID)
		}); needed == judged {
			t.Errorf("%s: what its audit credential may do is neither a finding nor a limit, or both", p)
		}
	}
	for _, c := range Checks() {
		if c.Server != slices.Contains([]string{"auth-off", "token-value-readable", "foreign-operator", "credential-refused", "too-many-admins", "exception-unused"}, c.ID) {
			t.Errorf("%s is judged on the wrong records", c.ID)
		}
	}
}

// TestWordsOfChecksFitTheProduct: nobody is told to do what the product does not have.
func TestWordsOfChecksFitTheProduct(t *testing.T) {
	t.Parallel()
	ofV2 := regexp.MustCompile(`(?i)\borgs?\b|\bauthorizations?\b|\bbuckets?\b|influx auth|/api/v2|recovery|service user\b|inactive\b`)
	others := map[Product]*regexp.Regexp{
		ProductCore: regexp.MustCompile(`influxctl|REVOKE|DROP|influxdb\.conf`), ProductEnterprise: regexp.MustCompile(`influxctl|REVOKE|DROP|influxdb\.conf`),
		ProductDedicated: regexp.MustCompile(`influxdb3 |_admin|REVOKE|DROP`), ProductClustered: regexp.MustCompile(`influxdb3 |REVOKE|DROP`),
		ProductV1: regexp.MustCompile(`influxctl|influxdb3 |token value|expir`),
	}
	for p, foreign := range others {
		for _, c := range Checks() {
			if _, applies := p.Judges(c.ID); !applies || aboutExceptions(c.ID) || c.ID == "credential-refused" {
				continue
			}
			on := c.On(p)
			for _, text := range []string{on.Title, on.Why, on.Fix} {
				if found := ofV2.FindString(text) + foreign.FindString(text); found != "" {
					t.Errorf("%s on %s speaks of %q: %s", c.ID, p, found, text)
				}
			}
		}
	}
	for _, w := range wordings {
		for _, p := range w.products {
			c := CheckOf(w.check)
			if _, applies := p.Judges(w.check); !applies || c.Match == nil {
				t.Errorf("words for %s on %s, where it does not apply", w.check, p)
			}
			if on := c.On(p); on.Title+on.Why+on.Fix == c.Title+c.Why+c.Fix {
				t.Errorf("%s on %s: the words are those of everywhere, or of an earlier line", w.check, p)
			}
		}
	}
}

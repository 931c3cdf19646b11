package influx

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// signs are what was seen of each product.
type signs map[audit.Product][]string

// shows notes what proves that it is p that answers.
func (c *collector) shows(p audit.Product, sign string) {
	if !slices.Contains(c.signs[p], sign) {
		c.signs[p] = append(c.signs[p], sign)
	}
}

// product is what answers, as far as what was seen so far proves it. The configuration
// decides where nothing was, and nothing does where signs contradict each other or it.
// What a list leaves out, and what a 404 proves, differs from one product to the other:
// where it is not known, nothing is concluded that holds for one of them only.
func (c *collector) product() audit.Product {
	c.lookAtServer()
	configured := configuredProduct(c.cfg.Kind)
	oss, cloud := len(c.signs[audit.ProductOSS]) > 0, len(c.signs[audit.ProductCloud]) > 0
	switch {
	case oss && cloud:
		return audit.ProductUnknown
	case oss && configured != audit.ProductCloud:
		return audit.ProductOSS
	case cloud && configured != audit.ProductOSS:
		return audit.ProductCloud
	case oss || cloud:
		return audit.ProductUnknown
	}
	return configured
}

func configuredProduct(kind string) audit.Product {
	switch kind {
	case target.KindOSS:
		return audit.ProductOSS
	case target.KindTSM, target.KindServerless:
		return audit.ProductCloud
	}
	return audit.ProductUnknown
}

// lookAtServer notes what the headers and the name of the server tell.
func (c *collector) lookAtServer() {
	switch build := c.client.Connection().Build; {
	case build == "OSS":
		c.shows(audit.ProductOSS, "X-Influxdb-Build: OSS")
	case strings.HasPrefix(strings.ToLower(build), "cloud"):
		c.shows(audit.ProductCloud, "X-Influxdb-Build: "+build)
	}
	if u, err := url.Parse(c.cfg.URL); err == nil && strings.HasSuffix(strings.ToLower(u.Hostname()), ".cloud2.influxdata.com") {
		c.shows(audit.ProductCloud, "its host belongs to InfluxDB Cloud")
	}
}

// nameServer says what answers, the server in its own words if it has any.
func (c *collector) nameServer() {
	c.cov.Product = c.product()
	if server := c.client.Connection(); server.Build != "" || server.Version != "" {
		c.cov.Server = strings.TrimSpace(fmt.Sprintf("InfluxDB %s %s", server.Build, server.Version))
	} else if p := c.product(); p != audit.ProductUnknown {
		c.cov.Server = p.Name()
	}
}

// concludeProduct says in the coverage what answers.
func (c *collector) concludeProduct() {
	p := c.product()
	c.nameServer()
	said := func(p audit.Product) string { return fmt.Sprintf("%s (%s)", p.Name(), strings.Join(c.signs[p], ", ")) }
	oss, cloud := len(c.signs[audit.ProductOSS]) > 0, len(c.signs[audit.ProductCloud]) > 0
	switch {
	case p != audit.ProductUnknown && !oss && !cloud:
		c.cov.Hold(audit.ProductKnown, "%s, from the configured kind", p.Name())
	case p != audit.ProductUnknown:
		c.cov.Hold(audit.ProductKnown, "%s", said(p))
	case oss && cloud:
		c.cov.Gap(audit.ProductKnown, audit.Partial, "the answers show both %s and %s, so the product is not known", said(audit.ProductOSS), said(audit.ProductCloud))
	case oss || cloud:
		shown := audit.ProductOSS
		if cloud {
			shown = audit.ProductCloud
		}
		c.cov.Gap(audit.ProductKnown, audit.Partial, "the target is configured as %s, but the answers show %s", c.cfg.Kind, said(shown))
	case !slices.ContainsFunc(c.cov.Asked, func(q audit.Asked) bool { return q.Status != http.StatusUnauthorized }):
		c.cov.AddGap(audit.Gap{
			ID: audit.ProductKnown, Verdict: audit.Partial, Reason: "every request was refused (401), and the refusals do not show the product",
			Fix: "Check the token first. InfluxDB 3, Cloud Dedicated, Clustered and 1.x may need kind (tokenaudit help products).",
		})
	default:
		c.cov.Gap(audit.ProductKnown, audit.Partial, "the answers do not show whether this is InfluxDB OSS or Cloud. X-Influxdb-Build: %s; no counts under /metrics, no 1.x API list, no \"redacted\" token value. Set kind", cmp.Or(c.client.Connection().Build, "none"))
	}
}

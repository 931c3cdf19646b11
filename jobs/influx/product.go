package influx

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// product is what answers, as far as it is proven. What a list leaves out, and what a
// 404 proves, differs from one to the other; where it is not known, nothing is
// concluded that holds for one of them only.
type product string

const (
	productUnknown product = ""
	productOSS     product = "InfluxDB OSS"
	productCloud   product = "InfluxDB Cloud"
)

// signs are what was seen of each product.
type signs map[product][]string

// shows notes what proves that it is p that answers.
func (c *collector) shows(p product, sign string) {
	if !slices.Contains(c.signs[p], sign) {
		c.signs[p] = append(c.signs[p], sign)
	}
}

// product draws the conclusion from what was seen so far. The configuration decides
// where nothing was, and nothing does where signs contradict each other or it.
func (c *collector) product() product {
	c.lookAtServer()
	configured := configuredProduct(c.cfg.Kind)
	oss, cloud := len(c.signs[productOSS]) > 0, len(c.signs[productCloud]) > 0
	switch {
	case oss && cloud:
		return productUnknown
	case oss && configured != productCloud:
		return productOSS
	case cloud && configured != productOSS:
		return productCloud
	case oss || cloud:
		return productUnknown
	}
	return configured
}

func configuredProduct(kind string) product {
	switch kind {
	case target.KindOSS:
		return productOSS
	case target.KindTSM, target.KindServerless:
		return productCloud
	}
	return productUnknown
}

// lookAtServer notes what the headers and the name of the server tell.
func (c *collector) lookAtServer() {
	switch build := c.client.Connection().Build; {
	case build == "OSS":
		c.shows(productOSS, "X-Influxdb-Build: OSS")
	case strings.HasPrefix(strings.ToLower(build), "cloud"):
		c.shows(productCloud, "X-Influxdb-Build: "+build)
	}
	if u, err := url.Parse(c.cfg.URL); err == nil && strings.HasSuffix(strings.ToLower(u.Hostname()), ".cloud2.influxdata.com") {
		c.shows(productCloud, "its host belongs to InfluxDB Cloud")
	}
}

// nameServer says what answers, in its own words if it has any.
func (c *collector) nameServer() {
	if server := c.client.Connection(); server.Build != "" || server.Version != "" {
		c.cov.Server = strings.TrimSpace(fmt.Sprintf("InfluxDB %s %s", server.Build, server.Version))
	} else if p := c.product(); p != productUnknown {
		c.cov.Server = string(p)
	}
}

// concludeProduct says in the coverage what answers.
func (c *collector) concludeProduct() {
	p := c.product()
	c.nameServer()
	said := func(p product) string { return fmt.Sprintf("%s (%s)", p, strings.Join(c.signs[p], ", ")) }
	oss, cloud := len(c.signs[productOSS]) > 0, len(c.signs[productCloud]) > 0
	switch {
	case p != productUnknown && !oss && !cloud:
		c.cov.Hold(audit.ProductKnown, "%s, from the configured kind", p)
	case p != productUnknown:
		c.cov.Hold(audit.ProductKnown, "%s", said(p))
	case oss && cloud:
		c.cov.Gap(audit.ProductKnown, audit.Partial, "the answers show both %s and %s, so the product is not known", said(productOSS), said(productCloud))
	case oss || cloud:
		shown := productOSS
		if cloud {
			shown = productCloud
		}
		c.cov.Gap(audit.ProductKnown, audit.Partial, "the target is configured as %s, but the answers show %s", c.cfg.Kind, said(shown))
	default:
		c.cov.Gap(audit.ProductKnown, audit.Partial, "the answers do not show whether this is InfluxDB OSS or Cloud. X-Influxdb-Build: %s; no counts under /metrics, no 1.x API list, no \"redacted\" token value. Set kind", cmp.Or(c.client.Connection().Build, "none"))
	}
}

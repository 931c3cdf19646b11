package influxdb3

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// build is what a server says that it is, in the header X-Influxdb-Build since 3.1.0.
type build string

const (
	buildCore       build = "Core"
	buildEnterprise build = "Enterprise"
)

// release is the three numbers of a version.
type release [3]int

func (r release) before(major, minor, patch int) bool {
	o := release{major, minor, patch}
	for i := range r {
		if r[i] != o[i] {
			return r[i] < o[i]
		}
	}
	return false
}

var releaseNumbers = regexp.MustCompile(`^v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})([-+][0-9A-Za-z.+-]{1,20})?$`)

// versionWords is the version that the server says it has, in the headers since 3.1.0 and
// in the body of /ping; "" if it says none.
func (c *collector) versionWords() string {
	if heard := c.client.Connection().Version; heard != "" {
		return heard
	}
	return releaseNumbers.FindString(c.version)
}

// release is the version, if the server tells it.
func (c *collector) release() (r release, known bool) {
	numbers := releaseNumbers.FindStringSubmatch(c.versionWords())
	if numbers == nil {
		return r, false
	}
	for i := range r {
		r[i], _ = strconv.Atoi(numbers[i+1]) // of digits, few
	}
	return r, true
}

// answered is the product by what the server says; "" if it says nothing that fits. See
// isOther for InfluxDB Enterprise 1.x.
func (c *collector) answered() audit.Product {
	switch build(c.client.Connection().Build) {
	case buildCore:
		return audit.ProductCore
	case buildEnterprise:
		return audit.ProductEnterprise
	}
	return ""
}

// isOther: the version is one of another product.
func (c *collector) isOther() bool {
	r, known := c.release()
	return known && r[0] != 3
}

// product is what answers, as far as it is known. What is not known counts as Enterprise,
// where more can be wrong; concludeProduct says so.
func (c *collector) product() audit.Product {
	return cmp.Or(c.answered(), configured(c.cfg.Kind), audit.ProductEnterprise)
}

func configured(kind string) audit.Product {
	switch kind {
	case target.KindCore:
		return audit.ProductCore
	case target.KindEnterprise:
		return audit.ProductEnterprise
	}
	return ""
}

// serverWords are product and version as far as the server tells them, "" if it tells neither.
func (c *collector) serverWords() string {
	p := cmp.Or(c.answered(), configured(c.cfg.Kind))
	switch heard := c.client.Connection(); {
	case c.isOther():
		return "InfluxDB " + strings.TrimSpace(heard.Build+" "+c.versionWords())
	case p != "":
		return strings.TrimSpace(p.Name() + " " + c.versionWords())
	case heard.ClusterUUID != "" || c.versionWords() != "":
		return strings.TrimSpace("InfluxDB 3 " + c.versionWords())
	}
	return ""
}

// concludeProduct says in the coverage what answers.
func (c *collector) concludeProduct() {
	heard := c.client.Connection()
	p, kind := c.answered(), configured(c.cfg.Kind)
	c.cov.Product, c.cov.Server = c.product(), c.serverWords()
	switch {
	case c.isOther():
		c.cov.Gap(audit.ProductKnown, audit.Partial, "the answers are from %s, which is not InfluxDB 3. Set kind to its product", c.serverWords())
	case p != "" && kind != "" && p != kind:
		c.cov.Gap(audit.ProductKnown, audit.Partial, "the target is configured as %s, but the answers show %s (X-Influxdb-Build: %s). Set kind to it", kind.Name(), p.Name(), heard.Build)
	case p != "":
		c.cov.Hold(audit.ProductKnown, "%s (X-Influxdb-Build: %s)", p.Name(), heard.Build)
	case kind != "":
		c.cov.Hold(audit.ProductKnown, "%s, from the configured kind", kind.Name())
	case c.failed == nil && c.seen.narrow:
		c.cov.Hold(audit.ProductKnown, "%s: tokens are limited, which Core does not know", audit.ProductEnterprise.Name())
	case c.failed == nil: // else there is no answer that could show it
		c.cov.Gap(audit.ProductKnown, audit.Partial, "the answers do not show whether this is InfluxDB 3 Core or Enterprise: they have no header X-Influxdb-Build. Set kind to core or enterprise")
	}
}

// noteVersion says what is special about an old version.
func (c *collector) noteVersion() {
	r, known := c.release()
	switch {
	case !known || r[0] != 3:
		return
	case c.product() == audit.ProductEnterprise && r.before(3, 8, 4):
		c.cov.AddBlindSpot("Enterprise before 3.8.4 accepts a token with read or write on a database also for deleting that database. The server is " + c.versionWords() + ". Upgrade it")
	}
	if r.before(3, 0, 2) {
		c.cov.AddBlindSpot("InfluxDB 3 before 3.0.2 shows the whole hash of every token. The review keeps nine digits of each. Upgrade the server")
	}
	if r.before(3, 7, 0) {
		c.cov.AddBlindSpot("InfluxDB 3 before 3.7 does not send the ID of its cluster. The review knows the server by its URL and by the age of the token _admin. If the URL changes, its history begins again")
	}
}

// source is the ID that stands for the org of the tokens, and what their history belongs
// to: the ID of the cluster, which servers send since 3.7, and, so that an upgrade to that
// keeps the history, the URL with the time when the operator token was made. Both survive
// a new operator token; neither survives a new server. Where no answer shows what the
// server is, there are no sources.
func (c *collector) source() (id string, sources []string) {
	address := api.OrgAt(c.cfg.URL, c.seen.operatorAt.UTC().Format(time.RFC3339Nano))
	switch known := !c.seen.operatorAt.IsZero(); {
	case len(c.clusters) > 0 && known:
		return c.clusters[0], []string{audit.SourceOf(audit.ServerStore, c.clusters[0]), audit.SourceOf(audit.ServerStore, address)}
	case len(c.clusters) > 0:
		return c.clusters[0], []string{audit.SourceOf(audit.ServerStore, c.clusters[0])}
	case known:
		return address, []string{audit.SourceOf(audit.ServerStore, address)}
	}
	return address, nil
}

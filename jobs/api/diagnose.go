package api

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// Diagnose says of the server what the coverage does not, once it was asked, and
// nothing that was not tried. Cov is the coverage of that review.
func (c *Client) Diagnose(cov audit.Coverage) []target.Diagnosis {
	seen := c.Connection()
	switch {
	case !seen.Asked:
		return nil
	case !seen.Answered: // the coverage says why
		return []target.Diagnosis{{What: "server answers", Result: "no"}}
	}
	ds := []target.Diagnosis{{What: "server answers", OK: seen.Works, Result: cmp.Or(cov.Server, "product and version not given")}, c.diagnoseTLS(seen)}
	inDoubt := cov.Verdict == audit.NotKnown || slices.ContainsFunc(cov.Gaps, func(g audit.Gap) bool { return g.ID == audit.ProductKnown })
	if inDoubt { // what the coverage calls the server may be the configured kind alone
		ds[0].Result = "product and version not given"
		if said := strings.TrimSpace(seen.Build + " " + seen.Version); said != "" {
			ds[0].Result = "InfluxDB " + said
		}
	}
	if !seen.Works {
		ds[0].Result = "with nothing but errors of its own"
	}
	if !seen.Date.IsZero() {
		ds = append(ds, diagnoseClock(seen.Skew))
	}
	for _, used := range cov.Credentials {
		if used.Accepted { // the gaps tell of others
			ds = append(ds, target.Diagnosis{What: "credential", OK: true, Result: "of " + used.Of + ": accepted"})
		}
	}
	return ds
}

// largeSkew is how far apart the clocks of the server and the review may be without a word.
const largeSkew = 5 * time.Minute

// NoteClock says in the coverage what the server's clock says, also of a server that
// answered nothing else.
func (c *Client) NoteClock(cov *audit.Coverage) {
	seen := c.Connection()
	cov.ServerDate, cov.ClockSkewSeconds = seen.Date, int(seen.Skew.Seconds())
	if seen.Skew.Abs() < largeSkew {
		return
	}
	than := "ahead of"
	if seen.Skew < 0 {
		than = "behind"
	}
	cov.AddBlindSpot(fmt.Sprintf("the server's clock is %s %s that of the review. Ages of tokens are wrong by as much, and due dates count from the clock of the review. Set both clocks by NTP", seen.Skew.Abs(), than))
}

func diagnoseClock(skew time.Duration) target.Diagnosis {
	d := target.Diagnosis{What: "clock", OK: skew.Abs() < time.Minute, Result: fmt.Sprintf("the server's clock differs by %s from this machine's", skew.Abs())}
	switch {
	case !d.OK && skew > 0:
		d.Result = fmt.Sprintf("the server's clock is %s ahead of this machine's", skew)
	case !d.OK:
		d.Result = fmt.Sprintf("the server's clock is %s behind this machine's", -skew)
	}
	if !d.OK {
		d.Fix = "Set both clocks by NTP: ages and dates in the evidence depend on them."
	}
	return d
}

func (c *Client) diagnoseTLS(seen Connection) target.Diagnosis {
	d := target.Diagnosis{What: "connection", OK: true}
	ip := net.ParseIP(c.base.Hostname())
	local := c.base.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	switch {
	case seen.TLS != 0:
		d.Result = tls.VersionName(seen.TLS)
	case local:
		d.Result = "without TLS, on this machine only"
	default:
		d.OK, d.Result, d.Fix = false, "without TLS: the credential is sent in plain text", "Use https."
	}
	return d
}

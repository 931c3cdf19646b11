package influx

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"

	"tokenaudit/jobs/audit"
)

// Diagnosis is one thing that a review of a target depends on, with what to do
// if it is not well.
type Diagnosis struct {
	What   string
	OK     bool
	Result string
	Fix    string // empty if there is nothing to do
}

// Diagnose says of the server what the coverage does not, once Collect has asked it, and
// nothing that was not tried. Cov is the coverage of that review.
func (t *Target) Diagnose(cov audit.Coverage) []Diagnosis {
	seen := t.client.connection()
	switch {
	case !seen.asked:
		return nil
	case !seen.answered: // the coverage says why
		return []Diagnosis{{What: "server answers", Result: "no"}}
	}
	ds := []Diagnosis{{What: "server answers", OK: seen.works, Result: cmp.Or(cov.Server, "product and version not given")}, t.diagnoseTLS(seen)}
	if !seen.works {
		ds[0].Result = "with nothing but errors of its own"
	}
	if !seen.date.IsZero() {
		ds = append(ds, diagnoseClock(seen.skew))
	}
	for _, c := range cov.Credentials {
		if c.Accepted { // the gaps tell of others
			ds = append(ds, Diagnosis{What: "credential", OK: true, Result: "of " + c.Of + ": accepted"})
		}
	}
	return ds
}

func diagnoseClock(skew time.Duration) Diagnosis {
	d := Diagnosis{What: "clock", OK: skew.Abs() < time.Minute, Result: fmt.Sprintf("the server's clock differs by %s from this machine's", skew.Abs())}
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

func (t *Target) diagnoseTLS(seen connection) Diagnosis {
	d := Diagnosis{What: "connection", OK: true}
	u, err := url.Parse(t.cfg.URL)
	local := false
	if err == nil {
		ip := net.ParseIP(u.Hostname())
		local = u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	}
	switch {
	case seen.tls != 0:
		d.Result = tls.VersionName(seen.tls)
	case local:
		d.Result = "without TLS, on this machine only"
	default:
		d.OK, d.Result, d.Fix = false, "without TLS: the credential is sent in plain text", "Use https."
	}
	return d
}

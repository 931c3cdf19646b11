package influx

import (
	"context"
	"crypto/tls"
	"errors"
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

// Diagnose asks what a review asks, and says what it depends on. Coverage is the
// verdict that the review would draw, before it compares with earlier ones.
func (t *Target) Diagnose(ctx context.Context, progress func()) ([]Diagnosis, audit.Coverage) {
	c := newCollector(t, progress)
	defer c.list.Close()
	c.run(ctx)
	ds := []Diagnosis{c.diagnoseAnswer(), c.diagnoseTLS(), c.diagnoseClock(), c.diagnoseCredential()}
	if ds[3].OK {
		ds = append(ds, c.diagnoseRights(ctx)...)
	}
	for i, u := range c.cfg.Users {
		if t.clients[i] != nil {
			ds = append(ds, c.diagnoseUser(u))
		}
	}
	return ds, c.cov
}

func (c *collector) diagnoseAnswer() Diagnosis {
	d := Diagnosis{What: "server answers", OK: c.client.line.answered, Result: c.cov.Server}
	switch {
	case !d.OK:
		d.Result, d.Fix = c.reason(), "check url, the network and ca_file"
	case d.Result == "":
		d.Result = "does not say what it is"
	}
	return d
}

func (c *collector) reason() string {
	if len(c.cov.Reasons) == 0 {
		return "no answer"
	}
	return c.cov.Reasons[0]
}

func (c *collector) diagnoseTLS() Diagnosis {
	d := Diagnosis{What: "connection", OK: true}
	u, err := url.Parse(c.cfg.URL)
	switch {
	case c.client.line.tls != 0:
		d.Result = tls.VersionName(c.client.line.tls)
	case err == nil && loopback(u.Hostname()):
		d.Result = "without TLS, within this machine"
	default:
		d.OK, d.Result, d.Fix = false, "without TLS: the credential travels in clear", "use https"
	}
	return d
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *collector) diagnoseClock() Diagnosis {
	skew := c.client.line.skew
	d := Diagnosis{What: "clock", OK: skew.Abs() < time.Minute, Result: fmt.Sprintf("the server is %s ahead of this machine", skew)}
	if !d.OK {
		d.Fix = "set both clocks by NTP: ages and dates in the evidence depend on them"
	}
	return d
}

func (c *collector) diagnoseCredential() Diagnosis {
	for _, a := range c.cov.Asked {
		if a.Verdict == audit.NotKnown && c.cov.Verdict == audit.NotKnown && a.Request == "GET /api/v2/me" && refusedBy(c.cov, a) {
			return Diagnosis{What: "credential", Result: c.reason(), Fix: c.fix()}
		}
	}
	return Diagnosis{What: "credential", OK: true, Result: "is let in"}
}

// refusedBy: the review ended with this question.
func refusedBy(cov audit.Coverage, a audit.Asked) bool {
	return len(cov.Asked) == 1 && cov.Asked[0] == a
}

func (c *collector) diagnoseRights(ctx context.Context) []Diagnosis {
	rows := 0
	for _, f := range c.seen {
		rows += f.rows
	}
	listed := c.right("read authorizations", rows > 0, fmt.Sprintf("%d listed", rows), "none listed: the right is missing, or the org is another one")
	if c.failed != nil && !listed.OK {
		listed.Result = "none listed: " + c.failed.Error()
	}
	if errors.As(c.failed, new(*TempError)) {
		listed.Fix = "" // the error says what to do, and another credential would not help
	}
	return []Diagnosis{
		listed,
		c.right("read all users", c.seesAll, "yes", "no: only the credential's own user is listed"),
		c.right("read members and owners", c.membersKnown(ctx), "yes", "no: owner-not-member is not judged"),
		c.right("compare with the server's own counts", c.cov.Stored != nil, "yes", "no: what the list hides is known only from earlier reviews"),
	}
}

func (c *collector) right(what string, ok bool, yes, no string) Diagnosis {
	if ok {
		return Diagnosis{What: what, OK: true, Result: yes}
	}
	return Diagnosis{What: what, Result: no, Fix: c.wider()}
}

// membersKnown asks about the org of the target, or about any if it has none.
func (c *collector) membersKnown(ctx context.Context) bool {
	for a, err := range c.list.All() {
		return err == nil && c.directory.membersOf(ctx, a.OrgID).err == nil
	}
	return false
}

func (c *collector) diagnoseUser(u User) Diagnosis {
	rows := c.seen[c.userID(u)].rows
	d := Diagnosis{What: "credential of " + u.Label(), OK: rows > 0, Result: fmt.Sprintf("%d listed", rows)}
	if !d.OK {
		d.Fix = "give it a token of this user that may read authorizations and the user"
	}
	return d
}

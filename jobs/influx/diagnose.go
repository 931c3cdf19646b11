package influx

import (
	"cmp"
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
	reason := "no answer"
	if len(c.cov.Reasons) > 0 {
		reason = c.cov.Reasons[0]
	}
	answers := Diagnosis{What: "server answers", OK: true, Result: cmp.Or(c.cov.Server, "does not say what it is")}
	if !c.client.seen.answered {
		answers = Diagnosis{What: "server answers", Result: reason, Fix: "check url, the network and ca_file"}
	}
	skew := c.client.seen.skew
	clock := Diagnosis{What: "clock", OK: skew.Abs() < time.Minute, Result: fmt.Sprintf("the server is %s ahead of this machine", skew)}
	if !clock.OK {
		clock.Fix = "set both clocks by NTP: ages and dates in the evidence depend on them"
	}
	ds := []Diagnosis{answers, c.diagnoseTLS(), clock}
	if asked := c.cov.Asked; len(asked) == 1 && asked[0].Verdict == audit.NotKnown && c.cov.Verdict == audit.NotKnown { // the review ended with it
		ds = append(ds, Diagnosis{What: "credential", Result: reason, Fix: c.fix()})
	} else {
		ds = append(append(ds, Diagnosis{What: "credential", OK: true, Result: "is let in"}), c.diagnoseRights(ctx)...)
	}
	for i, u := range c.cfg.Users {
		if t.clients[i] == nil {
			continue
		}
		rows := c.seen[c.userID(u)].rows
		d := Diagnosis{What: "credential of " + u.Label(), OK: rows > 0, Result: fmt.Sprintf("%d listed", rows)}
		if !d.OK {
			d.Fix = "give it a token of this user that may read authorizations and the user"
		}
		ds = append(ds, d)
	}
	return ds, c.cov
}

func (c *collector) diagnoseTLS() Diagnosis {
	d := Diagnosis{What: "connection", OK: true}
	u, err := url.Parse(c.cfg.URL)
	local := false
	if err == nil {
		ip := net.ParseIP(u.Hostname())
		local = u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	}
	switch {
	case c.client.seen.tls != 0:
		d.Result = tls.VersionName(c.client.seen.tls)
	case local:
		d.Result = "without TLS, within this machine"
	default:
		d.OK, d.Result, d.Fix = false, "without TLS: the credential travels in clear", "use https"
	}
	return d
}

func (c *collector) diagnoseRights(ctx context.Context) []Diagnosis {
	rows := 0
	for _, f := range c.seen {
		rows += f.rows
	}
	none := "none listed: the right is missing, or the org is another one"
	if c.failed != nil {
		none = "none listed: " + c.failed.Error()
	}
	members := false // of the org of the target, or of any if it has none
	for a, err := range c.list.All() {
		members = err == nil && c.directory.membersOf(ctx, a.OrgID).err == nil
		break
	}
	ds := []Diagnosis{
		c.right("read authorizations", rows > 0, fmt.Sprintf("%d listed", rows), none),
		c.right("read all users", c.seesAll, "yes", "no: only the credential's own user is listed"),
		c.right("read members and owners", members, "yes", "no: owner-not-member is not judged"),
		c.right("compare with the server's own counts", c.cov.Stored != nil, "yes", "no: what the list hides is known only from earlier reviews"),
	}
	if errors.As(c.failed, new(*TempError)) {
		ds[0].Fix = "" // the error says what to do, and another credential would not help
	}
	return ds
}

func (c *collector) right(what string, ok bool, yes, no string) Diagnosis {
	if ok {
		return Diagnosis{What: what, OK: true, Result: yes}
	}
	return Diagnosis{What: what, Result: no, Fix: c.wider()}
}

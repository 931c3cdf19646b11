package influx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tokenaudit/configs/remedy"
	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
)

// explained is an error in other words.
type explained struct {
	text string
	err  error
}

func (e explained) Error() string { return e.text }

func (e explained) Unwrap() error { return e.err }

// remedyOf is what to do about an answer, as far as it tells by itself.
func remedyOf(e *api.Error) string {
	switch {
	case e.Status >= 300 && e.Status < 400:
		return "Set url to the address of InfluxDB itself: credentials do not follow a redirect."
	case e.Status == http.StatusUnauthorized && e.Message == "token is inactive":
		return "Activate it (influx auth active --id ID), or give the target another credential."
	case e.Status == http.StatusUnauthorized && strings.HasSuffix(e.Message, " is unauthorized"):
		return "" // a right is missing, which the premise tells of
	case e.Status == http.StatusUnauthorized:
		return "Give the target a valid credential of this server. This one was revoked, belongs to another server, or was cut when it was stored."
	case e.Status == http.StatusForbidden && strings.HasPrefix(e.Message, "User is inactive"):
		return "Give the target a credential of an active user, or activate its user. InfluxDB gives the same answer if the user was deleted."
	case e.Status == http.StatusForbidden, e.Status == http.StatusProxyAuthRequired:
		return "Allow GET requests to /api/v2 from this machine in the proxy in front of InfluxDB."
	case e.Status == http.StatusBadRequest && e.Code == "":
		return "Begin url with https:// if the server uses TLS on this port."
	case e.Status == http.StatusNotFound && e.Code == "":
		return "Set url to the root of InfluxDB, such as http://HOST:8086. InfluxDB 1.x and 3 have no such list (tokenaudit help products)."
	case e.Status == http.StatusTooManyRequests:
		return "Review at another time, or review fewer targets at the same time (parallel_per_host)."
	case e.FromGateway():
		return "Check whether InfluxDB is running behind the gateway that sent this answer."
	case e.Status >= 500:
		return "Read the log of InfluxDB: one stored record that it cannot read makes the full list fail."
	}
	return ""
}

// advice is a remedy that stands in the reason itself.
type advice string

// Remedy is the advice.
func (a advice) Remedy() string { return string(a) }

// withOrgs adds to the failure of a list by the name of an org which ones there are.
func (c *collector) withOrgs(ctx context.Context, err error) error {
	var answer *api.Error
	if !errors.As(err, &answer) || answer.Status != http.StatusNotFound || !strings.HasPrefix(answer.Message, "organization name ") {
		return err
	}
	if fix := c.otherOrg(ctx); fix != "" {
		return &remedy.Error{Err: err, Fix: string(fix)}
	}
	return &remedy.Error{Err: err, Fix: "Correct org. Upper and lower case must match InfluxDB. The credential may not list the orgs (--read-orgs)."}
}

// otherOrg names the orgs that the credential sees. It is "" if there are none, or if
// that of the target is among them.
func (c *collector) otherOrg(ctx context.Context) advice {
	const shown = 5
	orgs, err := c.client.orgs(ctx)
	if err != nil || len(orgs) == 0 || slices.ContainsFunc(orgs, func(o org) bool { return o.ID == c.org.OrgID }) {
		return ""
	}
	var names []string
	for _, o := range orgs {
		names = append(names, audit.Line(o.Name, 40)+" ("+audit.Line(o.ID, 16)+")")
	}
	slices.Sort(names)
	more := ""
	if len(names) > shown {
		names, more = names[:shown], fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return advice("Set org to one that the credential can see: " + strings.Join(names, ", ") + more + ".")
}

// orgs are those that the credential may read, a hundred at most.
func (c *Client) orgs(ctx context.Context) ([]org, error) {
	var page orgPage
	err := c.GetJSON(ctx, "/api/v2/orgs", url.Values{"limit": {"100"}}, &page)
	for i := range page.Orgs {
		page.Orgs[i].ID = lowerID(page.Orgs[i].ID)
	}
	return page.Orgs, err
}

// Package influxdb1 reviews the users of an InfluxDB 1.x, which are there in place of
// tokens: each is an authorization, known by its name, with what it may do. Nothing is
// sent but SHOW USERS and SHOW GRANTS FOR one user: see package query.
package influxdb1

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influxdb1/query"
	"tokenaudit/jobs/target"
)

// Target collects the users of one configured server.
type Target struct {
	cfg    target.Config
	client *query.Client
}

// New makes the client of a target; it sends nothing.
func New(cfg target.Config, log *slog.Logger) (*Target, error) {
	client, err := query.New(cfg, log)
	if err != nil {
		return nil, fmt.Errorf("target %q: %w", cfg.Name, err)
	}
	return &Target{cfg, client}, nil
}

// Count makes t tell traffic of every request. Call it before t is used.
func (t *Target) Count(traffic api.Traffic) { t.client.Count(traffic) }

// Diagnose says of the server what the coverage does not, once Collect has asked it.
func (t *Target) Diagnose(cov audit.Coverage) []target.Diagnosis { return t.client.Diagnose(cov) }

// version1 is what InfluxDB 1.x has in X-Influxdb-Version: 1.8.10, 1.6.7~rc0, v1.11.8.
var version1 = regexp.MustCompile(`^v?1\.[0-9]`)

// Recognise reports whether it is an InfluxDB 1.x that answers. It sends no password. A
// server that wants one for /ping says what it is all the same.
func (t *Target) Recognise(ctx context.Context) bool {
	client := t.client.Fresh(api.NewJournal("")).Anonymous()
	switch client.Ping(ctx) {
	case http.StatusOK, http.StatusNoContent, http.StatusUnauthorized:
		return version1.MatchString(client.Connection().Version)
	}
	return false
}

// Collect asks for all users and what each may do. What could not be had is said in the
// coverage and is not an error; an error means that the review itself was broken off.
// Progress is called for each user.
func (t *Target) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	requests := api.NewJournal("")
	c := newCollector(t.cfg, t.client.Fresh(requests), progress)
	c.run(ctx)
	t.client.Remember(c.client.Connection())
	if err := context.Cause(ctx); err != nil {
		c.list.Close()
		return audit.Collection{Requests: requests.All}, fmt.Errorf("target %q: %w", t.cfg.Name, err)
	}
	survey := &audit.Survey{}
	out := audit.Collection{
		Authorizations: audit.Prefetch(survey.Of(c.list.All())), Coverage: c.cov, Owner: owner,
		Scope:    audit.Scope{Instance: true, AllVisible: c.whole, Credentials: map[string]bool{c.self: true}},
		Conclude: survey.Conclude, Close: c.list.Close, Requests: requests.All,
	}
	if c.cov.Verdict != audit.NotKnown {
		out.Probe = c.probe
	}
	return out, nil
}

// idOf is the ID of the authorization that stands for a user.
func idOf(user string) string { return "user/" + audit.SafeID(user) }

// owner of a user is the user itself, who was listed a moment ago.
func owner(_ context.Context, a audit.Authorization) audit.Owner {
	return audit.Owner{ID: a.UserID, Name: a.User, State: audit.OwnerPresent, MembershipKnown: true, Evidence: "SHOW USERS lists the user"}
}

package influxdb1

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influxdb1/query"
	"tokenaudit/jobs/sorted"
	"tokenaudit/jobs/target"
)

// collector is the state of one Collect.
type collector struct {
	cfg      target.Config
	client   *query.Client
	progress func()
	pacer    *api.Pacer
	list     *sorted.List
	cov      audit.Coverage
	self     string // ID of the user that asks
	orgID    string // of the server: it has no orgs, and no ID of its own

	whole     bool // a user that is not in the list does not exist
	open      bool // authentication is off
	closed    bool // authentication is on
	ungranted ungranted
}

// ungranted are the users of the newest list whose grants could not be read.
type ungranted struct {
	names []string
	err   error // of the first
}

// listed is a user of a list.
type listed struct {
	query.User
	id string // of the authorization
}

func newCollector(cfg target.Config, client *query.Client, progress func()) *collector {
	c := &collector{
		cfg: cfg, client: client, progress: progress, pacer: api.NewPacer(), list: &sorted.List{}, cov: audit.NewCoverage(cfg.Name),
		self: idOf(cfg.Username), orgID: api.OrgAt(cfg.URL),
	}
	c.cov.Source, c.cov.Product = cfg.URL, audit.ProductV1
	c.cov.AddLimits(audit.ProductV1)
	return c
}

// run asks who the users are, whether anybody may ask, and what each user may do.
func (c *collector) run(ctx context.Context) {
	users, err := c.users(ctx)
	if err == nil {
		c.cov.Sources = []string{audit.SourceOf(audit.ServerStore, c.orgID)}
		c.askAnonymously(ctx)
		users = c.listAll(ctx, users)
		c.conclude(users)
	} else {
		c.refused(err)
	}
	c.concludeServer(err == nil)
}

// users are all of them, in the order of their IDs, each once.
func (c *collector) users(ctx context.Context) ([]listed, error) {
	all, err := c.client.Users(ctx)
	c.record("users", query.UsersRequest, len(all), err)
	users := make([]listed, len(all))
	for i, u := range all {
		users[i] = listed{u, idOf(u.Name)}
	}
	slices.SortFunc(users, func(a, b listed) int { return cmp.Compare(a.id, b.id) })
	once := users[:0]
	for _, u := range users {
		if n := len(once); n > 0 && once[n-1].id == u.id {
			c.cov.Gap(audit.ListsAgree, audit.Partial, "SHOW USERS shows the user %s twice", audit.Line(u.Name, 60))
			once[n-1].Admin = once[n-1].Admin || u.Admin
			continue
		}
		once = append(once, u)
	}
	return once, err
}

// askAnonymously asks without a password: with authentication off InfluxDB answers
// everybody, whatever the password. That is a finding on the server. The users are all
// listed then, too.
func (c *collector) askAnonymously(ctx context.Context) {
	client := c.client.Anonymous()
	users, err := client.Users(ctx)
	err = client.Connection().OfNow(err)
	asked := c.record("whether InfluxDB answers without a password", query.UsersRequest, len(users), err)
	asked.Credential = "nobody"
	switch {
	case err == nil:
		c.open = true
		c.cov.NoNeed(audit.CredentialActive, "authentication is off: InfluxDB answers without a password (check auth-off)")
		off := audit.Server("InfluxDB answers every request without a password: auth-enabled is false")
		off.Product = audit.ProductV1
		c.add(off)
	case api.Says(err, http.StatusUnauthorized, "unable to parse authentication credentials"):
		c.closed = true
		asked.Verdict, asked.Reason = audit.Complete, "401: authentication is on"
		c.cov.Hold(audit.CredentialActive, "SHOW USERS: 200 with the password of user %s, 401 without a password", audit.Line(c.cfg.Username, 60))
	default:
		api.NoteUnclear(&c.cov, "password", err)
	}
}

// listAll adds every user with what it may do, and gives the users. SHOW GRANTS is one
// request for each user, so that users may come and go in between: the list is taken
// again until it is the same before and after.
func (c *collector) listAll(ctx context.Context, users []listed) []listed {
	const attempts = 3
	start := c.list.Mark()
	for attempt := 1; ; attempt++ {
		c.addAll(ctx, users)
		after, err := c.users(ctx)
		switch {
		case err != nil:
			c.cov.Gap(audit.ListsAgree, audit.Partial, "the users could not be listed again after their grants: %v", err)
			return users
		case slices.Equal(users, after):
			c.whole = true
			c.cov.Hold(audit.ListsAgree, "SHOW USERS shows the same %s before and after their grants were read", audit.Plural(len(users), "user"))
			return users
		case attempt == attempts:
			c.cov.Gap(audit.ListsAgree, audit.Partial, "the users changed while their grants were read, %d times in a row", attempts)
			return users
		}
		if err := c.list.Rollback(start); err != nil {
			c.cov.Gap(audit.ListWhole, audit.NotKnown, "the users could not be listed again: %v", err)
			return users
		}
		users, c.ungranted = after, ungranted{}
	}
}

// addAll adds users with their grants, which are asked for a few at a time.
func (c *collector) addAll(ctx context.Context, users []listed) {
	const together, parallel = 64, 4
	rows := 0
	for some := range slices.Chunk(users, together) {
		grants, errs := make([][]query.Grant, len(some)), make([]error, len(some))
		var asking errgroup.Group
		asking.SetLimit(parallel)
		for i, u := range some {
			asking.Go(func() error {
				return audit.Guard(func() error {
					errs[i] = c.pacer.Ask(ctx, func() (err error) { grants[i], err = c.client.Grants(ctx, u.Name); return err })
					return nil
				})
			})
		}
		if broken := asking.Wait(); broken != nil {
			panic(broken)
		}
		for i, u := range some {
			if errs[i] != nil {
				c.ungranted.names = append(c.ungranted.names, u.Name)
				c.ungranted.err = cmp.Or(c.ungranted.err, errs[i])
			}
			rows += len(grants[i])
			c.add(c.authorization(u, grants[i], errs[i]))
			c.progress()
		}
	}
	asked := c.record("grants of "+audit.Plural(len(users), "user")+", one request for each", query.GrantsRequest, rows, c.ungranted.err)
	if c.ungranted.err != nil {
		asked.Verdict = audit.Partial
	}
}

// authorization stands for a user. What an admin may do is known without grants.
func (c *collector) authorization(u listed, grants []query.Grant, err error) audit.Authorization {
	a := audit.Authorization{ID: u.id, OrgID: c.orgID, Org: c.cfg.Name, UserID: u.Name, User: u.Name, Status: audit.Active, Product: audit.ProductV1, Permissions: []audit.Permission{}}
	add := func(r audit.Resource, actions ...string) {
		for _, action := range actions {
			a.Permissions = append(a.Permissions, audit.Permission{Action: action, Resource: r})
		}
	}
	if u.Admin {
		add(audit.Resource{Type: "instance"}, "read", "write")
	}
	if u.Odd != "" {
		add(audit.Resource{}, "admin is "+audit.Line(u.Odd, 60))
	}
	if err != nil {
		add(audit.Resource{}, "grants not known")
	}
	slices.SortFunc(grants, func(a, b query.Grant) int {
		return cmp.Or(cmp.Compare(a.Database, b.Database), cmp.Compare(a.Privilege, b.Privilege))
	})
	for _, g := range grants {
		on := audit.Resource{Type: "buckets", ID: g.Database, Name: g.Database, OrgID: c.orgID}
		switch g.Privilege {
		case "READ":
			add(on, "read")
		case "WRITE":
			add(on, "write")
		case "ALL PRIVILEGES":
			add(on, "read", "write")
		case "NO PRIVILEGES": // what REVOKE leaves behind
		default:
			add(on, "privilege "+audit.Line(g.Privilege, 60)) // "read" would be a permission that can be read
		}
	}
	return a
}

func (c *collector) add(a audit.Authorization) {
	if err := c.list.Add(a); err != nil {
		c.cov.Gap(audit.TargetReviewed, audit.NotKnown, "a user could not be stored: %v", err)
	}
}

// probe says what happened to a user of an earlier review. One that a whole list lacks was
// dropped: there is no other place where it could be.
func (c *collector) probe(_ context.Context, before audit.Authorization) audit.Probe {
	switch {
	case before.IsServer() && c.closed:
		return audit.Probe{Presence: audit.Gone, Evidence: "InfluxDB refuses requests without a password"}
	case !before.IsServer() && c.whole:
		return audit.Probe{Presence: audit.Gone, Evidence: "SHOW USERS no longer lists the user"}
	}
	return audit.Probe{Presence: audit.Unseen, Evidence: "no complete answer was received that would show it"}
}

// record notes a question and its answer in the coverage.
func (c *collector) record(what, request string, rows int, err error) *audit.Asked {
	a := audit.Asked{What: what, Request: request, Status: api.StatusOf(err), Rows: rows, Verdict: audit.Complete, Credential: audit.TheTarget}
	if err != nil {
		a.Verdict, a.Reason = audit.NotKnown, err.Error()
	}
	c.cov.Asked = append(c.cov.Asked, a)
	return &c.cov.Asked[len(c.cov.Asked)-1]
}

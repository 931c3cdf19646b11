package influx

import (
	"context"
	"fmt"
	"log/slog"

	"tokenaudit/jobs/audit"
)

// Target collects the authorizations of one configured target.
type Target struct {
	cfg     Config
	client  *Client
	clients []*Client // by index of cfg.Users; nil for a user without a credential of its own
}

// NewTarget makes the clients of a target; it sends nothing.
func NewTarget(cfg Config, log *slog.Logger) (*Target, error) {
	client, err := NewClient(cfg, cfg.Token, log)
	if err != nil {
		return nil, fmt.Errorf("target %q: %w", cfg.Name, err)
	}
	t := &Target{cfg: cfg, client: client, clients: make([]*Client, len(cfg.Users))}
	for i, u := range cfg.Users {
		if u.Token.IsZero() {
			continue
		}
		if t.clients[i], err = NewClient(cfg, u.Token, log); err != nil {
			return nil, fmt.Errorf("target %q: %w", cfg.Name, err)
		}
	}
	return t, nil
}

// Collect asks for everything the target is configured for. What could not be
// had is said in the coverage and is not an error; an error means that the
// review itself was broken off. Progress is called for each authorization.
func (t *Target) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	c := &collector{
		Target: t, progress: progress, list: newSorted(), cov: audit.NewCoverage(t.cfg.Name),
		org: t.cfg.Query(), rowsOf: map[string]int{}, idOf: map[string]string{},
	}
	c.run(ctx)
	if err := context.Cause(ctx); err != nil {
		c.list.Close()
		return audit.Collection{}, fmt.Errorf("target %q: %w", t.cfg.Name, err)
	}
	return c.collection(), nil
}

// Query asks for the org by ID if that is what the configuration gives.
func (c Config) Query() Query {
	if idPattern.MatchString(c.Org) {
		return Query{OrgID: c.Org}
	}
	return Query{Org: c.Org}
}

// collector is the state of one Collect.
type collector struct {
	*Target
	progress func()
	list     *Sorted
	cov      audit.Coverage
	org      Query // what is asked for in every list

	seesAll   bool               // the credential may read every user
	accounts  map[string]account // users of the instance, as far as seen
	complete  bool               // the one list of the whole org was answered
	failed    error              // why it was not
	rowsOf    map[string]int     // authorizations seen, by user ID
	idOf      map[string]string  // user IDs by name, as the rows have them
	directory *directory
}

func (c *collector) run(ctx context.Context) {
	if !c.askCredential(ctx) {
		return
	}
	c.askSight(ctx)
	c.askOrg(ctx)
	c.askAccounts(ctx)
	c.directory = newDirectory(c.client, c.accounts)
	c.listOrg(ctx)
	c.reviewUsers(ctx)
	c.conclude()
}

func (c *collector) collection() audit.Collection {
	out := audit.Collection{
		Authorizations: c.list.All(), Coverage: c.cov, Scope: c.scope(), Close: c.list.Close,
	}
	if c.directory != nil {
		out.Owner = c.directory.owner
	}
	if c.cov.Verdict != audit.NotKnown {
		out.Probe = c.client.Probe
	}
	return out
}

func (c *collector) scope() audit.Scope {
	s := audit.Scope{AllVisible: c.complete && c.seesAll}
	if len(c.cfg.Users) == 0 {
		return s
	}
	s.Users = map[string]bool{}
	for _, u := range c.cfg.Users {
		s.Users[c.userID(u)] = true
	}
	return s
}

// userID is the ID of a configured user, "" if it is not known.
func (c *collector) userID(u User) string {
	if u.ID != "" {
		return u.ID
	}
	return c.idOf[u.Name]
}

// ask notes a question and its answer in the coverage.
func (c *collector) ask(what, request string, rows, foreign int, err error) *audit.Asked {
	a := audit.Asked{What: what, Request: request, Status: statusOf(err), Rows: rows, Foreign: foreign, Verdict: audit.Complete}
	if err != nil {
		a.Verdict, a.Reason = audit.NotKnown, err.Error()
	}
	c.cov.Asked = append(c.cov.Asked, a)
	return &c.cov.Asked[len(c.cov.Asked)-1]
}

// Package dedicated reads the database tokens of InfluxDB Cloud Dedicated and InfluxDB
// Clustered from their management API. It only ever sends GET.
//
// Target.Collect asks for the tokens and the databases of one cluster. The API knows
// neither owners nor pages, and does not say whether its lists are whole: the canary does,
// and the tokens of earlier reviews and of an imported list, which are asked for by their
// IDs where the list lacks them. Revoking a token is deleting it there, and is final.
package dedicated

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/sorted"
	"tokenaudit/jobs/target"
)

// Target collects the database tokens of one configured cluster.
type Target struct {
	cfg     target.Config
	product audit.Product
	client  *api.Client
}

// New makes the client of a target; it sends nothing.
func New(cfg target.Config, log *slog.Logger) (*Target, error) {
	cfg = cfg.LowerIDs()
	product := audit.ProductClustered
	if cfg.Kind == target.KindDedicated {
		product, cfg.URL = audit.ProductDedicated, cmp.Or(cfg.URL, target.DedicatedURL)
	}
	scheme := api.Scheme{
		Authorize: func(h http.Header, secret string) { h.Set("Authorization", "Bearer "+secret) },
		Secret:    "accessToken",
		Remedy:    remedyOf,
	}
	client, err := api.New(scheme, cfg, cfg.Token, log)
	if err != nil {
		return nil, fmt.Errorf("target %q: %w", cfg.Name, err)
	}
	return &Target{cfg: cfg, product: product, client: client}, nil
}

// path is where the API has what it calls by that name.
func (t *Target) path(name string) string {
	if t.product == audit.ProductClustered {
		return "/api/v0/" + name
	}
	return "/api/v0/accounts/" + t.cfg.Account + "/clusters/" + t.cfg.Cluster + "/" + name
}

// orgID stands for the cluster in place of an org, which neither product has.
func (t *Target) orgID() string {
	if t.product == audit.ProductDedicated {
		return t.cfg.Cluster
	}
	return api.OrgAt(t.cfg.URL)
}

// Collect asks for everything that the target is configured for. What could not be had is
// said in the coverage and is not an error; an error means that the review itself was
// broken off. Progress is called for each token.
func (t *Target) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	requests := api.NewJournal("accessToken")
	c := &collector{
		Target: &Target{cfg: t.cfg, product: t.product, client: t.client.As(api.Asker{Journal: requests, Credential: audit.TheTarget})},
		list:   &sorted.List{}, cov: audit.NewCoverage(t.cfg.Name), progress: progress, pacer: api.NewPacer(),
	}
	c.run(ctx)
	c.client.NoteClock(&c.cov)
	t.client.Remember(c.client.Connection())
	if err := context.Cause(ctx); err != nil {
		c.list.Close()
		return audit.Collection{Requests: requests.All}, fmt.Errorf("target %q: %w", t.cfg.Name, err)
	}
	survey := &audit.Survey{}
	known, elsewhere, free := c.known()
	out := audit.Collection{
		Authorizations: audit.Prefetch(survey.Of(c.named())),
		Coverage:       c.cov,
		Scope:          audit.Scope{Instance: true, DatabasesUnknown: c.databases == nil},
		Owner: func(context.Context, audit.Authorization) audit.Owner {
			return audit.Owner{State: audit.OwnerNone, Evidence: "database tokens have no owner"}
		},
		Known: known, KnownElsewhere: elsewhere,
		Conclude: func(cov *audit.Coverage) { survey.Conclude(cov); c.concludeWalk(cov) },
		Requests: requests.All,
		Close:    func() { c.list.Close(); free() },
	}
	if c.cov.Verdict != audit.NotKnown {
		out.Probe = c.probe
	}
	return out, nil
}

// Diagnose says of the server what the coverage does not, once Collect has asked it.
func (t *Target) Diagnose(cov audit.Coverage) []target.Diagnosis { return t.client.Diagnose(cov) }

// Count counts the requests of every review from now on.
func (t *Target) Count(traffic api.Traffic) { t.client.Count(traffic) }

// collector is the state of one Collect.
type collector struct {
	*Target
	progress  func()
	list      *sorted.List
	cov       audit.Coverage
	databases map[string]bool // by name; nil where they could not be listed
	witness   string          // ID of a listed token, the canary if that is one
	lookUp    error           // why none can be asked for by its ID
	looked    bool            // whether lookUp was found out
	hidden    int             // tokens that the list lacks, and that work
	pacer     *api.Pacer
}

// run asks for the tokens, then for the databases that they are for: one that was made or
// deleted in between counts as the newer answer has it.
func (c *collector) run(ctx context.Context) {
	c.cov.Product, c.cov.Server, c.cov.Source = c.product, c.product.Name(), c.cfg.URL
	if c.product == audit.ProductDedicated {
		c.cov.Source += ", cluster " + c.cfg.Cluster
	}
	c.cov.AddLimits(c.product)
	for premise, why := range notNeeded {
		c.cov.NoNeed(premise, "%s", why)
	}
	rows, err := c.listTokens(ctx)
	c.letIn(err)
	if build := c.client.Connection().Build; build != "" && err != nil {
		c.cov.Gap(audit.ProductKnown, audit.NotKnown, "the target is configured as %s, but InfluxDB %s answers, which has no management API", c.cfg.Kind, build)
	}
	if err != nil {
		return
	}
	c.cov.Hold(audit.ProductKnown, "%s, from the configured kind; the answer has the form of its management API", c.product.Name())
	c.cov.Sources = []string{audit.SourceOf(audit.ServerStore, c.orgID())}
	c.listDatabases(ctx)
	c.conclude(rows)
}

// notNeeded are premises of other products, and why they are not needed here.
var notNeeded = map[string]string{
	audit.StoredListed:       "the management API gives no counts",
	audit.InstanceSeen:       "the target is the whole cluster",
	audit.LegacyListed:       "the product has no tokens of the 1.x API",
	audit.UsersPresent:       "database tokens have no users",
	audit.OwnersConfigured:   "database tokens have no owners",
	audit.OwnCredentialShown: "the credential is a management token, which is in no list of database tokens. The canary stands in for it",
}

// letIn notes whether the credential was let in, by the answer to the list.
func (c *collector) letIn(err error) {
	used := audit.Credential{Of: audit.TheTarget}
	unread := new(api.CredentialError)
	switch status := api.StatusOf(err); {
	case err == nil && len(c.client.Connection().Cached) > 0:
		used.Answer = "no answer proves that it was accepted: a cache answered"
	case err == nil, status == http.StatusForbidden && isOfAPI(err):
		used.Accepted = true
		c.cov.Hold(audit.CredentialActive, "%s: GET %s: %d", audit.TheTarget, c.path("tokens"), status)
	case status == http.StatusUnauthorized:
		used.Refused, used.Answer = isOfAPI(err), "the credential is not accepted: "+err.Error()
		c.cov.Gap(audit.CredentialActive, audit.NotKnown, "the credential is not accepted: %v", err)
	case errors.As(err, &unread):
		used.Answer = "nothing was requested: " + err.Error()
		c.cov.Gap(audit.CredentialActive, audit.NotKnown, "nothing was requested: %v", err)
	default:
		used.Answer = "no answer proves that it was accepted"
	}
	c.cov.Credentials = append(c.cov.Credentials, used)
}

// conclude draws the verdict on the list, which came.
func (c *collector) conclude(rows int) {
	c.cov.Hold(audit.CredentialSeesAll, "the API lists the tokens of the cluster, not those of one user: %d", rows)
	switch canary := c.cfg.Canary; {
	case rows == 0:
		c.cov.Gap(audit.CanaryListed, audit.NotKnown, "the list is empty, which proves nothing: it should show at least the canary")
	case canary == "":
		c.cov.AddGap(audit.Gap{
			ID: audit.CanaryListed, Verdict: audit.Partial, Fix: makeCanary,
			Reason: "no canary is configured. The API does not say whether its list is complete, and there is no other proof",
		})
	case c.witness == canary:
		c.cov.Hold(audit.CanaryListed, "%s is in the list", canary)
	default:
		c.cov.AddGap(audit.Gap{
			ID: audit.CanaryListed, Verdict: audit.Partial, Fix: makeCanary,
			Reason: fmt.Sprintf("the canary %s is not in the list: it was revoked, or the list is incomplete", canary),
		})
	}
}

const makeCanary = "Create a token that may only read, and set canary to its ID: influxctl token create --read-database NAME \"tokenaudit canary\"."

// concludeWalk says what is known only when every token was walked.
func (c *collector) concludeWalk(cov *audit.Coverage) {
	if x := c.list.Contradictions(); x.N > 0 {
		cov.Gap(audit.ListsAgree, audit.Partial, "%s shown twice with different contents (%s); if one of them is active, it counts", audit.Plural(x.N, "token"), strings.Join(x.First, "; "))
	}
	if c.hidden > 0 {
		cov.AddGap(audit.Gap{
			ID: audit.ListsAgree, Verdict: audit.Partial, Reason: fmt.Sprintf("the list lacks %s that can be asked for by ID. It is cut off or filtered", audit.Plural(c.hidden, "token")),
			Fix: "Look for a proxy that cuts or filters the list. If there is none, report it to InfluxData.",
		})
	}
	if c.witness != "" {
		cov.Hold(audit.ListsAgree, "no token is shown twice with different contents, and none that the list lacks exists")
	}
}

// named are the listed tokens, their grants with the names of the databases that exist: a
// grant keeps the name of one that was deleted, as its ID.
func (c *collector) named() iter.Seq2[audit.Authorization, error] {
	return func(yield func(audit.Authorization, error) bool) {
		for a, err := range c.list.All() {
			c.name(&a)
			if !yield(a, err) {
				return
			}
		}
	}
}

func (c *collector) name(a *audit.Authorization) {
	for i := range a.Permissions {
		if r := &a.Permissions[i].Resource; c.databases != nil && !c.databases[r.ID] {
			r.Name = ""
		}
	}
}

// probe asks what became of a token that an earlier review or the imported list had.
func (c *collector) probe(ctx context.Context, before audit.Authorization) audit.Probe {
	found, evidence, err := c.tokenByID(ctx, before.ID)
	request := api.Request(c.path("tokens/{id}"), nil)
	if errors.Is(err, api.ErrNotAsked) {
		request = ""
	}
	switch {
	case err == nil && found.Revoked(time.Now()):
		return audit.Probe{Presence: audit.Gone, Evidence: evidence + ", revoked on " + found.RevokedAt.Format(time.DateOnly), Request: request}
	case err == nil:
		c.hidden++
		c.name(&found)
		return audit.Probe{Presence: audit.Hidden, Evidence: evidence, Authorization: &found, Request: request}
	case api.StatusOf(err) != http.StatusNotFound || !isOfAPI(err):
		return audit.Probe{Presence: audit.Unseen, Evidence: err.Error(), Request: request}
	}
	if !c.looked { // a proxy may answer so to every request for one token
		_, _, c.lookUp = c.tokenByID(ctx, c.witness)
		c.looked = true
	}
	if c.lookUp != nil {
		return audit.Probe{Presence: audit.Unseen, Evidence: fmt.Sprintf("%v; this proves nothing, as a listed token is not found either: %v", err, c.lookUp), Request: request}
	}
	return audit.Probe{Presence: audit.Gone, Evidence: err.Error(), Request: request}
}

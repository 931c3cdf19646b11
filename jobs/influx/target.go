package influx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/sorted"
	"tokenaudit/jobs/target"
)

// Target collects the authorizations of one configured target.
type Target struct {
	cfg     target.Config
	client  *Client
	clients []*Client // by index of cfg.Users; nil for a user without a credential of its own
}

// New makes the clients of a target; it sends nothing.
func New(cfg target.Config, log *slog.Logger) (*Target, error) {
	cfg = cfg.LowerIDs()
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

// fresh is the same target for one review, which several jobs may have at a time: what an
// earlier review heard from the server is forgotten.
func (t *Target) fresh(requests *api.Journal) *Target {
	f := &Target{cfg: t.cfg, client: t.client.as(api.Asker{Journal: requests, Credential: audit.TheTarget}), clients: make([]*Client, len(t.clients))}
	for i, c := range t.clients {
		if c != nil {
			f.clients[i] = c.as(api.Asker{Journal: requests, Credential: t.cfg.Users[i].Label()})
		}
	}
	return f
}

// Count makes t tell traffic of every request. Call it before t is used.
func (t *Target) Count(traffic api.Traffic) {
	for _, c := range append(t.clients, t.client) {
		if c != nil {
			c.Client.Count(traffic)
		}
	}
}

// Diagnose says of the server what the coverage does not, once Collect has asked it.
func (t *Target) Diagnose(cov audit.Coverage) []target.Diagnosis { return t.client.Diagnose(cov) }

// Collect asks for everything the target is configured for. What could not be
// had is said in the coverage and is not an error; an error means that the
// review itself was broken off. Progress is called for each authorization.
func (t *Target) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	requests := api.NewJournal("token")
	c := newCollector(t.fresh(requests), progress)
	c.run(ctx)
	c.client.NoteClock(&c.cov)
	c.directory.lookUpAll(ctx, slices.Sorted(maps.Keys(c.orgs)))
	t.client.Remember(c.client.Connection())
	if err := context.Cause(ctx); err != nil {
		c.list.Close()
		return audit.Collection{Requests: requests.All}, fmt.Errorf("target %q: %w", t.cfg.Name, err)
	}
	survey := &audit.Survey{}
	known, elsewhere, free := c.known()
	out := audit.Collection{
		Authorizations: audit.Prefetch(survey.Of(c.list.All())), Coverage: c.cov, Scope: c.scope(), Owner: c.directory.owner, Known: known, KnownElsewhere: elsewhere,
		Conclude: func(cov *audit.Coverage) { survey.Conclude(cov); c.concludeWalk(cov) },
		Close:    func() { c.list.Close(); free() },
		Requests: requests.All,
	}
	if c.cov.Verdict != audit.NotKnown {
		out.Probe = c.probe
	}
	return out, nil
}

// collector is the state of one Collect.
type collector struct {
	*Target
	progress func()
	list     *sorted.List
	cov      audit.Coverage
	org      Query // what is asked for in every list

	seesAll     bool                   // the credential may read every user
	signs       signs                  // of the product
	accounts    map[string]account     // users of the instance or the org, as far as seen
	complete    bool                   // the one list of the whole org came whole
	failed      error                  // why there was none
	elsewhere   advice                 // the orgs that there are, where the list of this one is empty
	seen        map[string]fingerprint // authorizations seen, by user ID
	seed        maphash.Seed           // of the fingerprints
	idOf        map[string]string      // IDs of the users configured by name, "" where not known
	orgs        map[string]bool        // of the authorizations seen, by ID
	credentials *credentials
	self        string          // ID of the user of the target's own credential, "" if not known
	shown       shown           // by the list of the target's own credential
	proven      map[string]bool // users whose own list shows the credential that asked for it, by ID
	storage     string          // of the org, by which Cloud tells which it is; "" if not known
	inClear     bool            // a token value came back to be read
	canary      bool            // the canary was in an answer
	leftOut     bool            // a list had an authorization over the bounds, which says nothing of it
	instance    bool            // the one list was of every org, and came whole
	legacy      bool            // the list of the 1.x API came whole
	abroad      abroad          // what the lists show of other orgs
	counts      *audit.Stored   // the server's own, nil without any
	uncounted   string          // why there are none
	calibrated  string          // what else was asked for, and answered otherwise
	directory   *directory
	pacer       *api.Pacer
}

func newCollector(t *Target, progress func()) *collector {
	p := api.NewPacer()
	c := &collector{
		Target: t, progress: progress, list: &sorted.List{}, cov: audit.NewCoverage(t.cfg.Name), org: QueryOf(t.cfg),
		seen: map[string]fingerprint{}, seed: maphash.MakeSeed(), idOf: map[string]string{}, orgs: map[string]bool{},
		signs: signs{}, abroad: newAbroad(), credentials: newCredentials(t.cfg), proven: map[string]bool{}, directory: newDirectory(t.client, p), pacer: p,
	}
	c.cov.Source = c.source()
	for _, u := range t.cfg.Users {
		if u.Name != "" {
			c.idOf[u.Name] = ""
		}
	}
	return c
}

// source is where the answers come from, in words.
func (t *Target) source() string {
	if t.cfg.Org == "" {
		return t.cfg.URL
	}
	return t.cfg.URL + ", org " + t.cfg.Org
}

// run asks, in the order in which answers are needed for the next question, and two
// things at a time where neither answer is needed for the other.
func (c *collector) run(ctx context.Context) {
	me, err := c.client.me(ctx)
	errMe, rows := err, 1
	if err != nil {
		rows = 0
	}
	c.record("the user of the credential", "GET /api/v2/me", rows, 0, err)
	c.name(me.Name, me.ID)
	if refusal(errMe) != "" { // there is no point in asking on
		c.letIn(audit.TheTarget, audit.CredentialActive, audit.NotKnown, errMe, nil, 0)
		c.nameServer()
		c.spareUsers()
		return
	}
	c.credentials.asks(me.ID)
	count := c.counted(ctx)
	orgNamed := async(func() (o org, err error) {
		if c.org.Org != "" {
			o, err = c.client.orgNamed(ctx, c.org.Org)
		}
		return o, err
	})
	own := async(func() (a account, err error) {
		if me.ID != "" {
			a, err = c.client.userByID(ctx, me.ID)
		}
		return a, err
	})
	_, sight := c.client.userByID(ctx, nobody)
	_, errOwn := own()
	o, errOrg := orgNamed()
	if c.storage = o.Storage; o.Storage != "" {
		c.shows(audit.ProductCloud, "the org has a defaultStorageType")
	}
	stored, errStored := count()
	c.seesAll = mayReadEveryUser(c.product(), sight)
	asked := c.record("whether the credential may read every user, tested with a user that does not exist", "GET /api/v2/users/"+nobody, 0, 0, sight)
	if c.seesAll {
		asked.Verdict, asked.Reason = audit.Complete, "404 user not found: it may read every user"
	}
	if c.org.Org != "" { // failing is no harm: the list takes a name too
		c.record("the ID of org "+c.org.Org, api.Request("/api/v2/orgs", c.org.values()), min(len(o.ID), 1), 0, errOrg)
		if errOrg == nil && o.ID != "" {
			c.org = Query{OrgID: o.ID}
		}
	}
	c.listAll(ctx, stored, errStored)
	if failures := c.client.Asker().Journal.Failures(); failures != "" { // each question would have a gap of its own
		c.concludeFailing(failures, errMe)
		return
	}
	c.seesAll = mayReadEveryUser(c.product(), sight)
	c.calibrate(ctx, me.ID, errOwn)
	c.noteTarget(me, errMe)
	c.askUsers(ctx)
	c.askCloud(ctx)
	c.conclude()
}

// spareUsers notes that the credentials of users were not asked with.
func (c *collector) spareUsers() {
	for i, u := range c.cfg.Users {
		if c.clients[i] != nil {
			c.cov.Credentials = append(c.cov.Credentials, audit.Credential{Of: u.Label(), Answer: "not used"})
		}
	}
}

// concludeFailing is for a server that answers nothing but errors of its own: that is the
// one thing to mend, and says nothing of rights or of a proxy.
func (c *collector) concludeFailing(failures string, errMe error) {
	asked := c.cov.Asked
	c.cov = audit.NewCoverage(c.cfg.Name)
	c.cov.Source, c.cov.Asked = c.source(), asked
	c.nameServer()
	c.letIn(audit.TheTarget, audit.CredentialActive, audit.NotKnown, errMe, c.failed, 0)
	c.spareUsers()
	fix := "Look at the log and the health of InfluxDB: it fails whatever it is asked."
	if api, ok := errors.AsType[*api.Error](errMe); ok && api.FromGateway() {
		fix = api.Remedy()
	}
	c.cov.AddGap(audit.Gap{ID: audit.ListWhole, Verdict: audit.NotKnown, Reason: fmt.Sprintf("the server answers %s to every request: %v", failures, errMe), Fix: fix})
}

// refusal says why a credential is not let in, "" if it is. It tells that from an org
// without tokens: InfluxDB answers an inactive one with 200 and empty lists
// everywhere but at /me.
func refusal(err error) string {
	switch {
	case errors.As(err, new(*api.CredentialError)):
		return "nothing was requested: " + err.Error()
	case api.Says(err, http.StatusUnauthorized, "token is inactive"):
		return "the credential is inactive, and InfluxDB then answers with empty lists. Activate it, or use another one"
	case api.Says(err, http.StatusUnauthorized, "unauthorized access"):
		return "the credential is not accepted (" + err.Error() + "); check the token and the URL"
	case api.StatusOf(err) == http.StatusForbidden:
		return "the credential is refused (" + err.Error() + "): its user is inactive or deleted"
	case err != nil && api.StatusOf(err) == 0:
		return "no answer, or not an answer of InfluxDB: " + err.Error()
	}
	return ""
}

// askAccounts reads the users. Cloud does not list them, so there the members
// and owners of the org have to do.
func (c *collector) askAccounts(ctx context.Context) {
	users, err := c.client.users(ctx, c.seesAll)
	c.record("users", "GET /api/v2/users", len(users), 0, err)
	c.directory.users, c.accounts = users, users
	if (err != nil || len(users) <= 1) && c.org.OrgID != "" {
		m := c.directory.membersOf(ctx, c.org.OrgID)
		c.record("members and owners of the org", "GET /api/v2/orgs/"+c.org.OrgID+"/members, /owners", len(m.accounts), 0, m.err)
		c.accounts = maps.Clone(users)
		maps.Copy(c.accounts, m.accounts)
	}
	for id, a := range c.accounts {
		c.name(a.Name, id)
	}
}

// async begins to ask. What it returns waits for the answer, and must be called; a
// panic in ask is one of that call.
func async[T any](ask func() (T, error)) func() (T, error) {
	answer := sync.OnceValues(func() (v T, err error) {
		broken := audit.Guard(func() error { v, err = ask(); return nil })
		return v, cmp.Or(broken, err)
	})
	go answer()
	return func() (T, error) {
		v, err := answer()
		rethrow(err)
		return v, err
	}
}

// rethrow panics here if err is a panic of another goroutine.
func rethrow(err error) {
	if broken, ok := errors.AsType[*audit.PanicError](err); ok {
		panic(broken)
	}
}

// probe asks what became of an authorization that an earlier review saw.
func (c *collector) probe(ctx context.Context, before audit.Authorization) audit.Probe {
	switch {
	case before.IsServer():
		return c.probeServer(before)
	case c.product() == audit.ProductCloud && !before.Legacy && !c.leftOut && c.orgs[before.OrgID] && c.seen[before.UserID].whole && c.proven[before.UserID]:
		return audit.Probe{Presence: audit.Gone, Evidence: "the list of its user's authorizations no longer shows it"}
	}
	var p audit.Probe
	if err := c.pacer.Ask(ctx, func() (err error) { p, err = c.client.Probe(ctx, before, c.product()); return err }); err != nil && p.Presence == "" {
		return audit.Probe{Presence: audit.Unseen, Evidence: err.Error()}
	}
	if a := p.Authorization; a != nil && !c.org.ofThisOrg(*a) { // of a list that was imported
		p = audit.Probe{Presence: audit.Gone, Evidence: p.Evidence + ", of another org"}
	}
	if p.Request = api.Request(authorizationsPath+"/{id}", nil); before.Legacy {
		p.Request = api.Request(legacyPath+"/{id}", nil)
	}
	return p
}

// probeServer judges what an earlier review found of the server, or of a token of
// another org.
func (c *collector) probeServer(before audit.Authorization) audit.Probe {
	switch {
	case before.IsOfOtherOrg() && c.instance && c.mayReadEveryOrg():
		return audit.Probe{Presence: audit.Gone, Evidence: "the list of all orgs no longer shows it with permission to write to this org"}
	case before.ID == audit.ServerID && c.complete:
		return audit.Probe{Presence: audit.Gone, Evidence: "no token value was in the list"}
	}
	return audit.Probe{Presence: audit.Unseen, Evidence: "no complete list was received that would show it"}
}

func (c *collector) scope() audit.Scope {
	s := audit.Scope{Instance: c.cfg.Org == "", AllVisible: c.complete && c.seesAll && !c.leftOut, Credentials: c.credentials.known()}
	if len(c.cfg.Users) == 0 {
		return s
	}
	s.Users = map[string]bool{}
	for _, u := range c.cfg.Users {
		if id := c.userID(u); id != "" {
			s.Users[id] = true
		}
	}
	return s
}

// userID is the ID of a configured user, "" if it is not known.
func (c *collector) userID(u target.User) string {
	if u.ID != "" {
		return u.ID
	}
	return c.idOf[u.Name]
}

// record notes a question and its answer in the coverage.
func (c *collector) record(what, request string, rows, foreign int, err error) *audit.Asked {
	a := audit.Asked{What: what, Request: request, Status: api.StatusOf(err), Rows: rows, Foreign: foreign, Verdict: audit.Complete}
	if err != nil {
		a.Verdict, a.Reason = audit.NotKnown, err.Error()
	}
	c.cov.Asked = append(c.cov.Asked, a)
	return &c.cov.Asked[len(c.cov.Asked)-1]
}

// conclude draws the verdict on the target as a whole.
func (c *collector) conclude() {
	c.concludeProduct()
	c.directory.product = c.product()
	c.noteCached(&c.cov)
	rows := c.rows()
	switch {
	case c.failed != nil && rows == 0:
		c.cov.Gap(audit.ListWhole, audit.NotKnown, "nothing could be listed: %v", c.failed)
	case c.failed != nil:
		c.cov.Gap(audit.ListWhole, audit.Partial, "the list of %s failed: %v", c.orgName(), c.failed)
	case rows == 0 && c.elsewhere != "":
		c.cov.Gap(audit.CredentialSeesAll, audit.NotKnown, "the list is empty, which proves nothing, and the credential cannot see %s. %s", c.orgName(), c.elsewhere)
	case rows == 0:
		c.cov.Gap(audit.CredentialSeesAll, audit.NotKnown, "the list is empty, which proves nothing: it should show at least the credential's own authorization. The credential lacks read on authorizations or on all users: %s", c.fix())
	case c.seesAll:
		c.cov.Hold(audit.CredentialSeesAll, "GET /api/v2/users/%s, a user that does not exist: 404 user not found. OSS gives this answer only to a credential that may read every user; %s", nobody, c.calibrated)
	case c.directory.untold: // which is said
	case len(c.cfg.Users) > 0 && c.product() != audit.ProductOSS: // see askCloud
	case len(c.cfg.Users) > 0:
		c.cov.NoNeed(audit.CredentialSeesAll, "only the configured users are reviewed")
	default:
		c.cov.Gap(audit.CredentialSeesAll, audit.Partial, "the credential may not read all users, so InfluxDB lists the authorizations of its own user only. %s", c.wider())
	}
	api.NoteCanary(&c.cov, c.cfg.Canary, c.canary)
	switch named := c.cfg.Credential; {
	case rows == 0:
	case len(c.credentials.known()) == 0:
		c.cov.AddBlindSpot("the authorization of the credential itself is not known. Set credential to its ID, so that it is reviewed too")
	case named != "" && c.product() == audit.ProductOSS && !c.credentials.met(named):
		c.cov.AddBlindSpot("the authorization of the credential itself is not reviewed: no active token in the list has the ID " + named + ", to which credential is set. Set credential to the ID of the token that the reviews use now. A token of another org is never in this list")
	}
	c.credentials.describe(c.cov.Credentials)
	c.noteWriters()
	if c.inClear { // the server itself is part of the population then
		if err := c.list.Add(audit.Server("the list of authorizations shows token values in plain text")); err != nil {
			c.cov.Gap(audit.TargetReviewed, audit.Partial, "token values were shown in plain text, and this could not be stored: %v", err)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.orgs)) {
		c.cov.Sources = append(c.cov.Sources, audit.SourceOf(audit.ServerStore, id))
	}
}

// noteCached: whatever came out of a cache may be old, a list or an owner.
func (c *collector) noteCached(cov *audit.Coverage) {
	for _, client := range append([]*Client{c.client}, c.clients...) {
		if client == nil {
			continue
		}
		client.Connection().NoteCached(cov)
	}
}

// concludeWalk says what is known only when every authorization was walked.
func (c *collector) concludeWalk(cov *audit.Coverage) {
	c.noteCached(cov)
	if c.directory.serverless { // which tells nobody, as is said
		cov.BlindSpots = slices.DeleteFunc(cov.BlindSpots, func(spot string) bool { return spot == audit.MembersUnread })
	}
	if cov.Stored != nil && (!c.complete || len(c.seen) == 0) {
		cov.NoNeed(audit.StoredListed, "there is no complete list to compare the counts with")
		cov.Stored, cov.Elsewhere = nil, 0
	}
	c.concludeInstance(cov)
	if x := c.list.Contradictions(); x.N > 0 {
		cov.Gap(audit.ListsAgree, audit.Partial, "%s shown twice with different contents (%s); if one of them is active, it counts", audit.Plural(x.N, "token"), strings.Join(x.First, "; "))
	} else if len(c.seen) > 0 {
		cov.Hold(audit.ListsAgree, "no token is shown twice with different contents")
	}
}

// wider says how more can be seen. On Cloud a token lists the authorizations of its own
// user only.
func (c *collector) wider() advice {
	switch c.product() {
	case audit.ProductOSS:
		return "Give the target one that may: " + c.fix()
	case audit.ProductCloud:
		return "List each user under users, with its own credential"
	}
	return "On OSS, give the target one that may: " + c.fix() + ". On Cloud, list each user under users, with its own credential"
}

// fix is the command that makes a credential with the rights that are missing.
func (c *collector) fix() advice {
	return advice("influx auth create --org " + cmp.Or(audit.Line(c.cfg.Org, 80), "ORG") + " --read-authorizations --read-users --read-orgs")
}

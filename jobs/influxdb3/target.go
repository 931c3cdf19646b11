// Package influxdb3 reviews the tokens of InfluxDB 3 Core and Enterprise, and of what is
// one of them under another name: InfluxDB 3 Cloud and Amazon Timestream for InfluxDB 3.
// It only ever sends GET.
//
// No endpoint lists tokens. What does is a query on the table system.tokens of the
// database _internal, which shows all of them to an admin token and to nobody else.
// Tokens have a name and no owner, and no ID but a number that begins at 0 on every
// server. Every server with authentication has the token _admin: a list without it is
// not complete, however it looks.
//
// Target.Collect asks, question by question; rows.go decodes the list, permissions.go the
// column of that name.
package influxdb3

import (
	"cmp"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/sorted"
	"tokenaudit/jobs/target"
)

const (
	queryPath     = "/api/v3/query_sql"
	databasesPath = "/api/v3/configure/database"
	// hashColumn has the hashes of tokens, of which no other hash may be made.
	hashColumn = "hash"
	// operator is the name of the first token of every server. It cannot be deleted.
	operator = "_admin"
	// internal is the database of the server itself. It cannot be deleted.
	internal = "_internal"
	// unauthenticated is what it says to those whose credential is missing or not accepted.
	unauthenticated = "the request was not authenticated"
)

// Questions are constants: nothing from outside goes into a query.
func listTokens() url.Values {
	return url.Values{"db": {internal}, "q": {"SELECT * FROM system.tokens ORDER BY token_id"}, "format": {"json"}}
}

func listDatabases() url.Values { return url.Values{"format": {"json"}, "show_deleted": {"true"}} }

// Target collects the tokens of one configured server.
type Target struct {
	cfg    target.Config
	client *api.Client
}

// New makes the client of a target; it sends nothing.
func New(cfg target.Config, log *slog.Logger) (*Target, error) {
	client, err := api.New(api.Scheme{
		Authorize: func(h http.Header, token string) { h.Set("Authorization", "Bearer "+token) },
		Secret:    hashColumn,
		Remedy:    remedyFor,
	}, cfg, cfg.Token, log)
	if err != nil {
		return nil, fmt.Errorf("target %q: %w", cfg.Name, err)
	}
	return &Target{cfg, client}, nil
}

// Count makes t tell traffic of every request. Call it before t is used.
func (t *Target) Count(traffic api.Traffic) { t.client.Count(traffic) }

// Diagnose says of the server what the coverage does not, once Collect has asked it.
func (t *Target) Diagnose(cov audit.Coverage) []target.Diagnosis {
	ds := t.client.Diagnose(cov)
	if slices.ContainsFunc(cov.Premises, func(p audit.Premise) bool { return p.ID == audit.CredentialActive && p.State == audit.NotNeeded }) {
		ds = append(ds, target.Diagnosis{What: "authentication", Result: "the server answers without a credential", Fix: "Start InfluxDB without --without-auth."})
	}
	return ds
}

// Recognise reports whether the server shows that it is an InfluxDB 3, be it by a 401.
// InfluxDB Enterprise 1.x has the same build, and another version.
func (t *Target) Recognise(ctx context.Context) bool {
	client := t.client.As(api.Asker{Journal: api.NewJournal(hashColumn), Credential: audit.TheTarget})
	var answer pong // its version is all that 3.0 tells
	_ = client.GetJSON(ctx, "/ping", nil, &answer)
	seen := client.Connection()
	version := cmp.Or(seen.Version, releaseNumbers.FindString(answer.Version))
	return seen.ClusterUUID != "" || seen.Build == string(buildCore) || strings.HasPrefix(version, "3.")
}

// Collect asks for everything there is. What could not be had is said in the coverage and
// is not an error; an error means that the review itself was broken off. Progress is
// called for each token.
func (t *Target) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	requests := api.NewJournal(hashColumn)
	c := &collector{
		cfg: t.cfg, client: t.client.As(api.Asker{Journal: requests, Credential: audit.TheTarget}),
		progress: progress, list: &sorted.List{}, cov: audit.NewCoverage(t.cfg.Name),
	}
	c.cov.Source = t.cfg.URL
	c.run(ctx)
	c.client.NoteClock(&c.cov)
	t.client.Remember(c.client.Connection())
	if err := context.Cause(ctx); err != nil {
		c.list.Close()
		return audit.Collection{Requests: requests.All}, fmt.Errorf("target %q: %w", t.cfg.Name, err)
	}
	survey := &audit.Survey{}
	out := audit.Collection{
		Authorizations: audit.Prefetch(survey.Of(c.placed())), Coverage: c.cov, Scope: c.scope(),
		Owner: func(context.Context, audit.Authorization) audit.Owner {
			return audit.Owner{State: audit.OwnerNone, Evidence: "tokens of InfluxDB 3 have no owner"}
		},
		Conclude: func(cov *audit.Coverage) { survey.Conclude(cov); c.concludeWalk(cov) },
		Close:    c.list.Close, Requests: requests.All,
	}
	if c.cov.Verdict != audit.NotKnown {
		out.Probe = c.probe
	}
	return out, nil
}

// collector is the state of one Collect.
type collector struct {
	cfg      target.Config
	client   *api.Client
	progress func()
	list     *sorted.List
	cov      audit.Coverage

	version   string          // by the body of /ping; see release
	clusters  []string        // the IDs that the answers had, each once
	sum       string          // of the target's own token, as the list has it; "" where it is not known
	seen      tally           // of the list
	failed    error           // why there is none
	open      string          // how the server shows that it answers without a credential; "" if it does not show that
	closed    bool            // it refuses to
	databases map[string]bool // names of those that are not deleted; nil where they are not known
	whole     bool            // a token that is not in the list does not exist
}

// pong is the body of /ping.
type pong struct {
	Version string `json:"version"`
}

// run asks, in the order in which answers are needed for the next question.
func (c *collector) run(ctx context.Context) {
	var answer pong
	err := c.client.GetJSON(ctx, "/ping", nil, &answer)
	c.hear(c.client.Connection())
	c.version = answer.Version
	c.record("product and version", "/ping", nil, 0, err)
	if c.turnedAway(err) {
		return
	}
	if token, err := c.cfg.Token.Read(ctx); err == nil {
		sum := sha512.Sum512([]byte(token.Reveal()))
		c.sum = hex.EncodeToString(sum[:])[:sumDigits]
	}
	c.seen, c.failed = c.readTokens(ctx)
	c.hear(c.client.Connection())
	c.record("all tokens", queryPath, listTokens(), c.seen.rows, c.failed).SHA256 = c.seen.sha256
	if c.turnedAway(c.failed) {
		return
	}
	if c.failed == nil {
		c.tryAnonymously(ctx)
		c.readDatabases(ctx)
	}
	c.conclude()
}

// hear keeps which cluster answered.
func (c *collector) hear(heard api.Connection) {
	if id := heard.ClusterUUID; id != "" && !slices.Contains(c.clusters, id) {
		c.clusters = append(c.clusters, id)
	}
}

// record notes a question and its answer in the coverage.
func (c *collector) record(what, path string, q url.Values, rows int, err error) *audit.Asked {
	a := audit.Asked{What: what, Request: api.Request(path, q), Status: api.StatusOf(err), Rows: rows, Verdict: audit.Complete, Credential: audit.TheTarget}
	if err != nil {
		a.Verdict, a.Reason = audit.NotKnown, err.Error()
	}
	c.cov.Asked = append(c.cov.Asked, a)
	return &c.cov.Asked[len(c.cov.Asked)-1]
}

// tally is what one answer told besides its rows.
type tally struct {
	rows                        int
	sha256                      string
	operatorAt                  time.Time // when the token _admin was created
	operator                    bool      // it was there
	canary                      bool
	hashes                      int                   // rows that have the column, whatever is in it
	own                         []audit.Authorization // that may be the target's own
	named                       bool                  // a grant names a database
	narrow                      bool                  // a token is not an admin
	unnamed, unhashed, misdated few
}

// few is a number of tokens and the first of them.
type few struct {
	n   int
	ids []string
}

func (f *few) add(id string) {
	const named = 20
	if f.n++; len(f.ids) < named {
		f.ids = append(f.ids, id)
	}
}

func (f few) String() string { return strings.Join(f.ids, ", ") }

// readTokens puts the tokens into the list. An answer that was cut is asked for again from
// the beginning; what a cut one gave does not count.
func (c *collector) readTokens(ctx context.Context) (tally, error) {
	const attempts = 3
	start := c.list.Mark()
	for attempt := 1; ; attempt++ {
		seen, err := c.readOnce(ctx)
		if err == nil {
			return seen, nil
		}
		if broken := c.list.Rollback(start); broken != nil {
			return tally{}, broken
		}
		if attempt == attempts || !errors.Is(err, io.ErrUnexpectedEOF) || ctx.Err() != nil {
			return tally{}, err
		}
	}
}

func (c *collector) readOnce(ctx context.Context) (seen tally, err error) {
	resp, err := c.client.Get(ctx, queryPath, listTokens())
	if err != nil {
		return tally{}, err
	}
	defer resp.Body.Close()
	err = decodeTokens(resp.Body, func(row *tokenRow) error {
		c.progress()
		a := row.authorization()
		seen.count(row, a, c)
		return c.list.Add(a)
	})
	if own := new(api.CallbackError); errors.As(err, &own) {
		return tally{}, own.Err
	}
	if err != nil {
		return tally{}, c.client.Advised(fmt.Errorf("%s: the answer is cut off or is not a list of tokens: %w", api.Request(queryPath, listTokens()), err))
	}
	seen.sha256 = api.NoteRows(resp, seen.rows)
	return seen, nil
}

func (t *tally) count(row *tokenRow, a audit.Authorization, c *collector) {
	t.rows++
	if row.Name == nil {
		t.unnamed.add(a.ID)
	}
	if row.Hash != nil {
		t.hashes++
	}
	if a.SecretSum == "" {
		t.unhashed.add(a.ID)
	}
	if row.misdated() {
		t.misdated.add(a.ID)
	}
	if row.Name != nil && *row.Name == operator {
		t.operator, t.operatorAt = true, a.CreatedAt
	}
	t.canary = t.canary || row.Name != nil && *row.Name == c.cfg.Canary
	const most = 10
	if a.SecretSum == c.sum && c.sum != "" && len(t.own) < most {
		t.own = append(t.own, a)
	}
	t.narrow = t.narrow || !isAdmin(a)
	t.named = t.named || slices.ContainsFunc(a.Permissions, namesDatabase)
}

func isAdmin(a audit.Authorization) bool { return slices.Equal(a.Permissions, everything) }

func namesDatabase(p audit.Permission) bool {
	return p.Resource.Type == types["db"] && p.Resource.ID != "" && p.Resource.ID != internal
}

// tryAnonymously asks for the tokens without a credential. A server that was started with
// --without-auth gives them to everybody, and their hashes to nobody. Only InfluxDB itself
// can say that it refuses to: what is in front of it proves nothing.
func (c *collector) tryAnonymously(ctx context.Context) {
	client, rows := c.client.Anonymous(), 0
	resp, err := client.Get(ctx, queryPath, listTokens())
	if err == nil {
		err = decodeTokens(resp.Body, func(*tokenRow) error { rows++; return nil })
		api.NoteRows(resp, rows)
		resp.Body.Close()
	}
	heard := client.Connection()
	err = heard.OfNow(err)
	asked := c.record("whether the server answers without a credential", queryPath, listTokens(), rows, err)
	asked.Credential = client.Asker().Credential
	hashless := c.seen.rows > 0 && c.seen.hashes == 0 && len(c.client.Connection().Cached) == 0
	switch refused := c.isRefusal(err, heard); {
	case err == nil:
		c.open = "the server answers without a credential"
		asked.Verdict, asked.Reason = audit.Partial, "it does"
	case hashless && !refused:
		c.open = "the list has no hashes, which InfluxDB 3 leaves out where it was started with --without-auth"
	case hashless:
		c.cov.AddGap(audit.Gap{
			ID: audit.CredentialActive, Verdict: audit.Partial, Fix: "Set url to InfluxDB itself, and run the review again.",
			Reason: "it is not known whether authentication is on. InfluxDB refuses a request without a credential, and its list has no hashes, as with --without-auth",
		})
	case !refused:
		api.NoteUnclear(&c.cov, "credential", err)
	default:
		c.closed = true
		asked.Verdict, asked.Reason = audit.Complete, "it does not"
	}
	c.hear(heard)
}

// isRefusal: InfluxDB itself answered that a credential is missing, in its words or with
// the ID of the cluster that gave the list.
func (c *collector) isRefusal(err error, heard api.Connection) bool {
	var answer *api.Error
	return errors.As(err, &answer) && answer.Status == http.StatusUnauthorized && answer.Cached == "" &&
		(answer.Message == unauthenticated || slices.Contains(c.clusters, heard.ClusterUUID))
}

// placed walks the list, and completes each token by what was learned when all were there.
func (c *collector) placed() iter.Seq2[audit.Authorization, error] {
	id, _ := c.source()
	product := c.product()
	return func(yield func(audit.Authorization, error) bool) {
		for a, err := range c.list.All() {
			if err == nil {
				a.Product = product
				if !a.IsServer() {
					a.OrgID, a.Org = id, c.cfg.Name
					for i := range a.Permissions {
						c.place(&a.Permissions[i].Resource, id)
					}
				}
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// probe says what became of a token that an earlier review had. A whole list has every
// token, so that there is nothing to ask.
func (c *collector) probe(_ context.Context, before audit.Authorization) audit.Probe {
	switch {
	case before.IsServer() && c.closed:
		return audit.Probe{Presence: audit.Gone, Evidence: "the server refuses requests without a credential"}
	case before.IsServer():
		return audit.Probe{Presence: audit.Unseen, Evidence: "it is not known whether the server answers without a credential"}
	case c.whole:
		return audit.Probe{Presence: audit.Gone, Evidence: fmt.Sprintf("the complete list of %s no longer shows it", audit.Plural(c.seen.rows, "token"))}
	}
	return audit.Probe{Presence: audit.Unseen, Evidence: "no complete list was received that would show it"}
}

func (c *collector) scope() audit.Scope {
	s := audit.Scope{Instance: true, AllVisible: c.whole, DatabasesUnknown: c.databases == nil && c.seen.named, Credentials: map[string]bool{}}
	if len(c.seen.own) == 1 {
		s.Credentials[c.seen.own[0].ID] = true
	}
	return s
}

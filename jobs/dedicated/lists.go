package dedicated

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/sorted"
)

// attempts is how often an answer that was cut is asked for.
const attempts = 3

// rowsOf hands each row of the list of that name to what begin returns, and says what the
// answer tells besides: that more pages follow, or that it comes out of a cache. An answer
// that was cut is asked for again, and begin is called again.
func rowsOf[T any](ctx context.Context, c *collector, name string, begin func() (func(T) error, error)) (lacks []string, sha256 string, err error) {
	path := c.path(name)
	for attempt := 1; ; attempt++ {
		each, err := begin()
		if err != nil {
			return nil, "", err
		}
		resp, err := c.client.Get(ctx, path, nil)
		if err != nil {
			return nil, "", err
		}
		rows := 0
		err = decodeRows(resp.Body, func(row T) error { rows++; return each(row) })
		resp.Body.Close()
		own := new(api.CallbackError)
		switch {
		case errors.As(err, &own):
			return nil, "", own.Err
		case errors.Is(err, io.ErrUnexpectedEOF) && attempt < attempts && ctx.Err() == nil:
			continue
		case err != nil:
			return nil, "", c.client.Advised(fmt.Errorf("%s: the answer is cut off or is not a list of %s: %w", api.Request(path, nil), name, err))
		}
		if api.NextLink(resp.Header) {
			lacks = append(lacks, "the answer names a further page, which the API does not document")
		}
		if cached := c.client.CachedBy(resp.Header); cached != "" {
			lacks = append(lacks, fmt.Sprintf("the answer came from a cache (%s): later changes are not in it", cached))
		}
		return lacks, api.NoteRows(resp, rows), nil
	}
}

// tally counts the rows of one answer.
type tally struct {
	rows, foreign, misdated, nameless int
	first                             string // ID of the first token
	canary                            bool   // it is among them
}

// listTokens asks for all tokens of the cluster.
func (c *collector) listTokens(ctx context.Context) (rows int, err error) {
	var t tally
	lacks, sum, err := rowsOf(ctx, c, "tokens", func() (func(token) error, error) {
		t = tally{}
		return func(row token) error { c.progress(); return t.take(row, c) }, c.list.Rollback(sorted.Mark{})
	})
	asked := audit.Asked{
		What: "database tokens of the cluster", Request: api.Request(c.path("tokens"), nil), Status: api.StatusOf(err), Rows: t.rows, Foreign: t.foreign,
		Verdict: audit.Complete, SHA256: sum, Credential: audit.TheTarget,
	}
	defer func() { c.cov.Asked = append(c.cov.Asked, asked) }()
	if err != nil {
		asked.Rows, asked.Foreign, asked.Verdict, asked.Reason = 0, 0, audit.NotKnown, err.Error()
		if broken := c.list.Rollback(sorted.Mark{}); broken != nil {
			c.cov.Gap(audit.ListWhole, audit.NotKnown, "%v", broken)
		}
		switch status := api.StatusOf(err); {
		case status == http.StatusUnauthorized: // see letIn
		case status == http.StatusForbidden && isOfAPI(err):
			c.cov.Gap(audit.CredentialSeesAll, audit.NotKnown, "the credential may not list the tokens of the cluster: %v", err)
		default:
			c.cov.Gap(audit.ListWhole, audit.NotKnown, "nothing could be listed: %v", err)
		}
		return 0, err
	}
	gap := func(premise, format string, args ...any) {
		asked.Verdict, asked.Reason = audit.Partial, fmt.Sprintf(format, args...)
		c.cov.Gap(premise, audit.Partial, "%s: %s", asked.What, asked.Reason)
	}
	for _, lack := range lacks {
		gap(audit.ListWhole, "%s", lack)
	}
	if t.nameless > 0 {
		gap(audit.ListWhole, "%d of %d rows were left out: their ID is no UUID", t.nameless, t.rows)
	}
	if t.foreign > 0 {
		gap(audit.ListsAgree, "%d of %d rows are of another account or cluster and were left out", t.foreign, t.rows)
	}
	if t.misdated > 0 {
		gap(audit.RowsReadable, "%d of %d tokens have a date that cannot be read: when they were made, expire or were revoked is not known", t.misdated, t.rows)
	}
	c.cov.Hold(audit.ListWhole, "%s: %s, complete to the end of the answer", asked.What, audit.Plural(t.rows, "row"))
	c.witness = t.first
	if t.canary {
		c.witness = c.cfg.Canary
	}
	return t.rows - t.foreign - t.nameless, nil
}

// take keeps a row that is of the cluster.
func (t *tally) take(row token, c *collector) error {
	a := row.authorization(c.orgID(), c.product)
	t.rows++
	switch {
	case c.isForeign(row):
		t.foreign++
		return nil
	case !uuid.MatchString(a.ID):
		t.nameless++
		return nil
	case row.misdated():
		t.misdated++
	}
	if t.first == "" {
		t.first = a.ID
	}
	t.canary = t.canary || a.ID == c.cfg.Canary
	return c.list.Add(a)
}

// isForeign: the row says that it is of another cluster than was asked for. On Clustered it
// does not say.
func (c *collector) isForeign(row token) bool {
	other := func(got, asked string) bool { return got != "" && asked != "" && !strings.EqualFold(got, asked) }
	return other(row.ClusterID, c.cfg.Cluster) || other(row.AccountID, c.cfg.Account)
}

// mostDatabases bounds the names that are held.
const mostDatabases = 100_000

// listDatabases asks for the names of all databases.
func (c *collector) listDatabases(ctx context.Context) {
	var names map[string]bool
	lacks, _, err := rowsOf(ctx, c, "databases", func() (func(database) error, error) {
		names = map[string]bool{}
		return func(row database) error {
			if row.Name == "" || len(names) == mostDatabases {
				return fmt.Errorf("a database without a name, or more than %d of them", mostDatabases)
			}
			names[api.WithoutTokens(row.Name)] = true // as grants have it
			return nil
		}, nil
	})
	if err == nil && len(lacks) > 0 {
		err = errors.New(strings.Join(lacks, "; "))
	}
	asked := audit.Asked{
		What: "databases of the cluster", Request: api.Request(c.path("databases"), nil), Status: api.StatusOf(err), Rows: len(names),
		Verdict: audit.Complete, Credential: audit.TheTarget,
	}
	if err != nil {
		asked.Rows, asked.Verdict, asked.Reason = 0, audit.NotKnown, err.Error()
		c.cov.Gap(audit.DatabasesListed, audit.Partial, "the databases could not be listed, so grants on deleted ones are not known: %v", err)
	} else {
		c.databases = names
		c.cov.Hold(audit.DatabasesListed, "%s: %s", asked.Request, audit.Plural(len(names), "database"))
	}
	c.cov.Asked = append(c.cov.Asked, asked)
}

// tokenByID asks for one token, and says in words what came back. An answer that is not this
// token of this moment is an error.
func (c *collector) tokenByID(ctx context.Context, id string) (audit.Authorization, string, error) {
	path := c.path("tokens/" + url.PathEscape(id))
	request := api.Request(path, nil)
	var row token
	var header http.Header
	err := c.pacer.Ask(ctx, func() (err error) { header, err = c.client.Answer(ctx, path, nil, &row); return err })
	a := row.authorization(c.orgID(), c.product)
	switch cached := c.client.CachedBy(header); {
	case err != nil:
		return a, "", err
	case cached != "":
		return a, "", fmt.Errorf("%s: the answer came from a cache (%s)", request, cached)
	case a.ID != id || c.isForeign(row):
		return a, "", fmt.Errorf("%s: another token came back", request)
	}
	return a, request + ": 200", nil
}

// isOfAPI: the answer has the form of the management API, whose code repeats the status,
// and is of this moment.
func isOfAPI(err error) bool {
	answer := new(api.Error)
	return errors.As(err, &answer) && answer.Code == strconv.Itoa(answer.Status) && answer.Cached == ""
}

// remedyOf is what to do about an answer, as far as it tells by itself.
func remedyOf(e *api.Error) string {
	ours := e.Code == strconv.Itoa(e.Status)
	switch {
	case e.Status >= 300 && e.Status < 400:
		return "Set url to the address of the management API itself: credentials do not follow a redirect."
	case e.Status == http.StatusUnauthorized:
		return "Give the target a valid management token of this account (influxctl management create). This one expired, was revoked, is of another account, or was cut when it was stored. A database token (apiv1_…) is not accepted here."
	case e.Status == http.StatusForbidden && ours:
		return "Give the target a management token of an account that this cluster belongs to."
	case e.Status == http.StatusForbidden, e.Status == http.StatusProxyAuthRequired:
		return "Allow GET requests to /api/v0 from this machine in the proxy in front of the management API."
	case e.Status == http.StatusBadRequest:
		return "Correct account and cluster: both are UUIDs, shown by influxctl cluster list --format json."
	case e.Status == http.StatusNotFound && ours:
		return "Correct account and cluster: the API knows no such cluster of the account (influxctl cluster list --format json)."
	case e.Status == http.StatusNotFound:
		return "Set url to the host of the management API: https://console.influxdata.com for cloud-dedicated, the host of the cluster for clustered. The hosts of other products have no such list."
	case e.Status == http.StatusTooManyRequests:
		return "Review at another time, or review fewer targets at the same time (parallel_per_host)."
	case e.FromGateway():
		return "Check whether the management API is running behind the gateway that sent this answer."
	}
	return ""
}

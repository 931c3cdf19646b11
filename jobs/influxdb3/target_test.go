package influxdb3_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influxdb3"
	"tokenaudit/jobs/influxdb3/influxdb3test"
	"tokenaudit/jobs/target"
)

const (
	list      = "/api/v3/query_sql"
	databases = "/api/v3/configure/database"
)

// world is an Enterprise server with two databases, an admin token for the review, and a
// limited token.
type world struct {
	*influxdb3test.Server
	operator string // text of _admin
	auditor  string // and of the token of the review
	cfg      target.Config
}

func newWorld(build influxdb3test.Build, version string) *world {
	s, operator := influxdb3test.New(build, version)
	w := &world{Server: s, operator: operator, cfg: target.Config{Name: "prod", Kind: target.KindAuto}}
	s.AddDatabase("gf_ha")
	s.AddDatabase("telemetry")
	_, w.auditor = s.AddToken(influxdb3test.Token{Name: "tokenaudit", Expiry: s.Now().AddDate(0, 3, 0)})
	s.AddToken(influxdb3test.Token{Name: "grafana", Grants: []influxdb3test.Grant{influxdb3test.On("gf_ha", "read", "write")}})
	return w
}

func enterprise() *world { return newWorld(influxdb3test.Enterprise, "3.8.4") }

// reviewed is what a review saw.
type reviewed struct {
	cov    audit.Coverage
	tokens []audit.Authorization
	audit.Collection
	err error // of the walk
}

// target is the world as a target, with the credential of the review.
func (w *world) target(t *testing.T) *influxdb3.Target {
	t.Helper()
	web := httptest.NewServer(w)
	t.Cleanup(web.Close)
	return w.at(t, web.URL)
}

func (w *world) at(t *testing.T, url string) *influxdb3.Target {
	t.Helper()
	t.Setenv("TEST_TOKEN", w.auditor)
	if w.cfg.URL == "" {
		w.cfg.URL = url
	}
	w.cfg.Token = secret.Ref{Env: "TEST_TOKEN"}
	target, err := influxdb3.New(w.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func review(t *testing.T, target *influxdb3.Target) reviewed {
	t.Helper()
	col, err := target.Collect(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(col.Close)
	r := reviewed{Collection: col, cov: col.Coverage}
	for a, err := range col.Authorizations {
		if r.err = err; err != nil {
			break
		}
		a.Permissions = slices.Clone(a.Permissions)
		r.tokens = append(r.tokens, a)
		r.cov.Count(audit.Record{Authorization: a, Presence: audit.Listed, Owner: col.Owner(t.Context(), a)})
	}
	col.Conclude(&r.cov)
	r.cov.Reconcile()
	return r
}

func (w *world) review(t *testing.T) reviewed { t.Helper(); return review(t, w.target(t)) }

func (r reviewed) words() (out []string) {
	for _, a := range r.tokens {
		text := a.ID + " " + a.Description + ":"
		for _, p := range a.Permissions {
			text += " " + strings.ReplaceAll(p.String(), a.OrgID, "ID") + "=" + p.Resource.Name
		}
		out = append(out, text)
	}
	return out
}

func TestReviewOfEnterprise(t *testing.T) {
	w := enterprise()
	w.AddToken(influxdb3test.Token{Name: "health", Grants: []influxdb3test.Grant{{Type: "system", Names: []string{"health"}, Actions: []string{"read"}}, influxdb3test.On("*", "read")}})
	r := w.review(t)
	if r.cov.Verdict != audit.Complete {
		t.Errorf("%s: %q", r.cov.Verdict, r.cov.Reasons)
	}
	want := []string{
		"0000000000000000 _admin: read:/instance= write:/instance=",
		"0000000000000001 tokenaudit: read:/instance= write:/instance=",
		"0000000000000002 grafana: read:orgs/ID/buckets/gf_ha=gf_ha write:orgs/ID/buckets/gf_ha=gf_ha",
		"0000000000000003 health: read:orgs/ID/system/health=health read:orgs/ID/buckets=",
	}
	if diff := cmp.Diff(want, r.words()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	a := r.tokens[1]
	if a.Product != audit.ProductEnterprise || a.Org != "prod" || a.OrgID != w.ClusterUUID || a.Status != audit.Active || len(a.SecretSum) != 9 ||
		!a.CreatedAt.Equal(w.Now()) || !a.ExpiresAt.Equal(w.Now().AddDate(0, 3, 0)) || !a.UpdatedAt.IsZero() {
		t.Errorf("%+v", a)
	}
	if !r.Scope.Credentials[a.ID] || len(r.Scope.Credentials) != 1 || !r.Scope.AllVisible || !r.Scope.Instance {
		t.Errorf("scope %+v", r.Scope)
	}
	if o := r.Owner(t.Context(), a); o.State != audit.OwnerNone {
		t.Errorf("owner %+v", o)
	}
	cred := audit.Credential{Of: audit.TheTarget, ID: a.ID, Permissions: []string{"read:/instance", "write:/instance"}, Accepted: true}
	if diff := cmp.Diff([]audit.Credential{cred}, r.cov.Credentials); diff != "" {
		t.Errorf("credentials (-want +got):\n%s", diff)
	}
	if r.cov.Server != "InfluxDB 3 Enterprise 3.8.4" || r.cov.Product != audit.ProductEnterprise {
		t.Errorf("%q, %q", r.cov.Server, r.cov.Product)
	}
	asked := []string{"GET /ping", "GET " + list, "GET " + list, "GET " + databases}
	var got []string
	for _, q := range w.Requests() {
		request, _, _ := strings.Cut(q, "?")
		got = append(got, request)
	}
	if diff := cmp.Diff(asked, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if requests := r.Requests(); requests[1].Rows != 4 || requests[1].SHA256 == "" || requests[2].Credential == audit.TheTarget || requests[2].Status != 401 {
		t.Errorf("%+v", requests)
	}
}

// TestCompleteEverywhere: what complete rests on is there on each release and product.
func TestCompleteEverywhere(t *testing.T) {
	tests := map[string]struct {
		build   influxdb3test.Build
		version string
		change  func(*world)
		spot    string // part of a blind spot
	}{
		"Core":                     {influxdb3test.Core, "3.10.1", func(*world) {}, "every-token-is-admin"},
		"Core without headers":     {influxdb3test.Core, "3.0.3", func(w *world) { w.cfg.Kind = target.KindCore }, "knows the server by its URL"},
		"Core with whole hashes":   {influxdb3test.Core, "3.0.1", func(w *world) { w.cfg.Kind = target.KindCore }, "shows the whole hash of every token"},
		"Core before cluster-uuid": {influxdb3test.Core, "3.6.0", func(*world) {}, "knows the server by its URL"},
		"Enterprise before 3.8.4":  {influxdb3test.Enterprise, "3.8.0", func(*world) {}, "The server is 3.8.0"},
		"Enterprise with IDs":      {influxdb3test.Enterprise, "3.0.3", func(w *world) { w.cfg.Kind = target.KindEnterprise }, "IDs of databases instead of their names"},
		"Enterprise, newer":        {influxdb3test.Enterprise, "3.11.2", func(*world) {}, "user-sessions"},
		"an array for admins, too": {influxdb3test.Enterprise, "3.8.4", func(w *world) { w.AdminInArray = true }, ""},
		"several actions":          {influxdb3test.Enterprise, "3.8.4", func(w *world) { w.Permissions = influxdb3test.SeveralActions }, ""},
		"plain permissions":        {influxdb3test.Enterprise, "3.8.4", func(w *world) { w.Permissions = influxdb3test.Plain }, ""},
		"the operator token":       {influxdb3test.Enterprise, "3.8.4", func(w *world) { w.auditor = w.operator }, ""},
		"an open /ping":            {influxdb3test.Core, "3.10.1", func(w *world) { w.OpenPing = true }, ""},
		"unknown columns": {influxdb3test.Core, "3.10.1", func(w *world) {
			w.Row = func(row map[string]any) { row["created_by_token_id"], row["new"] = 7, []any{1, "x"} }
		}, ""},
		"IDs as strings": {influxdb3test.Core, "3.10.1", func(w *world) { w.Row = func(row map[string]any) { row["token_id"] = fmt.Sprint(row["token_id"]) } }, ""},
		"times with a zone": {influxdb3test.Core, "3.10.1", func(w *world) {
			w.Row = func(row map[string]any) { row["created_at"] = fmt.Sprint(row["created_at"], "+00:00") }
		}, ""},
		"an expiry after 9999":       {influxdb3test.Core, "3.10.1", func(w *world) { w.Row = func(row map[string]any) { row["expiry"] = "+262142-12-31T23:59:59.999" } }, ""},
		"null for what is not there": {influxdb3test.Core, "3.10.1", func(w *world) { w.Row = func(row map[string]any) { row["updated_at"], row["expiry"] = nil, nil } }, ""},
		"a canary":                   {influxdb3test.Core, "3.10.1", func(w *world) { w.cfg.Canary = "grafana" }, ""},
		"the canary that is there":   {influxdb3test.Core, "3.10.1", func(w *world) { w.cfg.Canary = "_admin" }, ""},
		"another order":              {influxdb3test.Core, "3.10.1", func(w *world) { w.Fault = w.Rewrite(list, reversed) }, ""},
		"read access to _internal":   {influxdb3test.Enterprise, "3.8.4", func(w *world) { w.InternalReadable = true; w.auditor = w.reader(); w.only("_admin", "reader") }, ""},
		"two tokens of one text":     {influxdb3test.Core, "3.10.1", func(w *world) { w.AddToken(influxdb3test.Token{Name: "twin", Text: w.auditor}) }, ""},
		"a list that is cut once":    {influxdb3test.Core, "3.10.1", func(w *world) { w.Fault = once(w.CutBody(list)) }, ""},
		"a refusal in other words":   {influxdb3test.Core, "3.10.1", func(w *world) { w.Fault = w.otherWords() }, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(test.build, test.version)
			test.change(w)
			r := w.review(t)
			if r.cov.Verdict != audit.Complete {
				t.Fatalf("%s: %q", r.cov.Verdict, r.cov.Reasons)
			}
			if !strings.Contains(strings.Join(r.cov.BlindSpots, "\n"), test.spot) {
				t.Errorf("blind spots %q, want one with %q", r.cov.BlindSpots, test.spot)
			}
			for _, premise := range []string{audit.CredentialActive, audit.CredentialSeesAll, audit.ProductKnown, audit.ListWhole, audit.ListsAgree, audit.RowsReadable, audit.CanaryListed, audit.OwnCredentialShown} {
				if !slices.ContainsFunc(r.cov.Premises, func(p audit.Premise) bool { return p.ID == premise && p.State == audit.Holds }) {
					t.Errorf("%s does not hold", premise)
				}
			}
			if rows := r.cov.Listed; rows != len(w.Tokens()) {
				t.Errorf("%d of %d tokens", rows, len(w.Tokens()))
			}
			if twins := slices.Contains(w.Tokens(), "twin"); len(r.Scope.Credentials) != 1 && !twins || len(r.Scope.Credentials) != 0 && twins {
				t.Errorf("the credential of the review is one of %v", r.Scope.Credentials)
			}
			if p := r.Probe(t.Context(), audit.Authorization{ID: "00000000000000ff"}); p.Presence != audit.Gone {
				t.Errorf("a token that is missing from a whole list: %+v", p)
			}
		})
	}
}

// once is a fault of the first request that it is one of.
func once(fault func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	done := false
	return func(w http.ResponseWriter, r *http.Request) bool {
		faulty := !done && fault(w, r)
		done = done || faulty
		return faulty
	}
}

// reader adds a token that may read _internal and is no admin.
func (w *world) reader() string {
	_, text := w.AddToken(influxdb3test.Token{Name: "reader", Grants: []influxdb3test.Grant{influxdb3test.On("_internal", "read")}})
	return text
}

// only deletes all tokens but those.
func (w *world) only(names ...string) {
	for _, name := range []string{"tokenaudit", "grafana"} {
		if !slices.Contains(names, name) {
			w.DeleteToken(name)
		}
	}
}

func reversed(_ http.Header, body []byte) []byte {
	var rows []json.RawMessage
	if json.Unmarshal(body, &rows) != nil {
		return body // of another answer
	}
	slices.Reverse(rows)
	out, _ := json.Marshal(rows)
	return out
}

// anonymously answers requests without a credential.
func anonymously(status int, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		return r.Header.Get("Authorization") == "" && influxdb3test.Answer("", status, body)(w, r)
	}
}

// otherWords has the server refuse requests without a credential in other words, with the
// ID of its cluster.
func (w *world) otherWords() func(http.ResponseWriter, *http.Request) bool {
	return func(rw http.ResponseWriter, r *http.Request) bool {
		rw.Header().Set("cluster-uuid", w.ClusterUUID)
		return anonymously(401, `{"error":"a token is needed"}`)(rw, r)
	}
}

// authenticated is a fault of requests with a credential.
func authenticated(fault func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		return r.Header.Get("Authorization") != "" && fault(w, r)
	}
}

// TestPremises breaks each premise of a complete review, one at a time, and each way that
// an answer can be wrong. A review that says complete without one of them would be a
// false "clean".
func TestPremises(t *testing.T) {
	answer := func(status int, body string) func(*world) {
		return func(w *world) { w.Fault = authenticated(influxdb3test.Answer(list, status, body)) }
	}
	row := func(change func(row map[string]any)) func(*world) { return func(w *world) { w.Row = change } }
	headers := func(change func(http.Header)) func(*world) {
		return func(w *world) {
			w.Fault = w.Rewrite("", func(h http.Header, body []byte) []byte { change(h); return body })
		}
	}
	const one = `{"token_id":0,"name":"_admin","hash":"012345678","created_at":"2026-01-02T03:04:05","permissions":"*:*:*"}`
	tests := map[string]struct {
		change  func(*world)
		verdict audit.Verdict
		gap     string
		reason  string
		fix     string
	}{
		// credential-active
		"a wrong credential":    {func(w *world) { w.auditor = "apiv3_wrong-000000000000000000000" }, audit.NotKnown, audit.CredentialActive, "wrong, was replaced or deleted, or it has expired", "valid token"},
		"an expired credential": {func(w *world) { at := w.Now().AddDate(1, 0, 0); w.Now = func() time.Time { return at } }, audit.NotKnown, audit.CredentialActive, "or it has expired", "--expiry"},
		"an expired credential and an open /ping": {func(w *world) {
			at := w.Now().AddDate(1, 0, 0)
			w.Now, w.OpenPing = func() time.Time { return at }, true
		}, audit.NotKnown, audit.CredentialActive, "or it has expired", "valid token"},
		"a credential with a blank": {func(w *world) { w.auditor = "two words" }, audit.NotKnown, audit.CredentialActive, "", ""},
		"401 of a proxy":            {func(w *world) { w.Fault = influxdb3test.Answer("", 401, "<html>") }, audit.NotKnown, audit.CredentialActive, "something in front of InfluxDB", ""},
		"no credential":             {func(w *world) { w.auditor = "" }, audit.NotKnown, audit.CredentialActive, "nothing was requested", ""},

		// whether a credential is needed at all
		"anonymous requests fail":                      {func(w *world) { w.Fault = anonymously(500, "") }, audit.Partial, audit.CredentialActive, "not known whether authentication is on", "without a credential"},
		"anonymous requests are redirected":            {func(w *world) { w.Fault = anonymously(302, "") }, audit.Partial, audit.CredentialActive, "not known whether authentication is on", ""},
		"anonymous requests are bad":                   {func(w *world) { w.Fault = anonymously(400, `{"error":"x"}`) }, audit.Partial, audit.CredentialActive, "400 x", ""},
		"anonymous requests are refused by a proxy":    {func(w *world) { w.Fault = anonymously(403, "") }, audit.Partial, audit.CredentialActive, "not known whether authentication is on", ""},
		"a proxy asks anonymous requests who they are": {func(w *world) { w.Fault = anonymously(401, `{"error":"who are you"}`) }, audit.Partial, audit.CredentialActive, "401 who are you", ""},
		"a cache answers anonymous requests": {func(w *world) {
			w.Fault = func(rw http.ResponseWriter, r *http.Request) bool {
				rw.Header().Set("Age", "3")
				return anonymously(200, "["+one+"]")(rw, r) || func() bool { rw.Header().Del("Age"); return false }()
			}
		}, audit.Partial, audit.CredentialActive, "from a cache", ""},
		"a cache refuses anonymous requests": {func(w *world) {
			w.Fault = func(rw http.ResponseWriter, r *http.Request) bool {
				rw.Header().Set("Age", "3")
				return w.refusing()(rw, r) || func() bool { rw.Header().Del("Age"); return false }()
			}
		}, audit.Partial, audit.CredentialActive, "not known whether authentication is on", ""},
		"another cluster refuses anonymous requests": {func(w *world) {
			w.Fault = func(rw http.ResponseWriter, r *http.Request) bool {
				return r.Header.Get("Authorization") == "" && w.otherCluster(list)(rw, r)
			}
		}, audit.Partial, audit.ListsAgree, "more than one cluster", ""},

		// source-same
		"no date of _admin before 3.7": {func(w *world) {
			w.Version = "3.6.0"
			w.Row = of("_admin", func(row map[string]any) { delete(row, "created_at") })
		}, audit.Partial, audit.SourceSame, "no answer shows which server this is", ""},

		// credential-sees-all
		"not an admin":                    {func(w *world) { w.auditor = w.reader() }, audit.NotKnown, audit.CredentialSeesAll, "shows it to admin tokens only", "--admin"},
		"403 without a body":              {answer(403, ""), audit.NotKnown, audit.CredentialSeesAll, "may not read the list", "--admin"},
		"403 on Core":                     {func(w *world) { w.Build = influxdb3test.Core; answer(403, "")(w) }, audit.NotKnown, audit.CredentialSeesAll, "something in front of it refuses", "proxy"},
		"an empty list":                   {answer(200, "[]"), audit.NotKnown, audit.CredentialSeesAll, "the list is empty, which proves nothing", ""},
		"a reader that sees only its own": {func(w *world) { w.InternalReadable, w.OwnRowOnly = true, true; w.auditor = w.reader() }, audit.Partial, audit.CredentialSeesAll, "is not an admin token", ""},

		// canary-listed
		"a list without _admin":          {answer(200, "["+strings.ReplaceAll(one, "_admin", "other")+"]"), audit.Partial, audit.CanaryListed, "_admin is not among 1 token", ""},
		"a list without the canary":      {func(w *world) { w.cfg.Canary = "canary" }, audit.Partial, audit.CanaryListed, "the canary canary is not in the list", ""},
		"_admin by a description":        {answer(200, "["+strings.ReplaceAll(one, `"name":"_admin"`, `"description":"_admin"`)+"]"), audit.Partial, audit.CanaryListed, "_admin is not among", ""},
		"without auth, and without rows": {func(w *world) { w.WithoutAuth = true; w.Fault = influxdb3test.Answer(list, 200, "[]") }, audit.NotKnown, audit.CredentialSeesAll, "the list is empty", ""},

		// own-credential-shown
		"a list without our own":  {answer(200, "["+one+"]"), audit.Partial, audit.OwnCredentialShown, "has the hash of the credential", ""},
		"a list without hashes":   {row(func(row map[string]any) { delete(row, "hash") }), audit.Partial, audit.OwnCredentialShown, "the list has no hashes", ""},
		"hashes of another form":  {row(func(row map[string]any) { row["hash"] = "sha512:012345678" }), audit.Partial, audit.OwnCredentialShown, "the list has no hashes", ""},
		"hashes that are numbers": {row(func(row map[string]any) { row["hash"] = 123456789 }), audit.Partial, audit.OwnCredentialShown, "the list has no hashes", ""},

		// rows-readable
		"one without a hash":           {row(of("grafana", func(row map[string]any) { delete(row, "hash") })), audit.Partial, audit.RowsReadable, "1 of 3 tokens have no hash", ""},
		"no names":                     {row(of("grafana", func(row map[string]any) { delete(row, "name") })), audit.Partial, audit.RowsReadable, "have no name (0000000000000002)", ""},
		"no date of creation":          {row(of("grafana", func(row map[string]any) { delete(row, "created_at") })), audit.Partial, audit.RowsReadable, "a date that is missing or cannot be read (0000000000000002)", ""},
		"a date of creation as number": {row(of("grafana", func(row map[string]any) { row["created_at"] = 1767600000000 })), audit.Partial, audit.RowsReadable, "cannot be read", ""},
		"a creation after 9999":        {row(of("grafana", func(row map[string]any) { row["created_at"] = "+10000-01-01T00:00:00" })), audit.Partial, audit.RowsReadable, "cannot be read", ""},
		"an expiry in words":           {row(of("grafana", func(row map[string]any) { row["expiry"] = "never" })), audit.Partial, audit.RowsReadable, "cannot be read", ""},
		"an update in words":           {row(of("grafana", func(row map[string]any) { row["updated_at"] = "2026-13-01T00:00:00" })), audit.Partial, audit.RowsReadable, "cannot be read", ""},
		"permissions of another form":  {row(of("grafana", func(row map[string]any) { row["permissions"] = "role:editor" })), audit.Partial, audit.RowsReadable, "the permissions of 1 token", ""},
		"no permissions":               {row(of("grafana", func(row map[string]any) { delete(row, "permissions") })), audit.Partial, audit.RowsReadable, "the permissions of 1 token", ""},
		"a marker of deletion": {func(w *world) {
			w.DeletedName = func(name string, _ time.Time) string { return name + " (deleted)" }
			w.DeleteDatabase("gf_ha", false)
		}, audit.Partial, audit.RowsReadable, "the permissions of 1 token", ""},

		// product-known
		"no headers": {headers(func(h http.Header) { h.Del("X-Influxdb-Build"); h.Del("X-Influxdb-Version") }), audit.Complete, "", "", ""},
		"no headers, all admin": {func(w *world) {
			w.DeleteToken("grafana")
			headers(func(h http.Header) { h.Del("X-Influxdb-Build") })(w)
		}, audit.Partial, audit.ProductKnown, "Core or Enterprise", ""},
		"another product":      {func(w *world) { w.cfg.Kind = target.KindCore }, audit.Partial, audit.ProductKnown, "configured as InfluxDB 3 Core, but the answers show InfluxDB 3 Enterprise", ""},
		"InfluxDB 2 before it": {headers(func(h http.Header) { h.Set("X-Influxdb-Build", "OSS"); h.Set("X-Influxdb-Version", "v2.7.10") }), audit.Partial, audit.ProductKnown, "from InfluxDB OSS v2.7.10", ""},

		// list-whole
		"a list cut in a row":     {func(w *world) { w.Fault = authenticated(w.CutBody(list)) }, audit.NotKnown, audit.ListWhole, "is cut off", ""},
		"a list cut between rows": {answer(200, "["+one+","), audit.NotKnown, audit.ListWhole, "is cut off", ""},
		"a list cut at its end":   {answer(200, "["+one), audit.NotKnown, audit.ListWhole, "is cut off", ""},
		"nothing in the answer":   {answer(200, ""), audit.NotKnown, audit.ListWhole, "is cut off", ""},
		"an error in a 200":       {answer(200, `{"error":"internal error"}`), audit.NotKnown, audit.ListWhole, "expected [", ""},
		"an error in the list":    {answer(200, "["+one+`,{"error":"stream broke"}]`), audit.NotKnown, audit.ListWhole, "a token without token_id", ""},
		"lines of JSON":           {answer(200, one+"\n"+one), audit.NotKnown, audit.ListWhole, "expected [", ""},
		"two lists":               {answer(200, "["+one+"][]"), audit.NotKnown, audit.ListWhole, "more data after the end", ""},
		"null":                    {answer(200, "null"), audit.NotKnown, audit.ListWhole, "expected [", ""},
		"null for a row":          {answer(200, "["+one+",null]"), audit.NotKnown, audit.ListWhole, "a token without token_id", ""},
		"a page":                  {answer(200, "<html>"), audit.NotKnown, audit.ListWhole, "is cut off or is not a list", ""},
		"no IDs":                  {row(func(row map[string]any) { delete(row, "token_id") }), audit.NotKnown, audit.ListWhole, "a token without token_id", ""},
		"IDs with a fraction":     {row(func(row map[string]any) { row["token_id"] = 1.5 }), audit.NotKnown, audit.ListWhole, "unexpected kind of value", ""},
		"negative IDs":            {row(func(row map[string]any) { row["token_id"] = -1 }), audit.NotKnown, audit.ListWhole, "unexpected kind of value", ""},
		"IDs beyond 64 bits":      {row(func(row map[string]any) { row["token_id"] = json.Number("18446744073709551616") }), audit.NotKnown, audit.ListWhole, "unexpected kind of value", ""},
		"IDs that are words":      {row(func(row map[string]any) { row["token_id"] = "_admin" }), audit.NotKnown, audit.ListWhole, "unexpected kind of value", ""},
		"names that are numbers":  {row(func(row map[string]any) { row["name"] = 7 }), audit.NotKnown, audit.ListWhole, "unexpected kind of value", ""},
		"an SQL error as 400":     {answer(400, `{"error":"query error: table 'system.tokens' not found"}`), audit.NotKnown, audit.ListWhole, "table 'system.tokens' not found", "version"},
		"an SQL error as 405":     {answer(405, `{"error":"query error: not implemented"}`), audit.NotKnown, audit.ListWhole, "not implemented", "version"},
		"an SQL error as 500":     {answer(500, `{"error":"query error: schema error"}`), audit.NotKnown, audit.ListWhole, "schema error", "log of InfluxDB"},
		"no _internal":            {answer(404, `{"error":"query error: database not found: _internal"}`), audit.NotKnown, audit.ListWhole, "database not found", "kind"},
		"another product's 404":   {func(w *world) { w.Fault = influxdb3test.Answer("", 404, "404 page not found") }, audit.NotKnown, audit.ListWhole, "nothing could be listed", "kind"},
		"a redirect": {func(w *world) {
			w.Fault = func(rw http.ResponseWriter, r *http.Request) bool {
				http.Redirect(rw, r, "https://elsewhere.example/", http.StatusFound)
				return true
			}
		}, audit.NotKnown, audit.ListWhole, "redirects to another address", "redirect"},
		"from a cache": {headers(func(h http.Header) { h.Set("Age", "60") }), audit.Partial, audit.ListWhole, "came from a cache", ""},

		// lists-agree
		"a token twice":      {answer(200, "["+one+","+strings.ReplaceAll(one, "012345678", "012345679")+"]"), audit.Partial, audit.ListsAgree, "1 token shown twice", ""},
		"two clusters":       {func(w *world) { w.Fault = w.otherCluster(databases) }, audit.Partial, audit.ListsAgree, "more than one cluster", ""},
		"two, for the list":  {func(w *world) { w.Fault = w.otherCluster(list) }, audit.Partial, audit.ListsAgree, "more than one cluster", ""},
		"two, for the first": {func(w *world) { w.Fault = w.otherCluster("/ping") }, audit.Partial, audit.ListsAgree, "more than one cluster", ""},

		// databases-listed
		"databases that are refused": {func(w *world) { w.Fault = influxdb3test.Answer(databases, 403, "") }, audit.Partial, audit.DatabasesListed, "not known which databases exist", ""},
		"no databases":               {func(w *world) { w.Fault = influxdb3test.Answer(databases, 200, "[]") }, audit.Partial, audit.DatabasesListed, "empty, which proves nothing", ""},
		"databases cut":              {func(w *world) { w.Fault = w.CutBody(databases) }, audit.Partial, audit.DatabasesListed, "unexpected EOF", "cut"},
		"databases without a name":   {func(w *world) { w.Fault = influxdb3test.Answer(databases, 200, `[{"name":"gf_ha","deleted":false}]`) }, audit.Partial, audit.DatabasesListed, "a database has no name", ""},
		"databases without a word":   {func(w *world) { w.Fault = influxdb3test.Answer(databases, 200, `[{"iox::database":"gf_ha"}]`) }, audit.Partial, audit.DatabasesListed, "a database has no name", ""},
		"an error in place of them":  {func(w *world) { w.Fault = influxdb3test.Answer(databases, 200, `{"error":"x"}`) }, audit.Partial, audit.DatabasesListed, "not from the API", ""},
		"databases of a reader":      {func(w *world) { w.InternalReadable = true; w.auditor = w.reader() }, audit.Partial, audit.DatabasesListed, "may leave databases out", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := enterprise()
			test.change(w)
			r := w.review(t)
			if r.err != nil {
				t.Fatal(r.err)
			}
			if r.cov.Verdict != test.verdict {
				t.Errorf("verdict %s, want %s; reasons: %q", r.cov.Verdict, test.verdict, r.cov.Reasons)
			}
			at := slices.IndexFunc(r.cov.Gaps, func(g audit.Gap) bool { return g.ID == test.gap && strings.Contains(g.Reason, test.reason) })
			switch {
			case test.gap == "" && len(r.cov.Gaps) == 0:
				return
			case at < 0:
				t.Fatalf("gaps %+v, want %s with %q", r.cov.Gaps, test.gap, test.reason)
			case !strings.Contains(r.cov.Gaps[at].Remedy(), test.fix) || r.cov.Gaps[at].Remedy() == "":
				t.Errorf("remedy %q, want one with %q", r.cov.Gaps[at].Remedy(), test.fix)
			}
			proves := slices.Contains([]string{audit.RowsReadable, audit.DatabasesListed, audit.ProductKnown, audit.CredentialActive}, test.gap)
			if r.Probe == nil {
				proves = false
			} else if gone := r.Probe(t.Context(), audit.Authorization{ID: "00000000000000ff"}).Presence == audit.Gone; gone != proves {
				t.Errorf("a token that is missing is gone: %t, want %t", gone, proves)
			}
			if (r.Probe == nil) != (test.verdict == audit.NotKnown) {
				t.Errorf("with verdict %s tokens can be asked for: %t", test.verdict, r.Probe != nil)
			}
			if test.verdict == audit.NotKnown && slices.ContainsFunc(r.tokens, func(a audit.Authorization) bool { return !a.IsServer() }) {
				t.Errorf("tokens of a list that does not count: %q", r.words())
			}
		})
	}
}

// TestServerThatFails has one thing to fix.
func TestServerThatFails(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"500": influxdb3test.Answer("", 500, `{"error":"x"}`), "404": influxdb3test.Answer("", 404, "Not found"), "401": influxdb3test.Answer("", 401, ""),
	} {
		w := enterprise()
		w.Version = "3.6.0"
		w.Fault = answer
		if r := w.review(t); len(r.cov.Gaps) != 1 || r.cov.Verdict != audit.NotKnown || len(r.cov.Credentials) != 1 || r.cov.Credentials[0].Accepted {
			t.Errorf("%s: %+v, %+v", name, r.cov.Gaps, r.cov.Credentials)
		}
	}
}

// of changes the row of one token.
func of(name string, change func(row map[string]any)) func(map[string]any) {
	return func(row map[string]any) {
		if row["name"] == name {
			change(row)
		}
	}
}

// otherCluster has requests for the path answered by a server of another cluster.
func (w *world) otherCluster(path string) func(http.ResponseWriter, *http.Request) bool {
	return w.Rewrite(path, func(h http.Header, body []byte) []byte {
		h.Set("cluster-uuid", "00000000-0000-4000-8000-000000000001")
		return body
	})
}

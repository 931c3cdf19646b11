package influx_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/target"
)

// stripped takes the headers away that name the product, and answers 404 for paths.
func (p *plant) stripped(paths ...string) influxtest.Fault {
	strip := p.Rewrite("", func(h http.Header, body []byte) []byte {
		h.Del("X-Influxdb-Build")
		h.Del("X-Influxdb-Version")
		return body
	})
	return func(w http.ResponseWriter, r *http.Request) bool {
		for _, path := range paths {
			if r.URL.Path == path {
				http.NotFound(w, r)
				return true
			}
		}
		return strip(w, r)
	}
}

// TestProduct: OSS and Cloud are known by what they do; where nothing proves either,
// nothing is concluded that holds for one of them only.
func TestProduct(t *testing.T) {
	const metrics, legacy = "/metrics", "/private/legacy/authorizations"
	build := func(value string) func(*plant) influxtest.Fault {
		return func(p *plant) influxtest.Fault {
			return p.Rewrite("", func(h http.Header, body []byte) []byte { h.Set("X-Influxdb-Build", value); return body })
		}
	}
	tests := map[string]struct {
		mode  influxtest.Mode
		kind  string
		fault func(p *plant) influxtest.Fault
		// server is what the coverage names, and gap why the product is not known.
		server, gap string
		gone        audit.Presence // of a token that the server no longer has
		owner       audit.OwnerState
	}{
		"OSS":                            {influxtest.OSS, "", nil, "InfluxDB OSS v", "", audit.Gone, audit.OwnerDeleted},
		"OSS without headers":            {influxtest.OSS, "", func(p *plant) influxtest.Fault { return p.stripped() }, "InfluxDB OSS", "", audit.Gone, audit.OwnerDeleted},
		"and without counts":             {influxtest.OSS, "", func(p *plant) influxtest.Fault { return p.stripped(metrics) }, "InfluxDB OSS", "", audit.Gone, audit.OwnerDeleted},
		"and without the 1.x API":        {influxtest.OSS, "", func(p *plant) influxtest.Fault { return p.stripped(metrics, legacy) }, "", "do not show whether this is", audit.Unseen, audit.OwnerUnknown},
		"and configured":                 {influxtest.OSS, target.KindOSS, func(p *plant) influxtest.Fault { return p.stripped(metrics, legacy) }, "InfluxDB OSS", "", audit.Gone, audit.OwnerDeleted},
		"OSS, configured as Cloud":       {influxtest.OSS, target.KindTSM, nil, "InfluxDB OSS v", "configured as cloud-tsm, but the answers show InfluxDB OSS (", audit.Unseen, audit.OwnerUnknown},
		"the same without headers":       {influxtest.OSS, target.KindServerless, func(p *plant) influxtest.Fault { return p.stripped() }, "", "configured as cloud-serverless, but the answers show InfluxDB OSS (counts under /metrics", audit.Unseen, audit.OwnerUnknown},
		"a product of no known name":     {influxtest.OSS, "", build("Core"), "InfluxDB Core", "", audit.Gone, audit.OwnerDeleted}, // which counts as OSS does
		"Cloud":                          {influxtest.CloudTSM, "", nil, "InfluxDB Cloud", "", audit.Gone, audit.OwnerNotMember},
		"Cloud, by its header":           {influxtest.CloudTSM, "", build("Cloud"), "InfluxDB Cloud", "", audit.Gone, audit.OwnerNotMember},
		"Cloud, configured as OSS":       {influxtest.CloudTSM, target.KindOSS, nil, "", "configured as oss, but the answers show InfluxDB Cloud (the org has a defaultStorageType, the list shows the value of a token as ", audit.Unseen, audit.OwnerUnknown},
		"Cloud that says that it is OSS": {influxtest.CloudTSM, "", build("OSS"), "InfluxDB OSS", "show both InfluxDB OSS (X-Influxdb-Build: OSS) and InfluxDB Cloud (the org has", audit.Unseen, audit.OwnerUnknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			token := p.auditor()
			if test.mode != influxtest.OSS {
				p, token, _ = cloud(test.mode)
			}
			if test.fault != nil {
				p.Fault = test.fault(p)
			}
			// On every product, somebody answers that a user does not exist.
			inner, ghost := p.Fault, "00000000000000bb"
			p.Fault = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/api/v2/users/"+ghost {
					return refuse(http.StatusNotFound, "user not found")(w, r)
				}
				return inner != nil && inner(w, r)
			}
			col := p.configured(t, token, func(c *target.Config) { c.Kind = test.kind })
			gone := col.Probe(t.Context(), audit.Authorization{ID: "00000000000000aa", UserID: p.admin, OrgID: p.acme})
			owner := col.Owner(t.Context(), audit.Authorization{UserID: ghost, OrgID: p.acme})
			cov, _ := judged(t, col)
			gap := ""
			for _, g := range cov.Gaps {
				if g.ID == audit.ProductKnown {
					gap += g.Reason
				}
			}
			if (gap == "") != (test.gap == "") || !strings.Contains(gap, test.gap) {
				t.Errorf("gap %q, want %q", gap, test.gap)
			}
			if !strings.HasPrefix(cov.Server, test.server) || test.server == "" && cov.Server != "" {
				t.Errorf("server %q, want %q", cov.Server, test.server)
			}
			if gone.Presence != test.gone || owner.State != test.owner {
				t.Errorf("what is not there is %s, and its owner %s; want %s, %s", gone.Presence, owner.State, test.gone, test.owner)
			}
		})
	}
}

// TestCloudIsNotAskedForWhatOSSHas, but for its counts as long as nothing but the
// configuration says that it is Cloud.
func TestCloudIsNotAskedForWhatOSSHas(t *testing.T) {
	p, token, _ := cloud(influxtest.CloudServerless)
	p.configured(t, token, func(c *target.Config) { c.Kind = target.KindServerless }).Close()
	counts := 0
	for _, request := range p.Requests() {
		if strings.Contains(request, "/metrics") {
			counts++
		}
		if counts > 1 || strings.Contains(request, "/private") {
			t.Errorf("sent %s", request)
		}
	}
}

// TestDefaultStorageType proves Cloud before any row does.
func TestDefaultStorageType(t *testing.T) {
	p := newPlant(t)
	token := p.auditor()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		p.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		if r.URL.Path == "/api/v2/orgs" {
			body = bytes.Replace(body, []byte(`"name"`), []byte(`"defaultStorageType":"iox","name"`), 1)
		}
		if r.URL.Path == "/metrics" || strings.HasPrefix(r.URL.Path, "/private") {
			rec.Code = http.StatusNotFound
		}
		w.WriteHeader(rec.Code)
		w.Write(body)
	}))
	defer web.Close()
	cov, _ := judged(t, p.configured(t, token, func(c *target.Config) { c.URL = web.URL }))
	if cov.Server != "InfluxDB Cloud" {
		t.Errorf("server %q", cov.Server)
	}
}

// TestLegacyList: what is not there is no gap, what is refused is.
func TestLegacyList(t *testing.T) {
	const path = "/private/legacy/authorizations"
	for name, test := range map[string]struct {
		fault influxtest.Fault
		state audit.PremiseState
	}{
		"listed": {nil, audit.Holds},
		"no such page": {func(w http.ResponseWriter, r *http.Request) bool {
			missing := r.URL.Path == path
			if missing {
				http.NotFound(w, r)
			}
			return missing
		}, audit.NotNeeded},
		"no such path":   {influxtest.Answer(path, 404, `{"code":"not found","message":"path not found"}`), audit.NotNeeded},
		"another 404":    {influxtest.Answer(path, 404, `{"code":"not found","message":"organization name \"acme\" not found"}`), audit.Fails},
		"refused":        {influxtest.Answer(path, 403, `{"code":"forbidden","message":"no"}`), audit.Fails},
		"failing":        {influxtest.Answer(path, 500, `{"code":"internal error","message":"boom"}`), audit.Fails},
		"another answer": {influxtest.Answer(path, 200, `<html>`), audit.Fails},
		"a further page": {influxtest.Answer(path, 200, `{"authorizations":[],"links":{"next":"/x"}}`), audit.Fails},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			token := p.auditor()
			p.Fault = test.fault
			cov, _ := judged(t, p.collection(t, token))
			if got := premiseOf(cov, audit.LegacyListed); got.State != test.state {
				t.Errorf("%+v, want %s", got, test.state)
			}
			if (cov.Verdict == audit.Complete) != (test.state != audit.Fails) {
				t.Errorf("%s, %q", cov.Verdict, cov.Reasons)
			}
		})
	}
}

func premiseOf(cov audit.Coverage, id string) audit.Premise {
	for _, p := range cov.Premises {
		if p.ID == id {
			return p
		}
	}
	return audit.Premise{}
}

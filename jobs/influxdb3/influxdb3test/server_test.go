package influxdb3test_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/influxdb3/influxdb3test"
)

const tokens = "/api/v3/query_sql?db=_internal&format=json&q="

var list = tokens + url.QueryEscape(influxdb3test.ListTokens)

// ask sends a request and returns what came back.
func ask(s *influxdb3test.Server, method, path, authorization string) (status int, header http.Header, body string) {
	r := httptest.NewRequest(method, path, nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.String()
}

// TestAnswers holds the fake to the facts.
func TestAnswers(t *testing.T) {
	const unauthenticated = `{"error": "the request was not authenticated"}`
	s, operator := influxdb3test.New(influxdb3test.Enterprise, "3.10.1")
	s.AddDatabase("gf_ha")
	_, reader := s.AddToken(influxdb3test.Token{Name: "reader", Grants: []influxdb3test.Grant{influxdb3test.On("gf_ha", "read", "write")}})
	_, expired := s.AddToken(influxdb3test.Token{Name: "expired", Expiry: s.Now()})
	bearer := "Bearer " + operator
	tests := map[string]struct {
		method, path, authorization string
		status                      int
		body                        string // its beginning
	}{
		"no credential":           {"GET", list, "", 401, unauthenticated},
		"a wrong one":             {"GET", list, "Bearer apiv3_wrong", 401, unauthenticated},
		"an expired one":          {"GET", list, "Bearer " + expired, 401, unauthenticated},
		"one word":                {"GET", list, operator, 400, `{"error": "Authorization header was malformed, `},
		"another scheme":          {"GET", list, "Digest " + operator, 400, `{"error": "Authorization header was malformed, `},
		"Token":                   {"GET", "/ping", "Token " + operator, 200, `{"product_name":"InfluxDB 3 Enterprise","version":"3.10.1",`},
		"Basic":                   {"GET", "/ping", "Basic " + base64.StdEncoding.EncodeToString([]byte("any:"+operator)), 200, `{`},
		"Basic without a colon":   {"GET", "/ping", "Basic " + base64.StdEncoding.EncodeToString([]byte(operator)), 400, `{"error": "Auth`},
		"HEAD":                    {"HEAD", "/ping", bearer, 404, "Not found"},
		"an unknown path":         {"GET", "/api/v2/authorizations", bearer, 404, "Not found"},
		"a list that never was":   {"GET", "/api/v3/configure/tokens", bearer, 404, "Not found"},
		"the tokens":              {"GET", list, bearer, 200, `[{"created_at":"2026-01-05T08:00:00","hash":"`},
		"the tokens, to others":   {"GET", list, "Bearer " + reader, 403, `{"error": "unauthorized to perform requested action with the token"}`},
		"another query":           {"GET", tokens + "SELECT+1", bearer, 400, `{"error":`},
		"an unknown database":     {"GET", "/api/v3/query_sql?db=x&q=y&format=json", bearer, 404, `{"error":"query error: database not found: x"}`},
		"databases":               {"GET", "/api/v3/configure/database?format=json&show_deleted=true", bearer, 200, `[{"iox::database":"_internal","deleted":false},{"iox::database":"gf_ha","deleted":false}]`},
		"databases, no format":    {"GET", "/api/v3/configure/database", bearer, 400, `{"error":`},
		"deleting the operator":   {"DELETE", "/api/v3/configure/token?token_name=_admin", bearer, 405, "cannot delete operator token"},
		"deleting, to others":     {"DELETE", "/api/v3/configure/token?token_name=expired", "Bearer " + reader, 403, "{"},
		"deleting what is not":    {"DELETE", "/api/v3/configure/token?token_name=x", bearer, 404, "token not found"},
		"deleting":                {"DELETE", "/api/v3/configure/token?token_name=expired", bearer, 200, ""},
		"regenerating, by others": {"POST", "/api/v3/configure/token/admin/regenerate", "Bearer " + reader, 403, "{"},
	}
	for name, test := range tests {
		status, header, body := ask(s, test.method, test.path, test.authorization)
		if status != test.status || !strings.HasPrefix(body, test.body) {
			t.Errorf("%s: %d %s, want %d %s", name, status, body, test.status, test.body)
		}
		if header.Get("cluster-uuid") != s.ClusterUUID {
			t.Errorf("%s: no cluster-uuid", name)
		}
	}
}

func TestReleases(t *testing.T) {
	s, operator := influxdb3test.New(influxdb3test.Core, "3.0.1")
	hash := func() int {
		_, _, body := ask(s, "GET", list, "Bearer "+operator)
		_, rest, _ := strings.Cut(body, `"hash":"`)
		digits, _, _ := strings.Cut(rest, `"`)
		return len(digits)
	}
	if n := hash(); n != 128 {
		t.Errorf("%d digits of a hash in 3.0.1", n)
	}
	s.Version = "3.0.2"
	if n := hash(); n != 9 {
		t.Errorf("%d digits of a hash in 3.0.2", n)
	}
	for version, want := range map[string][2]bool{"3.0.3": {false, false}, "3.1.0": {true, false}, "3.6.0": {true, false}, "3.7.0": {true, true}} {
		s.Version = version
		_, header, _ := ask(s, "GET", "/ping", "Bearer "+operator)
		if got := [2]bool{header.Get("X-Influxdb-Build") == "Core" && header.Get("X-Influxdb-Version") == version, header.Get("cluster-uuid") != ""}; got != want {
			t.Errorf("%s: headers %v, want %v", version, got, want)
		}
	}
	s.WithoutAuth = true
	if status, _, body := ask(s, "GET", list, ""); status != 200 || strings.Contains(body, "hash") {
		t.Errorf("without authentication: %d %s", status, body)
	}
	if status, _, body := ask(s, "DELETE", "/api/v3/configure/token?token_name=x", ""); status != 405 || body != "endpoint disabled, started without auth" {
		t.Errorf("without authentication: %d %s", status, body)
	}
}

// TestTokensOverTime: what regenerating, deleting and expiry leave alone and what not.
func TestTokensOverTime(t *testing.T) {
	s, operator := influxdb3test.New(influxdb3test.Enterprise, "3.8.4")
	s.AddDatabase("a")
	s.AddToken(influxdb3test.Token{Name: "one", Grants: []influxdb3test.Grant{influxdb3test.On("a", "read", "write")}})
	at := s.Now().Add(1500 * time.Millisecond)
	s.Now = func() time.Time { return at }
	status, _, made := ask(s, "POST", "/api/v3/configure/token/admin/regenerate", "Bearer "+operator)
	if status != 201 {
		t.Fatalf("%d %s", status, made)
	}
	if status, _, _ := ask(s, "GET", "/ping", "Bearer "+operator); status != 401 {
		t.Errorf("the old token: %d", status)
	}
	operator = s.Regenerate()
	s.DeleteToken("one")
	id, _ := s.AddToken(influxdb3test.Token{Name: "one", Grants: []influxdb3test.Grant{influxdb3test.On("a", "read", "write"), {Type: "system", Names: []string{"*"}, Actions: []string{"read"}}}})
	if id != 2 {
		t.Errorf("an ID is used again: %d", id)
	}
	_, _, body := ask(s, "GET", list, "Bearer "+operator)
	for _, want := range []string{
		`"created_at":"2026-01-05T08:00:00",`, `"updated_at":"2026-01-05T08:00:01.5","updated_by_token_id":0}`, `"permissions":"*:*:*"`,
		`"permissions":"[\"db:a:read\",\"db:a:write\",\"system:*:read\"]","token_id":2}]`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	s.DeleteDatabase("a", false)
	s.DeletedName = influxdb3test.Renamed
	s.Permissions, s.AdminInArray = influxdb3test.SeveralActions, true
	_, _, body = ask(s, "GET", list, "Bearer "+operator)
	if !strings.Contains(body, `[\"db:a-20260105T080001:read,write\",`) || !strings.Contains(body, `"permissions":"[\"*:*:*\"]"`) {
		t.Error(body)
	}
	if _, _, body = ask(s, "GET", "/api/v3/configure/database?format=json&show_deleted=true", "Bearer "+operator); !strings.Contains(body, `{"iox::database":"a-20260105T080001","deleted":true}`) {
		t.Error(body)
	}
	if _, _, body = ask(s, "GET", "/api/v3/configure/database?format=json", "Bearer "+operator); strings.Contains(body, "a-2026") {
		t.Error(body)
	}
}

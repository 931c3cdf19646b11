package dedicatedtest

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	jsonschema "github.com/santhosh-tekuri/jsonschema/v6"
)

func (s *Server) ask(method, under, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, s.Root()+under, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.Credential)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// TestDocumentedForm holds the answers to the published description of the API.
func TestDocumentedForm(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schemaOf := func(name string) *jsonschema.Schema {
		schema, err := compiler.Compile("testdata/management.json#/$defs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return schema
	}
	for product, s := range map[string]*Server{"Dedicated": NewDedicated(), "Clustered": NewClustered()} {
		s.AddDatabase("telemetry")
		write := Permission{"write", "*"}
		id, _ := s.CreateUntil(s.Now().Add(time.Hour), "expires", Permission{"read", "telemetry"}, write)
		revoked, _ := s.Create("revoked", write)
		s.Revoke(revoked)
		s.Create("may do nothing")
		forbidden := func(r *http.Request) bool { return true }
		for _, c := range []struct {
			method, under, body string
			forbids             func(*http.Request) bool
			status              int
			form                string
		}{
			{"GET", "/tokens", "", nil, 200, "tokens"},
			{"GET", "/tokens/" + id, "", nil, 200, "token"},
			{"GET", "/tokens/" + revoked, "", nil, 200, "token"},
			{"GET", "/databases", "", nil, 200, "databases"},
			{"POST", "/tokens", `{"description":"new","permissions":[{"action":"read","resource":"*"}]}`, nil, 200, "created"},
			{"POST", "/tokens", `{"permissions":[]}`, nil, 400, "error"},
			{"PATCH", "/tokens/" + id, `{"permissions":[]}`, nil, 200, "token"},
			{"DELETE", "/tokens/" + id, "", nil, 204, ""},
			{"POST", "/databases", `{"name":"new"}`, nil, 200, "database"},
			{"POST", "/databases", `{"name":"new"}`, nil, 409, "error"},
			{"DELETE", "/databases/new", "", nil, 204, ""},
			{"DELETE", "/databases/new", "", nil, 404, "error"},
			{"GET", "/tokens/" + uuidOf("another"), "", nil, 404, "error"},
			{"GET", "/users", "", nil, 404, "error"},
			{"GET", "/tokens", "", forbidden, 403, "error"},
		} {
			s.Forbids = c.forbids
			w := s.ask(c.method, c.under, c.body)
			if w.Code != c.status {
				t.Errorf("%s %s of %s: %d, want %d", c.method, c.under, product, w.Code, c.status)
			}
			if c.form == "" {
				continue
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes()))
			if err == nil {
				err = schemaOf(c.form).Validate(doc)
			}
			if err != nil {
				t.Errorf("%s %s of %s: %v in %s", c.method, c.under, product, err, w.Body)
			}
		}
		good := s.Credential
		s.Forbids, s.Credential = nil, "other"
		r := httptest.NewRequest("GET", s.Root()+"/tokens", nil)
		r.Header.Set("Authorization", "Bearer "+good)
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != 401 || w.Body.String() != `{"code":401,"message":"unauthorized"}` {
			t.Errorf("another credential: %d %s", w.Code, w.Body)
		}
	}
}

// TestOnlyItsOwnPaths: each product has its own form of the paths.
func TestOnlyItsOwnPaths(t *testing.T) {
	dedicated, clustered := NewDedicated(), NewClustered()
	for s, other := range map[*Server]string{dedicated: clustered.Root(), clustered: dedicated.Root()} {
		r := httptest.NewRequest("GET", other+"/tokens", nil)
		r.Header.Set("Authorization", "Bearer "+s.Credential)
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != 404 {
			t.Errorf("%s answers %s: %d", s.Root(), other, w.Code)
		}
	}
}

// TestUncertain: what nobody knows of the API can be either way.
func TestUncertain(t *testing.T) {
	s := NewClustered()
	kept, _ := s.Create("kept")
	gone, value := s.Create("gone")
	s.Revoke(gone)
	list := func() string { return s.ask("GET", "/tokens", "").Body.String() }
	if body := list(); !strings.Contains(body, gone) || !strings.Contains(body, `"revokedAt":"2026-01-05T08:00:00.000Z"`) || strings.Contains(body, value) {
		t.Errorf("all: %s", body)
	}
	s.HideRevoked = true
	if body := list(); strings.Contains(body, gone) || !strings.Contains(body, kept) || s.ask("GET", "/tokens/"+gone, "").Code != 200 {
		t.Errorf("revoked ones hidden: %s", body)
	}
	if s.ForgetRevoked = true; s.ask("GET", "/tokens/"+gone, "").Code != 404 {
		t.Error("a revoked one is not forgotten")
	}
	s.HideRevoked, s.Most = false, 1
	if body := list(); strings.Contains(body, gone) || !strings.Contains(body, kept) {
		t.Errorf("cut: %s", body)
	}
	for unset, want := range map[Dates]string{Absent: "", Null: `"expiresAt":null`, Zero: `"expiresAt":"0001-01-01T00:00:00Z"`} {
		if s.Unset = unset; !strings.Contains(list(), want) || unset == Absent && strings.Contains(list(), "expiresAt") {
			t.Errorf("%s: %s", unset, list())
		}
	}
	now := s.Now()
	s.Now, s.Lag = func() time.Time { return now }, time.Minute
	now = now.Add(time.Hour)
	if s.Update(kept, "changed"); strings.Contains(list(), "changed") {
		t.Error("a change is seen at once")
	}
	if now = now.Add(time.Minute); !strings.Contains(list(), "changed") {
		t.Error("a change is never seen")
	}
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"tokenaudit/jobs/influx/influxtest"
)

// TestTokensListSaysWhatItMissed: the exit code is 0 only where nothing can be missing.
func TestTokensListSaysWhatItMissed(t *testing.T) {
	t.Parallel()
	const authorizations = "/api/v2/authorizations"
	type world struct {
		*influxtest.Server
		acme, admin, bob, leaver, bobs string
	}
	operator := func(w *world) []influxtest.Permission { return influxtest.AuditorPermissions(w.acme) }
	own := func(w *world) []influxtest.Permission { return influxtest.AllAccess(w.acme, w.admin) }
	tests := []struct {
		name    string
		mode    influxtest.Mode
		rights  func(*world) []influxtest.Permission
		change  func(*world)
		filters []string
		code    int
		rows    string // descriptions that are shown
		says    string // on standard error
	}{
		{name: "everything is seen", rights: operator, rows: "audit sensor"},
		{name: "by status and action", rights: operator, filters: []string{"--status", "active", "--action", "write"}, rows: "sensor"},
		{name: "by user", rights: operator, filters: []string{"--user", "bob"}, rows: "sensor"},
		{name: "no such token", rights: operator, filters: []string{"--id", "0000000000000001"}, says: "no token matches\n"},
		{name: "no such user", rights: operator, filters: []string{"--user", "bib"}, code: exitIncomplete, says: "user bib: does not exist"},
		{name: "no such org", rights: operator, filters: []string{"--org", "acne"}, code: exitIncomplete, says: "→ Set org to one that the credential can see: acme ("},
		{name: "its own user's only", rights: own, filters: []string{"--action", "write", "--user", "bob"}, code: exitIncomplete, says: "none of its authorizations were visible"},
		{name: "its own user's only, without a filter", rights: own, code: exitIncomplete, rows: "audit", says: "may not read all users"},
		{name: "its own user's only, and asked for no others", rights: own, filters: []string{"--user", "admin"}, rows: "audit", code: exitIncomplete, says: "neither listed nor known"},
		{name: "an inactive credential", rights: operator, code: exitIncomplete, says: "the credential is inactive",
			change: func(w *world) { w.SetStatus(w.bobs, influxtest.Active); w.Fault = inactiveCredential }},
		{name: "filters are ignored", rights: func(*world) []influxtest.Permission { return influxtest.Operator() }, filters: []string{"--user", "bob", "--org", "acme"}, rows: "sensor",
			change: func(w *world) {
				globex := w.AddOrg("globex")
				w.AddAuthorization(influxtest.Authorization{OrgID: globex, UserID: w.bob, Description: "foreign"})
				w.Fault = func(_ http.ResponseWriter, r *http.Request) bool { r.URL.RawQuery = ""; return false }
			}}, // all of the instance was seen, and what was asked for is picked out of it
		{name: "a list that is cut", rights: operator, filters: []string{"--user", "bob"}, code: exitIncomplete, says: "is cut off",
			change: func(w *world) { w.Fault = w.CutBody(authorizations) }},
		{name: "an empty list", rights: operator, code: exitIncomplete, says: "proves nothing",
			change: func(w *world) { w.Fault = influxtest.Answer(authorizations, 200, `{"authorizations":[]}`) }},
		{name: "not a list", rights: operator, code: exitIncomplete, says: "not a list of authorizations",
			change: func(w *world) { w.Fault = influxtest.Answer(authorizations, 200, "<html>") }},
		{name: "a token of a deleted user", rights: operator, filters: []string{"--action", "write", "--status", "active"}, rows: "sensor", code: exitIncomplete, says: "neither listed nor known",
			change: func(w *world) {
				w.AddAuthorization(influxtest.Authorization{OrgID: w.acme, UserID: w.leaver, Description: "hidden", Permissions: influxtest.WriteBuckets(w.acme)})
				w.DeleteUser(w.leaver)
			}},
		{name: "cloud, where nobody sees another's", mode: influxtest.CloudTSM, rights: own, filters: []string{"--user", "bob"}, code: exitIncomplete, says: "it has no credential of its own"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.mode == "" {
				test.mode = influxtest.OSS
			}
			w := &world{Server: influxtest.New(test.mode)}
			w.acme = w.AddOrg("acme")
			w.admin, w.bob, w.leaver = w.AddUser("admin"), w.AddUser("bob"), w.AddUser("leaver")
			for _, user := range []string{w.admin, w.bob, w.leaver} {
				w.AddMember(w.acme, user)
			}
			_, token := w.AddAuthorization(influxtest.Authorization{OrgID: w.acme, UserID: w.admin, Description: "audit", Permissions: test.rights(w)})
			w.bobs, _ = w.AddAuthorization(influxtest.Authorization{OrgID: w.acme, UserID: w.bob, Description: "sensor", Permissions: influxtest.WriteBuckets(w.acme)})
			if test.change != nil {
				test.change(w)
			}
			code, out, said := listTokens(t, w.Server, token, test.filters...)
			if code != test.code || !strings.Contains(said, test.says) || test.says == "" && said != "" {
				t.Errorf("exit code %d, want %d; said %q, want %q in it", code, test.code, said, test.says)
			}
			for _, description := range []string{"audit", "sensor", "foreign", "hidden"} {
				if strings.Contains(out, description) != strings.Contains(test.rows, description) {
					t.Errorf("want %q shown, got\n%s", test.rows, out)
				}
			}
		})
	}
}

// inactiveCredential answers as to one: an error at /me, and empty lists.
func inactiveCredential(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/api/v2/me" {
		return influxtest.Answer(r.URL.Path, http.StatusUnauthorized, `{"code":"unauthorized","message":"token is inactive"}`)(w, r)
	}
	return influxtest.Answer("/api/v2/authorizations", http.StatusOK, `{"authorizations":[]}`)(w, r)
}

// listTokens runs tokens list with a configuration for one target.
func listTokens(t *testing.T, s *influxtest.Server, token string, filters ...string) (code int, stdout, stderr string) {
	t.Helper()
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	dir := t.TempDir()
	config, held := filepath.Join(dir, "c.yaml"), filepath.Join(dir, "token")
	text := fmt.Sprintf("targets:\n  - {name: prod, url: %q, org: acme, token: {file: %q}}\njobs:\n  - {name: weekly, schedule: \"@weekly\"}\n", web.URL, held)
	for path, content := range map[string]string{config: text, held: token} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, said bytes.Buffer
	code = run(t.Context(), append([]string{"tokens", "list", "-c", config}, filters...), &out, &said)
	return code, out.String(), said.String()
}

// TestTokensListTakesCapitals: an ID is the same however its letters are written.
func TestTokensListTakesCapitals(t *testing.T) {
	t.Parallel()
	s := influxtest.New(influxtest.OSS)
	acme, admin := s.AddOrg("acme"), s.AddUser("admin")
	s.AddMember(acme, admin)
	id, token := s.AddAuthorization(influxtest.Authorization{OrgID: acme, UserID: admin, Description: "audit", Permissions: influxtest.AuditorPermissions(acme)})
	for _, filters := range [][]string{
		{"--id", strings.ToUpper(id)}, {"--user-id", strings.ToUpper(admin)}, {"--org", strings.ToUpper(acme)},
		{"--user-id", strings.ToUpper(admin), "--user", "admin"},
	} {
		if code, out, said := listTokens(t, s, token, filters...); code != exitDone || !strings.Contains(out, id) {
			t.Errorf("%q: exit code %d, %s%s", filters, code, out, said)
		}
	}
}

// TestTokensListReadsFiles: a copy of the database file is listed, those of deleted users
// too, and answers no questions.
func TestTokensListReadsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := bbolt.Open(filepath.Join(dir, "influxd.bolt"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	const acme, bob, left = "0a00000000000001", "0b00000000000001", "0b00000000000002"
	at := time.Now().UTC().Format(time.RFC3339)
	token := `{"id":%q,"token":"canary-token-%[1]s","status":"active","description":"of %[2]s","orgID":"` + acme + `","userID":%[2]q,"permissions":[{"action":"write","resource":{"type":"buckets","orgID":"` + acme + `"}}],"createdAt":"` + at + `","updatedAt":"` + at + `"}`
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, row := range [][3]string{
			{"organizationsv1", acme, `{"id":"` + acme + `","name":"acme"}`}, {"usersv1", bob, `{"id":"` + bob + `","name":"bob","status":"active"}`},
			{"authorizationsv1", "0d00000000000001", fmt.Sprintf(token, "0d00000000000001", bob)}, {"authorizationsv1", "0d00000000000002", fmt.Sprintf(token, "0d00000000000002", left)},
			{"bucketsv1"}, {"userresourcemappingsv1"}, {"legacy/authorizationsv1"},
		} {
			b, err := tx.CreateBucketIfNotExists([]byte(row[0]))
			if err == nil && row[1] != "" {
				err = b.Put([]byte(row[1]), []byte(row[2]))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "c.yaml")
	text := "targets:\n  - {name: copy, bolt: ./influxd.bolt}\njobs:\n  - {name: weekly, schedule: \"@weekly\"}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"tokens", "list"}, exitDone, []string{"of " + bob, "of " + left}},
		{[]string{"tokens", "list", "--user-id", strings.ToUpper(left)}, exitDone, []string{"of " + left}},
		{[]string{"tokens", "show", "0d00000000000001"}, exitUsage, []string{`target "copy" is a file`}},
	} {
		var out bytes.Buffer
		code := run(t.Context(), append(test.args, "-c", config), &out, &out)
		for _, want := range test.want {
			if code != test.code || !strings.Contains(out.String(), want) || strings.Contains(out.String(), "canary-token") {
				t.Errorf("%q: exit code %d, want %d and %q\n%s", test.args, code, test.code, want, out.String())
			}
		}
	}
}

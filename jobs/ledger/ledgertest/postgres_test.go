//go:build unix

package ledgertest

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenaudit/configs/remedy"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/ledger"
)

// several: processes that start together make the tables once, and share them.
func several(t *testing.T, s store) {
	ledgers := make([]*ledger.Ledger, 3)
	var group sync.WaitGroup
	for i := range ledgers {
		group.Go(func() {
			var err error
			if ledgers[i], err = ledger.Open(t.Context(), s.url, s.password); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	for _, l := range ledgers {
		defer l.Close()
	}
	oneOf(t, ledgers...)
}

// restart: a ledger outlives its database, and its password.
func restart(t *testing.T, p *Postgres) {
	l := store{p.Database(t), p.Password}.open(t)
	mustBegin(t, l, weekly(0))
	p.Stop(t)
	if _, err := l.Now(t.Context()); err == nil {
		t.Error("a database that is down tells the time")
	}
	p.Start(t)
	p.ChangePassword(t)
	if _, found, err := l.Running(t.Context(), "weekly"); err != nil || !found {
		t.Errorf("after a restart: found %t, %v", found, err)
	}
}

// clock: the database says what time it is, whatever zone its sessions are in.
func clock(t *testing.T, s store) {
	l := s.open(t)
	first, err := l.Now(t.Context())
	second, err2 := l.Now(t.Context())
	if err != nil || err2 != nil || !second.After(first) || first.Location() != time.UTC {
		t.Errorf("Now = %s, %v, then %s, %v", first, err, second, err2)
	}
}

// examine is what doctor does.
func examine(t *testing.T, s store) {
	if found, err := ledger.Inspect(t.Context(), s.url, s.password); err != nil || !strings.Contains(found.Found, "the tables will be created") {
		t.Errorf("before the first review: %+v, %v", found, err)
	}
	s.open(t)
	if found, err := ledger.Inspect(t.Context(), s.url, s.password); err != nil || strings.Contains(found.Found, "will be created") {
		t.Errorf("after it: %+v, %v", found, err)
	}
	const wrong = "canary-not-the-password"
	other := secret.Ref{File: filepath.Join(t.TempDir(), "password")}
	if _, err := ledger.Open(t.Context(), s.url, other); err == nil || !strings.Contains(err.Error(), "store_password") {
		t.Errorf("without a password: %v", err)
	}
	if err := os.WriteFile(other.File, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Inspect(t.Context(), s.url, other); err == nil || !strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), wrong) {
		t.Errorf("with a wrong password: %v", err)
	}
	changed := func(change func(*url.URL)) string {
		u, err := url.Parse(s.url)
		if err != nil {
			t.Fatal(err)
		}
		change(u)
		return u.String()
	}
	for _, test := range []struct {
		name, url string
		password  secret.Ref
		want      string
	}{
		{"wrong password", s.url, other, "Correct store_password"},
		{"no password", s.url, secret.Ref{File: other.File + "-none"}, "Write the secret to the file"},
		{"no such database", changed(func(u *url.URL) { u.Path = "/nowhere" }), s.password, "Create the database (createdb)"},
		{"refused", changed(func(u *url.URL) { u.Host = "127.0.0.1:1"; u.RawQuery = "" }), s.password, "Nothing listens at 127.0.0.1:1: start PostgreSQL"},
		{"no such host", changed(func(u *url.URL) { u.Host = "db.invalid"; u.RawQuery = "" }), s.password, "No host has the name db.invalid: correct store"},
	} {
		_, err := ledger.Inspect(t.Context(), test.url, test.password)
		if got := remedy.Of(err); !strings.Contains(got, test.want) {
			t.Errorf("%s: remedy %q of %v, want %q", test.name, got, err, test.want)
		}
	}
}

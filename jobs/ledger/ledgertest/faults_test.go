//go:build unix

package ledgertest

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
)

// exec does what no tokenaudit does to a store.
func (s store) exec(t *testing.T, statement string) {
	t.Helper()
	var db *sql.DB
	if path, ok := ledger.StorePath(s.url); ok {
		var err error
		if db, err = sql.Open("sqlite", "file:"+strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)); err != nil {
			t.Fatal(err)
		}
	} else {
		config, err := pgx.ParseConfig(s.url)
		if err != nil {
			t.Fatal(err)
		}
		password, err := s.password.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		config.Password = password.Reveal()
		db = stdlib.OpenDB(*config)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// newer: tables of a later version are neither read nor written.
func newer(t *testing.T, s store) {
	l := s.open(t)
	if err := errors.Join(l.Stamp(t.Context(), "0.9.0"), l.Stamp(t.Context(), "7.1.0"), l.Close()); err != nil {
		t.Fatal(err)
	}
	s.exec(t, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (12, TRUE)`)
	refused := func(by string) {
		t.Helper()
		_, writing := ledger.Open(t.Context(), s.url, s.password)
		_, reading := ledger.OpenReader(t.Context(), s.url, s.password)
		_, looking := ledger.Inspect(t.Context(), s.url, s.password)
		for name, err := range map[string]error{"Open": writing, "OpenReader": reading, "Inspect": looking} {
			if newer, ok := errors.AsType[*ledger.NewerError](err); !ok || newer.Schema != 12 || !strings.Contains(err.Error(), "made by "+by+": its schema is 12") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	refused("tokenaudit 7.1.0, which is newer")
	s.exec(t, `DROP TABLE program`)
	refused("a newer tokenaudit")
}

// damaged: a row that cannot be read costs only itself, and is named.
func damaged(t *testing.T, s store) {
	l := s.open(t)
	for week := range 3 {
		mustBegin(t, l, weekly(week))
		mustFinish(t, l, weekly(week), week)
	}
	l.Close()
	s.exec(t, `UPDATE run SET summary = '{"id":' WHERE slot = (SELECT MAX(slot) FROM run)`)
	l = s.open(t)
	bad := weekly(2).ID()
	if p, err := l.Previous(t.Context(), weekly(3)); !errors.As(err, new(*audit.DamagedError)) || !strings.Contains(err.Error(), bad) {
		t.Errorf("Previous = %+v, %v", p, err)
	}
	if trend, err := l.Trend(t.Context(), weekly(3)); !errors.As(err, new(*audit.DamagedError)) || len(trend) != 2 {
		t.Errorf("Trend = %d points, %v", len(trend), err)
	}
	if status := mustStatus(t, l); status.Damaged == nil || !strings.Contains(status.Damaged.Error(), bad) {
		t.Errorf("Status: damaged %v", status.Damaged)
	}
	r, err := ledger.OpenReader(t.Context(), s.url, s.password)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	entries, err := r.List(t.Context(), "weekly", 0)
	if err != nil || len(entries) != 3 || entries[0].Damaged == "" || entries[0].Summary != nil || entries[1].Summary == nil {
		t.Errorf("List = %+v, %v", entries, err)
	}
	mustBegin(t, l, weekly(3), "prod", "plant")
	for _, target := range []string{"prod", "plant"} {
		if err := l.SaveItem(t.Context(), weekly(3), audit.Item{Coverage: audit.Coverage{Target: target}}); err != nil {
			t.Fatal(err)
		}
	}
	s.exec(t, `UPDATE item SET result = '{' WHERE target = 'prod'`)
	if again, err := l.Pending(t.Context(), weekly(3)); err != nil || len(again) != 1 || again[0] != "prod" {
		t.Errorf("Pending = %v, %v; want the target whose outcome is damaged", again, err)
	}
	s.exec(t, `UPDATE item SET result = '' , state = 'pending'`)
	if in, err := ledger.Inspect(t.Context(), s.url, s.password); err != nil || len(in.Damaged) != 1 || !strings.Contains(in.Damaged[0], bad) {
		t.Errorf("Inspect = %+v, %v", in, err)
	}
}

// inspect: whoever looks changes nothing, and takes no lease away.
func inspect(t *testing.T, s store) {
	l := s.open(t)
	mustBegin(t, l, weekly(0))
	mustFinish(t, l, weekly(0), 1)
	mustLease(t, l, "me")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	before := files(t, s)
	in, err := ledger.Inspect(t.Context(), s.url, s.password)
	if err != nil || len(in.Damaged) > 0 || !strings.HasSuffix(in.Found, ", runs: 1") {
		t.Errorf("Inspect = %+v, %v", in, err)
	}
	if diff := cmp.Diff(before, files(t, s)); diff != "" {
		t.Errorf("changed files (-before +after):\n%s", diff)
	}
}

// older: tables of an earlier version are left as they are until a review.
func older(t *testing.T, s store) {
	s.open(t).Close()
	s.exec(t, `DELETE FROM goose_db_version WHERE version_id > 1`)
	before := files(t, s)
	if in, err := ledger.Inspect(t.Context(), s.url, s.password); err != nil || !strings.Contains(in.Found, "the next run or serve upgrades it") {
		t.Errorf("Inspect = %+v, %v", in, err)
	}
	if diff := cmp.Diff(before, files(t, s)); diff != "" {
		t.Errorf("changed files (-before +after):\n%s", diff)
	}
}

// files are those of a store in a file, with their content.
func files(t *testing.T, s store) map[string]string {
	t.Helper()
	out := map[string]string{}
	if path, ok := ledger.StorePath(s.url); ok {
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			content, err := os.ReadFile(filepath.Join(filepath.Dir(path), e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			out[e.Name()] = string(content)
		}
	}
	return out
}

// unreachable tells a database that is away from a store that is wrong.
func unreachable(t *testing.T, p *Postgres) {
	s := store{p.Database(t), p.Password}
	for name, url := range map[string]string{
		"no such database":  strings.Replace(s.url, "@/", "@/no-such-", 1),
		"no such role":      strings.Replace(s.url, "postgres@", "nobody@", 1),
		"no server of ours": "postgres://postgres@/x?host=" + t.TempDir() + "&sslmode=verify-full",
	} {
		_, err := ledger.Open(t.Context(), url, s.password)
		if away := name == "no server of ours"; err == nil || ledger.Unreachable(err) != away {
			t.Errorf("%s: unreachable %t: %v", name, !away, err)
		}
	}
	p.Stop(t)
	if _, err := ledger.Open(t.Context(), s.url, s.password); !ledger.Unreachable(err) {
		t.Errorf("stopped: %v", err)
	}
	if _, err := ledger.Open(t.Context(), "postgres://postgres@127.0.0.1:1/x", s.password); !ledger.Unreachable(err) {
		t.Errorf("nobody listens: %v", err)
	}
	p.Start(t)
	s.open(t)
}

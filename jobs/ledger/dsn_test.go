package ledger

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestStoreWarnings(t *testing.T) {
	for store, want := range map[string]bool{
		"sqlite:./data/tokenaudit.db":                    false,
		"postgres://u@db/x":                              true,
		"postgres://u@db/x?sslmode=require":              true,
		"postgres://u@db/x?sslmode=verify-full":          false,
		"postgres://u@localhost:5433/x":                  false,
		"postgres://u@[::1]/x":                           false,
		"postgres://u@127.0.0.1/x":                       false,
		"postgres://u@/x?host=/run/postgresql":           false,
		"postgres://u@/x?host=db.example.com":            true,
		"postgres://u@localhost/x?host=db.example.com":   true,
		"postgresql://u@10.0.0.1/x?sslmode=disable":      true,
		"postgres://u@/x?host=/run/postgresql,10.0.0.12": true,
	} {
		if got := StoreWarnings(store); (len(got) > 0) != want {
			t.Errorf("%s: warnings %q, want some: %t", store, got, want)
		}
	}
}

// FuzzCheckStore: what is taken holds no password as the driver reads it, and no
// error repeats the store.
func FuzzCheckStore(f *testing.F) {
	for _, s := range []string{
		"postgres://u@db/x", "postgres://u:canary-secret@db/x", "postgres://u@db/x?password=canary-secret", "postgres://u:12/canary-secret@db/x",
		"postgres://u:12?canary-secret@db/x", "postgres://u@db/x?sslmode=verify-full&host=a,b", "postgres:u:canary-secret@db/x",
		"postgres://u:12#canary-secret@db/x", "postgresql://u@db/x?sslpassword=canary-secret", "postgres://db/x user=u password=canary-secret",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, store string) {
		t.Setenv("PGPASSWORD", "")
		t.Setenv("PGPASSFILE", "/dev/null")
		switch err := CheckStore(store); {
		case err != nil && strings.Contains(err.Error(), "canary"):
			t.Errorf("%q: %v", store, err)
		case err == nil && Postgres(store):
			if config, err := pgx.ParseConfig(store); err == nil && config.Password != "" {
				t.Errorf("%q is taken with a password", store)
			}
		}
	})
}

package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// sqlitePrefix is the form of a ledger in a file: sqlite:PATH.
const sqlitePrefix = "sqlite:"

// settings are those of libpq that the URL of a store may have. Of others, pgx
// would make parameters of the session, and a misspelt sslmode would be no error.
var settings = []string{
	"host", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslnegotiation", "channel_binding",
	"target_session_attrs", "connect_timeout", "application_name", "search_path", "passfile",
}

// StorePath is the file of a store of the form sqlite:PATH.
func StorePath(store string) (path string, ok bool) { return strings.CutPrefix(store, sqlitePrefix) }

// AtPath is the store in the file at path.
func AtPath(path string) string { return sqlitePrefix + path }

// Postgres tells whether a store is a PostgreSQL database, well formed or not.
func Postgres(store string) bool {
	return strings.HasPrefix(store, "postgres:") || strings.HasPrefix(store, "postgresql:")
}

// CheckStore tells whether a store has a form that Open takes. The error repeats
// nothing of it: its URL may hold a password.
func CheckStore(store string) error {
	if Postgres(store) {
		return checkURL(store)
	}
	path, ok := StorePath(store)
	if !ok || path == "" || strings.HasPrefix(path, "//") || strings.HasPrefix(path, ":") {
		return errors.New("needs sqlite:PATH, such as sqlite:./data/tokenaudit.db, or postgres://USER@HOST/DATABASE")
	}
	return nil
}

func checkURL(store string) error {
	u, err := url.Parse(store)
	if err == nil && !portsOf(u) || err != nil && strings.Contains(err.Error(), "invalid port") {
		return errors.New("needs a port from 1 to 65535 after the host: postgres://USER@HOST:PORT/DATABASE")
	}
	if err != nil {
		return errors.New("is not a URL of the form postgres://USER@HOST/DATABASE, without a password")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("has settings (after the ?) that cannot be read")
	}
	if _, has := u.User.Password(); has || query.Has("password") || query.Has("sslpassword") {
		return errors.New("must not contain a password: it belongs in store_password")
	}
	database := strings.TrimPrefix(u.Path, "/")
	switch {
	case u.Host == "" && query.Get("host") == "":
		return errors.New("needs a host: postgres://USER@HOST/DATABASE, or ?host=FOLDER for a socket")
	case database == "":
		return errors.New("needs a database: postgres://USER@HOST/DATABASE")
	case strings.ContainsAny(database, "/@"):
		return errors.New("has a database name with / or @. If a password is in front of it, move it to store_password")
	}
	for name, values := range query {
		if !slices.Contains(settings, name) {
			return fmt.Errorf("has a setting that is not known; known: %s", strings.Join(settings, ", "))
		}
		if file := values[0]; slices.Contains([]string{"sslrootcert", "sslcert", "sslkey", "passfile"}, name) && file != "system" && !filepath.IsAbs(file) {
			return fmt.Errorf("needs an absolute path in %s", name)
		}
	}
	return nil
}

// portsOf tells whether all hosts of a URL have ports that there are, or none.
func portsOf(u *url.URL) bool {
	for host := range strings.SplitSeq(u.Host, ",") {
		port := (&url.URL{Host: host}).Port()
		if port == "" && !strings.HasSuffix(host, ":") {
			continue
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
	}
	return true
}

// StoreWarnings says what is legal but unsafe: a connection that others can listen
// to, or whose other end nobody checked.
func StoreWarnings(store string) []string {
	u, err := url.Parse(store)
	if err != nil || !Postgres(store) {
		return nil
	}
	hosts := strings.Split(cmp.Or(u.Query().Get("host"), u.Host), ",")
	if u.Query().Get("sslmode") == "verify-full" || !slices.ContainsFunc(hosts, elsewhere) {
		return nil
	}
	return []string{"the certificate of PostgreSQL is not checked; add ?sslmode=verify-full, and sslrootcert if this machine does not trust the authority"}
}

// elsewhere tells whether a host, or the folder of a socket, is on another machine.
func elsewhere(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	ip := net.ParseIP(name)
	return !strings.HasPrefix(host, "/") && name != "localhost" && (ip == nil || !ip.IsLoopback())
}

package influxdb1test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Fake answers SHOW USERS and SHOW GRANTS FOR as InfluxDB 1.x does, and refuses every
// other statement.
type Fake struct {
	Username, Password string // of the admin user that is let in; he is one of Users
	NoAuth             bool   // authentication is off
	Users              []User
	Build, Version     string // in the headers; default: OSS, 1.8.10. "-" for no header
	// Fault, if not nil, may answer in place of the fake, and says whether it did.
	// Statement is empty for what is no query.
	Fault func(w http.ResponseWriter, r *http.Request, statement string) bool
}

// User is one, with a privilege by database, as SHOW GRANTS writes it.
type User struct {
	Name   string
	Admin  bool
	Grants map[string]string
}

func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for key, value := range map[string][2]string{"X-Influxdb-Build": {f.Build, "OSS"}, "X-Influxdb-Version": {f.Version, "1.8.10"}} {
		switch value[0] {
		case "-":
		case "":
			w.Header().Set(key, value[1])
		default:
			w.Header().Set(key, value[0])
		}
	}
	statement := ""
	if r.URL.Path == "/query" {
		statement = r.URL.Query().Get("q")
	}
	if f.Fault != nil && f.Fault(w, r, statement) {
		return
	}
	switch name, password, given := r.BasicAuth(); {
	case r.URL.Path == "/ping":
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path != "/query":
		http.Error(w, "404 page not found", http.StatusNotFound)
	case f.NoAuth:
		f.answer(w, statement)
	case !given:
		w.Header().Set("WWW-Authenticate", `Basic realm="InfluxDB"`)
		Answer(w, http.StatusUnauthorized, map[string]any{"error": "unable to parse authentication credentials"})
	case name != f.Username || password != f.Password:
		w.Header().Set("WWW-Authenticate", `Basic realm="InfluxDB"`)
		Answer(w, http.StatusUnauthorized, map[string]any{"error": "authorization failed"})
	default:
		f.answer(w, statement)
	}
}

func (f *Fake) answer(w http.ResponseWriter, statement string) {
	if statement == "SHOW USERS" {
		var rows [][]any
		for _, u := range f.Users {
			rows = append(rows, []any{u.Name, u.Admin})
		}
		Table(w, []string{"user", "admin"}, rows)
		return
	}
	for _, u := range f.Users {
		if statement != `SHOW GRANTS FOR "`+strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(u.Name)+`"` {
			continue
		}
		var rows [][]any
		for _, database := range slices.Sorted(maps.Keys(u.Grants)) {
			rows = append(rows, []any{database, u.Grants[database]})
		}
		Table(w, []string{"database", "privilege"}, rows)
		return
	}
	if strings.HasPrefix(statement, "SHOW GRANTS FOR ") {
		Answer(w, http.StatusOK, map[string]any{"results": []any{map[string]any{"statement_id": 0, "error": "user not found"}}})
		return
	}
	Answer(w, http.StatusBadRequest, map[string]any{"error": "error parsing query: " + statement})
}

// Table answers with one series.
func Table(w http.ResponseWriter, columns []string, rows [][]any) {
	series := map[string]any{"columns": columns}
	if len(rows) > 0 {
		series["values"] = rows
	}
	Answer(w, http.StatusOK, map[string]any{"results": []any{map[string]any{"statement_id": 0, "series": []any{series}}}})
}

// Answer answers with JSON.
func Answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that is gone needs no answer
}

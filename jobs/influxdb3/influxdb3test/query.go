package influxdb3test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ListTokens is the one query that the fake answers.
const ListTokens = "SELECT * FROM system.tokens ORDER BY token_id"

// query answers GET /api/v3/query_sql, row by row, as the server streams them.
func (s *Server) query(w http.ResponseWriter, r *http.Request, who *token) {
	q := r.URL.Query()
	switch {
	case q.Get("db") != internal && !s.hasDatabase(q.Get("db")):
		text(w, http.StatusNotFound, `{"error":"query error: database not found: `+q.Get("db")+`"}`)
		return
	case !acceptable(r):
		text(w, http.StatusBadRequest, `{"error":"invalid mime type ('`+r.Header.Get("Accept")+`')"}`)
		return
	case q.Get("q") != ListTokens || q.Get("db") != internal || q.Get("format") != "json":
		text(w, http.StatusBadRequest, `{"error":"the fake answers one query, in JSON"}`)
		return
	case !s.mayReadTokens(who):
		forbidden(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("["))
	first := true
	for _, row := range s.rows(who) {
		if !first {
			_, _ = w.Write([]byte(","))
		}
		first = false
		line, _ := json.Marshal(row)
		_, _ = w.Write(line)
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
	}
	_, _ = w.Write([]byte("]"))
}

func acceptable(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "application/json") || strings.Contains(accept, "*/*")
}

func (s *Server) mayReadTokens(who *token) bool {
	return who == nil || s.admin(who) || s.InternalReadable && slices.ContainsFunc(who.grants, func(g boundGrant) bool {
		return g.Type == "db" && slices.Contains(g.Names, internal) && slices.Contains(g.Actions, "read")
	})
}

// rows of system.tokens. A null is a missing key.
func (s *Server) rows(who *token) []map[string]any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	digits := 9
	if !s.since("3.0.2") {
		digits = 128
	}
	rows := []map[string]any{}
	for _, t := range s.tokens {
		if s.OwnRowOnly && who != nil && !s.admin(who) && t != who {
			continue
		}
		row := map[string]any{"token_id": t.id, "name": t.name, "created_at": written(t.created), "permissions": s.permissions(t)}
		if !s.WithoutAuth {
			row["hash"] = t.hash[:digits]
		}
		if !t.updated.IsZero() {
			row["updated_at"], row["updated_by_token_id"] = written(t.updated), t.id
		}
		if !t.expiry.IsZero() {
			row["expiry"] = written(t.expiry)
		}
		if s.Row != nil {
			s.Row(row)
		}
		rows = append(rows, row)
	}
	return rows
}

// written is a Timestamp(ms) without a zone in the JSON of arrow.
func written(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.999") }

func (s *Server) hasDatabase(name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.ContainsFunc(s.databases, func(d *database) bool { return d.name == name && d.deleted.IsZero() })
}

type shownDatabase struct {
	Name    string `json:"iox::database"`
	Deleted bool   `json:"deleted"`
}

// listDatabases answers GET /api/v3/configure/database. What a token without any right on
// a database gets is not known; the fake shows all.
func (s *Server) listDatabases(w http.ResponseWriter, r *http.Request, _ *token) {
	q := r.URL.Query()
	if q.Get("format") != "json" {
		text(w, http.StatusBadRequest, `{"error":"missing field format"}`)
		return
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	shown := []shownDatabase{{Name: internal}}
	for _, d := range s.databases {
		switch deleted := !d.deleted.IsZero(); {
		case !deleted:
			shown = append(shown, shownDatabase{Name: d.name})
		case q.Get("show_deleted") == "true" && !d.hard:
			shown = append(shown, shownDatabase{Renamed(d.name, d.deleted), true})
		}
	}
	slices.SortFunc(shown, func(a, b shownDatabase) int { return strings.Compare(a.Name, b.Name) })
	body, _ := json.Marshal(shown)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

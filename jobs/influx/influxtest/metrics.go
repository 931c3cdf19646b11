package influxtest

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// health needs no token (T127).
func health(w http.ResponseWriter, _ *http.Request) {
	writeBody(w, http.StatusOK, fmt.Appendf(nil,
		`{"name":"influxdb", "message":"ready for queries and writes", "status":"pass", "checks":[], "version": %q, "commit": "fake"}`+"\n",
		version))
}

// metrics needs no token. It counts all stored authorizations, hidden ones
// included, but not legacy ones: that is how an audit notices what lists hide.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := &s.state
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	writeTotal(w, "buckets", len(st.buckets))
	writeTotal(w, "organizations", len(st.orgs))
	writeTotal(w, "tokens", len(st.authorizations.stored)+st.generated.n)
	writeTotal(w, "users", len(st.users))
}

// writeTotal writes a counter, though InfluxDB means a gauge (2.9.1
// bolt/metrics.go). The text format writes a million as 1e+06.
func writeTotal(w io.Writer, what string, n int) {
	name := "influxdb_" + what + "_total"
	value := strconv.FormatFloat(float64(n), 'g', -1, 64)
	_, _ = fmt.Fprintf(w, "# HELP %[1]s Number of total %[2]s on the server\n# TYPE %[1]s counter\n%[1]s %[3]s\n", name, what, value)
}

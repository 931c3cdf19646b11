package influxdb1_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influxdb1"
	"tokenaudit/jobs/influxdb1/influxdb1test"
)

// TestPasswordIsNowhere has a server, or a proxy in front of it, repeat the password and
// the header that it came in wherever text of it is kept: no form of it may be in the
// coverage, the requests, the log or the diagnosis, nor ever in a URL.
func TestPasswordIsNowhere(t *testing.T) {
	t.Parallel()
	for _, password := range []string{password, "s3cr3", "geheim", `p"ss<w>rd&7Kq:`, strings.Repeat("long Secret 5 ", 20)} {
		header := base64.StdEncoding.EncodeToString([]byte(influxdb1test.Admin + ":" + password))
		forms := []string{header, base64.URLEncoding.EncodeToString([]byte(influxdb1test.Admin + ":" + password))}
		if len(password) > 8 { // a shorter one cannot be told from other text
			forms = append(forms, password, url.QueryEscape(password), url.PathEscape(password), base64.StdEncoding.EncodeToString([]byte(password)))
		}
		said := strings.Join(append(forms, "Basic "+header), " | ")
		for name, status := range map[string]int{
			"200": 200, "an error in a 200": -200, "401": 401, "403": 403, "404": 404, "500": 500, "a redirect": 302,
		} {
			t.Run(fmt.Sprintf("%.8s/%s", password, name), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, func(w *world) {
					w.Password = password
					w.Fault = func(rw http.ResponseWriter, r *http.Request, asked string) bool {
						if strings.Contains(r.URL.String(), password) || r.URL.User != nil {
							t.Errorf("the password is in the URL %s", r.URL)
						}
						for _, key := range []string{"X-Influxdb-Build", "X-Influxdb-Version", "Www-Authenticate", "X-Influxdb-Error", "Age", "X-Request-Id"} {
							rw.Header().Set(key, "of "+said)
						}
						switch {
						case status == http.StatusOK:
							return false
						case status == -200:
							influxdb1test.Answer(rw, 200, map[string]any{"results": []any{map[string]any{"error": said}}})
						case status == http.StatusFound:
							http.Redirect(rw, r, "http://"+r.Host+"/?"+said, status)
						default:
							influxdb1test.Answer(rw, status, map[string]any{"error": said})
						}
						return true
					}
				})
				w.cfg = configured(w.cfg.URL, password)
				var log bytes.Buffer
				reviewed, err := influxdb1.New(w.cfg, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
				if err != nil {
					t.Fatal(err)
				}
				col, err := reviewed.Collect(t.Context(), func() {})
				if err != nil {
					t.Fatal(err)
				}
				defer col.Close()
				kept := fmt.Sprintf("%+v %+v %+v %s", col.Coverage, col.Requests(), reviewed.Diagnose(col.Coverage), &log)
				if len(col.Requests()) == 0 || !strings.Contains(kept, "SHOW+USERS") {
					t.Errorf("nothing was asked: %s", kept)
				}
				for _, form := range forms {
					if strings.Contains(kept, form) {
						t.Errorf("%q is in %s", form, kept)
					}
				}
				if status != http.StatusOK && col.Coverage.Verdict != audit.NotKnown {
					t.Errorf("the verdict is %s", col.Coverage.Verdict)
				}
			})
		}
	}
}

// TestPasswordIsNotFollowed: a redirect leads to another server, which must not get it.
func TestPasswordIsNotFollowed(t *testing.T) {
	t.Parallel()
	other := newWorld(t, func(w *world) {
		w.Fault = func(_ http.ResponseWriter, r *http.Request, _ string) bool {
			t.Errorf("asked for %s with %q", r.URL, r.Header.Get("Authorization"))
			return false
		}
	})
	w := newWorld(t, func(w *world) {
		w.Fault = func(rw http.ResponseWriter, r *http.Request, _ string) bool {
			http.Redirect(rw, r, other.cfg.URL+r.URL.String(), http.StatusTemporaryRedirect)
			return true
		}
	})
	cov, _ := collect(t, w.cfg)
	if cov.Verdict != audit.NotKnown || !strings.Contains(cov.Gaps[0].Reason, "307") || !strings.Contains(cov.Gaps[0].Remedy(), "do not follow a redirect") {
		t.Errorf("%s: %+v", cov.Verdict, cov.Gaps)
	}
}

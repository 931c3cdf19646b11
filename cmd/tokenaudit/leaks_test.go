package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/runner"
	"tokenaudit/notify/email/mailtest"
)

// leakSecrets are what a configuration with everything is given, by the name of its file.
var leakSecrets = map[string]string{
	"token":    "AUDITsecret_Qw7-0f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeeff==",
	"bobs":     "BOBSsecret/Rt5+8877665544332211ffeeddccbbaa00f1e2d3c4b5a69788796a5b4c3d2e1f0==",
	"slack":    "xoxb-2024681357-9081726354-kLmNoPqRsTuVwXyZaBcD",
	"hook":     "", // a URL of the receiver
	"hookkey":  "whsec_c2lnbmluZy1rZXktb2YtdGhlLXdlYmhvb2stMDEyMzQ1",
	"password": `p"ss<w>rd&7Kq`,
	"ping":     "", // a URL of the receiver
}

// leakForeign is a value that the program was never given, of somebody else's token, in
// bytes that are no answer: what is quoted of those must not be shown.
const leakForeign = "FOREIGNvalue_Zx9-6f0c1d2e3b4a59687786950a1b2c3d4e5f60718293a4b5c6d7e8f9012345=="

const (
	hookPath = "/in/T024BE7LD/aB3dE5fG7hI9jK1lM3nO5pQ7"
	pingPath = "/fqOOd6-52MMMEzmKe/weekly"
)

// echoed are forms in which programs repeat a secret, and pieces that are left where a
// text is cut.
func echoed(value string) []string {
	quoted, _ := json.Marshal(value)
	out := []string{value, url.QueryEscape(value), url.PathEscape(value), string(quoted[1 : len(quoted)-1]), html.EscapeString(value)}
	for _, before := range []string{"", "a", "ab"} {
		out = append(out, strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(before+value)), "="), base64.RawURLEncoding.EncodeToString([]byte(before+value)))
	}
	if len(value) > 20 {
		out = append(out, value[:20], value[len(value)-20:], value[10:26])
	}
	return out
}

// leakWorld is an InfluxDB and receivers that repeat every secret in all of its forms.
type leakWorld struct {
	dir, config string
	secrets     map[string]string
	silent      bool // says nothing, as for a secret that it never got
	db          *influxtest.Server
}

// said is every form of every secret.
func (w *leakWorld) said() string {
	var all []string
	if w.silent {
		return ""
	}
	for _, value := range w.secrets {
		all = append(all, echoed(value)...)
	}
	return strings.Join(all, " | ")
}

func newLeakWorld(t *testing.T, silent bool) *leakWorld {
	w := &leakWorld{dir: t.TempDir(), silent: silent, db: influxtest.New(influxtest.OSS), secrets: map[string]string{}}
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Location", "http://"+r.Host+"/?"+w.said())
		if strings.HasPrefix(r.URL.Path, "/api/") {
			rw.Header().Set("Content-Type", "application/json")
			json.NewEncoder(rw).Encode(map[string]any{"ok": false, "error": "invalid " + w.said(), "response_metadata": map[string]any{"messages": []string{w.said()}}})
			return
		}
		http.Error(rw, "no "+r.URL.String()+" "+w.said(), http.StatusBadRequest)
	}))
	t.Cleanup(receiver.Close)
	for name, value := range leakSecrets {
		w.secrets[name] = value
	}
	w.secrets["hook"], w.secrets["ping"] = receiver.URL+hookPath, receiver.URL+pingPath
	for name, value := range w.secrets {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mail := mailtest.Start(t, "me", "another", mailtest.STARTTLS)
	if !silent {
		no := mailtest.Failure{At: mailtest.Auth, Say: &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no " + w.said()}}
		mail.Fail(no, no)
	}

	org := w.db.AddOrg("acme")
	auditor, bob := w.db.AddUser("auditor"), w.db.AddUser("bob")
	w.db.AddMember(org, auditor)
	w.db.AddMember(org, bob)
	w.db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: auditor, Token: w.secrets["token"], Description: "audit", Permissions: influxtest.AuditorPermissions(org)})
	w.db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: bob, Token: w.secrets["bobs"], Description: "bob", Permissions: influxtest.WriteBuckets(org, w.db.AddBucket(org, "telemetry"))})
	web := httptest.NewUnstartedServer(w.db)
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.Start()
	t.Cleanup(web.Close)
	w.config = filepath.Join(w.dir, "c.yaml")
	text := fmt.Sprintf(`store: sqlite:kept/t.db
evidence: kept/evidence
targets:
  - {name: prod, url: %q, org: acme, token: {file: token}, users: [{name: bob, token: {file: bobs}}]}
jobs:
  - name: weekly-review
    schedule: "0 9 1 1 *"
    reports: [xlsx, csv, html, ocsf, vanta]
    slack: {channel: C0123456789, token: {file: slack}, api_url: "%s/api/"}
    webhook: {url: {file: hook}, secret: {file: hookkey}}
    email: {server: %q, username: me, password: {file: password}, from: a@example.com, to: [b@example.com], ca_file: %q}
    ping: {file: ping}
`, web.URL, receiver.URL, mail.Address, mail.CAFile)
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// check looks for every form in what was printed, and in what is kept.
func (w *leakWorld) check(t *testing.T, printed map[string]string) {
	t.Helper()
	for what, text := range printed {
		w.find(t, what, []byte(text))
	}
	if !exists(filepath.Join(w.dir, "kept")) {
		return // nothing was reviewed
	}
	err := filepath.WalkDir(filepath.Join(w.dir, "kept"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		w.find(t, path, data)
		if strings.HasSuffix(path, ".gz") {
			r, err := gzip.NewReader(bytes.NewReader(data))
			if err != nil {
				return err
			}
			plain, err := io.ReadAll(r)
			w.find(t, path, plain)
			return err
		}
		if z, err := zip.NewReader(bytes.NewReader(data), int64(len(data))); err == nil {
			for _, f := range z.File {
				r, err := f.Open()
				if err != nil {
					return err
				}
				plain, err := io.ReadAll(r)
				if err != nil {
					return err
				}
				w.find(t, path+"!"+f.Name, plain)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func (w *leakWorld) find(t *testing.T, where string, data []byte) {
	t.Helper()
	if bytes.Contains(data, []byte(leakForeign[:20])) {
		t.Errorf("bytes that are no answer are in %s", where)
	}
	for name, value := range w.secrets {
		if u, err := url.Parse(value); err == nil && u.Host != "" {
			value = strings.Split(u.Path[1:], "/")[len(strings.Split(u.Path[1:], "/"))/2] // the part that is the secret
			if name == "ping" {
				value = strings.Split(u.Path, "/")[1]
			}
		}
		for _, form := range echoed(value) {
			if at := bytes.Index(data, []byte(form)); at >= 0 {
				t.Errorf("%s of %s is in %s: …%.160q", form, name, where, data[max(0, at-60):])
				return
			}
		}
	}
}

// TestNothingLeaks: whatever a server repeats of the secrets, and wherever, none is in
// anything that is kept or printed, with the log of all details.
func TestNothingLeaks(t *testing.T) {
	list := func(path string) func(*http.Request) bool {
		return func(r *http.Request) bool { return r.URL.Path == path }
	}
	everything := func(*http.Request) bool { return true }
	hijacked := func(w http.ResponseWriter, text string) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			io.WriteString(conn, text)
			conn.Close()
		}
	}
	const authorizations = "/api/v2/authorizations"
	for name, tc := range map[string]struct {
		on     func(*http.Request) bool
		answer func(w *leakWorld, rw http.ResponseWriter, r *http.Request)
		slow   bool // the client tries again
		holds  bool // the texts are shown, without the secrets
	}{
		"error body": {on: list(authorizations), holds: true, answer: func(w *leakWorld, rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(400)
			json.NewEncoder(rw).Encode(map[string]string{"code": "invalid " + w.secrets["token"], "message": "bad header Token " + w.said()})
		}},
		"each form alone, cut by our bounds": {on: list("/api/v2/me"), holds: true, answer: func(w *leakWorld, rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(400)
			json.NewEncoder(rw).Encode(map[string]string{"message": strings.Repeat("x", 270) + w.secrets["token"]})
		}},
		"error page": {on: everything, answer: func(w *leakWorld, rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/html")
			rw.WriteHeader(407)
			io.WriteString(rw, "<p>"+w.said())
		}},
		"redirect": {on: list(authorizations), answer: func(w *leakWorld, rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "http://127.0.0.1:1/?t="+url.QueryEscape(w.said()), http.StatusFound)
		}},
		"status line": {on: list(authorizations), answer: func(w *leakWorld, rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, "HTTP/1.1 400 "+leakForeign+w.said()+"\r\nContent-Length: 0\r\n\r\n")
		}},
		"header line": {on: list(authorizations), slow: true, answer: func(w *leakWorld, rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, "HTTP/1.1 400 Bad Request\r\nX-Echo Authorization Token "+leakForeign+w.said()+"\r\nContent-Length: 0\r\n\r\n")
		}},
		"no HTTP": {on: list(authorizations), slow: true, answer: func(w *leakWorld, rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, leakForeign+w.said()+"\r\n\r\n")
		}},
		"length": {on: list(authorizations), slow: true, answer: func(w *leakWorld, rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, "HTTP/1.1 200 OK\r\nContent-Length: "+leakForeign+w.said()+"\r\n\r\n")
		}},
		"trailer": {on: list(authorizations), answer: func(w *leakWorld, rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n17\r\n{\"authorizations\": []} \r\n0\r\nX-Echo Token "+leakForeign+w.said()+"\r\n\r\n")
		}},
		"no JSON": {on: list(authorizations), answer: func(w *leakWorld, rw http.ResponseWriter, _ *http.Request) {
			io.WriteString(rw, `{"authorizations": [`+leakForeign+w.said())
		}},
		"texts of the list": {on: list(authorizations), holds: true, answer: func(w *leakWorld, rw http.ResponseWriter, r *http.Request) {
			whole := httptest.NewRecorder()
			r.Header.Set("X-Whole", "1")
			w.db.ServeHTTP(whole, r)
			var doc struct {
				Authorizations []map[string]any `json:"authorizations"`
			}
			if json.Unmarshal(whole.Body.Bytes(), &doc) != nil || len(doc.Authorizations) == 0 {
				io.Copy(rw, whole.Body)
				return
			}
			first := doc.Authorizations[0]
			for i, form := range strings.Split(w.said(), " | ") {
				row := map[string]any{}
				for k, v := range first {
					row[k] = v
				}
				row["id"], row["description"], row["org"] = fmt.Sprintf("21adece381a5%04x", i), "for "+form, form
				row["permissions"] = []any{map[string]any{"action": "write", "resource": map[string]any{"type": "buckets", "id": "21adece381a50001", "name": form, "org": form, "orgID": first["orgID"]}}}
				doc.Authorizations = append(doc.Authorizations, row)
			}
			rw.Header().Set("X-Influxdb-Build", "OSS")
			rw.Header().Set("X-Influxdb-Version", "v2 "+w.secrets["token"])
			json.NewEncoder(rw).Encode(doc)
		}},
		"names of users": {on: list("/api/v2/users"), answer: func(w *leakWorld, rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X-Influxdb-Build", "OSS")
			json.NewEncoder(rw).Encode(map[string]any{"users": []any{map[string]string{"id": "11adece381a52001", "name": w.secrets["token"], "status": w.secrets["bobs"]}}})
		}},
		"counts": {on: list("/metrics"), answer: func(w *leakWorld, rw http.ResponseWriter, _ *http.Request) {
			io.WriteString(rw, "influxdb_tokens_total "+w.said()+"\n")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.slow && testing.Short() {
				t.Skip("tries again for 15 s")
			}
			t.Parallel()
			w := newLeakWorld(t, false)
			printed, all := map[string]string{}, ""
			do := func(what string, args ...string) {
				var stdout, stderr bytes.Buffer
				run(t.Context(), append(args, "-c", w.config), &stdout, &stderr)
				printed[what+", output"], printed[what+", errors"] = stdout.String(), stderr.String()
				all += stdout.String() + stderr.String()
			}
			do("before", "run", "--now", "-v", "--job", "weekly-review")
			w.db.Fault = func(rw http.ResponseWriter, r *http.Request) bool {
				if !tc.on(r) || r.Header.Get("X-Whole") != "" {
					return false
				}
				tc.answer(w, rw, r)
				return true
			}
			do("review", "run", "--now", "-v")
			do("list", "history", "list", "--json")
			if !tc.slow {
				do("doctor", "doctor", "-v")
				do("tokens", "tokens", "list", "-v")
				do("tokens as JSON", "tokens", "list", "--json")
				do("preview", "notify", "preview")
				do("test", "notify", "test", "-v")
			}
			w.check(t, printed)
			if !strings.Contains(all, "weekly-review/") || tc.holds && !strings.Contains(all, "[redacted]") {
				t.Errorf("nothing was reviewed, or shown:\n%.2000s", all)
			}
		})
	}
}

// TestValueForAName: a secret in the place of the name of a variable, of a path or of a
// command is refused, and not repeated in anything.
func TestValueForAName(t *testing.T) {
	for kind, source := range map[string]string{"env": "my_token", "file": leakSecrets["token"], "exec": leakSecrets["token"]} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newLeakWorld(t, true)
			text, err := os.ReadFile(w.config)
			if err != nil {
				t.Fatal(err)
			}
			value := fmt.Sprintf("{%s: %q}", kind, source)
			if kind == "exec" {
				value = fmt.Sprintf("{exec: [%q]}", source)
			}
			if err := os.WriteFile(w.config, bytes.Replace(text, []byte("{file: token}"), []byte(value), 1), 0o600); err != nil {
				t.Fatal(err)
			}
			w.secrets = map[string]string{"token": source}
			printed := map[string]string{}
			for what, args := range map[string][]string{"review": {"run", "--now", "-v"}, "doctor": {"doctor"}, "tokens": {"tokens", "list"}} {
				var out bytes.Buffer
				run(t.Context(), append(args, "-c", w.config), &out, &out)
				printed[what] = out.String()
			}
			w.check(t, printed)
			for what, text := range printed {
				if flat := strings.Join(strings.Fields(text), " "); !strings.Contains(flat, "targets[0].token (c.yaml:4)") && !strings.Contains(flat, "c.yaml:4: targets[0].token: ") {
					t.Errorf("%s does not say which key: %s", what, text)
				}
			}
		})
	}
}

// oldLedger has a secret in the conclusion of a run.
type oldLedger struct{ runner.Ledger }

func (oldLedger) Conclusion(context.Context, audit.Run) (audit.Summary, audit.Highlights, error) {
	text := "the token is " + leakSecrets["token"]
	cov := audit.NewCoverage("prod")
	cov.Server, cov.Reasons = text, []string{text}
	owners := []audit.OwnerHighlights{{Owner: audit.Owner{Name: text}, Worst: []audit.Highlight{{Record: audit.Record{Evidence: text}}}}}
	return audit.Summary{Coverage: audit.TotalCoverage{Reasons: []string{text}, Targets: []audit.Coverage{cov}}}, audit.Highlights{Owners: owners}, nil
}

// keptItem is a ledger that shows what it was given.
type keptItem struct {
	runner.Ledger
	item audit.Item
}

func (k *keptItem) SaveItem(_ context.Context, _ audit.Run, item audit.Item) error {
	k.item = item
	return nil
}

// TestLedgerIsClean: whatever a server said, and whoever noted it.
func TestLedgerIsClean(t *testing.T) {
	text := "the token is " + leakSecrets["token"]
	secrets, kept := secret.NewRedactor(), &keptItem{}
	secrets.Learn(leakSecrets["token"])
	cov := audit.NewCoverage("prod")
	cov.Gap(audit.ListWhole, audit.Partial, "%s", text)
	cov.Hold(audit.RowsReadable, "%s", text)
	cov.AddBlindSpot(text)
	cov.Asked, cov.Server = []audit.Asked{{What: text, Reason: text}}, text
	err := cleanLedger{kept, secrets}.SaveItem(t.Context(), audit.Run{}, audit.Item{Coverage: cov})
	said := fmt.Sprintf("%+v", kept.item)
	if err != nil || strings.Contains(said, "AUDITsecret") || strings.Count(said, "the token is [redacted]") != 8 || kept.item.Coverage.Target != "prod" {
		t.Errorf("%s, %v", said, err)
	}
}

// TestSecretsOfTheEnvironment: those that libraries take by themselves.
func TestSecretsOfTheEnvironment(t *testing.T) {
	for variable, value := range map[string]string{
		"INFLUX_TOKEN": "s3cret", "PGPASSWORD": "s3cret", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_SESSION_TOKEN": "s3cret",
		"HTTP_PROXY": "http://audit:s3cret@proxy:3128", "https_proxy": "http://:s3cret@proxy", "ALL_PROXY": "socks5://audit:s3cret@proxy", "http_proxy": "audit:s3cret@proxy",
	} {
		got := fromEnvironment(func(name string) string { return map[string]string{variable: value}[name] })
		if !slices.Contains(got, "s3cret") {
			t.Errorf("%s: %q", variable, got)
		}
	}
}

// TestOldConclusion: what an earlier version kept is not sent.
func TestOldConclusion(t *testing.T) {
	secrets := secret.NewRedactor()
	secrets.Learn(leakSecrets["token"])
	s, h, err := cleanLedger{oldLedger{}, secrets}.Conclusion(t.Context(), audit.Run{})
	said := fmt.Sprintf("%+v %+v", s, h)
	if err != nil || strings.Contains(said, "AUDITsecret") || strings.Count(said, "the token is [redacted]") != 5 || s.Coverage.Targets[0].Target != "prod" {
		t.Errorf("%s, %v", said, err)
	}
}

// TestStandardLog: what a library writes to the logger of the standard library is a
// detail, and shows nothing of an answer.
func TestStandardLog(t *testing.T) {
	const text = `Unsolicited response received on idle HTTP channel starting with "\"token\":\"` + leakForeign + `\""; err=<nil>` + "\n"
	for _, verbose := range []bool{false, true} {
		var stderr bytes.Buffer
		c := &cli{stderr: &stderr, logFlags: logFlags{verbose: verbose}}
		flags, to := log.Flags(), log.Writer()
		c.catchStandardLog()
		log.Print(text)
		log.SetFlags(flags)
		log.SetOutput(to)
		shown := strings.Contains(stderr.String(), "Unsolicited response")
		if shown != verbose || strings.Contains(stderr.String(), leakForeign[:12]) {
			t.Errorf("verbose %t: %s", verbose, stderr.String())
		}
	}
}

func TestSecretsOfEnvironment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ proxy, want string }{
		"a URL":                     {"http://user:pass-word@proxy:3128", "pass-word"},
		"without a scheme":          {"user:pass-word@proxy:3128", "pass-word"},
		"without a password":        {"http://user@proxy:3128", ""},
		"an @ in the password":      {"http://user:pass@word@proxy", "pass@word"},
		"a scheme behind the name":  {"user:pass-word@http://proxy", "pass-word"},
		"a slash in the password":   {"http://user:/pass/word@proxy", "/pass/word"},
		"a scheme and nothing else": {"http://", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			known := fromEnvironment(func(variable string) string {
				if variable == "https_proxy" {
					return c.proxy
				}
				return ""
			})
			if got := strings.Join(known, ""); got != c.want {
				t.Errorf("%q is known, not %q", got, c.want)
			}
		})
	}
}

// TestCleanCampaignDelivery: what a receiver answers to a message about a campaign is kept
// without secrets.
func TestCleanCampaignDelivery(t *testing.T) {
	secrets, kept := secret.NewRedactor(), new(keptDelivery)
	secrets.Learn(leakedAnswer)
	d := audit.CampaignDelivery{Recipient: "ben@example.com"}
	d.Ref, d.Error = leakedAnswer, "the answer was "+leakedAnswer
	if err := (cleanLedger{kept, secrets}).SaveCampaignDelivery(t.Context(), "me", d); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(kept.Ref+kept.Error, leakedAnswer) || kept.Recipient != d.Recipient {
		t.Errorf("kept %+v", kept)
	}
}

const leakedAnswer = "a-long-secret-of-somebody"

// keptDelivery is the message about a campaign that was saved last.
type keptDelivery struct {
	runner.Ledger
	audit.CampaignDelivery
}

func (k *keptDelivery) SaveCampaignDelivery(_ context.Context, _ string, d audit.CampaignDelivery) error {
	k.CampaignDelivery = d
	return nil
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// quarter is a world in which a campaign takes place: InfluxDB's own handlers, people with
// keys, and a clock.
type quarter struct {
	*testing.T
	dir      string
	host     string // behind a proxy that has the clock
	operator string
	away     atomic.Bool // nothing answers
	now      time.Time
	org      string
	users    map[string]string // IDs
	tokens   map[string]string // IDs, by description
}

// TestQuarter plays a quarter on InfluxDB's own handlers: three reviewers, one of whom
// leaves; somebody who decides on a token of her own; two who disagree; partial imports; a
// token that changes in between; an end with an open item; and reviews of six weeks, with
// revocations that are done, late, undone, replaced and unseen. What the report says is held
// against a count by jq over the files of the evidence.
func TestQuarter(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds InfluxDB's handlers")
	}
	needPrograms(t, "jq", "ssh-keygen", "sha256sum")
	q := newQuarter(t)
	q.run()
	q.must("campaign", "open")
	q.must("campaign", "export", "--format", "csv", "--folder", "first")

	q.day(2) // Ben leaves before he decides
	q.must("campaign", "assign", "--from", "ben@example.com", "--to", "dora@example.com", "--reason", "Ben left, HR-31")

	q.day(3) // Carla decides in part, and on a token of her own, which is with secops
	mine := q.rows("first", "carla@example.com")
	own := q.row(q.rows("first", "secops@example.com"), "carla reads")
	own[slices.Index(mine[0], "Reviewer")] = "carla@example.com"
	q.send("carla@example.com", 5, q.decide(append(mine, own), "", map[string]string{
		"plc one": "revoke", "plc two": "revoke", "plc three": "revoke", "plc four": "revoke", "plc five": "revoke", "plc six": "modify;reads only;read lines", "carla reads": "keep",
	}))
	q.want("refused.csv", ",self-review,")

	q.day(4) // two disagree on a token: a draft of Carla's, and Dora's
	q.draft("carla@example.com", 0, q.decide(q.rows("first", "carla@example.com"), "", map[string]string{"plc seven": "keep;in use"}))
	q.must("campaign", "assign", q.tokens["plc seven"], "--to", "dora@example.com", "--reason", "she knows the line")
	q.must("campaign", "export", "--format", "csv", "--folder", "second", "--reviewer", "dora@example.com")
	q.draft("dora@example.com", 5, q.decide(q.rows("second", "dora@example.com"), "", map[string]string{"plc seven": "revoke"}))
	q.want("refused.csv", ",conflict,")
	q.code(6, "campaign", "show")
	q.must("campaign", "assign", q.tokens["plc seven"], "--to", "secops@example.com", "--reason", "decides the conflict")

	q.day(5) // a token changes before it is decided, and the review of the week sees it
	q.patch("all access of a leaver", "inactive")
	q.day(7)
	q.run()
	stale := q.decide(q.rows("first", "secops@example.com"), "", map[string]string{"all access of a leaver": "revoke"})
	q.send("secops@example.com", 5, stale)
	q.want("refused.csv", ",stale,")
	q.must("campaign", "export", "--format", "csv", "--folder", "third")

	q.day(8) // the rest, but for one
	q.send("secops@example.com", 0, q.decide(q.rows("third", "secops@example.com"), "keep;in use", map[string]string{"all access of a leaver": "revoke", "plc seven": "keep;the line needs it"}))
	q.send("dora@example.com", 0, q.decide(q.rows("third", "dora@example.com"), "keep;in use", map[string]string{"reports of the lab": ""}))

	q.day(9) // what was decided on day 3 is due on day 13
	q.remove("plc one")
	q.patch("plc three", "inactive")
	q.create("plc six, narrower", "plc", "read", "lines")
	q.remove("plc six")
	q.day(10)
	q.run()

	q.day(14)
	q.code(6, "campaign", "close")
	q.must("campaign", "close", "--with-open", "plant is down until January, SEC-77")
	q.manager()
	q.run()
	q.patch("plc three", "active")
	q.create("plc four again", "plc", "write", "lines")
	q.remove("plc four")
	q.day(21)
	q.run()
	q.remove("plc two")
	q.away.Store(true)
	q.day(28)
	q.code(4, "run", "--now")
	q.away.Store(false)
	for _, day := range []int{35, 42, 49} {
		q.day(day)
		q.run()
	}

	want := map[string]string{
		"plc one": "done", "plc two": "done late", "plc three": "undone overdue", "plc four": "replaced overdue", "plc five": "still-there overdue", "plc six": "done", "all access of a leaver": "deactivated",
	}
	if diff := cmp.Diff(want, q.outcome()); diff != "" {
		t.Errorf("what became of the tokens (-want +got):\n%s", diff)
	}
	q.holdFigures()
	q.must("verify", "evidence", "--allowed-signers", "signers")
	q.shell(q.folder(), "sha256sum --quiet -c SHA256SUMS")
	q.shell(q.folder(), `for f in decisions/*.sig; do who=${f#decisions/*-}; who=${who%.csv.sig}; ssh-keygen -q -Y verify -f "$SIGNERS" -I "$who" -n tokenaudit-review -s "$f" < "${f%.sig}" >/dev/null; done`)
	q.shell(q.folder(), `ssh-keygen -q -Y verify -f "$SIGNERS" -I ciso@example.com -n tokenaudit-review -s closed.json.sig < closed.json >/dev/null`)
}

func needPrograms(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing", program)
			}
			t.Skipf("%s is missing", program)
		}
	}
}

func newQuarter(t *testing.T) *quarter {
	t.Helper()
	q := &quarter{T: t, dir: t.TempDir(), now: time.Now().UTC().Truncate(time.Minute), users: map[string]string{}, tokens: map[string]string{}}
	audit := q.serve()
	t.Setenv("AUDIT_TOKEN", audit)
	t.Setenv("SIGNERS", filepath.Join(q.dir, "signers"))
	var orgs struct{ Orgs []struct{ ID string } }
	q.api("GET", "/api/v2/orgs?org=acme", nil, &orgs)
	q.org = orgs.Orgs[0].ID
	for _, name := range []string{"plc", "grafana", "carla@example.com"} {
		var user struct{ ID string }
		q.api("POST", "/api/v2/users", map[string]string{"name": name}, &user)
		q.api("POST", "/api/v2/orgs/"+q.org+"/members", map[string]string{"id": user.ID}, nil)
		q.users[name] = user.ID
	}
	for _, n := range []string{"one", "two", "three", "four", "five", "six", "seven"} {
		q.create("plc "+n, "plc", "write", "lines")
	}
	q.create("carla reads", "carla@example.com", "read", "lab")
	q.create("grafana one", "grafana", "read", "lines")
	q.create("grafana two", "grafana", "read", "lab")
	var all struct {
		Authorizations []struct{ ID, Description string }
	}
	q.api("GET", "/api/v2/authorizations", nil, &all)
	for _, a := range all.Authorizations {
		q.tokens[a.Description] = a.ID
	}
	var signers bytes.Buffer
	for _, who := range []string{"ben", "carla", "dora", "secops", "ciso"} {
		q.shell(q.dir, "ssh-keygen -q -t ed25519 -N '' -C "+who+" -f key-"+who)
		public, err := os.ReadFile(filepath.Join(q.dir, "key-"+who+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&signers, "%s@example.com namespaces=\"tokenaudit-review\" %s", who, public)
	}
	q.shell(q.dir, "ssh-keygen -q -t ed25519 -N '' -C packs -f key-packs")
	public, err := os.ReadFile(filepath.Join(q.dir, "key-packs.pub"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&signers, "packs@example.com namespaces=\"tokenaudit\" %s", public)
	q.write("signers", signers.Bytes())
	q.write("tokenaudit.yaml", fmt.Appendf(nil, `
store: sqlite:./tokenaudit.db
evidence: ./evidence
targets: [{name: prod, url: %q, org: acme, token: {env: AUDIT_TOKEN}}]
policy: {service_users: [telegraf, plc, grafana, security-auditor]}
jobs: [{name: weekly, schedule: "0 9 * * 1", signing_key: {file: key-packs}}]
owners:
  telegraf: {responsible: tom@example.com, reviewer: ben@example.com}
  anna: {responsible: anna@example.com, reviewer: ben@example.com}
  plc: {responsible: pia@example.com, reviewer: carla@example.com}
campaigns:
  - {name: quarterly, job: weekly, reviewer: secops@example.com, manager: ciso@example.com, signers: ./signers, inactive_counts_as_done: on,
     revoke_within: {critical: 10d, high: 10d, default: 10d}}
`, q.host))
	return q
}

// serve starts InfluxDB's handlers, and in front of them a proxy whose clock is that of the
// quarter, so that a week takes no week. It gives a token that can only read.
func (q *quarter) serve() (audit string) {
	program := filepath.Join(q.dir, "influxdb")
	build := exec.Command("go", "build", "-o", program, "./serve")
	build.Dir = filepath.Join(root, "jobs/influx/contract")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "true" {
			q.Skipf("InfluxDB's handlers cannot be built here: %v\n%s", err, out)
		}
		q.Fatalf("%v\n%s", err, out)
	}
	server := exec.Command(program)
	input, err := server.StdinPipe()
	if err != nil {
		q.Fatal(err)
	}
	output, err := server.StdoutPipe()
	if err != nil {
		q.Fatal(err)
	}
	if err := server.Start(); err != nil {
		q.Fatal(err)
	}
	q.Cleanup(func() { input.Close(); _ = server.Wait() })
	values := map[string]string{}
	for lines := bufio.NewScanner(output); values["INFLUX_AUDIT_TOKEN"] == "" && lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		values[name] = value
	}
	behind, err := url.Parse(values["INFLUX_HOST"])
	if err != nil || values["INFLUX_AUDIT_TOKEN"] == "" {
		q.Fatalf("the server says %v (%v)", values, err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	proxy.ModifyResponse = func(r *http.Response) error {
		r.Header.Set("Date", q.now.Format(http.TimeFormat))
		return nil
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q.away.Load() {
			http.Error(w, "not for you", http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	q.Cleanup(front.Close)
	q.host, q.operator = front.URL, values["INFLUX_OPERATOR_TOKEN"]
	return values["INFLUX_AUDIT_TOKEN"]
}

// api asks the server as an operator.
func (q *quarter) api(method, path string, body, into any) {
	q.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		q.Fatal(err)
	}
	r, err := http.NewRequest(method, q.host+path, bytes.NewReader(text))
	if err != nil {
		q.Fatal(err)
	}
	r.Header.Set("Authorization", "Token "+q.operator)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		q.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	if response.StatusCode >= 300 {
		q.Fatalf("%s %s: %s: %s", method, path, response.Status, answer)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			q.Fatal(err)
		}
	}
}

// create makes a token of a user for a bucket.
func (q *quarter) create(description, user, action, bucket string) {
	q.Helper()
	var buckets struct{ Buckets []struct{ ID, Name string } }
	q.api("GET", "/api/v2/buckets?org=acme&name="+bucket, nil, &buckets)
	var made struct{ ID string }
	q.api("POST", "/api/v2/authorizations", map[string]any{
		"orgID": q.org, "userID": q.users[user], "description": description,
		"permissions": []any{map[string]any{"action": action, "resource": map[string]string{"type": "buckets", "id": buckets.Buckets[0].ID, "orgID": q.org}}},
	}, &made)
	q.tokens[description] = made.ID
}

func (q *quarter) patch(description, status string) {
	q.Helper()
	q.api("PATCH", "/api/v2/authorizations/"+q.tokens[description], map[string]string{"status": status}, nil)
}

func (q *quarter) remove(description string) {
	q.Helper()
	q.api("DELETE", "/api/v2/authorizations/"+q.tokens[description], nil, nil)
}

// day is so many days after the first review.
func (q *quarter) day(n int) { q.now = q.start().AddDate(0, 0, n) }

func (q *quarter) start() time.Time {
	info, err := os.Stat(filepath.Join(q.dir, "influxdb"))
	if err != nil {
		q.Fatal(err)
	}
	return info.ModTime().UTC().Truncate(time.Minute).Add(time.Hour)
}

func (q *quarter) run() { q.Helper(); q.must("run", "--now") }

func (q *quarter) must(args ...string) string { q.Helper(); return q.code(0, args...) }

// code calls the program, and gives what it prints.
func (q *quarter) code(want int, args ...string) string {
	q.Helper()
	q.Chdir(q.dir)
	var out, errs bytes.Buffer
	c := newCLI(&out, &errs)
	c.clock = func(context.Context) (time.Time, error) { return q.now, nil }
	if got := c.execute(q.Context(), args); got != want {
		q.Fatalf("day %d: %q: exit code %d, want %d\n%s%s", int(q.now.Sub(q.start()).Hours()/24), args, got, want, out.String(), errs.String())
	}
	return out.String()
}

func (q *quarter) shell(dir, command string) string {
	q.Helper()
	run := exec.Command("sh", "-c", "set -eu; "+command)
	run.Dir = dir
	out, err := run.CombinedOutput()
	if err != nil {
		q.Fatalf("%s: %v\n%s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (q *quarter) write(name string, content []byte) {
	q.Helper()
	if err := os.WriteFile(filepath.Join(q.dir, name), content, 0o600); err != nil {
		q.Fatal(err)
	}
}

// folder is that of the campaign.
func (q *quarter) folder() string {
	all, _ := filepath.Glob(filepath.Join(q.dir, "evidence/campaigns/quarterly/*"))
	if len(all) != 1 {
		q.Fatalf("the campaigns are %q", all)
	}
	return all[0]
}

func (q *quarter) want(file, text string) {
	q.Helper()
	content, err := os.ReadFile(filepath.Join(q.folder(), file))
	if err != nil || !strings.Contains(string(content), text) {
		q.Errorf("%s has no %q (%v):\n%s", file, text, err, content)
	}
}

// rows are those of a file that was exported for somebody, with the header.
func (q *quarter) rows(folder, who string) [][]string {
	q.Helper()
	all, _ := filepath.Glob(filepath.Join(q.dir, folder, "*-"+who+".csv"))
	if len(all) != 1 {
		q.Fatalf("the files of %s in %s are %q", who, folder, all)
	}
	text, err := os.ReadFile(all[0])
	if err != nil {
		q.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).ReadAll()
	if err != nil {
		q.Fatal(err)
	}
	return rows
}

// row is that of a token.
func (q *quarter) row(rows [][]string, description string) []string {
	q.Helper()
	i := slices.IndexFunc(rows, func(r []string) bool { return strings.HasPrefix(r[1], description+" (") })
	if i < 0 {
		q.Fatalf("no row of %q in %q", description, rows)
	}
	return slices.Clone(rows[i])
}

// decide fills in decisions, each as decision;justification;scope, by the description of the
// token, and otherwise for all.
func (q *quarter) decide(rows [][]string, otherwise string, decisions map[string]string) [][]string {
	q.Helper()
	header, found := rows[0], 0
	for _, r := range rows[1:] {
		description, _, _ := strings.Cut(r[1], " (")
		decision, named := decisions[description]
		if named {
			found++
		} else {
			decision = otherwise
		}
		for i, text := range strings.Split(decision, ";") {
			r[slices.Index(header, []string{"Decision", "Justification", "Until or new scope"}[i])] = text
		}
	}
	if found != len(decisions) {
		q.Fatalf("of %d decisions %d have a row", len(decisions), found)
	}
	return rows
}

// draft imports rows as a file without a signature.
func (q *quarter) draft(who string, code int, rows [][]string) {
	q.Helper()
	q.file(who, code, rows, false)
}

// send imports rows as a file that somebody signed.
func (q *quarter) send(who string, code int, rows [][]string) {
	q.Helper()
	q.file(who, code, rows, true)
}

func (q *quarter) file(who string, code int, rows [][]string, signed bool) {
	q.Helper()
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
		q.Fatal(err)
	}
	q.write("back.csv", text.Bytes())
	if signed {
		q.sign(who, "back.csv")
		defer os.Remove(filepath.Join(q.dir, "back.csv.sig"))
	}
	q.code(code, "campaign", "import", "back.csv")
}

func (q *quarter) sign(who, file string) {
	q.Helper()
	name, _, _ := strings.Cut(who, "@")
	q.shell(q.dir, "ssh-keygen -q -Y sign -n tokenaudit-review -f key-"+name+" "+file)
}

// manager signs the end.
func (q *quarter) manager() {
	q.Helper()
	q.must("campaign", "report", "--folder", "closed")
	q.sign("ciso@example.com", "closed/closed.json")
	q.must("campaign", "import", "closed/closed.json.sig")
}

// outcome is what the newest line about each token that has to go says.
func (q *quarter) outcome() map[string]string {
	q.Helper()
	names := map[string]string{}
	for description, id := range q.tokens {
		names[id] = description
	}
	out := map[string]string{}
	for line := range strings.Lines(q.shell(q.folder(), `jq -r 'select(.decision) | "\(.item) \(.state)\(if .late then " late" else "" end)\(if .overdue then " overdue" else "" end)"' remediation.jsonl`)) {
		item, words, _ := strings.Cut(strings.TrimSpace(line), " ")
		out[names[item[strings.LastIndex(item, "/")+1:]]] = words
	}
	return out
}

// holdFigures counts the files of the evidence by jq.
func (q *quarter) holdFigures() {
	q.Helper()
	var shown map[string]any
	if err := json.Unmarshal([]byte(q.code(6, "campaign", "show", "--json")), &shown); err != nil {
		q.Fatal(err)
	}
	revocations := shown["revocations"].(map[string]any)
	newest := `jq -s '[.[] | select(.decision)] | group_by(.item) | map(last) | map(select(%s)) | length' remediation.jsonl`
	for name, count := range map[string]struct {
		shown   any
		command string
	}{
		"items":       {shown["items"], `wc -l < items.jsonl`},
		"signed":      {shown["signed"], `jq -s '[.[] | select(.signed) | .item] | unique | length' decisions.jsonl`},
		"open":        {shown["open"], `jq '.open | length' closed.json`},
		"keep":        {shown["keep"], `jq -s '[.[] | select(.signed and .decision == "keep") | .item] | unique | length' decisions.jsonl`},
		"revoke":      {shown["revoke"], `jq -s '[.[] | select(.signed and .decision == "revoke") | .item] | unique | length' decisions.jsonl`},
		"modify":      {shown["modify"], `jq -s '[.[] | select(.signed and .decision == "modify") | .item] | unique | length' decisions.jsonl`},
		"reassigned":  {shown["reassigned"], `wc -l < assignments.jsonl`},
		"refused":     {q.shell(q.folder(), `tail -n +2 refused.csv | wc -l`), `jq -s 'map(.refused) | add' imports.jsonl`},
		"decided":     {revocations["decided"], `jq -s '[.[] | select(.signed and (.decision == "revoke" or .decision == "modify")) | .item] | unique | length' decisions.jsonl`},
		"done":        {revocations["done"], fmt.Sprintf(newest, ".settled")},
		"late":        {revocations["late"], fmt.Sprintf(newest, ".late")},
		"overdue":     {revocations["overdue"], fmt.Sprintf(newest, ".overdue")},
		"outstanding": {revocations["outstanding"], fmt.Sprintf(newest, ".settled | not")},
		"self":        {shown["self_reviews"], `jq -s '[.[] | select(.by == "carla@example.com" and .item == $item)] | length' --arg item "prod/` + q.org + "/" + q.tokens["carla reads"] + `" decisions.jsonl`},
		"worst":       {revocations["days_worst"], `jq -s '[.[] | select(.decision)] | group_by(.item) | map(last) | map(select(.settled).days) | max' remediation.jsonl`},
	} {
		if got := q.shell(q.folder(), count.command); got != fmt.Sprint(count.shown) {
			q.Errorf("%s: the program says %v, and jq %s", name, count.shown, got)
		}
	}
}

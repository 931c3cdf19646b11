package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/notify/notifytest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tokenaudit": main, "tokenaudit-next": nextMain, "killed": killedMain, "stepping": steppingMain, "bench": benchMain, "bench-naive": naiveMain, "bench-fleet": fleetMain})
}

// TestScripts runs the real binary. Each script has an InfluxDB and a Slack of
// its own, at $INFLUX_URL and $SLACK_URL; the commands below change them.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			newScene(env)
			return nil
		},
		Cmds:          sceneCommands(),
		UpdateScripts: os.Getenv("UPDATE") != "",
	})
}

// sceneCommands are those of scripts, to look at the scene and to change it.
func sceneCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"code":   cmdCode,
		"influx": cmdInflux,
		"slack":  cmdSlack,
		"json":   cmdJSON,
		"canary": cmdCanary,
		"runs":   cmdRuns,
		"ids":    cmdIDs,
		"pings":  cmdPings,
		"seal":   cmdSeal,
		"open":   cmdOpen,
		"flip":   cmdFlip,

		"accept":      cmdAccept,
		"document":    cmdDocument,
		"fingerprint": cmdFingerprint,
		"except":      cmdExcept,

		"unchanged": cmdUnchanged,
		"alike":     cmdAlike,
		"appears":   cmdAppears,
	}
}

// scene is what a script can change.
type scene struct {
	mu    sync.Mutex // held while a request is answered and while a command changes something
	db    *influxtest.Server
	slack *notifytest.Slack
	users map[string]string
	ids   map[string]string // of authorizations, by description
	org   string
	pings []string // events that the dead man's switch heard
	deaf  bool     // it refuses them
}

type sceneKey struct{}

// newScene fills the InfluxDB with one org, acme, and some tokens.
func newScene(env *testscript.Env) {
	s := &scene{db: influxtest.New(influxtest.OSS), slack: &notifytest.Slack{Token: "canary-token-slack"}, users: map[string]string{}, ids: map[string]string{}}
	now := time.Now()
	s.db.Now = func() time.Time { return now }
	s.db.ClearTokens = true // so that there is something to leak
	s.org = s.db.AddOrg("acme")
	for _, name := range []string{"auditor", "iot_user_1", "leaver", "telegraf"} {
		s.users[name] = s.db.AddUser(name)
		s.db.AddMember(s.org, s.users[name])
	}
	bucket := s.db.AddBucket(s.org, "telemetry")
	s.add("sensor", "iot_user_1", influxtest.WriteBuckets(s.org, bucket))
	s.add("laptop", "leaver", influxtest.WriteBuckets(s.org, bucket))
	s.add("collector", "telegraf", influxtest.WriteBuckets(s.org, bucket))
	s.add("dashboard", "iot_user_1", influxtest.ReadBuckets(s.org, bucket))
	token := s.credential("audit")

	web, slack := httptest.NewServer(s.locked(s.db)), httptest.NewServer(s.slack)
	pings := httptest.NewServer(s.locked(http.HandlerFunc(s.hear)))
	env.Defer(pings.Close)
	env.Setenv("PING_URL", pings.URL+"/canary-token-ping")
	env.Defer(web.Close)
	env.Defer(slack.Close)
	env.Setenv("INFLUX_URL", web.URL)
	env.Setenv("SLACK_URL", slack.URL)
	env.Setenv("AUDIT_TOKEN", token)
	env.Setenv("SLACK_TOKEN", s.slack.Token)
	env.Setenv("HOME", env.WorkDir)
	env.Values[sceneKey{}] = s
	writeConfig(env)
	writeProfiles(env)
}

// cliFolder is where the influx CLI keeps tokens in clear.
const cliFolder = ".influxdbv2"

func writeProfiles(env *testscript.Env) {
	text := fmt.Sprintf("[default]\nurl = %q\ntoken = %q\norg = \"acme\"\nactive = true\n\n[other]\nurl = %[1]q\ntoken = \"canary-token-wrong\"\norg = \"acme\"\n",
		env.Getenv("INFLUX_URL"), env.Getenv("AUDIT_TOKEN"))
	folder := filepath.Join(env.WorkDir, cliFolder)
	if err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(filepath.Join(folder, "configs"), []byte(text), 0o600)); err != nil {
		panic(err)
	}
}

func (s *scene) locked(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		h.ServeHTTP(w, r)
	})
}

// hear is the dead man's switch.
func (s *scene) hear(w http.ResponseWriter, r *http.Request) {
	event := cmp.Or(strings.Trim(strings.TrimPrefix(r.URL.Path, "/canary-token-ping"), "/"), "success")
	s.pings = append(s.pings, event)
	if r.URL.Query().Get("rid") == "" || s.deaf {
		http.Error(w, "cannot take "+r.URL.String(), http.StatusBadRequest)
	}
}

func (s *scene) add(description, user string, permissions []influxtest.Permission) {
	s.ids[description], _ = s.db.AddAuthorization(influxtest.Authorization{OrgID: s.org, UserID: s.users[user], Description: description, Permissions: permissions})
}

// credential adds a credential for reviews, and gives its token.
func (s *scene) credential(description string) (token string) {
	s.ids[description], token = s.db.AddAuthorization(influxtest.Authorization{OrgID: s.org, UserID: s.users["auditor"], Description: description, Permissions: influxtest.AuditorPermissions(s.org)})
	return token
}

// writeConfig writes the configuration that most scripts use.
func writeConfig(env *testscript.Env) {
	text := fmt.Sprintf(`store: sqlite:./db/tokenaudit.db
evidence: ./evidence
targets:
  - name: prod
    url: %s
    org: acme
    token: {env: AUDIT_TOKEN}
policy:
  service_users: [telegraf, auditor]
jobs:
  - name: weekly
    schedule: "0 9 * * 1"
    timezone: Europe/Berlin
    basis: TRA-2026-07, section 3
    slack: {channel: C0123456789, token: {env: SLACK_TOKEN}, api_url: %s/api/}
`, env.Getenv("INFLUX_URL"), env.Getenv("SLACK_URL"))
	if err := os.WriteFile(filepath.Join(env.WorkDir, "tokenaudit.yaml"), []byte(text), 0o600); err != nil {
		panic(err)
	}
}

// cmdCode runs a program and expects an exit code: code 4 tokenaudit run …
func cmdCode(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// cmdInflux changes the InfluxDB: influx FAULT, influx delete-user NAME, …
func cmdInflux(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(sceneKey{}).(*scene)
	s.mu.Lock()
	defer s.mu.Unlock()
	const list = "/api/v2/authorizations"
	switch args[0] {
	case "well":
		s.db.Fault = nil
	case "answer": // influx answer STATUS BODY
		status, err := strconv.Atoi(args[1])
		ts.Check(err)
		s.db.Fault = influxtest.Answer(list, status, args[2])
	case "cut":
		s.db.Fault = s.db.CutBody(list)
	case "hang": // until whoever asks is gone
		s.db.Fault = func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }
	case "busy":
		s.db.Fault = influxtest.TooManyRequests(2, time.Second)
	case "delete-user":
		s.db.DeleteUser(s.users[args[1]])
	case "deactivate-user":
		s.db.SetUserStatus(s.users[args[1]], influxtest.Inactive)
	case "revoke":
		s.db.DeleteAuthorization(s.ids[args[1]])
	case "poison":
		s.db.Poison(s.ids[args[1]])
	case "add": // influx add DESCRIPTION USER
		s.add(args[1], args[2], influxtest.WriteBuckets(s.org))
	case "rotate": // influx rotate DESCRIPTION: a new credential, in NEW_TOKEN and NEW_ID
		ts.Setenv("NEW_TOKEN", s.credential(args[1]))
		ts.Setenv("NEW_ID", s.ids[args[1]])
	case "credential": // influx credential inactive-operator: puts it into AUDIT_TOKEN
		_, token := s.db.AddAuthorization(influxtest.Authorization{OrgID: s.org, UserID: s.users["auditor"], Status: influxtest.Inactive, Description: "second", Permissions: influxtest.Operator()})
		ts.Setenv("AUDIT_TOKEN", token)
	default:
		ts.Fatalf("influx: unknown %q", args[0])
	}
}

// cmdSlack: slack count N and slack text TEXT (of the last message) look at what
// stands outside of threads, slack replies N and slack reply TEXT at the replies;
// slack await N
// waits until there are so many. slack in CHANNEL is where the last of the former is; slack refuse CODE fails the next
// request, and slack archive CHANNEL archives one.
func cmdSlack(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(sceneKey{}).(*scene)
	inThread := func(m notifytest.Message) bool { return m.Form["thread_ts"] != "" }
	for tries := 600; args[0] == "await" && tries > 0 && strconv.Itoa(len(s.slack.Messages())) != args[1]; tries-- {
		time.Sleep(100 * time.Millisecond)
	}
	got := slices.DeleteFunc(s.slack.Messages(), func(m notifytest.Message) bool { return inThread(m) == !strings.HasPrefix(args[0], "repl") })
	switch args[0] {
	case "count", "replies", "await":
		if strconv.Itoa(len(got)) != args[1] {
			ts.Fatalf("%d messages, want %s", len(got), args[1])
		}
	case "in":
		if len(got) == 0 || got[len(got)-1].Channel != args[1] {
			ts.Fatalf("the last message is not in %s; messages: %+v", args[1], got)
		}
	case "archive":
		s.slack.Archive(args[1])
	case "refuse":
		s.slack.Fail(notifytest.Refused(args[1]))
	case "text", "reply":
		has := len(got) > 0 && strings.Contains(string(got[len(got)-1].Blocks), args[1])
		if has == neg {
			ts.Fatalf("%q in the last message: %t; messages: %+v", args[1], has, got)
		}
	default:
		ts.Fatalf("slack: unknown %q", args[0])
	}
}

// cmdPings: pings start success (what was heard since the last time), pings deaf.
func cmdPings(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(sceneKey{}).(*scene)
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(args, []string{"deaf"}) {
		s.deaf = true
		return
	}
	if got, want := strings.Join(s.pings, " "), strings.Join(args, " "); got != want {
		ts.Fatalf("pings %q, want %q", got, want)
	}
	s.pings = nil
}

// cmdCanary looks for a token value in every file below the work folder, packed
// ones included, and in what the last program printed.
func cmdCanary(ts *testscript.TestScript, _ bool, _ []string) {
	for _, out := range []string{"stdout", "stderr"} {
		if strings.Contains(ts.ReadFile(out), "canary-token") {
			ts.Fatalf("a token value on %s", out)
		}
	}
	err := filepath.WalkDir(ts.MkAbs("."), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == cliFolder {
			return filepath.SkipDir
		}
		if err != nil || d.IsDir() {
			return err
		}
		leaks, err := holdsCanary(path)
		if leaks {
			ts.Fatalf("a token value in %s", path)
		}
		return err
	})
	ts.Check(err)
}

// cmdRuns puts the two newest runs of runs.json into NEWER and OLDER.
func cmdRuns(ts *testscript.TestScript, _ bool, _ []string) {
	var runs []historyRun
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("runs.json")), &runs))
	ts.Setenv("NEWER", runs[0].Run)
	ts.Setenv("OLDER", runs[1].Run)
}

// cmdIDs puts the IDs of tokens into variables: ids DESCRIPTION=NAME …
func cmdIDs(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(sceneKey{}).(*scene)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, arg := range args {
		description, name, _ := strings.Cut(arg, "=")
		ts.Setenv(name, s.ids[description])
	}
}

// cmdAccept adds decisions about gaps to the configuration: accept DAYS GAP …, of which
// the last day is so many days ahead.
func cmdAccept(ts *testscript.TestScript, _ bool, args []string) {
	days, err := strconv.Atoi(args[0])
	ts.Check(err)
	text := ts.ReadFile("tokenaudit.yaml")
	if !strings.Contains(text, "accepted_gaps:") {
		text += "accepted_gaps:\n"
	}
	last := time.Now().AddDate(0, 0, days).UTC()
	for _, gap := range args[1:] {
		text += fmt.Sprintf("  - {target: prod, gap: %s, reason: known, requested_by: alice, approved_by: bob, ticket: SEC-1, expires: %s}\n", gap, last.Format(time.DateOnly))
	}
	ts.Setenv("UNTIL", last.Format("2 Jan 2006"))
	ts.Check(os.WriteFile(ts.MkAbs("tokenaudit.yaml"), []byte(text), 0o600))
}

// cmdFingerprint adds an exception to the configuration, for the token that the
// last program showed.
func cmdFingerprint(ts *testscript.TestScript, _ bool, _ []string) {
	shown := regexp.MustCompile(`Fingerprint +([0-9a-f]{16})`).FindStringSubmatch(ts.ReadFile("stdout"))
	text := ts.ReadFile("tokenaudit.yaml") + fmt.Sprintf(`exceptions:
  - target: prod
    authorization: 11adece381a52000
    check: active-write
    fingerprint: %s
    reason: migration
    requested_by: alice
    approved_by: bob
    expires: %s
`, shown[1], time.Now().AddDate(0, 0, 90).UTC().Format(time.DateOnly))
	ts.Check(os.WriteFile(ts.MkAbs("tokenaudit.yaml"), []byte(text), 0o600))
}

// cmdExcept adds the block of exceptions that the last program showed to the configuration.
func cmdExcept(ts *testscript.TestScript, _ bool, _ []string) {
	_, block, found := strings.Cut(ts.ReadFile("stdout"), "\nexceptions:\n")
	if !found {
		ts.Fatalf("no exceptions are shown")
	}
	ts.Check(os.WriteFile(ts.MkAbs("tokenaudit.yaml"), []byte(ts.ReadFile("tokenaudit.yaml")+"exceptions:\n"+block), 0o600))
}

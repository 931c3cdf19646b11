package configs

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

// canary stands wherever a secret stands by mistake.
const canary = "hunter2-Zx9=="

const (
	clearText = "a secret in plain text; write where it is stored: {env: NAME}, {file: PATH} or {exec: [cmd, arg]}"
	keyOfRef  = "unknown key; write where the secret is stored: {env: NAME}, {file: PATH} or {exec: [cmd, arg]}"
	aliases   = noAnchors
	second    = "a second document starts here (---); a file holds one configuration"
	noText    = "is not plain UTF-8 text, or contains an invisible character"
	noValue   = "has no value; give it one or remove the key"
	oneValue  = "needs one value, not a list or a mapping"
	someList  = `needs a list with at least one entry: [a, b], or lines that begin with "- "`
	someKeys  = `needs keys with values ("key: value", with a space after the colon)`
	noURL     = "needs a URL, such as https://influxdb.example.com:8086"
	noStore   = "needs sqlite:PATH, such as sqlite:./data/tokenaudit.db, or postgres://USER@HOST/DATABASE"
	noSpan    = "needs a time span such as 90d, 2w, 36h, 30m or 1d12h, or off"
	noTime    = `needs a schedule, such as "0 9 * * 1" or "@weekly"`
	oneHost   = "1: evidence: is a folder of one host, but the store is for several hosts. Use a bucket, such as s3://BUCKET/PREFIX, or set evidence_shared: on if every host has this folder"
	noName    = `needs a name of letters, digits, ".", "_" and "-", at most 64`
)

var rootKeys = func() string {
	names, _ := keysOf(reflect.TypeFor[File]())
	return strings.Join(names, ", ")
}()

// checkNames: the names are not repeated here, so that a new check needs no edit.
var checkNames = strings.Join(checkIDs(), ", ")

// bad has the problems of each file in testdata, as LINE: KEY: TEXT.
var bad = map[string][]string{
	"several": {
		`4: targets[0].tokn: unknown key, did you mean "token"?`,
		"5: targets[0].org: " + oneValue,
		"6: targets[1].name: targets[0] has this name already",
		"8: targets[1].token: " + clearText,
		"10: policy.rotate_after: " + noSpan,
		`11: policy.severity.no-descripton: unknown check "no-descripton", did you mean "no-description"?`,
		`11: policy.severity.operator: unknown severity "of", did you mean "off"?`,
		`15: jobs[0].timezone: unknown time zone "Europe/Berln"; use an IANA name, such as Europe/Berlin or UTC`,
		`16: jobs[0].targets[1]: unknown target "prd", did you mean "prod"?`,
	},

	"parallel": {
		"1: parallel: needs a number from 1 to 1000",
		"2: parallel_per_host: needs a number from 1 to 1000",
		"3: policy.max_admins: needs a number from 1 to 1000",
	},
	"exceptions": {
		`6: exceptions[0].target: unknown target "staging", known: prod`,
		"7: exceptions[0].authorization: needs the ID of a token, as tokens list shows it: 16 hex digits, a UUID or user/NAME",
		`8: exceptions[0].check: unknown check "no-descripton", did you mean "no-description"?`,
		`9: exceptions[0].fingerprint: needs the fingerprint that "tokenaudit tokens show ID" prints: it ties the exception to the token as it was approved`,
		"10: exceptions[0].reason: is required",
		"12: exceptions[0].approved_by: must be a different person than requested_by",
		"13: exceptions[0].expires: is later than policy.max_exception allows (180d)",
		"14: exceptions[0].granted: must not be after expires",
		"22: exceptions[1].expires: needs a day such as 2027-03-31",
		"23: exceptions[2].granted: is required for secret-replaced: it is for the first replacement on that day or later",
	},
	"accepted-gaps": {
		`6: accepted_gaps[0].target: unknown target "staging", known: prod`,
		`7: accepted_gaps[0].gap: unknown gap "stored-lited", did you mean "stored-listed"?`,
		"8: accepted_gaps[0].reason: is required",
		"10: accepted_gaps[0].approved_by: must be a different person than requested_by",
		"11: accepted_gaps[0].expires: is later than policy.max_exception allows (180d)",
		"12: accepted_gaps[1].expires: is required: the last day on which the acceptance holds, such as 2027-03-31",
		"13: accepted_gaps[1].gap: credential-active cannot be accepted: nobody could tell what they accept. Gaps that can be accepted: " + acceptable(),
		`18: accepted_gaps[2].gap: has nothing after the "/"; remove it, or copy the full ID from the sheet Coverage`,
		"22: accepted_gaps[2].expires: needs a day such as 2027-03-31",
	},

	"unknown-key": {
		`5: evidense: unknown key, did you mean "evidence"?`,
		"6: password: unknown key here; it belongs under targets or jobs.email",
		`7: "od\ad key": unknown key, known: ` + rootKeys,
	},
	"unknown-key-of-other-place": {`1: target: unknown key, did you mean "targets"?`, "3: evidence_url: unknown key here; it belongs under jobs"},
	"unknown-key-in-policy":      {`6: policy.severities: unknown key, did you mean "severity"?`},
	"duplicate-key":              {"6: store: given twice, first on line 5", "7: targets: given twice, first on line 1"},
	"duplicate-key-of-map":       {"8: policy.severity.operator: given twice, first on line 7"},
	"wrong-types": {
		"1: store: " + oneValue,
		"2: targets: " + someList,
		"3: policy: " + someKeys + ": service_users, rotate_after, inactive_after, max_admins, fix_within, max_exception, severity",
		"4: jobs: " + someList,
	},
	"wrong-types-inside": {
		"5: targets[0].users[0]: " + someKeys + ": name, id, token, credential",
		"7: policy.service_users[0]: " + oneValue,
		"8: policy.rotate_after: " + oneValue,
		"9: policy.severity: " + someKeys,
	},
	"pair-in-list": {
		"1: targets[0].url: " + noURL,
		"1: targets[0].token: needs one source: {env: NAME}, {file: PATH} or {exec: [cmd, arg]}",
	},
	"root-is-a-list": {"1: " + someKeys + ": " + rootKeys},
	"root-is-text":   {"1: " + someKeys + ": " + rootKeys},
	"empty":          {"1: targets: needs at least one target"},
	"comments-only":  {"1: targets: needs at least one target"},
	"no-value":       {"1: store: " + noValue, "2: targets: " + noValue, "3: policy: " + noValue},
	"empty-list":     {"5: targets[0].users: " + someList},

	"secret-in-clear":         {"4: targets[0].token: " + clearText},
	"secret-in-clear-quoted":  {"4: targets[0].token: " + clearText},
	"secret-in-clear-block":   {"4: targets[0].token: " + clearText},
	"secret-in-clear-list":    {"4: targets[0].token: " + clearText},
	"secret-in-clear-number":  {"4: targets[0].token: " + clearText},
	"secret-in-clear-user":    {"7: targets[0].users[0].token: " + clearText},
	"secret-in-clear-webhook": {"8: jobs[0].slack.webhook: " + clearText},
	"secret-in-clear-ping":    {"8: jobs[0].ping: " + clearText},
	"secret-as-key":           {"4: targets[0].token: " + keyOfRef},
	"secret-as-two-keys":      {"4: targets[0].token: " + keyOfRef},
	"secret-as-env": {
		"4: targets[0].token: env is not the name of an environment variable; write the name alone, without $, and never the secret",
	},
	"secret-as-env-list":     {"4: targets[0].token.env: " + oneValue},
	"secret-exec-not-a-list": {"4: targets[0].token.exec: " + someList},
	"secret-without-value":   {"4: targets[0].token: " + noValue},
	"secret-empty":           {"4: targets[0].token: needs one source: {env: NAME}, {file: PATH} or {exec: [cmd, arg]}"},
	"secret-two-sources":     {"4: targets[0].token: several sources; set only one of env, file, exec"},
	"secret-in-syntax-error": {"4: " + notYAML("could not find end character of double-quoted text", "")},
	"secret-in-flow-error":   {"4: " + notYAML("could not find flow mapping end token '}'", "")},
	"secret-behind-anchor":   {"4: " + aliases},
	"secret-behind-alias":    {"4: " + aliases},
	"secret-behind-bar":      {"4: " + notYAML("invalid header option", "")},
	"secret-behind-tag":      {"4: tags (!) are not supported; quote the value if it is text"},
	"secret-in-url":          {"3: targets[0].url: must not contain a user, a password or a query: the credential belongs in token, or in username and password"},
	"secret-in-store":        {oneHost, "5: store: must not contain a password: it belongs in store_password"},

	"secret-in-store-setting":  {"5: store: must not contain a password: it belongs in store_password"},
	"secret-in-store-broken":   {"5: store: needs a port from 1 to 65535 after the host: postgres://USER@HOST:PORT/DATABASE"},
	"secret-in-store-password": {"6: store_password: " + clearText},

	"anchors":           {"5: " + aliases, "8: " + aliases},
	"directive":         {"1: directives (%) are not supported; quote the value if it is text", "2: " + second},
	"complex-key":       {"1: complex keys (?) are not supported; write key: value"},
	"document-end":      {"5: the end mark (...) is not supported; remove it"},
	"syntax":            {"2: " + notYAML("mapping value is not allowed in this context", "")},
	"control-character": {"5: " + noText},
	"not-utf8":          {"5: " + noText},

	"store-url":      {"5: store: " + noStore},
	"store-host":     {"5: store: needs a host: postgres://USER@HOST/DATABASE, or ?host=FOLDER for a socket"},
	"store-relative": {"5: store: needs an absolute path in sslrootcert"},
	"evidence-empty": {"5: evidence: needs a folder, such as ./data/evidence, or a bucket, such as s3://BUCKET/PREFIX"},
	"target-empty": {
		"2: targets[0].name: " + noName,
		"2: targets[0].url: " + noURL,
		"2: targets[0].token: needs one source: {env: NAME}, {file: PATH} or {exec: [cmd, arg]}",
	},
	"user-without-name": {
		"6: targets[0].users[0]: needs a name or an id: an empty one would select every user",
		"7: targets[0].users[1].id: needs 16 hex digits; use name for a name",
	},
	"severity": {
		`7: policy.severity.operator: unknown severity "hgh", did you mean "high"?`,
		`8: policy.severity.zzz: unknown check "zzz", known: ` + checkNames,
		`9: policy.severity."a.b c": unknown check "a.b c", known: ` + checkNames,
	},
	"durations": {
		"6: policy.rotate_after: needs a unit behind the number: w, d, h, m or s, such as 90d, or off",
		"7: policy.inactive_after: must not be negative; write a time span such as 90d, or off",
		"11: jobs[0].catch_up: needs at least 1m; otherwise no review can start",
		"12: jobs[0].jitter: is longer than 100 years; write a shorter one",
		"13: jobs[0].deadline: needs at least 1m; otherwise no review can end",
	},
	"job-empty":    {"6: jobs[0].name: " + noName, "6: jobs[0].schedule: " + noTime, "7: jobs[1].name: " + noName, "7: jobs[1].schedule: " + noTime},
	"job-schedule": {`7: jobs[0].schedule: has the minute "61", which is not valid. Write 0-59, a list (1,2), a range (1-5), a step (*/2) or *`, `8: jobs[0].timezone: unknown time zone "Mars/Olympus"; use an IANA name, such as Europe/Berlin or UTC`},
	"job-targets":  {"8: jobs[0].targets[1]: listed twice", `8: jobs[0].targets[2]: unknown target "plant", known: prod`},
	"job-reports":  {`8: jobs[0].reports[1]: unknown format "cvs", did you mean "csv"?`, "8: jobs[0].reports[2]: listed twice"},
	"job-webhook": {
		"8: jobs[0].webhook.url: " + clearText,
		"8: jobs[0].webhook.secret: needs one source: {env: NAME}, {file: PATH} or {exec: [cmd, arg]}",
	},
	"job-email": {
		"9: jobs[0].email.server: needs host:port, such as smtp.example.com:587",
		"11: jobs[0].email.password: " + clearText,
		"12: jobs[0].email.tls: needs required or implicit where a password is sent",
		"13: jobs[0].email.from: needs an address such as security@example.com",
		"15: jobs[0].email.to[0]: needs an address such as security@example.com",
		"17: jobs[0].email.to[2]: listed twice",
		"18: jobs[0].email.attach: needs xlsx among the reports",
	},
	"job-email-empty": {
		"8: jobs[0].email.server: needs host:port, such as smtp.example.com:587",
		"8: jobs[0].email.from: needs an address such as security@example.com",
		"8: jobs[0].email.to: needs at least one address",
		"8: jobs[0].email.tls: needs required, implicit, opportunistic or off",
		"8: jobs[0].email.attach: needs on or off",
	},
	"job-slack-empty": {"8: jobs[0].slack: needs channel and token, or webhook"},
	"job-slack": {
		"8: jobs[0].slack.webhook: give channel and token, or webhook, not both",
		"8: jobs[0].slack.api_url: needs https:// or http:// in front, such as https://slack.com/api/",
	},
}

func TestProblems(t *testing.T) {
	for name, problems := range bad {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name+".yaml")
			_, err := Load(path)
			if diff := cmp.Diff(problems, told(t, err, path)); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the secret shows in %s", err)
			}
		})
	}
}

// told takes the lines of an *Error apart.
func told(t *testing.T, err error, path string) []string {
	t.Helper()
	var all *Error
	if !errors.As(err, &all) || all.Path != path {
		t.Fatalf("error %v, want an *Error of %s", err, path)
	}
	lines := strings.Split(err.Error(), "\n  "+path+":")
	return lines[1:]
}

func TestProblemsHasEveryFile(t *testing.T) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".yaml"); ok && bad[name] == nil {
			t.Errorf("no problems are expected of %s", f.Name())
		}
	}
}

func TestErrorText(t *testing.T) {
	one := &Error{Path: "prod.yaml", Problems: []Problem{{Line: 7, Key: "jobs[0].name", Text: "needs a name"}}}
	two := &Error{Path: "prod.yaml", Problems: []Problem{{Line: 1, Text: "is odd"}, one.Problems[0]}}
	for want, err := range map[string]error{
		"1 problem in prod.yaml\n  prod.yaml:7: jobs[0].name: needs a name":                         one,
		"2 problems in prod.yaml\n  prod.yaml:1: is odd\n  prod.yaml:7: jobs[0].name: needs a name": two,
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}

// TestTooMuch would take minutes or the whole stack without the limits.
func TestTooMuch(t *testing.T) {
	const limit = "nested too deeply, or more than 10,000 keys up to here"
	for name, tc := range map[string]struct {
		source string
		want   Problem
	}{
		"a huge file":       {strings.Repeat("# nothing\n", 200_000), Problem{1, "", "the file is larger than 1 MiB; is it the right one?"}},
		"a nest of [":       {"\n" + strings.Repeat("[", 1_000_000), Problem{2, "", limit}},
		"a nest of {":       {strings.Repeat("{a: ", 200_000), Problem{1, "", limit}},
		"a nest of entries": {strings.Repeat("- ", 500_000), Problem{1, "", limit}},
		"many keys":         {strings.Repeat("a: x\n", 200_000), Problem{10_001, "", limit}},
		"an alias bomb":     {"a: &a [x]\n" + strings.Repeat("b: [*a, *a]\n", 2), Problem{1, "", aliases}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(path, []byte(tc.source), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(path)
			var all *Error
			if !errors.As(err, &all) || all.Problems[0] != tc.want {
				t.Errorf("error %v, want first %+v", err, tc.want)
			}
		})
	}
}

// acceptable are the IDs of the gaps that can be accepted, as messages list them.
func acceptable() string {
	var ids []string
	for _, p := range audit.Premises() {
		if p.Acceptable {
			ids = append(ids, p.ID)
		}
	}
	return strings.Join(ids, ", ")
}

package configs

import (
	"strings"
	"testing"
)

func TestEvidencePlaces(t *testing.T) {
	for name, test := range map[string]struct{ lines, problem string }{
		"bucket":            {"evidence: s3://b/team/audit?region=eu-central-1", ""},
		"bucket by itself":  {"evidence: s3://b", ""},
		"own server":        {"evidence: s3://b/p?region=us-east-1&endpoint=https://minio.example.com:9000&s3ForcePathStyle=true", ""},
		"gs":                {"evidence: gs://b/p", "HMAC keys"},
		"azblob":            {"evidence: azblob://c/p?storage_account=acme", "Mount it"},
		"key in front":      {"evidence: s3://AKIA" + canary + ":" + canary + "@b/p", "contains a credential"},
		"user in front":     {"evidence: s3://" + canary + "@b/p", "contains a credential"},
		"key as option":     {"evidence: s3://b/p?aws_secret_access_key=" + canary, "is a credential"},
		"key as name":       {"evidence: s3://b/p?" + canary, "is a credential"},
		"SAS token":         {"evidence: azblob://c/p?sv=2025&sig=" + canary, "Mount it"},
		"key file":          {"evidence: gs://b/p?private_key_path=/" + canary, "HMAC keys"},
		"key in endpoint":   {"evidence: s3://b/p?endpoint=https://a:" + canary + "@minio.example.com", "endpoint"},
		"query in endpoint": {"evidence: s3://b/p?endpoint=https://minio.example.com/%3Fsig=" + canary, "endpoint"},
		"option twice":      {"evidence: s3://b/p?region=a&region=b", "given twice"},
		"prefix twice":      {"evidence: s3://b/p?prefix=q", "is unknown"},
		"no URL":            {"evidence: s3://b:" + canary + "/p", "is not a URL"},
		"no bucket":         {"evidence: s3:///p", "names no bucket"},
		"way up":            {"evidence: s3://b/p/../q", "invalid prefix"},
		"fragment":          {"evidence: s3://b/p#" + canary, "invalid prefix"},
		"another scheme":    {"evidence: https://" + canary + "/p", "needs a folder, or a bucket"},

		"shared store, folder":        {"store: postgres://db/t\nevidence: /srv/e", "a folder of one host"},
		"shared store, bucket":        {"store: postgres://db/t\nevidence: s3://b/p", ""},
		"shared store, shared folder": {"store: postgresql://db/t\nevidence: /srv/e\nevidence_shared: on", ""},
		"own store, folder":           {"evidence: /srv/e", ""},
		"no switch":                   {"evidence_shared: maybe", "needs on or off"},

		"lock":              {"evidence: s3://b/p\nevidence_lock: {mode: compliance, for: 400d}", ""},
		"lock of a folder":  {"evidence: /srv/e\nevidence_lock: {mode: governance, for: 400d}", "needs a bucket"},
		"lock without time": {"evidence: s3://b/p\nevidence_lock: {mode: governance}", "at least 1d"},
		"lock for an hour":  {"evidence: s3://b/p\nevidence_lock: {mode: governance, for: 1h}", "at least 1d"},
		"lock without mode": {"evidence: s3://b/p\nevidence_lock: {for: 400d}", "needs compliance or governance"},
		"lock of no mode":   {"evidence: s3://b/p\nevidence_lock: {mode: legal, for: 400d}", "needs compliance or governance"},
		"keep too short":    {"evidence: s3://b/p\nevidence_lock: {mode: compliance, for: 500d}\njobs: [{name: w, schedule: '@weekly'}]", "is shorter than evidence_lock.for"},
		"kept long enough":  {"evidence: s3://b/p\nevidence_lock: {mode: compliance, for: 500d}\njobs: [{name: w, schedule: '@weekly', keep: 500d}]", ""},
		"kept for ever":     {"evidence: s3://b/p\nevidence_lock: {mode: compliance, for: 500d}\njobs: [{name: w, schedule: '@weekly', keep: off}]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, problems := parse([]byte(minimal + test.lines + "\n"))
			var got []string
			for _, p := range problems {
				if p.Key != "store" {
					got = append(got, p.Text)
				}
			}
			text := strings.Join(got, "\n")
			if (test.problem == "") != (text == "") || !strings.Contains(text, test.problem) {
				t.Errorf("problems %q, want %q", text, test.problem)
			}
			if err := failure("a.yaml", problems); err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("repeats the credential: %v", err)
			}
		})
	}
}

// TestRetention says how long packs are kept, and where, without the options of a bucket.
func TestRetention(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ lines, want string }{
		"a folder": {"evidence: /srv/e\njobs: [{name: w, schedule: '@weekly'}]",
			"Evidence packs of this job are kept for 400 days, and until a newer review is complete. The newest five are always kept. They are stored in /srv/e. No lock keeps them from being changed or deleted there."},
		"a lock": {"evidence: s3://b/p?region=r\nevidence_lock: {mode: compliance, for: 2d}\njobs: [{name: w, schedule: '@weekly', keep: 1w}]",
			"Evidence packs of this job are kept for 7 days, and until a newer review is complete. The newest five are always kept. They are stored in s3://b/p. Object Lock (compliance) keeps each pack from being changed or deleted for 2 days."},
		"no end": {"evidence: /srv/e\njobs: [{name: w, schedule: '@weekly', keep: off}]",
			"Evidence packs of this job are kept without a limit. They are stored in /srv/e. No lock keeps them from being changed or deleted there."},
	} {
		file, _, problems := parse([]byte(minimal + test.lines + "\n"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if got := file.Retention(file.Jobs[0]); got != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestBasis(t *testing.T) {
	t.Parallel()
	for basis, want := range map[string]string{
		"TRA-2026-07, section 3 (PCI DSS 12.3.1)": "",
		strings.Repeat("ü", 300):                  "",
		strings.Repeat("ü", 301):                  "needs one line of at most 300 characters",
		`two\nlines`:                              "needs one line of at most 300 characters",
		" TRA":                                    "needs one line of at most 300 characters",
		`turned \u202e`:                           "needs one line of at most 300 characters",
	} {
		_, _, problems := parse([]byte(minimal + "jobs: [{name: w, schedule: '@weekly', basis: \"" + basis + "\"}]\n"))
		got := ""
		for _, p := range problems {
			got += p.Text
		}
		if got != want {
			t.Errorf("%q: %q, want %q", basis, got, want)
		}
	}
}

func TestBucketIsNoPath(t *testing.T) {
	const bucket = "s3://b/p?region=eu-central-1"
	if got := load(t, minimal+"evidence: "+bucket+"\n").Evidence; got != bucket {
		t.Errorf("evidence %q", got)
	}
}

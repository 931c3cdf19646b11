package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
)

func fullAnswers() answers {
	return answers{url: "https://influxdb.example.com:8086", org: "acme", tokenEnv: "AUDIT_TOKEN", schedule: "0 9 * * 1", timezone: "Europe/Berlin", slackChannel: "C0123456789", slackTokenEnv: "SLACK_TOKEN"}
}

// TestInitFile: what the answers say is what the file says, whatever is in them.
func TestInitFile(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*answers){
		"plain":                      func(*answers) {},
		"no org, no Slack":           func(a *answers) { a.org, a.slackChannel = "", "" },
		"a name of an org":           func(a *answers) { a.org = `Werk 2: "Süd" # {a, b}` },
		"an org that is a truth":     func(a *answers) { a.org = "yes" },
		"an org that is a number":    func(a *answers) { a.org = "0012" },
		"an org that is an ID":       func(a *answers) { a.org = "11adece381a52008" },
		"an org that is nothing":     func(a *answers) { a.org = "null" },
		"an org that ends as a key":  func(a *answers) { a.org = "acme:" },
		"a URL with a path":          func(a *answers) { a.url = "http://[::1]:8086/influx" },
		"a schedule by name":         func(a *answers) { a.schedule = "@weekly" },
		"a zone with a sign":         func(a *answers) { a.timezone = "Etc/GMT+1" },
		"an org on two lines":        func(a *answers) { a.org = "a\nstore: b" },
		"a name that YAML may read":  func(a *answers) { a.org = "0x1F" },
		"an org that begins a block": func(a *answers) { a.org = "| x" },
	} {
		t.Run(name, func(t *testing.T) {
			a := fullAnswers()
			change(&a)
			path := filepath.Join(t.TempDir(), "tokenaudit.yaml")
			if err := writeNew(path, []byte(a.file())); err != nil {
				t.Fatal(err)
			}
			f, err := configs.Load(path)
			if err != nil {
				t.Fatalf("%v\n%s", err, a.file())
			}
			got := answers{url: f.Targets[0].URL, org: f.Targets[0].Org, tokenEnv: f.Targets[0].Token.Env, schedule: f.Jobs[0].Schedule, timezone: f.Jobs[0].Timezone}
			if s := f.Jobs[0].Slack; s != nil {
				got.slackChannel, got.slackTokenEnv = s.Channel, s.Token.Env
			} else {
				a.slackTokenEnv = ""
			}
			if got != a {
				t.Errorf("%+v, want %+v\n%s", got, a, a.file())
			}
			if lines := strings.Count(a.file(), "\n"); lines < 25 || lines > 40 {
				t.Errorf("%d lines", lines)
			}
		})
	}
}

// TestInitAsks: each mistake is said at once and asked for again.
func TestInitAsks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		typed string
		want  func(*answers)
		said  string
	}{
		"Enter for all":           {"\n\n\n\n\n\n\n", func(*answers) {}, ""},
		"no org, no Slack":        {"\n-\n\n\n\n-\n", func(a *answers) { a.org, a.slackChannel = "", "" }, ""},
		"a URL without scheme":    {"influx:8086\nhttp://influx:8086\n\n\n\n\n\n\n", func(a *answers) { a.url = "http://influx:8086" }, "→ needs https://"},
		"the token in its place":  {"\n\nc2VjcmV0IHNlY3JldA==\nMY_TOKEN\n\n\n\n\n", func(a *answers) { a.tokenEnv = "MY_TOKEN" }, "→ env is not the name"},
		"a token like a name":     {"\n\nxkcdqwertzuiop\nMY_TOKEN\n\n\n\n\n", func(a *answers) { a.tokenEnv = "MY_TOKEN" }, "does not read like a name"},
		"a schedule of four":      {"\n\n\n9 * * 1\n0 8 * * 1\n\n\n\n", func(a *answers) { a.schedule = "0 8 * * 1" }, "→ has 4 fields"},
		"a zone without a region": {"\n\n\n\nBerlin\nEurope/Paris\n\n\n", func(a *answers) { a.timezone = "Europe/Paris" }, `→ unknown time zone "Berlin"`},
		"an arrow key":            {"\n\x1b[A\nglobex\n\n\n\n\n\n", func(a *answers) { a.org = "globex" }, "invisible character"},
	} {
		t.Run(name, func(t *testing.T) {
			a, want := fullAnswers(), fullAnswers()
			test.want(&want)
			questions := a.questions()
			for i := range questions {
				questions[i].open = true
			}
			var out bytes.Buffer
			if err := askAll(t.Context(), strings.NewReader(test.typed), &out, 80, &a, questions); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			if a != want {
				t.Errorf("%+v, want %+v", a, want)
			}
			if !strings.Contains(out.String(), test.said) || test.said == "" && strings.Contains(out.String(), "→") {
				t.Errorf("said %s", out.String())
			}
		})
	}
}

// TestInitInterrupted: neither Ctrl-C nor the end of the input leaves a file.
func TestInitInterrupted(t *testing.T) {
	t.Parallel()
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	never, _ := io.Pipe()
	for name, test := range map[string]struct {
		ctx  context.Context
		in   io.Reader
		want string
	}{
		"Ctrl-C": {interrupted, never, "interrupted"},
		"Ctrl-D": {t.Context(), strings.NewReader("http://influx:8086\n"), "the input ended"},
	} {
		t.Run(name, func(t *testing.T) {
			a := fullAnswers()
			questions := a.questions()
			for i := range questions {
				questions[i].open = true
			}
			err := askAll(test.ctx, test.in, io.Discard, 80, &a, questions)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "nothing was written") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestInitDefaults(t *testing.T) {
	t.Parallel()
	profile := filepath.Join(t.TempDir(), "configs")
	if err := os.WriteFile(profile, []byte("[default]\nurl = \"http://profile:8086\"\ntoken = \"canary-token\"\norg = \"plant\"\nactive = true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		env  map[string]string
		want answers
	}{
		"nothing known":       {nil, answers{url: "http://localhost:8086"}},
		"the profile":         {map[string]string{"INFLUX_CONFIGS_PATH": profile}, answers{url: "http://profile:8086", org: "plant"}},
		"variables win":       {map[string]string{"INFLUX_CONFIGS_PATH": profile, "INFLUX_HOST": "http://influx:8086", "INFLUX_ORG": "acme"}, answers{url: "http://influx:8086", org: "acme"}},
		"the org by its ID":   {map[string]string{"INFLUX_ORG_ID": "11adece381a52008", "INFLUX_ORG": "acme"}, answers{url: "http://localhost:8086", org: "11adece381a52008"}},
		"a time zone":         {map[string]string{"TZ": ":Europe/Berlin"}, answers{url: "http://localhost:8086", timezone: "Europe/Berlin"}},
		"a time zone of none": {map[string]string{"TZ": "CET-1"}, answers{url: "http://localhost:8086"}},
	} {
		t.Run(name, func(t *testing.T) {
			env := func(name string) string {
				if name == "INFLUX_CONFIGS_PATH" && test.env[name] == "" {
					return filepath.Join(filepath.Dir(profile), "none")
				}
				return test.env[name]
			}
			got, err := defaultAnswers(env, secret.NewRedactor())
			if err != nil {
				t.Fatal(err)
			}
			if test.want.timezone == "" {
				got.timezone = ""
			}
			if got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

func TestLocalZone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ tz, link, want string }{
		"a link of Linux":     {"", "/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"},
		"a relative link":     {"", "../usr/share/zoneinfo/America/New_York", "America/New_York"},
		"a link of macOS":     {"", "/var/db/timezone/zoneinfo/Asia/Tokyo", "Asia/Tokyo"},
		"TZ wins":             {"Europe/Paris", "/usr/share/zoneinfo/Europe/Berlin", "Europe/Paris"},
		"TZ that is no name":  {"CET-1CEST", "/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"},
		"no link":             {"", "", "UTC"},
		"a link to elsewhere": {"", "/etc/zone", "UTC"},
		"a link to no zone":   {"", "/usr/share/zoneinfo/Mars/Base", "UTC"},
		"the word Local":      {"Local", "", "UTC"},
	} {
		t.Run(name, func(t *testing.T) {
			readlink := func(string) (string, error) { return test.link, nil }
			if got := localZone(func(string) string { return test.tz }, readlink); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// TestWriteNew replaces nothing and leaves no other file.
func TestWriteNew(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "tokenaudit.yaml")
	if err := writeNew(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := writeNew(path, []byte("second")); !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("%v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "first" {
		t.Errorf("%q, %v", text, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 1 {
		t.Errorf("%v", entries)
	}
	link := filepath.Join(folder, "link.yaml")
	if err := os.Symlink(filepath.Join(folder, "nowhere"), link); err != nil {
		t.Fatal(err)
	}
	if err := writeNew(link, []byte("third")); err == nil {
		t.Error("a link was replaced")
	}
}

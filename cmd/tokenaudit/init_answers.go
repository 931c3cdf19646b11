package main

import (
	"bufio"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	tmpl "text/template"
	"time"
	"unicode"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
)

// answers are what a small configuration is made of.
type answers struct {
	url, org, tokenEnv, schedule, timezone string
	slackChannel, slackTokenEnv            string // no channel: Slack is not told
}

// none is the answer that leaves something out.
const none = "-"

// question asks for one of the answers.
type question struct {
	flag, key     string // the key of the file that the answer is in
	prompt, usage string
	value         *string
	needed        bool // by a flag, where there is nobody to ask
	open          bool // no flag has answered it
}

func (a *answers) questions() []question {
	return []question{
		{flag: "url", key: "targets[0].url", value: &a.url, needed: true, prompt: "URL of InfluxDB", usage: "URL of InfluxDB (default that of the influx CLI, or http://localhost:8086)"},
		{flag: "org", key: "targets[0].org", value: &a.org, needed: true, prompt: "Org, by name or ID; - for every org that the token can see", usage: "org by name or ID; - for every org that the token can see (default that of the influx CLI, or -)"},
		{flag: "token-env", key: "targets[0].token", value: &a.tokenEnv, needed: true, prompt: "Variable that has the audit token", usage: "environment variable that has the audit token"},
		{flag: "schedule", key: "jobs[0].schedule", value: &a.schedule, needed: true, prompt: "Schedule, as in cron", usage: "when to review, in five cron fields"},
		{flag: "timezone", key: "jobs[0].timezone", value: &a.timezone, needed: true, prompt: "Time zone", usage: "time zone of the schedule (default that of this machine)"},
		{flag: "slack-channel", key: "jobs[0].slack.channel", value: &a.slackChannel, prompt: "Slack channel to tell, by ID; - for none", usage: "ID of the Slack channel to tell (default none)"},
		{flag: "slack-token-env", key: "jobs[0].slack.token", value: &a.slackTokenEnv, prompt: "Variable that has the Slack token", usage: "environment variable that has the token of the Slack app"},
	}
}

// defaultAnswers are those of this machine: of the influx CLI and the system.
func defaultAnswers(env func(string) string, secrets *secret.Redactor) (answers, error) {
	p, _, err := activeProfile(env, secrets)
	return answers{
		url:      cmp.Or(env("INFLUX_HOST"), p.URL, "http://localhost:8086"),
		org:      cmp.Or(env("INFLUX_ORG_ID"), env("INFLUX_ORG"), p.Org),
		timezone: localZone(env, os.Readlink),
	}, err
}

// localZone is the time zone of this machine by its IANA name, or UTC.
func localZone(env func(string) string, readlink func(string) (string, error)) string {
	link, _ := readlink("/etc/localtime")
	_, linked, _ := strings.Cut(link, "zoneinfo/")
	for _, name := range []string{strings.TrimPrefix(env("TZ"), ":"), linked} {
		if _, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
			return name
		}
	}
	return "UTC"
}

// askAll asks the open questions, each until the answer is right.
func askAll(ctx context.Context, in io.Reader, out io.Writer, columns int, a *answers, questions []question) error {
	lines := make(chan string)
	go func() { // a read from a terminal cannot be interrupted
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			lines <- s.Text()
		}
	}()
	for _, q := range questions {
		if !q.open || q.value == &a.slackTokenEnv && a.slackChannel == "" {
			continue
		}
		offered := *q.value
		for {
			fmt.Fprintf(out, "%s [%s]: ", q.prompt, cmp.Or(offered, none))
			select {
			case <-ctx.Done():
				fmt.Fprintln(out)
				return errors.New("interrupted; nothing was written")
			case line, more := <-lines:
				if !more {
					fmt.Fprintln(out)
					return errors.New("the input ended; nothing was written")
				}
				*q.value = strings.TrimPrefix(cmp.Or(strings.TrimSpace(line), offered), none)
			}
			reason := a.wrong(q)
			if reason == "" {
				break
			}
			fmt.Fprintln(out, hanging("  ", "→ "+reason, columns))
		}
	}
	fmt.Fprintln(out)
	return nil
}

// wrong is what the configuration would say about the answer; "" if nothing.
func (a *answers) wrong(q question) string {
	if strings.ContainsFunc(*q.value, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "contains an invisible character"
	}
	var mistakes *configs.Error
	if !errors.As(configs.Check("", []byte(a.file())), &mistakes) {
		mistakes = new(configs.Error)
	}
	for _, p := range mistakes.Problems {
		if p.Key == q.key || strings.HasPrefix(p.Key, q.key+".") {
			return p.Text
		}
	}
	ref := secret.Ref{Env: *q.value} // hides a name that may be the secret itself
	if strings.HasSuffix(q.flag, "-env") && !strings.HasSuffix(ref.String(), ref.Env) {
		return "is not set, and does not read like a name such as INFLUX_AUDIT_TOKEN. Never enter the secret itself"
	}
	return ""
}

//go:embed init.yaml
var initTemplate string

// file is the configuration.
func (a answers) file() string {
	var b strings.Builder
	t := tmpl.Must(tmpl.New("").Funcs(tmpl.FuncMap{"yaml": yamlText}).Parse(initTemplate))
	err := t.Execute(&b, map[string]string{
		"Name": a.name(), "URL": a.url, "Org": a.org, "Token": a.tokenEnv, "Schedule": a.schedule, "Zone": a.timezone,
		"Channel": a.slackChannel, "SlackToken": a.slackTokenEnv,
	})
	if err != nil {
		panic(err) // the template is embedded
	}
	return b.String()
}

var (
	plainYAML  = regexp.MustCompile(`^[A-Za-z][\w./:-]*[\w./-]$`)
	targetName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// yamlText is a text as YAML has it, in quotes unless it needs none anywhere.
func yamlText(text string) string {
	switch strings.ToLower(text) {
	case "true", "false", "yes", "no", "on", "off", "null":
	default:
		if plainYAML.MatchString(text) {
			return text
		}
	}
	return strconv.Quote(text)
}

// name of the target: that of the org, or of the server.
func (a answers) name() string {
	for _, name := range []string{a.org, a.host()} {
		if targetName.MatchString(name) {
			return name
		}
	}
	return "influxdb"
}

func (a answers) host() string {
	u, err := url.Parse(a.url)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

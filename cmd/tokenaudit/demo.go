package main

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/target"
	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
	"tokenaudit/report"
)

func (c *cli) demo() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "demo [--out DIR]",
		Short: "Make a full report from built-in data, without a network",
		Long: `demo starts two small servers, InfluxDB 2 and InfluxDB 3, and a small Slack inside the
program. It reviews both three times, a week apart, with changes in between, and writes the reports to a
folder. After the second review a campaign opens: a reviewer decides on every token, and
the third review proves what was revoked. It shows in short what was found. With --verbose
it shows all of it, as after a real review, and the messages that Slack got.`,
		Example: `  tokenaudit demo
  tokenaudit demo --verbose
  tokenaudit demo --out /tmp/tokenaudit-demo`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.runDemo(cmd.Context(), out) },
	}
	cmd.Flags().StringVar(&out, "out", "tokenaudit-demo", "folder for the reports; replaces an earlier demo in it")
	return cmd
}

func (c *cli) runDemo(ctx context.Context, out string) error {
	if err := prepareDemoFolder(out); err != nil {
		return err
	}
	keys, err := makeDemoKeys(out)
	if err != nil {
		return err
	}
	now := time.Now()
	lastWeek := now.AddDate(0, 0, -7)
	clock := lastWeek.AddDate(0, 0, -7)
	db := influxtest.NewDemo(clock)
	factory := newDemoFactory(clock)
	receiver := &notifytest.Slack{Token: "demo-slack-token"}
	dbURL, stop, err := listen(db.Server)
	if err != nil {
		return err
	}
	defer stop()
	factoryURL, stop, err := listen(factory.Server)
	if err != nil {
		return err
	}
	defer stop()
	slackURL, stop, err := listen(receiver)
	if err != nil {
		return err
	}
	defer stop()

	terse := *c
	terse.verbose = false // here it is about the review, not about its steps
	f := demoConfig(out, slackURL, receiver.Token, secret.InMemory(keys[demoSigner]))
	f.Targets = demoTargets(db, dbURL, factory, factoryURL)
	a, err := wire(ctx, f, func(context.Context) (time.Time, error) { return clock, nil }, terse.log(slog.LevelWarn), c.secrets)
	if err != nil {
		return err
	}
	defer a.close()
	untold := a.jobs[0] // Slack takes a message a second
	untold.Notifiers = nil
	if _, err := a.runner.ReviewNow(ctx, untold); err != nil {
		return err
	}
	clock = lastWeek
	db.NextWeek(clock)
	factory.nextWeek(clock)
	second, err := reviewDemo(ctx, a, a.jobs[0])
	if err != nil {
		return err
	}
	b, err := c.demoCampaign(ctx, a, keys, out, clock.Add(time.Hour))
	if err != nil {
		return fmt.Errorf("the campaign of the demo: %w", err)
	}
	clock = now
	factory.setClock(now)
	for _, s := range b.Status() { // somebody deletes what was decided, but for one token
		switch {
		case !s.ToRemove() || s.Item.Description == demoDebugging:
		case s.Item.Product.V3():
			factory.DeleteToken(s.Item.Description)
		default:
			db.Server.DeleteAuthorization(s.Item.Authorization)
		}
	}
	third, err := reviewDemo(ctx, a, untold)
	if err != nil {
		return err
	}
	if !c.verbose {
		c.demoScreen(second, third, out)
		return nil
	}
	fmt.Fprintf(c.stdout, "%s\nThis is the second review.\n\n", demoTitle)
	printSummary(c.stdout, second, nil, c.columns(), c.paint)
	fmt.Fprintf(c.stdout, "\nThe thread that Slack got:\n\n%s", slack.Text(orDefault(jobNamed(a.file, a.jobs[0].Name).Slack), second, isTerminal(c.stdout)))
	fmt.Fprint(c.stdout, "\nThen people decided on every token. This is the third review.\n\n")
	printSummary(c.stdout, third, nil, c.columns(), c.paint)
	fmt.Fprintf(c.stdout, "\nOpen %s and report.html in it, and verify the evidence:\n%s\n", third.Location, demoVerify(calledAs(), "  ", out))
	return nil
}

// reviewDemo makes a review, and gives what there is to say about it.
func reviewDemo(ctx context.Context, a *app, job runner.Job) (notify.Message, error) {
	s, err := a.runner.ReviewNow(ctx, job)
	if err != nil {
		return notify.Message{}, err
	}
	return messageFrom(ctx, a.file, a.snapshots, *s)
}

func demoTargets(db *influxtest.Demo, dbURL string, factory *demoFactory, factoryURL string) []target.Config {
	return []target.Config{
		{Name: "plant-eu", URL: dbURL, Org: db.Org, Token: secret.InMemory(db.Token)},
		{Name: "factory", Kind: target.KindEnterprise, URL: factoryURL, Token: secret.InMemory(factory.token)},
	}
}

// demoConfig is the configuration of the demo without its targets.
func demoConfig(out, slackURL, slackToken string, key secret.Ref) *configs.File {
	f := configs.Default()
	f.Store, f.Evidence = "sqlite:"+filepath.Join(out, "tokenaudit.db"), out
	f.Policy.ServiceUsers = []string{"telegraf-writer", "iot-gateway", "ci-deploy", "security-auditor"}
	f.Policy.MaxAdmins = 3 // of the factory: the operator token, the one in the safe and the one of the reviews
	f.Owners = map[string]configs.Owner{
		"alice":            {Responsible: "alice@example.com", Team: "process control", Purpose: "analyses of the plant"},
		"telegraf-writer":  {Slack: "U0PLATFORM1", Team: "platform", Purpose: "telemetry of both lines"},
		"ci-deploy":        {Slack: "U0PLATFORM1", Team: "platform", Purpose: "releases and provisioning"},
		"iot-gateway":      {Team: "plant IT", Purpose: "readings of the edge gateways"},
		"grafana":          {Team: "plant IT", Purpose: "dashboards, read only"},
		"security-auditor": {Team: "security", Purpose: "the reviews themselves"},
		"dave":             {Responsible: "Erin Quinn", Team: "paint shop"},
	}
	j := configs.DefaultJob()
	j.Name, j.Schedule, j.Reports, j.SigningKey = "weekly-review", "0 9 * * 1", report.Names(), key
	j.Slack = &slack.Config{Channel: "C0SECURITY1", Token: secret.InMemory(slackToken), APIURL: slackURL + "/api/", Upload: true}
	j.Basis = "TRA-2026-07, section 3 (PCI DSS 12.3.1)"
	f.Jobs, f.Campaigns = []configs.Job{j}, demoCampaigns(out)
	return f
}

// listen serves on a free port of this machine only.
func listen(h http.Handler) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go server.Serve(l)
	return "http://" + l.Addr().String(), func() { server.Close() }, nil
}

// demoSigners is the file that names the demo's key, for verify and ssh-keygen.
const demoSigners = "allowed_signers"

// makeDemoKeys makes the keys of this one demo: that of the evidence packs first, and those
// of the people who decide. The private halves stay in memory.
func makeDemoKeys(out string) (keys map[string]string, err error) {
	keys = map[string]string{}
	var lines []byte
	for _, who := range []string{demoSigner, demoReviewer, demoManager} {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			return nil, err
		}
		block, err := ssh.MarshalPrivateKey(private, "tokenaudit demo")
		if err != nil {
			return nil, err
		}
		of, err := ssh.NewPublicKey(public)
		if err != nil {
			return nil, err
		}
		namespace := campaign.Namespace
		if who == demoSigner {
			namespace = "tokenaudit"
		}
		keys[who] = string(pem.EncodeToMemory(block))
		lines = fmt.Appendf(lines, "%s namespaces=%q %s", who, namespace, ssh.MarshalAuthorizedKey(of))
	}
	return keys, os.WriteFile(filepath.Join(out, demoSigners), lines, 0o600)
}

// demoMarker shows that a folder is the demo's own, and may be replaced.
const demoMarker = ".tokenaudit-demo"

func prepareDemoFolder(dir string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return usagef("--out %s is a file; give a folder", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_, err = os.Stat(filepath.Join(dir, demoMarker))
	switch {
	case err == nil:
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	case len(entries) > 0:
		return usagef("--out %s: the folder is not empty and not from an earlier demo; use another folder", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, demoMarker), nil, 0o600)
}

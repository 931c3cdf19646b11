package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
)

// server says where tokens list and tokens show ask.
type server struct{ config, target, host string }

func (s *server) addFlags(c *cli, cmd *cobra.Command) {
	flags := cmd.Flags()
	c.configFlag(cmd, &s.config)
	c.targetFlag(cmd, &s.target, "target of the configuration (default: its first one)")
	flags.StringVar(&s.host, "host", "", "URL of the server, without a configuration")
}

// connect makes a client of the server, for one question.
func (s server) connect(c *cli) (*influx.Client, influx.Config, error) {
	cfg, _, err := s.find(c)
	if err != nil {
		return nil, cfg, err
	}
	if cfg.Bolt != "" {
		return nil, cfg, usagef("target %q is a file; use tokens list --id", cfg.Name)
	}
	client, err := influx.NewClient(cfg, cfg.Token, c.log(slog.LevelWarn))
	return client, cfg, err
}

// explain says who was asked, and what to do about a refusal.
func explain(cfg influx.Config, err error) error {
	err = fmt.Errorf("%s: %w", cfg.URL, err)
	var api *influx.APIError
	if errors.As(err, &api) && (api.Status == http.StatusUnauthorized || api.Status == http.StatusForbidden) {
		return fmt.Errorf("%w; check that the token belongs to this server and may read authorizations and users", err)
	}
	return err
}

// find finds the server, and the policy of the configuration, if that is where it is.
func (s server) find(c *cli) (influx.Config, audit.Policy, error) {
	if s.config == "" {
		if s.target != "" {
			return influx.Config{}, audit.Policy{}, usagef("--target needs a configuration: -c FILE")
		}
		cfg, err := cliServer(s.host, os.Getenv, c.secrets)
		return cfg, audit.Policy{}, err
	}
	if s.host != "" {
		return influx.Config{}, audit.Policy{}, usagef("give --host or a configuration, not both")
	}
	f, err := c.loadConfig(s.config)
	if err != nil {
		return influx.Config{}, audit.Policy{}, err
	}
	for i, t := range f.Targets {
		if s.target == "" || t.Name == s.target {
			return t, f.Audit(), needSecrets(context.Background(), f, fmt.Sprintf("targets[%d].", i))
		}
	}
	return influx.Config{}, audit.Policy{}, usagef("--target: %s", setting.Unknown("target", s.target, targetNames(f)))
}

// cliProfile is one section of the influx CLI's file.
type cliProfile struct {
	URL    string `toml:"url"`
	Token  string `toml:"token"`
	Org    string `toml:"org"`
	Active bool   `toml:"active"`
}

// cliServer finds the server as the influx CLI does: its file, then the
// environment, then the flag, each over the one before.
func cliServer(host string, env func(string) string, secrets *secret.Redactor) (influx.Config, error) {
	p, path, err := activeProfile(env, secrets)
	if err != nil {
		return influx.Config{}, err
	}
	asked := cmp.Or(host, env("INFLUX_HOST"))
	cfg := influx.Config{
		Name: "influx-cli",
		URL:  cmp.Or(asked, p.URL, "http://localhost:8086"),
		Org:  cmp.Or(env("INFLUX_ORG_ID"), env("INFLUX_ORG"), p.Org),
	}
	switch {
	case env("INFLUX_TOKEN") != "":
		cfg.Token = secret.Ref{Env: "INFLUX_TOKEN"}
	case p.Token != "" && asked != "" && strings.TrimSuffix(asked, "/") != strings.TrimSuffix(p.URL, "/"):
		return influx.Config{}, usagef("the token in %s is for %s, not for %s; set INFLUX_TOKEN", path, p.URL, asked)
	case p.Token != "":
		cfg.Token = secret.InMemory(p.Token)
	default:
		return influx.Config{}, usagef("no token: set INFLUX_TOKEN, or use a configuration (-c FILE)")
	}
	cfg.Token.Bind(secrets)
	var problems []error
	cfg.Validate(func(key, text string) { problems = append(problems, fmt.Errorf("%s: %s", key, text)) })
	if len(problems) > 0 {
		return influx.Config{}, usageError{errors.Join(problems...)}
	}
	return cfg, nil
}

// activeProfile is the profile that INFLUX_ACTIVE_NAME names, else the one that is
// marked as active in the file; the zero value if there is none.
func activeProfile(env func(string) string, secrets *secret.Redactor) (cliProfile, string, error) {
	path := env("INFLUX_CONFIGS_PATH")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return cliProfile{}, "", nil
		}
		path = filepath.Join(home, ".influxdbv2", "configs")
	}
	var profiles map[string]cliProfile
	if _, err := toml.DecodeFile(path, &profiles); errors.Is(err, fs.ErrNotExist) {
		return cliProfile{}, path, nil
	} else if err != nil {
		return cliProfile{}, path, fmt.Errorf("%s: not a file of the influx CLI", path) // the cause may quote the token
	}
	for _, p := range profiles {
		secrets.Learn(p.Token)
	}
	if name := env("INFLUX_ACTIVE_NAME"); name != "" {
		p, ok := profiles[name]
		if !ok {
			return p, path, usagef("INFLUX_ACTIVE_NAME: no profile %q in %s", name, path)
		}
		return p, path, nil
	}
	var active []string
	for name, p := range profiles {
		if p.Active {
			active = append(active, strconv.Quote(name))
		}
	}
	if len(active) > 1 { // the influx CLI refuses them, too
		slices.Sort(active)
		return cliProfile{}, path, usagef("%s has several active profiles: %s; keep one (influx config NAME), or name it in INFLUX_ACTIVE_NAME", path, strings.Join(active, ", "))
	}
	for _, p := range profiles {
		if p.Active {
			return p, path, nil
		}
	}
	return cliProfile{}, path, nil
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/api"
	"tokenaudit/jobs/target"
)

// server says where tokens list and tokens show ask.
type server struct{ config, target, host string }

// addFlags adds them; without has which target is asked where none is named.
func (s *server) addFlags(cmd *cobra.Command, without string) {
	flags := cmd.Flags()
	configFlag(cmd, &s.config)
	targetFlag(cmd, &s.target, "target of the configuration (default: "+without+")")
	flags.StringVar(&s.host, "host", "", "URL of the server, without a configuration")
}

// explain says who was asked, and what to do about a refusal.
func explain(cfg target.Config, err error) error {
	err = fmt.Errorf("%s: %w", cfg.URL, err)
	var answer *api.Error
	if errors.As(err, &answer) && (answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden) {
		return fmt.Errorf("%w; check that the token belongs to this server and may read authorizations and users", err)
	}
	return err
}

// cliVariables are those of the influx CLI that say which server is meant.
var cliVariables = [...]string{"INFLUX_HOST", "INFLUX_TOKEN", "INFLUX_ACTIVE_NAME", "INFLUX_CONFIGS_PATH"}

// configuration is the one that the server is a target of; nil if it is that of the influx
// CLI. A variable of the influx CLI comes before a configuration that nobody named.
func (s server) configuration(c *cli) (*configs.File, error) {
	named := s.config != "" || os.Getenv(configVariable) != "" || s.target != ""
	switch {
	case s.host != "" && (s.config != "" || s.target != ""):
		return nil, usagef("give --host or a configuration, not both")
	case s.host != "":
		return nil, nil
	case !named && slices.ContainsFunc(cliVariables[:], func(name string) bool { return os.Getenv(name) != "" }):
		return nil, nil
	}
	if _, err := findConfig(s.config); err != nil && !named {
		return nil, nil
	}
	return c.loadConfig(s.config)
}

// in finds the target in a configuration, whose secrets for it are there.
func (s server) in(ctx context.Context, f *configs.File) (target.Config, error) {
	for i, t := range f.Targets {
		if s.target == "" || t.Name == s.target {
			return t, needSecrets(ctx, f, fmt.Sprintf("targets[%d].", i))
		}
	}
	return target.Config{}, usagef("--target: %s", setting.Unknown("target", s.target, targetNames(f)))
}

// others are the targets that nobody asked for, if no target was named.
func (s server) others(f *configs.File, asked string) []string {
	if f == nil || s.target != "" {
		return nil
	}
	return slices.DeleteFunc(targetNames(f), func(name string) bool { return name == asked })
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
func cliServer(host string, env func(string) string, secrets *secret.Redactor) (target.Config, error) {
	p, path, err := activeProfile(env, secrets)
	if err != nil {
		return target.Config{}, err
	}
	asked := cmp.Or(host, env("INFLUX_HOST"))
	cfg := target.Config{
		Name: "influx-cli",
		URL:  cmp.Or(asked, p.URL, "http://localhost:8086"),
		Org:  cmp.Or(env("INFLUX_ORG_ID"), env("INFLUX_ORG"), p.Org),
	}
	switch {
	case env("INFLUX_TOKEN") != "":
		cfg.Token = secret.Ref{Env: "INFLUX_TOKEN"}
	case p.Token != "" && asked != "" && strings.TrimSuffix(asked, "/") != strings.TrimSuffix(p.URL, "/"):
		return target.Config{}, usagef("the token in %s is for %s, not for %s; set INFLUX_TOKEN", path, p.URL, asked)
	case p.Token != "":
		cfg.Token = secret.InMemory(p.Token)
	default:
		return target.Config{}, usagef("no token: set INFLUX_TOKEN, or use a configuration (-c FILE)")
	}
	cfg.Token.Bind(secrets)
	var problems []error
	cfg.Validate(func(key, text string) {
		switch {
		case key == "url" && host != "":
			key = "--host"
		case key == "url" && asked != "":
			key = "INFLUX_HOST"
		case key == "url":
			key = "url in " + path
		}
		problems = append(problems, fmt.Errorf("%s: %s", key, text))
	})
	if len(problems) > 0 {
		return target.Config{}, usageError{errors.Join(problems...)}
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

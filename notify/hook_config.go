package notify

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"

	"tokenaudit/configs/secret"
)

// HookConfig is a program that is told by webhooks as Standard Webhooks 1.0.0 has
// them (https://www.standardwebhooks.com).
type HookConfig struct {
	// URL to post to: https, or http on this machine. It is a secret: whoever has it can post.
	URL secret.Ref `yaml:"url" json:"url"`
	// Secret that signs each post: whsec_ and base64, or plain text; 24 bytes or more.
	Secret secret.Ref `yaml:"secret" json:"secret"`
}

// Validate reports every problem with the key that it concerns.
func (c HookConfig) Validate(problem func(key, text string)) {
	checkRef("url", c.URL, problem)
	checkRef("secret", c.Secret, problem)
}

// endpoint is what the secrets of a HookConfig hold.
type endpoint struct {
	url  *url.URL
	key  []byte
	hide []string // what must not be seen, longest first
}

const whsec = "whsec_"

// read reads the secrets; its errors repeat neither.
func (c HookConfig) read(ctx context.Context) (endpoint, error) {
	address, err := c.URL.Read(ctx)
	if err != nil {
		return endpoint{}, err
	}
	key, err := c.Secret.Read(ctx)
	if err != nil {
		return endpoint{}, err
	}
	u, err := url.Parse(address.Reveal())
	if err != nil || !private(u) {
		return endpoint{}, errors.New("the secret of url is not a URL such as https://hooks.example.com/…; http goes to this machine only")
	}
	e := endpoint{url: u, key: []byte(key.Reveal()), hide: append(secretsOfHook(u), key.Reveal())}
	if encoded, ok := strings.CutPrefix(key.Reveal(), whsec); ok {
		if e.key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return endpoint{}, errors.New("what follows whsec_ in the secret is not base64")
		}
		e.hide = append(e.hide, encoded, string(e.key))
	}
	slices.SortFunc(e.hide, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return e, nil
}

// private: nobody on the way can read along.
func private(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && local)
}

// secretsOfHook lists the host too: with some services it is the secret.
func secretsOfHook(u *url.URL) []string {
	password, _ := u.User.Password()
	out := []string{u.String(), u.Redacted(), u.RequestURI(), u.Path, u.EscapedPath(), u.RawQuery, path.Base(u.Path), u.Host, u.Hostname(), u.User.Username(), password}
	for _, values := range u.Query() {
		out = append(out, values...)
	}
	return append(out, strings.Split(u.Path, "/")...)
}

package webhook

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"tokenaudit/configs/remedy"
	"tokenaudit/configs/secret"
	"tokenaudit/notify"
)

// Config is a program that is told by webhooks as Standard Webhooks 1.0.0 has
// them (https://www.standardwebhooks.com).
type Config struct {
	// URL to post to: https, or http on this machine. It is a secret: anyone who has it can post.
	URL secret.Ref `yaml:"url" json:"url"`
	// Secret that signs each post: whsec_ and base64, or plain text; 24 bytes or more.
	Secret secret.Ref `yaml:"secret" json:"secret"`
}

// Validate reports every problem with the key that it concerns.
func (c Config) Validate(problem func(key, text string)) {
	if err := c.URL.Validate(); err != nil {
		problem("url", err.Error())
	}
	if err := c.Secret.Validate(); err != nil {
		problem("secret", err.Error())
	}
}

// endpoint is what the secrets of a Config hold.
type endpoint struct {
	url     *url.URL
	key     []byte
	secrets notify.Secrets
}

// read reads the secrets; its errors repeat neither.
func (c Config) read(ctx context.Context) (endpoint, error) {
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
	e := endpoint{url: u, key: []byte(key.Reveal())}
	e.secrets = append(notify.SecretsOf(u), u.Host, u.Hostname(), key.Reveal()) // with some services the host is the secret
	if encoded, ok := strings.CutPrefix(key.Reveal(), "whsec_"); ok {
		if e.key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return endpoint{}, errors.New("what follows whsec_ in the secret is not base64")
		}
		e.secrets = append(e.secrets, encoded, string(e.key))
	}
	return e, nil
}

// private: nobody on the way can read along.
func private(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && local)
}

// shortestKey is the least that Standard Webhooks asks for, in bytes.
const shortestKey = 24

// Check reads the secrets and asks the server of the webhook for the head of its
// first page: a request to the URL itself may set something off. Any answer will
// do.
func Check(ctx context.Context, c Config, client *http.Client) (string, error) {
	to, err := c.read(ctx)
	if err != nil {
		return "", err
	}
	if len(to.key) < shortestKey {
		return "", fmt.Errorf("the secret has %d bytes; use %d or more, of random", len(to.key), shortestKey)
	}
	first := url.URL{Scheme: to.url.Scheme, Host: to.url.Host, Path: "/"}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, first.String(), nil)
	if err != nil {
		return "", to.failed(false, err)
	}
	resp, err := client.Do(req)
	if err != nil {
		fix := remedy.Place{What: "the receiver", Key: "url"}.Connection(err)
		if fix != "" {
			fix = to.secrets.Clean(fix) // some name the host
		}
		err = fmt.Errorf("asking the server of the webhook: %w", to.secrets.CleanError(err))
		return "", remedy.With(notify.NotPosted(err), fix)
	}
	resp.Body.Close()
	return "its server answers; the webhook itself cannot be tried without posting", nil
}

package notify

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// shortestKey is the least that Standard Webhooks asks for, in bytes.
const shortestKey = 24

// CheckHook reads the secrets and asks the server of the webhook for the head of
// its first page: a request to the URL itself may set something off. Any answer
// will do.
func CheckHook(ctx context.Context, c HookConfig, client *http.Client) (string, error) {
	if client == nil {
		client = newClient()
	}
	to, err := c.read(ctx)
	switch {
	case err != nil:
		return "", err
	case len(to.key) < shortestKey:
		return "", fmt.Errorf("the secret has %d bytes; use %d or more, of random", len(to.key), shortestKey)
	}
	p := post{endpoint: to}
	first := url.URL{Scheme: to.url.Scheme, Host: to.url.Host, Path: "/"}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, first.String(), nil)
	if err != nil {
		return "", p.failed(ctx, inner(err).Error())
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", p.failed(ctx, inner(err).Error())
	}
	resp.Body.Close()
	return "its server answers; the webhook itself cannot be tried without posting", nil
}

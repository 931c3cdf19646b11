package notify

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// Check asks Slack whether the bot token works and may do what is configured, without posting, and
// says as whom. Of a webhook it can only tell that the secret can be read.
func Check(ctx context.Context, c Config, client *http.Client) (string, error) {
	if client == nil {
		client = newClient()
	}
	if !c.Webhook.IsZero() {
		_, err := c.Webhook.Read(ctx)
		return "an incoming webhook, which cannot be tried without posting", err
	}
	return checkToken(ctx, c, client)
}

func checkToken(ctx context.Context, c Config, client *http.Client) (string, error) {
	token, err := c.Token.Read(ctx)
	if err != nil {
		return "", err
	}
	report := reporter{where: "check of the Slack token", hide: []string{token.Reveal()}, asks: true}
	who, err := c.api(token.Reveal(), client).AuthTestContext(ctx)
	if err != nil {
		return "", report.explain(err)
	}
	scopes := who.Header.Get("X-OAuth-Scopes")
	has := strings.FieldsFunc(scopes, notScope)
	for _, scope := range c.scopes() {
		if scopes != "" && !slices.Contains(has, scope) {
			return "", report.refused("missing_scope", "needs the scope "+scope+", has "+scopes)
		}
	}
	return shown(who.User, 80, "a bot") + " in " + shown(who.Team, 80, "a workspace") + withoutLookBack(has), nil
}

// scopes are those without which something that is configured cannot work.
func (c Config) scopes() []string {
	scopes := []string{"chat:write"}
	if c.DM {
		scopes = append(scopes, "im:write")
	}
	if c.Upload {
		scopes = append(scopes, "files:write")
	}
	for _, who := range c.Owners {
		if isAddress(who) {
			return append(scopes, "users:read.email")
		}
	}
	return scopes
}

// withoutLookBack says what is worse, but not wrong.
func withoutLookBack(has []string) string {
	if len(has) == 0 || slices.Contains(has, "channels:history") || slices.Contains(has, "groups:history") {
		return ""
	}
	return "; without the scope channels:history (groups:history for a private channel), a message whose answer is lost is posted again"
}

func notScope(r rune) bool { return r == ',' || r == ' ' }

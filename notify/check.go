package notify

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// Check asks Slack whether the bot token works and may post, without posting, and
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
	if scopes != "" && !slices.Contains(strings.FieldsFunc(scopes, notScope), "chat:write") {
		return "", report.refused("missing_scope", "needs the scope chat:write, has "+scopes)
	}
	return shown(who.User, 80, "a bot") + " in " + shown(who.Team, 80, "a workspace"), nil
}

func notScope(r rune) bool { return r == ',' || r == ' ' }

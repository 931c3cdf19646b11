package slack

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/slack-go/slack"

	"tokenaudit/configs/remedy"
	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// Check asks Slack whether the bot token works, may do what is configured and is in the
// channels, those of the contacts too, without posting, and says as whom, and what was not tried. Of a webhook it
// can only tell that the secret can be read.
func Check(ctx context.Context, c Config, contacts audit.Contacts, client *http.Client) (string, error) {
	if !c.Webhook.IsZero() {
		_, err := c.Webhook.Read(ctx)
		return "an incoming webhook: its URL can be read; it cannot be tried without posting", err
	}
	token, err := c.Token.Read(ctx)
	if err != nil {
		return "", err
	}
	e := explainer{where: "check of the Slack token", secrets: notify.Secrets{token.Reveal()}, apart: true}
	api := c.api(token.Reveal(), newClient(client))
	who, err := api.AuthTestContext(ctx)
	if err != nil {
		return "", c.connecting(e.asking(err))
	}
	scopes := who.Header.Get("X-OAuth-Scopes")
	has := strings.FieldsFunc(scopes, func(r rune) bool { return r == ',' || r == ' ' })
	told := c.told(contacts)
	for _, scope := range c.scopes(told) {
		if scopes != "" && !slices.Contains(has, scope) {
			return "", e.asking(slack.SlackErrorResponse{Err: "missing_scope", Needed: scope, Provided: scopes})
		}
	}
	bot := notify.Show(who.User, 80, "a bot")
	said := []string{bot + " in " + notify.Show(who.Team, 80, "a workspace")}
	for _, channel := range c.channels(told) {
		found, err := look(ctx, api, e, bot, channel, has)
		if err != nil {
			return "", c.connecting(err)
		}
		said = append(said, found)
	}
	if len(has) > 0 && !slices.Contains(has, "channels:history") && !slices.Contains(has, "groups:history") {
		said = append(said, "without the scope channels:history (groups:history for a private channel), a message whose answer is lost is posted again")
	}
	return strings.Join(append(said, "posting was not tried"), "; "), nil
}

// connecting adds what can be done about a connection.
func (c Config) connecting(err error) error {
	u, bad := url.Parse(cmp.Or(c.APIURL, slack.APIURL))
	if bad != nil || remedy.Of(err) != "" {
		return err
	}
	if c.APIURL == "" && errors.Is(err, syscall.ECONNREFUSED) {
		return remedy.With(err, "A proxy or firewall in front of "+u.Host+" refuses the connection: allow this machine to connect, or set HTTPS_PROXY or api_url.")
	}
	return remedy.With(err, remedy.Place{What: "the proxy to Slack", Address: u.Host, Key: "api_url"}.Connection(err))
}

// channels are those that messages go to, each once.
func (c Config) channels(told []string) []string {
	out := []string{c.Channel}
	if c.FallbackChannel != "" {
		out = append(out, c.FallbackChannel)
	}
	for _, who := range told {
		if slackChannel.MatchString(who) && !slices.Contains(out, who) {
			out = append(out, who)
		}
	}
	return slices.Compact(out)
}

// look looks whether the bot can post in a channel. Slack shows a public channel with
// channels:read, and a private one with groups:read to those who are in it.
func look(ctx context.Context, api *slack.Client, e explainer, bot, id string, has []string) (found string, err error) {
	shown := "channel " + notify.Show(id, 80, "(none)")
	e.where = shown
	if !slackChannel.MatchString(id) {
		return shown + " is a name, so whether " + bot + " is in it was not tried: use its ID", nil
	}
	notTried := "whether " + bot + " is in " + shown + " was not tried: that needs the scope channels:read, or groups:read for a private one"
	if len(has) > 0 && !slices.Contains(has, "channels:read") && !slices.Contains(has, "groups:read") {
		return notTried, nil
	}
	channel, err := api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
	var no slack.SlackErrorResponse
	switch anywhere := slices.Contains(has, "chat:write.public"); {
	case errors.As(err, &no) && no.Err == "missing_scope":
		return notTried, nil
	case err != nil:
		return "", e.asking(err)
	case channel.IsArchived:
		return "", e.asking(slack.SlackErrorResponse{Err: "is_archived"})
	case !channel.IsMember && (channel.IsPrivate || !anywhere):
		no := slack.SlackErrorResponse{Err: "not_in_channel"}
		no.ResponseMetadata.Messages = []string{bot + " is not in it"}
		return "", e.asking(no)
	case !channel.IsMember:
		return shown + " is public, and " + bot + " may post there without being in it", nil
	}
	return bot + " is in " + shown, nil
}

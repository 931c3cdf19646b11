// Package notify tells people what a review found. A notifier gets one Message
// for a run and says it in its own form.
package notify

import (
	"net/url"

	"tokenaudit/configs/secret"
)

// Config is the Slack destination of a job: a channel with a bot token, or an
// incoming webhook.
type Config struct {
	// Channel ID, such as C0123456789. A channel name works for posting only in some workspaces.
	Channel string `yaml:"channel,omitempty" json:"channel,omitempty"`
	// Token of the Slack app (xoxb-…), with the scope chat:write.
	Token secret.Ref `yaml:"token,omitzero" json:"token,omitzero"`
	// Webhook is an incoming webhook's URL. The URL is a secret: whoever has it can post.
	Webhook secret.Ref `yaml:"webhook,omitzero" json:"webhook,omitzero"`
	// APIURL replaces https://slack.com/api/, for a proxy.
	APIURL string `yaml:"api_url,omitempty" json:"api_url,omitempty"`
}

// Validate reports every problem with the key that it concerns.
func (c Config) Validate(problem func(key, text string)) {
	bot, hook := !c.Token.IsZero() || c.Channel != "", !c.Webhook.IsZero()
	switch {
	case bot && hook:
		problem("webhook", "give channel and token, or webhook, not both")
	case !bot && !hook:
		problem("", "needs channel and token, or webhook")
	case hook:
		checkRef("webhook", c.Webhook, problem)
	default:
		checkRef("token", c.Token, problem)
		if c.Channel == "" {
			problem("channel", "needs the ID of the channel, such as C0123456789")
		}
	}
	c.validateAPIURL(problem)
}

func (c Config) validateAPIURL(problem func(key, text string)) {
	u, err := url.Parse(c.APIURL)
	switch {
	case c.APIURL == "":
	case err != nil || u.Host == "":
		problem("api_url", "needs a URL such as https://slack.com/api/")
	case !c.Webhook.IsZero():
		problem("api_url", "goes with channel and token; a webhook has its own URL")
	}
}

func checkRef(key string, ref secret.Ref, problem func(key, text string)) {
	if err := ref.Validate(); err != nil {
		problem(key, err.Error())
	}
}

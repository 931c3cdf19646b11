package slack

import (
	"cmp"
	"maps"
	"regexp"
	"slices"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
)

// Config is the Slack destination of a job: a channel with a bot token, or an
// incoming webhook, which gets the summary only.
type Config struct {
	// Channel ID, such as C0123456789, from the end of the details of the channel in Slack.
	Channel string `yaml:"channel,omitempty" json:"channel,omitempty"`
	// Token of the Slack app (xoxb-…), with the scope chat:write.
	Token secret.Ref `yaml:"token,omitzero" json:"token,omitzero"`
	// Webhook is an incoming webhook's URL. The URL is a secret: anyone who has it can post.
	Webhook secret.Ref `yaml:"webhook,omitzero" json:"webhook,omitzero"`
	// APIURL replaces https://slack.com/api/, for a proxy.
	APIURL string `yaml:"api_url,omitempty" json:"api_url,omitempty"`
	// Owners is the old form of owners at the top level. It maps names or IDs of InfluxDB users to a Slack user ID, an e-mail address or a channel ID.
	Owners map[string]string `yaml:"owners,omitempty" json:"owners,omitempty"`
	// FallbackChannel gets the message about owners without a contact. Default: the thread of the summary.
	FallbackChannel string `yaml:"fallback_channel,omitempty" json:"fallback_channel,omitempty"`
	// DM tells owners that are known in Slack in a direct message (scope im:write) and not in the thread: on or off. Default: off.
	DM setting.Switch `yaml:"dm,omitempty" json:"dm,omitempty"`
	// SummaryOnly leaves out the messages to owners: on or off. Default: off.
	SummaryOnly setting.Switch `yaml:"summary_only,omitempty" json:"summary_only,omitempty"`
	// Upload puts the workbook into the thread (scope files:write): on or off. It lists who can do what, and everybody in the channel can read it. Default: off.
	Upload setting.Switch `yaml:"upload,omitempty" json:"upload,omitempty"`
	// Quiet posts one line when no finding came, came back or went, no review was missed and the coverage is complete: on or off. Default: off.
	Quiet setting.Switch `yaml:"quiet,omitempty" json:"quiet,omitempty"`
}

// IDs as Slack gives them (docs.slack.dev, "Slack object types").
var (
	slackUser    = regexp.MustCompile(`^[UW][A-Z0-9]{6,}$`)
	slackChannel = regexp.MustCompile(`^[CG][A-Z0-9]{6,}$`)
	slackPlace   = regexp.MustCompile(`^[A-Z][A-Z0-9]*$`) // of what one can post to; names are in small letters
)

const needsID = "needs the ID of the channel, such as C0123456789, and not its name. In Slack, the details of the channel end with it"

// Validate reports every problem with the key that it concerns.
func (c Config) Validate(problem func(key, text string)) {
	bot, hook := !c.Token.IsZero() || c.Channel != "", !c.Webhook.IsZero()
	switch {
	case bot && hook:
		problem("webhook", "give channel and token, or webhook, not both")
	case !bot && !hook:
		problem("", "needs channel and token, or webhook")
	case hook:
		if err := c.Webhook.Validate(); err != nil {
			problem("webhook", err.Error())
		}
		// A webhook posts into one channel, and gives nothing back that a reply could
		// hang on.
		for _, given := range []struct {
			key string
			is  bool
		}{
			{"owners", len(c.Owners) > 0}, {"fallback_channel", c.FallbackChannel != ""}, {"dm", bool(c.DM)}, {"upload", bool(c.Upload)},
		} {
			if given.is {
				problem(given.key, "needs channel and token; a webhook posts the summary only")
			}
		}
	default:
		if err := c.Token.Validate(); err != nil {
			problem("token", err.Error())
		}
		if !slackPlace.MatchString(c.Channel) {
			problem("channel", needsID)
		}
	}
	if c.FallbackChannel != "" && !slackPlace.MatchString(c.FallbackChannel) {
		problem("fallback_channel", needsID)
	}
	if c.APIURL != "" {
		if _, err := setting.ParseURL(c.APIURL, "https://slack.com/api/"); err != nil {
			problem("api_url", err.Error())
		} else if hook {
			problem("api_url", "needs channel and token; a webhook has its own URL")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Owners)) {
		if !IsRecipient(c.Owners[name]) {
			problem("owners."+name, "needs a Slack user ID (U0123456789), a channel ID (C0123456789) or an e-mail address")
		}
	}
}

// IsRecipient reports whether who can be told in Slack: a user ID, a channel ID or an
// e-mail address.
func IsRecipient(who string) bool {
	return slackUser.MatchString(who) || slackChannel.MatchString(who) || audit.IsAddress(who)
}

// scopes are those without which something that is configured cannot work.
func (c Config) scopes(told []string) []string {
	scopes := []string{"chat:write"}
	if c.DM {
		scopes = append(scopes, "im:write")
	}
	if c.Upload {
		scopes = append(scopes, "files:write")
	}
	if slices.ContainsFunc(told, audit.IsAddress) {
		scopes = append(scopes, "users:read.email")
	}
	return scopes
}

// told are the people and channels that the contacts name, in a fixed order.
func (c Config) told(contacts audit.Contacts) []string {
	var out []string
	if c.SummaryOnly {
		return nil
	}
	for _, contact := range contacts {
		if who := cmp.Or(contact.Slack, contact.Responsible); IsRecipient(who) {
			out = append(out, who)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

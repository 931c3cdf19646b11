package notify

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/slack-go/slack"

	"tokenaudit/jobs/audit"
)

type bot struct {
	config Config
	client *http.Client
	log    *slog.Logger
}

// Parts is the summary.
func (bot) Parts(audit.Summary, audit.News) []string { return []string{partSummary} }

// Send posts to the channel and returns channel/ts.
func (b bot) Send(ctx context.Context, m Message) (string, error) {
	report := reporter{where: "post to Slack channel " + shown(b.config.Channel, 80, "(none)")}
	token, err := b.config.Token.Read(ctx)
	if err != nil {
		return "", report.notTried(err)
	}
	report.hide = []string{token.Reveal()}
	api := b.config.api(token.Reveal(), b.client)
	return deliver(ctx, b.log, m, func(blocks []slack.Block) (string, error) {
		channel, ts, err := api.PostMessageContext(ctx, b.config.Channel, options(m, blocks)...)
		if err != nil {
			return "", report.explain(err)
		}
		return channel + "/" + ts, nil
	})
}

func (c Config) api(token string, client *http.Client) *slack.Client {
	url := strings.TrimSuffix(cmp.Or(c.APIURL, slack.APIURL), "/") + "/" // slack-go appends the method
	return slack.New(token, slack.OptionAPIURL(url), slack.OptionHTTPClient(client), slack.OptionRetry(retries))
}

// options: everybody in the workspace can read the metadata, so it holds the key
// of the run and no more.
func options(m Message, blocks []slack.Block) []slack.MsgOption {
	return []slack.MsgOption{
		slack.MsgOptionText(fallback(m), true),
		slack.MsgOptionBlocks(blocks...),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionMetadata(slack.SlackMetadata{
			EventType:    "tokenaudit_run",
			EventPayload: map[string]any{"key": m.Summary.ID, "part": "summary"},
		}),
	}
}

// explain takes slack-go's errors apart: they print the code only, and keep what
// helps in their fields.
func (r reporter) explain(err error) error {
	var no slack.SlackErrorResponse
	var limited *slack.RateLimitedError
	var status slack.StatusCodeError
	switch {
	case errors.As(err, &no):
		return r.refused(no.Err, details(no))
	case errors.As(err, &limited):
		return r.refused("ratelimited", "asks to wait "+limited.RetryAfter.String())
	case errors.As(err, &status):
		return r.status(status.Code, "")
	}
	return r.broken(err)
}

func details(no slack.SlackErrorResponse) string {
	out := no.ResponseMetadata.Messages
	if no.Needed != "" {
		out = append(out, "needs the scope "+no.Needed+", has "+cmp.Or(no.Provided, "none"))
	}
	return strings.Join(out, "; ")
}

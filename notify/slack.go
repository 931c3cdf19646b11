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

// Parts are the summary, one for each owner, and the workbook, as configured.
func (b bot) Parts(s audit.Summary, n audit.News) []string { return b.config.parts(s, n) }

// Send posts one part and returns channel/ts. Before it repeats one that may have
// arrived it looks for it, as Slack has no idempotency key
// (slackapi/slack-api-specs#10).
func (b bot) Send(ctx context.Context, m Message) (string, error) {
	ref, looked, err := b.send(ctx, m)
	if m.Again && !looked && errors.Is(err, ErrNotPosted) {
		return "", errors.New(err.Error()) // says nothing about the earlier attempt
	}
	return ref, err
}

func (b bot) send(ctx context.Context, m Message) (ref string, looked bool, err error) {
	report := reporter{where: "post to Slack channel " + shown(b.config.Channel, 80, "(none)")}
	token, err := b.config.Token.Read(ctx)
	if err != nil {
		return "", false, report.notTried(err)
	}
	report.hide = []string{token.Reveal()}
	s := session{b.config.api(token.Reveal(), b.client), report}
	to, err := b.find(ctx, s, b.config.claim(m))
	if err != nil {
		return "", false, err
	}
	at := b.place(m, to)
	if m.Again {
		ref, looked, err = s.lookBack(ctx, m, at)
		if ref != "" || err != nil {
			return ref, looked, err
		}
		m.repeats = !looked
	}
	ref, err = b.post(ctx, s, m, at, b.config.drafts(m, to))
	return ref, looked, err
}

// place is a channel, and a thread in it unless the part has a place of its own.
type place struct{ channel, thread string }

func (b bot) place(m Message, to addressee) place {
	if to.channel != "" {
		return place{channel: to.channel}
	}
	channel, thread, _ := strings.Cut(m.Root, "/")
	return place{cmp.Or(channel, b.config.Channel), thread}
}

func (b bot) post(ctx context.Context, s session, m Message, at place, forms []Post) (string, error) {
	if name, ok := strings.CutPrefix(m.Part, partFile); ok {
		return s.upload(ctx, m, at, name)
	}
	return deliver(ctx, b.log, m, forms, func(p Post) (string, error) {
		channel, ts, err := s.api.PostMessageContext(ctx, at.channel, options(m, at, p)...)
		if err != nil {
			return "", s.report.explain(err)
		}
		return channel + "/" + ts, nil
	})
}

// session is the API with one reading of the token, and the reporter that hides it.
type session struct {
	api    *slack.Client
	report reporter
}

// asking reports on requests that post nothing.
func (s session) asking() reporter {
	s.report.asks = true
	return s.report
}

// unposted explains the failure of a request that posts nothing.
func (s session) unposted(err error) error { return refusal{text: s.asking().explain(err).Error()} }

func (c Config) api(token string, client *http.Client) *slack.Client {
	url := strings.TrimSuffix(cmp.Or(c.APIURL, slack.APIURL), "/") + "/" // slack-go appends the method
	return slack.New(token, slack.OptionAPIURL(url), slack.OptionHTTPClient(client), slack.OptionRetry(retries))
}

// eventType marks our messages.
const eventType = "tokenaudit_run"

// options: everybody in the workspace can read the metadata, so it holds the key
// of the run and the part, and no more.
func options(m Message, at place, p Post) []slack.MsgOption {
	out := []slack.MsgOption{
		slack.MsgOptionText(p.Text, true),
		slack.MsgOptionTS(at.thread),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionMetadata(slack.SlackMetadata{
			EventType:    eventType,
			EventPayload: map[string]any{"key": m.Summary.ID, "part": m.Part},
		}),
	}
	if len(p.Blocks) > 0 {
		out = append(out, slack.MsgOptionBlocks(p.Blocks...))
	}
	return out
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

package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// ownerOf is the owner that the delivery is for, if it is for one.
func ownerOf(m notify.Message) (audit.OwnerHighlights, bool) {
	id, ok := strings.CutPrefix(m.Delivery, ownerDelivery)
	for _, o := range m.Highlights.Owners {
		if ok && o.Key == id {
			return o, true
		}
	}
	return audit.OwnerHighlights{}, false
}

// recipient is whom the message to an owner mentions, and where it is posted.
type recipient struct {
	user    string // Slack ID
	address string // e-mail, not looked up yet
	channel string // in place of the thread
}

// recipient is who the configuration says is told about the owner of a message. A
// user whose name is an e-mail address is told themselves, unless they are gone.
func (c Config) recipient(m notify.Message) recipient {
	news, ok := ownerOf(m)
	if !ok {
		return recipient{}
	}
	o := news.Owner
	self := ""
	if audit.IsAddress(o.Name) && o.State != audit.OwnerDeleted && o.State != audit.OwnerInactive {
		self = o.Name
	}
	switch who := cmp.Or(c.Owners[o.ID], c.Owners[o.Name], self); {
	case slackUser.MatchString(who):
		return recipient{user: who}
	case slackChannel.MatchString(who):
		return recipient{channel: who}
	case who != "":
		return recipient{address: who}
	}
	return recipient{channel: c.FallbackChannel}
}

// reach looks up an address, and opens the direct message. An owner that Slack does
// not know is told where those are that nobody is configured for.
func (n notifier) reach(ctx context.Context, s session, to recipient) (recipient, error) {
	if to.address != "" {
		user, err := s.api.GetUserByEmailContext(ctx, to.address)
		var no slack.SlackErrorResponse
		switch {
		case err == nil:
			to = recipient{user: user.ID}
		case errors.As(err, &no) && (no.Err == "users_not_found" || no.Err == "missing_scope"):
			level := slog.LevelInfo // not everybody is in Slack
			if no.Err == "missing_scope" {
				level = slog.LevelWarn
			}
			n.log.Log(ctx, level, "an owner is not mentioned", "error", s.asking(err))
			to = recipient{channel: n.config.FallbackChannel}
		default:
			return recipient{}, fmt.Errorf("looking up an owner by e-mail: %w", s.asking(err))
		}
	}
	if to.user != "" && bool(n.config.DM) {
		c, _, _, err := s.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{to.user}})
		if err != nil {
			return recipient{}, fmt.Errorf("opening a direct message to %s: %w", to.user, s.asking(err))
		}
		to.channel = c.ID
	}
	return to, nil
}

// reply is what the message to one owner says, before it becomes blocks or text.
// All of it is bounded; names are made visible.
type reply struct {
	Name, Need string
	Tokens     []replyToken // worst first
	Total      int          // tokens with something to do
	Steps      []notify.Step
}

type replyToken struct{ Severity, Text string }

func newReply(m notify.Message, o audit.OwnerHighlights) reply {
	r := reply{Name: notify.Owner(o.Owner), Need: need(o.Tokens), Total: o.Tokens}
	for _, h := range o.Worst {
		row := notify.Row(m, h)
		r.Tokens = append(r.Tokens, replyToken{row[0], fmt.Sprintf("%s, in %s, age %s: %s", row[1], row[3], row[5], row[4])})
		for _, f := range h.Findings {
			check := audit.CheckOf(f.Check)
			s := notify.Step{Check: notify.Show(check.Title, 60, "unknown check"), Fix: notify.Show(check.Fix, 300, "see the evidence")}
			if len(r.Steps) < notify.MaxSteps && !slices.Contains(r.Steps, s) {
				r.Steps = append(r.Steps, s)
			}
		}
	}
	return r
}

// More says what is left out after the first tokens; empty if nothing is.
func (r reply) More(tokens int) string {
	if r.Total <= tokens {
		return ""
	}
	return "and " + audit.Plural(r.Total-tokens, "more token") + ", in the evidence"
}

func need(tokens int) string {
	if tokens == 1 {
		return "1 token needs a look"
	}
	return fmt.Sprintf("%d tokens need a look", tokens)
}

// ownerBlocks show fewer tokens if they do not fit.
func ownerBlocks(m notify.Message, o audit.OwnerHighlights, to recipient) []slack.Block {
	r := newReply(m, o)
	for n := len(r.Tokens); ; n-- {
		if blocks := r.blocks(n, to.user, m.Repeats); n == 0 || fits(blocks) {
			return blocks
		}
	}
}

func (r reply) blocks(tokens int, mention string, repeats bool) []slack.Block {
	var intro []slack.RichTextSectionElement
	if mention != "" {
		intro = append(intro, slack.NewRichTextSectionUserElement(mention, nil), text(" "))
	}
	intro = append(intro, bold(r.Name), text(": "+r.Need))
	var items []slack.RichTextElement
	for _, t := range r.Tokens[:tokens] {
		items = append(items, slack.NewRichTextSection(bold(t.Severity), text(" "+t.Text)))
	}
	if more := r.More(tokens); more != "" {
		items = append(items, slack.NewRichTextSection(text(more)))
	}
	blocks := []slack.Block{slack.NewRichTextBlock("", slack.NewRichTextSection(intro...), slack.NewRichTextList(slack.RTEListBullet, 0, items...))}
	if len(r.Steps) > 0 {
		blocks = append(blocks, stepsBlock(r.Steps, ""))
	}
	if repeats {
		blocks = append(blocks, slack.NewContextBlock("", mrkdwn(notify.MayRepeat)))
	}
	return blocks
}

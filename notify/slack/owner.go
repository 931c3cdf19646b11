package slack

import (
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

// claimed reports whether somebody is named who answers for the tokens.
func claimed(o audit.OwnerHighlights) bool {
	return o.Contact.Slack != "" || o.Contact.Responsible != "" || o.Key == ""
}

// recipient is whom the message to an owner mentions, and where it is posted.
type recipient struct {
	user    string // Slack ID
	address string // e-mail, not looked up yet
	channel string // in place of the thread
}

// recipientOf is who the configuration says is told. Where that is nobody whom Slack can
// find, the message goes to the fallback channel, or into the thread without one.
func recipientOf(c Config, m notify.Message) recipient {
	o, ok := m.Owner()
	switch {
	case !ok && m.Delivery != unclaimedDelivery:
		return recipient{}
	case !IsRecipient(o.Contact.Slack) && audit.IsAddress(o.Contact.Responsible):
		return recipient{address: o.Contact.Responsible}
	}
	return c.recipient(o.Contact.Slack)
}

// recipient is who has a Slack ID or an address.
func (c Config) recipient(who string) recipient {
	switch {
	case slackUser.MatchString(who):
		return recipient{user: who}
	case slackChannel.MatchString(who):
		return recipient{channel: who}
	case audit.IsAddress(who):
		return recipient{address: who}
	}
	return recipient{channel: c.FallbackChannel}
}

// reach looks up an address, and opens the direct message. A person whom Slack does not know
// is told where the owners are that nobody is configured for.
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
			n.log.Log(ctx, level, "a person is not mentioned", "error", s.asking(err))
			to = recipient{channel: n.config.FallbackChannel}
		default:
			return recipient{}, fmt.Errorf("looking up a person by e-mail: %w", s.asking(err))
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

// ownerBlocks tell new tokens in full and older ones in a line each, as many as fit.
func ownerBlocks(m notify.Message, o audit.OwnerHighlights, to recipient) []slack.Block {
	r := notify.NewOwner(m, o)
	var intro []slack.RichTextSectionElement
	if to.user != "" {
		intro = append(intro, slack.NewRichTextSectionUserElement(to.user, nil), text(" "))
	}
	intro = append(intro, bold(r.Name), text(strings.TrimRight(" "+r.Of, " ")+": "+r.Need))
	parts := []slack.RichTextElement{section(intro...)}
	tail := tailBlock(m, notify.HowToAnswer)
	room := maxBytes - size(parts) - size(tail) - 400 // for what is between, and what is left out
	shown := 0
	for _, t := range r.New {
		full := newToken(t)
		if room -= size(full); room < 0 {
			break
		}
		parts, shown = append(parts, full...), shown+1
	}
	var older []slack.RichTextElement
	for _, t := range r.Older {
		line := olderToken(t)
		if room -= size(line); room < 0 {
			break
		}
		older, shown = append(older, line), shown+1
	}
	if more := r.More(shown); more != "" {
		older = append(older, section(text(more)))
	}
	if len(older) > 0 && len(r.New) > 0 && len(r.Older) > 0 {
		parts = append(parts, section(bold(notify.OlderTitle)))
	}
	if len(older) > 0 {
		parts = append(parts, bullets(older...))
	}
	return []slack.Block{slack.NewRichTextBlock("", parts...), tail}
}

// newToken is a token in full: which one, what was found, why that matters and what to do.
func newToken(t notify.Token) []slack.RichTextElement {
	which := " · " + t.ID + " · in " + t.Where + ", of " + t.Owner
	if t.Due != "" {
		which += " · " + t.Due
	}
	var found []slack.RichTextElement
	for _, f := range t.Found {
		item := []slack.RichTextSectionElement{bold(f.Title)}
		if f.Detail != "" {
			item = append(item, text(": "+f.Detail))
		}
		found = append(found, section(item...))
		if f.Why != "" {
			found = append(found, section(bold("Why it matters: "), text(f.Why)))
		}
		if f.Fix != "" {
			found = append(found, section(bold("How to fix it: "), text(f.Fix)))
		}
		if f.Command != "" {
			found = append(found, section(command(f)...))
		}
	}
	if t.More != "" {
		found = append(found, section(text(t.More)))
	}
	return []slack.RichTextElement{section(bold("New, "+t.Severity+": "+t.Name), text(which)), bullets(found...)}
}

// olderToken is a token in one line.
func olderToken(t notify.Token) slack.RichTextElement {
	line := []slack.RichTextSectionElement{bold(t.Severity), text(" " + t.Name + " · " + t.ID + " · in " + t.Where + ": " + t.Titles())}
	if t.Open != "" {
		line = append(line, text(" · "+t.Open))
	}
	switch {
	case t.Overdue:
		line = append(line, text(" · "), bold(t.Due))
	case t.Due != "":
		line = append(line, text(" · "+t.Due))
	}
	f := t.Worst()
	if f.Fix != "" {
		line = append(line, text(" · "), bold("How to fix it: "), text(f.Fix))
	}
	if f.Command != "" {
		line = append(append(line, text(" · ")), command(f)...)
	}
	return section(line...)
}

func command(f notify.Found) []slack.RichTextSectionElement {
	if f.Before == "" {
		return []slack.RichTextSectionElement{code(f.Command)}
	}
	return []slack.RichTextSectionElement{text(f.Before + ": "), code(f.Command)}
}

// tailBlock says what to do with a message.
func tailBlock(m notify.Message, how string) slack.Block {
	out := []slack.MixedElement{plain(how)}
	if m.Repeats {
		out = append(out, plain(notify.MayRepeat))
	}
	return slack.NewContextBlock("", out...)
}

// maxUnclaimed is how many owners that nobody claims are named.
const maxUnclaimed = 40

// unclaimedBlocks name the owners of whom nobody is known who answers for them in one
// message, as many as fit; each with the worst tokens, of which there are fewer where owners
// would not fit.
func unclaimedBlocks(m notify.Message) []slack.Block {
	u := notify.NewUnclaimed(m, unclaimed(m.Highlights))
	tail := tailBlock(m, notify.HowToName)
	room := maxBytes - size(tail) - 600 // for the beginning, and what is left out
	owners := u.Owners[:min(len(u.Owners), maxUnclaimed)]
	var parts []slack.RichTextElement
	shown := -1
	for _, tokens := range []int{notify.MaxUnclaimedTokens, 2, 1, 0} {
		if shown == len(owners) {
			break
		}
		parts, shown = unclaimedParts(owners, tokens, room)
	}
	if more := u.More(shown); more != "" {
		parts = append(parts, bullets(section(text(more))))
	}
	return []slack.Block{slack.NewRichTextBlock("", append([]slack.RichTextElement{section(bold(u.Title))}, parts...)...), tail}
}

// unclaimedParts are as many of the owners as there is room for, with so many tokens each.
func unclaimedParts(owners []notify.UnclaimedOwner, tokens, room int) (parts []slack.RichTextElement, shown int) {
	for _, o := range owners {
		item := []slack.RichTextElement{bullets(section(bold(o.Name), text(": "+o.Words)))}
		var worst []slack.RichTextElement
		for _, t := range o.Worst[:min(len(o.Worst), tokens)] {
			worst = append(worst, olderToken(t))
		}
		if more := o.More(len(worst)); more != "" && tokens > 0 {
			worst = append(worst, section(text(more)))
		}
		if len(worst) > 0 {
			item = append(item, slack.NewRichTextList(slack.RTEListBullet, 1, worst...))
		}
		if room -= size(item); room < 0 {
			break
		}
		parts, shown = append(parts, item...), shown+1
	}
	return parts, shown
}

// unclaimed are the owners that no reply of their own is for.
func unclaimed(h audit.Highlights) []audit.OwnerHighlights {
	return slices.DeleteFunc(slices.Clone(h.Owners), claimed)
}

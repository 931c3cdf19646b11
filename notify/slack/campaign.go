package slack

import (
	"cmp"
	"context"
	"path"
	"strings"

	"github.com/slack-go/slack"

	"tokenaudit/notify"
)

var _ notify.CampaignNotifier = notifier{}

// Tells reports whether Slack can find the recipient. To a webhook all are the same: it
// names them in its channel.
func (n notifier) Tells(recipient string) bool {
	return !n.config.Webhook.IsZero() || IsRecipient(recipient)
}

// SendCampaign posts a message about a campaign as a direct message, in the channel that is
// the recipient, or else in that of the job, and the workbook into its thread. An attempt
// that posted the message and no workbook is not one that posted nothing.
func (n notifier) SendCampaign(ctx context.Context, m notify.CampaignMessage) (string, error) {
	d := delivery{key: m.Manifest, part: m.Delivery, again: m.Again, since: m.Since, forms: func(to recipient, repeats bool) []Post {
		m.Repeats = repeats
		return n.config.campaignForms(m, to)
	}}
	if !n.config.Webhook.IsZero() {
		return "", n.sendToWebhook(ctx, d)
	}
	s, err := n.open(ctx)
	if err != nil {
		return "", err
	}
	to, err := n.reach(ctx, s, n.config.recipient(m.Recipient))
	if err != nil {
		return "", err
	}
	at, ref, repeats := place{channel: cmp.Or(to.channel, n.config.Channel)}, "", false
	if m.Again {
		var looked bool
		if ref, looked, err = s.findPosted(ctx, d.isIt, d.since, at); err != nil {
			return "", err
		}
		repeats = !looked
	}
	if ref == "" {
		if ref, err = n.post(ctx, s, d, at, d.forms(to, repeats)); err != nil {
			return "", err
		}
	}
	if !n.config.attaches(m) {
		return ref, nil
	}
	s.begun = true
	at.channel, at.thread, _ = strings.Cut(ref, "/")
	name := campaignFile(m)
	if m.Again {
		if there, _, err := s.findPosted(ctx, hasFile(name), d.since, at); there != "" || err != nil {
			return ref, err
		}
	}
	if _, err := s.upload(ctx, at, name, m.Open); err != nil {
		return "", err
	}
	return ref, nil
}

// attaches reports whether the workbook is in the thread.
func (c Config) attaches(m notify.CampaignMessage) bool {
	return bool(c.Upload) && c.Webhook.IsZero() && m.Open != nil
}

func campaignFile(m notify.CampaignMessage) string {
	return notify.Show(path.Base(m.File), 120, "decisions.xlsx")
}

// CampaignPost is a message about a campaign as Slack gets it. A reviewer whom only a request
// to Slack could find is named and not mentioned.
func CampaignPost(c Config, m notify.CampaignMessage) Post {
	return c.campaignForms(m, c.recipient(m.Recipient))[0]
}

// campaignForms are those of a message about a campaign, see forms.
func (c Config) campaignForms(m notify.CampaignMessage, to recipient) []Post {
	note := notify.NewCampaignNote(m, c.attaches(m))
	words := "Campaign: " + note.Plain + "."
	return []Post{{m.Delivery, words, campaignBlocks(m, note, to)}, {m.Delivery, words, nil}}
}

// campaignBlocks say what to decide until when, why and how; of the tokens and reviewers as
// many as fit.
func campaignBlocks(m notify.CampaignMessage, n notify.CampaignNote, to recipient) []slack.Block {
	var intro []slack.RichTextSectionElement
	if to.user != "" {
		intro = append(intro, slack.NewRichTextSectionUserElement(to.user, nil), text(" "))
	}
	if n.For != "" {
		intro = append(intro, bold(n.For), text(" · "))
	}
	if n.Counts != "" {
		intro = append(intro, text(n.Counts+". "))
	}
	parts := []slack.RichTextElement{section(append(intro, text(n.Why))...)}
	var end []slack.RichTextElement
	if n.Left != "" {
		end = append(end, section(bold(n.Left)))
	}
	if len(n.Steps) > 0 {
		var steps []slack.RichTextElement
		for _, step := range n.Steps {
			steps = append(steps, section(text(step)))
		}
		end = append(end, section(bold("How to decide:")), slack.NewRichTextList(slack.RTEListOrdered, 0, steps...))
	}
	room := maxBytes - size(parts) - size(end) - 1000 // for the header, and what is left out
	var items []slack.RichTextElement
	add := func(line *slack.RichTextSection) bool {
		if room -= size(line); room < 0 {
			return false
		}
		items = append(items, line)
		return true
	}
	for _, who := range n.Who {
		if !add(section(text(who))) {
			break
		}
	}
	if more := n.MoreWho(len(items)); more != "" {
		items = append(items, section(text(more)))
	}
	who := len(items)
	for _, t := range n.Worst {
		line := []slack.RichTextSectionElement{bold(t.Severity), text(" " + t.Name + " · " + t.ID + " · in " + t.Where + ", of " + t.Owner)}
		if t.Why != "" {
			line = append(line, text(": "+t.Why))
		}
		if !add(section(line...)) {
			break
		}
	}
	if more := n.More(len(items) - who); more != "" {
		items = append(items, section(text(more)))
	}
	if len(items) > 0 {
		parts = append(parts, bullets(items...))
	}
	blocks := []slack.Block{slack.NewHeaderBlock(plain(notify.Show(n.Title, maxHeader, ""))), slack.NewRichTextBlock("", append(parts, end...)...)}
	if m.Repeats {
		blocks = append(blocks, slack.NewContextBlock("", plain(notify.MayRepeat)))
	}
	return blocks
}

package notify

import (
	"fmt"
	"time"

	"github.com/slack-go/slack"
)

// payload is the body of a post to an incoming webhook. Slack unfurls nothing
// in it, as the false values are sent.
type payload struct {
	Text        string        `json:"text"`
	Blocks      []slack.Block `json:"blocks,omitempty"`
	UnfurlLinks bool          `json:"unfurl_links"`
	UnfurlMedia bool          `json:"unfurl_media"`
}

// fallback is the text of the summary.
func fallback(m Message) string {
	s := m.Summary
	return title(s) + ". " + plural(s.Authorizations.Total, "token") + " in " + plural(len(s.Coverage.Targets), "target") +
		". New findings: " + freshLine(m, 0)
}

// layout puts first what was not seen, then what stands, what changed, what to do,
// and what is new.
func layout(m Message, findings int) []slack.Block {
	p := newPage(m, findings, slackTime)
	blocks := []slack.Block{slack.NewHeaderBlock(plain(p.title)), contextBlock(p)}
	if len(p.unseen) > 0 {
		blocks = append(blocks, unseenBlock(p))
	}
	blocks = append(blocks, levelsBlock(p), slack.NewContextBlock("", mrkdwn(p.changes)))
	if len(p.steps) > 0 {
		blocks = append(blocks, stepsBlock(p.steps, p.moreSteps))
	}
	blocks = append(blocks, slack.NewSectionBlock(mrkdwn("*New findings:* "+p.fresh), nil, nil))
	if len(p.rows) > 0 {
		blocks = append(blocks, tableBlock(p))
	}
	if p.moreOwners != "" {
		blocks = append(blocks, slack.NewContextBlock("", mrkdwn(p.moreOwners)))
	}
	if p.evidence != "" {
		blocks = append(blocks, slack.NewContextBlock("", plain("Evidence: "+p.evidence)))
	}
	return blocks
}

// lineBlocks say in one line that nothing changed.
func lineBlocks(m Message) []slack.Block {
	p := newPage(m, 0, slackTime)
	line := []slack.MixedElement{plain(p.job), mrkdwn(unchanged(m.Summary, slackTime))}
	for _, alarm := range p.alarms {
		line = append(line, mrkdwn("*"+alarm+"*"))
	}
	if p.evidence != "" {
		line = append(line, plain("Evidence: "+p.evidence))
	}
	return []slack.Block{slack.NewContextBlock("", line...)}
}

// slackTime is shown to each reader in their own time zone.
func slackTime(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short} at {time}|%s>", t.Unix(), plainTime(t))
}

func plainTime(t time.Time) string { return t.UTC().Format("Mon 2 Jan 2006 15:04 UTC") }

func plain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

// mrkdwn is parsed by Slack: our words and numbers only.
func mrkdwn(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, false)
}

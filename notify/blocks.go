package notify

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/slack-go/slack"
)

// maxBytes bounds the JSON of all blocks. Slack answers msg_blocks_too_long from
// about 13,200 characters, undocumented and counted in its own way
// (slackapi/bolt-js#2509); bytes of JSON are never fewer than characters.
const maxBytes = 12_500

// Render returns the message as Slack blocks, within every limit of Slack. What
// comes from outside stands only where Slack parses nothing: plain_text, raw_text
// cells and text elements of rich_text. It shows fewer findings if they do not fit.
func Render(m Message) []slack.Block { return layout(m, fit(m)) }

// JSON returns the fallback text and the blocks as they would be posted, indented.
func JSON(m Message) ([]byte, error) {
	data, err := json.MarshalIndent(payload{Text: fallback(m), Blocks: Render(m)}, "", "  ")
	return append(data, '\n'), err
}

// payload is the body of a post to an incoming webhook. Slack unfurls nothing
// in it, as the false values are sent.
type payload struct {
	Text        string        `json:"text"`
	Blocks      []slack.Block `json:"blocks"`
	UnfurlLinks bool          `json:"unfurl_links"`
	UnfurlMedia bool          `json:"unfurl_media"`
}

// fallback is what notifications and screen readers get. Slack parses it, so it
// holds our words and numbers only.
func fallback(m Message) string {
	s := m.Summary
	return title(s) + ". " + plural(s.Authorizations.Total, "token") + " in " + plural(len(s.Coverage.Targets), "target") +
		". New findings: " + freshLine(m, 0)
}

// fit is how many findings the message has room for.
func fit(m Message) int {
	n := len(m.News.Worst)
	for n > 0 && size(layout(m, n)) > maxBytes {
		n--
	}
	return n
}

func size(blocks []slack.Block) int {
	data, err := json.Marshal(blocks)
	if err != nil {
		return maxBytes + 1 // what cannot be encoded fits nowhere
	}
	return len(data)
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
		blocks = append(blocks, stepsBlock(p))
	}
	blocks = append(blocks, slack.NewSectionBlock(mrkdwn("*New findings:* "+p.fresh), nil, nil))
	if len(p.rows) > 0 {
		blocks = append(blocks, tableBlock(p))
	}
	if p.evidence != "" {
		blocks = append(blocks, slack.NewContextBlock("", plain("Evidence: "+p.evidence)))
	}
	return blocks
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

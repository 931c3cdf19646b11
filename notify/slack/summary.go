package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// Post is one delivery as Slack gets it.
type Post struct {
	Delivery string `json:"part"`
	// Text is what notifications and screen readers get. Slack parses it, so it holds
	// our words and numbers only.
	Text string `json:"text"`
	// Blocks keep every limit of Slack. What comes from outside stands only where Slack
	// parses nothing: plain_text, raw_text cells and text elements of rich_text.
	Blocks []slack.Block `json:"blocks,omitempty"`
}

// Posts are all deliveries of a message. Owners that only a request to Slack could
// find are named and not mentioned.
func Posts(c Config, m notify.Message) []Post {
	var posts []Post
	for _, m.Delivery = range c.deliveries(m.Summary, m.Highlights) {
		posts = append(posts, c.forms(m, c.recipient(m))[0])
	}
	return posts
}

// JSON returns all deliveries of a message as they would be posted, indented.
func JSON(c Config, m notify.Message) ([]byte, error) {
	data, err := json.MarshalIndent(Posts(c, m), "", "  ")
	return append(data, '\n'), err
}

// forms are those of a delivery, the richest first, the last one plain text. Slack
// may refuse blocks for reasons that it does not document.
func (c Config) forms(m notify.Message, to recipient) []Post {
	post := func(text string, blocks []slack.Block) Post { return Post{m.Delivery, text, blocks} }
	if o, ok := ownerOf(m); ok {
		text := "InfluxDB token review: " + need(o.Tokens)
		return []Post{post(text, ownerBlocks(m, o, to)), post(text, nil)}
	}
	if m.Delivery != notify.SummaryDelivery {
		return []Post{post("The workbook with all findings", nil)}
	}
	s := m.Summary
	changed := ""
	if len(s.PolicyChanges) > 0 {
		changed = "Policy changed. "
	}
	text := changed + notify.Title(s) + ". " + audit.Plural(s.Authorizations.Total, "token") + " in " + audit.Plural(len(s.Coverage.Targets), "target") +
		". New findings: " + notify.NewFindings(m, 0)
	if c.nothingChanged(s, m.Highlights) {
		return []Post{post(text, quietBlocks(m)), post(text, nil)}
	}
	return []Post{post(text, summaryBlocks(m, roomFor(m))), post(text, summaryBlocks(m, 0)), post(text, nil)}
}

// maxBytes bounds the JSON of all blocks. Slack answers msg_blocks_too_long from
// about 13,200 characters, undocumented and counted in its own way
// (slackapi/bolt-js#2509); bytes of JSON are never fewer than characters.
const maxBytes = 12_500

func fits(blocks []slack.Block) bool {
	data, err := json.Marshal(blocks)
	return err == nil && len(data) <= maxBytes
}

// roomFor is how many findings the summary has room for.
func roomFor(m notify.Message) int {
	n := len(m.Highlights.New)
	for n > 0 && !fits(summaryBlocks(m, n)) {
		n--
	}
	return n
}

// summaryBlocks put first that the policy changed, then what was not seen, what stands,
// what changed, what to do, and what is new: as many findings as are asked for. Of the
// names in it those that do not fit are in the evidence.
func summaryBlocks(m notify.Message, findings int) []slack.Block {
	c := notify.NewContent(m, findings, slackTime)
	blocks := contentBlocks(c)
	for findings == 0 && !fits(blocks) {
		switch {
		case len(c.Changed) > 1:
			c.Changed = shorter(c.Changed)
		case len(c.Retired) > 1:
			c.Retired = shorter(c.Retired)
		case strings.Contains(c.Accepted, ":"):
			c.Accepted, _, _ = strings.Cut(c.Accepted, ":") // without the names
		default:
			for i := range c.Unseen {
				c.Unseen[i] = notify.Show(c.Unseen[i], 90, "")
			}
			return contentBlocks(c)
		}
		blocks = contentBlocks(c)
	}
	return blocks
}

// shorter leaves the last two of a list out, and says so.
func shorter(list []string) []string {
	return append(list[:len(list)-2:len(list)-2], "and more, in the evidence")
}

func contentBlocks(c notify.Content) []slack.Block {
	head := []slack.MixedElement{plain(c.Job)}
	for _, fact := range c.Facts {
		head = append(head, mrkdwn(fact))
	}
	for _, alarm := range c.Alarms {
		head = append(head, mrkdwn("*"+alarm+"*"))
	}
	blocks := []slack.Block{slack.NewHeaderBlock(plain(c.Title))}
	if len(c.Retired) > 0 {
		var lines []slack.MixedElement
		for _, line := range c.Retired {
			lines = append(lines, plain(line))
		}
		blocks = append(blocks, slack.NewContextBlock("", lines...))
	}
	if c.Policy != "" {
		var items []slack.RichTextElement
		for _, change := range c.Changed {
			items = append(items, slack.NewRichTextSection(text(change)))
		}
		blocks = append(blocks, slack.NewSectionBlock(mrkdwn("*"+c.Policy+":*"), nil, nil), slack.NewRichTextBlock("", slack.NewRichTextList(slack.RTEListBullet, 0, items...)))
	}
	blocks = append(blocks, slack.NewContextBlock("", head...))
	if len(c.Unseen) > 0 {
		var items []slack.RichTextElement
		for _, reason := range c.Unseen {
			items = append(items, slack.NewRichTextSection(text(reason)))
		}
		blocks = append(blocks, list(notify.UnseenTitle, items))
	}
	if c.Accepted != "" {
		blocks = append(blocks, slack.NewContextBlock("", plain(c.Accepted)))
	}
	var levels []*slack.TextBlockObject
	for _, l := range c.Levels {
		levels = append(levels, mrkdwn(strings.TrimSpace("*"+l.String()+"* "+l.Change)))
	}
	blocks = append(blocks, slack.NewSectionBlock(mrkdwn(c.Standing), levels, nil), slack.NewContextBlock("", mrkdwn(c.Changes)))
	if len(c.Steps) > 0 {
		blocks = append(blocks, stepsBlock(c.Steps, c.MoreSteps))
	}
	blocks = append(blocks, slack.NewSectionBlock(mrkdwn("*New findings:* "+c.New), nil, nil))
	if len(c.Rows) > 0 {
		blocks = append(blocks, tableBlock(c.Rows))
	}
	if c.MoreOwners != "" {
		blocks = append(blocks, slack.NewContextBlock("", mrkdwn(c.MoreOwners)))
	}
	if c.Evidence != "" {
		blocks = append(blocks, slack.NewContextBlock("", plain("Evidence: "+c.Evidence)))
	}
	return blocks
}

// quietBlocks say in one line that nothing changed.
func quietBlocks(m notify.Message) []slack.Block {
	c := notify.NewContent(m, 0, slackTime)
	line := []slack.MixedElement{plain(c.Job), mrkdwn(notify.Unchanged(m.Summary, slackTime))}
	for _, alarm := range c.Alarms {
		line = append(line, mrkdwn("*"+alarm+"*"))
	}
	if c.Evidence != "" {
		line = append(line, plain("Evidence: "+c.Evidence))
	}
	return []slack.Block{slack.NewContextBlock("", line...)}
}

func tableBlock(rows [][]string) slack.Block {
	table := slack.NewTableBlock("")
	for _, row := range append([][]string{notify.Columns()}, rows...) {
		var cells []slack.TableCell
		for _, text := range row {
			cells = append(cells, slack.NewTableRawTextCell(text))
		}
		table.AddRow(cells...)
	}
	narrow := slack.ColumnSetting{Align: slack.ColumnAlignmentLeft}
	wrapped := slack.ColumnSetting{Align: slack.ColumnAlignmentLeft, IsWrapped: true}
	return table.WithColumnSettings(narrow, wrapped, wrapped, wrapped, wrapped, wrapped)
}

func stepsBlock(steps []notify.Step, more string) slack.Block {
	var items []slack.RichTextElement
	for _, s := range steps {
		items = append(items, slack.NewRichTextSection(bold(s.Check+": "), text(s.Fix)))
	}
	if more != "" {
		items = append(items, slack.NewRichTextSection(text(more)))
	}
	return list(notify.StepsTitle, items)
}

func list(title string, items []slack.RichTextElement) slack.Block {
	return slack.NewRichTextBlock("", slack.NewRichTextSection(bold(title)), slack.NewRichTextList(slack.RTEListBullet, 0, items...))
}

// slackTime is shown to each reader in their own time zone.
func slackTime(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short} at {time}|%s>", t.Unix(), notify.PlainTime(t))
}

func plain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

// mrkdwn is parsed by Slack: our words and numbers only.
func mrkdwn(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, false)
}

func text(s string) slack.RichTextSectionElement { return slack.NewRichTextSectionTextElement(s, nil) }

func bold(s string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(s, &slack.RichTextSectionTextStyle{Bold: true})
}

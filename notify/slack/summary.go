package slack

import (
	"encoding/json"
	"strings"

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
	// parses nothing: plain_text and text elements of rich_text.
	Blocks []slack.Block `json:"blocks,omitempty"`
}

// Posts are all deliveries of a message. Owners that only a request to Slack could
// find are named and not mentioned.
func Posts(c Config, m notify.Message) []Post {
	var posts []Post
	for _, m.Delivery = range c.deliveries(m.Summary, m.Highlights) {
		posts = append(posts, c.forms(m, recipientOf(c, m))[0])
	}
	return posts
}

// forms are those of a delivery, the richest first, the last one plain text. Slack
// may refuse blocks for reasons that it does not document.
func (c Config) forms(m notify.Message, to recipient) []Post {
	review := strings.TrimSuffix(notify.Title(m.Summary), m.Summary.Headline())
	words := notify.Title(m.Summary) + "."
	if changed := notify.Changed(m.Summary); changed != "" {
		words += " " + changed
	}
	var blocks []slack.Block
	switch o, ok := m.Owner(); {
	case ok:
		words, blocks = review+notify.Need(m, o), ownerBlocks(m, o, to)
	case m.Delivery == serversDelivery:
		words, blocks = review+audit.Plural(m.Summary.NeedsAction.Server, "server finding"), serverBlocks(m)
	case m.Delivery == unclaimedDelivery:
		words, blocks = review+"owners without a contact", unclaimedBlocks(m)
	case m.Delivery != notify.SummaryDelivery:
		return []Post{{m.Delivery, "The workbook with all findings", nil}}
	case c.nothingChanged(m.Summary):
		blocks = quietBlocks(m)
	default:
		blocks = summaryBlocks(m)
	}
	return []Post{{m.Delivery, words, blocks}, {m.Delivery, words, nil}}
}

// maxBytes bounds the JSON of all blocks. Slack answers msg_blocks_too_long from
// about 13,200 characters, undocumented and counted in its own way
// (slackapi/bolt-js#2509); bytes of JSON are never fewer than characters.
const maxBytes = 12_500

// size is the length of a part of blocks as JSON, with what separates it from the next.
func size(part any) int {
	data, err := json.Marshal(part)
	if err != nil {
		return maxBytes
	}
	return len(data) + 1
}

// maxLines is how many lines the summary has, the header among them: what is read at once.
const maxLines = 8

// summaryBlocks are the header and the lines. Names that do not fit are cut, then lines are
// left out and counted; remedies are whole.
func summaryBlocks(m notify.Message) []slack.Block {
	c := notify.NewContent(m, maxLines)
	blocks := contentBlocks(m, c)
	for _, most := range []struct{ text, lines int }{{600, maxLines}, {300, maxLines}, {150, maxLines}, {150, 2}} {
		if size(blocks) <= maxBytes {
			break
		}
		c = notify.NewContent(m, most.lines)
		for i := range c.Lines {
			c.Lines[i].Text = notify.Show(c.Lines[i].Text, most.text, "")
		}
		blocks = contentBlocks(m, c)
	}
	return blocks
}

// maxHeader is how many characters a header block takes.
const maxHeader = 150

func contentBlocks(m notify.Message, c notify.Content) []slack.Block {
	if len([]rune(c.Title)) > maxHeader {
		c.Title = notify.Show(m.Summary.Headline(), maxHeader, "")
	}
	var lines []slack.RichTextElement
	for _, l := range c.Lines {
		line := []slack.RichTextSectionElement{bold(l.Label), text("  " + l.Text)}
		if l.Label == "" {
			line = []slack.RichTextSectionElement{text("• " + l.Text)}
		}
		if l.Fix != "" {
			line = append(line, text(". "), bold("How to fix it: "), text(l.Fix))
		}
		if l.More != "" {
			line = append(line, text(l.More))
		}
		lines = append(lines, section(line...))
	}
	return []slack.Block{
		slack.NewHeaderBlock(plain(c.Title)),
		slack.NewRichTextBlock("", append(lines, withEvidence(c, " · ", text(strings.Join(c.Facts, " · "))))...),
	}
}

// withEvidence adds to a line where the reports are.
func withEvidence(c notify.Content, between string, line ...slack.RichTextSectionElement) *slack.RichTextSection {
	switch {
	case c.Link != "":
		line = append(line, text(between), slack.NewRichTextSectionLinkElement(c.Link, "Evidence", nil))
	case c.Evidence != "":
		line = append(line, text(between+"Evidence: "+c.Evidence))
	}
	return section(line...)
}

func serversTitle(m notify.Message) string {
	if n := m.Summary.NeedsAction.Server; n != 1 {
		return "Servers: " + audit.Number(n) + " findings about no single token need action"
	}
	return "Servers: 1 finding about no single token needs action"
}

// serverBlocks tell what was found in servers, worst first, as much as fits: on which target, what
// and how to fix it.
func serverBlocks(m notify.Message) []slack.Block {
	all, more := notify.NewServerFindings(m)
	parts := []slack.RichTextElement{section(bold(serversTitle(m)))}
	room := maxBytes - size(parts) - 400 // for what is between, and what is left out
	var found []slack.RichTextElement
	for _, f := range all {
		item := []slack.RichTextSectionElement{bold(f.Severity), text(" " + f.Words())}
		if f.Fix != "" {
			item = append(item, text(" · "), bold("How to fix it: "), text(f.Fix))
		}
		line := section(item...)
		if room -= size(line); room < 0 {
			more = "and more, see the evidence"
			break
		}
		found = append(found, line)
	}
	if more != "" {
		found = append(found, section(text(more)))
	}
	blocks := []slack.Block{slack.NewRichTextBlock("", append(parts, bullets(found...))...)}
	if m.Repeats {
		blocks = append(blocks, slack.NewContextBlock("", plain(notify.MayRepeat)))
	}
	return blocks
}

// quietBlocks say in one line that nothing changed.
func quietBlocks(m notify.Message) []slack.Block {
	c := notify.NewContent(m, maxLines)
	line := []slack.RichTextSectionElement{bold(c.Job), text("  " + notify.Unchanged(m))}
	if m.Repeats {
		line = append(line, text(" Note: "+notify.MayRepeat+"."))
	}
	return []slack.Block{slack.NewRichTextBlock("", withEvidence(c, " ", line...))}
}

func section(parts ...slack.RichTextSectionElement) *slack.RichTextSection {
	return slack.NewRichTextSection(parts...)
}

func bullets(items ...slack.RichTextElement) slack.RichTextElement {
	return slack.NewRichTextList(slack.RTEListBullet, 0, items...)
}

func plain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

func text(s string) slack.RichTextSectionElement { return slack.NewRichTextSectionTextElement(s, nil) }

func bold(s string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(s, &slack.RichTextSectionTextStyle{Bold: true})
}

func code(s string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(s, &slack.RichTextSectionTextStyle{Code: true})
}

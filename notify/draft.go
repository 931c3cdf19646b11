package notify

import (
	"encoding/json"

	"github.com/slack-go/slack"
)

// Post is one part of a message as Slack gets it.
type Post struct {
	Part string `json:"part"`
	// Text is what notifications and screen readers get. Slack parses it, so it holds
	// our words and numbers only.
	Text string `json:"text"`
	// Blocks keep every limit of Slack. What comes from outside stands only where Slack
	// parses nothing: plain_text, raw_text cells and text elements of rich_text.
	Blocks []slack.Block `json:"blocks,omitempty"`
}

// Posts are all parts of a message. Owners that only a request to Slack could find
// are named and not mentioned.
func Posts(c Config, m Message) []Post {
	var posts []Post
	for _, m.Part = range c.parts(m.Summary, m.News) {
		posts = append(posts, c.drafts(m, c.claim(m))[0])
	}
	return posts
}

// JSON returns all parts of a message as they would be posted, indented.
func JSON(c Config, m Message) ([]byte, error) {
	data, err := json.MarshalIndent(Posts(c, m), "", "  ")
	return append(data, '\n'), err
}

// drafts are forms of a part, the richest first, the last one plain text. Slack may
// refuse blocks for reasons that it does not document.
func (c Config) drafts(m Message, to addressee) []Post {
	if o, ok := m.owner(); ok {
		text := ownerText(o)
		return []Post{{m.Part, text, renderOwner(m, o, to)}, {m.Part, text, nil}}
	}
	switch {
	case m.Part != partSummary:
		return []Post{{m.Part, "The workbook with all findings", nil}}
	case c.oneLine(m.Summary, m.News):
		return []Post{{m.Part, fallback(m), lineBlocks(m)}, {m.Part, fallback(m), nil}}
	}
	n := fit(m)
	return []Post{{m.Part, fallback(m), layout(m, n)}, {m.Part, fallback(m), layout(m, 0)}, {m.Part, fallback(m), nil}}
}

// maxBytes bounds the JSON of all blocks. Slack answers msg_blocks_too_long from
// about 13,200 characters, undocumented and counted in its own way
// (slackapi/bolt-js#2509); bytes of JSON are never fewer than characters.
const maxBytes = 12_500

// fit is how many findings the summary has room for.
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

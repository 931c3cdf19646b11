package notify

import (
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"tokenaudit/jobs/audit"
)

// ownerPage is what the message to one owner says, before it becomes blocks or
// text. All of it is bounded; names are made visible.
type ownerPage struct {
	to      addressee
	name    string
	need    string
	repeats string
	tokens  []tokenLine
	more    string
	steps   []step
}

type tokenLine struct {
	severity string
	text     string // name
}

// newOwnerPage words what an owner has to look at, with the first tokens.
func newOwnerPage(m Message, o audit.OwnerNews, to addressee, tokens int) ownerPage {
	p := ownerPage{to: to, name: named(o.Owner), need: need(o.Tokens)}
	if m.repeats {
		p.repeats = mayRepeat
	}
	targets := len(m.Summary.Coverage.Targets)
	for _, h := range o.Worst[:tokens] {
		r := h.Record
		p.tokens = append(p.tokens, tokenLine{
			severity: shown(string(h.Findings[0].Severity), 10, "unrated"),
			text:     fmt.Sprintf("%s, in %s, age %s: %s", token(r), org(r, targets), age(m.Summary.Started, r.CreatedAt), findings(h.Findings)),
		})
	}
	if more := o.Tokens - tokens; more > 0 {
		p.more = "and " + plural(more, "more token") + ", in the evidence"
	}
	p.steps = ownerSteps(o.Worst)
	return p
}

func need(tokens int) string {
	if tokens == 1 {
		return "1 token needs a look"
	}
	return fmt.Sprintf("%d tokens need a look", tokens)
}

// ownerText is the text of the message to an owner.
func ownerText(o audit.OwnerNews) string {
	return "InfluxDB token review: " + need(o.Tokens)
}

// ownerSteps tells what to do about what an owner's tokens show, worst first.
func ownerSteps(worst []audit.Highlight) []step {
	var steps []step
	for _, h := range worst {
		for _, f := range h.Findings {
			check := audit.CheckOf(f.Check)
			s := step{shown(check.Title, 60, "unknown check"), shown(check.Fix, 300, "see the evidence")}
			if len(steps) < maxSteps && !slices.Contains(steps, s) {
				steps = append(steps, s)
			}
		}
	}
	return steps
}

// renderOwner shows fewer tokens if they do not fit.
func renderOwner(m Message, o audit.OwnerNews, to addressee) []slack.Block {
	n := len(o.Worst)
	blocks := ownerBlocks(newOwnerPage(m, o, to, n))
	for n > 0 && size(blocks) > maxBytes {
		n--
		blocks = ownerBlocks(newOwnerPage(m, o, to, n))
	}
	return blocks
}

func ownerBlocks(p ownerPage) []slack.Block {
	intro := []slack.RichTextSectionElement{bold(p.name), words(": " + p.need)}
	if p.to.user != "" {
		intro = append([]slack.RichTextSectionElement{slack.NewRichTextSectionUserElement(p.to.user, nil), words(" ")}, intro...)
	}
	var items []slack.RichTextElement
	for _, t := range p.tokens {
		items = append(items, slack.NewRichTextSection(bold(t.severity), words(" "+t.text)))
	}
	if p.more != "" {
		items = append(items, slack.NewRichTextSection(words(p.more)))
	}
	blocks := []slack.Block{slack.NewRichTextBlock("", slack.NewRichTextSection(intro...), slack.NewRichTextList(slack.RTEListBullet, 0, items...))}
	if len(p.steps) > 0 {
		blocks = append(blocks, stepsBlock(p.steps, ""))
	}
	if p.repeats != "" {
		blocks = append(blocks, slack.NewContextBlock("", mrkdwn(p.repeats)))
	}
	return blocks
}

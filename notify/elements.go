package notify

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"
)

func contextBlock(p page) slack.Block {
	elements := []slack.MixedElement{plain(p.job)}
	for _, fact := range p.facts {
		elements = append(elements, mrkdwn(fact))
	}
	for _, alarm := range p.alarms {
		elements = append(elements, mrkdwn("*"+alarm+"*"))
	}
	return slack.NewContextBlock("", elements...)
}

const unseenTitle = "Not seen, so not covered by this evidence"

func unseenBlock(p page) slack.Block {
	var items []slack.RichTextElement
	for _, reason := range p.unseen {
		items = append(items, slack.NewRichTextSection(words(reason)))
	}
	return richList(unseenTitle, items)
}

const stepsTitle = "What to do"

func stepsBlock(steps []step, more string) slack.Block {
	var items []slack.RichTextElement
	for _, s := range steps {
		items = append(items, slack.NewRichTextSection(bold(s.check+": "), words(s.fix)))
	}
	if more != "" {
		items = append(items, slack.NewRichTextSection(words(more)))
	}
	return richList(stepsTitle, items)
}

func richList(title string, items []slack.RichTextElement) slack.Block {
	return slack.NewRichTextBlock("",
		slack.NewRichTextSection(bold(title)),
		slack.NewRichTextList(slack.RTEListBullet, 0, items...))
}

func levelsBlock(p page) slack.Block {
	var fields []*slack.TextBlockObject
	for _, l := range p.levels {
		text := fmt.Sprintf("*%s %d* %s", capital(l.severity), l.count, l.change)
		fields = append(fields, mrkdwn(strings.TrimSpace(text)))
	}
	return slack.NewSectionBlock(mrkdwn(p.standing), fields, nil)
}

func tableBlock(p page) slack.Block {
	table := slack.NewTableBlock("").AddRow(cells(columns())...)
	for _, row := range p.rows {
		table.AddRow(cells(row)...)
	}
	narrow := slack.ColumnSetting{Align: slack.ColumnAlignmentLeft}
	wrapped := slack.ColumnSetting{Align: slack.ColumnAlignmentLeft, IsWrapped: true}
	return table.WithColumnSettings(narrow, wrapped, wrapped, wrapped, wrapped, wrapped)
}

func cells(row []string) []slack.TableCell {
	var out []slack.TableCell
	for _, text := range row {
		out = append(out, slack.NewTableRawTextCell(text))
	}
	return out
}

func words(text string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(text, nil)
}

func bold(text string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(text, &slack.RichTextSectionTextStyle{Bold: true})
}

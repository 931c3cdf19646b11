package campaign

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/table"
)

// guide is the sheet that says what to do with the other one.
type guide struct {
	*book
	*excelize.StreamWriter
	widths []float64
	rows   int
	err    error // the first one
}

func (b *book) writeHowTo(c campaign.Campaign, reviewer string, rows int) error {
	if _, err := b.NewSheet(sheetHowTo); err != nil {
		return err
	}
	g := guide{book: b, widths: []float64{17, 64, 52}}
	if g.StreamWriter, g.err = b.open(sheetHowTo, 1, g.widths, nil); g.err != nil {
		return g.err
	}
	due := moment(c, c.Due)
	g.row(28, title, "Access review "+c.Name)
	g.row(20, subtitle, "For "+audit.Line(reviewer, 200)+": "+audit.Plural(rows, "row")+", to decide until "+due)
	g.head("What to do")
	g.say("1. Decide", "On the sheet "+sheetReview+", choose a decision in the first column of each row. You can sort and filter.")
	g.say("2. Save", "Save the file as .xlsx. CSV is accepted, too.")
	g.put(0, []role{label, mono, paragraph}, "3. Sign", "ssh-keygen -Y sign -n tokenaudit-review -f KEY FILE", "KEY is your SSH key, FILE the saved file. The signature is written to FILE.sig. Do not save the file again after this.")
	g.say("4. Send", "Send FILE and FILE.sig to the person who sent you the file.", "Without a signature the file is a draft. Its decisions do not count yet.")
	g.head("Decision", "What it means", "What it needs")
	g.say(string(campaign.Keep), "The token is needed, with all that it may do.", "For severity critical and high, a justification. If it is needed for a limited time, the last day.")
	g.say(string(campaign.Revoke), "The token is not needed. It has to be deleted"+within(c)+".", ticket(c, "Nothing more. A justification helps those who delete it."))
	g.say(string(campaign.Modify), "The token may do too much. A new one that may do less replaces it, in the same time.", ticket(c, "A justification, and what the new token may do."))
	g.say(string(campaign.NotMine), "Somebody else has to decide.", "Nothing more. A name in the justification helps.")
	g.head("Rules")
	g.say("Your columns", "Decision, Justification, Until or new scope, and Ticket are yours. All others are facts of "+moment(c, c.Opened)+".", "A row whose facts or hidden columns were changed is refused. The other rows are taken.")
	g.say("Your own tokens", "Nobody decides on a token of their own, or one that they are responsible for. Choose "+string(campaign.NotMine)+".")
	g.say("Several tokens", "A row may stand for several tokens of one owner. One decision is for all of them.")
	g.say("Open rows", "A row without a decision stays open, and is overdue after "+due+".", "You can send the file again. Until you sign, your newest decisions count.")
	g.say("Formulas", "Write text. A formula is not a decision.")
	g.head("Why it matters")
	g.say("Tokens", "A token works for anyone who has it until it is deleted.", "It has no second factor and does not expire.")
	g.say("Evidence", "Your signed file is kept as evidence. Later reviews prove whether revoked tokens are gone.")
	if c.Basis != "" {
		g.say("Basis", audit.Line(c.Basis, 500))
	}
	g.say("Facts from", audit.Line(c.Run, 200))
	if g.err != nil {
		return g.err
	}
	return g.Flush()
}

// head begins a section.
func (g *guide) head(texts ...string) {
	g.row(8, subtitle)
	g.row(22, section, texts...)
}

// say is a label and what it is about.
func (g *guide) say(texts ...string) { g.put(0, []role{label, paragraph, paragraph}, texts...) }

func (g *guide) row(height float64, r role, texts ...string) {
	g.put(height, []role{r, r, r}, texts...)
}

// put writes a row, as high as its texts need if height is 0.
func (g *guide) put(height float64, roles []role, texts ...string) {
	g.rows++
	row, lines := make([]any, len(roles)), 1
	for i, r := range roles {
		text := ""
		if i < len(texts) {
			text = inert(texts[i])
		}
		var err error
		row[i], err = g.cell(text, look{role: r, wrap: r == paragraph})
		g.err = errors.Join(g.err, err)
		if r == paragraph {
			lines = max(lines, table.LinesIn(text, g.widths[i], 9))
		}
	}
	g.err = errors.Join(g.err, g.SetRow("A"+strconv.Itoa(g.rows), row, excelize.RowOpts{Height: cmp.Or(height, 6+13*float64(lines))}))
}

// moment is a time in the zone of the campaign, for people.
func moment(c campaign.Campaign, t time.Time) string {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2 January 2006, 15:04 MST")
}

// within says in which time a token is deleted, by severity.
func within(c campaign.Campaign) string {
	var spans []string
	for _, s := range append(audit.Severities(), "default") {
		seconds, ok := c.RevokeWithin[string(s)]
		if !ok {
			continue
		}
		words := audit.SpanWords(time.Duration(seconds) * time.Second)
		switch {
		case s != "default":
			words += " for " + string(s)
		case len(c.RevokeWithin) > 1:
			words += " for others"
		}
		spans = append(spans, words)
	}
	if len(spans) == 0 {
		return ""
	}
	return " within " + strings.Join(spans, ", ")
}

func ticket(c campaign.Campaign, needs string) string {
	if c.TicketRequired {
		return needs + " A ticket."
	}
	return needs
}

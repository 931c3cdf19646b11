package slack

import (
	"cmp"
	_ "embed"
	"regexp"
	"strings"
	"text/template"
	"unicode/utf8"

	wrap "github.com/jedib0t/go-pretty/v6/text"

	"tokenaudit/notify"
)

//go:embed preview.tmpl
var preview string

// Text draws all deliveries of a message for a terminal, in the order in which
// Slack shows them. The only escape sequences in it are its own, and those only
// with color.
func Text(c Config, m notify.Message, color bool) string {
	var out strings.Builder
	for _, m.Delivery = range c.deliveries(m.Summary, m.Highlights) {
		name, data := "file", any(fileName(m, strings.TrimPrefix(m.Delivery, fileDelivery)))
		to := recipientOf(c, m)
		where := notify.Show(cmp.Or(to.user, to.address, to.channel), 80, "") // in place of the thread
		o, isOwner := m.Owner()
		switch {
		case isOwner:
			name, data = "owner", map[string]any{"Owner": notify.NewOwner(m, o), "Where": where, "Shown": len(o.Worst), "OlderTitle": notify.OlderTitle, "Answer": notify.HowToAnswer}
		case m.Delivery == serversDelivery:
			all, more := notify.NewServerFindings(m)
			name, data = "servers", map[string]any{"Title": serversTitle(m), "All": all, "More": more}
		case m.Delivery == unclaimedDelivery:
			u := notify.NewUnclaimed(m, unclaimed(m.Highlights))
			shown := min(len(u.Owners), maxUnclaimed)
			name, data = "unclaimed", map[string]any{"Unclaimed": u, "Owners": u.Owners[:shown], "Shown": shown, "Where": where, "Name": notify.HowToName}
		case c.nothingChanged(m.Summary):
			name, data = "quiet", map[string]any{"Content": notify.NewContent(m, maxLines), "Unchanged": notify.Unchanged(m)}
		case m.Delivery == notify.SummaryDelivery:
			name, data = "summary", notify.NewContent(m, maxLines)
		}
		draw(&out, name, data)
	}
	return styled(out.String(), color)
}

// CampaignText draws a message about a campaign as Text does.
func CampaignText(c Config, m notify.CampaignMessage, color bool) string {
	to, file := c.recipient(m.Recipient), ""
	if c.attaches(m) {
		file = campaignFile(m)
	}
	var out strings.Builder
	draw(&out, "campaign", map[string]any{"Note": notify.NewCampaignNote(m, file != ""), "Where": notify.Show(cmp.Or(to.user, to.address, to.channel), 80, ""), "File": file})
	return styled(out.String(), color)
}

func draw(out *strings.Builder, name string, data any) {
	t := template.Must(template.New("preview").Funcs(template.FuncMap{"bold": bolded, "alarm": alarmed, "join": strings.Join}).Parse(preview))
	if err := t.ExecuteTemplate(out, name, data); err != nil {
		panic(err) // the template is at fault
	}
}

// styled has the styles of a terminal in place of their marks.
func styled(text string, color bool) string {
	styles := strings.NewReplacer(boldOn, "", alarmOn, "", styleOff, "")
	if color {
		styles = strings.NewReplacer(boldOn, "\x1b[1m", alarmOn, "\x1b[1;31m", styleOff, "\x1b[0m") // ANSI SGR parameters
	}
	return styles.Replace(wrapped(text))
}

// Marks of styles, which take no room while lines are broken. Names cannot hold any, as
// control characters are made visible in them.
const (
	boldOn   = "\x01"
	alarmOn  = "\x02"
	styleOff = "\x03"
)

func bolded(text string) string  { return boldOn + text + styleOff }
func alarmed(text string) string { return alarmOn + text + styleOff }

// width is how long a line is at most: what every terminal shows.
const width = 78

// mark is what begins a line; what follows a break is indented as far.
var mark = regexp.MustCompile(`^ *([•→$] )?`)

// ending is the spaces at the end of a line, before the end of a style too.
var ending = regexp.MustCompile(` +(\x03?)$`)

// wrapped breaks lines, but for commands, and leaves out the spaces at the ends.
func wrapped(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		begin := mark.FindString(line)
		indent := utf8.RuneCountInString(begin)
		if !strings.HasSuffix(begin, "$ ") {
			line = begin + strings.ReplaceAll(wrap.WrapSoft(line[len(begin):], width-indent), "\n", "\n"+strings.Repeat(" ", indent))
		}
		for part := range strings.SplitSeq(line, "\n") {
			out = append(out, ending.ReplaceAllString(part, "$1"))
		}
	}
	return strings.Join(out, "\n")
}

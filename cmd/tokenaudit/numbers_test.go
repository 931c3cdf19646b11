package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/metrics"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/target"
	"tokenaudit/notify"
	"tokenaudit/notify/email"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
	"tokenaudit/notify/webhook"
	"tokenaudit/report"
)

// TestSameNumbers: whatever says how a review went says the same numbers. They are read from
// what each output shows, by the words that stand there.
func TestSameNumbers(t *testing.T) {
	t.Parallel()
	campaigns := []string{undecided, decidable, lateRevocations, doneRevocations, namedLate, namedProven}
	unsaid := map[string][]string{ // Slack names what is overdue if anything is
		"headline": append(campaigns, overdueOnes, activeWrite), "slack": {overdueOnes}, "history list": append(campaigns, activeWrite), "metrics": campaigns, "ping": campaigns,
	}
	for name, population := range map[string]func(*testing.T) (*app, notify.Message){
		"a small first review": smallReview, "the second review of the demo": demoReview, "3,000 tokens, three reviews": largeReview, "with campaigns": campaignReview,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, m := population(t)
			want := countedNumbers(t, a, m)
			t.Logf("%s: %v", m.Summary.Headline(), want)
			owned := 0
			for _, o := range m.Highlights.Owners {
				owned += o.Tokens
			}
			if owned != want[needAction] {
				t.Errorf("the owners have %d tokens, want %d", owned, want[needAction])
			}
			for output, got := range shownNumbers(t, a, m) {
				for number, n := range got {
					if n != want[number] {
						t.Errorf("%s: %s %d, want %d", output, number, n, want[number])
					}
				}
				say := []string{needAction, overdueOnes, activeWrite}
				if m.Summary.Previous != nil {
					say = append(say, newOnes, fixed)
				}
				if len(m.Summary.Campaigns) > 0 {
					say = append(say, campaigns...)
				}
				for _, number := range say {
					if _, said := got[number]; !said && !slices.Contains(unsaid[output], number) {
						t.Errorf("%s does not say %q: %v", output, number, got)
					}
				}
			}
		})
	}
}

// TestNoNumbers: where nothing could be read, no output counts active write tokens.
func TestNoNumbers(t *testing.T) {
	t.Parallel()
	db := influxtest.New(influxtest.OSS)
	db.AddOrg("acme")
	_, m := reviewedAll(t, []target.Config{{Name: "prod", URL: served(t, db), Org: "acme", Token: secret.InMemory("of another server")}}, func(*app) time.Time { return firstMonday })
	var terminal bytes.Buffer
	printSummary(&terminal, m, nil, 80, false)
	posts, err := json.Marshal(slack.Posts(slack.Config{Channel: "C0123456789"}, m))
	if err != nil {
		t.Fatal(err)
	}
	mails, err := email.Preview(email.Config{To: []string{"a@example.com"}}, m)
	if err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenFile(filepath.Join(m.Location, "review.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	var cells strings.Builder
	for _, sheet := range book.GetSheetList() {
		rows, err := book.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			cells.WriteString(strings.Join(row, " ") + "\n")
		}
	}
	for output, text := range map[string]string{
		"terminal": terminal.String(), "slack": string(posts), "mail as text": mails[0].Text, "mail as HTML": mails[0].HTML, "page": fileOf(t, m, "report.html"), "workbook": cells.String(),
	} {
		if !strings.Contains(text, "Active write tokens: not known") {
			t.Errorf("%s does not say that the active write tokens are not known", output)
		}
		if writeWords.MatchString(text) {
			t.Errorf("%s says %q", output, writeWords.FindString(text))
		}
	}
}

// TestNoZeros: where nothing could be read after a review that saw something, no output says
// that nothing is new, fixed or gone.
func TestNoZeros(t *testing.T) {
	t.Parallel()
	db := influxtest.New(influxtest.OSS)
	db.Now = func() time.Time { return firstMonday.AddDate(0, 0, -10) }
	org, user := db.AddOrg("acme"), db.AddUser("alice")
	db.AddMember(org, user)
	_, token := db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: user, Description: "audit", Permissions: influxtest.AuditorPermissions(org)})
	db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: user, Description: "everything", Permissions: influxtest.AllAccess(org, user)})
	_, m := reviewedAll(t, []target.Config{{Name: "prod", URL: served(t, db), Org: "acme", Token: secret.InMemory(token)}},
		func(*app) time.Time { return firstMonday },
		func(*app) time.Time {
			db.Fault = func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(http.StatusInternalServerError)
				return true
			}
			return firstMonday.AddDate(0, 0, 7)
		})
	s := m.Summary
	if s.Coverage.Verdict != audit.NotKnown || s.NeedsAction.Tokens == 0 || s.Previous == nil {
		t.Fatalf("%s: want tokens of the review before, and nothing read", s.Headline())
	}
	list := ledger.Entry{Run: s.Run(), Summary: &s}
	if h := historyRunOf(list); h.New != nil || h.Fixed != nil || h.Overdue == nil || h.High != nil || h.NeedAction == nil {
		t.Errorf("history list --json: new %v, fixed %v, high %v, want null; overdue %v, needs_action %v, want numbers", h.New, h.Fixed, h.High, h.Overdue, h.NeedAction)
	}
	var terminal bytes.Buffer
	printSummary(&terminal, m, nil, 0, false)
	book, err := excelize.OpenFile(filepath.Join(m.Location, "review.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows("Summary")
	if err != nil {
		t.Fatal(err)
	}
	var cells strings.Builder
	for _, row := range rows {
		cells.WriteString(strings.Join(strings.Fields(strings.Join(row, " ")), " ") + "\n")
	}
	mails, err := email.Preview(email.Config{To: []string{"a@example.com"}}, m)
	if err != nil {
		t.Fatal(err)
	}
	posts, err := json.Marshal(slack.Posts(slack.Config{Channel: "C0123456789"}, m))
	if err != nil {
		t.Fatal(err)
	}
	const writes = `Active write tokens 1: \? new, \? gone`
	for output, want := range map[string]struct{ text, pattern string }{
		"history list":        {runTable(listed(list), 0, false), ` 2 +1 +\? +\? +1 +1 +\? `},
		"terminal, inventory": {terminal.String(), writes},
		"terminal, decide":    {terminal.String(), `high +all-access +1 +\? +\? `},
		"terminal, who":       {terminal.String(), `alice \(state unknown\) +1 +\? +1 `},
		"terminal, compared":  {terminal.String(), `which tokens are new or gone is not known`},
		"slack":               {string(posts), writes},
		"mail as text":        {mails[0].Text, writes},
		"mail as HTML":        {mails[0].HTML, writes},
		"page":                {fileOf(t, m, "report.html"), writes},
		"workbook, writes":    {cells.String(), `\? new, \? gone`},
		"workbook, decide":    {cells.String(), `high 1 \? \? `},
		"ping":                {runner.PingText(s), `action 1, new \?, fixed \?, overdue 1\n` + writes},
	} {
		if !regexp.MustCompile(want.pattern).MatchString(want.text) {
			t.Errorf("%s: want %s in\n%s", output, want.pattern, want.text[:min(len(want.text), 3000)])
		}
	}
}

// The numbers, by what they count.
const (
	needAction  = "tokens that need action"
	newOnes     = "new"
	fixed       = "fixed"
	overdueOnes = "overdue"
	activeWrite = "active write tokens"
	newWrites   = "new active write tokens"
	goneWrites  = "gone active write tokens"

	undecided       = "undecided items of the campaign"
	decidable       = "items of the campaign"
	lateRevocations = "overdue revocations"
	doneRevocations = "done revocations of the campaign that is closed"
	namedLate       = "overdue revocations that are named"
	namedProven     = "proven revocations that are named"
)

type numbers map[string]int

// countedNumbers are counted here, from the records of the review.
func countedNumbers(t *testing.T, a *app, m notify.Message) numbers {
	t.Helper()
	s, want := m.Summary, numbers{needAction: 0, newOnes: 0, fixed: 0, overdueOnes: 0, activeWrite: 0, newWrites: 0, goneWrites: 0}
	if len(s.Campaigns) > 0 { // as they were made
		maps.Copy(want, numbers{undecided: 31, decidable: 243, lateRevocations: 2, doneRevocations: 2, namedLate: 2, namedProven: 1})
	}
	for r, err := range (&runner.Runner{Snapshots: a.snapshots}).Rows(t.Context(), s) {
		if err != nil {
			t.Fatal(err)
		}
		needs := false
		overdue := false
		for _, f := range r.Findings {
			if f.Check == "active-write" {
				want[activeWrite] += oneIf(f.State != audit.Resolved && f.State != audit.NotJudged)
				want[newWrites] += oneIf((f.State == audit.New || f.State == audit.Reopened) && s.Previous != nil)
				want[goneWrites] += oneIf(f.State == audit.Resolved && f.Since.Equal(s.Started))
			}
			stands := f.State == audit.New || f.State == audit.Open || f.State == audit.Reopened || f.State == audit.ByPolicy
			late := stands && !f.Due.IsZero() && f.Due.Before(s.Started)
			needs = needs || r.Exists() && stands && (f.Severity == audit.Critical || f.Severity == audit.High || late)
			overdue = overdue || late
		}
		if r.IsServer() {
			continue
		}
		want[needAction] += oneIf(needs)
		want[newOnes] += oneIf(needs && !r.NeededAction && s.Previous != nil)
		want[overdueOnes] += oneIf(needs && overdue)
		excepted := slices.ContainsFunc(r.Findings, func(f audit.Finding) bool { return f.State == audit.Excepted && f.Severity.AtLeast(audit.High) })
		want[fixed] += oneIf(r.NeededAction && !needs && !(excepted && r.Exists()))
	}
	return want
}

func oneIf(is bool) int {
	if is {
		return 1
	}
	return 0
}

// shownNumbers are what each output shows.
func shownNumbers(t *testing.T, a *app, m notify.Message) map[string]numbers {
	t.Helper()
	s, out := m.Summary, map[string]numbers{}
	var text bytes.Buffer
	for _, columns := range []int{0, 80, 200} {
		text.Reset()
		printSummary(&text, m, nil, columns, false)
		out[fmt.Sprintf("terminal at %d columns", columns)] = labelled(t, s, text.String(), `(?m)^Needs action +([\d,]+)`, `(?m)^New +([\d,]+)`, `(?m)^Fixed +([\d,]+)`, `(?m)^Overdue +([\d,]+)`)
	}
	posts, err := json.Marshal(slack.Posts(slack.Config{Channel: "C0123456789"}, m))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []struct{ Blocks any }
	if err := json.Unmarshal(posts, &blocks); err != nil {
		t.Fatal(err)
	}
	said := textsOf(blocks[0].Blocks)
	out["slack"] = labelled(t, s, said, "", "", "", `Overdue:? ([\d,]+) token`)
	maps.Copy(out["slack"], headlineNumbers(t, s, said))
	out["headline"] = headlineNumbers(t, s, s.Headline())

	mails, err := email.Preview(email.Config{To: []string{"a@example.com"}}, m)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(mails[0].Subject, s.Headline()) {
		t.Errorf("the subject %q is not the headline", mails[0].Subject)
	}
	out["mail as text"] = labelled(t, s, mails[0].Text, `(?m)^- Needs action: ([\d,]+)`, `(?m)^- New: ([\d,]+)`, `(?m)^- Fixed: ([\d,]+)`, `(?m)^- Overdue: ([\d,]+)`)
	tiles := []string{`([\d,]+)\s+Needs action`, `([\d,]+)\s+New\b`, `([\d,]+)\s+Fixed`, `([\d,]+)\s+Overdue`}
	out["mail as HTML"] = labelled(t, s, shownText(mails[0].HTML), tiles...)
	page := fileOf(t, m, "report.html")
	section := page[strings.Index(page, `<section id="summary"`):]
	section = section[:strings.Index(section, "</section>")]
	out["page"] = labelled(t, s, shownText(section), tiles...)

	out["sheet Summary"] = sheetNumbers(t, m)
	body, err := webhook.JSON(m)
	if err != nil {
		t.Fatal(err)
	}
	var payload struct{ Data json.RawMessage }
	if err := json.Unmarshal(body, &payload); err != nil {
		t.Fatal(err)
	}
	out["webhook"] = keyedNumbers(t, payload.Data)
	out["summary.json"] = keyedNumbers(t, []byte(fileOf(t, m, "summary.json")))
	out["metrics"] = metricNumbers(t, a, s)
	out["ping"] = labelled(t, s, runner.PingText(s), `tokens that need action ([\d,]+)`, `, new ([\d,]+)`, `, fixed ([\d,]+)`, `, overdue ([\d,]+)`)
	table := strings.Split(runTable(listed(ledger.Entry{Run: s.Run(), Summary: &s}), 0, false), "\n")
	below := func(name string) int { // numbers stand at the right
		line := table[1][:strings.Index(table[0], name)+len(name)]
		return number(t, line[strings.LastIndex(line, " ")+1:])
	}
	out["history list"] = numbers{needAction: below("NEEDS ACTION"), overdueOnes: below("OVERDUE")}
	if s.Previous != nil {
		out["history list"][newOnes], out["history list"][fixed] = below("NEW"), below("FIXED")
	}
	return out
}

var (
	anyTag       = regexp.MustCompile(`<[^>]*>`)
	needingWords = regexp.MustCompile(`([\d,]+) tokens?(?: and [\d,]+ server findings?)? needs? action(?: \((?:better|worse|unchanged)(?:: ([^)]*))?\))?`)
	writeWords   = regexp.MustCompile(`Active write tokens ([\d,]+)(?:: ([\d,]+) new, ([\d,]+) gone)?`)
)

func shownText(page string) string { return anyTag.ReplaceAllString(page, " ") }

// labelled reads the headline, the inventory and the numbers by patterns for needs action,
// new, fixed and overdue; an empty pattern is for what the output does not label.
func labelled(t *testing.T, s audit.Summary, text string, patterns ...string) numbers {
	t.Helper()
	got := numbers{}
	for i, key := range []string{needAction, newOnes, fixed, overdueOnes} {
		if patterns[i] == "" {
			continue
		}
		if found := regexp.MustCompile(patterns[i]).FindStringSubmatch(text); found != nil {
			got[key] = number(t, found[1])
		}
	}
	if found := writeWords.FindStringSubmatch(text); found != nil {
		got[activeWrite] = number(t, found[1])
		if found[2] != "" {
			got[newWrites], got[goneWrites] = number(t, found[2]), number(t, found[3])
		}
	}
	maps.Copy(got, campaignNumbers(t, text))
	headline := strings.Join(strings.Fields(text), " ")
	if !strings.Contains(headline, strings.ReplaceAll(s.NeedsActionWords(), "&#43;", "+")) {
		t.Errorf("%q is not said in:\n%s", s.NeedsActionWords(), text)
	}
	return got
}

// campaignNumbers are those of the lines about campaigns, of which there may be none.
func campaignNumbers(t *testing.T, text string) numbers {
	t.Helper()
	got, words := numbers{}, strings.Join(strings.Fields(text), " ")
	if found := regexp.MustCompile(`Campaign quarterly:? (\d+) of (\d+) undecided \(2 in conflict\), due [\w -]+; (\d+) revocations overdue`).FindStringSubmatch(words); found != nil {
		got[undecided], got[decidable], got[lateRevocations] = number(t, found[1]), number(t, found[2]), number(t, found[3])
		got[namedLate] = len(regexp.MustCompile(`0d3f1c0a9b8e7d0[45]\): (revoke|modify), overdue since \S`).FindAllString(words, -1))
		got[namedProven] = len(regexp.MustCompile(`0d3f1c0a9b8e7d06\): deleted within 12 days after ben@example.com decided to revoke it; proven by: GET`).FindAllString(words, -1))
	}
	if found := regexp.MustCompile(`Campaign privileged:? closed on [\w -]+; (\d+) revocations done`).FindStringSubmatch(words); found != nil {
		got[doneRevocations] = number(t, found[1])
	}
	return got
}

// headlineNumbers are those of "27 tokens need action (worse: 8 new, 3 fixed)". What it
// does not name is zero.
func headlineNumbers(t *testing.T, s audit.Summary, text string) numbers {
	t.Helper()
	found := needingWords.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no headline in %s", text)
	}
	got := numbers{needAction: number(t, found[1]), newOnes: 0, fixed: 0}
	if s.Previous == nil {
		delete(got, newOnes)
		delete(got, fixed)
	}
	for part := range strings.SplitSeq(found[2], ", ") {
		if n, what, _ := strings.Cut(part, " "); what == newOnes || what == fixed {
			got[what] = number(t, n)
		}
	}
	return got
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// textsOf are the texts in the blocks of Slack, one after the other.
func textsOf(v any) string {
	var b strings.Builder
	switch v := v.(type) {
	case map[string]any:
		if text, ok := v["text"].(string); ok {
			return text + " "
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(textsOf(v[key]))
		}
	case []any:
		for _, x := range v {
			b.WriteString(textsOf(x))
		}
	}
	return b.String()
}

func fileOf(t *testing.T, m notify.Message, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(m.Location, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// sheetNumbers are the tiles of the sheet Summary: a number below its name.
func sheetNumbers(t *testing.T, m notify.Message) numbers {
	t.Helper()
	book, err := excelize.OpenFile(filepath.Join(m.Location, "review.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows("Summary", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	got, said := numbers{}, false
	var text strings.Builder
	names := map[string]string{"Needs action": needAction, "New": newOnes, "Fixed": fixed, "Overdue": overdueOnes, "Active write tokens": activeWrite}
	for i, row := range rows {
		text.WriteString(strings.Join(row, " ") + "\n")
		for j, cell := range row {
			said = said || strings.Contains(cell, m.Summary.Headline())
			key, is := names[cell]
			if _, known := got[key]; is && !known && i+1 < len(rows) && j < len(rows[i+1]) {
				if n, err := strconv.Atoi(rows[i+1][j]); err == nil {
					got[key] = n
				}
			}
		}
	}
	if !said {
		t.Error("the headline is not on the sheet Summary")
	}
	maps.Copy(got, campaignNumbers(t, text.String()))
	return got
}

// keyedNumbers are those of JSON that has needs_action and inventory.
func keyedNumbers(t *testing.T, data []byte) numbers {
	t.Helper()
	var v struct {
		NeedsAction struct{ Tokens, New, Fixed, Overdue *int } `json:"needs_action"`
		Inventory   struct {
			ActiveWrite *int `json:"active_write"`
			New, Gone   *int
		} `json:"inventory"`
		Campaigns []struct {
			Name             string
			Items, Undecided int
			Revocations      struct{ Done, Overdue int }
			Overdue, Proven  []struct{ Authorization string }
		}
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	got := numbers{}
	for key, n := range map[string]*int{
		needAction: v.NeedsAction.Tokens, newOnes: v.NeedsAction.New, fixed: v.NeedsAction.Fixed, overdueOnes: v.NeedsAction.Overdue,
		activeWrite: v.Inventory.ActiveWrite, newWrites: v.Inventory.New, goneWrites: v.Inventory.Gone,
	} {
		if n != nil {
			got[key] = *n
		}
	}
	for _, c := range v.Campaigns {
		if c.Name == "privileged" {
			got[doneRevocations] = c.Revocations.Done
			continue
		}
		maps.Copy(got, numbers{undecided: c.Undecided, decidable: c.Items, lateRevocations: c.Revocations.Overdue, namedLate: len(c.Overdue), namedProven: len(c.Proven)})
	}
	return got
}

func metricNumbers(t *testing.T, a *app, s audit.Summary) numbers {
	t.Helper()
	_, registry := a.metrics()
	path := filepath.Join(t.TempDir(), "tokenaudit.prom")
	if err := metrics.WriteTextfile(path, registry); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := numbers{}
	for metric, key := range map[string]string{
		"tokens_need_action": needAction, "tokens_need_action_new": newOnes, "tokens_need_action_fixed": fixed, "tokens_need_action_overdue": overdueOnes, "active_write_tokens": activeWrite,
	} {
		for _, found := range regexp.MustCompile(`(?m)^tokenaudit_`+metric+`\{job_name="`+s.Job+`"[^}]*\} (\d+)$`).FindAllSubmatch(text, -1) {
			got[key] += number(t, string(found[1]))
		}
	}
	return got
}

// reviewedAll wires a job on targets, and has it reviewed by steps, each at a time of its own.
func reviewedAll(t *testing.T, targets []target.Config, steps ...func(a *app) time.Time) (*app, notify.Message) {
	t.Helper()
	const day = 24 * time.Hour
	dir := t.TempDir()
	f := &configs.File{
		Store: "sqlite:" + filepath.Join(dir, "ledger.db"), Evidence: filepath.Join(dir, "evidence"), Targets: targets, Parallel: 2, ParallelPerHost: 2,
		Policy: configs.Policy{ServiceUsers: []string{"telegraf"}, RotateAfter: setting.Limit(90 * day), InactiveAfter: setting.Limit(30 * day)},
		Jobs:   []configs.Job{{Name: "weekly-review", Schedule: "0 9 * * 1", Timezone: "Europe/Berlin", Reports: report.Names(), Deadline: setting.Duration(day), DeliverWithin: setting.Duration(day)}},
	}
	var clock time.Time
	a, err := wire(t.Context(), f, func(context.Context) (time.Time, error) { return clock, nil }, slog.New(slog.DiscardHandler), secret.NewRedactor())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.close() })
	var s *audit.Summary
	for _, step := range steps {
		clock = step(a)
		if s, err = a.runner.ReviewNow(t.Context(), a.jobs[0]); err != nil {
			t.Fatal(err)
		}
	}
	m, err := messageFrom(t.Context(), f, a.snapshots, *s)
	if err != nil {
		t.Fatal(err)
	}
	return a, m
}

func served(t *testing.T, db *influxtest.Server) string {
	t.Helper()
	url, stop, err := listen(db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return url
}

var firstMonday = time.Date(2026, 11, 2, 10, 30, 0, 0, time.UTC)

func smallReview(t *testing.T) (*app, notify.Message) {
	db := influxtest.New(influxtest.OSS)
	db.Now = func() time.Time { return firstMonday.AddDate(0, 0, -10) }
	org, user := db.AddOrg("acme"), db.AddUser("alice")
	db.AddMember(org, user)
	_, token := db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: user, Description: "audit", Permissions: influxtest.AuditorPermissions(org)})
	db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: user, Description: "everything", Permissions: influxtest.AllAccess(org, user)})
	db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: user, Description: "sensor", Permissions: influxtest.WriteBuckets(org, db.AddBucket(org, "telemetry"))})
	return reviewedAll(t, []target.Config{{Name: "prod", URL: served(t, db), Org: "acme", Token: secret.InMemory(token)}}, func(*app) time.Time { return firstMonday })
}

func demoReview(t *testing.T) (*app, notify.Message) {
	db := influxtest.NewDemo(firstMonday)
	targets := []target.Config{{Name: "plant-eu", URL: served(t, db.Server), Org: db.Org, Token: secret.InMemory(db.Token)}}
	week := firstMonday.AddDate(0, 0, 7)
	return reviewedAll(t, targets, func(*app) time.Time { return firstMonday }, func(*app) time.Time {
		db.NextWeek(week)
		return week
	})
}

// campaignReview is the second review of the demo with two campaigns: its reports are made
// again with them.
func campaignReview(t *testing.T) (*app, notify.Message) {
	a, m := demoReview(t)
	m = notifytest.Campaigns(m)
	in, _, err := report.ReadInput(m.Location)
	if err != nil {
		t.Fatal(err)
	}
	in.Summary, in.Rows = m.Summary, (&runner.Runner{Snapshots: a.snapshots}).Rows(t.Context(), m.Summary)
	m.Location = t.TempDir()
	if _, err := report.Write(t.Context(), m.Location, in.Formats, in); err != nil {
		t.Fatal(err)
	}
	return a, m
}

// plant is a server with users whose IDs are those of every other plant.
type plant struct {
	db          *influxtest.Server
	org, bucket string
	users, ids  []string // ids are of authorizations
	token       string
}

func newPlant(tokens int) *plant {
	p := &plant{db: influxtest.New(influxtest.OSS)}
	p.db.Now = func() time.Time { return firstMonday.AddDate(0, 0, -200) }
	p.org = p.db.AddOrg("acme")
	p.bucket = p.db.AddBucket(p.org, "telemetry")
	for i := range 40 {
		p.users = append(p.users, p.db.AddUser(fmt.Sprintf("user-%02d@example.com", i)))
		p.db.AddMember(p.org, p.users[i])
	}
	_, p.token = p.db.AddAuthorization(influxtest.Authorization{OrgID: p.org, UserID: p.users[0], Description: "audit", Permissions: influxtest.AuditorPermissions(p.org)})
	for i := range tokens {
		a := influxtest.Authorization{OrgID: p.org, UserID: p.users[i%40], Description: fmt.Sprint("gateway ", i), CreatedAt: firstMonday.AddDate(0, 0, -i%180-1), Permissions: influxtest.ReadBuckets(p.org, p.bucket)}
		switch {
		case i%50 == 0:
			a.Permissions = influxtest.AllAccess(p.org, a.UserID)
		case i%300 == 7:
			a.Permissions = influxtest.Operator()
		case i%2 == 0:
			a.Permissions = influxtest.WriteBuckets(p.org, p.bucket)
		}
		id, _ := p.db.AddAuthorization(a)
		p.ids = append(p.ids, id)
	}
	return p
}

// largeReview is of two plants with equal user IDs, of which one lacks a user who is
// configured: three reviews, with exceptions and what is overdue in the last.
func largeReview(t *testing.T) (*app, notify.Message) {
	eu, us := newPlant(2000), newPlant(1000)
	if !slices.Equal(eu.users, us.users) {
		t.Fatal("the user IDs differ")
	}
	place := func(name string, p *plant) target.Config {
		return target.Config{Name: name, URL: served(t, p.db), Org: "acme", Token: secret.InMemory(p.token)}
	}
	partial := place("plant-us", us)
	for i := range us.users {
		partial.Users = append(partial.Users, target.User{Name: fmt.Sprintf("user-%02d@example.com", i)})
	}
	partial.Users = append(partial.Users, target.User{Name: "nobody"})
	week := func(n int, change func(p *plant)) func(*app) time.Time {
		return func(a *app) time.Time {
			now := firstMonday.AddDate(0, 0, 8*n)
			for _, p := range []*plant{eu, us} {
				p.db.Now = func() time.Time { return now.Add(-time.Hour) }
				change(p)
			}
			if n < 2 {
				return now
			}
			at := func(id string) audit.Record { return recordOf(t, a, id) }
			for _, id := range []string{eu.ids[50], eu.ids[100], eu.ids[150]} {
				a.jobs[0].Policy.Exceptions = append(a.jobs[0].Policy.Exceptions, audit.Exception{
					Target: "plant-eu", Authorization: id, Check: audit.AllChecks, Fingerprint: at(id).Fingerprint(), Reason: "migration", RequestedBy: "alice", ApprovedBy: "bob", Expires: now.AddDate(0, 1, 0),
				})
			}
			return now
		}
	}
	return reviewedAll(t, []target.Config{place("plant-eu", eu), partial},
		week(0, func(*plant) {}),
		week(1, func(p *plant) { p.db.DeleteUser(p.users[3]) }),
		week(2, func(p *plant) {
			p.db.SetUserStatus(p.users[5], influxtest.Inactive)
			for _, i := range []int{0, 7, 200, 250, 300} {
				p.db.DeleteAuthorization(p.ids[i])
			}
			p.db.AddAuthorization(influxtest.Authorization{OrgID: p.org, UserID: p.users[1], Description: "new", Permissions: influxtest.AllAccess(p.org, p.users[1])})
		}),
	)
}

// recordOf is what the newest review saw of a token.
func recordOf(t *testing.T, a *app, id string) audit.Record {
	t.Helper()
	status, err := a.ledger.Status(t.Context(), "weekly-review")
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range (&runner.Runner{Snapshots: a.snapshots}).Rows(t.Context(), *status.Last) {
		if err != nil {
			t.Fatal(err)
		}
		if r.ID == id && r.Target == "plant-eu" {
			return r
		}
	}
	t.Fatalf("no token %s", id)
	return audit.Record{}
}

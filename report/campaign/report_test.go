package campaign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/signature"
)

// program runs a program of an auditor in a folder, or skips by name where it is missing.
func program(t *testing.T, dir string, stdin []byte, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath(args[0]); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(args[0] + " is not installed")
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestAuditorsPrograms verifies a folder as an auditor without tokenaudit does.
func TestAuditorsPrograms(t *testing.T) {
	t.Parallel()
	q := played(t)
	q.closed(days(19), "the notebook is decided in the next one")
	q.write(days(20))
	if out, err := program(t, q.dir, nil, "sha256sum", "--strict", "-c", SumsFile); err != nil || strings.Count(out, ": OK") != 17 {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
	must(t, os.WriteFile(filepath.Join(q.dir, "..", "signers"), append(q.signers, "job "+q.public+"\n"...), 0o600))
	for file, who := range map[string]string{"decisions/0002-ben@example.com.csv": ben, "decisions/0003-anna@example.com.csv": anna, campaign.ClosedFile: cleo, SumsFile: "job"} {
		namespace := campaign.Namespace
		if who == "job" {
			namespace = "tokenaudit"
		}
		content, err := os.ReadFile(filepath.Join(q.dir, file))
		must(t, err)
		if out, err := program(t, q.dir, content, "ssh-keygen", "-Y", "verify", "-f", "../signers", "-I", who, "-n", namespace, "-s", file+".sig"); err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
	add(t, filepath.Join(q.dir, campaign.DecisionsFile), "\n")
	if out, err := program(t, q.dir, nil, "sha256sum", "-c", SumsFile); err == nil || !strings.Contains(out, campaign.DecisionsFile+": FAILED") {
		t.Errorf("a changed file passes: %s", out)
	}
}

func add(t *testing.T, path, text string) {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, append(content, text...), 0o600))
}

// spy is a folder that notes what is done to it, and fails from some step on.
type spy struct {
	Folder
	done []string
	most int
}

var errCut = errors.New("cut off")

func (s *spy) step(what string) error {
	if s.done = append(s.done, what); len(s.done) > s.most {
		return errCut
	}
	return nil
}

func (s *spy) Write(ctx context.Context, name string, content []byte) error {
	return errors.Join(s.step(name), s.Folder.Write(ctx, name, content))
}

func (s *spy) Remove(ctx context.Context, name string) error {
	return errors.Join(s.step("remove "+name), s.Folder.Remove(ctx, name))
}

func TestWrite(t *testing.T) {
	t.Parallel()
	q := played(t)
	made, all := Made{At: days(20)}, []string{WorkbookFile, PageFile, SumsFile, SumsSignatureFile}
	write := func(key []byte, most int) []string {
		s := &spy{Folder: q.folder, most: most}
		if err := Write(t.Context(), s, q.book, made, key); err != nil && !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		return s.done
	}
	if got := write(q.key, 9); !slices.Equal(got, all) {
		t.Errorf("at first it writes %q", got)
	}
	first, err := readAll(t.Context(), q.folder)
	must(t, err)
	if got := write(q.key, 9); len(got) > 0 {
		t.Errorf("again it writes %q", got)
	}
	for _, name := range all {
		must(t, q.folder.Remove(t.Context(), name))
	}
	write(q.key, 9)
	again, err := readAll(t.Context(), q.folder)
	must(t, err)
	for name, content := range first {
		if !bytes.Equal(content, again[name]) {
			t.Errorf("%s is not the same when it is made again", name)
		}
	}
	if got := write(nil, 9); !slices.Equal(got, []string{"remove " + SumsSignatureFile}) {
		t.Errorf("without a key it does %q", got)
	}
	write(q.key, 9)
	for most := range len(all) { // cut off after so many files, of another time
		made.At = days(21 + float64(most))
		write(q.key, most)
		write(q.key, 9)
		if err := q.sound(); err != nil {
			t.Errorf("cut off after %d: %v", most, err)
		}
	}
}

// sound reports whether sums and signature fit the files.
func (q *quarter) sound() error {
	files, err := readAll(q.t.Context(), q.folder)
	must(q.t, err)
	if !bytes.Equal(files[SumsFile], sumsOf(files)) {
		return errors.New("the sums are not those of the files")
	}
	_, err = signature.KeyOf(SumsFile, files[SumsFile], files[SumsSignatureFile], sumsNamespace)
	return err
}

func (q *quarter) page() string {
	q.t.Helper()
	content, err := q.folder.Read(q.t.Context(), PageFile)
	must(q.t, err)
	return string(content)
}

var tag = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)

func plainOf(page string) string {
	return strings.Join(strings.Fields(tag.ReplaceAllString(page, " ")), " ")
}

func TestPage(t *testing.T) {
	t.Parallel()
	q := played(t)
	q.write(days(20))
	page := q.page()
	text := plainOf(page)
	for _, want := range []string{
		"2 of 9 items not decided, overdue since 2026-10-15; 1 revocation overdue",
		"77 % Decided and signed 7 of 9: 3 keep, 3 revoke, 1 modify", "55 % On time 5 signed by 2026-10-15", "1 Proven done", "1 Overdue of 4 revocations",
		"0 Self-reviews of 7 signed decisions; 1 attempt refused", "1 Days to proof, median the worst 1", "Basis of the frequency: TRA-2026-07, section 3",
		"critical telegraf line 3 0000000000000001 revoke, decided by ben@example.com; owner telegraf-writer, otto@example.com 2026-10-07 14 days over still there",
		"test 0000000000000008 ben@example.com has to sign draft", "signed revoke anna@example.com, 2026-10-16 , late “replaced by the new exporter” ticket OPS-4 assigned 2026-10-06, from ben@example.com to anna@example.com: ben is on leave",
		"otto@example.com · line 3 · telemetry", "done within 1 day of the decision 404 authorization not found weekly-review/2026-10-05T0900Z",
		"self-review 1 unknown-decision 1 unknown-item 1", "Review that the items are of weekly-review/2026-09-28T0700Z", strings.Repeat("ab", 32),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, bad := range []string{"<script", "http://", "https://", "\u202e", "\x1b"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestHeadlines(t *testing.T) {
	t.Parallel()
	one := writer("0000000000000001", "telegraf", "telegraf", audit.High)
	for name, c := range map[string]struct {
		items []campaign.Item
		do    func(q *quarter)
		at    float64
		want  string
	}{
		"an empty scope":            {nil, func(*quarter) {}, 1, "No token was in the scope of this campaign"},
		"nothing decided":           {[]campaign.Item{one}, func(*quarter) {}, 1, "1 of 1 item not decided"},
		"all kept":                  {[]campaign.Item{one}, func(q *quarter) { q.imported(days(2), ben, true, decision{one.Authorization, "keep", "used", "", ""}) }, 3, "The item is decided and signed"},
		"revoked, no review since":  {[]campaign.Item{one}, func(q *quarter) { q.imported(days(2), ben, true, decision{one.Authorization, "revoke", "", "", ""}) }, 3, "The item is decided and signed; 1 revocation not proven yet"},
		"and none until it was due": {[]campaign.Item{one}, func(q *quarter) { q.imported(days(2), ben, true, decision{one.Authorization, "revoke", "", "", ""}) }, 17, "The item is decided and signed; 1 revocation overdue"},
		"revoked and proven": {[]campaign.Item{one}, func(q *quarter) {
			q.imported(days(2), ben, true, decision{one.Authorization, "revoke", "", "", ""})
			q.saw(days(4), map[string]audit.Record{one.Authorization: gone})
		}, 17, "The item is decided and signed; the revocation proven"},
		"gone before anybody looked": {[]campaign.Item{one}, func(q *quarter) { q.saw(days(4), map[string]audit.Record{one.Authorization: gone}) }, 5, "No item is left to decide: all tokens are gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQuarter(t, c.items...)
			c.do(q)
			q.write(days(c.at))
			if text := plainOf(q.page()); !strings.Contains(text, c.want+" The campaign is open. As of") {
				t.Errorf("want %q in %s", c.want, text)
			}
			if err := q.sound(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWorkbook(t *testing.T) {
	t.Parallel()
	q := played(t)
	q.write(days(20))
	f, err := excelize.OpenFile(filepath.Join(q.dir, WorkbookFile))
	must(t, err)
	defer f.Close()
	if got := strings.Join(f.GetSheetList(), " "); got != "Summary Items Reviewers Revocations Refused About" {
		t.Errorf("sheets: %s", got)
	}
	for sheet, rows := range map[string]int{"Items": 1 + 9, "Reviewers": 1 + 2, "Revocations": 1 + 6, "Refused": 1 + 3} {
		got, err := f.GetRows(sheet)
		must(t, err)
		if len(got) != rows {
			t.Errorf("%s has %d rows, want %d", sheet, len(got), rows)
		}
		for i, row := range got {
			for j := range row {
				at, _ := excelize.CoordinatesToCellName(j+1, i+1)
				if formula, _ := f.GetCellFormula(sheet, at); formula != "" {
					t.Errorf("%s!%s is a formula: %s", sheet, at, formula)
				}
			}
		}
	}
	rows, err := f.GetRows("Items")
	must(t, err)
	record := fmt.Sprint(rows[1])
	for _, want := range []string{"telegraf line 3", "0000000000000001", "otto@example.com", "critical", "signed", "revoke", ben, "2026-10-04", "nobody uses it", "OPS-1", "still there", "in the list as active", "weekly-review/2026-10-19T0900Z", "telemetry"} {
		if !strings.Contains(record, want) {
			t.Errorf("the first item lacks %q: %s", want, record)
		}
	}
}

// TestSigns shows when a reviewer is worth a question.
func TestSigns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		figure    campaign.ReviewerFigure
		justified int
		want      string
	}{
		"looked":              {campaign.ReviewerFigure{Signed: 100, KeepRate: 90, SameReason: 50, RowsPerMinute: 3}, 80, ""},
		"did not look":        {campaign.ReviewerFigure{Signed: 60, KeepRate: 100, SameReason: 98, RowsPerMinute: 60}, 60, "keeps 100 %; one justification in 98 %; 60 rows in a minute"},
		"a few":               {campaign.ReviewerFigure{Signed: 3, KeepRate: 100, RowsPerMinute: 60}, 3, ""},
		"a few without words": {campaign.ReviewerFigure{Signed: 3, KeepRate: 100}, 0, "all kept, none justified"},
		"many without words":  {campaign.ReviewerFigure{Signed: 30, KeepRate: 100}, 0, "all kept, none justified"},
		"nothing signed":      {campaign.ReviewerFigure{RowsPerMinute: 2}, 0, ""},
	} {
		c.figure.Reviewer = ben
		v := &view{Book: &campaign.Book{}, justified: map[string]int{ben: c.justified}}
		if got := strings.Join(v.Signs(c.figure), "; "); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	v := &view{justified: map[string]int{}}
	for want, f := range map[string]campaign.ReviewerFigure{"– –": {RowsPerMinute: 2}, "none given –": {Signed: 1, RowsPerMinute: 2}, "none given 20": {Signed: 10, RowsPerMinute: 20}, "none given < 1": {Signed: 10}} {
		if got := v.SameReasonWords(f) + " " + PaceWords(f); got != want {
			t.Errorf("%+v: got %q, want %q", f, got, want)
		}
	}
}

// TestSharedKey: a manager who signs with the key of a reviewer is named wherever people look.
func TestSharedKey(t *testing.T) {
	t.Parallel()
	q := played(t)
	q.people[cleo] = q.people[ben]
	q.closed(days(19), "the notebook is decided in the next one")
	q.write(days(20))
	page := q.page()
	for _, want := range []string{"Signed by cleo@example.com (key SHA256:", "It is the same key as that of ben@example.com.", "the same key as cleo@example.com"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if remarks := strings.Join(q.verify(Options{}).Remarks, "; "); !strings.Contains(remarks, "closed.json is signed with the same key as the decisions of ben@example.com") {
		t.Errorf("remarks %q", remarks)
	}
	q = played(t)
	q.closed(days(19), "the notebook is decided in the next one")
	q.write(days(20))
	if v := q.verify(Options{}); strings.Contains(q.page()+strings.Join(v.Remarks, ""), "the same key as") {
		t.Error("keys of their own are said to be the same")
	}
}

// TestManyItems keeps the page small where the campaign is large.
func TestManyItems(t *testing.T) {
	t.Parallel()
	var items []campaign.Item
	for i := range mostItems + 7 {
		items = append(items, writer(fmt.Sprintf("%016x", i), fmt.Sprint("token ", i), "telegraf", audit.Medium))
	}
	q := newQuarter(t, items...)
	q.write(days(1))
	if page := q.page(); !strings.Contains(page, "7 more are in report.xlsx") || strings.Count(page, `data-name="Owner"`) != mostItems {
		t.Error("the page does not say what it leaves out")
	}
}

// TestKeptAndGone: a token that was kept and went is no revocation that is done.
func TestKeptAndGone(t *testing.T) {
	t.Parallel()
	keep := campaign.Decision{By: ben, Signed: true, Decision: campaign.Keep}
	seen := &campaign.Remediation{At: days(20), Decision: campaign.Keep, State: campaign.TokenGone, Settled: true}
	r := row{Status: campaign.Status{State: campaign.Signed, Decision: &keep, Seen: seen}}
	if got := r.SeenWords(); r.Settled() || r.SeenChip() != "plain" || got != "gone on "+day(days(20))+", though it was kept" {
		t.Errorf("settled %v, %s: %q", r.Settled(), r.SeenChip(), got)
	}
}

// TestItemsOnPaper: what a decision is judged by is among the columns that are printed, and
// what is not printed makes no row higher.
func TestItemsOnPaper(t *testing.T) {
	t.Parallel()
	it := writer("0000000000000001", "telegraf", "telegraf", audit.Critical)
	it.Why = slices.Repeat([]string{"critical: operator"}, 6)
	q := newQuarter(t, it)
	q.write(days(1))
	f, err := excelize.OpenFile(filepath.Join(q.dir, WorkbookFile))
	must(t, err)
	defer f.Close()
	rows, err := f.GetRows("Items")
	must(t, err)
	for _, name := range []string{"Token", "Owner", "Severity", "Decision", "Decided by", "Justification", "Due", "Since then"} {
		if at := slices.Index(rows[0], name); at < 0 || at >= printedItems {
			t.Errorf("%s is column %d of %d printed ones", name, at+1, printedItems)
		}
	}
	if due := rows[1][slices.Index(rows[0], "Due")]; due != "2026-10-15" {
		t.Errorf("due %q", due)
	}
	if height, err := f.GetRowHeight("Items", 2); err != nil || height > 20 {
		t.Errorf("the row is %.0f points high (%v)", height, err)
	}
}

package campaign

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/pack"
)

// this is the program of the tests.
var this = audit.Tool{Name: "tokenaudit", Version: "1.0.0", Build: "abc, go1.26"}

// everyone are the keys of people and of the job.
func (q *quarter) everyone() []byte {
	return append(slices.Clone(q.signers), fmt.Sprintf("job namespaces=\"tokenaudit\" %s\n", q.public)...)
}

func (q *quarter) verify(o Options) *Result {
	q.t.Helper()
	o.Tool = this
	v, err := Verify(q.t.Context(), campaign.ID("quarterly", opened), q.folder, o)
	must(q.t, err)
	return v
}

// change replaces text in a file.
func (q *quarter) change(name, old, text string) {
	q.t.Helper()
	content, err := q.folder.Read(q.t.Context(), name)
	must(q.t, err)
	if !strings.Contains(string(content), old) {
		q.t.Fatalf("%s has no %q:\n%s", name, old, content)
	}
	must(q.t, q.folder.Write(q.t.Context(), name, []byte(strings.Replace(string(content), old, text, 1))))
}

// resum is what somebody does who changes a file and has the key of the job, or none is used.
func (q *quarter) resum() {
	q.t.Helper()
	files, err := readAll(q.t.Context(), q.folder)
	must(q.t, err)
	sums := sumsOf(files)
	must(q.t, q.folder.Write(q.t.Context(), SumsFile, sums))
	must(q.t, q.folder.Write(q.t.Context(), SumsSignatureFile, q.sign(q.key, sums, sumsNamespace)))
}

func TestVerifySaysWhatIsProven(t *testing.T) {
	t.Parallel()
	q := played(t)
	q.closed(days(19), "the notebook is decided in the next one")
	q.write(days(20))
	v := q.verify(Options{Signers: q.everyone()})
	for _, want := range []string{
		"Integrity: all 17 files are as SHA256SUMS lists them", "Origin: SHA256SUMS is signed by a key that the allowed-signers file gives to job", "Decisions: 9 decisions and 3 refused rows follow from the rows of 3 files",
		"Reviewers: 2 files signed by the keys of their reviewers", "End: the closing statement is signed by cleo@example.com", "Reports: report.xlsx and report.html are what this version makes",
	} {
		if !strings.Contains(strings.Join(v.Proven, "\n"), want) {
			t.Errorf("it does not prove %q", want)
		}
	}
	if !v.OK() || len(v.NotProven) != 3 || !strings.Contains(strings.Join(v.NotProven, "\n"), "Who sent 1 file: they are drafts") {
		t.Errorf("problems %q\nproven %q\nnot proven %q", v.Problems, v.Proven, v.NotProven)
	}
	v = q.verify(Options{})
	for _, want := range []string{"Who signed SHA256SUMS", "Who signed the decisions", "no evidence pack at hand names it"} {
		if !v.OK() || !strings.Contains(strings.Join(v.NotProven, "\n"), want) {
			t.Errorf("without signers it does not lack %q: %q", want, v.NotProven)
		}
	}
}

// TestVerifyNamesWhatWasChanged changes one thing at a time: with the sums as they were, and
// with sums that somebody made again, signed with the key of the job.
func TestVerifyNamesWhatWasChanged(t *testing.T) {
	t.Parallel()
	const benFile, annaFile = "decisions/0002-ben@example.com.csv", "decisions/0003-anna@example.com.csv"
	for name, c := range map[string]struct {
		do    func(q *quarter)
		file  string // what the sums name
		again string // what is said where the sums are made again
	}{
		"a decision": {func(q *quarter) {
			q.change(campaign.DecisionsFile, `"decision":"revoke","justification":"nobody`, `"decision":"keep","justification":"nobody`)
		}, campaign.DecisionsFile, "decisions.jsonl, line 3: item plant/00000000000000aa/0000000000000001 is not as " + benFile},
		"who decided": {func(q *quarter) {
			q.change(campaign.DecisionsFile, `"by":"anna@example.com"`, `"by":"ben@example.com"`)
		}, campaign.DecisionsFile, "decisions.jsonl, line 8: item"},
		"a decision is added": {func(q *quarter) {
			q.change(campaign.DecisionsFile, "{\"import\":3", `{"import":2,"at":"2026-10-04T09:00:00Z","by":"ben@example.com","signed":true,"item":"plant/00000000000000aa/0000000000000006","decision":"keep","fingerprint":"fp0000000000000006"}`+"\n{\"import\":3")
		}, campaign.DecisionsFile, "decisions.jsonl, line 8: item plant/00000000000000aa/0000000000000006 does not follow from " + benFile + ": the line was added"},
		"a refused row":    {func(q *quarter) { q.change(campaign.RefusedFile, "self-review", "not-yours") }, campaign.RefusedFile, "refused.csv, line 2: item plant/00000000000000aa/0000000000000009 is not as"},
		"an imported file": {func(q *quarter) { q.change(benFile, "nobody uses it", "nobody uses IT") }, benFile, benFile + ": is not the file that was imported"},
		"its signature": {func(q *quarter) {
			must(q.t, q.folder.Write(q.t.Context(), benFile+".sig", q.sign(q.people[ben], []byte("x"), campaign.Namespace)))
		}, benFile + ".sig", benFile + ".sig: does not fit " + benFile},
		"a signature of another": {func(q *quarter) { q.resign(annaFile, ben) }, annaFile + ".sig", annaFile + ".sig: is of the key"},
		"an item":                {func(q *quarter) { q.change(campaign.ItemsFile, `"severity":"critical"`, `"severity":"low"`) }, campaign.ItemsFile, "items.jsonl: is not what the campaign opened on"},
		"the due date":           {func(q *quarter) { q.change(campaign.CampaignFile, "2026-10-15", "2026-10-25") }, campaign.CampaignFile, "campaign.json: was changed: its first"},
		"an assignment": {func(q *quarter) {
			q.change(campaign.AssignmentsFile, `"from":"ben@example.com"`, `"from":"anna@example.com"`)
		}, campaign.AssignmentsFile, "assignments.jsonl, line 1: item plant/00000000000000aa/0000000000000007 was with ben@example.com then"},
		"an assignment is added": {func(q *quarter) {
			q.change(campaign.AssignmentsFile, "}\n", "}\n"+`{"at":"2026-10-06T09:00:00Z","item":"plant/00000000000000aa/0000000000000007","from":"ben@example.com","to":"cleo@example.com","reason":"x","by":"root"}`+"\n")
		}, campaign.AssignmentsFile, "assignments.jsonl, line 2: item plant/00000000000000aa/0000000000000007 was with anna@example.com then, not with ben@example.com"},
		"an assignment of nothing": {func(q *quarter) {
			q.change(campaign.AssignmentsFile, "0000000000000007", "00000000000000ff")
		}, campaign.AssignmentsFile, "assignments.jsonl, line 1: the campaign has no item plant/00000000000000aa/00000000000000ff"},
		"a remediation line": {func(q *quarter) { q.change(campaign.RemediationFile, `"state":"still-there"`, `"state":"done"`) }, campaign.RemediationFile, "remediation.jsonl, line 1: item plant/00000000000000aa/0000000000000001: done, settled, overdue and late contradict"},
		"one that is made up": {func(q *quarter) {
			q.change(campaign.RemediationFile, `"item":"plant/00000000000000aa/0000000000000003","decision":"revoke"`, `"item":"plant/00000000000000aa/0000000000000002","decision":"revoke"`)
		}, campaign.RemediationFile, "item plant/00000000000000aa/0000000000000002: no signed decision says revoke"},
		"the closing statement":                  {func(q *quarter) { q.change(campaign.ClosedFile, `"open": 2`, `"open": 0`) }, campaign.ClosedFile, "closed.json.sig: does not fit closed.json|closed.json: its figures"},
		"a closing statement of another manager": {func(q *quarter) { q.change(campaign.ClosedFile, `"manager": "cleo`, `"manager": "mallory`) }, campaign.ClosedFile, "closed.json: is of the campaign"},
		"one of another campaign":                {func(q *quarter) { q.change(campaign.ClosedFile, `"campaign": "quarterly`, `"campaign": "yearly`) }, campaign.ClosedFile, "closed.json: is of the campaign"},
		"one about no files": {func(q *quarter) {
			text, err := q.folder.Read(q.t.Context(), campaign.ClosedFile)
			must(q.t, err)
			head, _, _ := strings.Cut(string(text), `"files":`)
			must(q.t, q.folder.Write(q.t.Context(), campaign.ClosedFile, []byte(head+`"files": []}`)))
		}, campaign.ClosedFile, "closed.json: does not name the files"},
		"the page":     {func(q *quarter) { q.change(PageFile, "77 %", "100 %") }, PageFile, "report.html: is not what the other files give"},
		"the workbook": {func(q *quarter) { add(q.t, filepath.Join(q.dir, WorkbookFile), "x") }, WorkbookFile, "report.xlsx: is not what the other files give"},
		"an export":    {func(q *quarter) { q.change(campaign.ExportsFile, `"items":8`, `"items":9`) }, campaign.ExportsFile, "exports.jsonl: was changed: its first"},
		"an import is said to be his": {func(q *quarter) {
			q.change(campaign.ImportsFile, `"reviewer":"anna@example.com"`, `"reviewer":"ben@example.com"`)
		}, campaign.ImportsFile, annaFile + ".sig: is of the key of anna@example.com, and the file is of ben@example.com"},
		"a file goes":  {func(q *quarter) { must(q.t, os.Remove(filepath.Join(q.dir, annaFile))) }, annaFile, annaFile + ": is missing"},
		"a file comes": {func(q *quarter) { must(q.t, q.folder.Write(q.t.Context(), "notes.txt", nil)) }, "notes.txt", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := played(t)
			q.closed(days(19), "the notebook is decided in the next one")
			q.write(days(20))
			o := Options{Signers: q.everyone()}
			if v := q.verify(o); !v.OK() {
				t.Fatal(v.Problems)
			}
			if _, err := Load(t.Context(), q.folder); err != nil {
				t.Fatal(err)
			}
			c.do(q)
			made := c.file == PageFile || c.file == WorkbookFile || c.file == "notes.txt" // by the next step
			if _, err := Load(t.Context(), q.folder); errors.As(err, new(*AlteredError)) == made {
				t.Errorf("to go on with it: %v", err)
			}
			if v := q.verify(o); len(v.Proven) > 0 || !slices.ContainsFunc(v.Problems, func(p pack.Problem) bool { return p.File == c.file }) {
				t.Errorf("nothing names %s: %q", c.file, v.Problems)
			}
			q.resum()
			v := q.verify(o)
			if c.again == "" && !slices.Contains(v.Remarks, c.file+" does not belong to a campaign") {
				t.Errorf("notes: %q", v.Remarks)
			}
			for want := range strings.SplitSeq(c.again, "|") {
				if !slices.ContainsFunc(v.Problems, func(p pack.Problem) bool { return strings.Contains(p.String(), want) }) && c.again != "" {
					t.Errorf("with new sums nothing says %q: %q", want, v.Problems)
				}
			}
		})
	}
}

func (q *quarter) resign(file, who string) {
	content, err := q.folder.Read(q.t.Context(), file)
	must(q.t, err)
	must(q.t, q.folder.Write(q.t.Context(), file+campaign.SignatureSuffix, q.sign(q.people[who], content, campaign.Namespace)))
}

func TestVerifySignatures(t *testing.T) {
	t.Parallel()
	q := played(t)
	q.write(days(20))
	_, other := newKey(t)
	for name, c := range map[string]struct {
		do      func(q *quarter)
		signers string
		want    string
	}{
		"the sums are signed with another key": {nil, "job namespaces=\"tokenaudit\" " + other, "SHA256SUMS.sig: is of a key that the allowed-signers file does not have"},
		"a reviewer is not known":              {nil, "ben@example.com namespaces=\"tokenaudit-review\" " + other, "decisions/0002-ben@example.com.csv.sig: is of a key that"},
		"the signature is written otherwise":   {func(q *quarter) { add(q.t, filepath.Join(q.dir, SumsSignatureFile), "\n") }, "", "SHA256SUMS.sig: was changed: it is not written"},
		"the sums are changed":                 {func(q *quarter) { add(q.t, filepath.Join(q.dir, SumsFile), "\n") }, "", "SHA256SUMS: was changed"},
		"the signature is removed":             {func(q *quarter) { must(q.t, os.Remove(filepath.Join(q.dir, SumsSignatureFile))) }, string(q.everyone()), "SHA256SUMS.sig: is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			q.write(days(20))
			if c.do != nil {
				c.do(q)
			}
			v := q.verify(Options{Signers: []byte(c.signers)})
			if !slices.ContainsFunc(v.Problems, func(p pack.Problem) bool { return strings.Contains(p.String(), c.want) }) {
				t.Errorf("want %q in %q", c.want, v.Problems)
			}
		})
	}
}

// TestVerifyAgainstPacks finds what was changed before the sums were made again: the
// manifests of later packs have what was there.
func TestVerifyAgainstPacks(t *testing.T) {
	t.Parallel()
	q := played(t)
	state, err := State(t.Context(), q.folder)
	must(t, err)
	packs := []*pack.Checked{{Manifest: pack.Manifest{RunID: "weekly-review/2026-10-19T0900Z", Campaigns: []pack.CampaignState{InManifest(q.book.ID(), state)}}}}
	q.saw(days(25), map[string]audit.Record{"0000000000000001": gone}) // it grows
	q.write(days(26))
	v := q.verify(Options{Packs: packs})
	if !v.OK() || !strings.Contains(strings.Join(v.Proven, "\n"), "History: nothing was changed that 1 evidence pack had") {
		t.Errorf("%q %q", v.Problems, v.Proven)
	}
	q.change(campaign.RemediationFile, `"evidence":"in the list as active"`, `"evidence":"in the list as inactive"`)
	q.book, err = campaign.Load(t.Context(), q.folder)
	must(t, err)
	q.write(days(26))
	if v := q.verify(Options{}); !v.OK() {
		t.Errorf("without packs it is not seen: %q", v.Problems)
	}
	v = q.verify(Options{Packs: packs})
	if len(v.Problems) != 1 || !strings.Contains(v.Problems[0].String(), "remediation.jsonl: was changed: its first 1557 bytes are not what the pack of weekly-review/2026-10-19T0900Z has") {
		t.Errorf("%q", v.Problems)
	}
}

// TestStateLeavesOutWhatWasCutOff: the next import writes over what one left that was cut
// off, and no pack may have that.
func TestStateLeavesOutWhatWasCutOff(t *testing.T) {
	t.Parallel()
	q := played(t)
	before, err := State(t.Context(), q.folder)
	must(t, err)
	imports, err := q.folder.Read(t.Context(), campaign.ImportsFile)
	must(t, err)
	q.imported(days(16), ben, true, decision{"0000000000000006", "keep", "", "", ""}, decision{"00000000000000ff", "keep", "", "", ""})
	must(t, q.folder.Write(t.Context(), campaign.ImportsFile, imports)) // its commit point did not come
	after, err := State(t.Context(), q.folder)
	must(t, err)
	if !slices.Equal(before, after) {
		t.Errorf("before %v\nafter %v", before, after)
	}
}

// TestMissing: a pack names a campaign of which there is no folder.
func TestMissing(t *testing.T) {
	packs := []*pack.Checked{{Manifest: pack.Manifest{RunID: "weekly-review/2026-10-19T0900Z", Campaigns: []pack.CampaignState{{Campaign: "quarterly/2026-10-01T0900Z"}, {Campaign: "yearly/2026-01-01T0900Z"}}}}}
	got := Missing(append(packs, packs...), []*Result{{ID: "yearly/2026-01-01T0900Z"}})
	if len(got) != 1 || got[0].ID != "quarterly/2026-10-01T0900Z" || got[0].OK() {
		t.Errorf("missing: %+v", got)
	}
}

// TestVerifyRefusesBadSigners: what cannot be read is not the same as no key.
func TestVerifyRefusesBadSigners(t *testing.T) {
	t.Parallel()
	q := played(t)
	q.write(days(20))
	if _, err := Verify(t.Context(), "", q.folder, Options{Signers: []byte("ben@example.com no key\n")}); err == nil {
		t.Error("it is read as a file without keys")
	}
}

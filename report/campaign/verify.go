package campaign

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/pack"
	"tokenaudit/report/signature"
)

// Options say what the folder of a campaign is held against.
type Options struct {
	// Signers is an allowed-signers file, with keys of people and of the job, as
	// ssh-keygen -Y verify takes it; nil for none.
	Signers []byte
	// Tool is this program: what it made itself, it makes again.
	Tool audit.Tool
	// Packs are the evidence packs at hand, of any job.
	Packs []*pack.Checked
}

// Result is what Verify found of a campaign.
type Result struct {
	ID, Job           string
	Problems          []pack.Problem // their Pack is the campaign
	Remarks           []string
	Proven, NotProven []string
}

// OK reports whether nothing is wrong.
func (r *Result) OK() bool { return len(r.Problems) == 0 }

// Verify checks the evidence folder of a campaign, of that ID unless it is "": its sums, the signatures, and whether
// decisions, figures and reports follow from the files that people sent. What is wrong is
// in the result; an error means that nothing could be checked.
func Verify(ctx context.Context, id string, f Folder, o Options) (*Result, error) {
	files, err := readAll(ctx, f)
	if err != nil {
		return nil, err
	}
	v := &verifier{Result: &Result{ID: id}, options: o, files: files}
	for namespace, into := range map[string]**signature.Signers{campaign.Namespace: &v.people, sumsNamespace: &v.job} {
		s, err := signature.Parse(o.Signers, namespace)
		switch {
		case err == nil:
			*into = &s
		case !errors.Is(err, signature.ErrNone):
			return nil, err
		}
	}
	if v.book, err = campaign.Load(ctx, memory(files)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.New(campaign.CampaignFile + " is missing")
		}
		v.sums()
		v.problem("", "cannot be read: %v", err)
		return v.Result, nil
	}
	v.Job = v.book.Job
	if v.ID = cmp.Or(id, v.book.ID()); v.book.ID() != v.ID {
		v.problem(campaign.CampaignFile, "is of the campaign %s: folders were exchanged, copied or renamed", v.book.ID())
	}
	v.sums()
	v.signatures()
	v.items()
	v.replay()
	v.assignments()
	v.remediation()
	v.closing(ctx)
	v.sharedKey()
	v.reports()
	v.packs()
	v.conclude()
	return v.Result, ctx.Err()
}

// verifier is the state of one Verify.
type verifier struct {
	*Result
	options Options
	files   map[string][]byte
	book    *campaign.Book

	people, job         *signature.Signers // nil without keys of the namespace
	signedSums          string             // who signed them, "" for nobody
	signedFiles, sealed int
	signedClosing       bool
	reportsAlike        bool
}

func (v *verifier) problem(file, format string, args ...any) {
	v.Problems = append(v.Problems, pack.Problem{Pack: v.ID, File: file, Text: fmt.Sprintf(format, args...)})
}

func (v *verifier) proven(format string, args ...any) {
	v.Proven = append(v.Proven, fmt.Sprintf(format, args...))
}

func (v *verifier) notProven(format string, args ...any) {
	v.NotProven = append(v.NotProven, fmt.Sprintf(format, args...))
}

// sums compares the files with SHA256SUMS.
func (v *verifier) sums() {
	text, there := v.files[SumsFile]
	if !there {
		v.problem(SumsFile, "is missing")
		return
	}
	said := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  "); ok {
			said[name] = sum
		}
	}
	before := len(v.Problems)
	for _, d := range digests(v.files) {
		switch sum, listed := said[d.Name]; {
		case !listed:
			v.problem(d.Name, "is not in %s: it was added, or a step was cut off", SumsFile)
		case sum != d.SHA256:
			v.problem(d.Name, "was changed: SHA-256 %s, not %s", d.SHA256, sum)
		}
		delete(said, d.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(said)) {
		v.problem(name, "is missing")
	}
	if len(v.Problems) == before && !bytes.Equal(text, sumsOf(v.files)) {
		v.problem(SumsFile, "was changed: it is not written as tokenaudit writes it")
	}
}

// signatures checks those of SHA256SUMS and of the imported files.
func (v *verifier) signatures() {
	signed, there := v.files[SumsSignatureFile]
	switch key, err := signature.KeyOf(SumsFile, v.files[SumsFile], signed, sumsNamespace); {
	case !there && v.job != nil:
		v.problem(SumsSignatureFile, "is missing, and the allowed-signers file has a key for it")
	case !there:
	case err != nil:
		v.problem(SumsSignatureFile, "%v", err)
	case !signature.IsOurs(signed):
		v.problem(SumsSignatureFile, "was changed: it is not written as tokenaudit writes it")
	default:
		v.signedSums = ssh.FingerprintSHA256(key)
		if v.job != nil {
			if line, err := v.job.Of(key, v.madeAt()); err != nil {
				v.problem(SumsSignatureFile, "%v", err)
			} else {
				v.signedSums = line.Principals
			}
		}
	}
	v.imports()
	for _, name := range slices.Sorted(maps.Keys(v.files)) {
		switch inside := strings.HasPrefix(name, campaign.DecisionsFolder); {
		case inside && !imported(v.book, name):
			v.Remarks = append(v.Remarks, name+" does not belong to any import: one was cut off, or it was added")
		case !inside && !isReport(name) && !slices.Contains(folderFiles(), name):
			v.Remarks = append(v.Remarks, name+" does not belong to a campaign")
		}
	}
}

// imports checks the files that people sent, and their signatures.
func (v *verifier) imports() {
	for i, in := range v.book.Imports {
		where := fmt.Sprintf("%s, line %d", campaign.ImportsFile, i+1)
		content, there := v.files[in.File]
		switch {
		case in.Import != i+1:
			v.problem(where, "has the number %d", in.Import)
		case !there:
			v.problem(in.File, "is missing")
		case campaign.Digest("", content).SHA256 != in.SHA256:
			v.problem(in.File, "is not the file that was imported: %s says SHA-256 %s", where, in.SHA256)
		case in.Signed:
			v.signedFile(in.File, content, in.Reviewer, in.Key, in.At)
			v.signedFiles++
		}
	}
}

// folderFiles are the files of a campaign that have one name.
func folderFiles() []string {
	return []string{
		campaign.CampaignFile, campaign.ItemsFile, campaign.ImportsFile, campaign.DecisionsFile, campaign.RefusedFile, campaign.AssignmentsFile,
		campaign.ExportsFile, campaign.RemediationFile, campaign.ClosedFile, campaign.ClosedFile + campaign.SignatureSuffix,
	}
}

// signedFile checks the signature of a person: with that key, if one is named.
func (v *verifier) signedFile(name string, content []byte, who, key string, at time.Time) {
	file := name + campaign.SignatureSuffix
	public, err := signature.KeyOf(name, content, v.files[file], campaign.Namespace)
	switch {
	case v.files[file] == nil:
		v.problem(file, "is missing")
	case err != nil:
		v.problem(file, "%v", err)
	case key != "" && ssh.FingerprintSHA256(public) != key:
		v.problem(file, "is of the key %s, %s says %s", ssh.FingerprintSHA256(public), campaign.ImportsFile, key)
	case v.people != nil:
		line, err := v.people.Of(public, at)
		if err == nil {
			_, err = line.Person(who)
		}
		if err != nil {
			v.problem(file, "%v", err)
		}
	}
}

// closing holds the closing statement against the files as they were.
func (v *verifier) closing(ctx context.Context) {
	c := v.book.Closing
	if c == nil {
		return
	}
	then := memory{}
	for _, d := range c.Files {
		if v.prefix(d.Name, d.Size, d.SHA256, "the closing statement") {
			then[d.Name] = v.files[d.Name][:d.Size]
		}
	}
	if c.Campaign != v.book.ID() || !campaign.Same(c.Manager, v.book.Manager) {
		v.problem(campaign.ClosedFile, "is of the campaign %s, whose manager is %s", audit.Line(c.Campaign, 100), audit.Line(c.Manager, 100))
	}
	switch book, err := campaign.Load(ctx, then); {
	case err != nil:
		v.problem(campaign.ClosedFile, "does not name the files that it is about: %v", err)
	case len(then) == len(c.Files) && !v.sameFigures(book.Figures(c.At)):
		v.problem(campaign.ClosedFile, "its figures are not those of the files")
	}
	if _, v.signedClosing = v.files[campaign.ClosedFile+campaign.SignatureSuffix]; v.signedClosing {
		v.signedFile(campaign.ClosedFile, v.files[campaign.ClosedFile], v.book.Manager, "", c.At)
	}
}

// sameFigures compares the figures of the closing statement, key by key: a later version may
// count more.
func (v *verifier) sameFigures(now campaign.Figures) bool {
	var said, counted struct{ Figures map[string]any }
	text, err := json.Marshal(struct{ Figures campaign.Figures }{now})
	if err != nil || json.Unmarshal(text, &counted) != nil || json.Unmarshal(v.files[campaign.ClosedFile], &said) != nil || len(said.Figures) == 0 {
		return false
	}
	for key, value := range said.Figures {
		if now, known := counted.Figures[key]; known && !equal(now, value) {
			return false
		}
	}
	return true
}

// prefix tells whether a file is, or begins, as it was.
func (v *verifier) prefix(name string, size int64, sum, said string) bool {
	content, there := v.files[name]
	switch {
	case !there:
		v.problem(name, "is missing, and %s has it", said)
	case size < 0 || int64(len(content)) < size:
		v.problem(name, "was cut: it has %d bytes, and had %d by %s", len(content), size, said)
	case campaign.Digest("", content[:size]).SHA256 != sum:
		v.problem(name, "was changed: its first %d bytes are not what %s has", size, said)
	default:
		return true
	}
	return false
}

var (
	madeAt = regexp.MustCompile(`<meta name="made-at" content="([^"]*)">`)
	madeBy = regexp.MustCompile(`<meta name="made-by" content="([^"]*)">`)
)

// madeAt is when the report was made, by itself.
func (v *verifier) madeAt() time.Time {
	m := madeAt.FindSubmatch(v.files[PageFile])
	if m == nil {
		return time.Time{}
	}
	at, _ := time.Parse(time.RFC3339, strings.ReplaceAll(string(m[1]), "&#43;", "+")) // zero where it is none
	return at
}

// reports makes the report again, if this version made it.
func (v *verifier) reports() {
	by := madeBy.FindSubmatch(v.files[PageFile])
	this := pageView{view: &view{Made: Made{Tool: v.options.Tool}}}.MadeBy()
	if by == nil || v.madeAt().IsZero() {
		v.problem(PageFile, "does not say when and by what it was made: it was changed")
		return
	}
	if string(by[1]) != this {
		v.notProven("That the reports follow from the other files: they were made by %s, and this is %s.", audit.Line(string(by[1]), 100), this)
		return
	}
	made, err := reportsOf(newView(v.book, Made{v.madeAt(), v.options.Tool}, closingKeyOf(v.files)))
	if err != nil {
		v.problem("", "the reports cannot be made again: %v", err)
		return
	}
	v.reportsAlike = true
	for _, r := range made {
		if !bytes.Equal(r.content, v.files[r.name]) {
			v.problem(r.name, "is not what the other files give: it was changed, or they were")
		}
	}
}

// packs holds the folder against what evidence packs have of it.
func (v *verifier) packs() {
	for _, p := range v.options.Packs {
		if p.RunID == v.book.Run && p.Link().Manifest != v.book.Manifest {
			v.problem(campaign.CampaignFile, "is of another review: the pack of %s has the manifest %s, not %s", p.RunID, p.Link().Manifest, v.book.Manifest)
		}
		for _, c := range p.Campaigns {
			if c.Campaign != v.ID {
				continue
			}
			v.sealed++
			for _, f := range c.Files {
				v.prefix(path.Clean(f.Name), f.Size, f.SHA256, "the pack of "+p.RunID)
			}
		}
	}
}

// conclude writes down what follows, and what does not.
func (v *verifier) conclude() {
	b := v.book
	switch {
	case v.signedSums == "":
		v.notProven("That nobody changed the folder on purpose: %s is not signed, and hashes alone show accidents only.", SumsFile)
	case v.job == nil:
		v.notProven("Who signed %s: without a key for %s in an allowed-signers file, anybody can have made it.", SumsFile, sumsNamespace)
	}
	if v.signedFiles > 0 && v.people == nil {
		v.notProven("Who signed the decisions: without keys for %s in an allowed-signers file, a signature only shows that some key was used.", campaign.Namespace)
	}
	if drafts := len(b.Imports) - v.signedFiles; drafts > 0 {
		v.notProven("Who sent %s: they are drafts, not signed.", audit.Plural(drafts, "file"))
	}
	switch {
	case b.Closing == nil:
		v.notProven("That the manager acknowledged the result: the campaign is open.")
	case !v.signedClosing:
		v.notProven("That the manager acknowledged the result: %s is not signed.", campaign.ClosedFile)
	}
	if v.sealed == 0 {
		v.notProven("That the folder was the same before: no evidence pack at hand names it.")
	}
	v.notProven("What the reviews saw: that is in their evidence packs, which %s names.", campaign.RemediationFile)
	if !v.OK() {
		return
	}
	v.proven("Integrity: all %d files are as %s lists them; none is missing, none was added.", len(digests(v.files)), SumsFile)
	if v.signedSums != "" && v.job != nil {
		v.proven("Origin: %s is signed by a key that the allowed-signers file gives to %s.", SumsFile, v.signedSums)
	}
	v.proven("Decisions: %s and %s follow from the rows of %s, judged again.", audit.Plural(len(b.Decisions), "decision"), audit.Plural(len(b.Refused), "refused row"), audit.Plural(len(b.Imports), "file"))
	if v.signedFiles > 0 && v.people != nil {
		v.proven("Reviewers: %s signed by the keys of their reviewers.", audit.Plural(v.signedFiles, "file"))
	}
	if v.signedClosing && v.people != nil {
		v.proven("End: the closing statement is signed by %s, and its figures are those of the files.", b.Manager)
	}
	if v.reportsAlike {
		v.proven("Reports: %s and %s are what this version makes of the other files.", WorkbookFile, PageFile)
	}
	if v.sealed > 0 {
		v.proven("History: nothing was changed that %s had of the campaign.", audit.Plural(v.sealed, "evidence pack"))
	}
}

// Missing are results for campaigns that packs name, and of which there is no folder.
func Missing(packs []*pack.Checked, there []*Result) (out []*Result) {
	for _, p := range packs {
		for _, c := range p.Campaigns {
			known := func(r *Result) bool { return r.ID == c.Campaign }
			if slices.ContainsFunc(there, known) || slices.ContainsFunc(out, known) {
				continue
			}
			r := &Result{ID: c.Campaign, Job: p.Job}
			r.Problems = []pack.Problem{{Pack: c.Campaign, Text: "is missing: the pack of " + p.RunID + " knows it"}}
			out = append(out, r)
		}
	}
	return out
}

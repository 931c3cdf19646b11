package campaign

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"time"
)

// Files are the evidence folder of a campaign. Write lets a file appear whole or not at
// all, in place of the one before. The error of Read is fs.ErrNotExist where there is none.
type Files interface {
	Read(ctx context.Context, name string) ([]byte, error)
	Write(ctx context.Context, name string, content []byte) error
}

// Names of the files.
const (
	CampaignFile    = "campaign.json"
	ItemsFile       = "items.jsonl"
	ImportsFile     = "imports.jsonl"
	DecisionsFile   = "decisions.jsonl"
	RefusedFile     = "refused.csv"
	AssignmentsFile = "assignments.jsonl"
	ExportsFile     = "exports.jsonl"
	RemediationFile = "remediation.jsonl"
	ClosedFile      = "closed.json"
	SignatureSuffix = ".sig"
	DecisionsFolder = "decisions/"
)

// Namespace is that of the signatures of people: ssh-keygen -Y sign -n tokenaudit-review.
const Namespace = "tokenaudit-review"

// Load reads a campaign. The error is fs.ErrNotExist if it is not there, or was cut off
// before it was open.
func Load(ctx context.Context, f Files) (*Book, error) {
	b := new(Book)
	text, err := f.Read(ctx, CampaignFile)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &b.Campaign); err != nil {
		return nil, fmt.Errorf("%s: %w", CampaignFile, err)
	}
	if err := b.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", CampaignFile, err)
	}
	var refused [][]string
	err = errors.Join(
		readLines(ctx, f, ItemsFile, &b.Items), readLines(ctx, f, ImportsFile, &b.Imports), readLines(ctx, f, DecisionsFile, &b.Decisions),
		readLines(ctx, f, AssignmentsFile, &b.Assignments), readLines(ctx, f, ExportsFile, &b.Exports), readLines(ctx, f, RemediationFile, &b.Remediation),
		readRefused(ctx, f, &refused),
	)
	if err != nil {
		return nil, err
	}
	if len(b.Items) != b.Campaign.Items {
		return nil, fmt.Errorf("%s has %d items, but the campaign opened with %d; restore the file from a backup", ItemsFile, len(b.Items), b.Campaign.Items)
	}
	if b.Refused, err = parseRefused(refused); err != nil {
		return nil, fmt.Errorf("%s: %w", RefusedFile, err)
	}
	for i, in := range b.Imports {
		if in.Import != i+1 || in.Assigned < 0 || in.Seen < 0 {
			return nil, fmt.Errorf("%s, line %d: the numbers are not those of import %d", ImportsFile, i+1, i+1)
		}
	}
	// What an import wrote before it was cut off does not count.
	committed := len(b.Imports)
	for len(b.Decisions) > 0 && b.Decisions[len(b.Decisions)-1].Import > committed {
		b.Decisions = b.Decisions[:len(b.Decisions)-1]
	}
	for len(b.Refused) > 0 && b.Refused[len(b.Refused)-1].Import > committed {
		b.Refused = b.Refused[:len(b.Refused)-1]
	}
	text, err = f.Read(ctx, ClosedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		b.Closing = new(Closing)
		err = json.Unmarshal(text, b.Closing)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ClosedFile, err)
	}
	return b, nil
}

func readLines[T any](ctx context.Context, f Files, name string, into *[]T) error {
	text, err := f.Read(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		var v T
		err := dec.Decode(&v)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", name, len(*into)+1, err)
		}
		*into = append(*into, v)
	}
}

func lines[T any](list []T) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for _, v := range list {
		if err := enc.Encode(v); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func writeLines[T any](ctx context.Context, f Files, name string, list []T) error {
	text, err := lines(list)
	if err != nil {
		return err
	}
	return f.Write(ctx, name, text)
}

func writeJSON(ctx context.Context, f Files, name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return f.Write(ctx, name, append(text, '\n'))
}

// Create writes a campaign that opened; its campaign.json comes last.
func Create(ctx context.Context, f Files, c Campaign, items []Item) (*Book, error) {
	text, err := lines(items)
	if err != nil {
		return nil, err
	}
	c.Items, c.ItemsSHA256 = len(items), digest(text)
	if err := f.Write(ctx, ItemsFile, text); err != nil {
		return nil, err
	}
	if err := writeJSON(ctx, f, CampaignFile, c); err != nil {
		return nil, err
	}
	return &Book{Campaign: c, Items: items}, nil
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Received is a file of a reviewer, and its signature, if there is one.
type Received struct {
	Name               string // without a folder
	Content, Signature []byte
	Reviewer           string // who signed it, or else whose file it says it is
	Key                string // the fingerprint of the key that signed it; "" for a draft
}

// Imported tells whether a file was imported before, signed as it is now or better.
func (b *Book) Imported(r Received) (Import, bool) {
	sum := digest(r.Content)
	for _, in := range b.Imports {
		if in.SHA256 == sum && (in.Signed || r.Key == "") {
			return in, true
		}
	}
	return Import{}, false
}

// NewImport is the import that a file will be.
func (b *Book) NewImport(r Received, ext string, at time.Time) Import {
	n := len(b.Imports) + 1
	in := Import{
		Import: n, At: at.UTC().Truncate(time.Second), Name: r.Name, SHA256: digest(r.Content), Reviewer: folded(r.Reviewer), Signed: r.Key != "", Key: r.Key, Closed: b.Closing != nil,
	}
	in.File = in.NumberedAs() + FileName(r.Reviewer) + ext
	return in
}

// NumberedAs begins the names of the files of an import in the folder.
func (in Import) NumberedAs() string { return fmt.Sprintf("%s%04d-", DecisionsFolder, in.Import) }

// FileName is a name without what a file system or sha256sum would take amiss.
func FileName(who string) string {
	out := []rune(folded(who))
	for i, r := range out {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '@' && r != '-' && r != '_' {
			out[i] = '_'
		}
	}
	return string(out[:min(len(out), 80)])
}

// Take writes an import and what became of its rows. What is cut off before the line in
// imports.jsonl does not count, and is written over by the next import.
func (b *Book) Take(ctx context.Context, f Files, in Import, r Received, o Outcome) error {
	in.Rows, in.Taken, in.Refused = o.Taken+len(o.Refused)+o.Unchanged, o.Taken, len(o.Refused)
	in.Assigned, in.Seen = len(b.Assignments), len(b.Remediation)
	if err := f.Write(ctx, in.File, r.Content); err != nil {
		return err
	}
	if in.Signed {
		if err := f.Write(ctx, in.File+SignatureSuffix, r.Signature); err != nil {
			return err
		}
	}
	b.Decisions, b.Refused = append(b.Decisions, o.Decisions...), append(b.Refused, o.Refused...)
	if err := f.Write(ctx, RefusedFile, formatRefused(b.Refused)); err != nil {
		return err
	}
	if err := writeLines(ctx, f, DecisionsFile, b.Decisions); err != nil {
		return err
	}
	b.Imports = append(b.Imports, in)
	return writeLines(ctx, f, ImportsFile, b.Imports)
}

// Reassign writes assignments, all of them or none.
func (b *Book) Reassign(ctx context.Context, f Files, all ...Assignment) error {
	b.Assignments = append(b.Assignments, all...)
	return writeLines(ctx, f, AssignmentsFile, b.Assignments)
}

// Note writes that a file was made for a reviewer.
func (b *Book) Note(ctx context.Context, f Files, e Export) error {
	b.Exports = append(b.Exports, e)
	return writeLines(ctx, f, ExportsFile, b.Exports)
}

// Remember writes what a review saw.
func (b *Book) Remember(ctx context.Context, f Files, seen []Remediation) error {
	if len(seen) == 0 {
		return nil
	}
	b.Remediation = append(b.Remediation, seen...)
	return writeLines(ctx, f, RemediationFile, b.Remediation)
}

// Before is the book as it was when an import was judged.
func (b *Book) Before(in Import) *Book {
	then := *b
	then.Imports, then.Assignments, then.Remediation = b.Imports[:in.Import-1], b.Assignments[:min(in.Assigned, len(b.Assignments))], b.Remediation[:min(in.Seen, len(b.Remediation))]
	then.Decisions = slices.DeleteFunc(slices.Clone(b.Decisions), func(d Decision) bool { return d.Import >= in.Import })
	then.Refused = slices.DeleteFunc(slices.Clone(b.Refused), func(r Refusal) bool { return r.Import >= in.Import })
	if b.Closing != nil && (in.At.Before(b.Closing.At) || in.At.Equal(b.Closing.At) && !in.Closed) {
		then.Closing = nil
	}
	return &then
}

// Closing is closed.json: the statement that the manager signs.
type Closing struct {
	Format   string       `json:"format"`
	Campaign string       `json:"campaign"`
	At       time.Time    `json:"at"`
	By       string       `json:"by"` // who ran the command
	Manager  string       `json:"manager"`
	Reason   string       `json:"reason,omitempty"` // why items may stay open
	Open     []string     `json:"open"`             // items without a signed decision
	Figures  Figures      `json:"figures"`
	Files    []FileDigest `json:"files"` // as they are at this moment
}

// FileDigest is a file of the folder, or its beginning.
type FileDigest struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Close writes the closing statement over the files of the folder.
func (b *Book) Close(ctx context.Context, f Files, reason, by string, files []FileDigest, at time.Time) error {
	c := &Closing{Format: "tokenaudit-closing/1", Campaign: b.ID(), At: at.UTC().Truncate(time.Second), By: by, Manager: b.Manager, Reason: reason, Open: []string{}, Figures: b.Figures(at), Files: files}
	for _, s := range b.Status() {
		if s.State.Open() {
			c.Open = append(c.Open, s.Item.ID)
		}
	}
	if err := writeJSON(ctx, f, ClosedFile, c); err != nil {
		return err
	}
	b.Closing = c
	return nil
}

// Digest is that of a file with the content.
func Digest(name string, content []byte) FileDigest {
	return FileDigest{name, int64(len(content)), digest(content)}
}

var refusedHeader = []string{"import", "at", "file", "line", "item", "code", "reason"}

func formatRefused(all []Refusal) []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(refusedHeader) // into memory
	for _, r := range all {
		_ = w.Write([]string{strconv.Itoa(r.Import), r.At.UTC().Format(time.RFC3339), r.File, strconv.Itoa(r.Line), r.Item, string(r.Code), r.Reason})
	}
	w.Flush()
	return out.Bytes()
}

func readRefused(ctx context.Context, f Files, into *[][]string) error {
	text, err := f.Read(ctx, RefusedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		rows := csv.NewReader(bytes.NewReader(text))
		rows.FieldsPerRecord = len(refusedHeader)
		*into, err = rows.ReadAll()
	}
	return err
}

func parseRefused(rows [][]string) (out []Refusal, err error) {
	for i, r := range rows {
		if i == 0 {
			continue
		}
		n, errN := strconv.Atoi(r[0])
		at, errAt := time.Parse(time.RFC3339, r[1])
		line, errLine := strconv.Atoi(r[3])
		if err := errors.Join(errN, errAt, errLine); err != nil {
			return nil, fmt.Errorf("row %d: %w", i+1, err)
		}
		out = append(out, Refusal{Import: n, At: at, File: r[2], Line: line, Item: r[4], Code: Code(r[5]), Reason: r[6]})
	}
	return out, nil
}

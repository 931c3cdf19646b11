package campaign

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/signature"
)

// Files of the evidence folder that Write makes.
const (
	WorkbookFile      = "report.xlsx"
	PageFile          = "report.html"
	SumsFile          = "SHA256SUMS"
	SumsSignatureFile = SumsFile + campaign.SignatureSuffix
)

// sumsNamespace is that of the signatures of SHA256SUMS, as in evidence packs.
const sumsNamespace = "tokenaudit"

// Folder is the evidence folder of a campaign.
type Folder interface {
	campaign.Files
	Names(ctx context.Context) ([]string, error)
	// Remove takes a file away; it is no error if there is none.
	Remove(ctx context.Context, name string) error
}

// Made says when and by what a report was made. The same book gives the same bytes with it.
type Made struct {
	At   time.Time // to the second
	Tool audit.Tool
}

// Write makes the report of a book as it stands, and then SHA256SUMS over all files of the
// folder, with its signature if there is a key. It writes what differs. Cut off, it leaves
// files that do not agree, and the next Write repairs them.
func Write(ctx context.Context, f Folder, b *campaign.Book, made Made, key []byte) error {
	if err := write(ctx, f, b, made, key); err != nil {
		return fmt.Errorf("the report of campaign %s: %w", b.ID(), err)
	}
	return nil
}

func write(ctx context.Context, f Folder, b *campaign.Book, made Made, pem []byte) error {
	key, err := signature.ParseKey(pem)
	if err != nil {
		return err
	}
	made.At = made.At.UTC().Truncate(time.Second)
	files, err := readAll(ctx, f)
	if err != nil {
		return err
	}
	reports, err := reportsOf(newView(b, made, closingKeyOf(files)))
	if err != nil {
		return err
	}
	for _, r := range reports {
		if err := put(ctx, f, files, r.name, r.content); err != nil {
			return err
		}
	}
	sums := sumsOf(files)
	if key == nil {
		if _, there := files[SumsSignatureFile]; there { // of a key that the job had before
			if err := f.Remove(ctx, SumsSignatureFile); err != nil {
				return err
			}
		}
		return put(ctx, f, files, SumsFile, sums)
	}
	signed, err := signature.Sign(sums, key, sumsNamespace)
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	if err := put(ctx, f, files, SumsFile, sums); err != nil {
		return err
	}
	return put(ctx, f, files, SumsSignatureFile, signed)
}

// readAll reads the files of a folder, by name.
func readAll(ctx context.Context, f Folder) (map[string][]byte, error) {
	names, err := f.Names(ctx)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte, len(names))
	for _, name := range names {
		content, err := f.Read(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		files[name] = content
	}
	return files, nil
}

func put(ctx context.Context, f Folder, files map[string][]byte, name string, content []byte) error {
	if there, ok := files[name]; ok && bytes.Equal(there, content) {
		return nil
	}
	files[name] = content
	return f.Write(ctx, name, content)
}

// file is a file that was made.
type file struct {
	name    string
	content []byte
}

func reportsOf(v *view) ([]file, error) {
	workbook, err := v.workbook()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", WorkbookFile, err)
	}
	page, err := v.page()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", PageFile, err)
	}
	return []file{{WorkbookFile, workbook}, {PageFile, page}}, nil
}

// sumsOf is SHA256SUMS over files, as sha256sum -c reads it.
func sumsOf(files map[string][]byte) []byte {
	var out bytes.Buffer
	for _, d := range digests(files) {
		fmt.Fprintf(&out, "%s  %s\n", d.SHA256, d.Name)
	}
	return out.Bytes()
}

// digests are those of files by name, but for SHA256SUMS and its signature.
func digests(files map[string][]byte) (out []campaign.FileDigest) {
	for name, content := range files {
		if name != SumsFile && name != SumsSignatureFile {
			out = append(out, campaign.Digest(name, content))
		}
	}
	slices.SortFunc(out, func(a, b campaign.FileDigest) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

package campaign

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"tokenaudit/jobs/campaign"
	"tokenaudit/report/pack"
)

// State is what of a folder stays as it is: the files that are written once, and of those
// that grow what they hold now. It leaves out what an import that is cut off left, and what
// Write makes again. The error is fs.ErrNotExist if there is no campaign.
func State(ctx context.Context, f Folder) ([]campaign.FileDigest, error) {
	files, err := readAll(ctx, f)
	if err != nil {
		return nil, err
	}
	b, err := campaign.Load(ctx, memory(files))
	if err != nil {
		return nil, err
	}
	var out []campaign.FileDigest
	for _, d := range digests(files) {
		content := files[d.Name]
		switch {
		case isReport(d.Name), strings.HasPrefix(d.Name, campaign.DecisionsFolder) && !imported(b, d.Name):
			continue
		case d.Name == campaign.DecisionsFile:
			content = committedLines(content, len(b.Imports))
		case d.Name == campaign.RefusedFile:
			content = committedRows(content, len(b.Imports))
		}
		out = append(out, campaign.Digest(d.Name, content))
	}
	return out, nil
}

// InManifest is the state of a campaign as the manifest of an evidence pack has it.
func InManifest(id string, state []campaign.FileDigest) pack.CampaignState {
	out := pack.CampaignState{Campaign: id, Files: []pack.File{}}
	for _, d := range state {
		out.Files = append(out.Files, pack.File{Name: d.Name, Size: d.Size, SHA256: d.SHA256})
	}
	return out
}

// isReport reports whether Write makes the file.
func isReport(name string) bool {
	return name == WorkbookFile || name == PageFile || name == SumsFile || name == SumsSignatureFile
}

// imported reports whether a file is one of the imports, or the signature of one.
func imported(b *campaign.Book, name string) bool {
	return slices.ContainsFunc(b.Imports, func(in campaign.Import) bool {
		return name == in.File || in.Signed && name == in.File+campaign.SignatureSuffix
	})
}

// committedLines are the lines of decisions.jsonl up to an import.
func committedLines(text []byte, last int) []byte {
	end := 0
	for line := range bytes.Lines(text) {
		var d struct{ Import int }
		if json.Unmarshal(line, &d) != nil || d.Import > last {
			break
		}
		end += len(line)
	}
	return text[:end]
}

// committedRows are the header of refused.csv and its rows up to an import.
func committedRows(text []byte, last int) []byte {
	end, rows := 0, csv.NewReader(bytes.NewReader(text))
	for first := true; ; first = false {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) || err != nil {
			return text[:end]
		}
		if n, err := strconv.Atoi(row[0]); !first && (err != nil || n > last) {
			return text[:end]
		}
		end = int(rows.InputOffset())
	}
}

// memory is a folder whose files were read.
type memory map[string][]byte

func (m memory) Read(_ context.Context, name string) ([]byte, error) {
	content, there := m[name]
	if !there {
		return nil, fs.ErrNotExist
	}
	return content, nil
}

// Write is not for what was read.
func (m memory) Write(context.Context, string, []byte) error { return errors.ErrUnsupported }

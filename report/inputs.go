package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// inputsFile holds what a report is made of besides the snapshots and summary.json,
// so that anybody can make it again.
const inputsFile = "inputs.json"

// configFile is the effective configuration of the review, without secrets.
const configFile = "config.yaml"

const inputsFormat = "tokenaudit-inputs/1"

// inputs is inputs.json.
type inputs struct {
	Format  string   `json:"format"`
	Formats []string `json:"formats"`
	CSV     csvStyle `json:"csv"`
	// Addresses are the URLs of the targets, which reperform.sh asks again.
	Addresses map[string]string  `json:"addresses"`
	Trend     []audit.TrendPoint `json:"trend"`
	Controls  audit.Controls     `json:"controls"`
	Contacts  audit.Contacts     `json:"contacts,omitempty"`
	Config    string             `json:"config"` // without secrets
}

type csvStyle struct {
	Delimiter string `json:"delimiter,omitempty"`
	BOM       bool   `json:"bom"`
}

// summaryOf is summary.json.
type summaryOf struct {
	audit.Summary
	Shown []table.Shown `json:"shown,omitempty"` // tables that lack rows
}

func writeInputs(w io.Writer, in Input) error {
	style := csvStyle{BOM: in.CSV.BOM}
	if in.CSV.Delimiter != 0 {
		style.Delimiter = string(in.CSV.Delimiter)
	}
	return writeJSON(w, inputs{inputsFormat, in.Formats, style, in.Addresses, in.Trend, in.Controls, in.Contacts, in.Config})
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// ReadInput reads back what the reports in a folder were made of, but for the records.
// Whole is false where the folder is older than inputs.json: then nothing but the
// summary is known.
func ReadInput(dir string) (in Input, whole bool, err error) {
	text, err := readSmall(dir, SummaryFile)
	if err != nil {
		return in, false, err
	}
	if err := json.Unmarshal(text, &in.Summary); err != nil {
		return in, false, fmt.Errorf("%s: %w", SummaryFile, err)
	}
	text, err = readSmall(dir, inputsFile)
	if errors.Is(err, os.ErrNotExist) {
		return in, false, nil
	}
	if err != nil {
		return in, false, err
	}
	var made inputs
	if err := json.Unmarshal(text, &made); err != nil {
		return in, false, fmt.Errorf("%s: %w", inputsFile, err)
	}
	if made.Format != inputsFormat {
		return in, false, fmt.Errorf("%s: the format is %.40q, this version reads %s", inputsFile, made.Format, inputsFormat)
	}
	for _, name := range made.Formats {
		if !slices.Contains(Names(), name) {
			return in, false, fmt.Errorf("%s: names the format %.40q, which this version does not make", inputsFile, name)
		}
	}
	in.Formats, in.Addresses, in.Trend, in.Controls, in.Config = made.Formats, made.Addresses, made.Trend, made.Controls, made.Config
	in.Contacts = made.Contacts
	in.CSV.BOM = made.CSV.BOM
	if made.CSV.Delimiter != "" {
		in.CSV.Delimiter, _ = utf8.DecodeRuneInString(made.CSV.Delimiter)
	}
	return in, true, nil
}

// mostBytes is what a file may have that is read into memory.
const mostBytes = 64 << 20

func readSmall(dir, name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(f, mostBytes+1))
	if err == nil && n > mostBytes {
		err = fmt.Errorf("%s has more than %d MiB", name, mostBytes>>20)
	}
	return out.Bytes(), err
}

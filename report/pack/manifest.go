package pack

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"tokenaudit/jobs/audit"
)

// manifestFormat changes when a reader of the old one would misread the new one.
const manifestFormat = "tokenaudit-pack/1"

// Manifest is manifest.json: what is in a pack, how it came about, and its place
// in the chain of the packs of its job.
type Manifest struct {
	Format string `json:"format"` // tokenaudit-pack/1
	// RunID is JOB/SLOT, the ID of Run.
	RunID string `json:"run"`
	audit.Run
	Finished time.Time `json:"finished"`
	// Schedule is the cron expression of the job, Zone the zone of its clocks.
	Schedule string `json:"schedule"`
	Zone     string `json:"zone"`
	// Sequence counts the packs of the job from 1; Previous is null for the first.
	Sequence int         `json:"sequence"`
	Previous *audit.Link `json:"previous"`
	Tool     audit.Tool  `json:"tool"`
	// ConfigSHA256 is that of the effective configuration without secrets, and
	// ControlsSHA256 that of the mapping of checks to controls, as JSON.
	ConfigSHA256   string           `json:"config_sha256"`
	ControlsSHA256 string           `json:"controls_sha256"`
	Coverage       Coverage         `json:"coverage"`
	Requests       []TargetRequests `json:"requests"`
	// Signed packs have a SHA256SUMS.sig, made with the key of this fingerprint.
	Signed bool   `json:"signed"`
	Key    string `json:"key,omitempty"` // SHA256:…
	// Campaigns are those that the review was compared with, as they were then.
	Campaigns []CampaignState `json:"campaigns,omitempty"`
	// Files are all files of the pack, by name, but this one and SHA256SUMS with
	// its signature, which cover this one.
	Files []File `json:"files"`
}

// CampaignState is how the evidence folder of a campaign was: its files that are written
// once, and those that grow, up to what they held.
type CampaignState struct {
	Campaign string `json:"campaign"` // NAME/OPENED
	Files    []File `json:"files"`    // by name
}

// Coverage says how much of what was asked for the run could see.
type Coverage struct {
	Verdict audit.Verdict `json:"verdict"`
	Reasons []string      `json:"reasons"`
	// Accepted are gaps that people accepted: so many, and until when.
	Accepted string `json:"accepted,omitempty"`
}

// Words are the verdict, and what was accepted for it.
func (c Coverage) Words() string {
	if c.Accepted != "" {
		return string(c.Verdict) + ", with " + c.Accepted
	}
	return string(c.Verdict)
}

// TargetRequests are the requests that a target was sent.
type TargetRequests struct {
	Target  string        `json:"target"`
	Source  string        `json:"source,omitempty"`
	Server  string        `json:"server,omitempty"`
	Verdict audit.Verdict `json:"verdict"`
	Asked   []audit.Asked `json:"asked"`
}

// File is one file of a pack.
type File struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	// Rows are the rows of a CSV file without its header, or the lines of a JSONL
	// file, packed or not; other files have none.
	Rows   *int   `json:"rows,omitempty"`
	SHA256 string `json:"sha256"`
}

func newManifest(in Input, files []File, key ssh.Signer) Manifest {
	s := in.Summary
	controls, _ := json.Marshal(in.Controls) // text and maps of text always encode
	m := Manifest{
		Format: manifestFormat, RunID: s.ID, Run: s.Run(), Finished: s.Finished, Schedule: in.Schedule, Zone: in.Zone,
		Sequence: 1, Previous: in.Previous, Tool: s.Tool,
		ConfigSHA256: digest([]byte(in.Config)), ControlsSHA256: digest(controls),
		Coverage: Coverage{s.Coverage.Verdict, append([]string{}, s.Coverage.Reasons...), audit.AcceptedWords(s.Coverage.Accepted())},
		Requests: []TargetRequests{}, Signed: key != nil, Campaigns: in.Campaigns, Files: files,
	}
	for _, t := range s.Coverage.Targets {
		m.Requests = append(m.Requests, TargetRequests{t.Target, t.Source, t.Server, t.Verdict, append([]audit.Asked{}, t.Asked...)})
	}
	if in.Previous != nil {
		m.Sequence = in.Previous.Sequence + 1
	}
	if key != nil {
		m.Key = ssh.FingerprintSHA256(key.PublicKey())
	}
	return m
}

// encode refuses what nobody could verify.
func (m Manifest) encode() ([]byte, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(m)
	return out.Bytes(), err
}

// readManifest gives the manifest in a folder, and the link that points to it.
func readManifest(dir string) (m Manifest, link audit.Link, err error) {
	text, err := readFile(dir, manifestFile)
	if err != nil {
		return m, link, err
	}
	if m, err = parseManifest(text); err != nil {
		return m, link, fmt.Errorf("was changed, or is of another version: %w", err)
	}
	return m, audit.Link{Sequence: m.Sequence, Run: m.RunID, Manifest: digest(text)}, nil
}

// parseManifest reads a manifest strictly: what it does not know it does not
// vouch for.
func parseManifest(text []byte) (Manifest, error) {
	var m Manifest
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return m, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return m, errors.New("there is more data after the manifest")
	}
	return m, m.validate()
}

func (m Manifest) validate() error {
	if m.Format != manifestFormat {
		return fmt.Errorf("the format is %.40q, this version reads %s", m.Format, manifestFormat)
	}
	if m.ID() != m.RunID {
		return fmt.Errorf("the run is %.200q, but its job and slot make %.200q", m.RunID, m.ID())
	}
	if m.Signed != (m.Key != "") {
		return errors.New("signed and key contradict each other")
	}
	last := ""
	for _, f := range m.Files {
		if err := checkName(f.Name); err != nil {
			return err
		}
		if f.Name <= last || isSeal(f.Name) && f.Name != ReperformFile {
			return fmt.Errorf("file %q is out of place", f.Name)
		}
		if f.Size < 0 || !isDigest(f.SHA256) {
			return fmt.Errorf("file %q has no proper size or SHA-256", f.Name)
		}
		last = f.Name
	}
	for _, c := range m.Campaigns {
		for _, f := range c.Files {
			if f.Size < 0 || !isDigest(f.SHA256) {
				return fmt.Errorf("file %q of campaign %q has no proper size or SHA-256", f.Name, c.Campaign)
			}
		}
	}
	switch before := m.Previous; {
	case m.Sequence < 1:
		return fmt.Errorf("the sequence number is %d; the first is 1", m.Sequence)
	case m.Sequence == 1 && before != nil:
		return errors.New("the first pack cannot have a previous one")
	case m.Sequence > 1 && before == nil:
		return fmt.Errorf("pack %d lacks the previous one", m.Sequence)
	case m.Sequence > 1 && (before.Sequence != m.Sequence-1 || !isDigest(before.Manifest)):
		return fmt.Errorf("pack %d needs the number and the SHA-256 of pack %d", m.Sequence, m.Sequence-1)
	}
	return nil
}

// checkName keeps out what sha256sum would escape, and paths.
func checkName(name string) error {
	hidden := audit.Visible(name, false) != name || strings.ContainsAny(name, `/\`)
	if hidden || name != filepath.Base(name) || name == "." || name == ".." {
		return fmt.Errorf("%.100q is not a valid name for a file of a pack", name)
	}
	return nil
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func isDigest(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == sha256.Size && s == strings.ToLower(s)
}

// sumsOf is SHA256SUMS, as sha256sum -c reads it.
func sumsOf(files []File, manifest string) []byte {
	all := append(slices.Clone(files), File{Name: manifestFile, SHA256: manifest})
	slices.SortFunc(all, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	var out bytes.Buffer
	for _, f := range all {
		fmt.Fprintf(&out, "%s  %s\n", f.SHA256, f.Name)
	}
	return out.Bytes()
}

// parseSums reads what it can of SHA256SUMS: hashes by name.
func parseSums(text []byte) map[string]string {
	sums := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  "); ok && isDigest(sum) && checkName(name) == nil {
			sums[name] = sum
		}
	}
	return sums
}

package pack

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"tokenaudit/jobs/audit"
)

func manifestIn(t testing.TB, dir string) Manifest {
	t.Helper()
	m, _, err := readManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSealManifest(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t, "ed25519")
	w := newWeeks(t, 2, key)
	m := manifestIn(t, w.folder(2))
	if m.Sequence != 2 || m.RunID != "weekly/2026-07-06T0700Z" || m.Schedule != "0 9 * * 1" || m.Zone != "Europe/Berlin" || !m.Signed || m.Key == "" {
		t.Errorf("%+v", m)
	}
	if want := digest(getFile(t, filepath.Join(w.folder(1), manifestFile))); m.Previous == nil || *m.Previous != (audit.Link{Sequence: 1, Run: "weekly/2026-06-29T0700Z", Manifest: want}) {
		t.Errorf("previous %+v, want the hash %s", m.Previous, want)
	}
	if first := manifestIn(t, w.folder(1)); first.Previous != nil {
		t.Errorf("the first has %+v before it", first.Previous)
	}
	if len(m.Requests) != 1 || m.Requests[0].Asked[0].Rows != 2 || m.ConfigSHA256 != digest([]byte("jobs: []")) {
		t.Errorf("requests %+v, config %s", m.Requests, m.ConfigSHA256)
	}
	rows := map[string]int{}
	for _, f := range m.Files {
		rows[f.Name] = rowsOf(f)
	}
	want := map[string]int{"authorizations.csv": 2, "findings.csv": 1, "findings.ocsf.jsonl": 1, "snapshot-plant.jsonl.gz": 2, "report.html": -1, "reperform.sh": -1, "review.xlsx": -1, "summary.json": -1}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestSealFiles(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t, "ed25519")
	w := newWeeks(t, 1, key)
	for name := range filesBelow(t, w.dir) {
		info, err := os.Stat(filepath.Join(w.dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
		if strings.HasPrefix(filepath.Base(name), ".") {
			t.Errorf("%s was left behind", name)
		}
	}
}

// TestSealAgain: what was cut off before its manifest is sealed again, to the byte, and
// nothing of a killed process stays.
func TestSealAgain(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ed25519", "ecdsa", "rsa", ""} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var key []byte
			if kind != "" {
				key, _ = newKey(t, kind)
			}
			w := newWeeks(t, 1, key)
			before := filesBelow(t, w.dir)
			w.last = nil
			must(t, os.Remove(filepath.Join(w.folder(1), manifestFile)))
			must(t, os.MkdirAll(filepath.Join(w.folder(1), ".manifest.json", "rest"), 0o700))
			putFile(t, filepath.Join(w.folder(1), ".manifest.json-ABC"), []byte("{"))
			putFile(t, filepath.Join(w.folder(1), lockFile), nil)
			w.seal(audit.Run{Job: "weekly", Slot: firstSlot, Trigger: audit.Scheduled}, audit.Complete)
			if diff := cmp.Diff(before, filesBelow(t, w.dir)); diff != "" {
				t.Errorf("(-first +again):\n%s", diff)
			}
		})
	}
}

// TestSealAgainWithoutKey leaves no signature of the earlier pack.
func TestSealAgainWithoutKey(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t, "ed25519")
	w := newWeeks(t, 1, key)
	w.last, w.key = nil, nil
	must(t, os.Remove(filepath.Join(w.folder(1), manifestFile)))
	w.seal(audit.Run{Job: "weekly", Slot: firstSlot, Trigger: audit.Scheduled}, audit.Complete)
	if v := w.verify(Options{}); !v.OK() {
		t.Error(problems(v.Problems))
	}
}

func TestSealRefuses(t *testing.T) {
	t.Parallel()
	private, _ := newKey(t, "ed25519")
	encrypted, err := os.ReadFile(encryptedKey(t, private))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Input, string)
		want   string
	}{
		"an encrypted key":          {func(p *Input, _ string) { p.Key = encrypted }, "passphrase"},
		"what is no key":            {func(p *Input, _ string) { p.Key = []byte("canary-secret") }, "not a private SSH key"},
		"a link without a hash":     {func(p *Input, _ string) { p.Previous = &audit.Link{Sequence: 1, Run: "weekly/x"} }, "needs the number"},
		"a link in place of a file": {func(_ *Input, dir string) { link(t, filepath.Join(dir, "findings.csv")) }, "findings.csv is not a regular file"},
		"a file that is missing":    {func(_ *Input, dir string) { must(t, os.Remove(filepath.Join(dir, "findings.csv"))) }, "findings.csv"},
		"a folder": {func(in *Input, dir string) {
			must(t, os.Mkdir(filepath.Join(dir, "x"), 0o700))
			in.Files = []string{"x"}
		}, "not a regular file"},
		"a name that sha256sum escapes": {func(in *Input, dir string) { putFile(t, filepath.Join(dir, "a\nb"), nil); in.Files = []string{"a\nb"} }, "not a valid name"},
		"a path":                        {func(in *Input, _ string) { in.Files = []string{"../x"} }, ""},
		"a file twice":                  {func(in *Input, _ string) { in.Files = append(in.Files, in.Files[0]) }, "out of place"},
		"a snapshot that is cut": {func(_ *Input, dir string) {
			putFile(t, filepath.Join(dir, "snapshot-plant.jsonl.gz"), []byte{0x1f, 0x8b})
		}, "snapshot-plant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWeeks(t, 0, nil)
			run := audit.Run{Job: "weekly", Slot: firstSlot}
			dir := filepath.Join(w.dir, run.SlotName())
			w.write(dir, run)
			p := w.pack(run, audit.Complete)
			c.change(&p, dir)
			_, err := Seal(t.Context(), dir, p)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestNothingReplaces: whatever is sealed next in the folder of a pack, it stays as it is.
func TestNothingReplaces(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t, "ed25519")
	made := newWeeks(t, 2, key)
	for name, c := range map[string]struct {
		before func(w *weeks)
		input  func(*Input)
		want   string // of the error; "" where the pack is taken up as it is
	}{
		"the same run":                 {},
		"the same run, ended later":    {input: func(in *Input) { in.Summary.Finished = in.Summary.Finished.Add(time.Hour) }},
		"the same run, without a key":  {input: func(in *Input) { in.Key = nil }},
		"the same run, as another one": {input: func(in *Input) { in.Previous = nil }},
		"the slot of a lost ledger":    {input: func(in *Input) { in.Summary.Started = in.Summary.Started.Add(time.Hour) }, want: "has the sealed pack of run weekly/" + second + ", begun at 2026-07-06T07:00:01Z"},
		"another run":                  {input: func(in *Input) { in.Summary.ID, in.Summary.Job = "daily/"+second, "daily" }, want: "history rebuild"},
		"over a damaged manifest":      {before: func(w *weeks) { putFile(t, filepath.Join(w.folder(2), manifestFile), []byte("{")) }, want: "a manifest that cannot be read"},
		"over a link":                  {before: func(w *weeks) { link(t, filepath.Join(w.folder(2), manifestFile)) }, want: "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := made.copied(t)
			last := w.last
			if c.before != nil {
				c.before(w)
			}
			before := filesBelow(t, w.dir)
			run := manifestIn(t, made.folder(2)).Run
			w.last = manifestIn(t, made.folder(2)).Previous
			in := w.pack(run, audit.Partial)
			if c.input != nil {
				c.input(&in)
			}
			got, err := Seal(t.Context(), w.folder(2), in)
			switch {
			case c.want == "" && (err != nil || got.Link != *last):
				t.Errorf("%+v, %v", got, err)
			case c.want != "" && (err == nil || !errors.As(err, new(*ReplaceError)) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			}
			if diff := cmp.Diff(before, filesBelow(t, w.dir)); diff != "" {
				t.Errorf("was changed:\n%s", diff)
			}
		})
	}
}

// TestOnlyOneSeals: of processes that seal one folder at a time one wins, and its pack is
// whole.
func TestOnlyOneSeals(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 0, nil)
	run := audit.Run{Job: "weekly", Slot: firstSlot}
	w.write(w.folder(1), run)
	errs := make(chan error)
	const n = 20
	for i := range n {
		run.Started = firstSlot.Add(time.Duration(i) * time.Second)
		in := w.pack(run, audit.Complete)
		go func() {
			_, err := Seal(t.Context(), w.folder(1), in)
			errs <- err
		}()
	}
	won := 0
	for range n {
		if <-errs == nil {
			won++
		}
	}
	if v := w.verify(Options{}); won != 1 || !v.OK() {
		t.Errorf("%d of them won%s", won, problems(v.Problems))
	}
}

// TestNewFileReplacesNothing: whatever looked for it before, the name is taken once.
func TestNewFileReplacesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	must(t, err)
	defer root.Close()
	must(t, writeNewFile(root, manifestFile, []byte("first")))
	if err := writeNewFile(root, manifestFile, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the second: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, manifestFile)); err != nil || string(text) != "first" {
		t.Errorf("%s, %v", text, err)
	}
}

// TestChainAnew: a chain.json that is damaged or missing ends no review. The next one
// writes it anew from the packs, and Verify says so.
func TestChainAnew(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, path string){
		"cut":        func(t *testing.T, path string) { putFile(t, path, []byte("{")) },
		"empty":      func(t *testing.T, path string) { putFile(t, path, nil) },
		"another":    func(t *testing.T, path string) { putFile(t, path, []byte(`{"format":"tokenaudit-chain/2"}`)) },
		"a link":     link,
		"is missing": func(t *testing.T, path string) { must(t, os.Remove(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWeeks(t, 3, nil)
			damage(t, filepath.Join(w.dir, chainFile))
			run := audit.Run{Job: "weekly", Slot: firstSlot.AddDate(0, 0, 21)}
			w.write(w.folder(4), run)
			got, err := Seal(t.Context(), w.folder(4), w.pack(run, audit.Complete))
			if err != nil || !got.NewChain || got.Sequence != 4 {
				t.Fatalf("%+v, %v", got, err)
			}
			v := w.verify(Options{})
			if !v.OK() || !slices.ContainsFunc(v.Remarks, func(r string) bool { return strings.Contains(r, "was written again with pack 4") }) {
				t.Errorf("%s\n%q", problems(v.Problems), v.Remarks)
			}
			must(t, os.RemoveAll(w.folder(4)))
			if v := w.verify(Options{}); !hasProblem(v.Problems, "pack 4 is missing at the end") {
				t.Error(problems(v.Problems))
			}
		})
	}
}

// TestChainAnewBehind: an earlier run that is sealed late does not become the head.
func TestChainAnewBehind(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 3, nil)
	putFile(t, filepath.Join(w.dir, chainFile), []byte("{"))
	if _, found, err := resume(w.folder(2), manifestIn(t, w.folder(2)).Run); !found || err != nil {
		t.Fatal(found, err)
	}
	if v := w.verify(Options{}); !v.OK() {
		t.Error(problems(v.Problems))
	}
}

// TestManifestPlace: a manifest that claims a place it cannot have is none.
func TestManifestPlace(t *testing.T) {
	t.Parallel()
	before := &audit.Link{Sequence: 1, Run: "weekly/x", Manifest: digest(nil)}
	for want, m := range map[string]Manifest{
		"the first is 1":     {Sequence: 0},
		"cannot have":        {Sequence: 1, Previous: before},
		"lacks the previous": {Sequence: 2},
		"needs the number":   {Sequence: 3, Previous: before},
	} {
		m.Format, m.RunID = manifestFormat, m.ID()
		text, err := json.Marshal(m)
		must(t, err)
		if _, err := parseManifest(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestForeign: what the run did not make does not belong to the pack, is named, and is
// named by Verify until somebody takes it away. Nothing is followed or written over.
func TestForeign(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 0, nil)
	run := audit.Run{Job: "weekly", Slot: firstSlot}
	dir := w.folder(1)
	w.write(dir, run)
	outside := filepath.Join(t.TempDir(), "outside")
	putFile(t, outside, []byte("canary"))
	foreign := []string{".DS_Store", "a\nb", "more.csv", "notes.txt", "x"}
	putFile(t, filepath.Join(dir, "notes.txt"), []byte("canary"))
	putFile(t, filepath.Join(dir, ".DS_Store"), nil)
	putFile(t, filepath.Join(dir, "a\nb"), nil)
	must(t, os.Mkdir(filepath.Join(dir, "x"), 0o700))
	must(t, os.Symlink(outside, filepath.Join(dir, "more.csv")))
	for _, name := range []string{"." + manifestFile, "." + signatureFile, sumsFile, ReperformFile} { // where Seal writes
		must(t, os.Symlink(outside, filepath.Join(dir, name)))
	}
	sealed, err := Seal(t.Context(), dir, w.pack(run, audit.Complete))
	if diff := cmp.Diff(foreign, sealed.Foreign); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if text := string(getFile(t, outside)); text != "canary" {
		t.Errorf("a link was followed: %q", text)
	}
	v := w.verify(Options{})
	for _, name := range foreign {
		if !hasProblem(v.Problems, name, "does not belong to the pack") {
			t.Errorf("%q is not named:%s", name, problems(v.Problems))
		}
		must(t, os.RemoveAll(filepath.Join(dir, name)))
	}
	if v := w.verify(Options{}); !v.OK() {
		t.Error(problems(v.Problems))
	}
}

// TestSealFollowsNoFolder: a link in place of the folder of a run leads elsewhere.
func TestSealFollowsNoFolder(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 0, nil)
	run := audit.Run{Job: "weekly", Slot: firstSlot}
	outside := filepath.Join(t.TempDir(), "outside")
	w.write(outside, run)
	must(t, os.Mkdir(w.dir, 0o700))
	must(t, os.Symlink(outside, w.folder(1)))
	before := filesBelow(t, outside)
	if _, err := Seal(t.Context(), w.folder(1), w.pack(run, audit.Complete)); err == nil || !strings.Contains(err.Error(), w.folder(1)+" is not a folder") {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff(before, filesBelow(t, outside)); diff != "" {
		t.Errorf("was written:\n%s", diff)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 2, nil)
	run := audit.Run{Job: "weekly", Slot: firstSlot.AddDate(0, 0, 14)}
	w.write(w.folder(3), run)
	before := filesBelow(t, w.dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(ctx, w.dir, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("verify: %v", err)
	}
	if _, err := Seal(ctx, w.folder(3), w.pack(run, audit.Partial)); !errors.Is(err, context.Canceled) {
		t.Errorf("seal: %v", err)
	}
	if done, err := Prune(ctx, w.dir, firstSlot.AddDate(1, 0, 0), unlocked); !errors.Is(err, context.Canceled) || len(done.Runs) > 0 {
		t.Errorf("prune: %v", err)
	}
	if diff := cmp.Diff(before, filesBelow(t, w.dir)); diff != "" {
		t.Errorf("was written:\n%s", diff)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func encryptedKey(t *testing.T, private []byte) string {
	t.Helper()
	raw, err := ssh.ParseRawPrivateKey(private)
	must(t, err)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(raw, "", []byte("canary"))
	must(t, err)
	path := filepath.Join(t.TempDir(), "key")
	putFile(t, path, pem.EncodeToMemory(block))
	return path
}

// TestOtherTools: a pack can be checked with the tools that every auditor has.
func TestOtherTools(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			key, public := newKey(t, kind)
			dir, signers := newWeeks(t, 1, key).folder(1), "auditor@example.com "+public+"\n"
			v, err := verify(t.Context(), dir, Options{Signers: []byte(signers)})
			if err != nil || !v.OK() || v.Packs[0].Signer != "auditor@example.com" {
				t.Errorf("%v %+v%s", err, v.Packs, problems(v.Problems))
			}
			if out, err := program(t, dir, nil, "sha256sum", "--strict", "-c", sumsFile); err != nil || strings.Count(out, ": OK") != len(v.Packs[0].Files)+1 {
				t.Errorf("%v\n%s", err, out)
			}
			putFile(t, filepath.Join(dir, "..", "signers"), []byte(signers))
			out, err := program(t, dir, getFile(t, filepath.Join(dir, sumsFile)), "ssh-keygen", "-Y", "verify", "-f", "../signers", "-I", "auditor@example.com", "-n", "tokenaudit", "-s", signatureFile)
			if err != nil || !strings.Contains(out, "Good") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestCountRows(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 0, "a\r\n": 0, "a\r\nb\r\n": 1, "a\nb": 1, "a\r\n\"x\r\n\r\ny\"\r\n": 1,
		"\ufeffa;b\r\n\"he said \"\"hi\nthere\"\"\";2\r\n3;4\r\n": 2, "a\n\n\nb\n": 1,
		"a\n" + strings.Repeat("x", 200_000) + "\n": 1, "a\n\"" + strings.Repeat("x\n", 100_000) + "\"\n": 1,
	} {
		got, err := countRows("x.csv", strings.NewReader(text))
		if err != nil || *got != want {
			t.Errorf("%.40q: %d, %v; want %d", text, *got, err, want)
		}
	}
	if got, err := countRows("x.jsonl", strings.NewReader("{\"a\":\"\\\"\"}\n{}\n")); err != nil || *got != 2 {
		t.Errorf("jsonl: %d, %v", *got, err)
	}
}

func TestMarkPruned(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 4, nil)
	for _, n := range []int{2, 1} { // an older one does not take back the newer one
		must(t, markPruned(w.dir, audit.Link{Sequence: n, Run: manifestIn(t, w.folder(n)).RunID, Manifest: digest(getFile(t, filepath.Join(w.folder(n), manifestFile)))}))
	}
	must(t, os.RemoveAll(w.folder(1)))
	must(t, os.RemoveAll(w.folder(2)))
	v := w.verify(Options{})
	if !v.OK() || !slices.ContainsFunc(v.Remarks, func(r string) bool { return strings.Contains(r, "retention removed the packs up to 2") }) {
		t.Errorf("%s\n%v", problems(v.Problems), v.Remarks)
	}
	must(t, os.RemoveAll(w.folder(3)))
	if v := w.verify(Options{}); !hasProblem(v.Problems, "packs 1 to 3 are missing at the start") {
		t.Error(problems(v.Problems))
	}
}

func FuzzManifest(f *testing.F) {
	w := newWeeks(f, 2, nil)
	f.Add(getFile(f, filepath.Join(w.folder(2), manifestFile)))
	f.Add([]byte(`{"format":"tokenaudit-pack/1","files":[{"name":"../x"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest(text)
		if err != nil {
			return
		}
		again, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseManifest(again); err != nil {
			t.Errorf("what was read cannot be read again: %v\n%s", err, again)
		}
		for _, file := range m.Files {
			if filepath.Base(file.Name) != file.Name {
				t.Errorf("%q leaves the folder", file.Name)
			}
		}
	})
}

// TestManifestIsDocumented: a change of the names is a change of the format.
func TestManifestIsDocumented(t *testing.T) {
	t.Parallel()
	var m map[string]any
	must(t, json.Unmarshal(getFile(t, filepath.Join(newWeeks(t, 1, nil).folder(1), manifestFile)), &m))
	want := []string{"config_sha256", "controls_sha256", "coverage", "files", "finished", "format", "job", "missed", "previous", "requests", "run", "schedule", "sequence", "signed", "slot", "started", "tool", "trigger", "zone"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(m))); diff != "" {
		t.Error(diff)
	}
}

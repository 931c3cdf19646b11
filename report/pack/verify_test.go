package pack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/signature"
)

// flip changes one byte in the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	content := getFile(t, path)
	content[len(content)/2] ^= 1
	putFile(t, path, content)
}

// reseal makes the sums of a pack right again, as somebody without the key would.
func reseal(t *testing.T, dir string, change func(*Manifest)) {
	t.Helper()
	m := manifestIn(t, dir)
	for i := range m.Files {
		f, err := measure(t.Context(), dir, m.Files[i].Name)
		must(t, err)
		m.Files[i] = f
	}
	change(&m)
	text, err := m.encode()
	must(t, err)
	putFile(t, filepath.Join(dir, manifestFile), text)
	putFile(t, filepath.Join(dir, sumsFile), sumsOf(m.Files, digest(text)))
}

func swap(t *testing.T, a, b string) {
	t.Helper()
	must(t, os.Rename(a, a+"x"))
	must(t, os.Rename(b, a))
	must(t, os.Rename(a+"x", b))
}

const second, third = "2026-07-06T0700Z", "2026-07-13T0700Z"

type tampering struct {
	do   func(t *testing.T, w *weeks)
	want []string // parts of one problem
}

func tamperings() map[string]tampering {
	return map[string]tampering{
		"a file is removed":               {func(t *testing.T, w *weeks) { must(t, os.Remove(filepath.Join(w.folder(2), "findings.csv"))) }, []string{second, "findings.csv", "is missing"}},
		"a file is added":                 {func(t *testing.T, w *weeks) { putFile(t, filepath.Join(w.folder(2), "more.csv"), nil) }, []string{second, "more.csv", "was added"}},
		"a hidden file is added":          {func(t *testing.T, w *weeks) { putFile(t, filepath.Join(w.folder(2), ".x"), nil) }, []string{second, ".x", "was added"}},
		"a file is replaced by a link":    {func(t *testing.T, w *weeks) { link(t, filepath.Join(w.folder(2), "findings.csv")) }, []string{second, "findings.csv", "not a regular file"}},
		"the manifest is a link":          {func(t *testing.T, w *weeks) { link(t, filepath.Join(w.folder(2), manifestFile)) }, []string{second, manifestFile, "not a regular file"}},
		"the sums are a link":             {func(t *testing.T, w *weeks) { link(t, filepath.Join(w.folder(2), sumsFile)) }, []string{second, sumsFile, "not a regular file"}},
		"the signature is a link":         {func(t *testing.T, w *weeks) { link(t, filepath.Join(w.folder(2), signatureFile)) }, []string{second, signatureFile, "cannot be read"}},
		"the chain is a link":             {func(t *testing.T, w *weeks) { link(t, filepath.Join(w.dir, chainFile)) }, []string{chainFile, "damaged"}},
		"the manifest never ends":         {func(t *testing.T, w *weeks) { endless(t, filepath.Join(w.folder(2), manifestFile)) }, []string{second, manifestFile, "more than 64 MiB"}},
		"the manifest is removed":         {func(t *testing.T, w *weeks) { must(t, os.Remove(filepath.Join(w.folder(2), manifestFile))) }, []string{second, manifestFile, "is missing"}},
		"the sums are removed":            {func(t *testing.T, w *weeks) { must(t, os.Remove(filepath.Join(w.folder(2), sumsFile))) }, []string{second, sumsFile, "is missing"}},
		"the signature is removed":        {func(t *testing.T, w *weeks) { must(t, os.Remove(filepath.Join(w.folder(2), signatureFile))) }, []string{second, signatureFile, "is missing"}},
		"the signature has a line more":   {func(t *testing.T, w *weeks) { addLine(t, filepath.Join(w.folder(2), signatureFile)) }, []string{second, signatureFile, "changed"}},
		"the sums have a line more":       {func(t *testing.T, w *weeks) { addLine(t, filepath.Join(w.folder(2), sumsFile)) }, []string{second, sumsFile, "changed"}},
		"the first pack is removed":       {func(t *testing.T, w *weeks) { must(t, os.RemoveAll(w.folder(1))) }, []string{"pack 1 is missing at the start", "2026-06-29T0700Z"}},
		"a pack in the middle is removed": {func(t *testing.T, w *weeks) { must(t, os.RemoveAll(w.folder(2))) }, []string{"pack 2 is missing", second}},
		"two packs are removed":           {func(t *testing.T, w *weeks) { must(t, os.RemoveAll(w.folder(2))); must(t, os.RemoveAll(w.folder(3))) }, []string{"packs 2 to 3 are missing", third}},
		"the last pack is removed":        {func(t *testing.T, w *weeks) { must(t, os.RemoveAll(w.folder(4))) }, []string{"pack 4 is missing at the end", "2026-07-20T0700Z"}},
		"a pack is removed, its folder not": {func(t *testing.T, w *weeks) {
			must(t, os.RemoveAll(w.folder(2)))
			must(t, os.Mkdir(w.folder(2), 0o700))
		}, []string{second, "manifest.json", "is missing"}},
		"two packs are swapped":     {func(t *testing.T, w *weeks) { swap(t, w.folder(2), w.folder(3)) }, []string{third, "has the pack of run weekly/" + second}},
		"a pack is copied":          {func(t *testing.T, w *weeks) { must(t, os.CopyFS(filepath.Join(w.dir, "copy"), os.DirFS(w.folder(2)))) }, []string{"has the number 2"}},
		"the chain is an older one": {func(t *testing.T, w *weeks) { olderChain(t, w) }, []string{chainFile, "older copy"}},
		"the chain is damaged":      {func(t *testing.T, w *weeks) { putFile(t, filepath.Join(w.dir, chainFile), []byte("{")) }, []string{chainFile, "damaged"}},
		"a pack is made up anew": {func(t *testing.T, w *weeks) {
			flip(t, filepath.Join(w.folder(2), "findings.csv"))
			reseal(t, w.folder(2), func(*Manifest) {})
		}, []string{second, signatureFile, "does not fit"}},
		"a pack is made up anew, unsigned": {func(t *testing.T, w *weeks) { unsign(t, w.folder(2)) }, []string{second, manifestFile, "is not the one that " + third + " follows on"}},
		"the last one is, unsigned":        {func(t *testing.T, w *weeks) { unsign(t, w.folder(4)) }, []string{"2026-07-20T0700Z", "is not the one that chain.json holds"}},
		"the signature is of another key":  {func(t *testing.T, w *weeks) { signAnew(t, w.folder(2)) }, []string{second, signatureFile, "is of the key"}},
		"rows are made up": {func(t *testing.T, w *weeks) {
			reseal(t, w.folder(2), func(m *Manifest) { n := 7; m.Files[0].Rows = &n })
		}, []string{second, "authorizations.csv", "has 2 rows", "says 7"}},
		"a size is made up": {func(t *testing.T, w *weeks) { reseal(t, w.folder(2), func(m *Manifest) { m.Files[0].Size++ }) }, []string{second, "authorizations.csv", "bytes"}},
	}
}

func link(t *testing.T, path string) {
	must(t, os.Rename(path, path+".real"))
	must(t, os.Symlink(path+".real", path))
}

// endless makes a file of a terabyte, which takes no place.
func endless(t *testing.T, path string) { must(t, os.Truncate(path, 1<<40)) }

func addLine(t *testing.T, path string) { putFile(t, path, append(getFile(t, path), '\n')) }

func unsign(t *testing.T, dir string) {
	must(t, os.Remove(filepath.Join(dir, signatureFile)))
	reseal(t, dir, func(m *Manifest) { m.Signed, m.Key = false, "" })
}

func signAnew(t *testing.T, dir string) {
	other, _ := newKey(t, "other")
	key, err := signature.ParseKey(other)
	must(t, err)
	signed, err := signature.Sign(getFile(t, filepath.Join(dir, sumsFile)), key, signatureNamespace)
	must(t, err)
	putFile(t, filepath.Join(dir, signatureFile), signed)
}

func olderChain(t *testing.T, w *weeks) {
	r, err := readChain(w.dir)
	must(t, err)
	r.Head = audit.Link{Sequence: 3, Run: "weekly/" + third, Manifest: digest(getFile(t, filepath.Join(w.folder(3), manifestFile)))}
	must(t, r.write(w.dir))
}

func TestTampering(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t, "ed25519")
	made := newWeeks(t, 4, key)
	for name, c := range tamperings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := made.copied(t)
			if v := w.verify(Options{}); !v.OK() {
				t.Fatal(problems(v.Problems))
			}
			c.do(t, w)
			if v := w.verify(Options{}); v.OK() || !hasProblem(v.Problems, c.want...) || len(v.Proven) > 0 {
				t.Errorf("want %q, proven %q, got%s", c.want, v.Proven, problems(v.Problems))
			}
		})
	}
}

// TestNamedPipe: nobody waits for its other end.
func TestNamedPipe(t *testing.T) {
	t.Parallel()
	for _, name := range []string{manifestFile, sumsFile, signatureFile, "findings.csv", filepath.Join("..", chainFile)} {
		key, _ := newKey(t, "ed25519")
		w := newWeeks(t, 1, key)
		must(t, os.Remove(filepath.Join(w.folder(1), name)))
		if out, err := program(t, w.folder(1), nil, "mkfifo", name); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if v := w.verify(Options{}); !hasProblem(v.Problems, filepath.Base(name)) {
			t.Errorf("%s:%s", name, problems(v.Problems))
		}
	}
}

// TestOneByte: one byte in each file of a pack, each byte of the short ones.
func TestOneByte(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t, "ed25519")
	w := newWeeks(t, 3, key)
	for name := range filesBelow(t, w.folder(2)) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(w.folder(2), name)
			before := getFile(t, path)
			defer putFile(t, path, before)
			for i := 0; i < len(before); i += 1 + len(before)/40 {
				changed := append([]byte{}, before...)
				changed[i] ^= 4
				putFile(t, path, changed)
				if v := w.verify(Options{}); !hasProblem(v.Problems, second, name) {
					t.Fatalf("byte %d: %s", i, problems(v.Problems))
				}
			}
		})
	}
}

// TestSinglePack: one pack says itself what is wrong with it.
func TestSinglePack(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 2, nil)
	v, err := verify(t.Context(), w.folder(2), Options{})
	if err != nil || !v.OK() || v.Chain {
		t.Fatalf("%v%s", err, problems(v.Problems))
	}
	for _, want := range []string{"not signed", "no other pack is missing", "every planned review"} {
		if !strings.Contains(strings.Join(v.NotProven, "\n"), want) {
			t.Errorf("%q is not said to be open: %q", want, v.NotProven)
		}
	}
	sums := getFile(t, filepath.Join(w.folder(2), sumsFile))
	addLine(t, filepath.Join(w.folder(2), sumsFile)) // no signature tells here
	if v, _ := verify(t.Context(), w.folder(2), Options{}); !hasProblem(v.Problems, second, sumsFile+": is not what") {
		t.Error(problems(v.Problems))
	}
	putFile(t, filepath.Join(w.folder(2), sumsFile), sums)
	flip(t, filepath.Join(w.folder(2), "review.xlsx"))
	if v, _ := verify(t.Context(), w.folder(2), Options{}); !hasProblem(v.Problems, second, "review.xlsx", "was changed") || len(v.Problems) != 1 {
		t.Error(problems(v.Problems))
	}
}

// TestSeveralJobs: each job of a folder is checked, and what is none is left alone.
func TestSeveralJobs(t *testing.T) {
	t.Parallel()
	made := newWeeks(t, 2, nil)
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		want   []string // parts of a problem; none if nothing is wrong
	}{
		"nothing":                  {func(*testing.T, string) {}, nil},
		"a file of one is changed": {func(t *testing.T, dir string) { flip(t, filepath.Join(dir, "weekly", second, "findings.csv")) }, []string{second, "findings.csv", "changed"}},
		"a pack is missing":        {func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, "weekly", second))) }, []string{"pack 2 is missing at the end"}},
		"all packs are missing": {func(t *testing.T, dir string) {
			must(t, os.RemoveAll(filepath.Join(dir, "weekly", second)))
			must(t, os.RemoveAll(filepath.Join(dir, "weekly", "2026-06-29T0700Z")))
		}, []string{"packs 1 to 2 are missing", "none is there"}},
		"a job is a copy of another": {func(t *testing.T, dir string) {
			must(t, os.CopyFS(filepath.Join(dir, "other"), os.DirFS(filepath.Join(dir, "weekly"))))
		}, []string{"is of job weekly"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Dir(made.copied(t).dir)
			must(t, os.MkdirAll(filepath.Join(dir, ".dry-run", "weekly", second), 0o700))
			must(t, os.MkdirAll(filepath.Join(dir, "cut off", "2026-07-06T0700Z"), 0o700))
			putFile(t, filepath.Join(dir, "tokenaudit.db"), nil)
			daily := newWeeks(t, 0, nil)
			daily.dir = filepath.Join(dir, "daily")
			daily.seal(audit.Run{Job: "daily", Slot: firstSlot, Trigger: audit.Scheduled}, audit.Complete)
			c.change(t, dir)
			all, err := Verify(t.Context(), dir, Options{})
			must(t, err)
			var found []Problem
			names := map[string]bool{}
			for _, v := range all {
				names[v.Job] = true
				found = append(found, v.Problems...)
			}
			if !names["daily"] || !names["weekly"] || names["cut off"] || names[".dry-run"] {
				t.Errorf("jobs %v", names)
			}
			if (len(found) > 0) != (c.want != nil) || c.want != nil && !hasProblem(found, c.want...) {
				t.Errorf("want %q, got%s", c.want, problems(found))
			}
		})
	}
}

// TestWithoutChain: a copy without chain.json verifies, and the end is open.
func TestWithoutChain(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 3, nil)
	must(t, os.Remove(filepath.Join(w.dir, chainFile)))
	v := w.verify(Options{})
	if !v.OK() || !strings.Contains(strings.Join(v.NotProven, "\n"), "That pack 3 is the last") {
		t.Errorf("%q%s", v.NotProven, problems(v.Problems))
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 1, nil)
	year, _ := ParsePeriod("2026")
	for name, c := range map[string]struct {
		path string
		o    Options
		want string
	}{
		"nothing there":       {filepath.Join(w.dir, "x"), Options{}, "no such file"},
		"a file":              {filepath.Join(w.dir, chainFile), Options{}, "not a directory"},
		"a folder of nothing": {t.TempDir(), Options{}, "no evidence pack"},
		"a period of one run": {w.folder(1), Options{Period: &year}, "folder of a job"},
		"no signer":           {w.dir, Options{Signers: []byte("# none\n")}, "no key"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Verify(t.Context(), c.path, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestSigners(t *testing.T) {
	t.Parallel()
	key, public := newKey(t, "ed25519")
	_, other := newKey(t, "other")
	w := newWeeks(t, 2, key)
	for name, c := range map[string]struct{ signers, want string }{
		"the key":                {"# audit\n\na@x " + public + " comment\n", ""},
		"quoted principals":      {`"a@x,b@x" namespaces="git,tokenaudit" ` + public, ""},
		"valid then":             {`a@x valid-after="20260101",valid-before="20261231Z" ` + public, ""},
		"another key":            {"a@x " + other, "does not have"},
		"no longer valid":        {`a@x valid-before="20260630" ` + public, "was not valid at 2026-07-06"},
		"not yet valid":          {`a@x valid-after="202607060600Z" ` + public, "was not valid at 2026-06-29"},
		"for something else":     {`a@x namespaces="git" ` + public, "refused"},
		"no principal":           {public, "refused"},
		"an authority":           {`a@x cert-authority ` + public, "refused"},
		"a time that is none":    {`a@x valid-after="soon" ` + public, "refused"},
		"one line of them alone": {"a@x " + other + "\nb@x " + public, ""},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := verify(t.Context(), w.dir, Options{Signers: []byte(c.signers)})
			switch {
			case c.want == "refused" && err == nil:
				t.Error("was taken")
			case c.want == "refused":
			case err != nil:
				t.Error(err)
			case c.want == "" && !v.OK() || c.want != "" && !hasProblem(v.Problems, signatureFile, c.want):
				t.Errorf("want %q, got%s", c.want, problems(v.Problems))
			}
		})
	}
}

// TestForger has a key, too, and seals the whole chain anew.
func TestForger(t *testing.T) {
	t.Parallel()
	_, public := newKey(t, "ed25519")
	forged, _ := newKey(t, "other")
	w := newWeeks(t, 2, forged)
	v := w.verify(Options{Signers: []byte("a@x " + public)})
	if !hasProblem(v.Problems, second, signatureFile, "does not have") {
		t.Error(problems(v.Problems))
	}
	if v := w.verify(Options{}); !v.OK() || !strings.Contains(strings.Join(v.NotProven, "\n"), "Who signed") {
		t.Errorf("without signers: %q", v.NotProven)
	}
	unsigned := newWeeks(t, 1, nil)
	if v := unsigned.verify(Options{Signers: []byte("a@x " + public)}); !hasProblem(v.Problems, signatureFile, "not signed") {
		t.Error(problems(v.Problems))
	}
}

func TestKeyChanges(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 1, nil)
	w.key, _ = newKey(t, "ed25519")
	w.seal(audit.Run{Job: "weekly", Slot: firstSlot.AddDate(0, 0, 7), Trigger: audit.Scheduled}, audit.Complete)
	if v := w.verify(Options{}); !v.OK() || !strings.Contains(strings.Join(v.Remarks, "\n"), second+" is signed by SHA256:") {
		t.Errorf("%q%s", v.Remarks, problems(v.Problems))
	}
}

// TestOldPacks: packs that version 0.1.0 made verify for ever. They are of two reviews
// of a server with three tokens, and of one that did not answer.
func TestOldPacks(t *testing.T) {
	t.Parallel()
	signers := getFile(t, filepath.Join("testdata", "0.1.0", "allowed_signers"))
	p, err := ParsePeriod("2026-11")
	must(t, err)
	v, err := verify(t.Context(), filepath.Join("testdata", "0.1.0", "weekly"), Options{Signers: signers, Period: &p, Planned: mondays, Now: firstSlot})
	must(t, err)
	if !v.OK() || len(v.Packs) != 2 || v.Packs[1].Signer != "audit@example.com" || len(v.Packs[1].Files) != 8 || v.Attendance.ByHand != 2 || len(v.Remarks) > 0 {
		t.Errorf("%+v\n%q%s", v.Packs, v.Remarks, problems(v.Problems))
	}
}

package bolt_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/bolt"
	"tokenaudit/jobs/target"
)

// many adds n authorizations to acme in one transaction.
func (d *database) many(n int) {
	d.t.Helper()
	d.update(func(tx *bbolt.Tx) error {
		for i := range n {
			id := fmt.Sprintf("0e%014x", i)
			f := stored(id, acme, alice, fields{"permissions": []fields{grant("write", "buckets", metrics, acme)}})
			f["token"] = secretValue
			value, err := json.Marshal(f)
			if err != nil {
				return err
			}
			if err := tx.Bucket([]byte("authorizationsv1")).Put([]byte(id), value); err != nil {
				return err
			}
		}
		return nil
	})
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// written puts b into a file of that name.
func written(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBoltBackup(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	path := written(t, "20260304T050607Z.bolt.gz", zipped(t, contents(t, population(t).file())))
	r := reviewed(t, target.Config{Bolt: setting.Path(path)})
	wantVerdict(t, r.Coverage, "", "")
	if len(r.list) != 8 || r.Coverage.Asked[0].Request != "bolt 20260304T050607Z.bolt.gz" {
		t.Errorf("%d authorizations, asked %+v", len(r.list), r.Coverage.Asked)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder while reading: %v, %v", left, err)
	}
}

func TestBoltIsNotWrittenTo(t *testing.T) {
	path := population(t).file()
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	before, info := contents(t, path), stat(t, path)
	reviewed(t, target.Config{Bolt: setting.Path(path)}).Close()
	if !bytes.Equal(before, contents(t, path)) || !info.ModTime().Equal(stat(t, path).ModTime()) {
		t.Error("the file has changed")
	}
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestBoltInUse(t *testing.T) {
	d := population(t)
	r := reviewed(t, target.Config{Bolt: setting.Path(d.db.Path())})
	wantVerdict(t, r.Coverage, "influxd has this file open", audit.NotKnown)
	wantVerdict(t, reviewed(t, target.Config{Bolt: setting.Path(d.file())}).Coverage, "", "")
}

func TestBoltRefuses(t *testing.T) {
	whole := contents(t, population(t).file())
	packed := zipped(t, whole)
	tests := map[string]struct {
		path, reason string
	}{
		"missing":            {filepath.Join(t.TempDir(), "none.bolt"), "no such file"},
		"a folder":           {t.TempDir(), "it is not a file"},
		"empty":              {written(t, "a.bolt", nil), "it is not a database file of InfluxDB"},
		"one byte":           {written(t, "a.bolt", []byte{0x1f}), "it is not a database file of InfluxDB"},
		"text":               {written(t, "a.bolt", []byte(strings.Repeat(secretValue+"\n", 10_000))), "it is not a database file of InfluxDB"},
		"zeros":              {written(t, "a.bolt", make([]byte, 1<<20)), "it is not a database file of InfluxDB"},
		"SQLite":             {written(t, "influxd.sqlite", append([]byte("SQLite format 3\x00"), make([]byte, 1<<16)...)), "it is not a database file of InfluxDB"},
		"three pages":        {written(t, "a.bolt", whole[:3*os.Getpagesize()]), "is incomplete: 3 of 8 pages"},
		"packed text":        {written(t, "a.bolt.gz", zipped(t, []byte("hello"))), "it is not a database file of InfluxDB"},
		"packed and cut":     {written(t, "a.bolt.gz", packed[:len(packed)/2]), "the backup cannot be unpacked: unexpected EOF"},
		"packed and damaged": {written(t, "a.bolt.gz", append(bytes.Clone(packed[:len(packed)-8]), 1, 2, 3, 4, 5, 6, 7, 8)), "the backup cannot be unpacked: gzip: invalid checksum"},
		"other database":     {otherDatabase(t), "it has no bucket authorizationsv1"},
		"never set up":       {newDatabase(t).file(), "never set up"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := reviewed(t, target.Config{Bolt: setting.Path(test.path)})
			wantVerdict(t, r.Coverage, test.reason, audit.NotKnown)
			if len(r.Coverage.Reasons) != 1 || len(r.list) > 0 || r.err != nil || r.Probe != nil {
				t.Errorf("%q, %d authorizations, %v", r.Coverage.Reasons, len(r.list), r.err)
			}
			if asked := r.Coverage.Asked; asked[len(asked)-1].Verdict != audit.NotKnown {
				t.Errorf("asked %+v", asked)
			}
		})
	}
}

func otherDatabase(t *testing.T) string {
	d := newDatabase(t)
	d.update(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("authorizationsv1")) })
	return d.file()
}

func TestBoltNeedsAPath(t *testing.T) {
	if _, err := bolt.New(target.Config{Name: "prod"}); err == nil || !strings.Contains(err.Error(), `"prod"`) {
		t.Errorf("err = %v", err)
	}
}

// TestBoltOfAnOlderRelease: the store of 1.x authorizations came with a migration
// (influxdb kv/migration/all/0008_LegacyAuthBuckets.go).
func TestBoltOfAnOlderRelease(t *testing.T) {
	d := population(t)
	d.update(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("legacy/authorizationsv1")) })
	r := reviewed(t, target.Config{Bolt: setting.Path(d.file())})
	if wantVerdict(t, r.Coverage, "", ""); len(r.list) != 6 {
		t.Errorf("%d authorizations, want 6", len(r.list))
	}
}

// TestBoltCutAnywhere: a file that lacks its end is never taken for a whole one.
func TestBoltCutAnywhere(t *testing.T) {
	d := population(t)
	d.many(200)
	whole := contents(t, d.file())
	used := len(bytes.TrimRight(whole, "\x00"))
	for size := 0; size < used; size += 1500 {
		r := reviewed(t, target.Config{Bolt: setting.Path(written(t, "cut.bolt", whole[:size]))})
		if r.Coverage.Verdict != audit.NotKnown || len(r.list) > 0 {
			t.Errorf("%d of %d bytes: %s, %d authorizations", size, used, r.Coverage.Verdict, len(r.list))
		}
	}
}

// damages are ways to spoil a page.
func damages() map[string]func(page []byte) {
	out := map[string]func([]byte){}
	for _, fill := range []byte{0x00, 0x01, 0xff} {
		out[fmt.Sprintf("filled with %#x", fill)] = func(page []byte) { copy(page, bytes.Repeat([]byte{fill}, len(page))) }
		out[fmt.Sprintf("begun with %#x", fill)] = func(page []byte) { copy(page, bytes.Repeat([]byte{fill}, 40)) }
	}
	for i := 0; i < 40; i += 3 {
		out[fmt.Sprintf("with byte %d flipped", i)] = func(page []byte) { page[i] ^= 1 << (i % 8) }
	}
	out["with an element less"] = func(page []byte) { page[10]-- }
	return out
}

// TestBoltDamagedAnywhere: whatever page is spoilt, the review ends, and says so or
// has everything.
func TestBoltDamagedAnywhere(t *testing.T) {
	d := population(t)
	d.many(60)
	whole := contents(t, d.file())
	path, size, verdicts := written(t, "damaged.bolt", nil), os.Getpagesize(), map[audit.Verdict]int{}
	for name, spoil := range damages() {
		for at := 0; at < len(whole); at += size {
			if !bytes.ContainsFunc(whole[at:at+size], func(r rune) bool { return r != 0 }) {
				continue // never used
			}
			damaged := bytes.Clone(whole)
			spoil(damaged[at : at+size])
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			r := reviewed(t, target.Config{Bolt: setting.Path(path)})
			r.Close()
			if verdicts[r.Coverage.Verdict]++; r.Coverage.Verdict == audit.Complete && len(r.list) != 68 {
				t.Errorf("page %d %s: complete with %d authorizations", at/size, name, len(r.list))
			}
		}
	}
	if verdicts[audit.NotKnown] == 0 || verdicts[audit.Complete] == 0 {
		t.Errorf("verdicts %v", verdicts)
	}
}

// TestBoltWithLostPages: a page that is neither in use nor free held something once.
func TestBoltWithLostPages(t *testing.T) {
	d := population(t)
	d.many(200)
	d.update(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("authorizationhashedindexv1")) })
	whole := contents(t, d.file())
	forgetFreePage(t, whole)
	r := reviewed(t, target.Config{Bolt: setting.Path(written(t, "lost.bolt", whole))})
	wantVerdict(t, r.Coverage, "1 pages of the database file are neither used nor free", audit.Partial)
	if len(r.list) != 208 {
		t.Errorf("%d authorizations, want 208", len(r.list))
	}
	if p := r.Probe(t.Context(), audit.Authorization{ID: "0d0000000000000f"}); p.Presence != audit.Unseen {
		t.Errorf("%+v", p)
	}
}

// forgetFreePage takes the last page out of every list of free pages.
func forgetFreePage(t *testing.T, file []byte) {
	t.Helper()
	found := false
	for at := 0; at < len(file); at += os.Getpagesize() {
		kind, n := file[at+8:at+10], file[at+10:at+12]
		if kind[0] == 0x10 && n[0] > 0 {
			n[0]--
			found = true
		}
	}
	if !found {
		t.Fatal("no list of free pages")
	}
}

// TestBoltTemporaryFolder: a backup that cannot be unpacked for want of room is not
// called damaged.
func TestBoltTemporaryFolder(t *testing.T) {
	path := written(t, "a.bolt.gz", zipped(t, contents(t, population(t).file())))
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("TMPDIR", missing)
	r := reviewed(t, target.Config{Bolt: setting.Path(path)})
	wantVerdict(t, r.Coverage, "the temporary folder of this machine, "+missing, audit.NotKnown)
}

// TestBoltRemedies: a file that is not there needs another remedy than time that ran out.
func TestBoltRemedies(t *testing.T) {
	folder := t.TempDir()
	other := filepath.Join(folder, "other")
	if err := os.WriteFile(other, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ path, fix string }{
		"missing":     {filepath.Join(folder, "influxd.bolt"), "Copy influxd.bolt to the path under bolt"},
		"no database": {other, "Make a new copy"},
	} {
		target, err := bolt.New(target.Config{Name: "prod", Bolt: setting.Path(test.path)})
		if err != nil {
			t.Fatal(err)
		}
		col, err := target.Collect(t.Context(), func() {})
		if err != nil {
			t.Fatal(err)
		}
		if gaps := col.Coverage.Gaps; len(gaps) != 1 || !strings.Contains(gaps[0].Remedy(), test.fix) {
			t.Errorf("%s: %+v, want %q", name, gaps, test.fix)
		}
	}
}

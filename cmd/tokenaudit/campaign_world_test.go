package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/influx/influxtest"
	campaignfiles "tokenaudit/report/campaign"
)

// office is a folder with a review of nine tokens, and people who decide on them: Ben on
// two of a collector, Carla on two of a line, and secops on the others.
type office struct {
	*testing.T
	dir string
}

func newOffice(t *testing.T) office {
	t.Helper()
	o := office{t, t.TempDir()}
	db := influxtest.New(influxtest.OSS)
	org := db.AddOrg("acme")
	bucket := db.AddBucket(org, "lines")
	add := func(user string, permissions []influxtest.Permission, descriptions ...string) (token string) {
		id := db.AddUser(user)
		db.AddMember(org, id)
		for _, d := range descriptions {
			_, token = db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: id, Description: d, Permissions: permissions})
		}
		return token
	}
	o.write("influx-token", add("auditor", influxtest.AuditorPermissions(org), "audit"))
	add("telegraf", influxtest.WriteBuckets(org, bucket), "collector", "=cmd|' /C calc'!A0 \x1b[31m\u202e")
	add("plc", influxtest.WriteBuckets(org, bucket), "plc one", "plc two")
	add("grafana", influxtest.ReadBuckets(org, bucket), "grafana one", "grafana two")
	add("secops@example.com", influxtest.WriteBuckets(org, bucket), "of secops", "of secops too")
	web := httptest.NewServer(db)
	t.Cleanup(web.Close)
	var signers strings.Builder
	for _, who := range []string{"ben", "carla", "secops", "ciso"} {
		o.keygen("-t", "ed25519", "-N", "", "-C", who, "-f", o.path(who+".key"))
		fmt.Fprintf(&signers, "%s@example.com namespaces=%q %s", who, campaign.Namespace, o.read(who+".key.pub"))
	}
	o.write("signers", signers.String())
	o.write("tokenaudit.yaml", fmt.Sprintf(`store: sqlite:./tokenaudit.db
evidence: ./evidence
targets: [{name: prod, url: %q, org: acme, token: {file: influx-token}}]
owners:
  telegraf: {reviewer: ben@example.com}
  plc: {reviewer: carla@example.com}
jobs: [{name: weekly, schedule: "0 9 1 1 *", reports: [csv], signing_key: {file: ciso.key}}]
campaigns: [{name: quarterly, job: weekly, reviewer: secops@example.com, manager: ciso@example.com, signers: ./signers}]
`, web.URL))
	o.must("run", "--now", "--quiet")
	return o
}

// open opens the campaign and exports a file for each reviewer.
func (o office) open() {
	o.Helper()
	o.must("campaign", "open")
	o.must("campaign", "export", "--format", "csv", "--folder", o.path("files"))
	o.must("campaign", "export", "--folder", o.path("files"))
}

// copied is the same in a folder of its own.
func (o office) copied(t *testing.T) office {
	t.Helper()
	c := office{t, t.TempDir()}
	must(t, os.CopyFS(c.dir, os.DirFS(o.dir)))
	keys, _ := filepath.Glob(c.path("*.key"))
	for _, key := range keys {
		must(t, os.Chmod(key, 0o600)) // as ssh-keygen wants it
	}
	return c
}

func (o office) path(name string) string { return filepath.Join(o.dir, name) }

func (o office) write(name, text string) {
	o.Helper()
	must(o, os.WriteFile(o.path(name), []byte(text), 0o600))
}

func (o office) read(name string) string {
	o.Helper()
	text, err := os.ReadFile(o.path(name))
	must(o, err)
	return string(text)
}

func (o office) keygen(args ...string) {
	o.Helper()
	needPrograms(o.T, "ssh-keygen")
	if out, err := exec.Command("ssh-keygen", append([]string{"-q"}, args...)...).CombinedOutput(); err != nil {
		o.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
}

func (o office) sign(who, name string) {
	o.Helper()
	o.keygen("-Y", "sign", "-n", campaign.Namespace, "-f", o.path(who+".key"), o.path(name))
}

// run runs a command in this process.
func (o office) run(args ...string) (code int, stdout, stderr string) {
	o.Helper()
	var out, errs bytes.Buffer
	if args[0] != "verify" {
		args = append(slices.Clone(args), "-c", o.path("tokenaudit.yaml"))
	}
	code = run(o.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func (o office) must(args ...string) string {
	o.Helper()
	code, out, errs := o.run(args...)
	if code != exitDone {
		o.Fatalf("%q: exit code %d\n%s%s", args, code, out, errs)
	}
	return out
}

// exported is the file that was made for a reviewer.
func (o office) exported(who, format string) string {
	o.Helper()
	found, _ := filepath.Glob(o.path("files/*-" + who + "@example.com." + format))
	if len(found) != 1 {
		o.Fatalf("the files of %s are %q", who, found)
	}
	text, err := os.ReadFile(found[0])
	must(o, err)
	return string(text)
}

// rows are those of the CSV file of a reviewer, the names of the columns first.
func (o office) rows(who string) [][]string {
	o.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(o.exported(who, "csv"), "\ufeff"))).ReadAll()
	must(o, err)
	return rows
}

// csvOf is a file of rows.
func csvOf(rows [][]string) string {
	var out strings.Builder
	_ = csv.NewWriter(&out).WriteAll(rows) // into memory
	return out.String()
}

// fill lets every row have the same decision.
func fill(rows [][]string, decision string) [][]string {
	for _, r := range rows[1:] {
		r[0], r[3] = decision, "in use"
	}
	return rows
}

// workbook is that of a reviewer after somebody worked on it.
func (o office) workbook(who string, edit func(f *excelize.File) error) string {
	o.Helper()
	f, err := excelize.OpenReader(strings.NewReader(o.exported(who, "xlsx")))
	must(o, err)
	defer f.Close()
	must(o, edit(f))
	var b bytes.Buffer
	must(o, f.Write(&b))
	return b.String()
}

// folder is that of the only campaign.
func (o office) folder() string {
	o.Helper()
	found, _ := filepath.Glob(o.path("evidence/campaigns/*/*"))
	if len(found) != 1 {
		o.Fatalf("the campaigns are %q", found)
	}
	return found[0]
}

// files are those of the campaign, by name.
func (o office) files() map[string]string {
	o.Helper()
	all := map[string]string{}
	folder := os.DirFS(o.folder())
	must(o, fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(folder, name)
		all[name] = string(text)
		return err
	}))
	return all
}

var anyTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z`)

// isMadeAgain tells the reports and the sums.
func isMadeAgain(name string) bool {
	return name == campaignfiles.WorkbookFile || name == campaignfiles.PageFile || strings.HasPrefix(name, campaignfiles.SumsFile)
}

// kept are the files without the reports and sums, and without times.
func (o office) kept() map[string]string {
	o.Helper()
	all := o.files()
	for name, text := range all {
		if isMadeAgain(name) {
			delete(all, name)
			continue
		}
		all[name] = anyTime.ReplaceAllString(text, "TIME")
	}
	return all
}

// tidy: the sums are those of all files, and nothing else lies about.
func (o office) tidy() {
	o.Helper()
	all := o.files()
	sums := map[string]string{}
	for line := range strings.Lines(all[campaignfiles.SumsFile]) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		sums[name] = sum
	}
	for name, text := range all {
		sum := sha256.Sum256([]byte(text))
		if !strings.HasPrefix(name, campaignfiles.SumsFile) && sums[name] != hex.EncodeToString(sum[:]) {
			o.Errorf("%s is not as %s has it", name, campaignfiles.SumsFile)
		}
		if strings.HasPrefix(filepath.Base(name), ".") {
			o.Errorf("%s is left over", name)
		}
		delete(sums, name)
	}
	if len(sums) > 0 {
		o.Errorf("%s has besides %q", campaignfiles.SumsFile, sums)
	}
}

package configs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
)

// certificate is one of an authority, in PEM.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TestEveryFileIsChecked: those of every key of a configuration, present or to come.
func TestEveryFileIsChecked(t *testing.T) {
	for name, test := range map[string]struct{ path, want string }{
		"missing":     {filepath.Join(t.TempDir(), "a"), "there is no file "},
		"a folder":    {t.TempDir(), " is a folder"},
		"~":           {"~/a", "~ is not replaced by a home folder; write /"},
		"~ of anyone": {"~anna/a", "write the absolute path"},
	} {
		t.Run(name, func(t *testing.T) {
			var f File
			want := fillAll(reflect.ValueOf(&f).Elem(), setting.Path(test.path))
			var got []string
			note := func(path, text string) {
				if strings.Contains(text, test.want) {
					got = append(got, path)
				}
			}
			f.validatePaths(note)
			f.checkFiles(note)
			if want < 6 || len(got) != want {
				t.Errorf("problems with %q: want %d, of all keys", got, want)
			}
		})
	}
}

// TestHomeOfSecrets: the path of a secret may be the secret itself, so it is not repeated.
func TestHomeOfSecrets(t *testing.T) {
	for name, ref := range map[string]secret.Ref{"file": {File: "~/" + canary}, "exec": secret.Command("~/" + canary)} {
		f := File{StorePassword: ref}
		var got string
		f.validatePaths(func(path, text string) { got += path + ": " + text })
		if got != "store_password: ~ is not replaced by a home folder; write the absolute path" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestFiles: what is in a file is told with the line of its key, and with its own.
func TestFiles(t *testing.T) {
	folder := t.TempDir()
	pem := certificate(t)
	for name, text := range map[string]string{
		"good.pem": pem, "bad.pem": "-----BEGIN CERTIFICATE-----\n" + canary + "\n", "key.pem": strings.ReplaceAll(pem, "CERTIFICATE", "EC PRIVATE KEY"),
		"tokens.json": `[{"id":"5a3c1b2e-1f4d-4a76-9d3b-0c2f9e8d7b61","permissions":{}},`, "table.txt": "+----+\n| " + canary + " |\n",
		"list.txt": "ID\tUser Name\tUser ID\tDescription\tToken\tPermissions\n", "other.txt": canary + "\n",
		"people.csv": "name\nalice\n", "ragged.csv": "name,status\nalice,active\n" + canary + "\n",
		"controls.yaml": strings.Replace(string(BuiltinControls()), "  operator:\n", "  operater:\n", 1), "empty": "",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inTarget := func(key string) string { return minimal + "    " + key + "\n" }
	inDedicated := func(key string) string {
		return "targets:\n  - name: d\n    kind: cloud-dedicated\n    token: {env: TOKEN}\n    account: 5a3c1b2e-1f4d-4a76-9d3b-0c2f9e8d7b61\n    cluster: 5a3c1b2e-1f4d-4a76-9d3b-0c2f9e8d7b61\n    " + key + "\n"
	}
	mail := minimal + "jobs: [{name: w, schedule: '@weekly', email: {server: 'a:25', from: a@example.com, to: [b@example.com], ca_file: FILE}}]\n"
	for name, test := range map[string]struct{ source, want string }{
		"a certificate":          {inTarget("ca_file: good.pem"), ""},
		"a cut certificate":      {inTarget("ca_file: bad.pem"), "6: targets[0].ca_file: DIR/bad.pem holds no PEM certificate"},
		"a key":                  {inTarget("ca_file: key.pem"), "6: targets[0].ca_file: DIR/key.pem holds no PEM certificate"},
		"of mail":                {strings.ReplaceAll(mail, "FILE", "good.pem"), ""},
		"of mail, empty":         {strings.ReplaceAll(mail, "FILE", "empty"), "6: jobs[0].email.ca_file: DIR/empty holds no PEM certificate"},
		"a list":                 {inTarget("import: list.txt"), ""},
		"another text":           {inTarget("import: other.txt"), "6: targets[0].import: DIR/other.txt: no line has the columns ID, User Name"},
		"an empty list":          {inTarget("import: empty"), "6: targets[0].import: DIR/empty: no line has the columns ID, User Name"},
		"a list of influxctl":    {inDedicated("import: tokens.json"), ""},
		"a table of influxctl":   {inDedicated("import: table.txt"), "7: targets[0].import: DIR/table.txt is not the output of influxctl token list --format json"},
		"a list of influxd":      {inDedicated("import: list.txt"), "7: targets[0].import: DIR/list.txt is not the output of influxctl token list --format json"},
		"a roster":               {minimal + "roster: people.csv\n", ""},
		"a broken roster":        {minimal + "roster: ragged.csv\n", "6: roster: DIR/ragged.csv: line 3: the number of columns differs"},
		"an empty roster":        {minimal + "roster: ./empty\n", "6: roster: DIR/empty: it is empty"},
		"controls of a mistake":  {minimal + "controls: controls.yaml\n", `6: controls: DIR/controls.yaml:LINE: checks.operater: unknown check "operater", did you mean "operator"?`},
		"controls of no control": {minimal + "controls: empty\n", "6: controls: DIR/empty:1: frameworks: needs at least one framework"},
		"a device":               {minimal + "controls: /dev/null\n", "6: controls: /dev/null is not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder, "config.yaml")
			if err := os.WriteFile(path, []byte(test.source), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(path)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			got := strings.ReplaceAll(strings.Join(told(t, err, path), "\n"), folder, "DIR")
			before, after, _ := strings.Cut(test.want, "LINE")
			if !strings.HasPrefix(got, before) || !strings.Contains(got, after) || strings.Contains(got, canary) {
				t.Errorf("%s\nwant %s", got, test.want)
			}
		})
	}
}

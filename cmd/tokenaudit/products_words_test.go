package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influxdb1/influxdb1test"
	"tokenaudit/jobs/influxdb3/influxdb3test"
	"tokenaudit/jobs/target"
)

// TestCheckToken: a name is taken where a target may have tokens of that name, and nowhere else.
func TestCheckToken(t *testing.T) {
	t.Parallel()
	v2, v3 := target.Config{Name: "plant"}, target.Config{Name: "factory", Kind: target.KindCore}
	for name, test := range map[string]struct {
		text    string
		targets []target.Config
		wrong   bool
	}{
		"an ID":                    {"11adece381a52000", []target.Config{v2}, false},
		"a UUID":                   {"0198f4a2-0000-7000-8000-00000000000a", []target.Config{v2}, false},
		"a user":                   {"user/ann", nil, false},
		"a name":                   {"ci", []target.Config{v2, v3}, false},
		"a name on InfluxDB 2":     {"ci", []target.Config{v2}, true},
		"a name without a product": {"ci", nil, true},
	} {
		if err := checkToken("", test.text, test.targets...); (err != nil) != test.wrong || err != nil && exitCode(err) != exitUsage {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFlagsOfProducts: a filter by what a product does not have is refused, not empty.
func TestFlagsOfProducts(t *testing.T) {
	t.Parallel()
	core, old, plant := target.Config{Name: "factory", Kind: target.KindCore}, target.Config{Name: "old", Kind: target.KindV1}, target.Config{Name: "plant"}
	for name, test := range map[string]struct {
		f    tokenFlags
		cfg  target.Config
		want string
	}{
		"an org":             {tokenFlags{org: "acme"}, core, "--org: the target factory is not of InfluxDB 2 and has no orgs"},
		"a user":             {tokenFlags{user: "ann"}, core, "--user: tokens of the target factory have no owners"},
		"the ID of a user":   {tokenFlags{userID: "000000000000000a"}, old, "--user-id: the target old is not of InfluxDB 2 and has no IDs of users"},
		"a user of 1.x":      {tokenFlags{user: "ann"}, old, ""},
		"a name":             {tokenFlags{id: "ci"}, core, ""},
		"all, on InfluxDB 2": {tokenFlags{org: "acme", user: "ann", userID: "000000000000000a"}, plant, ""},
	} {
		err := test.f.checkFor(test.cfg)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != test.want || err != nil && exitCode(err) != exitUsage {
			t.Errorf("%s: %v", name, err)
		}
	}
	expired := audit.Authorization{Status: audit.Active, ExpiresAt: time.Now().Add(-time.Hour)}
	if (tokenFlags{status: "active"}).matches(expired) || !(tokenFlags{status: "expired"}).matches(expired) {
		t.Error("a token that expired is called active")
	}
}

// TestRotateByHand: what rotate cannot do it says, with what people do instead.
func TestRotateByHand(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		a    audit.Authorization
		want string
	}{
		"the operator token": {audit.Authorization{Product: audit.ProductCore, Description: "_admin"}, "influxdb3 create token --admin --regenerate"},
		"a named one":        {audit.Authorization{Product: audit.ProductCore, Description: "ci"}, "delete that: influxdb3 delete token --token-name ci"},
		"an unsafe name":     {audit.Authorization{Product: audit.ProductCore, Description: "a\nb"}, "Then delete that"},
		"a user":             {audit.Authorization{Product: audit.ProductV1, User: "ann"}, `drop that: influx -execute 'DROP USER "ann"'`},
	} {
		if got := rotateByHand(test.a); !strings.HasSuffix(got, test.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestDropSteps: the plan for a user of InfluxDB 1.x names no command of another product, and
// drops nobody while something could not be seen.
func TestDropSteps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		user    string
		unknown []string
		want    string
	}{
		"seen":           {"ann", nil, `influx -execute 'DROP USER "ann"'`},
		"not all seen":   {"ann", []string{"coverage is partial"}, "Do not drop the user yet"},
		"an unsafe name": {"a\u202eb", nil, "No command is shown"},
	} {
		a := audit.Authorization{ID: "user/x", Product: audit.ProductV1, User: test.user, Status: audit.Active}
		p := offboardTarget{Tokens: []movingToken{{plannedToken: plannedToken{ID: a.ID, token: a}}}, Unknown: test.unknown}
		var all []string
		for _, s := range offboardSteps(p, test.user, false, false, time.Now()) {
			all = append(append(all, s.Do), s.Commands...)
		}
		text := strings.Join(all, "\n")
		if !strings.Contains(text, test.want) || strings.Contains(text, "influx auth") || strings.Contains(text, "influx user") {
			t.Errorf("%s: %s", name, text)
		}
		if dropped := strings.Contains(text, "DROP USER"); dropped != (name == "seen") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestProductResource: permissions are shown in the words of the product.
func TestProductResource(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]audit.Resource{
		"server (all)": {Type: "instance"}, "database (all)": {Type: "buckets", OrgID: "o"}, "database line3": {Type: "buckets", ID: "line3", Name: "line3"}, "database gone (does not exist)": {Type: "buckets", ID: "gone"},
	} {
		if kind, name := productResource(r); kind+" "+name != want {
			t.Errorf("%s %s, want %s", kind, name, want)
		}
	}
}

// TestTokensOfProducts: the commands for tokens on an InfluxDB 3 and a 1.x, and what they say
// that they cannot do there.
func TestTokensOfProducts(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("COLUMNS", "110")
	v3, admin := influxdb3test.New(influxdb3test.Enterprise, "3.8.4")
	v3.AddDatabase("line3")
	v3.AddToken(influxdb3test.Token{Name: "writer", Grants: []influxdb3test.Grant{influxdb3test.On("line3", "write")}, Expiry: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)})
	v1 := &influxdb1test.Fake{Username: "root", Password: "canary", Users: []influxdb1test.User{{Name: "root", Admin: true}, {Name: "alice", Grants: map[string]string{"db": "WRITE"}}}}
	core, old := httptest.NewServer(v3), httptest.NewServer(v1)
	defer core.Close()
	defer old.Close()
	t.Setenv("V3_TOKEN", admin)
	t.Setenv("V1_PASSWORD", v1.Password)
	config := fmt.Sprintf("store: sqlite:./db\nevidence: ./evidence\ntargets:\n  - {name: factory, kind: enterprise, url: %q, token: {env: V3_TOKEN}}\n  - {name: old, kind: v1, url: %q, username: root, password: {env: V1_PASSWORD}}\n", core.URL, old.URL)
	must(t, os.WriteFile("tokenaudit.yaml", []byte(config), 0o600))
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"tokens list --target factory", 0, `(?m)^0000000000000001 +expired +writer +2026-02-01 +2026-01-05 +one database: line3$`},
		{"tokens list --target factory --status active --id _admin", 0, `(?m)^0000000000000000 +active +_admin `},
		{"tokens list --target old --user alice", 0, `(?m)^user/alice +active +alice +- +one database: db$`},
		{"tokens list --target factory --org acme", 2, `--org: the target factory is not of InfluxDB 2 and has no orgs`},
		{"tokens show writer", 0, `(?s)Product +InfluxDB 3 Enterprise.*Name +writer.*Status +expired.*Expires +2026-02-01.*write +database +line3`},
		{"tokens show alice --target old", 0, `(?s)Product +InfluxDB 1.x.*User +alice.*write +database +db`},
		{"tokens show nobody --target factory", 1, `which was read whole, does not have it`},
		{"rotate writer --target factory", 2, `influxdb3 delete token --token-name writer`},
		{"rotate _admin", 2, `influxdb3 create token --admin --regenerate`},
		{"offboard alice --target factory", 2, `tokens of factory have no owners there`},
		{"offboard alice", 4, `(?s)tokens of factory have no owners.*DROP USER "alice"`},
		{"offboard Writer", 4, `1 token with the name of the user: writer \(0000000000000001\) of factory`},
		{"offboard writer --target factory", 2, `1 token with the name of the user: writer`},
		{"offboard writer --done", 4, `writer \(0000000000000001\) of factory`},
		{"offboard nobody", 1, `no target has a user nobody`},
		{"offboard alice --done --target old", 3, `DROP USER "alice"`},
	} {
		var out bytes.Buffer
		code := run(t.Context(), strings.Fields(test.args), &out, &out)
		if code != test.code || !regexp.MustCompile(test.want).Match(out.Bytes()) || strings.Contains(out.String(), "canary") || strings.Contains(out.String(), admin) {
			t.Errorf("%s: exit code %d, want %d, and %s\n%s", test.args, code, test.code, test.want, out.String())
		}
	}
}

// TestDoctorNamesTheProduct: where another product answers than was configured or looked for,
// doctor says so, and does not call the server by the wrong name.
func TestDoctorNamesTheProduct(t *testing.T) {
	t.Chdir(t.TempDir())
	v3, admin := influxdb3test.New(influxdb3test.Core, "3.5.0")
	v1 := &influxdb1test.Fake{Username: "root", Password: "canary", Users: []influxdb1test.User{{Name: "root", Admin: true}}}
	core, old := httptest.NewServer(v3), httptest.NewServer(v1)
	defer core.Close()
	defer old.Close()
	t.Setenv("ADMIN", admin)
	t.Setenv("WRONG", "canary-wrong")
	for name, test := range map[string]struct{ target, want, never string }{
		"auto, a wrong token on InfluxDB 3": {fmt.Sprintf("{name: x, url: %q, token: {env: WRONG}}", core.URL), `(?s)401.*may need kind`, `allow the headers`},
		"auto on 1.x":                       {fmt.Sprintf("{name: x, url: %q, token: {env: WRONG}}", old.URL), `(?s)InfluxDB 1\.x.*kind: v1`, `Set url to the root`},
		"core, and 1.x answers":             {fmt.Sprintf("{name: x, kind: core, url: %q, token: {env: ADMIN}}", old.URL), `server answers +InfluxDB OSS 1\.8\.10`, `InfluxDB 3 Core 1\.`},
		"oss, and InfluxDB 3 answers":       {fmt.Sprintf("{name: x, kind: oss, url: %q, token: {env: ADMIN}}", core.URL), `server answers +product and version not given`, `server answers +InfluxDB OSS`},
		"clustered, and InfluxDB 3 answers": {fmt.Sprintf("{name: x, kind: clustered, url: %q, token: {env: ADMIN}, canary: 0198f4a2-0000-7000-8000-00000000000a}", core.URL), `server answers +(InfluxDB Core|product and version not given)`, `server answers +InfluxDB Clustered`},
		"v1, and InfluxDB 3 answers 401":    {fmt.Sprintf("{name: x, kind: v1, url: %q, username: root, password: {env: WRONG}}", core.URL), `correct kind`, `→ Allow GET requests to /query`},
	} {
		must(t, os.WriteFile("tokenaudit.yaml", []byte("store: sqlite:./db\nevidence: ./evidence\ntargets:\n  - "+test.target+"\njobs: [{name: weekly, schedule: '@weekly'}]\n"), 0o600))
		var out bytes.Buffer
		t.Setenv("COLUMNS", "400")
		run(t.Context(), []string{"doctor"}, &out, &out)
		if !regexp.MustCompile(test.want).Match(out.Bytes()) || regexp.MustCompile(test.never).Match(out.Bytes()) {
			t.Errorf("%s: want %s, and not %s\n%s", name, test.want, test.never, out.String())
		}
	}
}

// TestInitOnInfluxDB3: a server without orgs needs no key of its own in a first configuration.
func TestInitOnInfluxDB3(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"INFLUX_HOST", "INFLUX_ORG", "INFLUX_ORG_ID"} {
		t.Setenv(name, "")
	}
	v3, admin := influxdb3test.New(influxdb3test.Core, "3.8.4")
	core := httptest.NewServer(v3)
	defer core.Close()
	t.Setenv("ADMIN", admin)
	var out bytes.Buffer
	code := run(t.Context(), []string{"init", "--yes", "--url", core.URL, "--org", "-", "--token-env", "ADMIN", "-o", "c.yaml"}, &out, &out)
	written, err := os.ReadFile("c.yaml")
	if err != nil || code != exitDone || !strings.Contains(string(written), "    # org: acme") || !strings.Contains(out.String(), "InfluxDB 3 Core") {
		t.Errorf("exit code %d, %v\n%s", code, err, out.String())
	}
}

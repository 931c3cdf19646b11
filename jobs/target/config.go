// Package target is one configured place to review: what its configuration says, whatever
// the product, and what a diagnosis of it is.
package target

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
)

// Config is one target: an InfluxDB server, or an org of one, at one URL, with the
// credential that reviews it. Or it is a copy of the database file of an InfluxDB OSS.
type Config struct {
	// Name of the target in reports, folders and messages: letters, digits, ".", "_", "-".
	Name string `yaml:"name" json:"name"`
	// Kind of product: auto, oss, cloud-tsm, cloud-serverless, bolt, core, enterprise, cloud-dedicated, clustered or v1 (InfluxDB 1.x). Default: auto, which finds it by the answers.
	Kind string `yaml:"kind,omitempty" json:"kind,omitempty"`
	// URL of the server, such as https://eu-central-1-1.aws.cloud2.influxdata.com.
	URL string `yaml:"url,omitempty" json:"url,omitempty"`
	// Org is the name or the 16-hex ID of the org. Without it: every org that the credential can see. InfluxDB 2 only.
	Org string `yaml:"org,omitempty" json:"org,omitempty"`
	// Account is the ID of the account of a Cloud Dedicated cluster.
	Account string `yaml:"account,omitempty" json:"account,omitempty"`
	// Cluster is the ID of a Cloud Dedicated cluster.
	Cluster string `yaml:"cluster,omitempty" json:"cluster,omitempty"`
	// Token is the audit credential. InfluxDB 2: read-only on authorizations and users. Dedicated and Clustered: a management token.
	Token secret.Ref `yaml:"token,omitzero" json:"token,omitzero"`
	// Username is the admin user that reviews an InfluxDB 1.x, in place of token.
	Username string `yaml:"username,omitempty" json:"username,omitempty"`
	// Password is that of username.
	Password secret.Ref `yaml:"password,omitzero" json:"password,omitzero"`
	// Credential is the ID of the authorization that the token belongs to, so that it is reviewed as the audit credential. Default: found by its user, if that user has only one. InfluxDB 2 only.
	Credential string `yaml:"credential,omitempty" json:"credential,omitempty"`
	// Canary is the ID of a harmless inactive authorization that every answer must show. On InfluxDB 3 it is the name of a token, on 1.x that of a user. If it is missing, the answer is not complete.
	Canary string `yaml:"canary,omitempty" json:"canary,omitempty"`
	// Users to review. Without it: every user that the credential can see. InfluxDB 2 only.
	Users []User `yaml:"users,omitempty" json:"users,omitempty"`
	// Reviewer decides on the tokens of the target in campaigns, where owners name nobody else: an e-mail address. Default: the reviewer of the campaign.
	Reviewer string `yaml:"reviewer,omitempty" json:"reviewer,omitempty"`
	// CAFile is a PEM file of the authority that signed the server's certificate, if the system does not know it.
	CAFile setting.Path `yaml:"ca_file,omitempty" json:"ca_file,omitempty"`
	// Bolt is a copy of influxd.bolt, or the *.bolt.gz of influx backup, in place of url and token: a review with nothing hidden.
	Bolt setting.Path `yaml:"bolt,omitempty" json:"bolt,omitempty"`
	// Import is the output of "influxd recovery auth list": authorizations that a first review looks up, because the list hides those of deleted users. Dedicated and Clustered: the output of "influxctl token list --format json", which the list is compared with.
	Import setting.Path `yaml:"import,omitempty" json:"import,omitempty"`
}

// Host is the server that the target asks, with its port; "" for a file.
func (c Config) Host() string {
	at := c.URL
	if at == "" && c.Kind == KindDedicated {
		at = DedicatedURL
	}
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	return u.Host
}

// Kinds of products.
const (
	KindAuto       = "auto"
	KindOSS        = "oss"
	KindTSM        = "cloud-tsm"
	KindServerless = "cloud-serverless"
	KindBolt       = "bolt"
	KindCore       = "core"
	KindEnterprise = "enterprise"
	KindDedicated  = "cloud-dedicated"
	KindClustered  = "clustered"
	KindV1         = "v1"
)

// kinds are all of them.
var kinds = []string{KindAuto, KindOSS, KindTSM, KindServerless, KindBolt, KindCore, KindEnterprise, KindDedicated, KindClustered, KindV1}

// V2 reports whether the target is of the API of InfluxDB 2, as far as the configuration
// tells.
func (c Config) V2() bool {
	return slices.Contains([]string{"", KindAuto, KindOSS, KindTSM, KindServerless, KindBolt}, c.Kind)
}

// Ownerless reports whether tokens there have no owners, as far as the configuration tells.
func (c Config) Ownerless() bool { return !c.V2() && c.Kind != KindV1 }

// DedicatedURL is where the management API of Cloud Dedicated is.
const DedicatedURL = "https://console.influxdata.com"

// IsID: s has the form of an ID, 16 hex digits.
func IsID(s string) bool { return len(s) == 16 && strings.Trim(s, "0123456789abcdefABCDEF") == "" }

// User is a user to review, by name or by ID. On InfluxDB Cloud a token lists
// only the authorizations of its own user: there each user needs a token of its own.
type User struct {
	// Name of the user, exactly as InfluxDB has it.
	Name string `yaml:"name,omitempty" json:"name,omitempty"`
	// ID of the user: 16 hex digits. It survives a rename; a name does not.
	ID string `yaml:"id,omitempty" json:"id,omitempty"`
	// Token of this user, where the target's own credential cannot see its authorizations.
	Token secret.Ref `yaml:"token,omitzero" json:"token,omitzero"`
	// Credential is the ID of the authorization that this token belongs to: the list of the user must have it. Default: the list must have one that may have asked.
	Credential string `yaml:"credential,omitempty" json:"credential,omitempty"`
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Validate reports every problem with the key that it concerns, such as "users[1].id".
func (c Config) Validate(problem func(key, text string)) {
	if !namePattern.MatchString(c.Name) {
		problem("name", `needs a name of letters, digits, ".", "_" and "-", at most 64`)
	}
	if c.Kind != "" && !slices.Contains(kinds, c.Kind) {
		switch strings.TrimLeft(strings.ToLower(c.Kind), "influxdb v") {
		case "2":
			problem("kind", "InfluxDB 2 is oss, cloud-tsm or cloud-serverless")
		case "3":
			problem("kind", "InfluxDB 3 is core, enterprise, cloud-dedicated or clustered")
		default:
			problem("kind", setting.Unknown("kind", c.Kind, kinds))
		}
		return
	}
	c.validateOthers(problem)
	if c.Bolt != "" || c.Kind == KindBolt {
		c.validateBolt(problem)
		return
	}
	if c.Kind != KindDedicated || c.URL != "" {
		if err := checkURL(c.URL); err != nil {
			problem("url", err.Error())
		}
	}
	c.validateCredential(problem)
	for i, user := range c.Users {
		user.validate(func(key, text string) { problem(index("users", i)+key, text) })
	}
}

// validateCredential: 1.x has users with passwords, all others have tokens.
func (c Config) validateCredential(problem func(key, text string)) {
	if c.Kind != KindV1 {
		if err := c.Token.Validate(); err != nil {
			problem("token", err.Error())
		}
		return
	}
	if !c.Token.IsZero() {
		problem("token", "cannot be used with kind v1: set username and password")
	}
	if c.Username == "" {
		problem("username", "needs the name of an admin user: kind v1 has no tokens")
	}
	if strings.Contains(c.Username, ":") {
		problem("username", "must not contain a colon: HTTP takes what follows for the password. Create another user for the review")
	}
	if err := c.Password.Validate(); err != nil {
		problem("password", err.Error())
	}
}

// validateOthers: which keys there are depends on the product.
func (c Config) validateOthers(problem func(key, text string)) {
	kind := cmp.Or(c.Kind, KindAuto)
	for _, key := range []struct {
		name  string
		given bool
		fits  bool
		of    string
	}{
		{"org", c.Org != "", c.V2(), "InfluxDB 2"},
		{"credential", c.Credential != "", c.V2(), "InfluxDB 2"},
		{"users", len(c.Users) > 0, c.V2(), "InfluxDB 2"},
		{"bolt", c.Bolt != "" && c.Kind != KindOSS, c.V2(), "InfluxDB OSS 2"}, // see validateBolt
		{"import", c.Import != "", c.V2() || kind == KindDedicated || kind == KindClustered, "InfluxDB 2, cloud-dedicated and clustered"},
		{"account", c.Account != "", kind == KindDedicated, "cloud-dedicated"},
		{"cluster", c.Cluster != "", kind == KindDedicated, "cloud-dedicated"},
		{"username", c.Username != "", kind == KindV1, "v1"},
		{"password", !c.Password.IsZero(), kind == KindV1, "v1"},
	} {
		if key.given && !key.fits {
			problem(key.name, "cannot be used with kind "+kind+": it is for "+key.of)
		}
	}
	if kind == KindDedicated {
		for key, id := range map[string]string{"account": c.Account, "cluster": c.Cluster} {
			if !isUUID(id) {
				problem(key, "needs the ID that influxctl cluster list shows, such as 5a3c1b2e-1f4d-4a76-9d3b-0c2f9e8d7b61")
			}
		}
	}
	switch {
	case c.Canary == "":
	case c.V2() && !IsID(c.Canary):
		problem("canary", "needs the ID of an authorization: 16 hex digits")
	case (kind == KindDedicated || kind == KindClustered) && !isUUID(c.Canary):
		problem("canary", "needs the ID of a database token, such as 5a3c1b2e-1f4d-4a76-9d3b-0c2f9e8d7b61")
	}
	if c.Credential != "" && c.V2() && !IsID(c.Credential) {
		problem("credential", "needs the ID of an authorization: 16 hex digits")
	}
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func isUUID(s string) bool { return uuid.MatchString(s) }

// Paths that people copy from a browser or from a call of the API, and what is no path.
var (
	endpoint = regexp.MustCompile(`/api/v[0-9](/(authorizations|buckets|configure|health|me|orgs|ping|query|query_sql|setup|signin|tokens|users|write)\b.*)?/?$|/(ping|query|write)/?$`)
	page     = regexp.MustCompile(`^/(orgs/[0-9a-f]{16}\b.*|signin)$`)
	junk     = regexp.MustCompile(`^/?[^/0-9A-Za-z]+$`)
)

// checkURL does not repeat the URL: it may hold a password. A path is that of a proxy in
// front of the server.
func checkURL(text string) error {
	const such = "https://influxdb.example.com:8086"
	u, err := setting.ParseURL(text, such)
	switch {
	case err != nil:
		return err
	case u.User != nil || u.RawQuery != "":
		return errors.New("must not contain a user, a password or a query: the credential belongs in token, or in username and password")
	case u.Fragment != "" || strings.HasSuffix(text, "#"), junk.MatchString(u.Path):
		return errors.New("has something behind the host; give the URL of the server alone, such as " + such)
	case endpoint.MatchString(u.Path):
		return errors.New("is the URL of an API call; give it without the path of that call, such as " + such)
	case page.MatchString(u.Path):
		return errors.New("is the URL of a page in the browser; give it without /orgs/… or /signin, such as " + such)
	}
	return nil
}

// CheckFiles reports what is wrong with the files that the target reads, once their paths
// are absolute. What checks an imported list depends on the product.
func (c Config) CheckFiles(checkImport func(setting.Path) error, problem func(key, text string)) {
	for _, file := range []struct {
		key   string
		path  setting.Path
		check func(setting.Path) error
	}{
		{"ca_file", c.CAFile, setting.Path.CheckAuthorities}, {"import", c.Import, checkImport}, {"bolt", c.Bolt, setting.Path.Check},
	} {
		if file.path == "" {
			continue
		}
		if err := file.check(file.path); err != nil {
			problem(file.key, err.Error())
		}
	}
}

// validateBolt: a file has no credential, and shows every user.
func (c Config) validateBolt(problem func(key, text string)) {
	if c.Bolt == "" {
		problem("bolt", "needs the path of a copy of influxd.bolt or of a *.bolt.gz")
	}
	if c.Kind != "" && c.Kind != KindBolt && c.Kind != KindAuto {
		problem("kind", "cannot be used with bolt")
	}
	for key, given := range map[string]bool{"url": c.URL != "", "token": !c.Token.IsZero(), "ca_file": c.CAFile != "", "import": c.Import != "", "credential": c.Credential != ""} {
		if given {
			problem(key, "cannot be used with bolt: the file is read without a server")
		}
	}
	for i, user := range c.Users {
		user.validate(func(key, text string) { problem(index("users", i)+key, text) })
		if !user.Token.IsZero() {
			problem(index("users", i)+".token", "cannot be used with bolt: the file is read without a server")
		}
	}
}

func (u User) validate(problem func(key, text string)) {
	switch {
	case u.Name == "" && u.ID == "":
		problem("", "needs a name or an id: an empty one would select every user")
	case u.Name != "" && u.ID != "":
		problem(".id", "give a name or an id, not both")
	case u.ID != "" && !IsID(u.ID):
		problem(".id", "needs 16 hex digits; use name for a name")
	}
	if u.Credential != "" && (!IsID(u.Credential) || u.Token.IsZero()) {
		problem(".credential", "needs the ID of the authorization that token belongs to: 16 hex digits")
	}
	if !u.Token.IsZero() {
		if err := u.Token.Validate(); err != nil {
			problem(".token", err.Error())
		}
	}
}

func index(key string, i int) string { return fmt.Sprintf("%s[%d]", key, i) }

// LowerIDs writes IDs as the API does.
func (c Config) LowerIDs() Config {
	if IsID(c.Canary) || isUUID(c.Canary) {
		c.Canary = strings.ToLower(c.Canary)
	}
	c.Credential, c.Account, c.Cluster = strings.ToLower(c.Credential), strings.ToLower(c.Account), strings.ToLower(c.Cluster)
	c.Users = slices.Clone(c.Users)
	for i := range c.Users {
		c.Users[i].ID, c.Users[i].Credential = strings.ToLower(c.Users[i].ID), strings.ToLower(c.Users[i].Credential)
	}
	return c
}

// Label names the user in the coverage.
func (u User) Label() string { return "user " + cmp.Or(u.Name, u.ID) }

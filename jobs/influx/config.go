package influx

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
)

// Config is one target: an InfluxDB org at one URL, with the credential that
// reviews it. Or it is a copy of the database file of an InfluxDB OSS.
type Config struct {
	// Name of the target in reports, folders and messages: letters, digits, ".", "_", "-".
	Name string `yaml:"name" json:"name"`
	// Kind of server: auto, oss, cloud-tsm, cloud-serverless or bolt. Default: auto, which finds it by the answers.
	Kind string `yaml:"kind,omitempty" json:"kind,omitempty"`
	// URL of the server, such as https://eu-central-1-1.aws.cloud2.influxdata.com.
	URL string `yaml:"url,omitempty" json:"url,omitempty"`
	// Org is the name or the 16-hex ID of the org. Without it: every org that the credential can see.
	Org string `yaml:"org,omitempty" json:"org,omitempty"`
	// Token is the audit credential: read-only on authorizations and users.
	Token secret.Ref `yaml:"token,omitzero" json:"token,omitzero"`
	// Credential is the ID of the authorization that the token belongs to, so that it is reviewed as the audit credential. Default: found by its user, if that user has only one.
	Credential string `yaml:"credential,omitempty" json:"credential,omitempty"`
	// Canary is the ID of a harmless inactive authorization that every answer must show. If it is missing, the answer is not complete.
	Canary string `yaml:"canary,omitempty" json:"canary,omitempty"`
	// Users to review. Without it: every user that the credential can see.
	Users []User `yaml:"users,omitempty" json:"users,omitempty"`
	// Reviewer decides on the tokens of the target in campaigns, where owners name nobody else: an e-mail address. Default: the reviewer of the campaign.
	Reviewer string `yaml:"reviewer,omitempty" json:"reviewer,omitempty"`
	// CAFile is a PEM file of the authority that signed the server's certificate, if the system does not know it.
	CAFile setting.Path `yaml:"ca_file,omitempty" json:"ca_file,omitempty"`
	// Bolt is a copy of influxd.bolt, or the *.bolt.gz of influx backup, in place of url and token: a review with nothing hidden.
	Bolt setting.Path `yaml:"bolt,omitempty" json:"bolt,omitempty"`
	// Import is the output of "influxd recovery auth list": authorizations that a first review looks up, because the list hides those of deleted users.
	Import setting.Path `yaml:"import,omitempty" json:"import,omitempty"`
}

// Host is the server that the target asks, with its port; "" for a file.
func (c Config) Host() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// Kinds of servers.
const (
	KindAuto       = "auto"
	KindOSS        = "oss"
	KindTSM        = "cloud-tsm"
	KindServerless = "cloud-serverless"
	KindBolt       = "bolt"
)

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
	if kinds := []string{KindAuto, KindOSS, KindTSM, KindServerless, KindBolt}; c.Kind != "" && !slices.Contains(kinds, c.Kind) {
		problem("kind", setting.Unknown("kind", c.Kind, kinds))
	}
	for key, id := range map[string]string{"canary": c.Canary, "credential": c.Credential} {
		if id != "" && !IsID(id) {
			problem(key, "needs the ID of an authorization: 16 hex digits")
		}
	}
	if c.Bolt != "" || c.Kind == KindBolt {
		c.validateBolt(problem)
		return
	}
	c.validateServer(problem)
	for i, user := range c.Users {
		user.validate(func(key, text string) { problem(index("users", i)+key, text) })
	}
}

func (c Config) validateServer(problem func(key, text string)) {
	if err := checkURL(c.URL); err != nil {
		problem("url", err.Error())
	}
	if err := c.Token.Validate(); err != nil {
		problem("token", err.Error())
	}
}

// Paths that people copy from a browser or from a call of the API, and what is no path.
var (
	endpoint = regexp.MustCompile(`/api/v[0-9](/(authorizations|buckets|health|me|orgs|ping|query|setup|signin|users|write)\b.*)?/?$`)
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
		return errors.New("must not contain a user, a password or a query: the credential belongs in token")
	case u.Fragment != "" || strings.HasSuffix(text, "#"), junk.MatchString(u.Path):
		return errors.New("has something behind the host; give the URL of the server alone, such as " + such)
	case endpoint.MatchString(u.Path):
		return errors.New("is the URL of an API call; give it without /api/… and what follows, such as " + such)
	case page.MatchString(u.Path):
		return errors.New("is the URL of a page in the browser; give it without /orgs/… or /signin, such as " + such)
	}
	return nil
}

// CheckFiles reports what is wrong with the files that the target reads, once their paths
// are absolute.
func (c Config) CheckFiles(problem func(key, text string)) {
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

// Query asks for the org by ID if that is what the configuration gives.
func (c Config) Query() Query {
	if IsID(c.Org) {
		return Query{OrgID: strings.ToLower(c.Org)}
	}
	return Query{Org: c.Org}
}

// LowerIDs writes IDs as the API does.
func (c Config) LowerIDs() Config {
	c.Canary, c.Credential = strings.ToLower(c.Canary), strings.ToLower(c.Credential)
	c.Users = slices.Clone(c.Users)
	for i := range c.Users {
		c.Users[i].ID, c.Users[i].Credential = strings.ToLower(c.Users[i].ID), strings.ToLower(c.Users[i].Credential)
	}
	return c
}

package influx

import (
	"fmt"
	"net/url"
	"regexp"

	"tokenaudit/configs/secret"
)

// Config is one target: an InfluxDB org at one URL, with the credential that
// reviews it.
type Config struct {
	// Name of the target in reports, folders and messages: letters, digits, ".", "_", "-".
	Name string `yaml:"name" json:"name"`
	// URL of the server, such as https://eu-central-1-1.aws.cloud2.influxdata.com.
	URL string `yaml:"url" json:"url"`
	// Org is the name or the 16-hex ID of the org. Without it: every org that the credential can see.
	Org string `yaml:"org,omitempty" json:"org,omitempty"`
	// Token is the audit credential: read-only on authorizations and users.
	Token secret.Ref `yaml:"token" json:"token"`
	// Users to review. Without it: every user that the credential can see.
	Users []User `yaml:"users,omitempty" json:"users,omitempty"`
	// CAFile is a PEM file of the authority that signed the server's certificate, if the system does not know it.
	CAFile string `yaml:"ca_file,omitempty" json:"ca_file,omitempty"`
}

// User is a user to review, by name or by ID. On InfluxDB Cloud a token lists
// only the authorizations of its own user: there each user needs a token of its own.
type User struct {
	// Name of the user, exactly as InfluxDB has it.
	Name string `yaml:"name,omitempty" json:"name,omitempty"`
	// ID of the user: 16 hex digits. It survives a rename; a name does not.
	ID string `yaml:"id,omitempty" json:"id,omitempty"`
	// Token of this user, where the target's own credential cannot see its authorizations.
	Token secret.Ref `yaml:"token,omitzero" json:"token,omitzero"`
}

var (
	namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	idPattern   = regexp.MustCompile(`^[0-9a-fA-F]{16}$`)
)

// Validate reports every problem with the key that it concerns, such as "users[1].id".
func (c Config) Validate(problem func(key, text string)) {
	if !namePattern.MatchString(c.Name) {
		problem("name", `needs a name of letters, digits, ".", "_" and "-", at most 64`)
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		problem("url", "needs a URL such as https://influxdb.example.com:8086")
	case u.User != nil || u.RawQuery != "":
		problem("url", "must not carry a user, a password or a query: the credential belongs in token")
	}
	if err := c.Token.Validate(); err != nil {
		problem("token", err.Error())
	}
	for i, user := range c.Users {
		user.validate(func(key, text string) { problem(index("users", i)+key, text) })
	}
}

func (u User) validate(problem func(key, text string)) {
	switch {
	case u.Name == "" && u.ID == "":
		problem("", "needs a name or an id: an empty one would ask for every user")
	case u.Name != "" && u.ID != "":
		problem(".id", "give a name or an id, not both")
	case u.ID != "" && !idPattern.MatchString(u.ID):
		problem(".id", "needs 16 hex digits; use name for a name")
	}
	if !u.Token.IsZero() {
		if err := u.Token.Validate(); err != nil {
			problem(".token", err.Error())
		}
	}
}

func index(key string, i int) string { return fmt.Sprintf("%s[%d]", key, i) }

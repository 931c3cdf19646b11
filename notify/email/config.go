package email

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"slices"
	"strings"
	"unicode"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
)

// Config is a mail server and who gets mail by it.
type Config struct {
	// Server that takes mail: host:port, such as smtp.example.com:587.
	Server string `yaml:"server" json:"server"`
	// Username on the server. Default: none, for a server that knows this machine.
	Username string `yaml:"username,omitempty" json:"username,omitempty"`
	// Password of the user.
	Password secret.Ref `yaml:"password,omitzero" json:"password,omitzero"`
	// From is the sender's address.
	From string `yaml:"from" json:"from"`
	// To are the addresses of those who get the mail; they see each other.
	To []string `yaml:"to" json:"to"`
	// TLS is required (by STARTTLS; on port 465 from the first byte), implicit (from the first byte), opportunistic (if the server offers it) or off. Default: required.
	TLS TLSMode `yaml:"tls,omitempty" json:"tls,omitempty"`
	// CAFile is a PEM file of the authority that signed the server's certificate, if the system does not know it.
	CAFile setting.Path `yaml:"ca_file,omitempty" json:"ca_file,omitempty"`
	// Attach puts the workbook into the mail: on or off. Default: on.
	Attach AttachMode `yaml:"attach,omitempty" json:"attach,omitempty"`
	// Owners sends a personal mail to each person with a token that needs action. It goes to the person under owners, or to the user if its name is an e-mail address. On or off. Default: off.
	Owners setting.Switch `yaml:"owners,omitempty" json:"owners,omitempty"`
}

// TLSMode says how a connection is encrypted.
type TLSMode string

const (
	TLSRequired      TLSMode = "required"
	TLSImplicit      TLSMode = "implicit"
	TLSOpportunistic TLSMode = "opportunistic"
	TLSOff           TLSMode = "off"
)

// AttachMode is on or off.
type AttachMode string

// AttachOff leaves the workbook out.
const AttachOff AttachMode = "off"

// tls is the mode with its default. Port 465 speaks TLS from the first byte (RFC 8314).
func (c Config) tls() TLSMode {
	_, port, _ := net.SplitHostPort(c.Server) // Validate tells
	mode := cmp.Or(c.TLS, TLSRequired)
	if mode == TLSRequired && port == "465" {
		return TLSImplicit
	}
	return mode
}

// Validate reports every problem with the key that it concerns.
func (c Config) Validate(problem func(key, text string)) {
	if err := checkServer(c.Server); err != nil {
		problem("server", err.Error())
	}
	switch {
	case c.Username == "" && !c.Password.IsZero():
		problem("username", "needs a password; set both or neither")
	case c.Username != "":
		if strings.ContainsFunc(c.Username, unicode.IsControl) {
			problem("username", "contains an invisible character")
		}
		if err := c.Password.Validate(); err != nil {
			problem("password", err.Error())
		}
		if c.TLS == TLSOpportunistic || c.TLS == TLSOff {
			problem("tls", "needs required or implicit where a password is sent")
		}
	}
	if _, err := address(c.From); err != nil {
		problem("from", err.Error())
	}
	if len(c.To) == 0 {
		problem("to", "needs at least one address")
	}
	var seen []string
	for i, to := range c.To {
		key := fmt.Sprintf("to[%d]", i)
		switch a, err := address(to); {
		case err != nil:
			problem(key, err.Error())
		case slices.Contains(seen, strings.ToLower(a.Address)):
			problem(key, "listed twice")
		default:
			seen = append(seen, strings.ToLower(a.Address))
		}
	}
	if !slices.Contains([]TLSMode{TLSRequired, TLSImplicit, TLSOpportunistic, TLSOff}, c.tls()) {
		problem("tls", "needs required, implicit, opportunistic or off")
	}
	if !slices.Contains([]AttachMode{"", "on", AttachOff}, c.Attach) {
		problem("attach", "needs on or off")
	}
}

func checkServer(server string) error {
	const such = "such as smtp.example.com:587"
	host, port, err := net.SplitHostPort(server)
	switch {
	case strings.Contains(server, "://"):
		return errors.New("needs host:port without a scheme (://), " + such)
	case err != nil || host == "" || strings.ContainsFunc(host, odd) || strings.Contains(host, "@"):
		return errors.New("needs host:port, " + such)
	case !setting.IsPort(port):
		return errors.New("needs a port from 1 to 65535 after the host, " + such)
	}
	return nil
}

// CheckFiles reports what is wrong with the files that mail needs, once their paths are
// absolute.
func (c Config) CheckFiles(problem func(key, text string)) {
	if c.CAFile == "" {
		return
	}
	if err := c.CAFile.CheckAuthorities(); err != nil {
		problem("ca_file", err.Error())
	}
}

// address takes what every server takes: ASCII, but for the name before it.
func address(text string) (*mail.Address, error) {
	a, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsFunc(text, unicode.IsControl) || strings.ContainsFunc(a.Address, odd) {
		return nil, errors.New("needs an address such as security@example.com")
	}
	return a, nil
}

func odd(r rune) bool { return r <= ' ' || r >= 0x7f }

package signature

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// Signer is a line of an allowed-signers file (ssh-keygen(1), ALLOWED SIGNERS).
type Signer struct {
	Principals    string // as the line has them: names and patterns, with commas between
	key           ssh.PublicKey
	after, before time.Time // zero is no bound
}

// Signers are the lines of an allowed-signers file that are for a namespace.
type Signers struct {
	all       []Signer
	namespace string
}

// ErrNone is in the error of Parse where no key is for the namespace.
var ErrNone = errors.New("the allowed-signers file has no key for the namespace")

// Parse reads an allowed-signers file. Keys of other namespaces are left out. It refuses
// what it does not understand, since that may be a bound.
func Parse(text []byte, namespace string) (Signers, error) {
	out := Signers{namespace: namespace}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s, ours, err := parseSigner(line, namespace)
		if err != nil {
			return out, fmt.Errorf("allowed signers, line %d: %w", number, err)
		}
		if ours {
			out.all = append(out.all, s)
		}
	}
	if len(out.all) == 0 {
		return out, fmt.Errorf("%w %s", ErrNone, namespace)
	}
	return out, nil
}

func parseSigner(line, namespace string) (s Signer, ours bool, err error) {
	principals, rest := cutPrincipals(line)
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil {
		return s, false, errors.New("needs principals, options and a public key, such as: audit@example.com ssh-ed25519 AAAA…")
	}
	s, ours = Signer{Principals: principals, key: key}, true
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "namespaces":
			ours = slices.Contains(strings.Split(value, ","), namespace)
		case "valid-after":
			s.after, err = parseSignerTime(value)
		case "valid-before":
			s.before, err = parseSignerTime(value)
		default:
			err = fmt.Errorf("option %.40q is not supported", name)
		}
		if err != nil {
			return s, false, err
		}
	}
	return s, ours, nil
}

func cutPrincipals(line string) (principals, rest string) {
	if quoted, ok := strings.CutPrefix(line, `"`); ok {
		principals, rest, _ = strings.Cut(quoted, `"`)
		return principals, rest
	}
	at := strings.IndexAny(line, " \t")
	if at < 0 {
		return line, ""
	}
	return line[:at], line[at:]
}

// parseSignerTime reads YYYYMMDD[HHMM[SS]][Z]; without Z it is local, as for
// ssh-keygen.
func parseSignerTime(text string) (time.Time, error) {
	digits, utc := strings.CutSuffix(text, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(digits) == len(layout) {
			return time.ParseInLocation(layout, digits, zone)
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not a time such as 20261231 or 202612312359Z", text)
}

// Of gives the line that allows a key at a time.
func (s Signers) Of(key ssh.PublicKey, at time.Time) (Signer, error) {
	reason := "is of a key that the allowed-signers file does not have: " + ssh.FingerprintSHA256(key)
	for _, line := range s.all {
		if !bytes.Equal(line.key.Marshal(), key.Marshal()) {
			continue
		}
		if (line.after.IsZero() || !at.Before(line.after)) && (line.before.IsZero() || at.Before(line.before)) {
			return line, nil
		}
		reason = fmt.Sprintf("is of the key %s, which was not valid at %s", ssh.FingerprintSHA256(key), at.UTC().Format(time.RFC3339))
	}
	return Signer{}, errors.New(reason)
}

// Has reports whether somebody has a key, by exact name.
func (s Signers) Has(person string) bool {
	return slices.ContainsFunc(s.all, func(line Signer) bool {
		who, err := line.Person(person)
		return err == nil && strings.EqualFold(who, person)
	})
}

// Verify checks the signature of a file by a person, and gives the line of its key and the
// fingerprint of that. Its errors go on where the name of the signature stands.
func (s Signers) Verify(file string, content, armored []byte, at time.Time) (signer Signer, key string, err error) {
	if made, err := sshsig.Unarmor(armored); err == nil && made.Namespace != s.namespace { // what people get wrong most
		return signer, "", fmt.Errorf("is for the namespace %.40q; sign with ssh-keygen -Y sign -n %s", made.Namespace, s.namespace)
	}
	public, err := KeyOf(file, content, armored, s.namespace)
	if err != nil {
		return signer, "", err
	}
	signer, err = s.Of(public, at)
	return signer, ssh.FingerprintSHA256(public), err
}

// Person is the one person whose key the line has, by e-mail address in lower case. A line
// with several names, such as an old and a new address, allows whom the file is said to be
// of; a pattern allows nobody: whose key it is has to be exact.
func (s Signer) Person(said string) (string, error) {
	var names []string
	for name := range strings.SplitSeq(s.Principals, ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" && !strings.ContainsAny(name, "*?!") {
			names = append(names, name)
		}
	}
	said = strings.ToLower(strings.TrimSpace(said))
	switch {
	case len(names) == 0:
		return "", fmt.Errorf("is of the key of %.100q, which is a pattern: give the key a line with the e-mail address of one person", s.Principals)
	case slices.Contains(names, said):
		return said, nil
	case said != "":
		return "", fmt.Errorf("is of the key of %.100s, and the file is of %.100s", s.Principals, said)
	case len(names) > 1:
		return "", fmt.Errorf("is of a key with several names, %.100s: say whose file it is", s.Principals)
	}
	return names[0], nil
}
